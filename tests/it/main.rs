//! The integration tests: one binary, linked once. One behaviour, one file.

mod escalating;
mod flooding;
mod house;
mod keys;
mod layers;
mod mailing;
mod refusing_to_start;
mod repeating;
mod restarting;
mod sessions;
mod silencing;
mod source;
mod starting;
mod stream_ends;
mod streams;
mod support;

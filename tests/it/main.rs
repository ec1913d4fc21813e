//! The integration tests: one binary, linked once. One behaviour, one file.

mod flooding;
mod house;
mod importing;
mod keys;
mod layers;
mod mailing;
mod refusing_to_start;
mod repeating;
mod reporting;
mod restarting;
mod sessions;
mod source;
mod starting;
mod stream_ends;
mod streams;
mod support;
mod trending;

//! The integration tests: one binary, linked once. One behaviour, one file.

mod calling;
mod caring;
mod escalating;
mod flooding;
mod house;
mod importing;
mod keys;
mod layers;
mod mailing;
mod modules;
mod overriding;
mod refusing_to_start;
mod registering;
mod repeating;
mod reporting;
mod restarting;
mod rules;
mod sessions;
mod silencing;
mod source;
mod starting;
mod stream_ends;
mod streams;
mod support;
mod tills;
mod trending;

//! The integration tests: one binary, linked once. One behaviour, one file.

mod house;
mod layers;
mod source;

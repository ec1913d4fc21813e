//! What the product is about, as plain functions over values: no async, no I/O, no clock, no randomness.

pub mod ids;

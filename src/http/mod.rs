//! A stand-in for the HTTP layer.

pub mod openapi;

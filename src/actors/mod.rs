//! The actors: every organisation is one, and all that changes it goes through it, one command after the other.
//!
//! Promise: what is answered is on disk; what is seen is on disk. Never here: rules of the product, HTTP.

pub mod access;
pub mod block_index;
pub mod engine;
pub mod org;
pub mod refusal;

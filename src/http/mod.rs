//! HTTP: what comes in is known, bounded and read into a command; what goes out is JSON, a stream of events, or a problem.
//!
//! Promise: every route is a line of the table below and a path of the OpenAPI document; every error is a problem document; the
//! organisation always comes from the credential. Never here: rules of the product, waiting for a disk, or a look at a store.

pub mod problem;
pub mod problem_pages;

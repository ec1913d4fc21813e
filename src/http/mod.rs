//! HTTP: what comes in is known, bounded and read into a command; what goes out is JSON, a stream of events, or a problem.
//!
//! Promise: every route is a line of the table below and a path of the OpenAPI document; every error is a problem document; the
//! organisation always comes from the credential. Never here: rules of the product, waiting for a disk, or a look at a store.

pub mod body;
pub mod credential;
pub mod guard;
pub mod idempotency;
pub mod metrics;
pub mod origin;
pub mod paging;
pub mod password;
pub mod path;
pub mod percent;
pub mod problem;
pub mod problem_pages;
pub mod query;
pub mod respond;
pub mod sealed;
mod site;

pub use site::{BODY_BYTES_MAX, HttpSettings, HttpState, KEEP_ALIVE_S, Site};

//! The actors: every organisation is one, and all that changes it goes through it, one command after the other.
//!
//! ```text
//! engine (the handle) ─► tenant (the one path of a change) ─► journal
//!    │                      └─ organisation, directory: how their events are shown ─► block index, access, feed, agenda
//!    └─ scheduler ─► herald (who hears), courier (deliveries), executor (approved work)      start: recovery of everything
//! ```
//! Promise: what is answered is on disk; what is seen is on disk. Never here: rules of the product, HTTP.

pub mod access;
pub mod agenda;
pub mod as_it_is;
mod batch;
pub mod block_index;
pub mod courier;
mod directory;
mod due;
pub mod engine;
pub mod executor;
pub mod feed;
pub mod herald;
mod job;
mod kind;
pub mod notifier;
pub mod org;
mod organisation;
pub mod orgs;
pub mod outbox;
pub mod receivers;
pub mod refusal;
pub mod scheduler;
pub mod services;
pub mod start;
mod tenant;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

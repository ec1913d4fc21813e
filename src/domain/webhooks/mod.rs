//! Webhooks: systems of an organisation that are told what happens in it.
//!
//! Promise: what they are told is made in the same commit as what it tells of, so that nothing that happened is left out by a crash; each
//! notice has an id that stays over all attempts. Their secrets are not here: they are derived from the server's key, see `delivery/signing.rs`.

pub mod announce;
pub mod commands;
pub mod store;

use std::sync::Arc;

use uuid::Uuid;

use super::actions::{AttemptOutcome, ExecutionStatus};
use super::time::Timestamp;
use super::view::feed::Topic;

/// The most webhooks of one organisation.
pub const WEBHOOKS_MAX: usize = 20;
/// The most notices that wait for one webhook; beyond, the oldest is let go and counted as missed.
pub const WAITING_MAX: usize = 10_000;
/// The bytes of bodies that wait in one organisation at most; beyond, the oldest of whichever webhook is let go and counted as missed.
/// Twenty webhooks that are down would else hold 200 000 bodies of any length in memory and in every snapshot; this is room for some
/// ten thousand of usual length.
pub const WAITING_BYTES_MAX: usize = 32 << 20;
/// The longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2_000;

/// A system that is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Webhook {
    pub id: Uuid,
    /// The sequence number that made it: the order of lists.
    pub seq: u64,
    pub url: Arc<str>,
    pub events: Vec<Topic>,
    pub description: Option<Arc<str>>,
    /// Which of its secrets signs; counts up when the secret is changed.
    pub generation: u32,
    pub created_by: Arc<str>,
    pub created_at: Timestamp,
    pub delivered: u64,
    /// Notices that were given up.
    pub failed: u64,
    /// Notices that were let go because too many waited.
    pub missed: u64,
    /// What came of the last attempt that did not deliver.
    pub last_error: Option<Arc<str>>,
}

/// One thing that a webhook is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Notice {
    pub id: Uuid,
    /// The sequence number of its own event.
    pub seq: u64,
    pub webhook_id: Uuid,
    /// The body, byte for byte the same at every attempt.
    pub body: Arc<str>,
    pub made_at: Timestamp,
    pub failures: u32,
    pub due_at: Timestamp,
}

/// What an attempt at a notice came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct NoticeAttempted {
    pub id: Uuid,
    pub webhook_id: Uuid,
    pub outcome: AttemptOutcome,
    pub detail: Arc<str>,
    pub status: ExecutionStatus,
    pub next_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests;

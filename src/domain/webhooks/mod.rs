//! Webhooks: systems of an organisation that are told what happens in it.
//!
//! Promise: what they are told is made in the same commit as what it tells of, so that nothing that happened is left out by a crash; each
//! notice has an id that stays over all attempts. Their secrets are not here: they are derived from the server's key, see `delivery/signing.rs`.

pub mod announce;
pub mod care;
pub mod commands;
pub mod health;
pub mod log;
pub mod settled;
pub mod store;

use std::sync::Arc;

use uuid::Uuid;

use super::actions::{AttemptOutcome, ExecutionStatus};
use super::time::{DAY_MS, Timestamp};
use super::view::feed::Topic;
use health::Health;

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

/// How long a secret signs beside the one that took its place.
pub const BOTH_SIGN_MS: i64 = DAY_MS;

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
    /// When that was the last time.
    pub rotated_at: Option<Timestamp>,
    pub created_by: Arc<str>,
    pub created_at: Timestamp,
    pub delivered: u64,
    /// Notices that were given up.
    pub failed: u64,
    /// Notices that were let go because too many waited.
    pub missed: u64,
    /// What came of the last attempt that did not deliver.
    pub last_error: Option<Arc<str>>,
    pub health: Health,
}

impl Webhook {
    /// Until when the secret before this one signs as well.
    pub fn both_sign_until(&self) -> Option<Timestamp> {
        self.rotated_at.map(|at| at.plus_ms(BOTH_SIGN_MS))
    }

    /// The generation that signs at a moment, and the one that signs beside it.
    pub fn generations(&self, now: Timestamp) -> (u32, Option<u32>) {
        let both = self.both_sign_until().is_some_and(|until| now < until);
        (self.generation, self.generation.checked_sub(1).filter(|_| both))
    }
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

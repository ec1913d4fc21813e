//! What a caller of the engine gets: an answer that is durable, or why there is none.

use crate::domain::decision::Done;
use crate::domain::rejection::Rejection;

/// An answer that is durable and published.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Whether something was made.
    pub done: Done,
    /// JSON.
    pub body: Vec<u8>,
    /// The version of the stream after it.
    pub version: u64,
    /// Whether this is the answer to an earlier request of the same idempotency key.
    pub replayed: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The rules say no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// This organisation has too much on its hands.
    #[error("the organisation has {waiting} requests waiting")]
    OrganisationBusy {
        /// How many.
        waiting: usize,
    },
    /// The server has too much on its hands.
    #[error("the server has too many requests waiting")]
    ServerBusy,
    /// Its records are being read.
    #[error("the organisation is starting")]
    Starting,
    /// Its records are damaged or poisoned.
    #[error("the organisation is in quarantine")]
    Quarantined,
    /// The disk is full, or something from it failed: reading goes on, writing does not.
    #[error("nothing can be written: {why}")]
    ReadOnly {
        /// Why.
        why: String,
    },
    /// The write was not acknowledged by the disk, so it did not happen or will be found at the next start.
    #[error("the write was not confirmed by the disk")]
    Unconfirmed,
    /// A state at least as new as this is asked for, and is not here.
    #[error("this server is at version {version}")]
    Behind {
        /// Where it is.
        version: u64,
    },
    /// A bug: the request was given up, and everything reloaded from the journal.
    #[error("the request failed by a fault of the server")]
    Failed,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

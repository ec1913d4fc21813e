//! What is written down about requests, besides the request itself.

use std::sync::Arc;

use uuid::Uuid;

use super::{Status, Step, Vote};
use crate::domain::ids::{UserId, VenueId};
use crate::domain::json::JsonText;
use crate::domain::people::Via;
use crate::domain::risk::Risk;
use crate::domain::time::Timestamp;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Decided {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// The place of its step.
    pub step: u32,
    pub vote: Vote,
    /// The status after it.
    pub status: Status,
}

/// That the policy lets it run, without decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Cleared {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// Why nobody is asked.
    pub reason: Arc<str>,
}

/// That it waits for its time, or for the end of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Scheduled {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub runs_at: Timestamp,
    pub reason: Option<Arc<str>>,
}

/// That it waits for decisions again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Reopened {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// Whose decisions are void; none where it ran by the policy alone.
    pub void: Vec<UserId>,
    pub reason: Arc<str>,
    pub decide_by: Option<Timestamp>,
}

/// Another payload, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Edited {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub payload: JsonText,
    pub payload_hash: [u8; 32],
    pub preview: JsonText,
    pub risk: Option<Risk>,
    pub steps: Vec<Step>,
    pub beneficiary: Option<UserId>,
    pub subject: Option<Uuid>,
    pub compensation: Option<JsonText>,
    /// The person behind the edit, who decides about it no more.
    pub editor: Option<UserId>,
    pub by: Arc<str>,
    pub via: Via,
}

/// The end of a request that nobody's decision brought: cancelled or expired.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Closed {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub status: Status,
    pub by: Arc<str>,
    pub via: Via,
    pub reason: Option<Arc<str>>,
}

/// That its execution begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Claimed {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub key: [u8; 32],
    pub task_id: Uuid,
}

/// That the same was done lately.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Skipped {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub key: [u8; 32],
    /// The request that did it.
    pub original: Uuid,
}

/// That a try came to nothing and another will be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TriedAgain {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub task_id: Uuid,
    /// Which try comes next.
    pub attempt: u32,
    pub error: Arc<str>,
    pub next_at: Timestamp,
}

/// That it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Executed {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub by: Arc<str>,
    pub via: Via,
    /// Nothing where a person only knows that it was done.
    pub result: Option<JsonText>,
    pub key: Option<[u8; 32]>,
    pub task_id: Option<Uuid>,
    pub undo_payload: Option<JsonText>,
    pub undoable_until: Option<Timestamp>,
    /// What the person said who settled it.
    pub note: Option<Arc<str>>,
}

/// That it was not carried out, or that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Failed {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// [`Status::Failed`] or [`Status::InDoubt`].
    pub status: Status,
    pub by: Arc<str>,
    pub via: Via,
    pub error: Arc<str>,
}

/// That it is to run once more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Retried {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub by: Arc<str>,
    pub via: Via,
    pub reason: Option<Arc<str>>,
}

/// That what it did was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Undone {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// The request that took it back.
    pub undo: Uuid,
}

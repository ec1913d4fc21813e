//! Approvals: what somebody wants done and others decide about. A request is frozen with its steps when it is submitted; every move of
//! it is a row of the table in `machine.rs`.
//!
//! Promise: nothing is granted without the quorum of distinct other people on exactly the payload that was submitted.

pub mod cancel;
pub mod decide;
pub mod expiry;
pub mod follow;
pub mod machine;
pub mod overrides;
pub mod policy;
pub mod store;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ids::{OutsideId, UserId, VenueId};
use super::json::JsonText;
use super::people::{Authority, Role, Via};
pub use super::risk::{Risk, RiskFactor, RiskLevel};
use super::time::Timestamp;
pub use machine::Status;

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Source {
    Module,
    Board,
    User,
    Override,
    Undo,
}

/// What somebody decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Verdict {
    Approved,
    Rejected,
}

/// One person's decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Vote {
    pub by: UserId,
    pub via: Via,
    pub verdict: Verdict,
    pub comment: Option<Arc<str>>,
    pub at: Timestamp,
}

/// Whose decision a step waits for: `user:ID`, `role:ROLE` or `authority:AUTHORITY` outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Assignee {
    User(UserId),
    Role(Role),
    Authority(Authority),
}

impl Assignee {
    /// The text outside.
    pub fn text(&self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::Role(role) => format!("role:{}", role.name()),
            Self::Authority(rung) => format!("authority:{rung}"),
        }
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("user", id) => OutsideId::parse(id).ok().map(Self::User),
            ("role", name) => Role::named(name).map(Self::Role),
            ("authority", rung) if !rung.is_empty() => Some(Self::Authority(Authority::named(rung))),
            _ => None,
        }
    }
}

/// One step: so many of these people. The steps are frozen into the request when it is submitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Step {
    pub name: Arc<str>,
    pub who: Assignee,
    /// At least 1.
    pub quorum: u32,
    pub decisions: Vec<Vote>,
}

impl Step {
    /// A step that nobody has decided.
    pub fn new(name: &str, who: Assignee, quorum: u32) -> Self {
        Self { name: name.into(), who, quorum: quorum.max(1), decisions: Vec::new() }
    }

    /// Whether enough people approved.
    pub fn is_reached(&self) -> bool {
        let approved = self.decisions.iter().filter(|vote| vote.verdict == Verdict::Approved).count();
        approved >= self.quorum as usize
    }
}

/// One line of a request's life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AuditLine {
    /// The sequence number of its record's event.
    pub seq: u64,
    pub at: Timestamp,
    /// What happened: `submitted`, `approved`, `rejected`, `cancelled`, `expired`, `executed`.
    pub what: Arc<str>,
    /// A person's id, `key:ID` or `schedule`.
    pub by: Arc<str>,
    pub via: Via,
    pub note: Option<Arc<str>>,
}

/// What came of it: when, and what the capability gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Execution {
    pub at: Timestamp,
    pub result: JsonText,
}

/// A request as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Approval {
    pub id: Uuid,
    /// The sequence number that submitted it: the order of lists.
    pub seq: u64,
    pub venue_id: Option<VenueId>,
    pub source: Source,
    pub module: Arc<str>,
    pub capability: Arc<str>,
    pub title: Arc<str>,
    /// Canonical.
    pub payload: JsonText,
    /// BLAKE3 of capability and payload; a decision names the one that it saw.
    pub payload_hash: [u8; 32],
    pub preview: JsonText,
    pub risk: Option<Risk>,
    pub status: Status,
    /// Why it has this status, where somebody said so.
    pub reason: Option<Arc<str>>,
    pub steps: Vec<Step>,
    /// The person who asked, also with a key of theirs; else `key:ID`.
    pub created_by: Arc<str>,
    pub via: Via,
    /// The person behind the request; never decides about it.
    pub requester: Option<UserId>,
    /// The person that it is for; never decides about it either.
    pub beneficiary: Option<UserId>,
    /// What it is about, such as the block of an override.
    pub subject: Option<Uuid>,
    pub created_at: Timestamp,
    pub decide_by: Option<Timestamp>,
    pub run_by: Option<Timestamp>,
    pub execution: Option<Execution>,
    pub audit: Vec<AuditLine>,
}

impl Approval {
    /// Whether it waits for decisions at this moment.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.status == Status::Pending && self.decide_by.is_none_or(|at| at > now)
    }

    /// The first step that is not reached, with its place.
    pub fn current_step(&self) -> Option<(usize, &Step)> {
        self.steps.iter().enumerate().find(|(_, step)| !step.is_reached())
    }

    /// Whether this person has decided, at any step.
    pub fn has_decided(&self, person: &UserId) -> bool {
        self.steps.iter().flat_map(|step| &step.decisions).any(|vote| &vote.by == person)
    }
}

/// A decision as it is written down.
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

/// That it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Executed {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub by: Arc<str>,
    pub via: Via,
    pub result: JsonText,
}

/// The hash that a decision names.
pub fn payload_hash(capability: &str, payload: &JsonText) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(capability.as_bytes()).update(&[0]).update(payload.as_str().as_bytes());
    hasher.finalize().into()
}

/// A hash as 64 small hexadecimal digits.
pub fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().as_str().to_owned()
}

#[cfg(test)]
mod tests;

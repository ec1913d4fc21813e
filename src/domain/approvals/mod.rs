//! Approvals: what somebody wants done, others decide about, and what came of it. A request is frozen with its steps when it is
//! submitted; every move of it is a row of the table in `machine.rs`.
//!
//! ```text
//!  submit ─ frame ─ compose ┐                     claim ─ begin ─┬─ an effect of our own, in the same commit
//!                           ├─► pending ─ decide ─► (queue) ──►  └─ a task of the executor ─ progress ─ finish
//!  edit ─── frame ─ compose ┘
//! ```
//! Promise: nothing runs without the quorum of distinct other people on exactly the payload that they saw, valid when it is claimed;
//! what is not idempotent runs at most once, or says that it is in doubt.
//! Never here: calling anybody. The executor derives its work from [`due`] and reports back with a command.

pub mod begin;
pub mod cancel;
pub mod claim;
pub mod compose;
pub mod consent;
pub mod decide;
pub mod due;
pub mod edit;
pub mod expiry;
pub mod facts;
pub mod finish;
pub mod follow;
pub mod index;
pub mod machine;
pub mod many;
pub mod overrides;
pub mod policy;
pub mod progress;
pub mod queue;
pub mod retry;
pub mod settle;
pub mod store;
pub mod submit;
pub mod undo;

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

/// What lets a request run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// The quorum of each of its steps.
    Votes,
    /// The organisation's policy, for what is harmless and can be undone.
    Auto,
    /// That nobody of its steps objects in time.
    Veto,
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

/// What came of it: the run, and what the capability gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Execution {
    /// What tells the same work from other work; nothing in records that are older than keys.
    pub key: Option<[u8; 32]>,
    /// The task of the newest run; nothing for what was skipped or never ran.
    pub task_id: Option<Uuid>,
    /// Which try it is, 1 the first; 0 for what never ran.
    pub attempt: u32,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// When it is tried again, while it is executing.
    pub next_at: Option<Timestamp>,
    pub result: Option<JsonText>,
    /// What takes it back.
    pub undo_payload: Option<JsonText>,
    pub undoable_until: Option<Timestamp>,
    pub error: Option<Arc<str>>,
    /// The finished run of the same that stands for it.
    pub original: Option<Uuid>,
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
    /// The work item outside that it belongs to.
    pub action_item_id: Option<OutsideId>,
    /// What makes it the same work as another request; the work item when absent.
    pub dedupe_key: Option<Arc<str>>,
    /// Runs also when the same was done lately.
    pub allow_repeat: bool,
    pub scheduled_for: Option<Timestamp>,
    /// The person who owns the action.
    pub owner: Option<UserId>,
    /// The people who changed its payload; they never decide about it.
    pub editors: Vec<UserId>,
    pub consent: Consent,
    /// The request that this one takes back.
    pub undo_of: Option<Uuid>,
    /// How its effect could be put right, as the capability said before it ran.
    pub compensation: Option<JsonText>,
    /// When it is due, once it is approved.
    pub runs_at: Option<Timestamp>,
    pub execution: Option<Execution>,
    pub audit: Vec<AuditLine>,
}

impl Approval {
    /// Whether it waits for decisions at this moment.
    pub fn is_waiting(&self, now: Timestamp) -> bool {
        self.status == Status::Pending && self.deadline().is_none_or(|at| at > now)
    }

    /// Until when something must have happened to it; nothing once it runs or has ended.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.status {
            Status::Pending => [self.decide_by, self.run_by].into_iter().flatten().min(),
            Status::Approved | Status::Scheduled => self.run_by,
            _ => None,
        }
    }

    /// Whether those of its steps may still object to it.
    pub fn is_held_for_veto(&self) -> bool {
        self.consent == Consent::Veto && self.status == Status::Scheduled
    }

    /// Whether a person is one who never decides about it: asked for it, gets it, or changed it.
    pub fn is_of(&self, person: &UserId) -> bool {
        self.requester.as_ref() == Some(person)
            || self.beneficiary.as_ref() == Some(person)
            || self.editors.contains(person)
    }

    /// What tells the same work from other work; the executor sends it along, so that a receiver can tell a repetition.
    pub fn key(&self) -> [u8; 32] {
        let item = self.action_item_id.as_ref().map(OutsideId::as_str);
        let mut hasher = blake3::Hasher::new();
        let mut part = |name: &str, text: Option<&str>| {
            let Some(text) = text else { return };
            for piece in [name, text] {
                hasher.update(&(piece.len() as u64).to_le_bytes()).update(piece.as_bytes());
            }
        };
        part("capability", Some(&self.capability));
        part("payload", Some(self.payload.as_str()));
        part("dedupe", self.dedupe_key.as_deref().or(item));
        part("undo", self.undo_of.map(|id| id.to_string()).as_deref());
        part("repeat", self.allow_repeat.then(|| self.id.to_string()).as_deref());
        hasher.finalize().into()
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

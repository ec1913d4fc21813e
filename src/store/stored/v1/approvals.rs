//! Requests for approval. What has grown since is in `v2`, and its first form here is only read.

use crate::domain::approvals::facts::{Closed, Decided};
use crate::domain::approvals::{Assignee, AuditLine, Risk, RiskFactor, Step, Vote};
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen};

/// Whom a step waits for, as its text outside.
impl Form<Assignee> for String {
    fn freeze(value: &Assignee) -> Self {
        value.text()
    }

    fn thaw(self) -> Result<Assignee, StoredError> {
        Assignee::parse(&self).ok_or_else(|| StoredError::malformed("whom a step waits for", self))
    }
}

frozen! {
    /// One reason for a score.
    RiskFactorV1 of RiskFactor {
        name: String,
        points: u32,
        why: String,
    }

    /// A score.
    RiskV1 of Risk {
        score: u32,
        level: u8,
        factors: Vec<RiskFactorV1>,
    }

    /// One person's decision.
    VoteV1 of Vote {
        by: String,
        via: u8,
        verdict: u8,
        comment: Option<String>,
        at: i64,
    }

    /// A step.
    StepV1 of Step {
        name: String,
        who: String,
        quorum: u32,
        decisions: Vec<VoteV1>,
    }

    /// A line of a request's life.
    AuditLineV1 of AuditLine {
        seq: u64,
        at: i64,
        what: String,
        by: String,
        via: u8,
        note: Option<String>,
    }

    /// That somebody decided.
    DecidedV1 of Decided {
        id: [u8; 16],
        venue_id: Option<String>,
        step: u32,
        vote: VoteV1,
        status: u8,
    }

    /// That it ended without a decision.
    ClosedV1 of Closed {
        id: [u8; 16],
        venue_id: Option<String>,
        status: u8,
        by: String,
        via: u8,
        reason: Option<String>,
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain as it was")]
pub struct ExecutionV1 {
    pub at: i64,
    pub result: String,
}

/// A request as it stands. In an event the number is not its own yet.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain as it was")]
pub struct ApprovalV1 {
    pub id: [u8; 16],
    pub seq: u64,
    pub venue_id: Option<String>,
    pub source: u8,
    pub module: String,
    pub capability: String,
    pub title: String,
    pub payload: String,
    pub payload_hash: [u8; 32],
    pub preview: String,
    pub risk: Option<RiskV1>,
    pub status: u8,
    pub reason: Option<String>,
    pub steps: Vec<StepV1>,
    pub created_by: String,
    pub via: u8,
    pub requester: Option<String>,
    pub beneficiary: Option<String>,
    pub subject: Option<[u8; 16]>,
    pub created_at: i64,
    pub decide_by: Option<i64>,
    pub run_by: Option<i64>,
    pub execution: Option<ExecutionV1>,
    pub audit: Vec<AuditLineV1>,
}

/// That it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain as it was")]
pub struct ExecutedV1 {
    pub id: [u8; 16],
    pub venue_id: Option<String>,
    pub by: String,
    pub via: u8,
    pub result: String,
}

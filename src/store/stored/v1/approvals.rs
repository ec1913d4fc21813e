//! Requests for approval.

use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Closed, Decided, Executed, Execution, Risk, RiskFactor, Step, Vote,
};
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

    /// What came of it.
    ExecutionV1 of Execution {
        at: i64,
        result: String,
    }

    /// A request as it stands. In an event the number is not its own yet.
    ApprovalV1 of Approval {
        id: [u8; 16],
        seq: u64,
        venue_id: Option<String>,
        source: u8,
        module: String,
        capability: String,
        title: String,
        payload: String,
        payload_hash: [u8; 32],
        preview: String,
        risk: Option<RiskV1>,
        status: u8,
        reason: Option<String>,
        steps: Vec<StepV1>,
        created_by: String,
        via: u8,
        requester: Option<String>,
        beneficiary: Option<String>,
        subject: Option<[u8; 16]>,
        created_at: i64,
        decide_by: Option<i64>,
        run_by: Option<i64>,
        execution: Option<ExecutionV1>,
        audit: Vec<AuditLineV1>,
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

    /// That it was carried out.
    ExecutedV1 of Executed {
        id: [u8; 16],
        venue_id: Option<String>,
        by: String,
        via: u8,
        result: String,
    }
}

//! Requests for approval: with consent, schedule and execution.

use crate::domain::approvals::facts::{
    Claimed, Cleared, Edited, Executed, Failed, Reopened, Retried, Scheduled, Skipped, TriedAgain, Undone,
};
use crate::domain::approvals::{Approval, Consent, Execution};
use crate::store::stored::form::{Form, frozen};
use crate::store::stored::v1::{ApprovalStepV1, ApprovalV1, AuditLineV1, ExecutedV1, ExecutionV1, RiskV1};

frozen! {
    /// What came of it.
    ExecutionV2 of Execution {
        key: Option<[u8; 32]>,
        task_id: Option<[u8; 16]>,
        attempt: u32,
        started_at: Option<i64>,
        finished_at: Option<i64>,
        next_at: Option<i64>,
        result: Option<String>,
        undo_payload: Option<String>,
        undoable_until: Option<i64>,
        error: Option<String>,
        original: Option<[u8; 16]>,
    }

    /// A request as it stands. In an event the number is not its own yet.
    ApprovalV2 of Approval {
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
        steps: Vec<ApprovalStepV1>,
        created_by: String,
        via: u8,
        requester: Option<String>,
        beneficiary: Option<String>,
        subject: Option<[u8; 16]>,
        created_at: i64,
        decide_by: Option<i64>,
        run_by: Option<i64>,
        action_item_id: Option<String>,
        dedupe_key: Option<String>,
        allow_repeat: bool,
        scheduled_for: Option<i64>,
        owner: Option<String>,
        editors: Vec<String>,
        consent: u8,
        undo_of: Option<[u8; 16]>,
        compensation: Option<String>,
        runs_at: Option<i64>,
        execution: Option<ExecutionV2>,
        audit: Vec<AuditLineV1>,
    }

    /// That it was carried out.
    ExecutedV2 of Executed {
        id: [u8; 16],
        venue_id: Option<String>,
        by: String,
        via: u8,
        result: Option<String>,
        key: Option<[u8; 32]>,
        task_id: Option<[u8; 16]>,
        undo_payload: Option<String>,
        undoable_until: Option<i64>,
        note: Option<String>,
    }

    /// That the policy lets it run.
    ClearedV2 of Cleared {
        id: [u8; 16],
        venue_id: Option<String>,
        reason: String,
    }

    /// That it waits for its time.
    ScheduledV2 of Scheduled {
        id: [u8; 16],
        venue_id: Option<String>,
        runs_at: i64,
        reason: Option<String>,
    }

    /// That it waits for decisions again.
    ReopenedV2 of Reopened {
        id: [u8; 16],
        venue_id: Option<String>,
        void: Vec<String>,
        reason: String,
        decide_by: Option<i64>,
    }

    /// Another payload.
    EditedV2 of Edited {
        id: [u8; 16],
        venue_id: Option<String>,
        payload: String,
        payload_hash: [u8; 32],
        preview: String,
        risk: Option<RiskV1>,
        steps: Vec<ApprovalStepV1>,
        beneficiary: Option<String>,
        subject: Option<[u8; 16]>,
        compensation: Option<String>,
        editor: Option<String>,
        by: String,
        via: u8,
    }

    /// That its execution begins.
    ClaimedV2 of Claimed {
        id: [u8; 16],
        venue_id: Option<String>,
        key: [u8; 32],
        task_id: [u8; 16],
    }

    /// That the same was done lately.
    SkippedV2 of Skipped {
        id: [u8; 16],
        venue_id: Option<String>,
        key: [u8; 32],
        original: [u8; 16],
    }

    /// That another try will be made.
    TriedAgainV2 of TriedAgain {
        id: [u8; 16],
        venue_id: Option<String>,
        task_id: [u8; 16],
        attempt: u32,
        error: String,
        next_at: i64,
    }

    /// That it failed, or that nobody knows.
    FailedV2 of Failed {
        id: [u8; 16],
        venue_id: Option<String>,
        status: u8,
        by: String,
        via: u8,
        error: String,
    }

    /// That it is to run once more.
    RetriedV2 of Retried {
        id: [u8; 16],
        venue_id: Option<String>,
        by: String,
        via: u8,
        reason: Option<String>,
    }

    /// That what it did was taken back.
    UndoneV2 of Undone {
        id: [u8; 16],
        venue_id: Option<String>,
        undo: [u8; 16],
    }
}

impl From<ExecutionV1> for ExecutionV2 {
    fn from(old: ExecutionV1) -> Self {
        Self {
            key: None,
            task_id: None,
            attempt: 1,
            started_at: Some(old.at),
            finished_at: Some(old.at),
            next_at: None,
            result: Some(old.result),
            undo_payload: None,
            undoable_until: None,
            error: None,
            original: None,
        }
    }
}

/// All of them were overrides, each for a grant of its own.
impl From<ApprovalV1> for ApprovalV2 {
    fn from(old: ApprovalV1) -> Self {
        Self {
            id: old.id,
            seq: old.seq,
            venue_id: old.venue_id,
            source: old.source,
            module: old.module,
            capability: old.capability,
            title: old.title,
            payload: old.payload,
            payload_hash: old.payload_hash,
            preview: old.preview,
            risk: old.risk,
            status: old.status,
            reason: old.reason,
            steps: old.steps,
            created_by: old.created_by,
            via: old.via,
            requester: old.requester,
            beneficiary: old.beneficiary,
            subject: old.subject,
            created_at: old.created_at,
            decide_by: old.decide_by,
            run_by: old.run_by,
            action_item_id: None,
            dedupe_key: None,
            allow_repeat: true,
            scheduled_for: None,
            owner: None,
            editors: Vec::new(),
            consent: Form::freeze(&Consent::Votes),
            undo_of: None,
            compensation: None,
            runs_at: None,
            execution: old.execution.map(Into::into),
            audit: old.audit,
        }
    }
}

impl From<ExecutedV1> for ExecutedV2 {
    fn from(old: ExecutedV1) -> Self {
        Self {
            id: old.id,
            venue_id: old.venue_id,
            by: old.by,
            via: old.via,
            result: Some(old.result),
            key: None,
            task_id: None,
            undo_payload: None,
            undoable_until: None,
            note: None,
        }
    }
}

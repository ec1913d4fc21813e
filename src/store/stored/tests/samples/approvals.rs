//! Samples of a request for approval and of a grant.

use rust_decimal::Decimal;
use serde_json::json;

use super::{APPROVAL, AT, BLOCK, GRANT, LATER, TASK, VIOLATION, WEBHOOK, block_key, id, venue_id};
use crate::domain::approvals::facts::{
    Claimed, Cleared, Closed, Decided, Edited, Executed, Failed, Reopened, Retried, Scheduled, Skipped, TriedAgain,
    Undone,
};
use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Consent, Execution, Risk, RiskFactor, RiskLevel, Source, Status, Step, Verdict, Vote,
};
use crate::domain::blocks::grants::{Grant, GrantEnd, Use};
use crate::domain::event::Event;
use crate::domain::json::JsonText;
use crate::domain::people::{Authority, Role, Via};
use crate::domain::tasks::{LogLine, Task, TaskFinished, TaskProgressed, TaskStatus};

pub fn one_use(operation: &str) -> Use {
    let amount = Some(Decimal::from_i128_with_scale(4_050, 2));
    Use { operation_id: id(operation), amount, at: AT, by: "key:till".into() }
}

pub fn grant() -> Grant {
    Grant {
        id: GRANT,
        seq: 0,
        approval_id: APPROVAL,
        block_id: BLOCK,
        key: block_key(),
        venue_id: venue_id(),
        authority: Authority::named("gm"),
        uses: 3,
        minutes: 15,
        amount_max: Some(Decimal::from_i128_with_scale(12_000, 2)),
        granted_by: "gm-1".into(),
        granted_at: AT,
        ends_at: LATER,
        used: vec![one_use("check-77")],
        ended: Some(GrantEnd { at: LATER, reason: "its time was over".into() }),
    }
}

const KEY: [u8; 32] = [0x5A; 32];

fn factors() -> Option<Risk> {
    let factor = RiskFactor { name: "amount".into(), points: 30, why: "more than 100".into() };
    Some(Risk { score: 30, level: RiskLevel::Medium, factors: vec![factor] })
}

fn steps() -> Vec<Step> {
    let vote =
        Vote { by: id("gm-1"), via: Via::Page, verdict: Verdict::Approved, comment: Some("once".into()), at: AT };
    vec![
        Step { name: "owner".into(), who: Assignee::User(id("gm-1")), quorum: 1, decisions: vec![vote] },
        Step::new("reviewer", Assignee::Role(Role::Reviewer), 2),
        Step::new("authority", Assignee::Authority(Authority::named("vp_ops")), 1),
    ]
}

/// A request in which every field says something.
pub fn approval() -> Approval {
    Approval {
        action_item_id: Some(id("item-7")),
        dedupe_key: Some("check 77".into()),
        scheduled_for: Some(AT),
        owner: Some(id("gm-1")),
        editors: vec![id("bob")],
        consent: Consent::Veto,
        undo_of: Some(VIOLATION),
        compensation: Some(JsonText::of(&json!({ "refund": 120.0 }))),
        runs_at: Some(LATER),
        execution: Some(Execution {
            key: Some(KEY),
            task_id: Some(WEBHOOK),
            attempt: 2,
            started_at: Some(AT),
            finished_at: Some(LATER),
            next_at: Some(LATER),
            result: Some(JsonText::of(&json!({ "grant_id": GRANT }))),
            undo_payload: Some(JsonText::of(&json!({ "receipt": 7 }))),
            undoable_until: Some(LATER),
            error: Some("the till was closed".into()),
            original: Some(BLOCK),
        }),
        ..first_approval()
    }
}

/// What is read of a request that was stored in its first form.
pub fn first_approval() -> Approval {
    Approval {
        id: APPROVAL,
        seq: 0,
        venue_id: venue_id(),
        source: Source::Override,
        module: "overrides".into(),
        capability: "overrides.grant".into(),
        title: "Override comp for alice".into(),
        payload: JsonText::of(&json!({ "amount": 120.0, "uses": 3 })),
        payload_hash: [0x3C; 32],
        preview: JsonText::of(&json!({ "summary": "alice may comp" })),
        risk: factors(),
        status: Status::Pending,
        reason: Some("asked again".into()),
        steps: steps(),
        created_by: "mia".into(),
        via: Via::Api,
        requester: Some(id("mia")),
        beneficiary: Some(id("alice")),
        subject: Some(BLOCK),
        created_at: AT,
        decide_by: Some(LATER),
        run_by: Some(LATER),
        action_item_id: None,
        dedupe_key: None,
        allow_repeat: true,
        scheduled_for: None,
        owner: None,
        editors: Vec::new(),
        consent: Consent::Votes,
        undo_of: None,
        compensation: None,
        runs_at: None,
        execution: Some(Execution {
            attempt: 1,
            started_at: Some(LATER),
            finished_at: Some(LATER),
            result: Some(JsonText::of(&json!({ "grant_id": GRANT }))),
            ..Execution::NONE
        }),
        audit: vec![AuditLine {
            seq: 7,
            at: AT,
            what: "submitted".into(),
            by: "mia".into(),
            via: Via::Api,
            note: Some("Override comp for alice".into()),
        }],
    }
}

/// What is read of an execution that was stored in its first form.
pub fn first_executed() -> Executed {
    Executed {
        id: APPROVAL,
        venue_id: venue_id(),
        by: "vp-1".into(),
        via: Via::Page,
        result: Some(JsonText::of(&json!({ "grant_id": GRANT }))),
        key: None,
        task_id: None,
        undo_payload: None,
        undoable_until: None,
        note: None,
    }
}

fn executed() -> Executed {
    Executed {
        key: Some(KEY),
        task_id: Some(WEBHOOK),
        undo_payload: Some(JsonText::of(&json!({ "receipt": 7 }))),
        undoable_until: Some(LATER),
        note: Some("seen on the till".into()),
        ..first_executed()
    }
}

/// One event of every kind about requests.
pub fn approval_events() -> Vec<Event> {
    vec![
        Event::ApprovalSubmitted(Box::new(approval())),
        Event::ApprovalDecided(Box::new(Decided {
            id: APPROVAL,
            venue_id: venue_id(),
            step: 1,
            vote: Vote { by: id("vp-1"), via: Via::Page, verdict: Verdict::Rejected, comment: None, at: LATER },
            status: Status::Rejected,
        })),
        Event::ApprovalClosed(Box::new(Closed {
            id: APPROVAL,
            venue_id: None,
            status: Status::Expired,
            by: "schedule".into(),
            via: Via::Schedule,
            reason: Some("nobody decided in time".into()),
        })),
        Event::ApprovalExecuted(Box::new(executed())),
        Event::ApprovalCleared(Box::new(Cleared { id: APPROVAL, venue_id: venue_id(), reason: "harmless".into() })),
        Event::ApprovalScheduled(Box::new(Scheduled {
            id: APPROVAL,
            venue_id: venue_id(),
            runs_at: LATER,
            reason: Some("dinner service".into()),
        })),
        Event::ApprovalReopened(Box::new(Reopened {
            id: APPROVAL,
            venue_id: venue_id(),
            void: vec![id("gm-1")],
            reason: "the decision of gm-1 is void".into(),
            decide_by: Some(LATER),
        })),
        Event::ApprovalEdited(Box::new(Edited {
            id: APPROVAL,
            venue_id: venue_id(),
            payload: JsonText::of(&json!({ "amount": 95 })),
            payload_hash: [0x3D; 32],
            preview: JsonText::of(&json!({ "summary": "alice may comp 95" })),
            risk: factors(),
            steps: steps(),
            beneficiary: Some(id("alice")),
            subject: Some(BLOCK),
            compensation: Some(JsonText::of(&json!({ "refund": 95 }))),
            editor: Some(id("bob")),
            by: "bob".into(),
            via: Via::Page,
        })),
        Event::ApprovalClaimed(Box::new(Claimed { id: APPROVAL, venue_id: venue_id(), key: KEY, task_id: TASK })),
        Event::ApprovalSkipped(Box::new(Skipped { id: APPROVAL, venue_id: venue_id(), key: KEY, original: BLOCK })),
        Event::ApprovalTriedAgain(Box::new(TriedAgain {
            id: APPROVAL,
            venue_id: venue_id(),
            task_id: TASK,
            attempt: 2,
            error: "the till did not answer".into(),
            next_at: LATER,
        })),
        Event::ApprovalFailed(Box::new(Failed {
            id: APPROVAL,
            venue_id: venue_id(),
            status: Status::InDoubt,
            by: "schedule".into(),
            via: Via::Schedule,
            error: "the till did not answer".into(),
        })),
        Event::ApprovalRetried(Box::new(Retried {
            id: APPROVAL,
            venue_id: venue_id(),
            by: "gm-1".into(),
            via: Via::Page,
            reason: Some("the till is open again".into()),
        })),
        Event::ApprovalUndone(Box::new(Undone { id: APPROVAL, venue_id: venue_id(), undo: BLOCK })),
        Event::TaskMade(Box::new(task())),
        Event::TaskProgressed(Box::new(TaskProgressed {
            id: TASK,
            approval_id: APPROVAL,
            venue_id: venue_id(),
            lines: vec![line("half way", Some(500))],
        })),
        Event::TaskFinished(Box::new(TaskFinished {
            id: TASK,
            approval_id: APPROVAL,
            venue_id: venue_id(),
            status: TaskStatus::InDoubt,
            line: Some(line("the till did not answer", None)),
        })),
    ]
}

fn line(message: &str, progress: Option<u16>) -> LogLine {
    LogLine { at: AT, message: message.into(), progress }
}

fn task() -> Task {
    Task {
        id: TASK,
        seq: 0,
        approval_id: APPROVAL,
        venue_id: venue_id(),
        capability: "till.refund".into(),
        status: TaskStatus::Running,
        progress: 100,
        log: [line("started", Some(100))].into(),
        dropped: 3,
        attempt: 2,
        next_at: Some(LATER),
        started_at: AT,
        finished_at: Some(LATER),
    }
}

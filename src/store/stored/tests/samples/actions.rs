//! Samples of an action, its attempts and its escalation.

use super::{ACTION, AT, BLOCK, LATER, STEP, TEMPLATE, VIOLATION, action_data, venue_id};
use crate::domain::actions::escalation::{self, Escalation, Reminder};
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, Attempt, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::people::Authority;
use crate::domain::suppression::Suppressed;
use crate::domain::violations::Severity;

pub fn action() -> Action {
    Action {
        id: ACTION,
        seq: 0,
        violation_id: VIOLATION,
        venue_id: venue_id(),
        severity: Severity::Critical,
        title: "Comp without approval".into(),
        template_id: Some(TEMPLATE),
        template_version: Some(3),
        action_type: ActionType::Alert,
        action_target: "gm@example.com".into(),
        message: "Comps above 5 % at Harbour".into(),
        missing: vec!["guest".into()],
        action_data: action_data().into(),
        created_at: AT,
        scheduled_for: Some(LATER),
        executed_at: Some(LATER),
        status: ExecutionStatus::Pending,
        reason: Some("retried".into()),
        attempts: vec![attempt()],
        failures: 1,
        due_at: Some(LATER),
        escalation: Some(escalation()),
        suppressed: Some(Suppressed::Silence(BLOCK)),
        notice: Some(NoticeKind::Reminder),
    }
}

fn escalation() -> Escalation {
    Escalation {
        ladder: vec![Authority::named("gm"), Authority::named("owner")],
        after_minutes: 30,
        remind_after_minutes: Some(90),
        steps: vec![step()],
        next_at: Some(LATER),
        reminder: Some(reminder()),
    }
}

pub fn step() -> escalation::Step {
    escalation::Step {
        id: STEP,
        authority: Authority::named("gm"),
        started_at: AT,
        status: ExecutionStatus::Failed,
        reason: Some("nobody-found".into()),
        attempts: vec![attempt()],
        failures: 2,
    }
}

pub fn reminder() -> Reminder {
    Reminder { at: LATER, to: "user:bob".into() }
}

fn attempt() -> Attempt {
    Attempt { at: AT, outcome: AttemptOutcome::Retry, detail: "421 try later".into(), next_at: Some(LATER) }
}

pub fn attempted() -> Attempted {
    Attempted {
        id: ACTION,
        venue_id: venue_id(),
        step: Some(STEP),
        attempt: attempt(),
        status: ExecutionStatus::Failed,
        reason: Some("gave up".into()),
    }
}

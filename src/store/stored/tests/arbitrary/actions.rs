//! Arbitrary actions, their attempts and escalations.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{SEVERITIES, action_data, at, authority, outside, text, uuid};
use crate::domain::actions::escalation::{Escalated, Escalation, Reminder, Step as Rung, Stopped};
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, Attempt, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::suppression::Suppressed;

pub const ACTION_TYPES: [ActionType; 5] =
    [ActionType::Alert, ActionType::Block, ActionType::RequireOverride, ActionType::Escalate, ActionType::Notice];
const NOTICES: [NoticeKind; 3] = [NoticeKind::Resolved, NoticeKind::Reopened, NoticeKind::Reminder];
pub const STATUSES: [ExecutionStatus; 4] =
    [ExecutionStatus::Pending, ExecutionStatus::Delivered, ExecutionStatus::Failed, ExecutionStatus::Dismissed];
pub const OUTCOMES: [AttemptOutcome; 3] = [AttemptOutcome::Delivered, AttemptOutcome::Retry, AttemptOutcome::Refused];

prop_compose! {
    fn attempt()(at in at(), outcome in select(&OUTCOMES), detail in text(), next_at in of(at())) -> Attempt {
        Attempt { at, outcome, detail, next_at }
    }
}

prop_compose! {
    fn step()(
        id in uuid(), authority in authority(), started_at in at(), status in select(&STATUSES), reason in of(text()),
        attempts in vec(attempt(), 0..3), failures in 0..u32::MAX / 2,
    ) -> Rung {
        Rung { id, authority, started_at, status, reason, attempts, failures }
    }
}

prop_compose! {
    fn reminder()(at in at(), to in text()) -> Reminder { Reminder { at, to } }
}

prop_compose! {
    fn escalation()(
        ladder in vec(authority(), 0..3), after_minutes: u32, remind_after_minutes: Option<u32>, steps in vec(step(), 0..3),
        next_at in of(at()), reminder in of(reminder()),
    ) -> Escalation {
        Escalation { ladder, after_minutes, remind_after_minutes, steps, next_at, reminder }
    }
}

prop_compose! {
    pub fn escalated()(id in uuid(), venue_id in of(outside()), step in step()) -> Escalated { Escalated { id, venue_id, step } }
}

prop_compose! {
    pub fn stopped()(
        id in uuid(), venue_id in of(outside()), status in select(&STATUSES), reason in text(), reminder in of(reminder()),
    ) -> Stopped {
        Stopped { id, venue_id, status, reason, reminder }
    }
}

fn suppressed() -> impl Strategy<Value = Suppressed> {
    prop_oneof![uuid().prop_map(Suppressed::Silence), uuid().prop_map(Suppressed::Inhibition)]
}

prop_compose! {
    pub fn action()(
        id in uuid(), seq: u64, violation_id in uuid(), venue_id in of(outside()), told in (select(&SEVERITIES), text()),
        template_id in of(uuid()), template_version: Option<u32>, action_type in select(&ACTION_TYPES), action_target in text(), message in text(),
        missing in vec(text(), 0..3), action_data in action_data().boxed(), created_at in at(), scheduled_for in of(at()),
        executed_at in of(at()), status in select(&STATUSES), reason in of(text()), attempts in vec(attempt(), 0..3),
        timing in (0..u32::MAX / 2, of(at())), escalation in of(escalation()).boxed(),
        more in (of(suppressed()), of(select(&NOTICES))),
    ) -> Action {
        Action {
            id, seq, violation_id, venue_id, severity: told.0, title: told.1, template_id, template_version, action_type,
            action_target, message, missing,
            action_data: action_data.into(), created_at, scheduled_for, executed_at, status, reason, attempts, failures: timing.0,
            due_at: timing.1, escalation, suppressed: more.0, notice: more.1,
        }
    }
}

prop_compose! {
    pub fn attempted()(
        id in uuid(), venue_id in of(outside()), step in of(uuid()), attempt in attempt(), status in select(&STATUSES),
        reason in of(text()),
    ) -> Attempted {
        Attempted { id, venue_id, step, attempt, status, reason }
    }
}

//! The queue: what attempts come to, and what may be dismissed or tried again.

use super::*;
use crate::domain::actions::Action;
use crate::domain::actions::retry::SCHEDULE_MS;
use crate::domain::people::Held;
use crate::domain::testing::{
    Tenant, alert, attempt, blocking, comp, dismiss, key, person, pointers, retry, rung, tenant,
};
use crate::domain::time::{DAY_MS, HOUR_MS};
use AttemptOutcome::{Delivered, Refused, Retry};

fn with_action() -> (Tenant, Uuid) {
    let tenant = tenant().with_template(alert()).with_violation(comp());
    let id = tenant.only_action().id;
    (tenant, id)
}

fn status(tenant: &Tenant) -> ExecutionStatus {
    tenant.only_action().status
}

#[test]
fn a_delivery_ends_the_action() {
    let (mut tenant, id) = with_action();
    tenant.later_ms(5);
    tenant.run(attempt(id, Delivered));
    let action = tenant.only_action();
    assert_eq!(
        (action.status, action.executed_at, action.due_at),
        (ExecutionStatus::Delivered, Some(tenant.now), None)
    );
    let expected = Attempt { at: tenant.now, outcome: Delivered, detail: "450 busy".into(), next_at: None };
    assert_eq!(action.attempts, [expected]);
    assert_eq!((action.failures, tenant.state.actions.next_due()), (0, None));
}

#[test]
fn failures_are_tried_again_by_the_schedule_and_then_given_up() {
    let (mut tenant, id) = with_action();
    for base in SCHEDULE_MS {
        tenant.run(attempt(id, Retry));
        let next = tenant.state.actions.next_due().unwrap();
        let wait = next.0 - tenant.now.0;
        assert!((base - base / 5..=base + base / 5).contains(&wait), "{wait} instead of {base}");
        assert_eq!(tenant.only_action().attempts.last().unwrap().next_at, Some(next));
        tenant.later_ms(wait);
    }
    tenant.run(attempt(id, Retry));
    let action = tenant.only_action();
    assert_eq!((action.status, action.due_at, action.failures), (ExecutionStatus::Failed, None, 9));
    assert_eq!(action.reason.as_deref(), Some("gave up after 9 attempts: 450 busy"));
    assert_eq!(tenant.state.actions.next_due(), None);
}

#[test]
fn a_receiver_that_asks_for_time_gets_it_within_a_day() {
    let (mut tenant, id) = with_action();
    for (asked_ms, wait) in [(HOUR_MS, HOUR_MS), (30 * DAY_MS, DAY_MS)] {
        tenant.run(RecordAttempt { asked_ms: Some(asked_ms), ..attempt(id, Retry) });
        assert_eq!(tenant.state.actions.next_due(), Some(tenant.now.plus_ms(wait)));
    }
}

#[test]
fn a_refusal_is_final_at_once() {
    let (mut tenant, id) = with_action();
    tenant.run(attempt(id, Refused));
    assert_eq!(
        (status(&tenant), tenant.only_action().reason.as_deref()),
        (ExecutionStatus::Failed, Some("refused: 450 busy"))
    );
    assert_eq!(tenant.state.actions.next_due(), None);
}

#[test]
fn an_attempt_that_ends_after_a_dismissal_is_written_down() {
    let (mut tenant, id) = with_action();
    tenant.run(dismiss(id));
    for outcome in [Retry, Refused] {
        tenant.run(attempt(id, outcome));
        assert_eq!((status(&tenant), tenant.state.actions.next_due()), (ExecutionStatus::Dismissed, None));
    }
    assert_eq!(tenant.only_action().reason.as_deref(), Some("dismissed by key:till"));
    tenant.run(attempt(id, Delivered));
    assert_eq!(
        (status(&tenant), tenant.only_action().attempts.len()),
        (ExecutionStatus::Delivered, 3),
        "it arrived after all"
    );
}

#[test]
fn a_failure_after_the_delivery_does_not_undo_it() {
    let (mut tenant, id) = with_action();
    tenant.run(attempt(id, Delivered));
    for outcome in [Retry, Refused, Delivered] {
        tenant.run(attempt(id, outcome));
        assert_eq!((status(&tenant), tenant.state.actions.next_due()), (ExecutionStatus::Delivered, None));
    }
}

#[test]
fn an_attempt_at_nothing_is_refused() {
    assert_eq!(tenant().refused(attempt(Uuid::nil(), Delivered)), Rejection::NotFound);
}

/// What comes of a command at an action of each status: pending, delivered, failed, dismissed.
fn by_status(command: impl Fn(Uuid) -> crate::domain::command::Command) -> [Result<(), Rejection>; 4] {
    let after = |first: Option<crate::domain::command::Command>| {
        let (mut tenant, id) = with_action();
        if let Some(mut first) = first {
            if let crate::domain::command::Command::RecordAttempt(attempt) = &mut first {
                attempt.id = id;
            }
            if let crate::domain::command::Command::DismissAction(dismissal) = &mut first {
                dismissal.id = id;
            }
            tenant.run(first);
        }
        tenant.try_run(command(id)).map(drop)
    };
    let nil = Uuid::nil();
    [
        after(None),
        after(Some(attempt(nil, Delivered).into())),
        after(Some(attempt(nil, Refused).into())),
        after(Some(dismiss(nil).into())),
    ]
}

#[test]
fn what_is_delivered_is_neither_dismissed_nor_tried_again_and_what_is_dismissed_may_go_after_all() {
    let not_open = |status| Err(Rejection::ActionNotOpen { status });
    let expected = [Ok(()), not_open("delivered"), Ok(()), not_open("dismissed")];
    assert_eq!(by_status(|id| dismiss(id).into()), expected);
    assert_eq!(by_status(|id| retry(id).into()), [Ok(()), not_open("delivered"), Ok(()), Ok(())]);
}

#[test]
fn a_dismissal_keeps_its_reason() {
    let (mut tenant, id) = with_action();
    let long = DismissAction { id, reason: Some("é".repeat(4_001)) };
    assert_eq!(pointers(&tenant.refused(long)), ["/reason"]);
    tenant.run(DismissAction { id, reason: Some("By phone".into()) });
    assert_eq!((tenant.only_action().reason.as_deref(), tenant.state.actions.next_due()), (Some("By phone"), None));
}

#[test]
fn trying_again_starts_the_schedule_anew() {
    let (mut tenant, id) = with_action();
    for _ in 0..9 {
        tenant.run(attempt(id, Retry));
    }
    tenant.later_ms(HOUR_MS);
    tenant.run(retry(id));
    let Action { status, reason, failures, due_at, .. } = tenant.only_action().clone();
    assert_eq!((status, reason, failures, due_at), (ExecutionStatus::Pending, None, 0, Some(tenant.now)));
    tenant.run(attempt(id, Retry));
    assert!(tenant.state.actions.next_due().unwrap() <= tenant.now.plus_ms(6_000), "the first wait again");
    assert_eq!(tenant.only_action().attempts.len(), 10, "the list goes on");
}

#[test]
fn what_failed_before_any_attempt_is_not_tried_again() {
    let mut tenant = tenant().with_template(alert().to("{{nobody}}")).with_violation(comp());
    let id = tenant.only_action().id;
    assert!(matches!(tenant.refused(retry(id)), Rejection::ActionNotOpen { .. }));
    tenant.run(dismiss(id));
}

#[test]
fn an_action_of_another_venue_does_not_exist() {
    let mut tenant =
        tenant().with_venue("pier").with_venue("quay").with_template(alert()).with_violation(comp().at_venue("quay"));
    let id = tenant.only_action().id;
    tenant.caller(person("greta", rung("gm")).only_at(&["pier"]));
    assert_eq!(tenant.refused(dismiss(id)), Rejection::NotFound);
    assert_eq!(tenant.refused(retry(id)), Rejection::NotFound);
    tenant.caller(key(Held::Nothing).only_at(&["quay"])).run(dismiss(id));
}

#[test]
fn what_is_due_comes_in_the_order_of_time() {
    let mut tenant = tenant().with_template(alert()).with_template(blocking());
    tenant.report(comp());
    let late = tenant.state.actions.by_due().next().unwrap().id;
    tenant.run(attempt(late, Retry));
    tenant.report(comp());
    let due: Vec<_> = tenant.state.actions.by_due().map(|action| action.id).collect();
    assert_eq!((due.len(), due[1]), (2, late), "blocks for this system alone are not waiting");
}

#[test]
fn after_a_hundred_attempts_a_failure_is_final() {
    let (mut tenant, id) = with_action();
    for _ in 0..ATTEMPTS_MAX {
        tenant.run(attempt(id, Retry));
        tenant.run(retry(id));
    }
    tenant.run(attempt(id, Retry));
    assert_eq!(status(&tenant), ExecutionStatus::Failed);
}

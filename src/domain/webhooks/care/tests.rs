//! Secrets, tests, order, the end of a webhook that takes nothing, and what is told again.

use uuid::Uuid;

use super::{EnableWebhook, RecordTest, ReplayWebhook, ResendNotice, RotateWebhook};
use crate::domain::actions::AttemptOutcome::{self, Delivered, Refused, Retry};
use crate::domain::actions::queue::RecordAttempt;
use crate::domain::decision::Answer;
use crate::domain::event::Event;
use crate::domain::rejection::Rejection;
use crate::domain::testing::{Tenant, alert, block_on, comp, tenant};
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::webhooks::Webhook;
use crate::domain::webhooks::commands::{CreateWebhook, DeleteWebhook, RecordNotice};
use crate::domain::webhooks::health::{DISABLED_AFTER_MS, WebhookState};
use crate::domain::webhooks::log::{CallKind, LINES_MAX};
use crate::domain::webhooks::settled::SETTLED_MAX;
use crate::domain::webhooks::store::WAS_DISABLED;

fn hooked() -> (Tenant, Uuid) {
    let mut tenant = tenant();
    let hook = CreateWebhook { url: "https://till.example/".into(), events: vec!["blocks".into()], description: None };
    let Answer::WebhookMade(id) = tenant.run(hook) else { panic!() };
    (tenant, id)
}

fn webhook<'a>(tenant: &'a Tenant, id: &Uuid) -> &'a Webhook {
    tenant.state.webhooks.get(id).unwrap()
}

/// The next notice of the only webhook.
fn next(tenant: &Tenant) -> Option<Uuid> {
    tenant.state.webhooks.heads().map(|(_, notice)| notice.id).next()
}

fn attempt(tenant: &mut Tenant, outcome: AttemptOutcome) -> Uuid {
    let id = next(tenant).unwrap();
    tenant.run(RecordNotice { id, outcome, detail: "500 sorry".into(), asked_ms: None });
    id
}

#[test]
fn a_webhook_hears_of_things_in_the_order_in_which_they_happened() {
    let (mut tenant, id) = hooked();
    tenant.place(block_on("ana"));
    tenant.place(block_on("bob"));
    let first = attempt(&mut tenant, Retry);
    assert_eq!(next(&tenant), Some(first), "what failed comes before what follows");
    assert!(tenant.state.webhooks.next_due().unwrap() > tenant.now);
    assert_eq!(webhook(&tenant, &id).health.state(), WebhookState::Failing);
    attempt(&mut tenant, Delivered);
    assert_eq!(webhook(&tenant, &id).health.state(), WebhookState::Ok);
    assert_ne!(next(&tenant), Some(first));
    assert_eq!(tenant.state.webhooks.next_due(), Some(tenant.now));
}

#[test]
fn two_secrets_sign_for_a_day() {
    let (mut tenant, id) = hooked();
    assert_eq!(webhook(&tenant, &id).generations(tenant.now), (1, None));
    tenant.run(RotateWebhook { id });
    let (at, one) = (tenant.now, webhook(&tenant, &id));
    assert_eq!(one.generations(at.plus_ms(DAY_MS - 1)), (2, Some(1)));
    assert_eq!(one.generations(at.plus_ms(DAY_MS)), (2, None));
    tenant.run(RotateWebhook { id });
    assert_eq!(webhook(&tenant, &id).generations(tenant.now), (3, Some(2)), "the oldest no longer signs");
    assert_eq!(tenant.refused(RotateWebhook { id: Uuid::nil() }), Rejection::NotFound);
}

#[test]
fn after_five_days_of_nothing_but_failures_it_is_switched_off_and_told_again_on_demand() {
    let (mut tenant, id) = hooked();
    tenant.place(block_on("ana"));
    let first = attempt(&mut tenant, Refused);
    let began = tenant.now;
    tenant.now = began.plus_ms(DISABLED_AFTER_MS - 1);
    tenant.place(block_on("bob"));
    attempt(&mut tenant, Retry);
    assert!(webhook(&tenant, &id).health.disabled_at.is_none());
    tenant.place(block_on("cid"));
    tenant.now = began.plus_ms(DISABLED_AFTER_MS);
    attempt(&mut tenant, Retry);
    assert!(tenant.last.iter().any(|event| matches!(event, Event::WebhookDisabled { id: off } if *off == id)));
    assert_eq!(webhook(&tenant, &id).health.state(), WebhookState::Disabled);
    assert_eq!((next(&tenant), tenant.state.webhooks.next_due()), (None, None));
    tenant.place(block_on("dan"));
    assert_eq!(tenant.state.webhooks.waiting_for(&id), 0, "who is switched off is told nothing");

    let dead: Vec<&str> = tenant.state.webhooks.settled.dead_before(u64::MAX).map(|one| &*one.detail).collect();
    assert_eq!(dead, [WAS_DISABLED, WAS_DISABLED, "500 sorry"]);
    assert!(matches!(tenant.refused(ResendNotice { id: first }), Rejection::WrongStatus { .. }));
    assert!(matches!(tenant.refused(ReplayWebhook { id, since: began }), Rejection::WrongStatus { .. }));
    tenant.run(EnableWebhook { id });
    assert_eq!(webhook(&tenant, &id).health.state(), WebhookState::Ok);
    tenant.run(ResendNotice { id: first });
    assert_eq!((next(&tenant), tenant.state.webhooks.waiting_for(&id)), (Some(first), 1));
    assert_eq!(tenant.refused(ResendNotice { id: first }), Rejection::NotFound, "it waits again");
    let seq = tenant.state.last_seq();
    tenant.run(EnableWebhook { id });
    assert_eq!(tenant.state.last_seq(), seq);
}

#[test]
fn one_call_that_is_taken_begins_the_five_days_anew() {
    let (mut tenant, id) = hooked();
    for _ in 0..4 {
        tenant.place(block_on("ana"));
        attempt(&mut tenant, Refused);
        tenant.now = tenant.now.plus_ms(2 * DAY_MS);
        tenant.run(RecordTest { id: Uuid::from_u128(7), webhook_id: id, outcome: Delivered, detail: "204".into() });
    }
    let health = webhook(&tenant, &id).health;
    assert_eq!((health.disabled_at, health.failing_since, health.consecutive_failures), (None, None, 0));
    assert_eq!(health.last_success_at, Some(tenant.now));
}

#[test]
fn what_was_told_since_a_moment_is_told_again_under_its_id() {
    let (mut tenant, id) = hooked();
    let mut told = Vec::new();
    for name in ["ana", "bob", "cid"] {
        tenant.now = tenant.now.plus_ms(HOUR_MS);
        tenant.place(block_on(name));
        told.push(attempt(&mut tenant, if name == "cid" { Refused } else { Delivered }));
    }
    let since = tenant.now.plus_ms(-HOUR_MS);
    let bodies = |tenant: &Tenant| -> Vec<_> {
        tenant.state.webhooks.settled.of(&id).map(|one| one.notice.body.clone()).collect()
    };
    let before = bodies(&tenant);
    assert_eq!(tenant.run(ReplayWebhook { id, since }), Answer::Replayed { webhook: id, count: 2 });
    let again: Vec<Uuid> = (0..2).map(|_| attempt(&mut tenant, Delivered)).collect();
    assert_eq!(again, told[1..]);
    assert_eq!(bodies(&tenant), before);
    assert_eq!(tenant.run(ReplayWebhook { id, since: tenant.now }), Answer::Replayed { webhook: id, count: 1 });
}

#[test]
fn of_what_is_over_the_newest_are_held_and_nothing_of_a_webhook_that_is_gone() {
    let (mut tenant, id) = hooked();
    for number in 0..SETTLED_MAX + 2 {
        tenant.place(block_on(&format!("e{number}")));
        attempt(&mut tenant, Delivered);
    }
    assert_eq!(tenant.state.webhooks.settled.iter().count(), SETTLED_MAX);
    assert_eq!(tenant.state.webhooks.log.iter().count(), LINES_MAX);
    tenant.run(DeleteWebhook { id });
    let webhooks = &tenant.state.webhooks;
    assert_eq!((webhooks.settled.iter().count(), webhooks.log.iter().count()), (0, 0));
}

#[test]
fn every_call_is_on_its_list_whatever_it_was_about() {
    let (mut tenant, id) = hooked();
    let mut tenant = {
        tenant.place(block_on("ana"));
        attempt(&mut tenant, Retry);
        tenant.with_template(alert().to(&format!("webhook:{id}")))
    };
    tenant.report(comp());
    let action = tenant.only_action().id;
    let failed =
        RecordAttempt { id: action, step: None, outcome: Retry, detail: "no connection".into(), asked_ms: None };
    tenant.run(failed);
    let test = Uuid::from_u128(7);
    tenant.run(RecordTest { id: test, webhook_id: id, outcome: Delivered, detail: "204".into() });
    let lines: Vec<_> =
        tenant.state.webhooks.log.of(&id, u64::MAX).map(|one| (one.kind, one.id, &*one.detail)).collect();
    assert_eq!(lines[..2], [(CallKind::Test, test, "204"), (CallKind::Alert, action, "no connection")]);
    assert_eq!((lines[2].0, lines.len()), (CallKind::Notice, 3));
    assert_eq!(webhook(&tenant, &id).last_error.as_deref(), Some("no connection"));
}

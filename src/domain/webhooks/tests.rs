//! What webhooks are told, and how often.

use uuid::Uuid;

use super::commands::{CreateWebhook, DeleteWebhook, RecordNotice};
use super::{Notice, WAITING_BYTES_MAX, WAITING_MAX, WEBHOOKS_MAX};
use crate::domain::actions::AttemptOutcome;
use crate::domain::actions::retry::SCHEDULE_MS;
use crate::domain::decision::Answer;
use crate::domain::event::Event;
use crate::domain::rejection::Rejection;
use crate::domain::testing::{Tenant, block_on, comp, lift, pointers, tenant};

fn hook(events: &[&str]) -> CreateWebhook {
    let events = events.iter().map(ToString::to_string).collect();
    CreateWebhook { url: "https://till.example/hook".into(), events, description: None }
}

fn made(tenant: &mut Tenant, events: &[&str]) -> Uuid {
    match tenant.run(hook(events)) {
        Answer::WebhookMade(id) => id,
        other => panic!("{other:?}"),
    }
}

fn waiting(tenant: &Tenant) -> Vec<Notice> {
    tenant.state.webhooks.by_due().cloned().collect()
}

fn attempt(id: Uuid, outcome: AttemptOutcome) -> RecordNotice {
    RecordNotice { id, outcome, detail: "500 sorry".into(), asked_ms: None }
}

#[test]
fn a_webhook_is_told_in_the_same_commit_of_what_it_asked_for_and_nothing_else() {
    let mut tenant = tenant();
    let blocks = made(&mut tenant, &["blocks"]);
    let both = made(&mut tenant, &["violations", "blocks"]);
    let block = tenant.place(block_on("ana"));
    let seq = tenant.state.last_seq();
    let told: Vec<Uuid> = waiting(&tenant).iter().map(|notice| notice.webhook_id).collect();
    assert_eq!(told, [blocks, both]);
    let body: serde_json::Value = serde_json::from_str(&waiting(&tenant)[0].body).unwrap();
    assert_eq!((body["type"].as_str(), body["version"].as_u64()), (Some("block.placed"), Some(seq - 2)));
    assert_eq!(body["object"]["id"].as_str(), Some(block.to_string().as_str()));
    tenant.report(comp());
    assert_eq!(tenant.state.webhooks.waiting_for(&blocks), 1);
    assert_eq!(tenant.state.webhooks.waiting_for(&both), 2);
    tenant.run(lift(block));
    assert!(waiting(&tenant).iter().any(|notice| notice.webhook_id == blocks && notice.body.contains("block.lifted")));
    assert_eq!(tenant.state.webhooks.next_due(), Some(tenant.now));
}

#[test]
fn attempts_follow_the_schedule_and_each_tells_the_same() {
    let mut tenant = tenant();
    let id = made(&mut tenant, &["blocks"]);
    tenant.place(block_on("ana"));
    let first = waiting(&tenant)[0].clone();
    for base in SCHEDULE_MS {
        tenant.run(attempt(first.id, AttemptOutcome::Retry));
        let next = waiting(&tenant)[0].clone();
        assert_eq!((next.id, &next.body), (first.id, &first.body));
        let wait = next.due_at.0 - tenant.now.0;
        assert!((base - base / 5..=base + base / 5).contains(&wait), "{wait}");
        tenant.now = next.due_at;
    }
    tenant.run(attempt(first.id, AttemptOutcome::Retry));
    let webhook = tenant.state.webhooks.get(&id).unwrap();
    assert_eq!((webhook.failed, webhook.last_error.as_deref()), (1, Some("500 sorry")));
    assert!(waiting(&tenant).is_empty());
    assert_eq!(tenant.refused(attempt(first.id, AttemptOutcome::Delivered)), Rejection::NotFound);

    tenant.place(block_on("bob"));
    let next = waiting(&tenant)[0].id;
    tenant.run(attempt(next, AttemptOutcome::Delivered));
    assert!(!tenant.last.iter().any(|event| matches!(event, Event::NoticeMade(_))), "telling tells nobody else");
    assert_eq!(tenant.state.webhooks.get(&id).unwrap().delivered, 1);
}

#[test]
fn a_webhook_that_is_gone_is_told_nothing_more() {
    let mut tenant = tenant();
    let id = made(&mut tenant, &["blocks"]);
    tenant.place(block_on("ana"));
    tenant.run(DeleteWebhook { id });
    assert!(waiting(&tenant).is_empty());
    tenant.place(block_on("bob"));
    assert!(waiting(&tenant).is_empty());
    assert_eq!(tenant.refused(DeleteWebhook { id }), Rejection::NotFound);
}

#[test]
fn where_too_many_wait_the_oldest_is_let_go_and_counted() {
    let mut tenant = tenant();
    let webhook_id = made(&mut tenant, &["blocks"]);
    for number in 0..=WAITING_MAX as u128 {
        let now = tenant.now;
        let notice = Notice {
            id: Uuid::from_u128(number),
            seq: 0,
            webhook_id,
            body: "{}".into(),
            made_at: now,
            failures: 0,
            due_at: now,
        };
        let seq = tenant.state.last_seq() + 1;
        tenant.state.apply(seq, now, &Event::NoticeMade(Box::new(notice)));
    }
    let webhooks = &tenant.state.webhooks;
    assert_eq!((webhooks.waiting_for(&webhook_id), webhooks.get(&webhook_id).unwrap().missed), (WAITING_MAX, 1));
    assert!(webhooks.notice(&Uuid::from_u128(0)).is_none());
}

#[test]
fn where_bodies_that_wait_are_too_long_together_the_oldest_of_any_webhook_is_let_go() {
    let mut tenant = tenant();
    let hooks = [made(&mut tenant, &["blocks"]), made(&mut tenant, &["violations"])];
    let body: std::sync::Arc<str> = "x".repeat(WAITING_BYTES_MAX / 8).into();
    for number in 0..11 {
        let (now, seq) = (tenant.now, tenant.state.last_seq() + 1);
        let notice = Notice {
            id: Uuid::from_u128(number),
            seq: 0,
            webhook_id: hooks[usize::from(number > 0)],
            body: body.clone(),
            made_at: now,
            failures: 0,
            due_at: now,
        };
        tenant.state.apply(seq, now, &Event::NoticeMade(Box::new(notice)));
    }
    let webhooks = &tenant.state.webhooks;
    let missed = hooks.map(|id| webhooks.get(&id).unwrap().missed);
    assert_eq!((missed, webhooks.notices().count()), ([1, 2], 8));
    assert_eq!(waiting(&tenant)[0].id, Uuid::from_u128(3));
    tenant.run(DeleteWebhook { id: hooks[1] });
    let now = tenant.now;
    let notice = Notice { id: Uuid::max(), seq: 0, webhook_id: hooks[0], body, made_at: now, failures: 0, due_at: now };
    tenant.state.apply(tenant.state.last_seq() + 1, now, &Event::NoticeMade(Box::new(notice)));
    assert_eq!(tenant.state.webhooks.get(&hooks[0]).unwrap().missed, 1, "what went makes room");
}

#[test]
fn what_cannot_be_a_webhook_is_refused() {
    let mut tenant = tenant();
    for (wrong, pointer) in [
        (CreateWebhook { url: String::new(), ..hook(&["blocks"]) }, "/url"),
        (CreateWebhook { url: "x".repeat(2_001), ..hook(&["blocks"]) }, "/url"),
        (hook(&[]), "/events"),
        (hook(&["weather"]), "/events/0"),
        (hook(&["blocks", "blocks"]), "/events/1"),
    ] {
        assert_eq!(pointers(&tenant.refused(wrong)), [pointer]);
    }
    for _ in 0..WEBHOOKS_MAX {
        made(&mut tenant, &["blocks"]);
    }
    assert!(matches!(tenant.refused(hook(&["blocks"])), Rejection::LimitReached { .. }));
}

//! What the server itself can do: described, previewed, carried out and taken back.

use serde_json::{Value, json};

use super::{About, Done, Effect, all, effect, find, is_own_module};
use crate::domain::capabilities::{check_payload, preview, preview_undo};
use crate::domain::decision::Answer;
use crate::domain::event::Event;
use crate::domain::ids::IdSource;
use crate::domain::people::{Authority, Held};
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::testing::{
    Tenant, asking, at, block_on, blocking, comp, id, key, lift, pointers, resolve, rung, tenant, venue_draft,
};
use crate::domain::webhooks::commands::CreateWebhook;

const NAMES: [&str; 7] = [
    "blocks.place",
    "blocks.lift",
    "overrides.grant",
    "violations.resolve",
    "notifications.send_email",
    "notifications.post_slack",
    "webhooks.call",
];

fn checked(state: &TenantState, name: &str, payload: &Value) -> Result<(), Rejection> {
    check_payload(state, &find(name).unwrap().capability, payload)
}

fn about(tenant: &Tenant, name: &str, payload: &Value) -> Result<About, Rejection> {
    (effect(name).unwrap().about)(payload, &tenant.state, &mut tenant.context())
}

/// Carries something out and folds it in.
fn carried(
    tenant: &mut Tenant,
    run: impl Fn(&TenantState, &mut crate::domain::decision::Context<'_>) -> Result<Done, Rejection>,
) -> Done {
    let mut context = tenant.context();
    context.ids = IdSource::new(tenant.now.0, tenant.state.last_seq());
    let done = run(&tenant.state, &mut context).unwrap();
    for event in &done.events {
        let seq = tenant.state.last_seq() + 1;
        tenant.state.apply(seq, tenant.now, event);
    }
    done
}

fn apply(tenant: &mut Tenant, name: &str, payload: &Value, held: &Held) -> Done {
    let Effect { apply, .. } = effect(name).unwrap();
    carried(tenant, |state, context| apply(payload, held, state, context))
}

fn undo(tenant: &mut Tenant, name: &str, payload: &Value, held: &Held) -> Done {
    let undo = effect(name).unwrap().undo.unwrap();
    carried(tenant, |state, context| (undo.apply)(payload, held, state, context))
}

fn placing(entity: &str) -> Value {
    json!({ "block_type": "comp_approval", "entity_id": entity, "entity_type": "employee", "reason": "By approval" })
}

#[test]
fn all_of_the_list_are_there_with_a_schema_and_none_runs_by_itself() {
    assert_eq!(all().iter().map(|one| &*one.capability.name).collect::<Vec<_>>(), NAMES);
    for one in all() {
        assert!(one.capability.is_built_in() && !one.capability.auto_approvable, "{}", one.capability.name);
        assert!(is_own_module(&one.capability.module));
    }
    let here: Vec<&str> = NAMES.into_iter().filter(|name| effect(name).is_some()).collect();
    assert_eq!(here, ["blocks.place", "blocks.lift", "violations.resolve"]);
    assert!(!is_own_module("till"));
}

#[test]
fn a_block_is_placed_and_its_placement_taken_back() {
    let mut tenant = tenant();
    let payload = placing("ana");
    checked(&tenant.state, "blocks.place", &payload).unwrap();
    let said = preview(&tenant.state, &find("blocks.place").unwrap().capability, &payload);
    assert_eq!(said.summary, "ana may not do comp_approval any more: By approval");
    assert_eq!((said.before.as_deref(), said.after.as_deref()), (Some("not blocked"), Some("blocked: By approval")));
    let whom = about(&tenant, "blocks.place", &payload).unwrap();
    assert_eq!((whom.authority, whom.beneficiary), (None, Some(id("ana"))));

    let done = apply(&mut tenant, "blocks.place", &payload, &Held::Nothing);
    let block = tenant.only_block().clone();
    assert!(tenant.is_blocked("ana"));
    assert_eq!((&*block.placed_by, done.result["block_id"].as_str()), ("key:till", Some(&*block.id.to_string())));
    let payload = done.undo_payload.unwrap();
    let taking = effect("blocks.place").unwrap().undo.unwrap();
    let whom = (taking.about)(&payload, &tenant.state, &mut tenant.context()).unwrap();
    assert_eq!((whom.authority, whom.subject), (Some(Authority::named("manager")), Some(block.id)));
    let said = preview_undo(&tenant.state, &find("blocks.place").unwrap().capability, &payload);
    assert_eq!(said.summary, "ana may do comp_approval again: its placement is undone");
    assert!(undo(&mut tenant, "blocks.place", &payload, &rung("manager")).undo_payload.is_none());
    assert!(!tenant.is_blocked("ana"));
    let again = (taking.apply)(&payload, &Held::Top, &tenant.state, &mut tenant.context());
    assert!(matches!(again, Err(Rejection::AlreadyLifted { .. })), "{again:?}");
}

#[test]
fn a_block_says_all_that_it_says_when_placed_by_hand_and_its_faults_are_in_the_payload() {
    let mut tenant = tenant().with_venue("pier");
    let mut payload = placing("ana");
    payload["venue_id"] = json!("pier");
    payload["limit"] = json!({ "amount": 12.5 });
    payload["override_authority"] = json!("gm");
    payload["on_error"] = json!("limit");
    payload["expires_at"] = json!("2025-02-15T00:00:00Z");
    assert_eq!(about(&tenant, "blocks.place", &payload).unwrap().venue_id, Some(id("pier")));
    apply(&mut tenant, "blocks.place", &payload, &Held::Nothing);
    let block = tenant.only_block();
    assert_eq!((block.limit.unwrap().to_string(), block.override_required), ("12.5".into(), true));
    assert_eq!(block.expires_at, Some(at("2025-02-15T00:00:00Z")));

    let wrong = |name: &str, value: Value| {
        let mut payload = placing("ana");
        payload[name] = value;
        checked(&tenant.state, "blocks.place", &payload)
            .and_then(|()| about(&tenant, "blocks.place", &payload).map(|_| ()))
            .unwrap_err()
    };
    assert_eq!(pointers(&wrong("reason", json!(" "))), ["/payload/reason"]);
    assert_eq!(pointers(&wrong("colour", json!(1))), ["/payload/colour"]);
    assert_eq!(pointers(&wrong("limit", json!({ "amount": -1 }))), ["/payload/limit/amount"]);
    assert_eq!(pointers(&wrong("override_authority", json!("pope"))), ["/payload/override_authority"]);
    assert_eq!(pointers(&wrong("expires_at", json!("2025-01-01T00:00:00Z"))), ["/payload/expires_at"]);
    assert_eq!(pointers(&wrong("expires_at", json!("tomorrow"))), ["/payload/expires_at"]);
    assert_eq!(wrong("venue_id", json!("quay")), Rejection::UnknownVenue { pointer: "/payload/venue_id" });
}

#[test]
fn a_block_is_lifted_with_enough_authority_and_the_lift_taken_back() {
    let mut tenant = tenant().with_block(block_on("ana").asking("gm"));
    let block = tenant.only_block().clone();
    let payload = json!({ "block_id": block.id, "reason": "Reviewed" });
    checked(&tenant.state, "blocks.lift", &payload).unwrap();
    let whom = about(&tenant, "blocks.lift", &payload).unwrap();
    let expected = About {
        authority: Some(Authority::named("gm")),
        beneficiary: Some(id("ana")),
        subject: Some(block.id),
        venue_id: None,
    };
    assert_eq!(whom, expected);
    let run = effect("blocks.lift").unwrap().apply;
    let refused = run(&payload, &rung("manager"), &tenant.state, &mut tenant.context()).unwrap_err();
    assert_eq!(refused, Rejection::InsufficientAuthority { needed: Authority::named("gm") });
    let said = preview(&tenant.state, &find("blocks.lift").unwrap().capability, &payload);
    assert_eq!(said.before.as_deref(), Some("blocked: Under review"));

    let done = apply(&mut tenant, "blocks.lift", &payload, &rung("gm"));
    assert!(!tenant.is_blocked("ana"));
    assert!(matches!(about(&tenant, "blocks.lift", &payload), Err(Rejection::AlreadyLifted { .. })));
    let again = undo(&mut tenant, "blocks.lift", &done.undo_payload.unwrap(), &Held::Nothing);
    assert!(tenant.is_blocked("ana"));
    let placed: Vec<_> = tenant.state.blocks.iter().filter(|one| one.lifted.is_none()).collect();
    assert_eq!((placed.len(), &placed[0].override_authority), (1, &block.override_authority));
    assert_eq!(again.result["block_id"], json!(placed[0].id));
}

#[test]
fn a_lift_is_not_taken_back_once_what_it_belonged_to_is_over() {
    let mut tenant = tenant().with_template(asking("gm")).with_violation(comp());
    let (block, violation) = (tenant.only_block().id, tenant.only_violation().id);
    tenant.run(lift(block));
    tenant.run(resolve(violation));
    let taking = effect("blocks.lift").unwrap().undo.unwrap();
    let refused = (taking.about)(&json!({ "block_id": block }), &tenant.state, &mut tenant.context());
    assert!(matches!(refused, Err(Rejection::AlreadyResolved { .. })), "{refused:?}");
    let unknown = (taking.about)(&json!({ "block_id": violation }), &tenant.state, &mut tenant.context());
    assert_eq!(unknown, Err(Rejection::NotFound));
}

#[test]
fn a_violation_is_resolved_with_its_blocks() {
    let mut tenant = tenant().with_template(blocking()).with_violation(comp());
    let violation = tenant.only_violation().id;
    let payload = json!({ "violation_id": violation, "resolution": "Talked it over" });
    checked(&tenant.state, "violations.resolve", &payload).unwrap();
    let said = preview(&tenant.state, &find("violations.resolve").unwrap().capability, &payload);
    assert!(said.before.as_deref().is_some_and(|before| before.starts_with("active, 1 blocks")), "{said:?}");
    let whom = about(&tenant, "violations.resolve", &payload).unwrap();
    assert_eq!((whom.subject, whom.beneficiary), (Some(violation), Some(id("ana"))));
    let done = apply(&mut tenant, "violations.resolve", &payload, &Held::Nothing);
    assert!(done.undo_payload.is_none() && !tenant.violation(violation).is_open());
    assert!(done.events.iter().any(|event| matches!(event, Event::BlockLifted { .. })));
    assert!(matches!(about(&tenant, "violations.resolve", &payload), Err(Rejection::AlreadyResolved { .. })));
    let unknown = json!({ "violation_id": "0192f0c0-0000-7000-8000-000000000000" });
    assert_eq!(about(&tenant, "violations.resolve", &unknown), Err(Rejection::NotFound));
}

#[test]
fn nobody_submits_what_is_at_a_venue_that_they_do_not_reach() {
    let tenant = tenant().with_venue("pier").with_venue("quay").with_block(block_on("ana").at_venue("quay"));
    let block = tenant.only_block().id;
    let tenant = tenant.by(key(Held::Nothing).only_at(&["pier"]));
    let lifting = json!({ "block_id": block, "reason": "Reviewed" });
    assert_eq!(about(&tenant, "blocks.lift", &lifting), Err(Rejection::NotFound));
    let mut payload = placing("ana");
    payload["venue_id"] = json!("quay");
    assert_eq!(about(&tenant, "blocks.place", &payload), Err(Rejection::VenueNotAllowed));
    assert_eq!(venue_draft("pier").name, "The pier");
}

#[test]
fn what_an_override_grants_is_described_with_its_size() {
    let tenant = tenant().with_block(block_on("ana").asking("gm"));
    let payload = json!({ "block_id": tenant.only_block().id, "reason": "A regular guest", "amount": 30, "uses": 3 });
    checked(&tenant.state, "overrides.grant", &payload).unwrap();
    let one = &find("overrides.grant").unwrap();
    let said = preview(&tenant.state, &one.capability, &payload);
    let expected =
        "ana may do comp_approval 3 times within 15 minutes of the first use, up to 30 each time, although blocked: ";
    assert_eq!(
        said.summary,
        format!("{expected}{}", tenant.only_block().reason),
        "why it is blocked; why it is asked for stands in the payload"
    );
    assert_eq!((one.measures)(&payload).1, Some(90.into()));
    let wrong = json!({ "block_id": "0192f0c0-0000-7000-8000-000000000000", "reason": "x" });
    assert_eq!(pointers(&checked(&tenant.state, "overrides.grant", &wrong).unwrap_err()), ["/payload/block_id"]);
    let many = json!({ "block_id": tenant.only_block().id, "reason": "x", "uses": 101 });
    assert_eq!(pointers(&checked(&tenant.state, "overrides.grant", &many).unwrap_err()), ["/payload/uses"]);
}

#[test]
fn messages_and_calls_are_checked_and_shown_whole() {
    let mut tenant = tenant();
    let hook =
        CreateWebhook { url: "https://till.example/hook".into(), events: vec!["blocks".into()], description: None };
    let Answer::WebhookMade(webhook) = tenant.run(hook) else { panic!("a webhook") };
    let state = &tenant.state;
    let mail = json!({ "to": ["a@x.example", "b@x.example"], "subject": "Shift", "text": "Please come at six" });
    checked(state, "notifications.send_email", &mail).unwrap();
    let one = find("notifications.send_email").unwrap();
    let said = preview(state, &one.capability, &mail);
    assert_eq!((&*said.summary, said.recipients), ("E-mail to a@x.example, b@x.example: Shift", Some(2)));
    assert_eq!((said.after.as_deref(), (one.measures)(&mail).0), (Some("Please come at six"), Some(2)));
    for (name, value, pointer) in [
        ("to", json!("nobody"), "/payload/to"),
        ("to", json!([]), "/payload/to"),
        ("subject", json!("a\nBcc: b@x.example"), "/payload/subject"),
        ("text", json!(""), "/payload/text"),
        ("bcc", json!("c@x.example"), "/payload/bcc"),
    ] {
        let mut wrong = mail.clone();
        wrong[name] = value;
        let refused = checked(state, "notifications.send_email", &wrong).unwrap_err();
        assert!(pointers(&refused).contains(&pointer), "{name}: {refused:?}");
    }
    checked(state, "notifications.post_slack", &json!({ "text": "Hi", "channel": "#floor" })).unwrap();
    assert!(checked(state, "notifications.post_slack", &json!({ "text": "Hi", "channel": "floor" })).is_err());
    checked(state, "webhooks.call", &json!({ "webhook_id": webhook, "body": { "a": 1 } })).unwrap();
    let call = preview(
        state,
        &find("webhooks.call").unwrap().capability,
        &json!({ "webhook_id": webhook, "body": { "a": 1 } }),
    );
    assert_eq!((&*call.summary, call.after.as_deref()), ("Call https://till.example/hook", Some("{\"a\":1}")));
    let unknown = json!({ "webhook_id": "0192f0c0-0000-7000-8000-000000000000", "body": {} });
    assert_eq!(pointers(&checked(state, "webhooks.call", &unknown).unwrap_err()), ["/payload/webhook_id"]);
}

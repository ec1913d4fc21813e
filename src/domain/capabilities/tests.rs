//! Registering, checking, previewing and taking out.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::commands::{DeleteCapability, RegisterCapability};
use super::{CAPABILITIES_MAX, Capability, Preview, check_payload, find, measures, preview, preview_undo};
use crate::domain::decision::Answer;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::testing::{Tenant, key, person, pointers, refund, tenant};

fn deleting(name: &str) -> DeleteCapability {
    DeleteCapability { name: name.into(), of_others: true }
}

fn named(name: &str) -> RegisterCapability {
    RegisterCapability { name: name.into(), ..refund() }
}

fn one<'a>(state: &'a TenantState, name: &str) -> &'a Capability {
    find(state, name).expect("a capability of this name")
}

fn wrong(tenant: &Tenant, payload: &Value) -> Vec<(String, String)> {
    let state = &tenant.state;
    match check_payload(state, one(state, "till.refund"), payload) {
        Ok(()) => Vec::new(),
        Err(Rejection::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_registered_capability_is_found_and_another_organisation_does_not_have_it() {
    let mut tenant = tenant();
    assert_eq!(tenant.run(refund()), Answer::CapabilityMade("till.refund".into()));
    let found = one(&tenant.state, "till.refund");
    assert_eq!((&*found.module, found.timeout_s, found.concurrency, found.undo_window_s), ("till", 30, 4, 0));
    assert!(!found.is_built_in() && !found.can_be_undone());
    assert!(find(&crate::domain::testing::tenant().state, "till.refund").is_none());
    assert!(find(&tenant.state, "till.nothing").is_none());
}

#[test]
fn every_field_is_checked_and_every_fault_is_told() {
    let broken = RegisterCapability {
        name: "Till.refund".into(),
        version: " ".into(),
        module: Some("stock".into()),
        params: json!({ "type": "no such type" }),
        connectors: vec!["till".into(), "till".into(), String::new()],
        undo_window_s: Some(2_592_001),
        timeout_s: Some(0),
        concurrency: Some(101),
        preview_template: Some("{{".into()),
        endpoint: String::new(),
        ..refund()
    };
    let refused = tenant().refused(broken);
    let found = pointers(&refused);
    for pointer in [
        "/name",
        "/version",
        "/params/type",
        "/connectors/1",
        "/connectors/2",
        "/undo_window",
        "/timeout",
        "/concurrency",
        "/preview_template",
        "/endpoint",
    ] {
        assert!(found.contains(&pointer), "{pointer}: {found:?}");
    }
    let mut tenant = tenant();
    for (name, module, pointer) in [
        ("till", None, "/name"),
        ("till.refund.now", None, "/name"),
        ("till.", None, "/name"),
        ("9till.refund", None, "/name"),
        ("blocks.free", None, "/name"),
        ("till.refund", Some("stock"), "/module"),
    ] {
        let command = RegisterCapability { module: module.map(Into::into), ..named(name) };
        assert_eq!(pointers(&tenant.refused(command)), [pointer], "{name}");
    }
    tenant.run(RegisterCapability {
        timeout_s: Some(600),
        concurrency: Some(100),
        module: Some("till".into()),
        ..refund()
    });
}

#[test]
fn what_can_be_taken_back_can_be_for_a_day_unless_somebody_says_otherwise() {
    let window = |reversible, undo_window_s| {
        let tenant = tenant().with(RegisterCapability { reversible, undo_window_s, ..refund() });
        let found = one(&tenant.state, "till.refund");
        (found.undo_window_s, found.can_be_undone())
    };
    assert_eq!(window(true, None), (86_400, true));
    assert_eq!(window(true, Some(60)), (60, true));
    assert_eq!(window(true, Some(0)), (0, false));
    assert_eq!(window(false, Some(3_600)), (3_600, false));
}

#[test]
fn the_same_name_again_replaces_it_under_another_secret_and_never_an_old_one() {
    let mut tenant = tenant().with(refund());
    let first = one(&tenant.state, "till.refund").clone();
    tenant.run(RegisterCapability { version: "2".into(), ..refund() });
    let second = one(&tenant.state, "till.refund").clone();
    assert_eq!((&*second.version, second.seq, second.generation), ("2", first.seq, first.generation + 1));
    assert_eq!(tenant.state.capabilities.len(), 1);
    tenant.run(deleting("till.refund"));
    tenant.run(refund());
    let third = one(&tenant.state, "till.refund");
    assert!(third.generation > second.generation, "{} after {}", third.generation, second.generation);
}

#[test]
fn a_capability_that_was_taken_out_is_gone_and_those_of_the_server_stay() {
    let mut tenant = tenant().with(refund());
    tenant.run(deleting("till.refund"));
    assert!(find(&tenant.state, "till.refund").is_none());
    assert_eq!(tenant.refused(deleting("till.refund")), Rejection::NotFound);
    assert_eq!(tenant.refused(deleting("blocks.lift")), Rejection::BuiltInCapability);
    assert_eq!(tenant.refused(named("blocks.lift")), Rejection::BuiltInCapability);
}

#[test]
fn a_modules_key_keeps_to_what_it_registered_itself() {
    let serving = RegisterCapability { of_others: false, ..refund() };
    let mut tenant = tenant().by(key(Held::Nothing)).with(serving.clone());
    tenant.run(serving.clone());
    tenant.caller(person("mia", Held::Nothing));
    let taking = DeleteCapability { of_others: false, ..deleting("till.refund") };
    assert_eq!(tenant.refused(serving), Rejection::NotYourCapability);
    assert_eq!(tenant.refused(taking), Rejection::NotYourCapability);
    tenant.run(deleting("till.refund"));
}

#[test]
fn there_are_only_so_many() {
    let mut tenant = tenant();
    for number in 0..CAPABILITIES_MAX {
        tenant.run(named(&format!("till.refund_{number}")));
    }
    let refused = tenant.refused(named("till.one_more"));
    assert_eq!(refused, Rejection::LimitReached { what: "capabilities", limit: CAPABILITIES_MAX });
    tenant.run(named("till.refund_7"));
}

#[test]
fn a_payload_fits_its_schema_or_is_told_where_it_does_not() {
    let tenant = tenant().with(refund());
    assert_eq!(wrong(&tenant, &json!({ "amount": 80, "note": "Cold soup", "more": 1 })), []);
    let said = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
    assert_eq!(wrong(&tenant, &json!({ "note": "x" })), [said("/payload/amount", "is missing")]);
    assert_eq!(wrong(&tenant, &json!({ "amount": "a lot" })), [said("/payload/amount", "is not of type \"number\"")]);
    assert_eq!(wrong(&tenant, &json!([1])), [said("/payload", "is not an object")]);
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(wrong(&tenant, &json!({ "amount": 1, "more": deep }))[0].0, "/payload");
    assert_eq!(wrong(&tenant, &json!({ "amount": 1, "note": "x".repeat(40_000) }))[0].0, "/payload");
}

#[test]
fn a_preview_says_what_will_happen_by_the_template_and_how_large_it_is() {
    let template =
        "Refund {{amount}} ({{payload.note}}) by {{ module }} of {{org_name}}, {{table.number}}, {{missing}}";
    let mut tenant = tenant().with(RegisterCapability { preview_template: Some(template.into()), ..refund() });
    let shown = |tenant: &Tenant, payload: Value| preview(&tenant.state, one(&tenant.state, "till.refund"), &payload);
    let said = shown(&tenant, json!({ "amount": 80, "note": "Cold soup", "table": { "number": 3 } }));
    let expected = Preview {
        summary: "Refund 80 (Cold soup) by till of Harbour Group, 3, [missing: missing]".into(),
        amount: Some("80".into()),
        source: "template".into(),
        ..Preview::default()
    };
    assert_eq!(said, expected);
    tenant.run(RegisterCapability { preview_template: None, ..refund() });
    assert_eq!(shown(&tenant, json!({ "amount": 80, "note": "x" })).summary, "till.refund: amount 80, note x");
    let undo = preview_undo(&tenant.state, one(&tenant.state, "till.refund"), &json!({ "receipt": 7 }));
    assert_eq!(undo.summary, "Undo till.refund: receipt 7");
}

#[test]
fn recipients_and_amounts_are_found_where_payloads_usually_have_them() {
    let tenant = tenant().with(refund());
    let of = |payload: Value| measures(one(&tenant.state, "till.refund"), &payload);
    let decimal = |text: &str| -> Option<Decimal> { Some(text.parse().unwrap()) };
    assert_eq!(of(json!({ "amount": 80.5 })), (None, decimal("80.5")));
    assert_eq!(of(json!({ "amount": -80 })), (None, decimal("80")));
    assert_eq!(of(json!({ "total": "1200.00" })), (None, decimal("1200.00")));
    assert_eq!(of(json!({ "amount": { "amount": 5, "currency": "EUR" } })), (None, decimal("5")));
    assert_eq!(of(json!({ "amount": 1e300 })), (None, Some(Decimal::MAX)));
    assert_eq!(of(json!({ "recipients": ["a", "b"] })), (Some(2), None));
    assert_eq!(of(json!({ "recipients": 300 })), (Some(300), None));
    assert_eq!(of(json!({ "to": "a@x.example", "cc": ["b@x.example", "c@x.example"] })), (Some(3), None));
    assert_eq!(of(json!({ "note": "nobody", "amount": true })), (None, None));
}

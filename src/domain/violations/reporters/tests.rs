//! What each source's words mean: severities, what is one violation, what ends it.

use serde_json::{Value, json};

use super::*;
use crate::domain::testing::{Tenant, at, blocking, id, key, pointers, rung, tenant};
use crate::domain::violations::Severity::{self, Critical, Info, Warning};

fn pier() -> Tenant {
    tenant().with_venue("pier").with_venue("mole")
}

fn said<T: serde::de::DeserializeOwned>(wrap: fn(T) -> Source, fields: &Value) -> ReportSource {
    let mut whole = json!({ "id": "row-1", "venue_id": "pier" });
    for (name, value) in fields.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    let source = wrap(serde_json::from_value(whole).expect("the source's shape"));
    ReportSource { source, apply_templates: true }
}

fn comp(fields: &Value) -> ReportSource {
    let mut whole = json!({ "server_name": "Ana", "server_id": "ana", "comp_amount": 40, "approved": true });
    for (name, value) in fields.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    said(Source::CompException, &whole)
}

fn pace(status: &str, more: &Value) -> ReportSource {
    let mut whole = json!({ "pace_status": status, "actual": 800, "expected": 1000 });
    for (name, value) in more.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    said(Source::SalesPace, &whole)
}

fn greeting(delay: &Value, more: &Value) -> ReportSource {
    let mut whole = json!({
        "table_number": "12", "seated_at": "2025-02-14T18:50:00Z", "delay_seconds": delay, "threshold_seconds": 120,
    });
    for (name, value) in more.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    said(Source::GreetingDelay, &whole)
}

fn gap(fte: f64, more: &Value) -> ReportSource {
    let mut whole = json!({ "role": "server", "gap_fte": fte, "required_fte": 4, "scheduled_fte": 3.5 });
    for (name, value) in more.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    said(Source::StaffingGap, &whole)
}

/// The severity of what is made of it on an empty floor, if anything is.
fn severity_of(command: ReportSource) -> Option<Severity> {
    let mut tenant = pier();
    match tenant.run(command) {
        Answer::Reported { id, new: true } => Some(tenant.violation(id).severity),
        Answer::Ended(ids) if ids.is_empty() => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comp_is_as_severe_as_its_amount_and_approval_say() {
    let table = [
        (json!(200.01), json!(true), Critical),
        (json!(200), json!(true), Warning),
        (json!(50.01), json!(true), Warning),
        (json!(50), json!(true), Info),
        (json!(0), json!(true), Info),
        (json!(1), json!(false), Critical),
        (json!(1), Value::Null, Critical),
    ];
    for (amount, approved, expected) in table {
        let fields = json!({ "comp_amount": amount, "approved": approved });
        assert_eq!(severity_of(comp(&fields)), Some(expected), "{fields}");
    }
}

#[test]
fn a_comp_keeps_its_row_its_facts_and_its_time() {
    let mut tenant = pier();
    let beside = json!({ "terminal": 4, "comp_amount": "not this one" });
    let fields = json!({ "comp_amount": 12.50, "time": "23:10", "business_date": "2025-02-13", "check_total": 80, "metadata": beside });
    tenant.run(comp(&fields));
    let made = tenant.only_violation();
    assert_eq!((made.source_table.clone(), made.source_id.clone()), (Some(id("comp_exception")), Some(id("row-1"))));
    assert_eq!(&*made.fingerprint, "comp_exception|comp_exception|row-1|pier");
    assert_eq!((&*made.title, made.detected_at), ("Comp of 12.5 by Ana", at("2025-02-13T22:10:00Z")));
    let metadata = made.metadata.as_ref().unwrap().value();
    let kept = json!({
        "server_name": "Ana", "server_id": "ana", "comp_amount": 12.5, "approved": true, "time": "23:10", "check_total": 80,
        "terminal": 4,
    });
    assert_eq!(metadata, kept);
}

#[test]
fn the_same_comp_twice_is_one_violation_and_another_row_is_another() {
    let mut tenant = pier();
    let answers: Vec<Answer> = ["row-1", "row-1", "row-2"].map(|row| tenant.run(comp(&json!({ "id": row })))).into();
    assert!(matches!(answers[..], [
        Answer::Reported { id: one, new: true }, Answer::Reported { id: same, new: false }, Answer::Reported { id: other, new: true },
    ] if one == same && other != one));
}

#[test]
fn a_pace_below_plan_is_the_venues_and_a_pace_on_plan_ends_it() {
    let mut tenant = pier().with_template({
        let mut draft = blocking();
        draft.violation_type = "sales_pace".into();
        draft
    });
    tenant.run(pace("warning", &json!({ "id": "10:00" })));
    tenant.run(pace("critical", &json!({ "id": "11:00", "actual": 600 })));
    let open = tenant.only_violation().clone();
    assert_eq!((open.severity, open.occurrences, &*open.title), (Critical, 2, "Sales 40 % below plan: 600 of 1000"));
    assert_eq!(open.metadata.unwrap().value()["gap_pct"], json!(40));
    let block = tenant.only_block().id;
    tenant.run(pace("on_pace", &json!({ "venue_id": "mole" })));
    assert!(tenant.violation(open.id).is_open(), "another venue's pace ends nothing here");
    assert_eq!(tenant.run(pace("on_pace", &json!({ "id": "12:00" }))), Answer::Ended(vec![open.id]));
    assert!(!tenant.violation(open.id).is_open());
    assert!(tenant.state.blocks.get(&block).unwrap().lifted.is_some(), "what it placed is lifted");
    assert_eq!(tenant.run(pace("on_pace", &json!({}))), Answer::Ended(Vec::new()), "a second time there is nothing");
}

#[test]
fn the_pace_of_another_business_date_is_another_violation_and_is_ended_with_it() {
    let mut tenant = pier();
    tenant.run(pace("warning", &json!({ "business_date": "2025-01-14" })));
    tenant.run(pace("warning", &json!({ "business_date": "2025-02-13" })));
    tenant.run(pace("warning", &json!({})));
    tenant.run(pace("warning", &json!({ "business_date": "2025-02-15" })));
    assert_eq!(tenant.state.violations.open_count(), 4);
    tenant.run(pace("on_pace", &json!({})));
    let mut open: Vec<String> =
        tenant.state.violations.open_before(u64::MAX).map(|one| one.business_date.to_string()).collect();
    open.sort_unstable();
    let left = ["2025-02-15"];
    assert_eq!(open, left, "the date itself and the 31 before it are over, a later one is not");
}

#[test]
fn a_pace_without_a_plan_has_no_gap() {
    let mut tenant = pier();
    tenant.run(pace("warning", &json!({ "expected": 0 })));
    assert!(tenant.only_violation().metadata.as_ref().unwrap().value().get("gap_pct").is_none());
}

#[test]
fn a_greeting_counts_from_its_threshold_and_critically_from_twice_of_it() {
    let table = [
        (json!(0), None),
        (json!(119.9), None),
        (json!(120), None),
        (json!(120.1), Some(Warning)),
        (json!(240), Some(Warning)),
        (json!(241), Some(Critical)),
    ];
    for (delay, expected) in table {
        assert_eq!(severity_of(greeting(&delay, &json!({}))), expected, "{delay} s");
    }
}

#[test]
fn a_greeting_knows_when_the_table_was_seated_however_the_source_writes_it() {
    for written in ["2025-02-14T18:50:00Z", "2025-02-14 19:50", "2025-02-14T19:50:00"] {
        let mut tenant = pier();
        tenant.run(greeting(&json!(300), &json!({ "seated_at": written })));
        assert_eq!(tenant.only_violation().detected_at, at("2025-02-14T18:50:00Z"), "{written}");
    }
    let wrong = pier().refused(greeting(&json!(300), &json!({ "seated_at": "early" })));
    assert_eq!(pointers(&wrong), ["/seated_at"]);
    let no_date = pier().refused(greeting(&json!(300), &json!({ "seated_at": "19:50" })));
    assert_eq!(pointers(&no_date), ["/seated_at"], "a time of day needs a business date");
    let mut dated = pier();
    dated.run(greeting(&json!(300), &json!({ "seated_at": "01:30", "business_date": "2025-02-14" })));
    assert_eq!(
        dated.only_violation().detected_at,
        at("2025-02-15T00:30:00Z"),
        "after midnight, the business date is the evening's"
    );
}

#[test]
fn a_gap_is_one_violation_per_venue_role_and_date() {
    assert_eq!(
        [0.01, 0.49, 0.5, 2.0].map(|fte| severity_of(gap(fte, &json!({})))),
        [Some(Warning), Some(Warning), Some(Critical), Some(Critical),]
    );
    let mut tenant = pier();
    for more in [
        json!({}),
        json!({ "id": "row-2" }),
        json!({ "role": "bar" }),
        json!({ "business_date": "2025-02-20" }),
        json!({ "role": null }),
    ] {
        tenant.run(gap(0.4, &more));
    }
    assert_eq!(tenant.state.violations.open_count(), 4, "the second reading is of the first gap");
    for (fte, more) in [(0.0, json!({})), (-0.5, json!({ "role": "bar" }))] {
        assert!(matches!(tenant.run(gap(fte, &more)), Answer::Ended(ids) if ids.len() == 1));
    }
    assert_eq!(tenant.state.violations.open_count(), 2, "another date and the whole venue stay open");
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    for (command, pointer) in [
        (comp(&json!({ "comp_amount": -1 })), "/comp_amount"),
        (comp(&json!({ "venue_id": "" })), "/venue_id"),
        (comp(&json!({ "id": "" })), "/source_id"),
        (pace("warning", &json!({ "actual": -1 })), "/actual"),
        (greeting(&json!(-1), &json!({})), "/delay_seconds"),
        (gap(0.4, &json!({ "required_fte": -4 })), "/required_fte"),
    ] {
        assert_eq!(pointers(&pier().refused(command)), [pointer]);
    }
    let unknown = pier().refused(pace("on_pace", &json!({ "venue_id": "elsewhere" })));
    assert_eq!(unknown, Rejection::UnknownVenue { pointer: "/venue_id" });
    let mut stranger = pier().by(key(rung("gm")).only_at(&["mole"]));
    assert_eq!(stranger.refused(comp(&json!({}))), Rejection::VenueNotAllowed);
}

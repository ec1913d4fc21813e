//! What becomes of a report: its fingerprint, its dates, its limits, one more occurrence of what is open.

use serde_json::{Value, json};

use super::*;
use crate::domain::people::Held;
use crate::domain::testing::{
    Tenant, alert, at, blocking, comp, comp_of, key, person, pointers, resolve, rung, tenant,
};
use crate::domain::time::HOUR_MS;
use crate::domain::violations::Severity::{Critical, Info, Warning};
use crate::domain::violations::Status;

fn fingerprint(tenant: &mut Tenant, report: Report) -> String {
    let (id, _) = tenant.report(report);
    tenant.violation(id).fingerprint.to_string()
}

#[test]
fn a_fingerprint_is_given_or_made_of_the_source_or_unique() {
    let mut tenant = tenant().with_venue("pier");
    let given = Report { fingerprint: Some("mine".into()), ..comp_of("row-1") };
    assert_eq!(fingerprint(&mut tenant, given), "mine");
    assert_eq!(fingerprint(&mut tenant, comp_of("row-1")), "comp_exception||row-1|");
    let whole = Report { source_table: Some("checks".into()), ..comp_of("row-1").at_venue("pier") };
    assert_eq!(fingerprint(&mut tenant, whole), "comp_exception|checks|row-1|pier");
    let (one, first_is_new) = tenant.report(comp());
    let (two, second_is_new) = tenant.report(comp());
    assert!(one != two && first_is_new && second_is_new);
    assert_eq!(&*tenant.violation(one).fingerprint, one.to_string());
}

#[test]
fn the_parts_of_a_fingerprint_do_not_run_into_each_other() {
    let mut tenant = tenant();
    let of = |table: &str, source: &str| Report { source_table: Some(table.into()), ..comp_of(source) };
    assert_eq!(fingerprint(&mut tenant, of("a|b", "c")), "comp_exception|a%7Cb|c|");
    let made = [("a", "b|c"), ("a|b", "c"), ("a%7Cb", "c"), ("a%257Cb", "c")]
        .map(|(table, source)| fingerprint(&mut tenant, of(table, source)));
    let different: std::collections::BTreeSet<&String> = made.iter().collect();
    assert_eq!(different.len(), made.len(), "{made:?}");
}

#[test]
fn a_repeated_report_counts_and_replaces_what_it_brings() {
    let mut tenant = tenant();
    let first = Report { description: Some("first".into()), ..comp_of("row-1") };
    let (id, new) = tenant.report(first);
    assert!(new);
    tenant.later_ms(HOUR_MS);
    let again = Report { title: "Again".into(), ..comp_of("row-1").with_metadata(json!({ "comp_amount": 300 })) };
    assert_eq!(tenant.report(again), (id, false));
    let seen = tenant.violation(id).clone();
    assert_eq!((seen.occurrences, seen.last_seen_at, &*seen.title), (2, tenant.now, "Again"));
    assert_eq!(seen.metadata.as_ref().unwrap().as_str(), r#"{"comp_amount":300}"#, "the whole of it is replaced");
    assert_eq!(seen.description.as_deref(), Some("first"), "what is absent stays");
    assert_eq!((seen.detected_at, seen.status()), (at(crate::domain::testing::FRIDAY), Status::Active));
    let bare = Report { metadata: None, ..comp_of("row-1") };
    tenant.report(bare);
    assert_eq!(tenant.violation(id).metadata.as_ref().unwrap().as_str(), r#"{"comp_amount":300}"#);
    assert_eq!(tenant.violation(id).occurrences, 3);
}

#[test]
fn severity_rises_and_never_falls() {
    let mut tenant = tenant();
    let mut seen = Vec::new();
    for severity in [Warning, Info, Critical, Warning] {
        let (id, _) = tenant.report(comp_of("row-1").of_severity(severity));
        seen.push(tenant.violation(id).severity);
    }
    assert_eq!(seen, [Warning, Warning, Critical, Critical]);
}

#[test]
fn an_acknowledged_violation_stays_acknowledged_when_it_is_reported_again() {
    let mut tenant = tenant().with_violation(comp_of("row-1"));
    let id = tenant.only_violation().id;
    tenant.run(crate::domain::testing::acknowledge(id));
    assert_eq!(tenant.report(comp_of("row-1")), (id, false));
    assert_eq!((tenant.violation(id).status(), tenant.violation(id).occurrences), (Status::Acknowledged, 2));
}

#[test]
fn a_resolved_violation_is_not_repeated_but_reported_anew() {
    let mut tenant = tenant().with_violation(comp_of("row-1"));
    let old = tenant.only_violation().id;
    tenant.run(resolve(old));
    let (id, new) = tenant.report(comp_of("row-1"));
    assert!(new && id != old);
    assert_eq!((tenant.violation(id).occurrences, tenant.violation(old).occurrences), (1, 1));
}

#[test]
fn templates_run_when_severity_rises_and_never_twice() {
    let mut tenant = tenant()
        .with_template(alert())
        .with_template(blocking().of_severity(Critical))
        .with_violation(comp_of("row-1"));
    assert_eq!(tenant.state.actions.len(), 1);
    tenant.report(comp_of("row-1"));
    assert_eq!(tenant.last.len(), 1, "nothing but the repetition");
    let mut tenant = tenant.with_template(alert());
    tenant.report(comp_of("row-1"));
    assert_eq!(tenant.state.actions.len(), 1, "a template that came later waits for more");
    let (id, _) = tenant.report(comp_of("row-1").of_severity(Critical));
    assert_eq!((tenant.state.actions.len(), tenant.state.blocks.len()), (3, 1));
    tenant.report(comp_of("row-1").of_severity(Info));
    tenant.report(comp_of("row-1").of_severity(Critical));
    let templates: std::collections::BTreeSet<_> =
        tenant.state.actions.iter().map(|action| action.template_id).collect();
    assert_eq!((templates.len(), tenant.violation(id).actions.len()), (3, 3));
}

#[test]
fn a_report_without_templates_makes_nothing_else() {
    let mut tenant = tenant().with_template(alert());
    tenant.run(ReportViolation { report: comp_of("row-1"), apply_templates: false });
    tenant.run(ReportViolation { report: comp_of("row-1").of_severity(Critical), apply_templates: false });
    assert!(tenant.state.actions.is_empty());
}

#[test]
fn a_caller_limited_to_venues_reports_there_only() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay");
    tenant.report(Report { fingerprint: Some("f".into()), ..comp().at_venue("quay") });
    let mut tenant = tenant.by(person("greta", rung("gm")).only_at(&["pier"]));
    tenant.report(comp().at_venue("pier"));
    tenant.report(comp());
    assert_eq!(tenant.refused(comp().at_venue("quay")), Rejection::VenueNotAllowed);
    let unknown = Rejection::UnknownVenue { pointer: "/venue_id" };
    assert_eq!(tenant.refused(comp().at_venue("moon")), unknown);
    let theirs = Report { fingerprint: Some("f".into()), ..comp().at_venue("pier") };
    assert_eq!(tenant.refused(theirs), Rejection::VenueNotAllowed, "an open one elsewhere is not touched");
}

#[test]
fn the_business_date_is_given_or_the_venues_or_the_organisations() {
    let mut tenant = tenant().with_venue("pier"); // both in Berlin, where a day starts at four
    let mut date = |report: Report| {
        let (id, _) = tenant.report(report);
        tenant.violation(id).business_date.to_string()
    };
    let night = Some(at("2025-02-15T02:59:59.999Z"));
    let morning = Some(at("2025-02-15T03:00:00Z"));
    assert_eq!(date(Report { detected_at: night, ..comp().at_venue("pier") }), "2025-02-14");
    assert_eq!(date(Report { detected_at: morning, ..comp().at_venue("pier") }), "2025-02-15");
    assert_eq!(date(Report { detected_at: night, ..comp() }), "2025-02-14");
    assert_eq!(date(comp()), "2025-02-14");
    let given = Some(BusinessDate::parse("2024-02-29").unwrap());
    assert_eq!(date(Report { business_date: given, ..comp() }), "2024-02-29");
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({}), |inner, _| json!({ "a": inner }))
}

#[test]
fn metadata_is_an_object_of_bounded_depth_and_size() {
    let mut tenant = tenant();
    tenant.report(comp().with_metadata(nested(METADATA_DEPTH_MAX)));
    let deep = tenant.refused(comp().with_metadata(nested(METADATA_DEPTH_MAX + 1)));
    assert_eq!(pointers(&deep), ["/metadata"]);
    let around = r#"{"a":""}"#.len();
    tenant.report(comp().with_metadata(json!({ "a": "x".repeat(METADATA_BYTES_MAX - around) })));
    let large = tenant.refused(comp().with_metadata(json!({ "a": "x".repeat(METADATA_BYTES_MAX - around + 1) })));
    assert_eq!(pointers(&large), ["/metadata"]);
    for other in [json!([]), json!("text"), json!(1), Value::Null] {
        assert_eq!(pointers(&tenant.refused(comp().with_metadata(other))), ["/metadata"]);
    }
}

#[test]
fn texts_and_ids_have_limits_and_all_faults_are_told_at_once() {
    let mut tenant = tenant();
    tenant.report(Report { title: "é".repeat(200), description: Some("é".repeat(4_000)), ..comp() });
    tenant.report(Report { fingerprint: Some("x".repeat(512)), violation_type: "a".repeat(64), ..comp() });
    let wrong = Report {
        violation_type: "9comp".into(),
        title: "é".repeat(201),
        description: Some("é".repeat(4_001)),
        fingerprint: Some("x".repeat(513)),
        venue_id: Some("a\nb".into()),
        source_table: Some(String::new()),
        source_id: Some("x".repeat(129)),
        ..comp().with_metadata(json!(1))
    };
    let expected = [
        "/violation_type",
        "/title",
        "/description",
        "/fingerprint",
        "/metadata",
        "/venue_id",
        "/source_table",
        "/source_id",
    ];
    assert_eq!(pointers(&tenant.refused(wrong)), expected);
    for title in ["", "  \t"] {
        assert_eq!(pointers(&tenant.refused(Report { title: title.into(), ..comp() })), ["/title"]);
    }
    for fingerprint in ["", "a\u{7f}b"] {
        let report = Report { fingerprint: Some(fingerprint.into()), ..comp() };
        assert_eq!(pointers(&tenant.refused(report)), ["/fingerprint"]);
    }
}

#[test]
fn equal_metadata_is_kept_as_equal_text() {
    let mut tenant = tenant().by(key(Held::Nothing));
    let keep = |tenant: &mut Tenant, text: &str| {
        let (id, _) = tenant.report(comp().with_metadata(serde_json::from_str(text).unwrap()));
        tenant.violation(id).metadata.clone()
    };
    let one = keep(&mut tenant, r#"{ "b": 1, "a": [2.50] }"#);
    assert_eq!(one, keep(&mut tenant, r#"{"a":[2.5],"b":1}"#));
}

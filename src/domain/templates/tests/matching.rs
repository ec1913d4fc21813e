//! Which violations a template matches.

use serde_json::{Value, json};

use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{Tenant, alert, comp, tenant};
use crate::domain::violations::Severity::{Critical, Info, Warning};
use crate::domain::violations::report::Report;

/// Whether an alert under these conditions comes of a report.
fn matches(conditions: Value, report: Report) -> bool {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_template(alert().when(conditions));
    comes(&mut tenant, report)
}

fn comes(tenant: &mut Tenant, report: Report) -> bool {
    let (id, _) = tenant.report(report);
    !tenant.violation(id).actions.is_empty()
}

fn of_amount(amount: impl Into<Value>) -> Report {
    comp().with_metadata(json!({ "comp_amount": amount.into() }))
}

#[test]
fn thresholds_include_their_own_value() {
    for (amount, expected) in [(99.99, false), (100.0, true), (100.01, true)] {
        assert_eq!(matches(json!({ "min_threshold": 100 }), of_amount(amount)), expected, "{amount}");
    }
    for (amount, expected) in [(99.99, true), (100.0, true), (100.01, false)] {
        assert_eq!(matches(json!({ "max_threshold": 100 }), of_amount(amount)), expected, "{amount}");
    }
    assert!(matches(json!({ "min_threshold": 100, "max_threshold": 100 }), of_amount(100)));
}

#[test]
fn a_missing_measure_matches_no_threshold() {
    for report in [of_amount("250"), of_amount(Value::Null), Report { metadata: None, ..comp() }] {
        for conditions in [json!({ "min_threshold": -1_000_000 }), json!({ "max_threshold": 1_000_000 })] {
            assert!(!matches(conditions, report.clone()), "{report:?}");
        }
    }
    let typeless = TemplateDraft { violation_type: "cold_fries".into(), ..alert() };
    let report = Report { violation_type: "cold_fries".into(), ..of_amount(250) };
    let bounded = typeless.clone().when(json!({ "min_threshold": 0 }));
    assert!(!comes(&mut tenant().with_template(bounded), report.clone()), "a type without a profile has no measure");
    assert!(comes(&mut tenant().with_template(typeless), report));
}

#[test]
fn venues_are_one_of_these() {
    let conditions = json!({ "venue_ids": ["pier", "quay"] });
    assert!(matches(conditions.clone(), comp().at_venue("quay")));
    assert!(!matches(json!({ "venue_ids": ["pier"] }), comp().at_venue("quay")));
    assert!(!matches(conditions, comp()), "no venue is none of them");
}

#[test]
fn metadata_is_compared_by_value_at_its_path() {
    let report =
        || comp().with_metadata(json!({ "guest": { "vip": true, "visits": 5.0 }, "items": ["wine"], "note": null }));
    let expected = [
        (json!({ "guest.vip": true }), true),
        (json!({ "guest.vip": "true" }), false),
        (json!({ "guest.visits": 5 }), true),
        (json!({ "guest.visits": "5" }), false),
        (json!({ "guest": { "visits": 5, "vip": true } }), true),
        (json!({ "guest": { "vip": true } }), false),
        (json!({ "items.0": "wine" }), true),
        (json!({ "items": ["wine"] }), true),
        (json!({ "items.1": "wine" }), false),
        (json!({ "note": null }), true),
        (json!({ "nothing": null }), true),
        (json!({ "guest.vip": true, "guest.visits": 6 }), false),
        (json!({}), true),
    ];
    for (fields, expected) in expected {
        assert_eq!(matches(json!({ "metadata": fields }), report()), expected, "{fields}");
    }
}

#[test]
fn all_conditions_must_hold() {
    let conditions = json!({ "min_threshold": 100, "venue_ids": ["pier"], "metadata": { "vip": true } });
    let report = |amount: i64, venue: &str, vip: bool| {
        comp().at_venue(venue).with_metadata(json!({ "comp_amount": amount, "vip": vip }))
    };
    assert!(matches(conditions.clone(), report(100, "pier", true)));
    assert!(!matches(conditions.clone(), report(99, "pier", true)));
    assert!(!matches(conditions.clone(), report(100, "quay", true)));
    assert!(!matches(conditions, report(100, "pier", false)));
}

#[test]
fn type_severity_and_switch_decide_first() {
    let report = |severity| comp().of_severity(severity);
    for (wanted, severity, expected) in [(Critical, Critical, true), (Warning, Critical, false), (Info, Warning, false)]
    {
        let mut tenant = tenant().with_template(alert().of_severity(wanted));
        assert_eq!(comes(&mut tenant, report(severity)), expected);
    }
    let off = TemplateDraft { enabled: false, ..alert() };
    assert!(!comes(&mut tenant().with_template(off), comp()));
    let other = TemplateDraft { violation_type: "sales_pace".into(), ..alert() };
    assert!(!comes(&mut tenant().with_template(other), comp()));
}

#[test]
fn templates_run_in_the_order_in_which_they_were_made() {
    let mut tenant = tenant();
    for name in ["one", "two", "three"] {
        tenant.run(alert().saying(name));
    }
    let two = tenant.state.templates.after(0).nth(1).unwrap().id;
    tenant.run(crate::domain::templates::save::ReplaceTemplate { id: two, draft: alert().saying("two again") });
    let (id, _) = tenant.report(comp());
    let said: Vec<_> =
        tenant.violation(id).actions.iter().map(|id| tenant.state.actions.get(id).unwrap().message.clone()).collect();
    assert_eq!(said.iter().map(|text| &**text).collect::<Vec<_>>(), ["one", "two again", "three"]);
}

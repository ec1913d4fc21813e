//! How often something happened, by business dates.

use serde_json::json;

use crate::domain::templates::dry_run::DryRun;
use crate::domain::testing::{Tenant, acknowledge, alert, at, comp, comp_of, pointers, resolve, tenant};
use crate::domain::time::BusinessDate;
use crate::domain::violations::recurrence::DATES_MAX;
use crate::domain::violations::report::{Report, ReportViolation};

fn third_in_a_week() -> Tenant {
    tenant().with_template(alert().when(json!({ "occurrences_at_least": 3, "within_days": 7 })))
}

fn on(date: &str) -> Report {
    Report { business_date: Some(BusinessDate::parse(date).unwrap()), ..comp() }
}

/// Whether a template matched.
fn comes(tenant: &mut Tenant, report: Report) -> bool {
    let (id, _) = tenant.report(report);
    !tenant.violation(id).actions.is_empty()
}

#[test]
fn the_third_violation_of_a_week_counts_and_so_does_every_one_after_it() {
    let mut tenant = third_in_a_week();
    let dates = ["2025-01-20", "2025-02-08", "2025-02-09", "2025-02-14", "2025-02-15", "2025-02-16"];
    let came: Vec<bool> = dates.into_iter().map(|date| comes(&mut tenant, on(date))).collect();
    // 8 February is in the week of the 14th, and out of that of the 15th
    assert_eq!(came, [false, false, false, true, true, true]);
    assert!(!comes(&mut tenant, on("2025-02-24")), "it decays");
}

#[test]
fn business_dates_are_counted_over_leap_days_and_over_the_change_of_the_clock() {
    let table = [
        (["2024-02-28", "2024-02-29", "2024-03-01"], 3, true),
        (["2024-02-28", "2024-02-29", "2024-03-01"], 2, false),
        (["2023-02-27", "2023-02-28", "2023-03-01"], 3, true), // no 29 February between them
        (["2024-02-27", "2024-02-28", "2024-03-01"], 3, false),
        (["2025-03-29", "2025-03-30", "2025-03-31"], 3, true),
        (["2025-10-25", "2025-10-26", "2025-10-27"], 3, true),
        (["2024-12-30", "2024-12-31", "2025-01-01"], 3, true),
        (["2023-12-31", "2024-06-30", "2024-12-30"], 366, true), // 366 dates in that year
        (["2022-12-31", "2023-06-30", "2024-01-01"], 366, false),
    ];
    for (dates, within, expected) in table {
        let conditions = json!({ "occurrences_at_least": 3, "within_days": within });
        let mut tenant = tenant().with_template(alert().when(conditions));
        let last = dates.into_iter().map(|date| comes(&mut tenant, on(date))).last();
        assert_eq!(last, Some(expected), "{dates:?} within {within}");
    }
}

#[test]
fn the_small_hours_belong_to_the_business_date_before() {
    let conditions = json!({ "occurrences_at_least": 2, "within_days": 1 });
    let mut tenant = tenant().with_venue("pier").with_template(alert().when(conditions));
    let seen = |moment: &str| Report { detected_at: Some(at(moment)), ..comp() }.at_venue("pier");
    assert!(!comes(&mut tenant, seen("2024-02-29T22:00:00Z")));
    assert!(comes(&mut tenant, seen("2024-03-01T02:59:00Z")), "03:59 in Berlin is still 29 February");
    assert!(!comes(&mut tenant, seen("2024-03-01T03:00:00Z")), "04:00 is 1 March");
}

#[test]
fn only_new_violations_of_the_type_and_entity_count() {
    let mut tenant = third_in_a_week();
    assert!(!comes(&mut tenant, comp_of("row-1")));
    for _ in 0..5 {
        assert!(!comes(&mut tenant, comp_of("row-1")), "a re-report is no occurrence");
    }
    let other = || comp().with_metadata(json!({ "server_id": "bob", "comp_amount": 9 }));
    assert!(!comes(&mut tenant, other()) && !comes(&mut tenant, other()), "somebody else");
    let kind = || Report { violation_type: "greeting_delay".into(), ..comp() };
    assert!(!comes(&mut tenant, kind()) && !comes(&mut tenant, kind()), "something else");
    assert!(!comes(&mut tenant, comp()));
    let only_stored = ReportViolation { report: comp(), apply_templates: false };
    tenant.run(only_stored);
    assert!(comes(&mut tenant, comp()), "one that was only stored is one too");
}

#[test]
fn what_was_resolved_happened_all_the_same_and_what_is_about_nobody_is_not_counted() {
    let mut tenant = third_in_a_week();
    for _ in 0..2 {
        let (id, _) = tenant.report(comp());
        tenant.run(acknowledge(id));
        tenant.run(resolve(id));
    }
    assert!(comes(&mut tenant, comp()));
    let nobody = || comp().with_metadata(json!({ "comp_amount": 9 }));
    for _ in 0..4 {
        assert!(!comes(&mut tenant, nobody()));
    }
    let said = DryRun { report: nobody(), templates: None }.run(&tenant.state, &mut tenant.context()).unwrap();
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let because = said["unmatched"][0]["because"].as_str().unwrap();
    assert_eq!(because, "occurrences_at_least: the violation names nobody, so nothing is counted");
}

#[test]
fn a_dry_run_counts_what_really_happened_and_itself() {
    let mut tenant = third_in_a_week();
    tenant.report(comp());
    let tried = |tenant: &Tenant| {
        let said = DryRun { report: comp(), templates: None }.run(&tenant.state, &mut tenant.context()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&said).unwrap()
    };
    let because = tried(&tenant)["unmatched"][0]["because"].as_str().unwrap().to_owned();
    assert_eq!(because, "occurrences_at_least: 2 within 7 business dates, not 3");
    tenant.report(comp());
    assert_eq!(tried(&tenant)["actions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_rise_in_severity_does_not_count_the_violation_twice() {
    use crate::domain::violations::Severity::Critical;
    let conditions = json!({ "occurrences_at_least": 2, "within_days": 7 });
    let mut tenant = tenant().with_template(alert().when(conditions));
    assert!(!comes(&mut tenant, comp_of("row-1")));
    assert!(!comes(&mut tenant, comp_of("row-1").of_severity(Critical)), "still the first");
    assert!(comes(&mut tenant, comp_of("row-2")));
}

#[test]
fn counts_keep_the_newest_dates_only() {
    let mut tenant = third_in_a_week();
    let first = BusinessDate::parse("2020-01-01").unwrap();
    for day in 0..i32::try_from(DATES_MAX).unwrap() + 50 {
        tenant.report(Report { business_date: Some(BusinessDate(first.0 + day)), ..comp() });
    }
    let violation = tenant.state.violations.iter().next().unwrap().clone();
    let entity = violation.entity.unwrap().id;
    let count = |last: i32, days: u32| {
        tenant.state.violations.recurrence.count(&violation.violation_type, &entity, BusinessDate(last), days)
    };
    assert_eq!(count(first.0 + 449, 366), 366);
    assert_eq!(count(first.0 + 449, 1_000), 400);
    assert_eq!(count(first.0 + 49, 50), 0);
}

#[test]
fn a_count_needs_days_and_days_a_count() {
    for (conditions, pointer) in [
        (json!({ "occurrences_at_least": 3 }), "/conditions/within_days"),
        (json!({ "within_days": 3 }), "/conditions/occurrences_at_least"),
        (json!({ "occurrences_at_least": 0, "within_days": 3 }), "/conditions/occurrences_at_least"),
        (json!({ "occurrences_at_least": 100_001, "within_days": 3 }), "/conditions/occurrences_at_least"),
        (json!({ "occurrences_at_least": 3, "within_days": 0 }), "/conditions/within_days"),
        (json!({ "occurrences_at_least": 3, "within_days": 367 }), "/conditions/within_days"),
        (json!({ "repeat_after_minutes": 0 }), "/conditions/repeat_after_minutes"),
        (json!({ "cooldown_minutes": 44_641 }), "/conditions/cooldown_minutes"),
        (json!({ "when": "(((1 <" }), "/conditions/when"),
    ] {
        assert_eq!(pointers(&tenant().refused(alert().when(conditions.clone()))), [pointer], "{conditions}");
    }
}

//! The counters against counting everything anew, over random histories; and what a question is answered with.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::series::{Group, Question, SERIES_MAX, answer};
use super::*;
use crate::domain::people::Caller;
use crate::domain::testing::{Tenant, acknowledge, alert, at, comp, comp_of, key, resolve, rung, tenant};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::domain::violations::lifecycle::RunTemplates;
use crate::domain::violations::report::Report;

fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

fn asked(tenant: &Tenant, caller: &Caller, from: &str, to: &str, group: Group, by: Dimension) -> Value {
    let question = Question { from: date(from), to: date(to), group, by };
    serde_json::to_value(answer(&tenant.state, caller, &question)).unwrap()
}

fn day(tenant: &Tenant, by: Dimension) -> Value {
    asked(tenant, &Caller::schedule(), "2025-02-14", "2025-02-14", Group::Day, by)["series"].take()
}

/// What counting anew gives: count and times of violations at each place, in milliseconds; and the actions of templates.
fn counted_anew(tenant: &Tenant) -> BTreeMap<String, (u64, Vec<u16>, Vec<u16>)> {
    let mut all: BTreeMap<String, (u64, Vec<u16>, Vec<u16>)> = BTreeMap::new();
    let mut place = |date: BusinessDate, venue: Option<&VenueId>, subject: String| {
        all.entry(format!("{date} {} {subject}", venue.map_or("-", |id| id.as_str()))).or_default().0 += 1;
    };
    for one in tenant.state.violations.iter() {
        for subject in ["Venue".to_owned(), format!("{}", one.violation_type), format!("{:?}", one.severity)] {
            place(one.business_date, one.venue_id.as_ref(), subject);
        }
    }
    for action in tenant.state.actions.iter() {
        let one = tenant.violation(action.violation_id);
        place(one.business_date, one.venue_id.as_ref(), action.template_id.unwrap().to_string());
    }
    for one in tenant.state.violations.iter() {
        let time = |mark: &crate::domain::violations::Mark| bucket_of((mark.at.0 - one.reported_at().0) as u64);
        for subject in ["Venue".to_owned(), format!("{}", one.violation_type), format!("{:?}", one.severity)] {
            let venue = one.venue_id.as_ref().map_or("-", |id| id.as_str());
            let counter = all.get_mut(&format!("{} {venue} {subject}", one.business_date)).unwrap();
            counter.1.extend(one.acknowledged.as_ref().map(time));
            counter.2.extend(one.resolved.as_ref().map(time));
        }
    }
    for (_, acknowledged, resolved) in all.values_mut() {
        acknowledged.sort_unstable();
        resolved.sort_unstable();
    }
    all
}

fn counted(tenant: &Tenant) -> BTreeMap<String, (u64, Vec<u16>, Vec<u16>)> {
    let times = |histogram: &Histogram| {
        histogram.buckets().iter().flat_map(|(bucket, count)| vec![*bucket; *count as usize]).collect::<Vec<u16>>()
    };
    let counters = tenant.state.trends.iter().map(|(place, counter)| {
        let (subject, of_template) = match &place.subject {
            Subject::Venue => ("Venue".to_owned(), false),
            Subject::Type(name) => (name.to_string(), false),
            Subject::Severity(severity) => (format!("{severity:?}"), false),
            Subject::Template(id) => (id.to_string(), true),
        };
        let venue = place.venue_id.as_ref().map_or("-", |id| id.as_str());
        // the times of templates depend on when they acted, which the model does not know
        let times =
            if of_template { (Vec::new(), Vec::new()) } else { (times(&counter.acknowledge), times(&counter.resolve)) };
        (format!("{} {venue} {subject}", place.date), (counter.count, times.0, times.1))
    });
    counters.collect()
}

#[derive(Clone, Debug)]
enum Step {
    Report { row: u8, severity: Severity, venue: Option<u8>, days_back: i32, kind: u8 },
    Acknowledge(prop::sample::Index),
    Resolve(prop::sample::Index),
    Run(prop::sample::Index),
    Later(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let severity = prop::sample::select(&[Severity::Info, Severity::Warning, Severity::Critical]);
    prop_oneof![
        4 => (0_u8..6, severity, prop::option::of(0_u8..2), 0_i32..3, 0_u8..2)
            .prop_map(|(row, severity, venue, days_back, kind)| Step::Report { row, severity, venue, days_back, kind }),
        2 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        1 => any::<prop::sample::Index>().prop_map(Step::Resolve),
        1 => any::<prop::sample::Index>().prop_map(Step::Run),
        2 => (0..3 * HOUR_MS).prop_map(Step::Later),
    ]
}

fn take(tenant: &mut Tenant, step: Step) {
    let mut ids: Vec<Uuid> = tenant.state.violations.iter().map(|one| one.id).collect();
    ids.sort_unstable();
    let chosen = |index: prop::sample::Index| if ids.is_empty() { None } else { Some(ids[index.index(ids.len())]) };
    match step {
        Step::Report { row, severity, venue, days_back, kind } => {
            let mut report = comp_of(&row.to_string()).of_severity(severity);
            report.venue_id = venue.map(|number| format!("venue-{number}"));
            report.business_date = Some(BusinessDate(date("2025-02-14").0 - days_back));
            report.violation_type = ["comp_exception", "late_delivery"][usize::from(kind)].into();
            tenant.run(report);
        }
        // resolved ones are refused, and that changes nothing
        Step::Acknowledge(index) => drop(chosen(index).map(|id| tenant.try_run(acknowledge(id)))),
        Step::Resolve(index) => drop(chosen(index).map(|id| tenant.try_run(resolve(id)))),
        Step::Run(index) => drop(chosen(index).map(|id| tenant.try_run(RunTemplates { id }))),
        Step::Later(ms) => drop(tenant.later_ms(ms)),
    }
}

proptest! {
    #[test]
    fn counters_are_what_counting_anew_gives(steps in prop::collection::vec(step(), 0..60)) {
        let mut tenant = tenant()
            .with_venue("venue-0")
            .with_venue("venue-1")
            .with_template(alert())
            .with_template(alert().of_severity(Severity::Critical));
        for step in steps {
            take(&mut tenant, step);
        }
        prop_assert_eq!(counted(&tenant), counted_anew(&tenant));
        let mut again = Trends::default();
        tenant.state.trends.iter().for_each(|(place, counter)| again.put_back(place, counter.clone()));
        prop_assert_eq!(again.digest(), tenant.state.trends.digest());
        prop_assert_eq!(&again.totals, &tenant.state.trends.totals, "what is put back adds up to the same");
        let everywhere = key(rung("owner")).only_at(&["venue-0", "venue-1"]);
        for by in [Dimension::Venue, Dimension::Type, Dimension::Severity, Dimension::Template] {
            let shown = |caller: &Caller| asked(&tenant, caller, "2025-02-10", "2025-02-16", Group::Week, by);
            prop_assert_eq!(shown(&everywhere), shown(&Caller::schedule()), "all venues together are the venues added up");
        }
    }
}

#[test]
fn a_violation_that_rises_counts_where_it_is_now_with_its_times() {
    let mut tenant = tenant();
    let (id, _) = tenant.report(comp_of("1").of_severity(Severity::Info));
    tenant.later_ms(10 * MINUTE_MS).run(acknowledge(id));
    tenant.run(comp_of("1").of_severity(Severity::Critical));
    let series = day(&tenant, Dimension::Severity);
    assert_eq!(series.as_array().unwrap().len(), 1, "{series}");
    assert_eq!((&series[0]["key"], &series[0]["count"]), (&json!("critical"), &json!(1)));
    let median = series[0]["points"][0]["acknowledge_p50_s"].as_f64().unwrap();
    assert!((median - 600.0).abs() < 10.0, "{median}");
    assert_eq!(series[0]["points"][0]["resolve_p50_s"], Value::Null);
}

#[test]
fn response_times_count_from_the_report_and_not_from_the_detection() {
    let mut tenant = tenant();
    let before =
        Report { detected_at: Some(at("2025-02-13T12:00:00Z")), business_date: Some(date("2025-02-14")), ..comp() };
    let (id, _) = tenant.report(before);
    tenant.later_ms(MINUTE_MS).run(resolve(id));
    let seconds = day(&tenant, Dimension::Type)[0]["points"][0]["resolve_p90_s"].as_f64().unwrap();
    assert!((seconds - 60.0).abs() < 1.0, "{seconds}");
}

#[test]
fn a_template_counts_its_actions_with_the_times_of_what_it_acted_on() {
    let mut draft = alert();
    draft.name = Some("Tell the GM".into());
    let mut tenant = tenant().with_template(draft).with_template(alert().of_severity(Severity::Critical));
    let (id, _) = tenant.report(comp());
    tenant.report(comp());
    tenant.later_ms(HOUR_MS).run(resolve(id));
    let series = day(&tenant, Dimension::Template);
    assert_eq!(series.as_array().unwrap().len(), 1, "the other template never acted: {series}");
    assert_eq!((&series[0]["name"], &series[0]["points"][0]["count"]), (&json!("Tell the GM"), &json!(2)));
    assert!((series[0]["points"][0]["resolve_p50_s"].as_f64().unwrap() - 3600.0).abs() < 60.0);
}

#[test]
fn whoever_is_limited_to_venues_sees_those_only() {
    let mut tenant = tenant().with_venue("pier").with_venue("mole");
    for venue in ["pier", "mole", "mole"] {
        tenant.run(comp().at_venue(venue));
    }
    tenant.run(comp());
    let limited = key(rung("gm")).only_at(&["pier"]);
    let counts = |caller: &Caller, by: Dimension| -> Vec<(Value, Value)> {
        let shown = asked(&tenant, caller, "2025-02-14", "2025-02-14", Group::Day, by);
        let series = shown["series"].as_array().unwrap().iter();
        series.map(|one| (one["key"].clone(), one["count"].clone())).collect()
    };
    let all = counts(&Caller::schedule(), Dimension::Venue);
    assert_eq!(all, [(json!("mole"), json!(2)), (Value::Null, json!(1)), (json!("pier"), json!(1))]);
    assert_eq!(counts(&limited, Dimension::Venue), [(Value::Null, json!(1)), (json!("pier"), json!(1))]);
    assert_eq!(counts(&limited, Dimension::Type), [(json!("comp_exception"), json!(2))]);
}

#[test]
fn weeks_begin_on_monday_also_around_a_leap_day_and_a_new_year() {
    let table = [
        ("2024-02-28", "2024-02-26"),
        ("2024-02-29", "2024-02-26"),
        ("2024-03-03", "2024-02-26"),
        ("2024-03-04", "2024-03-04"),
        ("2024-12-31", "2024-12-30"),
        ("2025-01-01", "2024-12-30"),
        ("1969-12-31", "1969-12-29"),
        ("1970-01-01", "1969-12-29"),
        ("1970-01-05", "1970-01-05"),
    ];
    let mut tenant = tenant();
    for (day, monday) in table {
        assert_eq!(date(day).monday(), date(monday), "{day}");
        tenant.run(Report { business_date: Some(date(day)), ..comp() });
    }
    let shown = asked(&tenant, &Caller::schedule(), "2024-02-29", "2025-01-01", Group::Week, Dimension::Type);
    let points: Vec<(&Value, &Value)> = shown["series"][0]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| (&point["date"], &point["count"]))
        .collect();
    let expected = [(json!("2024-02-26"), json!(2)), (json!("2024-03-04"), json!(1)), (json!("2024-12-30"), json!(2))];
    assert_eq!(points, expected.iter().map(|(date, count)| (date, count)).collect::<Vec<_>>());
}

#[test]
fn the_series_with_the_highest_counts_are_shown_and_the_rest_is_counted() {
    let mut tenant = tenant();
    for number in 0..SERIES_MAX + 5 {
        tenant.run(Report { violation_type: format!("type_{number:03}"), ..comp() });
    }
    tenant.run(Report { violation_type: "type_204".into(), ..comp() });
    let shown = asked(&tenant, &Caller::schedule(), "2025-02-14", "2025-02-14", Group::Day, Dimension::Type);
    assert_eq!((shown["series"].as_array().unwrap().len(), &shown["left_out"]), (SERIES_MAX, &json!(5)));
    assert_eq!(shown["series"][0]["key"], json!("type_204"));
}

#[test]
fn what_lies_outside_the_range_does_not_count() {
    let mut tenant = tenant();
    for days in [-1, 0, 1, 2] {
        let business_date = Some(BusinessDate(date("2025-02-14").0 + days));
        tenant.run(Report { business_date, ..comp() });
    }
    let shown = asked(&tenant, &Caller::schedule(), "2025-02-14", "2025-02-15", Group::Day, Dimension::Venue);
    assert_eq!(shown["series"][0]["count"], json!(2));
    assert_eq!(tenant.later_ms(DAY_MS).state.trends.len(), 4 * 3);
}

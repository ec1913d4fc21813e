//! The end of what is quiet, and the return of what was not over.

use serde_json::json;
use uuid::Uuid;

use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, AttemptOutcome, ExecutionStatus};
use crate::domain::blocks::place::Tick;
use crate::domain::decision::Answer;
use crate::domain::people::{Caller, Held};
use crate::domain::rejection::Rejection;
use crate::domain::templates::dry_run::DryRun;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{
    Tenant, acknowledge, alert, attempt, blocking, comp, escalate, escalating, key, person, resolve, retry, rung,
    tenant,
};
use crate::domain::time::MINUTE_MS;
use crate::domain::violations::lifecycle::ClearViolations;
use crate::domain::violations::own_types::{OwnTypeDraft, SaveViolationType};
use crate::domain::violations::report::Report;
use crate::domain::violations::{Ending, Severity, Status};

/// The pace of the pier, so many per cent below its plan. Its type is quiet after 120 minutes.
fn pace(gap: f64) -> Report {
    let metadata = json!({ "gap_pct": gap });
    let report = Report { violation_type: "sales_pace".into(), source_id: Some("pier".into()), ..comp() };
    report.at_venue("pier").with_metadata(metadata)
}

fn over_ten(draft: TemplateDraft) -> TemplateDraft {
    TemplateDraft { violation_type: "sales_pace".into(), ..draft }.when(json!({ "min_threshold": 10 }))
}

fn slow() -> (Tenant, Uuid) {
    let mut tenant = tenant().with_venue("pier").with(over_ten(blocking())).with(over_ten(alert()));
    let (id, _) = tenant.report(pace(15.0));
    (tenant, id)
}

fn tick(tenant: &mut Tenant) -> Vec<Uuid> {
    let mut ticked = tenant.clone().by(Caller::schedule());
    let answer = ticked.run(Tick { at_most: 100 });
    (tenant.state, tenant.last) = (ticked.state, ticked.last);
    match answer {
        Answer::Ticked { resolved, .. } => resolved,
        other => panic!("{other:?}"),
    }
}

fn clear() -> ClearViolations {
    ClearViolations::Source { source_table: None, source_id: "pier".into() }
}

fn blocked(tenant: &Tenant) -> bool {
    tenant.state.blocks.iter().any(|block| block.is_active(tenant.now))
}

fn notices(tenant: &Tenant) -> Vec<(NoticeKind, ExecutionStatus)> {
    let mut found: Vec<&Action> = tenant.state.actions.iter().filter(|one| one.notice.is_some()).collect();
    found.sort_by_key(|one| one.seq);
    found.into_iter().filter_map(|one| Some((one.notice?, one.status))).collect()
}

#[test]
fn what_is_no_longer_reported_ends_by_schedule_and_takes_its_blocks_along() {
    let (mut tenant, id) = slow();
    tenant.later_minutes(60);
    tenant.report(pace(15.0));
    assert_eq!(tenant.state.next_tick(), Some(tenant.now.plus_ms(120 * MINUTE_MS)), "since the last report");
    tenant.later_minutes(119);
    assert!(tick(&mut tenant).is_empty());
    tenant.later_minutes(1);
    assert_eq!(tick(&mut tenant), [id]);
    let violation = tenant.violation(id);
    assert_eq!((violation.status(), violation.ending), (Status::Resolved, Some(Ending::Quiet)));
    assert_eq!(&*violation.resolved.as_ref().unwrap().by, "schedule");
    assert_eq!(violation.resolution.as_deref(), Some("Not reported for 120 minutes"));
    assert!(!blocked(&tenant));
    assert_eq!((tick(&mut tenant), tenant.state.next_tick()), (vec![], None));
}

#[test]
fn a_type_without_a_quiet_time_waits_for_somebody() {
    let mut tenant = tenant().with_violation(comp());
    tenant.later_minutes(1_000_000);
    assert_eq!((tick(&mut tenant), tenant.state.next_tick()), (vec![], None));
}

#[test]
fn a_value_that_dances_around_its_threshold_neither_ends_nor_acts_again() {
    let (mut tenant, id) = slow();
    for round in 0..50 {
        tenant.later_minutes(40);
        tenant.report(pace([9.1, 10.5, 9.9][round % 3]));
        assert!(tick(&mut tenant).is_empty());
    }
    let violation = tenant.violation(id);
    assert_eq!((violation.occurrences, violation.actions.len(), violation.blocks.len()), (51, 2, 1));
}

#[test]
fn a_value_well_below_its_threshold_for_the_quiet_time_is_over() {
    let (mut tenant, id) = slow();
    for minute in [40, 80, 119] {
        tenant.now = crate::domain::testing::at(crate::domain::testing::FRIDAY).plus_ms(minute * MINUTE_MS);
        tenant.report(pace(8.9));
        assert!(tick(&mut tenant).is_empty());
    }
    tenant.later_minutes(1);
    assert_eq!(tick(&mut tenant), [id], "reported all the time, and below 9 for two hours");
}

#[test]
fn what_comes_back_in_time_is_the_same_with_its_block_and_without_new_messages() {
    for ends_by in ["source", "quiet"] {
        let (mut tenant, id) = slow();
        let mail = tenant.violation(id).actions[1];
        tenant.run(attempt(mail, AttemptOutcome::Delivered));
        if ends_by == "source" {
            tenant.run(clear());
        } else {
            tenant.later_minutes(120);
            tick(&mut tenant);
        }
        assert!(!blocked(&tenant));
        tenant.later_minutes(120);
        assert_eq!(tenant.report(pace(12.0)), (id, false), "{ends_by}");
        let violation = tenant.violation(id);
        assert_eq!((violation.status(), violation.occurrences, violation.actions.len()), (Status::Active, 2, 3));
        assert!(blocked(&tenant), "{ends_by}");
        assert_eq!(notices(&tenant), [(NoticeKind::Resolved, ExecutionStatus::Dismissed)], "nobody heard of an end");
        tenant.run(clear());
        assert_eq!((tenant.violation(id).status(), blocked(&tenant)), (Status::Resolved, false), "and ends again");
        tenant.later_minutes(121);
        assert!(tenant.report(pace(12.0)).1, "too late: a new one");
    }
}

#[test]
fn who_heard_of_the_end_hears_of_the_return() {
    let (mut tenant, id) = slow();
    let mail = tenant.violation(id).actions[1];
    tenant.run(attempt(mail, AttemptOutcome::Delivered));
    tenant.run(clear());
    let notice = *tenant.violation(id).actions.last().unwrap();
    assert_eq!(tenant.state.actions.get(&notice).unwrap().scheduled_for, Some(tenant.now.plus_ms(15 * MINUTE_MS)));
    tenant.later_minutes(15);
    tenant.run(attempt(notice, AttemptOutcome::Delivered));
    tenant.later_minutes(5);
    tenant.report(pace(12.0));
    let told = [(NoticeKind::Resolved, ExecutionStatus::Delivered), (NoticeKind::Reopened, ExecutionStatus::Pending)];
    assert_eq!(notices(&tenant), told);
}

#[test]
fn what_a_person_ended_does_not_come_back() {
    let (mut tenant, id) = slow();
    tenant.run(resolve(id));
    assert!(tenant.report(pace(12.0)).1);
}

#[test]
fn a_return_goes_on_with_what_the_end_left_unsent() {
    let (mut tenant, id) = slow();
    let mail = tenant.violation(id).actions[1];
    tenant.run(clear());
    assert_eq!(tenant.state.actions.get(&mail).unwrap().status, ExecutionStatus::Dismissed);
    tenant.report(pace(12.0));
    assert_eq!(tenant.state.actions.get(&mail).unwrap().status, ExecutionStatus::Pending);
    assert_eq!(notices(&tenant), [], "nobody had been told of anything");
}

#[test]
fn a_return_goes_on_with_an_escalation_that_nobody_had_acknowledged() {
    for acknowledged in [false, true] {
        let template = TemplateDraft { violation_type: "sales_pace".into(), ..escalating("gm") };
        let mut tenant = tenant().with_venue("pier").with(template);
        let (id, _) = tenant.report(pace(12.0));
        let escalation = tenant.only_action().id;
        tenant.run(attempt(escalation, AttemptOutcome::Delivered));
        if acknowledged {
            tenant.run(acknowledge(id));
        }
        tenant.run(clear());
        tenant.later_minutes(5);
        tenant.report(pace(12.0));
        let turn = (!acknowledged).then(|| tenant.now.plus_ms(30 * MINUTE_MS));
        assert_eq!(tenant.state.actions.next_turn(), turn);
        let status = if acknowledged { Status::Acknowledged } else { Status::Active };
        assert_eq!(tenant.violation(id).status(), status);
    }
}

#[test]
fn a_return_adds_nothing_to_what_it_brings_back_however_old_that_is() {
    let again = |draft| over_ten(draft).when(json!({ "min_threshold": 10, "repeat_after_minutes": 30 }));
    let mut tenant = tenant().with_venue("pier").with(again(blocking())).with(again(alert()));
    let (id, _) = tenant.report(pace(15.0));
    tenant.later_minutes(20).run(clear());
    tenant.later_minutes(20).report(pace(15.0));
    let standing = |tenant: &Tenant| tenant.state.blocks.iter().filter(|one| one.is_active(tenant.now)).count();
    assert_eq!((standing(&tenant), tenant.violation(id).actions.len()), (1, 2));
    tenant.run(clear());
    tenant.later_minutes(40).report(pace(15.0).of_severity(Severity::Critical));
    assert_eq!(standing(&tenant), 1, "a rise tells again and places no second one");
    assert_eq!(tenant.violation(id).actions.len(), 3, "of the block; the alert has waited and waits again");
}

#[test]
fn a_message_with_a_delay_waits_for_its_time_after_a_return_too() {
    let late = |draft| over_ten(draft).data(json!({ "delay_minutes": 30 }));
    let escalation = late(escalating("gm"));
    let mut tenant = tenant().with_venue("pier").with(late(alert())).with(escalation);
    let (id, _) = tenant.report(pace(15.0));
    let due_at = tenant.now.plus_ms(30 * MINUTE_MS);
    tenant.later_minutes(5).run(clear());
    tenant.later_minutes(5).report(pace(15.0));
    for action in &tenant.violation(id).actions {
        assert_eq!(tenant.state.actions.get(action).unwrap().due(), Some(due_at));
    }
    tenant.run(clear());
    tenant.later_minutes(25).report(pace(15.0));
    assert_eq!(tenant.state.actions.next_due(), Some(tenant.now), "its time is over");
}

#[test]
fn what_was_acknowledged_and_comes_back_reminds_again() {
    let template = TemplateDraft { violation_type: "sales_pace".into(), ..escalating("gm") };
    let mut tenant = tenant().with_venue("pier").with(template.data(json!({ "remind_after_minutes": 60 })));
    let (id, _) = tenant.report(pace(12.0));
    let escalation = tenant.only_action().id;
    tenant.run(attempt(escalation, AttemptOutcome::Delivered));
    tenant.caller(person("ana", rung("gm"))).run(acknowledge(id));
    tenant.caller(key(Held::Top)).run(clear());
    assert_eq!(tenant.state.actions.next_turn(), None);
    tenant.later_minutes(20).report(pace(12.0));
    assert_eq!(tenant.state.actions.next_turn(), Some(tenant.now.plus_ms(60 * MINUTE_MS)));
    tenant.later_minutes(60).run(escalate());
    let reminder = tenant.violation(id).actions.last().and_then(|id| tenant.state.actions.get(id)).unwrap();
    assert_eq!((reminder.notice, &*reminder.action_target), (Some(NoticeKind::Reminder), "user:ana"));
}

#[test]
fn an_end_that_was_taken_back_counts_for_no_template() {
    let (mut tenant, _) = slow();
    for _ in 0..3 {
        tenant.later_minutes(1).run(clear());
        tenant.later_minutes(1).report(pace(12.0));
    }
    let ends = |tenant: &Tenant| -> Vec<u32> {
        let counters = tenant.state.trends.iter();
        counters.map(|(_, one)| one.resolve.buckets().iter().map(|(_, count)| *count).sum()).collect()
    };
    assert!(ends(&tenant).iter().all(|count| *count == 0), "{:?}", ends(&tenant));
    tenant.run(clear());
    assert!(ends(&tenant).iter().all(|count| *count == 1), "{:?}", ends(&tenant));
}

#[test]
fn who_hears_of_the_end_after_the_return_hears_of_the_return_too() {
    let (mut tenant, id) = slow();
    let mail = tenant.violation(id).actions[1];
    tenant.run(attempt(mail, AttemptOutcome::Delivered));
    tenant.run(clear());
    let notice = *tenant.violation(id).actions.last().unwrap();
    tenant.later_minutes(15).report(pace(12.0));
    assert!(matches!(tenant.refused(retry(notice)), Rejection::ActionNotOpen { .. }), "the end was taken back");
    for _ in 0..2 {
        tenant.run(attempt(notice, AttemptOutcome::Delivered)); // it was on its way
    }
    let told = [(NoticeKind::Resolved, ExecutionStatus::Delivered), (NoticeKind::Reopened, ExecutionStatus::Pending)];
    assert_eq!(notices(&tenant), told, "once");
}

#[test]
fn a_dry_run_says_what_a_return_would_make() {
    let again = |draft| over_ten(draft).when(json!({ "min_threshold": 10, "repeat_after_minutes": 30 }));
    let mut tenant = tenant().with_venue("pier").with(again(blocking())).with(again(alert()));
    tenant.report(pace(15.0));
    tenant.later_minutes(20).run(clear());
    tenant.later_minutes(20);
    for (severity, expected) in [(Severity::Warning, [0, 0, 2]), (Severity::Critical, [1, 0, 1])] {
        let report = pace(15.0).of_severity(severity);
        let said = DryRun { report, templates: None }.run(&tenant.state, &mut tenant.context()).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        let counts = ["actions", "blocks", "unmatched"].map(|name| said[name].as_array().unwrap().len());
        assert_eq!(counts, expected, "{said}");
    }
}

#[test]
fn templates_see_what_comes_back_as_open() {
    let open = over_ten(alert()).when(json!({ "when": "severity == 'critical' && status == 'active'" }));
    let mut tenant = tenant().with_venue("pier").with(open);
    let (id, _) = tenant.report(pace(15.0));
    tenant.run(clear());
    tenant.report(pace(15.0).of_severity(Severity::Critical));
    assert_eq!(tenant.violation(id).actions.len(), 1);
}

#[test]
fn a_block_whose_time_is_over_does_not_come_back() {
    let draft = over_ten(blocking()).data(json!({ "expires_after_minutes": 30 }));
    let mut tenant = tenant().with_venue("pier").with(draft);
    tenant.report(pace(12.0));
    tenant.run(clear());
    tenant.later_minutes(31);
    assert!(!tenant.report(pace(12.0)).1);
    assert_eq!(tenant.state.blocks.len(), 1);
}

#[test]
fn only_types_that_end_by_themselves_are_looked_at_and_as_their_profiles_say() {
    let save = |name: &str, minutes| SaveViolationType {
        violation_type: name.into(),
        draft: OwnTypeDraft { resolve_after_quiet_minutes: minutes, ..OwnTypeDraft::default() },
    };
    let mut tenant = tenant().with(save("sales_pace", Some(7))).with(save("greeting_delay", None));
    tenant.run(save("spill", Some(9)));
    tenant.run(save("noise", None));
    for number in 0..50 {
        tenant.report(Report { violation_type: format!("word_{number}"), ..comp() });
    }
    let mut types: Vec<_> = tenant.state.quiet_types().collect();
    types.sort_unstable();
    let shown: Vec<_> = types.iter().map(|(name, ms)| (name.as_str(), ms / MINUTE_MS)).collect();
    assert_eq!(shown, [("greeting_delay", 60), ("sales_pace", 7), ("spill", 9)]);
    assert!(types.iter().all(|(name, ms)| tenant.state.quiet_ms(name) == Some(*ms)));
    assert_eq!(tenant.state.next_tick(), None);
}

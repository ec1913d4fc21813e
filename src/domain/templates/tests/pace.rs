//! How often a template acts: again for the same violation, and for the same entity.

use serde_json::json;

use crate::domain::templates::conditions::unmet::ACTIONS_MAX;
use crate::domain::testing::{Tenant, alert, blocking, comp, comp_of, tenant};
use crate::domain::violations::Severity::Critical;
use crate::domain::violations::lifecycle::RunTemplates;

fn repeating(minutes: u32) -> Tenant {
    tenant().with_template(alert().when(json!({ "repeat_after_minutes": minutes })))
}

/// How many actions there are after a report.
fn after(tenant: &mut Tenant, source: &str) -> usize {
    tenant.report(comp_of(source));
    tenant.state.actions.len()
}

#[test]
fn a_re_report_runs_a_template_again_when_its_last_action_is_old_enough() {
    let mut tenant = repeating(30);
    assert_eq!(after(&mut tenant, "row-1"), 1);
    tenant.later_minutes(29);
    assert_eq!(after(&mut tenant, "row-1"), 1);
    tenant.later_minutes(1);
    assert_eq!(after(&mut tenant, "row-1"), 2);
    tenant.later_minutes(29);
    assert_eq!(after(&mut tenant, "row-1"), 2, "counted from the last one");
    assert_eq!(after(&mut tenant, "row-2"), 3, "another violation has its own time");
    let mut plain = tenant_with_plain();
    plain.report(comp_of("row-1"));
    plain.later_minutes(600);
    assert_eq!(after(&mut plain, "row-1"), 1, "without it, a re-report runs nothing");
}

fn tenant_with_plain() -> Tenant {
    tenant().with_template(alert())
}

#[test]
fn a_template_that_never_acted_for_the_violation_acts_at_a_re_report_once_its_conditions_hold() {
    let conditions = json!({ "repeat_after_minutes": 30, "min_threshold": 300 });
    let mut tenant = tenant().with_template(alert().when(conditions));
    assert_eq!(after(&mut tenant, "row-1"), 0);
    tenant.report(comp_of("row-1").with_metadata(json!({ "server_id": "ana", "comp_amount": 400 })));
    assert_eq!(tenant.state.actions.len(), 1);
}

#[test]
fn asking_for_missing_actions_repeats_nothing() {
    let mut tenant = repeating(1);
    let (id, _) = tenant.report(comp_of("row-1"));
    tenant.later_minutes(60);
    tenant.run(RunTemplates { id });
    assert_eq!(tenant.state.actions.len(), 1);
}

#[test]
fn a_rise_within_the_time_runs_what_never_ran_and_not_what_just_did() {
    let mut tenant = repeating(30).with_template(alert().of_severity(Critical));
    assert_eq!(after(&mut tenant, "row-1"), 1);
    tenant.report(comp_of("row-1").of_severity(Critical));
    assert_eq!(tenant.state.actions.len(), 2);
}

#[test]
fn a_repetition_tells_again_and_places_no_second_block_while_the_first_holds() {
    let data = json!({ "expires_after_minutes": 100 });
    let conditions = json!({ "repeat_after_minutes": 30 });
    let mut tenant = tenant().with_template(blocking().data(data).when(conditions));
    tenant.report(comp_of("row-1"));
    tenant.later_minutes(30).report(comp_of("row-1"));
    assert_eq!((tenant.state.actions.len(), tenant.state.blocks.len()), (2, 1));
    tenant.later_minutes(70).report(comp_of("row-1"));
    assert_eq!((tenant.state.actions.len(), tenant.state.blocks.len()), (3, 2), "the first one has ended");
    assert!(tenant.is_blocked("ana"));
}

#[test]
fn a_source_that_never_ends_makes_no_endless_list() {
    let mut tenant = repeating(1);
    for _ in 0..ACTIONS_MAX + 20 {
        tenant.later_minutes(1).report(comp_of("row-1"));
    }
    assert_eq!(tenant.state.actions.len(), ACTIONS_MAX);
}

#[test]
fn a_cooldown_holds_for_the_entity_and_for_no_other() {
    let mut tenant = tenant().with_template(alert().when(json!({ "cooldown_minutes": 60 }))).with_template(alert());
    let acted = |tenant: &mut Tenant, server: &str| {
        let (id, _) = tenant.report(comp().with_metadata(json!({ "server_id": server, "comp_amount": 9 })));
        tenant.violation(id).actions.len() - 1 // the one without cooldown
    };
    assert_eq!(acted(&mut tenant, "ana"), 1);
    assert_eq!(acted(&mut tenant, "ana"), 0);
    assert_eq!(acted(&mut tenant, "bob"), 1);
    tenant.later_minutes(59);
    assert_eq!(acted(&mut tenant, "ana"), 0, "the one in between made none, and moves nothing");
    tenant.later_minutes(1);
    assert_eq!(acted(&mut tenant, "ana"), 1);
    let nobody = || comp().with_metadata(json!({}));
    let (first, _) = tenant.report(nobody());
    let (second, _) = tenant.report(nobody());
    assert_eq!((tenant.violation(first).actions.len(), tenant.violation(second).actions.len()), (2, 1));
}

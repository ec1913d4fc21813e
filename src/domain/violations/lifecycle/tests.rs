//! Acknowledging, resolving, clearing and running templates, with what that does to actions and blocks.

use serde_json::json;

use super::*;
use crate::domain::actions::{AttemptOutcome, ExecutionStatus};
use crate::domain::people::Held;
use crate::domain::testing::{
    Tenant, acknowledge, alert, asking, attempt, block_on, blocking, comp, comp_of, key, lift, person, pointers,
    resolve, rung, tenant,
};
use crate::domain::violations::report::Report;

#[test]
fn acknowledging_is_noted_once() {
    let mut tenant = tenant().with_violation(comp()).by(person("mia", rung("manager")));
    let id = tenant.only_violation().id;
    assert_eq!(tenant.run(acknowledge(id)), Answer::Violation(id));
    let mark = tenant.violation(id).acknowledged.clone().unwrap();
    assert_eq!((&*mark.by, mark.at, tenant.violation(id).status()), ("mia", tenant.now, Status::Acknowledged));
    tenant.later_minutes(1).caller(person("greta", rung("gm")));
    assert_eq!(tenant.run(acknowledge(id)), Answer::Violation(id));
    assert_eq!((tenant.last.len(), tenant.violation(id).acknowledged.clone()), (0, Some(mark)));
}

#[test]
fn what_is_resolved_is_neither_acknowledged_nor_resolved_again() {
    let mut tenant = tenant().with_violation(comp());
    let (id, resolved_at) = (tenant.only_violation().id, tenant.now);
    tenant.run(resolve(id));
    tenant.later_minutes(5);
    let expected = Rejection::AlreadyResolved { at: resolved_at };
    assert_eq!(tenant.refused(acknowledge(id)), expected);
    assert_eq!(tenant.refused(resolve(id)), expected);
    assert_eq!(tenant.refused(RunTemplates { id }), expected);
}

#[test]
fn notes_have_a_limit() {
    let mut tenant = tenant().with_violation(comp());
    let id = tenant.only_violation().id;
    let long = Some("é".repeat(4_001));
    assert_eq!(pointers(&tenant.refused(AcknowledgeViolation { id, note: long.clone() })), ["/note"]);
    assert_eq!(pointers(&tenant.refused(ResolveViolation { id, resolution: long })), ["/resolution"]);
}

#[test]
fn resolving_dismisses_what_is_pending_and_lifts_what_goes_with_it() {
    let stays = asking("gm").data(json!({ "auto_lift_on_resolve": false, "block_type": "section_opening" }));
    let mut tenant = tenant()
        .with_template(alert())
        .with_template(blocking())
        .with_template(stays)
        .with_template(alert().to("user:{{metadata.nobody}}"));
    let (id, _) = tenant.report(comp());
    let by_hand = tenant.place(block_on("bob").for_violation(id));
    let elsewhere = tenant.place(block_on("cem"));
    tenant.later_minutes(1);
    tenant.run(resolve(id));
    let violation = tenant.violation(id);
    let mark = violation.resolved.as_ref().unwrap();
    assert_eq!(
        (mark.at, violation.resolution.as_deref(), violation.status()),
        (tenant.now, Some("Talked it over"), Status::Resolved)
    );
    let mut statuses: Vec<_> =
        violation.actions.iter().map(|id| tenant.state.actions.get(id).unwrap().status).collect();
    statuses.sort_by_key(|status| status.name());
    use ExecutionStatus::{Delivered, Dismissed, Failed};
    assert_eq!(statuses, [Delivered, Delivered, Dismissed, Failed]);
    assert_eq!((tenant.state.actions.pending_count(), tenant.state.actions.next_due()), (0, None));
    assert!(!tenant.is_blocked("ana") && !tenant.is_blocked("bob") && tenant.is_blocked("cem"));
    let lifted = |id| tenant.state.blocks.get(&id).unwrap().lifted.as_ref().map(|lift| &*lift.reason);
    assert_eq!((lifted(by_hand), lifted(elsewhere)), (Some("The violation was resolved"), None));
    let standing: Vec<_> = tenant.state.blocks.keys().map(|key| &*key.block_type).collect();
    assert!(standing.contains(&"section_opening"), "the one that is to stay stays");
}

#[test]
fn resolving_leaves_blocks_that_are_over_as_they_are() {
    let mut tenant =
        tenant().with_template(blocking()).with_template(blocking().data(json!({ "expires_after_minutes": 1 })));
    let (id, _) = tenant.report(comp());
    let first = tenant.violation(id).blocks[0];
    tenant.run(lift(first));
    tenant.later_minutes(1);
    tenant.run(resolve(id));
    assert_eq!(tenant.last.len(), 1, "{:?}", tenant.last);
}

#[test]
fn a_caller_does_not_see_violations_of_other_venues() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_violation(comp().at_venue("quay"));
    let id = tenant.only_violation().id;
    tenant.caller(person("greta", rung("gm")).only_at(&["pier"]));
    assert_eq!(tenant.refused(acknowledge(id)), Rejection::NotFound);
    assert_eq!(tenant.refused(resolve(id)), Rejection::NotFound);
    assert_eq!(tenant.refused(RunTemplates { id }), Rejection::NotFound);
    assert_eq!(tenant.refused(resolve(Uuid::nil())), Rejection::NotFound, "as if it did not exist");
}

fn resolved(answer: Answer) -> usize {
    match answer {
        Answer::Resolved(ids) => ids.len(),
        other => panic!("{other:?}"),
    }
}

fn clear_source(table: Option<&str>, source: &str) -> ClearViolations {
    ClearViolations::Source { source_table: table.map(Into::into), source_id: source.into() }
}

fn with_a_row_at_two_venues() -> Tenant {
    let of = |table: &str, venue: &str| Report { source_table: Some(table.into()), ..comp_of("row-1").at_venue(venue) };
    tenant()
        .with_venue("pier")
        .with_venue("quay")
        .with_template(blocking())
        .with_violation(of("checks", "pier"))
        .with_violation(of("checks", "quay"))
        .with_violation(of("shifts", "pier"))
}

#[test]
fn a_source_clears_all_that_its_row_has_open() {
    let mut tenant = with_a_row_at_two_venues();
    assert_eq!(resolved(tenant.run(clear_source(None, "row-1"))), 0);
    assert_eq!(resolved(tenant.run(clear_source(Some("checks"), "row-1"))), 2);
    assert_eq!((tenant.state.violations.open_count(), tenant.state.blocks.standing_count()), (1, 1));
    assert_eq!(resolved(tenant.run(clear_source(Some("checks"), "row-1"))), 0, "a second time is no error");
    assert_eq!(resolved(tenant.run(ClearViolations::Fingerprint("comp_exception|shifts|row-1|pier".into()))), 1);
    assert_eq!(tenant.state.violations.open_count(), 0);
}

#[test]
fn clearing_reaches_only_the_callers_venues() {
    let mut tenant = with_a_row_at_two_venues().by(key(Held::Nothing).only_at(&["quay"]));
    assert_eq!(resolved(tenant.run(ClearViolations::Fingerprint("comp_exception|checks|row-1|pier".into()))), 0);
    assert_eq!(resolved(tenant.run(clear_source(Some("checks"), "row-1"))), 1);
    assert_eq!(tenant.state.violations.open_count(), 2);
}

#[test]
fn a_source_or_fingerprint_that_cannot_be_is_refused() {
    let mut tenant = tenant();
    assert_eq!(pointers(&tenant.refused(clear_source(None, ""))), ["/source_id"]);
    assert_eq!(pointers(&tenant.refused(clear_source(Some(""), "row-1"))), ["/source_table"]);
    for fingerprint in [String::new(), "x".repeat(513)] {
        assert_eq!(pointers(&tenant.refused(ClearViolations::Fingerprint(fingerprint))), ["/fingerprint"]);
    }
}

#[test]
fn running_templates_makes_what_is_missing_and_then_nothing() {
    let mut tenant = tenant().with_violation(comp()).with_template(alert()).with_template(blocking());
    let id = tenant.only_violation().id;
    tenant.run(RunTemplates { id });
    assert_eq!((tenant.violation(id).actions.len(), tenant.violation(id).blocks.len()), (2, 1));
    assert_eq!(tenant.run(RunTemplates { id }), Answer::ActionsOf(id));
    assert!(tenant.last.is_empty());
    let block = tenant.only_block().id;
    tenant.run(lift(block));
    tenant.run(RunTemplates { id });
    assert!(tenant.last.is_empty(), "what was lifted does not come back");
    let mut tenant = tenant.with_template(alert());
    tenant.run(RunTemplates { id });
    assert_eq!(tenant.last.len(), 1, "only the new one");
}

#[test]
fn an_action_of_a_resolved_violation_is_not_tried_again() {
    let mut tenant = tenant().with_template(alert()).with_violation(comp());
    let (id, action, at) = (tenant.only_violation().id, tenant.only_action().id, tenant.now);
    tenant.run(attempt(action, AttemptOutcome::Refused));
    tenant.run(resolve(id));
    let refusal = tenant.refused(crate::domain::testing::retry(action));
    assert_eq!(refusal, Rejection::AlreadyResolved { at });
    assert_eq!(tenant.state.actions.pending_count(), 0);
}

#[test]
fn no_block_is_placed_for_a_resolved_violation() {
    let mut tenant = tenant().with_violation(comp());
    let (id, at) = (tenant.only_violation().id, tenant.now);
    tenant.run(resolve(id));
    assert_eq!(tenant.refused(block_on("ana").for_violation(id)), Rejection::AlreadyResolved { at });
}

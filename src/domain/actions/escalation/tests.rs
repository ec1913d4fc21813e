//! Escalations: rung by rung, until somebody acts.

use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::queue::RecordAttempt;
use crate::domain::actions::{Action, ActionType, AttemptOutcome, ExecutionStatus};
use crate::domain::decision::Answer;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::suppression::silences::AddSilence;
use crate::domain::testing::{
    Tenant, acknowledge, attempt, comp, comp_of, escalate, escalating, key, ladder, person, pointers, resolve, retry,
    rung, tenant,
};
use crate::domain::time::MINUTE_MS;
use crate::domain::violations::Severity;
use AttemptOutcome::{Delivered, Refused, Retry};
use serde_json::json;
use uuid::Uuid;

fn started() -> (Tenant, Uuid) {
    let template = escalating("gm").data(json!({ "after_minutes": 10 }));
    let tenant = tenant().with_template(template).with_violation(comp());
    let id = tenant.only_action().id;
    (tenant, id)
}

fn action(tenant: &Tenant, id: Uuid) -> &Action {
    tenant.state.actions.get(&id).unwrap()
}

fn rungs(tenant: &Tenant, id: Uuid) -> Vec<(String, ExecutionStatus)> {
    let steps = &action(tenant, id).escalation.as_ref().unwrap().steps;
    steps.iter().map(|step| (step.authority.to_string(), step.status)).collect()
}

fn named(rungs: &[(&str, ExecutionStatus)]) -> Vec<(String, ExecutionStatus)> {
    rungs.iter().map(|(name, status)| ((*name).to_owned(), *status)).collect()
}

fn notices(tenant: &Tenant, kind: NoticeKind) -> Vec<&Action> {
    let mut found: Vec<&Action> = tenant.state.actions.iter().filter(|one| one.notice == Some(kind)).collect();
    found.sort_by_key(|one| one.seq);
    found
}

#[test]
fn one_rung_after_the_other_is_told_until_the_top() {
    let (mut tenant, id) = started();
    for told in 1..=3 {
        assert_eq!(tenant.state.actions.next_due(), Some(tenant.now), "rung {told} is due");
        tenant.run(attempt(id, Delivered));
        tenant.later_minutes(9);
        assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated: 0, reminded: 0 });
        tenant.later_minutes(1);
        let escalated = usize::from(told < 3);
        assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated, reminded: 0 });
    }
    let told = ["gm", "vp_ops", "owner"].map(|name| (name, ExecutionStatus::Delivered));
    assert_eq!(rungs(&tenant, id), named(&told));
    let action = action(&tenant, id);
    assert_eq!(
        (action.status, action.reason.as_deref()),
        (ExecutionStatus::Delivered, Some("at-the-top: owner was told"))
    );
    assert_eq!((tenant.state.actions.next_due(), tenant.state.actions.next_turn()), (None, None));
}

#[test]
fn a_rung_without_anybody_is_on_record_and_costs_no_time() {
    let (mut tenant, id) = started();
    for _ in 0..2 {
        tenant.run(RecordAttempt { detail: "nobody-found: nobody there".into(), ..attempt(id, Refused) });
        assert_eq!(tenant.state.actions.next_due(), Some(tenant.now), "the next rung at once");
    }
    let step = &action(&tenant, id).escalation.as_ref().unwrap().steps[0];
    assert_eq!((step.status, step.reason.as_deref()), (ExecutionStatus::Failed, Some("nobody-found: nobody there")));
    tenant.run(RecordAttempt { detail: "nobody-found: nobody there".into(), ..attempt(id, Refused) });
    let action = action(&tenant, id);
    let reason =
        "escalation-exhausted: owner at the top could not be told (nobody-found: nobody there); nobody was told";
    assert_eq!((action.status, action.reason.as_deref()), (ExecutionStatus::Failed, Some(reason)));
    assert_eq!((action.escalation.as_ref().unwrap().steps.len(), tenant.state.actions.next_due()), (3, None));
}

#[test]
fn the_time_of_a_rung_begins_when_it_is_tried() {
    let (mut tenant, id) = started();
    tenant.later_minutes(60);
    assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated: 0, reminded: 0 }, "nobody has tried to tell it");
    tenant.run(attempt(id, Retry));
    assert_eq!(tenant.state.actions.next_turn(), Some(tenant.now.plus_ms(10 * MINUTE_MS)));
}

#[test]
fn every_rung_has_a_schedule_and_a_message_id_of_its_own() {
    let (mut tenant, id) = started();
    tenant.run(attempt(id, Retry));
    tenant.run(attempt(id, Retry));
    tenant.later_minutes(10);
    tenant.run(escalate());
    assert_eq!(rungs(&tenant, id), named(&[("gm", ExecutionStatus::Dismissed), ("vp_ops", ExecutionStatus::Pending)]));
    let steps = &action(&tenant, id).escalation.as_ref().unwrap().steps;
    assert_eq!(steps[0].reason.as_deref(), Some("overtaken: not delivered within 10 minutes"));
    assert_ne!(steps[0].id, steps[1].id);
    let late = RecordAttempt { step: Some(steps[0].id), ..attempt(id, Delivered) };
    tenant.run(attempt(id, Retry));
    assert!(tenant.state.actions.next_due().unwrap() <= tenant.now.plus_ms(6_000), "the first wait again");
    let due = tenant.state.actions.next_due();
    tenant.run(late);
    assert_eq!(rungs(&tenant, id), named(&[("gm", ExecutionStatus::Delivered), ("vp_ops", ExecutionStatus::Pending)]));
    assert_eq!(tenant.state.actions.next_due(), due, "what arrives late changes no other rung");
}

#[test]
fn acknowledging_stops_it_in_the_same_commit() {
    for told in [false, true] {
        let (mut tenant, id) = started();
        if told {
            tenant.run(attempt(id, Delivered));
        }
        let violation = tenant.only_violation().id;
        tenant.caller(person("gm-1", rung("gm"))).run(acknowledge(violation));
        assert_eq!(tenant.last.len(), 2);
        let expected = if told {
            (ExecutionStatus::Delivered, "stopped: acknowledged by gm-1")
        } else {
            (ExecutionStatus::Dismissed, "stopped: acknowledged by gm-1 before anybody was told")
        };
        let action = action(&tenant, id);
        assert_eq!((action.status, action.reason.as_deref().unwrap()), expected);
        tenant.later_minutes(600);
        assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated: 0, reminded: 0 });
        assert_eq!(tenant.state.actions.next_due(), None);
        let again = tenant.refused(retry(id));
        assert!(matches!(again, Rejection::ActionNotOpen { .. }), "{again:?}");
    }
}

#[test]
fn the_end_stops_it_and_tells_whoever_was_told() {
    let (mut tenant, id) = started();
    tenant.run(attempt(id, Delivered));
    tenant.later_minutes(10);
    tenant.run(escalate());
    tenant.run(resolve(tenant.only_violation().id));
    assert_eq!(action(&tenant, id).status, ExecutionStatus::Delivered, "gm was told, vp_ops was not");
    assert_eq!(rungs(&tenant, id)[1].1, ExecutionStatus::Dismissed);
    let told = notices(&tenant, NoticeKind::Resolved);
    let [notice] = told[..] else { panic!("{told:?}") };
    assert_eq!((&*notice.action_target, notice.due_at), ("authority:gm", Some(tenant.now)));
    assert_eq!(&*notice.message, "Resolved by key:till: Talked it over");
    let step = action(&tenant, id).escalation.as_ref().unwrap().steps[1].id;
    for _ in 0..2 {
        tenant.run(RecordAttempt { step: Some(step), ..attempt(id, Delivered) });
    }
    let told: Vec<_> = notices(&tenant, NoticeKind::Resolved).iter().map(|one| one.action_target.clone()).collect();
    assert_eq!(told, ["authority:gm".into(), "authority:vp_ops".into()], "a message that arrived after the end");
}

#[test]
fn the_ladder_is_that_of_its_beginning() {
    let (mut tenant, id) = started();
    tenant.run(ladder(&["gm", "owner"]));
    tenant.run(attempt(id, Delivered));
    tenant.later_minutes(10);
    tenant.run(escalate());
    assert_eq!(rungs(&tenant, id)[1].0, "vp_ops");
    let own = escalating("gm").data(json!({ "ladder": ["owner", "gm"] }));
    let tenant = crate::domain::testing::tenant().with_template(own).with_violation(comp());
    let begun = tenant.only_action().escalation.as_ref().unwrap();
    assert_eq!((begun.steps[0].authority.to_string().as_str(), begun.after_minutes), ("owner", 30));
}

#[test]
fn what_is_acknowledged_and_forgotten_is_recalled_once() {
    let template = escalating("gm").data(json!({ "remind_after_minutes": 45 }));
    for (who, to) in [(person("ana", rung("manager")), "user:ana"), (key(Held::Top), "authority:gm")] {
        let mut tenant = tenant().with_template(template.clone()).with_violation(comp());
        let (id, violation) = (tenant.only_action().id, tenant.only_violation().id);
        tenant.run(attempt(id, Delivered));
        tenant.caller(who).run(acknowledge(violation));
        assert_eq!(tenant.state.actions.next_turn(), Some(tenant.now.plus_ms(45 * MINUTE_MS)));
        let mut resolved = tenant.clone();
        tenant.later_minutes(45);
        assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated: 0, reminded: 1 });
        tenant.later_minutes(600);
        assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated: 0, reminded: 0 }, "once");
        let told = notices(&tenant, NoticeKind::Reminder);
        assert_eq!(told.iter().map(|one| &*one.action_target).collect::<Vec<_>>(), [to]);
        resolved.caller(key(Held::Top)).run(resolve(violation));
        assert_eq!(resolved.state.actions.next_turn(), None, "nothing to recall");
    }
}

#[test]
fn a_rise_after_the_acknowledgement_escalates_anew_and_can_be_acknowledged() {
    let template = escalating("owner").of_severity(Severity::Critical);
    let mut tenant = tenant().with_template(template).with_violation(comp_of("row"));
    let violation = tenant.only_violation().id;
    tenant.run(acknowledge(violation));
    tenant.report(comp_of("row").of_severity(Severity::Critical));
    assert_eq!(tenant.only_action().status, ExecutionStatus::Pending);
    tenant.run(acknowledge(violation));
    assert_eq!(tenant.only_action().status, ExecutionStatus::Dismissed);
    tenant.run(acknowledge(violation));
    assert!(tenant.last.is_empty());
}

#[test]
fn a_delay_is_waited_for() {
    let template = escalating("gm").data(json!({ "delay_minutes": 5, "after_minutes": 10 }));
    let mut tenant = tenant().with_template(template).with_violation(comp());
    let at = tenant.now.plus_ms(5 * MINUTE_MS);
    let action = tenant.only_action();
    assert_eq!((action.scheduled_for, tenant.state.actions.next_due()), (Some(at), Some(at)));
    let id = action.id;
    tenant.later_minutes(5);
    tenant.run(attempt(id, Delivered));
    assert_eq!(tenant.state.actions.next_turn(), Some(at.plus_ms(10 * MINUTE_MS)));
}

#[test]
fn what_cannot_wait_or_climb_is_refused_when_saved() {
    let block = crate::domain::testing::blocking().data(json!({ "delay_minutes": 5 }));
    assert_eq!(pointers(&tenant().refused(block)), ["/action_data/delay_minutes"]);
    for rungs in [json!([]), json!(["gm", "gm"])] {
        let template = escalating("gm").data(json!({ "ladder": rungs }));
        assert_eq!(pointers(&tenant().refused(template)), ["/action_data/ladder"]);
    }
    let mut notice = escalating("gm@harbour.example");
    notice.action_type = ActionType::Notice;
    assert_eq!(pointers(&tenant().refused(notice)), ["/action_type"]);
}

#[test]
fn what_was_silenced_and_sent_by_hand_is_stopped_like_any_other() {
    let mut tenant = tenant().with_template(escalating("gm"));
    let until = tenant.now.plus_ms(10 * MINUTE_MS);
    let named = Some("comp_exception".into());
    let silence = AddSilence { violation_type: named, venue_id: None, entity_id: None, until, reason: "known".into() };
    tenant.run(silence);
    tenant.report(comp());
    let (id, violation) = (tenant.only_action().id, tenant.only_violation().id);
    tenant.run(retry(id));
    tenant.run(attempt(id, Delivered));
    assert!(tenant.state.actions.next_turn().is_some());
    tenant.run(acknowledge(violation));
    assert_eq!((tenant.only_action().status, tenant.state.actions.next_turn()), (ExecutionStatus::Delivered, None));
}

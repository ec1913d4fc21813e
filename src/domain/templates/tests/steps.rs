//! Progressive enforcement: another step at every occurrence, from the beginning again after a while.

use serde_json::{Value, json};

use crate::domain::actions::ActionType::{self, Alert, Block, RequireOverride};
use crate::domain::templates::dry_run::DryRun;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{Tenant, alert, comp, pointers, tenant};
use crate::domain::time::BusinessDate;
use crate::domain::violations::report::Report;

/// First a word, then the GM, then a block until somebody has looked.
fn progressive() -> TemplateDraft {
    alert().to("{{server_email}}").saying("Please ask first, {{server_id}}").data(json!({
        "within_days": 28,
        "limit": { "amount": 20 },
        "steps": [
            { "action_type": "alert", "action_target": "coach@harbour.example" },
            { "action_type": "alert", "action_target": "gm@harbour.example", "message_template": "Second time: {{server_id}}" },
            { "action_type": "block", "action_target": "system", "message_template": "Third time", "action_data": { "expires_after_minutes": 600 } },
            { "action_type": "require_override", "action_target": "owner" },
        ],
    }))
}

fn on(day: i32) -> Report {
    let first = BusinessDate::parse("2025-02-01").unwrap();
    Report { business_date: Some(BusinessDate(first.0 + day)), ..comp() }
}

fn done(tenant: &mut Tenant, report: Report) -> (ActionType, String, String, Option<u32>) {
    let (id, _) = tenant.report(report);
    let [action] = tenant.violation(id).actions.as_slice() else { panic!("one action") };
    let action = tenant.state.actions.get(action).unwrap();
    (action.action_type, action.action_target.to_string(), action.message.to_string(), action.action_data.step)
}

#[test]
fn each_occurrence_takes_the_next_step_and_the_last_one_repeats() {
    let mut tenant = tenant().with_template(progressive());
    let expected = [
        (Alert, "coach@harbour.example", "Please ask first, ana", Some(1)),
        (Alert, "gm@harbour.example", "Second time: ana", Some(2)),
        (Block, "system", "Third time", Some(3)),
        (RequireOverride, "owner", "Please ask first, ana", Some(4)),
        (RequireOverride, "owner", "Please ask first, ana", Some(4)),
    ];
    for (day, (kind, target, message, step)) in expected.into_iter().enumerate() {
        let said = done(&mut tenant, on(i32::try_from(day).unwrap()));
        assert_eq!(said, (kind, target.to_owned(), message.to_owned(), step), "occurrence {}", day + 1);
    }
    let blocks: Vec<_> = tenant.state.blocks.iter().collect();
    assert_eq!(blocks.len(), 3);
    let timed = blocks.iter().filter(|block| block.expires_at.is_some()).count();
    assert_eq!(timed, 1, "a step's own data stands in place of the template's");
    assert_eq!(blocks.iter().filter(|block| block.limit.is_some()).count(), 2, "the others take the template's");
}

#[test]
fn it_decays_over_business_dates_and_is_for_each_entity() {
    let mut tenant = tenant().with_template(progressive());
    let step = |tenant: &mut Tenant, report: Report| done(tenant, report).3;
    assert_eq!(step(&mut tenant, on(0)), Some(1));
    assert_eq!(step(&mut tenant, on(27)), Some(2), "the 28th date counts the first");
    assert_eq!(step(&mut tenant, on(28)), Some(2), "the first is out, the second in");
    assert_eq!(step(&mut tenant, on(100)), Some(1), "whoever did well begins again");
    assert_eq!(step(&mut tenant, on(101).with_metadata(json!({ "server_id": "bob" }))), Some(1));
    assert_eq!(step(&mut tenant, on(102).with_metadata(json!({}))), Some(1), "nobody is always the first time");
}

#[test]
fn a_dry_run_names_the_step_that_would_come() {
    let mut tenant = tenant().with_template(progressive());
    tenant.report(comp());
    let said = DryRun { report: comp(), templates: None }.run(&tenant.state, &mut tenant.context()).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["matched"][0]["step"], 2);
    assert_eq!(said["actions"][0]["action_target"], "gm@harbour.example");
}

#[test]
fn steps_are_checked_like_templates() {
    let refused = |data: Value| {
        let refusal = tenant().refused(alert().data(data));
        pointers(&refusal).into_iter().map(String::from).collect::<Vec<_>>()
    };
    let one = |step: Value| json!({ "within_days": 7, "steps": [step] });
    assert_eq!(refused(one(json!({ "action_type": "escalate" }))), ["/action_data/steps/0"], "an address is no rung");
    assert_eq!(
        refused(one(json!({ "action_type": "alert", "action_target": "cook" }))),
        ["/action_data/steps/0/action_target"]
    );
    assert_eq!(
        refused(one(json!({ "action_type": "alert", "message_template": "{{" }))),
        ["/action_data/steps/0/message_template"]
    );
    assert_eq!(
        refused(one(json!({ "action_type": "alert", "action_data": { "after_minutes": 0 } }))),
        ["/action_data/steps/0/action_data/after_minutes"]
    );
    let nested = json!({ "steps": [{ "action_type": "alert" }], "within_days": 2 });
    assert_eq!(
        refused(one(json!({ "action_type": "alert", "action_data": nested }))),
        ["/action_data/steps/0/action_data"]
    );
    assert_eq!(refused(json!({ "within_days": 7, "steps": [] })), ["/action_data/steps"]);
    assert_eq!(refused(json!({ "steps": [{ "action_type": "alert" }] })), ["/action_data/within_days"]);
    assert_eq!(refused(json!({ "within_days": 7 })), ["/action_data/within_days"]);
    assert_eq!(
        refused(json!({ "within_days": 367, "steps": [{ "action_type": "alert" }] })),
        ["/action_data/within_days"]
    );
    assert_eq!(refused(json!({ "step": 1 })), ["/action_data/step"]);
    let many = vec![json!({ "action_type": "alert" }); 21];
    assert_eq!(refused(json!({ "within_days": 7, "steps": many })), ["/action_data/steps"]);
    let of_conditions = json!({ "steps": [{ "action_type": "alert" }] });
    let counted = json!({ "occurrences_at_least": 2, "within_days": 9 });
    tenant().run(alert().data(of_conditions).when(counted));
}

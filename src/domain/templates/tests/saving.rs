//! What cannot work is refused when a template is saved.

use serde_json::json;

use crate::domain::actions::ActionType;
use crate::domain::rejection::Rejection;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{alert, asking, blocking, ladder, pointers, tenant};

fn refused_at(draft: TemplateDraft) -> Vec<String> {
    let refusal = tenant().with_venue("pier").refused(draft);
    pointers(&refusal).into_iter().map(Into::into).collect()
}

#[test]
fn unknown_names_of_conditions_and_data_are_refused() {
    assert!(serde_json::from_value::<Conditions>(json!({ "min_treshold": 1 })).is_err());
    let data = |value| serde_json::from_value::<crate::domain::templates::ActionData>(value);
    assert!(data(json!({ "blocktype": "x" })).is_err());
    assert!(data(json!({ "limit": { "amount": 1, "currency": "EUR" } })).is_err());
    assert!(data(json!({ "limit": { "amount": "1" } })).is_err());
}

#[test]
fn a_target_that_cannot_be_reached_is_refused() {
    for target in ["", "gm", "a@b.c,d@e.f", "role:cook", "slack:floor", "{{gm email}}", "{{gm_email", "system"] {
        assert_eq!(refused_at(alert().to(target)), ["/action_target"], "{target}");
    }
    for target in ["", "two words", "user:mia", "a@b.c d"] {
        assert_eq!(refused_at(blocking().to(target)), ["/action_target"], "{target}");
    }
    for target in ["", "cook", "role:gm"] {
        assert_eq!(refused_at(asking(target)), ["/action_target"], "{target}");
        let escalating = TemplateDraft { action_type: ActionType::Escalate, ..asking(target) };
        assert_eq!(refused_at(escalating), ["/action_target"], "{target}");
    }
    let mut tenant = tenant();
    for target in ["gm@harbour.example", "{{gm_email}}", "user:{{manager_id}}", "role:gm", "slack:#floor", "webhook:e1"]
    {
        tenant.run(alert().to(target));
    }
    for target in ["system", "pos", "webhook:e1", "{{system}}"] {
        tenant.run(blocking().to(target));
    }
    tenant.run(asking("{{approver}}"));
}

#[test]
fn rungs_are_those_of_the_organisations_ladder() {
    let data = json!({ "override_authority": "captain", "ladder": ["gm", "king"] });
    assert_eq!(refused_at(blocking().data(data)), ["/action_data", "/action_data"]);
    let mut tenant = tenant().with(ladder(&["captain", "king"]));
    tenant.run(asking("king").data(json!({ "override_authority": "captain", "ladder": ["captain", "king"] })));
    assert_eq!(pointers(&tenant.refused(asking("gm"))), ["/action_target"]);
}

#[test]
fn conditions_that_cannot_hold_are_refused() {
    assert_eq!(
        refused_at(alert().when(json!({ "min_threshold": 2, "max_threshold": 1 }))),
        ["/conditions/max_threshold"]
    );
    let endless =
        Conditions { min_threshold: Some(f64::NAN), max_threshold: Some(f64::INFINITY), ..Conditions::default() };
    let refused = refused_at(TemplateDraft { conditions: endless, ..alert() });
    assert!(refused.contains(&"/conditions/min_threshold".into()), "{refused:?}");
    assert_eq!(refused_at(alert().when(json!({ "venue_ids": [] }))), ["/conditions/venue_ids"]);
    let unknown = tenant().with_venue("pier").refused(alert().when(json!({ "venue_ids": ["pier", "moon"] })));
    assert_eq!(unknown, Rejection::UnknownVenue { pointer: "/conditions/venue_ids" });
}

#[test]
fn texts_data_and_minutes_have_limits() {
    assert_eq!(refused_at(TemplateDraft { name: Some("é".repeat(201)), ..alert() }), ["/name"]);
    assert_eq!(refused_at(alert().saying(&"é".repeat(4_001))), ["/message_template"]);
    assert_eq!(refused_at(alert().saying("{{ for x }}")), ["/message_template"]);
    assert_eq!(refused_at(TemplateDraft { violation_type: "Comp".into(), ..alert() }), ["/violation_type"]);
    for (data, pointer) in [
        (json!({ "block_type": "" }), "/action_data/block_type"),
        (json!({ "entity": "server_id" }), "/action_data/entity"),
        (json!({ "entity": "metadata." }), "/action_data/entity"),
        (json!({ "limit": { "amount": -0.01 } }), "/action_data/limit/amount"),
        (json!({ "expires_after_minutes": 0 }), "/action_data/expires_after_minutes"),
        (json!({ "expires_after_minutes": 525_601 }), "/action_data/expires_after_minutes"),
        (json!({ "after_minutes": 0 }), "/action_data/after_minutes"),
    ] {
        assert_eq!(refused_at(blocking().data(data.clone())), [pointer], "{data}");
    }
}

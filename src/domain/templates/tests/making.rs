//! What templates make: actions, blocks, and what a dry run says about them.

use serde_json::{Value, json};

use crate::domain::actions::{ActionType, ExecutionStatus};
use crate::domain::blocks::OnError;
use crate::domain::people::Authority;
use crate::domain::rejection::Rejection;
use crate::domain::templates::dry_run::DryRun;
use crate::domain::templates::save::{DeleteTemplate, ReplaceTemplate, TemplateDraft};
use crate::domain::testing::{Tenant, alert, amount, asking, blocking, comp, tenant};
use crate::domain::time::MINUTE_MS;
use crate::domain::violations::Severity::Critical;
use crate::domain::violations::report::Report;

#[test]
fn an_action_is_a_picture_of_the_moment() {
    let draft = alert().saying("{{title}} of {{comp_amount}}").data(json!({ "limit": { "amount": 1.5 } }));
    let tenant = tenant().with_template(draft).with_violation(comp());
    let action = tenant.only_action();
    let template = tenant.newest_template();
    assert_eq!((action.template_id, action.template_version), (Some(template), Some(1)));
    assert_eq!((&*action.message, &*action.action_target), ("A comp of 250", "gm@harbour.example"));
    assert_eq!((action.status, action.due_at), (ExecutionStatus::Pending, Some(tenant.now)));
    assert_eq!(action.action_data.limit.map(|limit| limit.amount), Some(amount("1.5")));
}

#[test]
fn editing_or_deleting_a_template_changes_no_action() {
    let mut tenant = tenant().with_template(blocking()).with_violation(comp());
    let (action, block) = (tenant.only_action().clone(), tenant.only_block().clone());
    let id = tenant.newest_template();
    tenant.later_ms(1);
    tenant.run(ReplaceTemplate { id, draft: alert().saying("another") });
    let template = tenant.state.templates.get(&id).unwrap();
    assert_eq!((template.version, template.action_type, template.changed_at), (2, ActionType::Alert, tenant.now));
    assert_eq!((tenant.only_action(), tenant.only_block()), (&action, &block));
    tenant.report(comp());
    let newest = tenant.state.actions.before(u64::MAX).next().unwrap();
    assert_eq!((newest.template_version, &*newest.message), (Some(2), "another"));
    tenant.run(DeleteTemplate { id });
    assert_eq!(tenant.state.actions.get(&action.id), Some(&action));
    assert_eq!(tenant.refused(DeleteTemplate { id }), Rejection::NotFound);
    assert_eq!(tenant.refused(ReplaceTemplate { id, draft: alert() }), Rejection::NotFound);
}

#[test]
fn a_template_of_another_type_runs_for_that_type_only() {
    let mut tenant = tenant().with_template(alert());
    let id = tenant.newest_template();
    tenant.run(ReplaceTemplate { id, draft: TemplateDraft { violation_type: "sales_pace".into(), ..alert() } });
    tenant.report(comp());
    assert!(tenant.state.actions.is_empty());
    tenant.report(Report { violation_type: "sales_pace".into(), ..comp() });
    assert_eq!(tenant.state.actions.len(), 1);
}

#[test]
fn a_block_takes_what_is_absent_from_the_profile() {
    let tenant = tenant()
        .with_venue("pier")
        .with_template(blocking().saying("No more, {{server_id}}"))
        .with_violation(comp().at_venue("pier"));
    let block = tenant.only_block();
    assert_eq!(
        (&*block.key.block_type, block.key.entity_id.as_str(), &*block.entity_type),
        ("comp_approval", "ana", "employee")
    );
    assert_eq!(
        (&*block.reason, block.on_error, block.limit, block.expires_at),
        ("No more, ana", OnError::Closed, None, None)
    );
    assert_eq!(
        (block.override_required, block.override_authority.clone(), block.auto_lift_on_resolve),
        (false, None, true)
    );
    assert_eq!(block.venue_id.as_ref().map(crate::domain::ids::OutsideId::as_str), Some("pier"));
    assert_eq!(block.violation_id, Some(tenant.only_violation().id));
    assert_eq!(&*block.placed_by, format!("template:{}", tenant.newest_template()));
    assert!(tenant.is_blocked("ana"), "in the same step");
}

#[test]
fn a_block_takes_what_the_template_says() {
    let data = json!({
        "block_type": "void", "entity": "metadata.manager.id", "entity_type": "manager", "override_required": true,
        "override_authority": "gm", "limit": { "amount": 50.25 }, "expires_after_minutes": 30, "on_error": "open",
        "auto_lift_on_resolve": false,
    });
    let report = comp().with_metadata(json!({ "manager": { "id": 17 } }));
    let tenant = tenant().with_template(blocking().data(data)).with_violation(report);
    let block = tenant.only_block();
    assert_eq!((&*block.key.block_type, block.key.entity_id.as_str(), &*block.entity_type), ("void", "17", "manager"));
    assert_eq!((block.override_required, block.override_authority.clone()), (true, Some(Authority::named("gm"))));
    assert_eq!((block.limit, block.on_error), (Some(amount("50.25")), OnError::Open));
    assert_eq!(block.expires_at, Some(tenant.now.plus_ms(30 * MINUTE_MS)));
    assert!(!block.auto_lift_on_resolve);
}

#[test]
fn the_entity_is_the_first_that_the_profile_finds() {
    let entity = |violation_type: &str, report: Report| {
        let draft =
            TemplateDraft { violation_type: violation_type.into(), ..blocking() }.data(json!({ "block_type": "x" }));
        let report = Report { violation_type: violation_type.into(), ..report };
        let tenant = tenant().with_venue("pier").with_template(draft).with_violation(report);
        let block = tenant
            .state
            .blocks
            .iter()
            .next()
            .map(|block| (block.key.entity_id.to_string(), block.entity_type.to_string()));
        (block, tenant.only_action().status)
    };
    let with = |metadata: Value| comp().at_venue("pier").with_metadata(metadata);
    let expected = [
        ("comp_exception", json!({ "employee_id": "e", "server_name": "n" }), Some(("e", "employee"))),
        ("comp_exception", json!({ "server_name": "n" }), Some(("n", "employee"))),
        ("comp_exception", json!({ "server_id": null, "server_name": "n" }), Some(("n", "employee"))),
        ("comp_exception", json!({}), None),
        ("sales_pace", json!({ "server_id": "s" }), Some(("pier", "venue"))),
        ("greeting_delay", json!({ "section": "patio" }), Some(("patio", "section"))),
        ("greeting_delay", json!({ "section": "patio", "server_id": "s" }), Some(("s", "employee"))),
        ("staffing_gap", json!({ "manager_id": "m" }), Some(("m", "employee"))),
        ("staffing_gap", json!({}), Some(("pier", "venue"))),
        ("cold_fries", json!({ "server_id": "s" }), None),
    ];
    for (violation_type, metadata, wanted) in expected {
        let (block, status) = entity(violation_type, with(metadata.clone()));
        let wanted_block = wanted.map(|(entity, kind)| (entity.to_owned(), kind.to_owned()));
        assert_eq!(block, wanted_block, "{violation_type} {metadata}");
        let wanted_status = if wanted.is_some() { ExecutionStatus::Delivered } else { ExecutionStatus::Failed };
        assert_eq!(status, wanted_status, "{violation_type} {metadata}");
    }
}

fn reason(tenant: &Tenant) -> String {
    let reason = tenant.only_action().reason.clone().unwrap();
    reason.split(':').next().unwrap().to_owned()
}

#[test]
fn a_block_without_type_or_entity_fails_its_action_with_a_reason() {
    let draft = TemplateDraft { violation_type: "cold_fries".into(), ..blocking() };
    let report = Report { violation_type: "cold_fries".into(), ..comp() };
    let tenant_without = tenant().with_template(draft).with_violation(report);
    assert_eq!((reason(&tenant_without), tenant_without.state.blocks.len()), ("no-block-type".into(), 0));
    let named = tenant().with_template(blocking().data(json!({ "entity": "metadata.nobody" }))).with_violation(comp());
    assert_eq!((reason(&named), named.state.blocks.len()), ("no-entity".into(), 0));
    let of_venue = tenant().with_template(blocking().data(json!({ "entity": "venue_id" }))).with_violation(comp());
    assert_eq!(reason(&of_venue), "no-entity");
}

#[test]
fn who_is_told_of_a_block() {
    let status = |target: &str| {
        let tenant = tenant().with_template(blocking().to(target)).with_violation(comp());
        assert!(tenant.is_blocked("ana"), "it holds whoever is told");
        tenant.only_action().status
    };
    assert_eq!(status("system"), ExecutionStatus::Delivered);
    assert_eq!(status("pos"), ExecutionStatus::Pending);
    assert_eq!(status("webhook:e1"), ExecutionStatus::Pending);
    assert_eq!(status("{{nobody}}"), ExecutionStatus::Failed);
}

#[test]
fn require_override_asks_for_the_rung_it_names() {
    let block = |draft: TemplateDraft| {
        let tenant = tenant().with_template(draft).with_violation(comp());
        assert_eq!(tenant.only_action().status, ExecutionStatus::Delivered);
        let block = tenant.only_block();
        (block.override_required, block.override_authority.clone().map(|rung| rung.to_string()))
    };
    assert_eq!(block(asking("gm")), (true, Some("gm".into())));
    assert_eq!(block(asking("gm").data(json!({ "override_authority": "owner" }))), (true, Some("owner".into())));
    assert_eq!(block(asking("gm").data(json!({ "override_required": false }))), (false, Some("gm".into())));
    assert_eq!(block(blocking()), (false, None));
    assert_eq!(block(blocking().data(json!({ "override_authority": "gm" }))), (true, Some("gm".into())));
    assert_eq!(block(blocking().data(json!({ "override_required": true }))), (true, None));
}

#[test]
fn require_override_asks_for_the_rung_that_its_target_renders_to() {
    let made = |approver: Value| {
        let report = comp().with_metadata(json!({ "server_id": "ana", "approver": approver }));
        let tenant = tenant().with_template(asking("{{approver}}")).with_violation(report);
        (tenant.only_block().override_authority.clone().unwrap().to_string(), tenant.only_action().status)
    };
    assert_eq!(made(json!("gm")), ("gm".into(), ExecutionStatus::Delivered));
    assert_eq!(made(json!("cook")), ("owner".into(), ExecutionStatus::Failed), "no rung: the highest decides");
    assert_eq!(made(Value::Null), ("owner".into(), ExecutionStatus::Failed));
}

#[test]
fn an_alert_and_an_escalation_place_no_block() {
    let escalating = TemplateDraft { action_type: ActionType::Escalate, action_target: "gm".into(), ..alert() };
    let tenant = tenant().with_template(alert()).with_template(escalating).with_violation(comp());
    assert!(tenant.state.blocks.is_empty());
    assert!(tenant.state.actions.iter().all(crate::domain::actions::Action::is_pending));
}

fn tried(tenant: &Tenant, report: Report, templates: Option<Vec<TemplateDraft>>) -> Result<Value, Rejection> {
    let before = tenant.state.state_hash();
    let bytes = DryRun { report, templates }.run(&tenant.state, &mut tenant.context());
    assert_eq!(tenant.state.state_hash(), before, "a dry run changes nothing");
    bytes.map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn a_dry_run_shows_what_would_come_and_why_the_rest_would_not() {
    let tenant = tenant()
        .with_venue("pier")
        .with_template(blocking())
        .with_template(TemplateDraft { enabled: false, ..alert() })
        .with_template(TemplateDraft { violation_type: "sales_pace".into(), ..alert() })
        .with_template(alert().of_severity(Critical))
        .with_template(alert().when(json!({ "min_threshold": 251 })))
        .with_template(alert().when(json!({ "max_threshold": 249 })))
        .with_template(alert().when(json!({ "venue_ids": ["pier"] })))
        .with_template(alert().when(json!({ "metadata": { "vip": true } })));
    let answer = tried(&tenant, comp(), None).unwrap();
    assert_eq!((answer["actions"].as_array().unwrap().len(), answer["blocks"].as_array().unwrap().len()), (1, 1));
    let because: Vec<&str> = answer["unmatched"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["because"].as_str().unwrap().split(':').next().unwrap())
        .collect();
    let expected = ["enabled", "violation_type", "severity", "min_threshold", "max_threshold", "venue_ids", "metadata"];
    assert_eq!(because, expected);
    assert!(tenant.state.violations.is_empty());
}

#[test]
fn a_dry_run_tries_templates_that_are_not_stored() {
    let tenant = tenant().with_template(alert());
    let answer = tried(&tenant, comp(), Some(vec![blocking(), alert().when(json!({ "min_threshold": 300 }))])).unwrap();
    assert_eq!((answer["actions"].as_array().unwrap().len(), answer["unmatched"].as_array().unwrap().len()), (1, 1));
    assert_eq!(answer["actions"][0]["action_type"], "block");
    let wrong = tried(&tenant, comp(), Some(vec![alert().to("nobody")])).unwrap_err();
    assert!(matches!(wrong, Rejection::Invalid(_)));
    let many = tried(&tenant, comp(), Some(vec![alert(); 101])).unwrap_err();
    assert!(matches!(many, Rejection::LimitReached { limit: 100, .. }));
    let no_report = tried(&tenant, Report { title: String::new(), ..comp() }, None).unwrap_err();
    assert!(matches!(no_report, Rejection::Invalid(_)));
}

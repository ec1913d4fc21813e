//! Templates on trial: what they would have done is written down, and nothing is done.

use serde_json::{Value, json};

use crate::domain::event::Event;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::templates::Mode;
use crate::domain::templates::dry_run::DryRun;
use crate::domain::templates::save::{DeleteTemplate, ReplaceTemplate, TemplateDraft};
use crate::domain::templates::shadow::{MESSAGE_BYTES_MAX, RECORDS_OF_TEMPLATE_MAX};
use crate::domain::testing::{Tenant, alert, blocking, comp, comp_of, key, tenant};
use crate::domain::view::list::Paging;
use crate::domain::view::shadow::shadow;
use crate::domain::violations::Severity::Critical;
use crate::domain::violations::lifecycle::RunTemplates;

fn on_trial(draft: TemplateDraft) -> TemplateDraft {
    TemplateDraft { mode: Mode::Shadow, ..draft }
}

fn shown(tenant: &Tenant, limit: usize) -> Value {
    let paging = Paging { limit, cursor: None };
    let page = shadow(&tenant.state, &tenant.newest_template(), &key(Held::Top), paging).unwrap();
    serde_json::from_slice(&page).unwrap()
}

#[test]
fn a_template_on_trial_writes_down_what_it_would_do_and_does_nothing() {
    let draft = on_trial(blocking().saying("No more, {{server_id}}").data(json!({ "expires_after_minutes": 60 })));
    let tenant = tenant().with_venue("pier").with_template(draft).with_violation(comp().at_venue("pier"));
    assert_eq!((tenant.state.actions.len(), tenant.state.blocks.len()), (0, 0));
    assert!(!tenant.is_blocked("ana") && tenant.only_violation().actions.is_empty());
    let page = shown(&tenant, 50);
    let record = &page["items"][0];
    assert_eq!((&record["violation_id"], &record["entity_id"]), (&json!(tenant.only_violation().id), &json!("ana")));
    assert_eq!((&record["action_type"], &record["action_target"]), (&json!("block"), &json!("system")));
    assert_eq!((&record["message"], &record["venue_id"]), (&json!("No more, ana"), &json!("pier")));
    assert_eq!(record["at"], json!(tenant.now));
    assert_eq!(record["block"]["block_type"], "comp_approval");
    assert_eq!(record["block"]["blocked_entity_id"], "ana");
    assert_eq!(record["block"]["expires_at"], json!(tenant.now.plus_ms(3_600_000)));
    assert_eq!((&page["totals"]["acted"], &page["totals"]["block"]), (&json!(1), &json!(1)));
    assert_eq!(page["mode"], "shadow");
}

#[test]
fn it_acts_for_a_violation_once_like_a_live_one() {
    let mut tenant = tenant().with_template(on_trial(alert()));
    let (id, _) = tenant.report(comp_of("row-1"));
    tenant.report(comp_of("row-1"));
    tenant.report(comp_of("row-1").of_severity(Critical));
    tenant.run(RunTemplates { id });
    assert_eq!(shown(&tenant, 50)["totals"]["acted"], 1);
    tenant.report(comp_of("row-2"));
    assert_eq!(shown(&tenant, 50)["totals"]["acted"], 2);
}

#[test]
fn it_keeps_its_own_pace_and_goes_live_without_memory_of_the_trial() {
    let conditions = json!({ "cooldown_minutes": 60, "repeat_after_minutes": 10 });
    let mut tenant = tenant().with_template(on_trial(alert().when(conditions.clone())));
    tenant.report(comp_of("row-1"));
    tenant.report(comp_of("row-2"));
    tenant.later_minutes(30).report(comp_of("row-1"));
    assert_eq!(shown(&tenant, 50)["totals"]["acted"], 1, "the cooldown holds");
    tenant.later_minutes(30).report(comp_of("row-1"));
    assert_eq!(shown(&tenant, 50)["totals"]["acted"], 2);
    let id = tenant.newest_template();
    tenant.run(ReplaceTemplate { id, draft: alert().when(conditions) });
    tenant.report(comp_of("row-3"));
    assert_eq!(tenant.state.actions.len(), 1, "what was only written down holds nothing back");
    assert_eq!(shown(&tenant, 50)["totals"]["acted"], 2, "what was learnt stays");
}

#[test]
fn the_newest_records_are_kept_and_all_are_counted() {
    let mut tenant = tenant().with_template(on_trial(alert().to("{{nobody}}").saying(&"é".repeat(1_500))));
    for _ in 0..RECORDS_OF_TEMPLATE_MAX + 30 {
        tenant.later_ms(1).report(comp());
    }
    let page = shown(&tenant, 500);
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), &page["totals"]["acted"]), (RECORDS_OF_TEMPLATE_MAX, &json!(230)));
    assert_eq!((&items[0]["at"], &page["totals"]["last_at"]), (&json!(tenant.now), &json!(tenant.now)));
    assert_eq!(
        (&page["totals"]["failed"], items[0]["message"].as_str().unwrap().len()),
        (&json!(230), MESSAGE_BYTES_MAX)
    );
    assert!(items[0]["reason"].as_str().unwrap().starts_with("missing-variable"));
    let first = shown(&tenant, 3);
    let cursor = crate::domain::view::list::Cursor::parse(first["next_cursor"].as_str().unwrap());
    let next = shadow(&tenant.state, &tenant.newest_template(), &key(Held::Top), Paging { limit: 2, cursor }).unwrap();
    let next: Value = serde_json::from_slice(&next).unwrap();
    assert_eq!(next["items"].as_array().unwrap().as_slice(), &items[3..5]);
}

#[test]
fn a_caller_of_one_venue_sees_its_records_and_no_totals() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_template(on_trial(alert()));
    tenant.report(comp().at_venue("pier"));
    tenant.report(comp().at_venue("quay"));
    let limited = key(Held::Top).only_at(&["quay"]);
    let id = tenant.newest_template();
    let page = shadow(&tenant.state, &id, &limited, Paging { limit: 9, cursor: None }).unwrap();
    let page: Value = serde_json::from_slice(&page).unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["totals"]), (1, &Value::Null));
    assert_eq!(page["items"][0]["venue_id"], "quay");
}

#[test]
fn a_dry_run_keeps_it_apart_from_what_would_be_done() {
    let tenant = tenant().with_template(on_trial(blocking())).with_template(alert());
    let said = DryRun { report: comp(), templates: None }.run(&tenant.state, &mut tenant.context()).unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    let count = |name: &str| said[name].as_array().unwrap().len();
    assert_eq!((count("actions"), count("blocks"), count("shadow"), count("matched")), (1, 0, 1, 2));
    assert_eq!((&said["matched"][0]["mode"], &said["matched"][1]["mode"]), (&json!("shadow"), &json!("live")));
    assert_eq!(said["matched"][1]["because"], "all hold: enabled, violation_type");
}

#[test]
fn what_was_written_down_goes_with_its_template() {
    let mut tenant = tenant().with_template(on_trial(alert())).with_violation(comp());
    let (id, before) = (tenant.newest_template(), tenant.state.shadows.records().count());
    tenant.run(DeleteTemplate { id });
    assert_eq!((before, tenant.state.shadows.records().count()), (1, 0));
    let gone = shadow(&tenant.state, &id, &key(Held::Top), Paging { limit: 9, cursor: None });
    assert_eq!(gone, Err(Rejection::NotFound));
    assert!(!tenant.last.iter().any(|event| matches!(event, Event::ActionCreated(_))));
}

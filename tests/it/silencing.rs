//! Silences and inhibition over HTTP: who sets them, what they hold back, what is on record.

use serde_json::{Value, json};

use crate::support::app::check_path;
use crate::support::{CENTER, Organisation, TestApp};

const SILENCES: &str = "/api/action-center/silences";
const RULES: &str = "/api/settings/inhibitions";

fn tomorrow() -> Value {
    let at = action_center::clock::now_ms() + 86_400_000;
    serde_json::to_value(action_center::domain::time::Timestamp(at)).expect("a time")
}

fn silence(fields: Value) -> Value {
    let mut body = json!({ "until": tomorrow(), "reason": "menu tasting" });
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

#[track_caller]
fn is_blocked(org: &Organisation, server: &str) -> bool {
    org.admin.get(&check_path(server)).expect(200)["blocked"] == true
}

#[test]
fn a_silence_holds_back_what_a_template_makes_until_it_ends() {
    let mut app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.block_template();
    let made = org.admin.post(SILENCES, &silence(json!({ "entity_id": "ana" }))).expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    let held = org.report("ana", &json!({})).expect(201);
    let action = &held["actions"][0];
    assert_eq!((&action["execution_status"], &held["blocks"]), (&json!("dismissed"), &json!([])), "{held}");
    assert!(action["reason"].as_str().is_some_and(|why| why.starts_with("silenced: menu tasting (by ")), "{action}");
    assert_eq!(action["suppressed_by"], json!({ "silence_id": id }));
    org.report("bob", &json!({})).expect(201);
    assert_eq!((is_blocked(&org, "ana"), is_blocked(&org, "bob")), (false, true));
    app.kill();
    app.start();
    let org = app.again(&org);
    let listed = org.admin.get(SILENCES).expect(200);
    assert_eq!(listed["items"][0]["id"], json!(id), "a silence outlives a kill");
    org.admin.delete(&format!("{SILENCES}/{id}")).expect(200);
    org.admin.delete(&format!("{SILENCES}/{id}")).refused(404, "not-found");
    assert_eq!(org.admin.get(SILENCES).expect(200)["items"], json!([]));
    org.report("ana", &json!({})).expect(201);
    assert!(is_blocked(&org, "ana"));
}

#[test]
fn a_silence_is_set_by_whoever_handles_violations_there() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("pier");
    let (reader, _) = org.new_key(&app, json!({ "scopes": ["violations:read"] }));
    reader.post(SILENCES, &silence(json!({ "entity_id": "ana" }))).refused(403, "not-allowed");
    let (pier, _) = org.new_key(&app, json!({ "scopes": ["violations:read", "violations:write"], "venues": ["pier"] }));
    pier.post(SILENCES, &silence(json!({ "entity_id": "ana" }))).refused(403, "venue-not-allowed");
    pier.post(SILENCES, &silence(json!({ "venue_id": "pier" }))).expect(201);
    org.admin.post(SILENCES, &silence(json!({}))).refused(422, "invalid-body");
    org.admin.post(SILENCES, &silence(json!({ "colour": "red" }))).refused(422, "invalid-body");
    org.admin.post(SILENCES, &silence(json!({ "venue_id": "moon" }))).refused(422, "unknown-venue");
    assert!(!org.admin.get(SILENCES).expect(200)["items"][0]["until"].is_null());
    let other = app.organisation("island");
    let id = org.admin.get(SILENCES).expect(200)["items"][0]["id"].as_str().expect("an id").to_owned();
    other.admin.delete(&format!("{SILENCES}/{id}")).refused(404, "not-found");
}

#[test]
fn an_open_gap_mutes_what_follows_from_it_and_shows_its_children() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("pier");
    let rules =
        json!({ "items": [{ "source_type": "staffing_gap", "target_types": ["comp_exception"], "scope": "venue" }] });
    let saved = org.admin.put(RULES, &rules).expect(200);
    assert_eq!(saved["items"], rules["items"]);
    assert_eq!(org.admin.get(RULES).expect(200)["items"], rules["items"]);
    org.block_template();
    let gap = json!({ "violation_type": "staffing_gap", "venue_id": "pier", "metadata": { "gap_fte": 1 } });
    let parent = org.report("ana", &gap).expect(201)["violation"]["id"].clone();
    let child = org.report("ana", &json!({ "venue_id": "pier" })).expect(201);
    assert_eq!(child["violation"]["parent_id"], parent, "{child}");
    assert_eq!(child["actions"][0]["suppressed_by"], json!({ "violation_id": parent }));
    let path = format!("{CENTER}/violations/{}", parent.as_str().expect("an id"));
    assert_eq!(org.admin.get(&path).expect(200)["children"], json!([child["violation"]["id"]]));
    let (viewer, _) = org.new_key(&app, json!({ "scopes": ["violations:read"] }));
    viewer.put(RULES, &json!({ "items": [] })).refused(403, "not-allowed");
    org.admin
        .put(RULES, &json!({ "items": [{ "source_type": "a", "target_types": ["a"], "scope": "venue" }] }))
        .refused(422, "invalid-body");
}

//! What templates ask for: refused where it cannot work, and the same after a crash, after a stop and without snapshots.

use serde_json::{Value, json};

use crate::support::app::Organisation;
use crate::support::{CENTER, TestApp};

fn template(conditions: &Value, more: &Value) -> Value {
    let mut template = json!({
        "violation_type": "comp_exception", "action_type": "block", "action_target": "system",
        "message_template": "{{metadata.server_id}} comped again", "conditions": conditions,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        template[name] = value.clone();
    }
    template
}

fn saved(org: &Organisation, conditions: &Value, more: &Value) -> String {
    let made = org.admin.post(&format!("{CENTER}/templates"), &template(conditions, more)).expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

/// The templates that a report of this server would match, and those that it would not, each with the name of its reason.
fn reasons(org: &Organisation, server: &str) -> (usize, Vec<String>) {
    let violation = json!({
        "violation_type": "comp_exception", "severity": "warning", "title": "Comp",
        "metadata": { "server_id": server, "comp_amount": 250 },
    });
    let said = org.admin.post(&format!("{CENTER}/templates/dry-run"), &json!({ "violation": violation })).expect(200);
    let because = |one: &Value| one["because"].as_str().expect("a reason").to_owned();
    let unmatched = said["unmatched"].as_array().expect("a list").iter().map(because).collect();
    (said["matched"].as_array().expect("a list").len(), unmatched)
}

#[test]
fn counts_expressions_and_trials_are_the_same_after_a_crash_and_after_a_stop() {
    let mut app =
        TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "10"), ("STORE__SNAPSHOT_AT_STOP_RECORDS", "1")]);
    let org = app.organisation("harbour");
    saved(&org, &json!({ "occurrences_at_least": 4, "within_days": 7 }), &json!({}));
    saved(&org, &json!({ "when": "measure > 1000 || metadata.vip" }), &json!({}));
    saved(&org, &json!({ "cooldown_minutes": 600, "when": "entity == 'ana'" }), &json!({}));
    let trial = saved(&org, &json!({ "when": "measure > 200" }), &json!({ "mode": "shadow" }));
    for _ in 0..2 {
        org.report("ana", &json!({})).expect(201);
    }
    let shadow = format!("{CENTER}/templates/{trial}/shadow");
    let (page, reasons_then) = (org.admin.get(&shadow).expect(200), reasons(&org, "ana"));
    assert_eq!((&page["totals"]["acted"], page["items"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    let (matched, unmatched) = &reasons_then;
    assert_eq!((*matched, unmatched.len()), (1, 3), "the trial matches: {unmatched:?}");
    assert_eq!(unmatched[0], "occurrences_at_least: 3 within 7 business dates, not 4");
    assert_eq!(unmatched[1], "when: it cannot be decided: there is no `vip`");
    assert!(unmatched[2].starts_with("cooldown_minutes: its last action for this entity is 0 minutes old"));

    for life in ["killed", "stopped", "without snapshots"] {
        match life {
            "killed" => app.kill(),
            _ => assert!(app.stop().success(), "{}", app.log()),
        }
        if life == "without snapshots" {
            std::fs::remove_dir_all(app.data_dir().join("snapshots")).expect("the snapshots can be removed");
        }
        app.start();
        let org = app.again(&org);
        assert_eq!(org.admin.get(&shadow).expect(200), page, "{life}");
        assert_eq!(reasons(&org, "ana"), reasons_then, "{life}");
    }
    let org = app.again(&org);
    org.report("ana", &json!({})).expect(201);
    let fourth = org.report("ana", &json!({})).expect(201);
    assert_eq!(fourth["blocks"][0]["reason"], "ana comped again");
}

#[test]
fn what_cannot_work_is_refused_with_its_place() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let deep = format!("{}true{}", "(".repeat(300), ")".repeat(300));
    let refused = [
        (json!({ "when": "(((1 <" }), json!({}), "/conditions/when"),
        (json!({ "when": deep }), json!({}), "/conditions/when"),
        (json!({ "when": 7 }), json!({}), "/conditions/when"),
        (json!({ "during": { "days": ["someday"] } }), json!({}), "/conditions/during/days/0"),
        (json!({ "during": [{ "from": "25:00", "to": "03:00" }] }), json!({}), "/conditions/during/0/from"),
        (json!({ "occurences_at_least": 3 }), json!({}), "/conditions/occurences_at_least"),
        (json!({}), json!({ "mode": "loud" }), "/mode"),
        (
            json!({}),
            json!({ "action_data": { "within_days": 3, "steps": [{ "action": "alert" }] } }),
            "/action_data/steps/0/action",
        ),
        (
            json!({}),
            json!({ "action_data": { "steps": [{ "action_type": "alert", "action_target": "role:cook" }], "within_days": 3 } }),
            "/action_data/steps/0/action_target",
        ),
    ];
    for (conditions, more, pointer) in refused {
        let answer = org.admin.post(&format!("{CENTER}/templates"), &template(&conditions, &more));
        let problem = answer.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let tried = json!({
        "violation": { "violation_type": "comp_exception", "severity": "info", "title": "Comp" },
        "templates": [template(&json!({ "when": "1 +" }), &json!({}))],
    });
    let problem = org.admin.post(&format!("{CENTER}/templates/dry-run"), &tried).expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/templates/0/conditions/when");
    let nothing = format!("{CENTER}/templates/{}/shadow", "01a20283-e5ae-7000-9ed2-5b2d18b686ac");
    org.admin.get(&nothing).expect(404);
}

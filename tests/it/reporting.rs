//! Reports in the shapes of their sources and many at once, over HTTP and across a restart.

use serde_json::{Value, json};

use crate::support::{CENTER, TestApp};

fn comp(id: &str, more: &Value) -> Value {
    let mut comp = json!({ "id": id, "venue_id": "pier", "server_id": id, "server_name": "Ana", "comp_amount": 250, "approved": true });
    for (name, value) in more.as_object().into_iter().flatten() {
        comp[name] = value.clone();
    }
    comp
}

#[test]
fn what_clears_a_source_lifts_what_it_placed_and_nothing_to_report_is_said_so() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("pier");
    let template = json!({
        "violation_type": "staffing_gap", "action_type": "block", "action_target": "system", "enabled": true,
        "message_template": "{{title}}", "conditions": {}, "action_data": {},
    });
    org.admin.post(&format!("{CENTER}/templates"), &template).expect(201);
    let path = format!("{CENTER}/reports/staffing-gap");
    let gap = |fte: f64| json!({ "id": 7, "venue_id": "pier", "role": "bar", "gap_fte": fte, "required_fte": 4, "scheduled_fte": 3 });
    let opened = org.admin.post(&path, &gap(0.4)).expect(201);
    assert_eq!(
        (&opened["violation"]["severity"], &opened["blocks"][0]["reason"]),
        (&json!("warning"), &json!("Understaffed by 0.4 FTE (bar)"))
    );
    let raised = org.admin.post(&path, &gap(1.0)).expect(200);
    assert_eq!(
        (&raised["violation"]["id"], &raised["violation"]["severity"]),
        (&opened["violation"]["id"], &json!("critical"))
    );
    let closed = org.admin.post(&path, &gap(0.0)).expect(200);
    assert_eq!(
        (&closed["violation"]["status"], &closed["resolved"]),
        (&json!("resolved"), &json!([opened["violation"]["id"]]))
    );
    assert!(closed["blocks"][0]["lifted_at"].is_string(), "{closed}");
    let nothing = org.admin.post(&path, &gap(0.0)).expect(200);
    assert_eq!(nothing, json!({ "violation": null, "actions": [], "blocks": [] }));
    let wrong = org.admin.post(&path, &json!({ "id": 7, "venue_id": "pier", "colour": "red" }));
    assert_eq!((wrong.status, &wrong.expect(422)["errors"][0]["pointer"]), (422, &json!("/colour")));
}

#[test]
fn a_bulk_under_a_key_is_one_step_and_is_answered_again_after_a_kill() {
    let mut app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("pier");
    org.block_template();
    let path = format!("{CENTER}/violations/bulk");
    let items: Vec<Value> = (0..20)
        .map(|row| match row % 4 {
            0 => json!({ "reporter": "comp-exception", "source": comp(&format!("c-{row}"), &json!({})) }),
            1 => json!({ "violation_type": "comp_exception", "severity": "info", "title": "Comp", "metadata": { "server_id": "s", "comp_amount": 3 } }),
            2 => json!({ "reporter": "comp-exception", "source": comp("bad", &json!({ "venue_id": "nowhere" })) }),
            _ => json!({ "reporter": "comp-exception", "source": comp("c-0", &json!({})) }),
        })
        .collect();
    let body = json!({ "items": items });
    let keyed = |org: &crate::support::Organisation| org.admin.with("idempotency-key", "night-1").post(&path, &body);
    let first = keyed(&org);
    let shown = first.clone().expect(200);
    let statuses: Vec<u64> =
        shown["results"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 422, 200].repeat(5));
    assert_eq!(shown["results"][2]["problem"]["code"], "unknown-venue");
    let version = first.header("x-org-version").map(ToOwned::to_owned);
    app.kill();
    app.start();
    let org = app.again(&org);
    let again = keyed(&org);
    assert_eq!((&again.body, again.is_replayed()), (&first.body, true));
    assert_eq!(again.header("x-org-version").map(ToOwned::to_owned), version);
    let listed = org.admin.get(&format!("{CENTER}/violations?limit=500")).expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(org.admin.get(&crate::support::app::check_path("c-4")).expect(200)["blocked"], true);
}

#[test]
fn a_bulk_may_be_a_mebibyte_and_has_at_most_500_items() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let path = format!("{CENTER}/violations/bulk");
    let item = |row: usize, bytes: usize| json!({ "violation_type": "note", "severity": "info", "title": format!("{row}"), "metadata": { "text": "x".repeat(bytes) } });
    let large = json!({ "items": (0..50).map(|row| item(row, 20_000)).collect::<Vec<_>>() });
    let answer = org.admin.post(&path, &large).expect(200);
    assert!(answer["results"].as_array().unwrap().iter().all(|one| one["status"] == 201));
    let larger = json!({ "items": (0..60).map(|row| item(row, 20_000)).collect::<Vec<_>>() });
    assert_eq!(org.admin.post(&path, &larger).expect(413)["code"], "body-too-large");
    let many = json!({ "items": (0..501).map(|row| item(row, 1)).collect::<Vec<_>>() });
    assert_eq!(org.admin.post(&path, &many).expect(422)["code"], "invalid-body");
}

#[test]
fn a_type_of_its_own_is_stored_and_a_shipped_one_can_go_back() {
    let mut app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let path = "/api/settings/violation-types";
    let body = json!({ "measure": "minutes_late", "entity": "metadata.supplier", "entity_type": "supplier", "block_type": "ordering",
        "resolve_after_quiet_minutes": 60, "on_error": "open" });
    let saved = org.admin.put(&format!("{path}/late_delivery"), &body).expect(200);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&saved[name], value, "{name}");
    }
    let changed = org.admin.put(&format!("{path}/sales_pace"), &json!({ "on_error": "limit" })).expect(200);
    assert_eq!(
        (&changed["on_error"], &changed["measure"], &changed["origin"]),
        (&json!("limit"), &json!("gap_pct"), &json!("changed"))
    );
    app.kill();
    app.start();
    let org = app.again(&org);
    let all = org.admin.get(path).expect(200);
    let names: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|one| one["violation_type"].as_str().unwrap()).collect();
    assert_eq!(names, ["comp_exception", "generic", "greeting_delay", "late_delivery", "sales_pace", "staffing_gap"]);
    assert_eq!(org.admin.get(&format!("{path}/late_delivery")).expect(200), saved);
    let shipped = org.admin.delete(&format!("{path}/sales_pace")).expect(200);
    assert_eq!((&shipped["on_error"], &shipped["origin"]), (&json!("open"), &json!("shipped")));
    org.admin.delete(&format!("{path}/late_delivery")).expect(200);
    assert_eq!(org.admin.get(&format!("{path}/late_delivery")).status, 404);
    let (till, _) = org.new_key(&app, json!({ "scopes": ["violations:read"] }));
    assert_eq!(till.put(&format!("{path}/late_delivery"), &body).status, 403);
}

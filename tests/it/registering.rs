//! Capabilities of modules and the policy of approvals, over HTTP and through a kill.

use serde_json::{Value, json};

use crate::support::TestApp;

const CAPABILITIES: &str = "/api/capabilities";
const POLICY: &str = "/api/settings/approval-policy";
const LOCAL: (&str, &str) = ("DELIVERY__EGRESS__ALLOW", "127.0.0.0/8");

fn refund() -> Value {
    json!({
        "name": "till.refund", "version": "1", "module": "till", "endpoint": "http://127.0.0.1:9/run",
        "params": { "type": "object", "required": ["amount"], "properties": { "amount": { "type": "number" } } },
        "sensitivity": "financial", "connectors": ["till"], "reversible": true, "idempotent": false, "auto_approvable": false,
        "undo_window": 3600, "timeout": 20, "preview_template": "Refund {{amount}}",
    })
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect()
}

#[test]
fn a_module_registers_what_it_can_do_and_its_secret_is_shown_once() {
    let mut app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let made = org.admin.post(CAPABILITIES, &refund()).expect(201);
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    for (name, value) in [("undo_window", json!(3600)), ("timeout", json!(20)), ("concurrency", json!(4))] {
        assert_eq!(made[name], value, "{name}");
    }
    let again = org.admin.post(CAPABILITIES, &refund()).expect(201);
    assert_ne!(again["secret"], json!(secret), "registered again it has another secret");

    app.kill();
    app.start();
    let org = app.again(&org);
    let page = org.admin.get(&format!("{CAPABILITIES}?limit=500")).expect(200);
    assert_eq!((names(&page).len(), names(&page)[0], names(&page)[7]), (8, "blocks.place", "till.refund"));
    assert!(!page.to_string().contains("whsec_"), "a list shows no secret");
    let shown = &page["items"][7];
    assert_eq!(
        (&shown["params"], &shown["generation"], &shown["built_in"]),
        (&refund()["params"], &again["generation"], &json!(false))
    );
    let first = org.admin.get(&format!("{CAPABILITIES}?limit=7")).expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let rest = org.admin.get(&format!("{CAPABILITIES}?limit=7&cursor={cursor}")).expect(200);
    assert_eq!((names(&rest), &rest["next_cursor"]), (vec!["till.refund"], &Value::Null));

    org.admin.delete(&format!("{CAPABILITIES}/till.refund")).expect(200);
    org.admin.delete(&format!("{CAPABILITIES}/till.refund")).refused(404, "not-found");
    org.admin.delete(&format!("{CAPABILITIES}/blocks.lift")).refused(409, "built-in-capability");
    assert_eq!(names(&org.admin.get(CAPABILITIES).expect(200)).len(), 7);
    let third = org.admin.post(CAPABILITIES, &refund()).expect(201);
    assert!(third["secret"] != json!(secret) && third["secret"] != again["secret"], "no secret comes back");
}

#[test]
fn what_cannot_be_registered_is_told_where() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let refused = |name: &str, value: Value| {
        let mut wrong = refund();
        wrong["endpoint"] = json!("https://till.example/run");
        wrong[name] = value;
        let problem = org.admin.post(CAPABILITIES, &wrong).refused(422, "invalid-body");
        problem["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(refused("endpoint", json!("http://127.0.0.1:9/run")), "/endpoint");
    assert_eq!(refused("endpoint", json!("ftp://till.example/run")), "/endpoint");
    assert_eq!(refused("name", json!("refund")), "/name");
    assert_eq!(refused("sensitivity", json!("secret")), "/sensitivity");
    assert_eq!(refused("params", json!({ "$ref": "https://till.example/schema.json" })), "/params/$ref");
    assert_eq!(refused("timeout", json!(601)), "/timeout");
    assert_eq!(refused("urgency", json!("high")), "/urgency");
    let mut own = refund();
    (own["name"], own["module"], own["endpoint"]) =
        (json!("blocks.lift"), json!("blocks"), json!("https://till.example/run"));
    org.admin.post(CAPABILITIES, &own).refused(409, "built-in-capability");
}

#[test]
fn a_serving_key_manages_its_own_capabilities_and_readers_read() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let (till, _) = org.new_key(&app, json!({ "scopes": ["capabilities:serve"] }));
    let (stock, _) = org.new_key(&app, json!({ "scopes": ["capabilities:serve"] }));
    let (reader, _) = org.new_key(&app, json!({ "scopes": ["actions:read"] }));
    till.post(CAPABILITIES, &refund()).expect(201);
    till.post(CAPABILITIES, &refund()).expect(201);
    stock.post(CAPABILITIES, &refund()).refused(403, "not-your-capability");
    stock.delete(&format!("{CAPABILITIES}/till.refund")).refused(403, "not-your-capability");
    reader.post(CAPABILITIES, &refund()).refused(403, "not-allowed");
    reader.delete(&format!("{CAPABILITIES}/till.refund")).refused(403, "not-allowed");
    app.person(&org, "gm").post(CAPABILITIES, &refund()).refused(403, "not-allowed");
    assert!(names(&reader.get(CAPABILITIES).expect(200)).contains(&"till.refund"));
    app.nobody().get(CAPABILITIES).refused(401, "no-credential");
    let other = app.organisation("pier");
    other.admin.delete(&format!("{CAPABILITIES}/till.refund")).refused(404, "not-found");
    org.admin.delete(&format!("{CAPABILITIES}/till.refund")).expect(200);
}

#[test]
fn the_policy_is_shown_changed_and_kept() {
    let mut app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("here");
    let shipped = org.admin.get(POLICY).expect(200);
    assert_eq!(shipped["levels"]["high"]["steps"][1]["who"], "role:reviewer");
    assert_eq!((&shipped["weights"]["connector"], &shipped["freezes"]), (&json!(7), &json!([])));
    let mut wanted = shipped.clone();
    wanted["weights"]["connector"] = json!(9);
    wanted["levels"]["medium"]["veto_minutes"] = json!(20);
    wanted["freezes"] = json!([{ "name": "dinner", "during": { "days": ["fri", "sat"], "from": "18:00", "to": "23:00" }, "venue_ids": ["here"] }]);
    let changed = org.admin.put(POLICY, &wanted).expect(200);
    assert_eq!(changed, wanted, "what is shown can be sent back");
    let gm = app.person(&org, "gm");
    gm.put(POLICY, &wanted).refused(403, "not-allowed");
    assert_eq!(gm.get(POLICY).expect(200), wanted);
    app.kill();
    app.start();
    let org = app.again(&org);
    assert_eq!(org.admin.get(POLICY).expect(200), wanted);
    let other = app.organisation("pier");
    assert_eq!(other.admin.get(POLICY).expect(200), shipped);
    assert_eq!(org.admin.put(POLICY, &json!({})).expect(200), shipped);
}

#[test]
fn a_policy_that_asks_nobody_is_refused_where_it_goes_wrong() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let step = |who: &str| json!({ "levels": { "high": { "steps": [{ "name": "x", "who": who }] } } });
    let pointer = |body: &Value| {
        let problem = org.admin.put(POLICY, body).refused(422, "invalid-body");
        problem["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(pointer(&step("role:viewer")), "/levels/high/steps/0/who");
    assert_eq!(pointer(&step("user:nobody")), "/levels/high/steps/0/who");
    assert_eq!(pointer(&json!({ "levels": { "high": { "steps": [] } } })), "/levels/high/steps");
    assert_eq!(pointer(&json!({ "levels": { "extreme": {} } })), "/levels/extreme");
    assert_eq!(pointer(&json!({ "weights": { "gravity": 1 } })), "/weights/gravity");
    let away = json!({ "freezes": [{ "name": "x", "during": { "days": ["fri"] }, "venue_ids": ["there"] }] });
    org.admin.put(POLICY, &away).refused(422, "unknown-venue");
    let owner = app.person(&org, "owner");
    let id = owner.get("/api/session").expect(200)["user"]["id"].as_str().expect("an id").to_owned();
    org.admin.put(POLICY, &step(&format!("user:{id}"))).expect(200);
}

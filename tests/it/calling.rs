//! Webhooks: other systems hear of blocks with signed calls, also after a kill, and nothing is called that must not be.

use action_center::delivery::signing::signature;
use serde_json::{Value, json};

use crate::support::receiver::{Receiver, SOON, key_of};
use crate::support::{TestApp, wait_for};

const HOOKS: &str = "/api/settings/webhooks";
const LOCAL: (&str, &str) = ("DELIVERY__EGRESS__ALLOW", "127.0.0.0/8");

#[test]
fn placed_and_lifted_blocks_are_told_with_a_signature_by_the_secret_that_was_shown_once() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["500 Internal Server Error"]);
    let made = org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": ["blocks"] })).expect(201);
    let block = org.place("server-1", None);
    let path = format!("/api/action-center/blocks/{}/lift", block["id"].as_str().expect("an id"));
    org.admin.post(&path, &json!({ "lift_reason": "Reviewed" })).expect(200);
    let calls = receiver.calls(3); // one of the first two came again after five seconds
    let key = key_of(&made);
    for call in &calls {
        let (id, at) = (call.header("webhook-id"), call.header("webhook-timestamp"));
        let right = signature(&key, &id.parse().expect("an id"), at.parse().expect("a time"), &call.body);
        assert_eq!(call.header("webhook-signature"), right);
    }
    let again = calls[1..].iter().find(|call| call.header("webhook-id") == calls[0].header("webhook-id"));
    assert_eq!(again.expect("the call that failed, again").body, calls[0].body);
    let bodies: Vec<Value> = calls.iter().map(|call| serde_json::from_str(&call.body).expect("JSON")).collect();
    for name in ["block.placed", "block.lifted"] {
        assert!(bodies.iter().any(|body| body["type"] == name && body["object"]["id"] == block["id"]), "{name}");
    }
    let shown = wait_for(SOON, || {
        let page = org.admin.get(HOOKS).expect(200);
        (page["items"][0]["delivered"] == 2).then_some(page)
    });
    let shown = shown.expect("two notices delivered");
    assert_eq!((&shown["items"][0]["last_error"], &shown["items"][0]["pending"]), (&json!("500"), &json!(0)));
    assert!(!shown.to_string().contains("whsec_"));
}

#[test]
fn what_waits_for_a_webhook_survives_a_kill_and_its_secret_stays() {
    let mut app = TestApp::started(&[LOCAL, ("DELIVERY__MODE", "on_process"), ("STORE__SNAPSHOT_EVERY_RECORDS", "3")]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&[]);
    let made = org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": ["blocks"] })).expect(201);
    for number in 0..6 {
        org.place(&format!("server-{number}"), None);
    }
    app.kill();
    app.start();
    let org = app.again(&org);
    assert_eq!(org.admin.get(HOOKS).expect(200)["items"][0]["pending"], 6);
    org.admin.post("/api/action-center/process", &json!({})).expect(200);
    let calls = receiver.calls(6);
    let call = &calls[0];
    let at = call.header("webhook-timestamp").parse().expect("a time");
    let right = signature(&key_of(&made), &call.header("webhook-id").parse().expect("an id"), at, &call.body);
    assert_eq!(call.header("webhook-signature"), right);
    org.admin.delete(&format!("{HOOKS}/{}", made["id"].as_str().expect("an id"))).expect(200);
    assert_eq!(org.admin.get(HOOKS).expect(200)["items"], json!([]));
}

#[test]
fn a_redirect_is_not_followed_and_private_addresses_are_refused_when_saved() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/"]);
    org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": ["blocks"] })).expect(201);
    org.place("server-1", None);
    receiver.calls(1);
    let told = wait_for(SOON, || {
        let page = org.admin.get(HOOKS).expect(200);
        page["items"][0]["last_error"].as_str().map(ToOwned::to_owned)
    });
    assert_eq!(told.as_deref(), Some("307"));
    for url in
        ["https://10.0.0.7/hook", "http://10.0.0.7/", "https://169.254.169.254/latest", "file:///etc/passwd", "x"]
    {
        org.admin.post(HOOKS, &json!({ "url": url, "events": ["blocks"] })).refused(422, "invalid-body");
    }
    org.admin.post(HOOKS, &json!({ "url": "https://a.example/", "events": ["weather"] })).refused(422, "invalid-body");
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read", "blocks:write"] }));
    till.get(HOOKS).refused(403, "not-allowed");
}

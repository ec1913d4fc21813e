//! Looking after webhooks and Slack: tests, secrets that change, attempts on record, dead letters, and secrets that stay inside.

use serde_json::{Value, json};

use crate::support::receiver::{Receiver, SOON, key_of};
use crate::support::{Organisation, TestApp, wait_for};

const HOOKS: &str = "/api/settings/webhooks";
const CHANNELS: &str = "/api/settings/channels";
const LOCAL: (&str, &str) = ("DELIVERY__EGRESS__ALLOW", "127.0.0.0/8");

fn hook(org: &Organisation, receiver: &Receiver, events: &[&str]) -> (Value, String) {
    let made = org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": events })).expect(201);
    let path = format!("{HOOKS}/{}", made["id"].as_str().expect("an id"));
    (made, path)
}

/// Has an alert made for this target; gives its action.
fn alert(org: &Organisation, target: &str) -> Value {
    let template = json!({
        "violation_type": "comp_exception", "action_type": "alert", "action_target": target,
        "message_template": "Look at <!channel> {{metadata.server_id}}",
    });
    org.admin.post("/api/action-center/templates", &template).expect(201);
    org.report("table-9", &json!({})).expect(201)["actions"][0].clone()
}

/// Waits until an action has this status.
fn settled(org: &Organisation, action: &Value, status: &str) -> Value {
    let look = || {
        let page = org.admin.get("/api/action-center/actions").expect(200);
        let found = page["items"].as_array()?.iter().find(|one| one["id"] == action["id"])?.clone();
        (found["execution_status"] == status).then_some(found)
    };
    wait_for(SOON, look).unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn a_webhook_is_tried_and_its_secret_changed_and_both_are_told() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["500 Internal Server Error"]);
    let (made, path) = hook(&org, &receiver, &["blocks"]);
    let tried = org.admin.post(&format!("{path}/test"), &json!({})).expect(200);
    assert_eq!((&tried["outcome"], &tried["status"], &tried["kind"]), (&json!("retry"), &json!(500), &json!("test")));
    let shown = org.admin.get(HOOKS).expect(200)["items"][0].clone();
    assert_eq!((&shown["state"], &shown["consecutive_failures"]), (&json!("failing"), &json!(1)));

    let rotated = org.admin.post(&format!("{path}/rotate"), &json!({})).expect(200);
    let (old, new) = (key_of(&made), key_of(&rotated));
    assert_eq!(org.admin.post(&format!("{path}/test"), &json!({})).expect(200)["outcome"], "delivered");
    let calls = receiver.calls(2);
    assert!(calls[0].is_signed_by(&old) && !calls[0].is_signed_by(&new));
    assert!(calls[1].is_signed_by(&old) && calls[1].is_signed_by(&new) && old != new);
    assert!(calls[1].body.contains("webhook.test"));

    let attempts = org.admin.get(&format!("{path}/attempts")).expect(200);
    let statuses: Vec<&Value> =
        attempts["items"].as_array().expect("a page").iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [&json!(204), &json!(500)]);
    let shown = org.admin.get(HOOKS).expect(200);
    assert_eq!(shown["items"][0]["state"], "ok");
    assert!(!shown.to_string().contains("whsec_") && !attempts.to_string().contains("whsec_"));
    org.admin
        .get(&format!("{HOOKS}/{}/attempts", made["id"].as_str().expect("an id").replace('0', "1")))
        .refused(404, "not-found");
}

#[test]
fn an_alert_to_a_webhook_is_one_signed_call_that_is_repeated_byte_for_byte() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["500 Internal Server Error"]);
    let (made, path) = hook(&org, &receiver, &["approvals"]);
    let action = alert(&org, &format!("webhook:{}", made["id"].as_str().expect("an id")));
    settled(&org, &action, "delivered");
    let calls = receiver.calls(2);
    assert_eq!((calls[0].header("webhook-id"), &calls[0].body), (calls[1].header("webhook-id"), &calls[1].body));
    assert_eq!(calls[0].header("webhook-id"), action["id"].as_str().expect("an id"));
    assert!(calls.iter().all(|call| call.is_signed_by(&key_of(&made))));
    let body: Value = serde_json::from_str(&calls[0].body).expect("JSON");
    assert_eq!(body["object"]["message"], "Look at <!channel> table-9");
    assert_eq!(body["object"]["violation_id"], action["violation_id"]);
    let attempts = org.admin.get(&format!("{path}/attempts")).expect(200);
    assert_eq!(attempts["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(attempts["items"][1]["kind"], "alert");
}

#[test]
fn what_was_given_up_is_a_dead_letter_and_sent_again_on_demand() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["410 Gone"]);
    let (made, path) = hook(&org, &receiver, &["blocks"]);
    let action = alert(&org, "slack:#floor");
    settled(&org, &action, "failed");
    org.place("server-1", None);
    let dead = wait_for(SOON, || {
        let page = org.admin.get("/api/settings/dead-letters").expect(200);
        (page["items"].as_array()?.len() == 2).then_some(page)
    });
    let dead = dead.expect("two dead letters")["items"].clone();
    assert_eq!((&dead[0]["kind"], &dead[1]["kind"]), (&json!("notice"), &json!("action")));
    assert_eq!((&dead[0]["reason"], &dead[1]["id"]), (&json!("410"), &action["id"]));
    assert!(dead[1]["reason"].as_str().is_some_and(|why| why.contains("slack-not-configured")));
    let resend = format!("/api/settings/dead-letters/{}/resend", dead[0]["id"].as_str().expect("an id"));
    org.admin.post(&resend, &json!({})).expect(200);
    let calls = receiver.calls(2);
    assert_eq!((calls[0].header("webhook-id"), &calls[0].body), (calls[1].header("webhook-id"), &calls[1].body));
    let told = wait_for(SOON, || (org.admin.get(HOOKS).expect(200)["items"][0]["delivered"] == 1).then_some(()));
    told.expect("the notice delivered");
    org.admin.post(&resend, &json!({})).refused(404, "not-found");
    let again = json!({ "since": "2020-01-01T00:00:00Z" });
    assert_eq!(org.admin.post(&format!("{path}/replay"), &again).expect(200)["replayed"], 1);
    assert_eq!(receiver.calls(3)[2].header("webhook-id"), calls[0].header("webhook-id"));
    assert_eq!(org.admin.post(&format!("{path}/enable"), &json!({})).expect(200)["id"], made["id"]);
}

#[test]
fn slack_takes_the_alert_and_its_address_is_told_nowhere() {
    const CANARY: &str = "C4N4RYT0KEN";
    const PASSWORD: &str = "p4ssw0rdC4n4ry";
    let mail = format!("smtps://user:{PASSWORD}@127.0.0.1:1");
    let mut app = TestApp::started(&[LOCAL, ("DELIVERY__EMAIL__URL", &mail)]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["500 Internal Server Error"]);
    let url = receiver.url.replace("/hook", &format!("/services/{CANARY}"));
    let mut seen = String::new();
    let mut see = |answer: Value| {
        seen.push_str(&answer.to_string());
        answer
    };
    let body = json!({ "slack": { "webhook_url": url } });
    let saved = see(org.admin.put(CHANNELS, &body).expect(200));
    assert_eq!(see(org.admin.get(CHANNELS).expect(200)), saved);
    assert_eq!(see(org.admin.put(CHANNELS, &saved).expect(200)), saved, "what was read can be sent back");
    let action = alert(&org, "slack:#floor");
    see(settled(&org, &action, "delivered"));
    let calls = receiver.calls(2);
    assert!(calls[1].path.ends_with(CANARY) && calls[1].body.contains("table-9"), "{}", calls[1].body);
    assert!(!calls[1].body.contains("<!channel>") && calls[1].body.contains("#floor"), "{}", calls[1].body);
    for path in ["/api/settings/dead-letters", "/api/action-center/actions", HOOKS, "/api/settings"] {
        see(org.admin.get(path).expect(200));
    }
    for url in ["ftp://127.0.0.1/x", "http://10.0.0.7/services/C4N4RYT0KEN", "https://a.example/***"] {
        let refused = org.admin.put(CHANNELS, &json!({ "slack": { "webhook_url": url } }));
        see(refused.refused(422, "invalid-body"));
    }
    let (till, _) = org.new_key(&app, json!({ "scopes": ["violations:read"] }));
    till.get(CHANNELS).refused(403, "not-allowed");
    app.stop();
    for secret in [CANARY, PASSWORD] {
        assert!(!seen.contains(secret), "an answer tells {secret}");
        assert!(!app.log().contains(secret), "the log tells {secret}");
        let stored = files(&app.data_dir());
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()), "the disk holds {secret}");
    }
    app.start();
    let org = app.again(&org);
    assert_eq!(org.admin.get(CHANNELS).expect(200), saved);
    assert_eq!(org.admin.put(CHANNELS, &json!({})).expect(200), json!({ "slack": null }));
}

/// All bytes of all files below a directory.
fn files(dir: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        let more = if path.is_dir() { files(&path) } else { std::fs::read(&path).expect("a file") };
        bytes.extend(more);
    }
    bytes
}

//! What people are told, from their point of view: their own list, live, and kept over a kill.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::modules::id_of;
use crate::support::{CENTER, Client, Organisation, TestApp, wait_for};

const SOON: Duration = Duration::from_secs(10);

/// Alerts a target of every comp, and reports one.
fn alarm(org: &Organisation, target: &str, message: &str) {
    let template = json!({
        "violation_type": "comp_exception", "action_type": "alert", "action_target": target, "message_template": message,
    });
    org.admin.post(&format!("{CENTER}/templates"), &template).expect(201);
    org.report("server-1", &json!({})).expect(201);
}

/// Waits for a notification that says this.
fn told(person: &Client, text: &str) -> Value {
    let look = || {
        let page = person.get("/api/notifications?unread=true").expect(200);
        page["items"]
            .as_array()?
            .iter()
            .find(|one| one["text"].as_str().is_some_and(|said| said.contains(text)))
            .cloned()
    };
    wait_for(SOON, look).expect("the notification")
}

#[test]
fn a_notification_is_its_persons_alone_and_is_there_after_a_kill_as_it_was_read() {
    let mut app = TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "5")]);
    let org = app.organisation("harbour");
    let (person, other) = (app.person(&org, "gm"), app.person(&org, "manager"));
    alarm(&org, &format!("user:{}", id_of(&person)), "For your eyes");
    let one = told(&person, "For your eyes");
    assert_eq!((one["type"].as_str(), &one["read_at"]), (Some("violation_alert"), &Value::Null));
    let path = format!("/api/notifications/{}/read", one["id"].as_str().expect("an id"));
    other.post(&path, &json!({})).refused(404, "not-found");
    org.admin.get("/api/notifications").refused(403, "not-allowed");
    let read = person.post(&path, &json!({})).expect(200);
    assert!(read["read_at"].is_string());

    app.kill();
    app.start();
    let person = person.moved_to(app.address());
    let page = person.get("/api/notifications").expect(200);
    assert_eq!(page["items"][0]["read_at"], read["read_at"]);
    assert_eq!(person.get("/api/notifications?unread=true").expect(200)["items"], json!([]));
}

#[test]
fn a_browser_is_added_without_being_shown_and_the_busiest_hours_are_declared() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let person = app.person(&org, "gm");
    let keys = json!({ "p256dh": format!("BA{}", "A".repeat(85)), "auth": "A".repeat(22) });
    let browser = json!({ "endpoint": "https://push.example/send/secret", "expirationTime": null, "keys": keys });
    let path = "/api/notifications/push-subscriptions";
    let made = person.post(path, &browser).expect(201);
    assert_eq!(made["host"], "push.example");
    assert!(!made.to_string().contains("secret"));
    let inside = json!({ "endpoint": "https://10.0.0.7/send", "keys": keys });
    person.post(path, &inside).refused(422, "invalid-body");
    let own = format!("{path}/{}", made["id"].as_str().expect("an id"));
    app.person(&org, "manager").delete(&own).refused(404, "not-found");
    person.delete(&own).expect(200);

    let windows = json!({ "peak_windows": [{ "days": ["fri", "sat"], "from": "19:00", "to": "22:30" }] });
    org.admin.put("/api/settings/rush", &windows).expect(200);
    assert_eq!(org.admin.get("/api/settings/rush").expect(200), windows);
    let wrong = json!({ "peak_windows": [{ "days": [], "from": "19:00" }] });
    org.admin.put("/api/settings/rush", &wrong).refused(422, "invalid-body");
    person.put("/api/settings/rush", &windows).refused(403, "not-allowed");
}

//! Escalations from a report to the people of a rung, and the queue that waits to be worked off.

use std::time::Duration;

use action_center::delivery::testing::SmtpSink;
use serde_json::{Value, json};

use crate::support::{CENTER, Organisation, TestApp, wait_for};

const TOLD_WITHIN: Duration = Duration::from_secs(20);

fn person(org: &Organisation, role: &str, name: &str, venues: &[&str]) {
    let mut body = json!({ "email": format!("{name}@group.example"), "name": name, "role": role });
    if !venues.is_empty() {
        body["venues"] = json!(venues);
    }
    org.admin.post("/api/users", &body).expect(201);
}

fn template(org: &Organisation, fields: &Value) {
    let mut body = json!({
        "violation_type": "comp_exception", "message_template": "{{server_id}} needs you", "enabled": true, "conditions": {},
        "action_data": {},
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    org.admin.post(&format!("{CENTER}/templates"), &body).expect(201);
}

fn actions(org: &Organisation, query: &str) -> Vec<Value> {
    let page = org.admin.get(&format!("{CENTER}/actions?{query}")).expect(200);
    page["items"].as_array().cloned().unwrap_or_default()
}

/// The one escalation, once `holds` says so.
#[track_caller]
fn escalation(org: &Organisation, holds: impl Fn(&Value) -> bool) -> Value {
    let look = || actions(org, "action_type=escalate").into_iter().next().filter(&holds);
    wait_for(TOLD_WITHIN, look).unwrap_or_else(|| panic!("never: {:?}", actions(org, "")))
}

#[test]
fn the_people_of_a_rung_at_that_venue_are_told_and_a_rung_without_anybody_is_on_record() {
    let sink = SmtpSink::start([]);
    let app = TestApp::started(&[("DELIVERY__EMAIL__URL", &sink.url())]);
    let org = app.organisation("harbour");
    org.venue("pier");
    org.venue("quay");
    person(&org, "gm", "elsewhere", &["quay"]);
    person(&org, "vp_ops", "vera", &[]);
    person(&org, "vp_ops", "vito", &[]);
    template(&org, &json!({ "action_type": "escalate", "action_target": "gm" }));
    let violation = org.report("ana", &json!({ "venue_id": "pier" })).expect(201)["violation"]["id"].clone();
    let told = escalation(&org, |one| one["waits_for"] == "acknowledgement");
    let steps = &told["escalation"]["steps"];
    assert_eq!((&steps[0]["authority"], &steps[0]["status"]), (&json!("gm"), &json!("failed")), "{told}");
    assert_eq!(steps[0]["reason"], "nobody-found: nobody with the authority gm at this venue");
    assert_eq!((&steps[1]["authority"], &steps[1]["status"]), (&json!("vp_ops"), &json!("delivered")));
    assert!(told["escalation"]["next_at"].is_string() && told["execution_status"] == "pending", "{told}");
    let mails = sink.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, ["vera@group.example", "vito@group.example"]);
    assert!(String::from_utf8_lossy(&mails[0].bytes).contains("Asked before: gm"), "{mails:?}");
    let id = violation.as_str().expect("an id");
    org.admin.post(&format!("{CENTER}/violations/{id}/acknowledge"), &json!({})).expect(200);
    let stopped = escalation(&org, |one| one["execution_status"] == "delivered");
    assert!(stopped["reason"].as_str().is_some_and(|why| why.starts_with("stopped: acknowledged by")), "{stopped}");
    org.admin.post(&format!("{CENTER}/violations/{id}/resolve"), &json!({ "resolution": "Talked" })).expect(200);
    let heard = wait_for(TOLD_WITHIN, || (sink.mails().len() == 2).then(|| sink.mails().remove(1))).expect("a notice");
    assert_eq!(heard.to, ["vera@group.example", "vito@group.example"]);
    assert!(String::from_utf8_lossy(&heard.bytes).contains("Resolved"), "{heard:?}");
}

#[test]
fn a_ladder_without_anybody_fails_with_a_named_reason() {
    let sink = SmtpSink::start([]);
    let app = TestApp::started(&[("DELIVERY__EMAIL__URL", &sink.url())]);
    let org = app.organisation("harbour");
    template(&org, &json!({ "action_type": "escalate", "action_target": "manager" }));
    org.report("ana", &json!({})).expect(201);
    let failed = escalation(&org, |one| one["execution_status"] == "failed");
    assert_eq!(failed["escalation"]["rung"], 3, "{failed}");
    assert!(failed["reason"].as_str().is_some_and(|why| why.starts_with("escalation-exhausted: owner")), "{failed}");
    assert!(sink.mails().is_empty());
}

#[test]
fn a_secret_works_off_all_organisations_and_a_wrong_one_none() {
    let sink = SmtpSink::start([]);
    let url = sink.url();
    let settings = [("DELIVERY__MODE", "on_process"), ("DELIVERY__EMAIL__URL", url.as_str())];
    let mut app = TestApp::prepared(&settings).with_variable("ACTION_CENTER_CRON_SECRET", "tick-tock-of-the-tests");
    app.start();
    let orgs = [app.organisation("harbour"), app.organisation("island")];
    for org in &orgs {
        person(org, "owner", "olga", &[]);
        template(org, &json!({ "action_type": "alert", "action_target": "gm@group.example" }));
        template(org, &json!({ "action_type": "escalate", "action_target": "vp_ops" }));
        template(
            org,
            &json!({ "action_type": "alert", "action_target": "gm@group.example", "action_data": { "delay_minutes": 60 } }),
        );
        org.report("ana", &json!({})).expect(201);
        assert_eq!((actions(org, "due=true").len(), actions(org, "due=false").len()), (2, 1));
        assert_eq!(actions(org, "due=false")[0]["waits_for"], "schedule");
    }
    app.with_key("tick-tock-of-the-testz")
        .post(&format!("{CENTER}/process"), &json!({}))
        .refused(401, "bad-credential");
    assert!(sink.mails().is_empty());
    let cron = app.with_key("tick-tock-of-the-tests");
    let done = cron.send("POST", &format!("{CENTER}/process"), None).expect(200);
    // In each: the alert and the owner, who is told at once because nobody is vp_ops; one alert waits for its time.
    let expected = json!({
        "processed": 6, "delivered": 4, "failed": 0, "pending": 2, "escalated": 2, "resolved": 0, "expired": 0,
    });
    assert_eq!(done, expected);
    assert_eq!(sink.mails().len(), 4);
}

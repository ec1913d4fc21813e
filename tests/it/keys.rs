//! Keys end by themselves, and reach no further than their venues.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::app::check_path;
use crate::support::{CENTER, TestApp, wait_for};

#[test]
fn a_key_opens_nothing_once_it_has_expired() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let soon = jiff::Timestamp::from_millisecond(now_ms() + 2_000).expect("a time").to_string();
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read"], "expires_at": soon }));
    till.get(&check_path("server-1")).expect(200);
    let expired = || Some(till.get(&check_path("server-1"))).filter(|answer| answer.status != 200);
    wait_for(Duration::from_secs(10), expired).expect("an end").refused(401, "bad-credential");
    assert!(now_ms() >= soon.parse::<jiff::Timestamp>().expect("a time").as_millisecond(), "it ended before its time");
}

#[test]
fn a_key_for_a_venue_sees_and_changes_that_venue_only() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("here");
    org.venue("there");
    let scopes = ["blocks:read", "blocks:write", "violations:read", "violations:write"];
    let (till, _) = org.new_key(&app, json!({ "scopes": scopes, "venues": ["here"] }));
    let (ours, theirs) = (org.place("server-1", Some("here")), org.place("server-2", Some("there")));
    let report =
        |venue: &str| org.report("server-3", &json!({ "venue_id": venue })).expect(201)["violation"]["id"].clone();
    let (our_violation, their_violation) = (report("here"), report("there"));

    let ids = |path: &str| -> Vec<Value> {
        let page = till.get(path).expect(200);
        page["items"].as_array().into_iter().flatten().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(ids(&format!("{CENTER}/blocks?mode=list")), [ours["id"].clone()]);
    assert_eq!(ids(&format!("{CENTER}/violations")), [our_violation]);
    assert_eq!(till.get(&format!("{}&venue_id=here", check_path("server-1"))).expect(200)["blocked"], true);
    till.get(&format!("{}&venue_id=there", check_path("server-2"))).refused(403, "venue-not-allowed");
    till.get(&format!("{CENTER}/violations/{}", text(&their_violation))).refused(404, "not-found");
    till.post(&format!("{CENTER}/violations/{}/resolve", text(&their_violation)), &json!({})).refused(404, "not-found");
    till.post(&format!("{CENTER}/blocks/{}/lift", text(&theirs["id"])), &json!({ "lift_reason": "Mine" }))
        .refused(404, "not-found");
    let elsewhere = json!({ "violation_type": "a", "severity": "info", "title": "b", "venue_id": "there" });
    till.post(&format!("{CENTER}/violations"), &elsewhere).refused(403, "venue-not-allowed");
    let check = org.admin.get(&format!("{}&venue_id=there", check_path("server-2"))).expect(200);
    assert_eq!(check["blocked"], true, "nothing of theirs has changed");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("an id")
}

#[allow(clippy::disallowed_methods, reason = "the server compares the wall clock with a time that it was given")]
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

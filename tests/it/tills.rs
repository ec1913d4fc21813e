//! The till feed: a snapshot, then every change, across kills and for a till's own venues only.

use std::time::Duration;

use action_center::clock;
use action_center::domain::time::Timestamp;
use serde_json::json;

use crate::support::events::{Event, Events};
use crate::support::{CENTER, TestApp};

const SOON: Duration = Duration::from_secs(10);
const PATH: &str = "/api/action-center/blocks/stream";

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[test]
fn a_till_begins_with_all_active_blocks_of_its_venues_and_resumes_across_a_kill() {
    let mut app = TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "10")]);
    let org = app.organisation("harbour");
    org.venue("here");
    org.venue("there");
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read"], "venues": ["here"] }));
    let (here, everywhere) = (org.place("server-1", Some("here")), org.place("server-2", None));
    org.place("server-3", Some("there"));
    let gone = org.place("server-4", Some("here"));
    let lift = |block: &serde_json::Value| format!("{CENTER}/blocks/{}/lift", block["id"].as_str().expect("an id"));
    org.admin.post(&lift(&gone), &json!({ "lift_reason": "Reviewed" })).expect(200);

    let mut events = Events::open(&till, PATH, None);
    let first = events.next(SOON).expect("a first event");
    assert_eq!(first.name, "snapshot");
    let ids: Vec<_> = first.data["blocks"].as_array().expect("blocks").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, [here["id"].clone(), everywhere["id"].clone()]);
    assert_eq!(first.id, first.data["version"].to_string());
    org.admin.post(&lift(&here), &json!({ "lift_reason": "Reviewed" })).expect(200);
    let lifted = events.next(SOON).expect("an event");
    assert_eq!((lifted.name.as_str(), &lifted.data["object"]["lift_reason"]), ("lifted", &json!("Reviewed")));
    drop(events);

    for number in 5..25 {
        org.place(&format!("server-{number}"), Some(if number % 2 == 0 { "here" } else { "there" }));
    }
    app.kill();
    app.start();
    let org = app.again(&org);
    let till = till.moved_to(app.address());
    org.place("last", Some("here"));
    let mut back = Events::open(&till, PATH, Some(&lifted.id));
    let missed = back.until(SOON, |event| event.data["object"]["blocked_entity_id"] == "last");
    assert_eq!(names(&missed), vec!["placed"; 11], "ten missed and the last, no snapshot and nothing from elsewhere");
}

#[test]
fn a_block_that_ends_by_its_time_is_lifted_to_a_till() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let mut events = Events::open(&org.admin, PATH, None);
    assert_eq!(events.next(SOON).expect("a first event").data["blocks"], json!([]));
    let until = Timestamp(clock::now_ms() + 1_500).to_string();
    let block = json!({
        "block_type": "comp_approval", "entity_id": "server-1", "entity_type": "employee", "reason": "Under review",
        "expires_at": until,
    });
    org.admin.post(&format!("{CENTER}/blocks"), &block).expect(201);
    let told = events.until(SOON, |event| event.name == "lifted");
    assert_eq!(names(&told), ["placed", "lifted"]);
    assert_eq!(told[1].data["object"]["lift_reason"], "expired");
}

#[test]
fn what_cannot_be_resumed_begins_with_a_new_snapshot() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let block = org.place("server-1", None);
    let mut events = Events::open(&org.admin, PATH, Some("99999"));
    let first = events.next(SOON).expect("an event");
    assert_eq!((first.name.as_str(), &first.data["blocks"][0]["id"]), ("snapshot", &block["id"]));
    org.place("server-2", None);
    assert_eq!(events.next(SOON).expect("an event").name, "placed");
    let (stranger, _) = org.new_key(&app, json!({ "scopes": ["violations:read"] }));
    stranger.get(PATH).refused(403, "not-allowed");
}

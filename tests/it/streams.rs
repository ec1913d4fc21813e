//! Live events: a reader that comes back misses nothing, and sees only the venues that it may see.

use std::time::Duration;

use serde_json::json;

use crate::support::TestApp;
use crate::support::events::{Event, Events};

const SOON: Duration = Duration::from_secs(10);
const PATH: &str = "/api/events?topics=violations,blocks";

fn is_about(event: &Event, server: &str) -> bool {
    event.data["object"]["blocked_entity_id"] == server
}

#[test]
fn a_reader_comes_back_across_a_kill_and_misses_nothing() {
    let mut app = TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "20")]);
    let org = app.organisation("harbour");
    org.block_template();
    let mut first = Events::open(&org.admin, PATH, None);
    let hello = first.next(SOON).expect("a first event");
    assert_eq!(hello.name, "hello");
    org.report("server-0", &json!({})).expect(201);
    let seen = first.until(SOON, |event| is_about(event, "server-0"));
    let last = seen.last().expect("an event").id.clone();
    drop(first);

    for number in 1..40 {
        org.report(&format!("server-{number}"), &json!({})).expect(201);
    }
    app.kill();
    app.start();
    let org = app.again(&org);
    org.report("server-40", &json!({})).expect(201);

    let mut back = Events::open(&org.admin, PATH, Some(&last));
    let missed = back.until(SOON, |event| is_about(event, "server-40"));
    assert_eq!((missed[0].name.as_str(), &missed[0].id), ("hello", &last), "a reader that resumes keeps its place");
    let placed: Vec<&Event> = missed.iter().filter(|event| event.name == "block.placed").collect();
    let servers: Vec<_> = placed.iter().map(|event| event.data["object"]["blocked_entity_id"].clone()).collect();
    assert_eq!(servers, (1..=40).map(|number| json!(format!("server-{number}"))).collect::<Vec<_>>());
    let ids: Vec<u64> = missed[1..].iter().map(|event| event.id.parse().expect("a number")).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

#[test]
fn a_reader_from_a_future_that_never_was_is_told_to_begin_anew() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let mut events = Events::open(&org.admin, PATH, Some("99999"));
    assert_eq!(events.next(SOON).expect("an event").name, "resync");
    assert_eq!(events.next(SOON), None, "the stream ends there");
}

#[test]
fn a_reader_who_is_limited_to_a_venue_sees_only_that_one_live_and_in_history() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("here");
    org.venue("there");
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read", "violations:read"], "venues": ["here"] }));
    let mut live = Events::open(&till, PATH, None);
    let hello = live.next(SOON).expect("a first event");
    org.place("server-1", Some("there"));
    org.report("server-2", &json!({ "venue_id": "there" })).expect(201);
    org.place("server-3", Some("here"));
    let resumed = Events::open(&till, PATH, Some(&hello.id));
    for (mut events, before) in [(live, 0), (resumed, 1)] {
        let seen = events.until(SOON, |event| is_about(event, "server-3"));
        assert_eq!(seen.len(), before + 1, "{seen:?}");
        assert!(!format!("{seen:?}").contains("there"), "{seen:?}");
    }
}

#[test]
fn another_organisation_is_never_heard() {
    let app = TestApp::started(&[]);
    let (own, other) = (app.organisation("harbour"), app.organisation("pier"));
    let mut events = Events::open(&own.admin, PATH, None);
    other.place("theirs", None);
    own.place("ours", None);
    let seen = events.until(SOON, |event| is_about(event, "ours"));
    assert!(!format!("{seen:?}").contains("theirs"), "{seen:?}");
}

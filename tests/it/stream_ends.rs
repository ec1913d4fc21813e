//! Streams end: for a reader that does not read, and for a credential that is revoked.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::app::check_path;
use crate::support::events::Events;
use crate::support::{Organisation, TestApp, wait_for};

/// Patience of ten seconds, and time for a slow machine.
const CUT_WITHIN: Duration = Duration::from_secs(25);
/// A heartbeat comes every 15 s, and the credential is looked at with it.
const REVOKED_WITHIN: Duration = Duration::from_secs(30);

fn streams_open(app: &TestApp) -> u64 {
    let metrics = String::from_utf8(app.nobody().get("/metrics").body).expect("text");
    let line = metrics.lines().find(|line| line.starts_with("action_center_streams_open"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

const PATH: &str = "/api/events?topics=violations";
const REPORTS: u64 = 500;

/// An organisation with more history than both ends of a connection hold: 500 events of 30 KiB. Gives the number before them.
fn with_much_history(app: &TestApp) -> (Organisation, u64) {
    let org = app.organisation("harbour");
    let before = org.admin.get(&check_path("nobody")).expect(200)["version"].as_u64().expect("a version");
    let note = json!({ "metadata": { "note": "x".repeat(30_000) } });
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (org, note) = (org.clone(), &note);
            scope.spawn(move || {
                for number in 0..REPORTS / 4 {
                    org.report(&format!("{writer}-{number}"), note).expect(201);
                }
            });
        }
    });
    (org, before)
}

#[test]
fn a_reader_who_comes_late_gets_all_of_a_long_history() {
    let app = TestApp::started(&[]);
    let (org, before) = with_much_history(&app);
    let mut events = Events::open(&org.admin, PATH, Some(&before.to_string()));
    let all = events.until(Duration::from_secs(30), |event| event.id == (before + REPORTS).to_string());
    let ids: Vec<u64> = all[1..].iter().map(|event| event.id.parse().expect("a number")).collect();
    assert_eq!(ids, (before + 1..=before + REPORTS).collect::<Vec<_>>());
}

#[test]
fn a_reader_that_never_reads_is_cut() {
    let app = TestApp::started(&[]);
    let (org, before) = with_much_history(&app);
    let deaf = org.admin.open(PATH, &[("last-event-id", &before.to_string())]).expect("a connection");
    wait_for(Duration::from_secs(5), || (streams_open(&app) == 1).then_some(())).expect("an open stream");
    let cut = wait_for(CUT_WITHIN, || (streams_open(&app) == 0).then_some(()));
    assert!(cut.is_some(), "the stream is still open after {CUT_WITHIN:?}");
    drop(deaf);
}

#[test]
fn the_streams_of_a_revoked_key_end() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let (till, made) = org.new_key(&app, json!({ "scopes": ["blocks:read"] }));
    let mut events = Events::open(&till, "/api/events", None);
    events.next(Duration::from_secs(5)).expect("a first event");
    org.admin.delete(&format!("/api/keys/{}", made["id"].as_str().expect("an id"))).expect(200);
    till.get(&check_path("server-1")).refused(401, "bad-credential");
    let began = Instant::now();
    assert_eq!(events.next(REVOKED_WITHIN + Duration::from_secs(5)), None);
    assert!(began.elapsed() < REVOKED_WITHIN, "it was open for {:?}", began.elapsed());
}

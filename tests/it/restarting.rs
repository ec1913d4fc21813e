//! An ordered stop and a start change no answer.

use serde_json::json;

use crate::support::{CENTER, Client, TestApp};

/// Everything that an administrator can read and that a restart must leave alone.
const READ: [&str; 8] = [
    "/api/action-center/violations?limit=500",
    "/api/action-center/violations?mode=range&start_date=2025-01-01&end_date=2030-01-01&limit=500",
    "/api/action-center/actions?limit=500",
    "/api/action-center/blocks?mode=list&limit=500",
    "/api/action-center/templates",
    "/api/settings",
    "/api/settings/venues",
    "/api/keys",
];

#[test]
fn sigterm_ends_with_zero_and_the_next_start_gives_the_same_answers() {
    let mut app =
        TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "50"), ("STORE__SNAPSHOT_AT_STOP_RECORDS", "1")]);
    let org = app.organisation("harbour");
    org.block_template();
    org.venue("pier-9");
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read"], "venues": ["pier-9"] }));
    for number in 0..40 {
        let more = json!({ "venue_id": "pier-9", "source_table": "comps", "source_id": number.to_string() });
        let reported = org.report(&format!("server-{number}"), &more).expect(201);
        let (violation, block) = (&reported["violation"]["id"], &reported["blocks"][0]["id"]);
        if number % 3 == 0 {
            let path = format!("{CENTER}/blocks/{}/lift", block.as_str().expect("a block"));
            org.admin.post(&path, &json!({ "lift_reason": "Reviewed" })).expect(200);
        } else if number % 3 == 1 {
            let path = format!("{CENTER}/violations/{}/acknowledge", violation.as_str().expect("a violation"));
            org.admin.post(&path, &json!({ "note": "Seen" })).expect(200);
        }
    }
    let last = org.report("server-0", &json!({})).version();
    let read = |admin: &Client| READ.map(|path| String::from_utf8(admin.get(path).body).expect("text"));
    let checks = |till: &Client| {
        let check = |number| {
            till.get(&format!("{}&venue_id=pier-9", crate::support::app::check_path(&format!("server-{number}"))))
        };
        (0..40).map(check).map(|answer| answer.expect(200).to_string()).collect::<Vec<_>>()
    };
    let (before, checked) = (read(&org.admin), checks(&till));

    for stop in ["after a life", "after a start alone"] {
        let ended = app.stop();
        assert_eq!(ended.code(), Some(0), "{stop}: {ended}\n{}", app.log());
        app.start();
        let org = app.again(&org);
        assert_eq!(read(&org.admin), before, "{stop}");
        assert_eq!(checks(&till.moved_to(app.address())), checked, "{stop}");
    }
    let next = app.again(&org).report("server-0", &json!({})).version();
    assert!(next > last, "versions go on where they were: {next:?} after {last:?}");
}

#[test]
fn the_last_snapshot_is_not_needed() {
    let mut app =
        TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "50"), ("STORE__SNAPSHOT_AT_STOP_RECORDS", "1")]);
    let org = app.organisation("harbour");
    org.block_template();
    for number in 0..60 {
        org.report(&format!("server-{number}"), &json!({})).expect(201);
    }
    let before = READ.map(|path| org.admin.get(path).json());
    assert!(app.stop().success());
    let snapshots = app.data_dir().join("snapshots");
    assert!(snapshots.is_dir(), "there are no snapshots");
    std::fs::remove_dir_all(snapshots).expect("the snapshots can be removed");
    app.start();
    assert_eq!(READ.map(|path| app.again(&org).admin.get(path).json()), before);
}

//! Approved work from outside: it runs once, is watched while it runs, can be run again, settled and undone.

use std::time::Duration;

use action_center::delivery::testing::http::Step;
use serde_json::{Value, json};

use crate::support::app::check_path;
use crate::support::events::{Event, Events};
use crate::support::modules::{Till, approve, path_of, says, settled, started, submit};
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(20);

fn task_of(request: &Value) -> String {
    format!("/api/tasks/{}", request["execution"]["task_id"].as_str().expect("a task"))
}

fn previewed() -> Vec<Step> {
    says(200, &json!({ "preview": "Refund at the till" }))
}

/// A run that says how it is going when the test lets it.
fn in_steps() -> Vec<Step> {
    let line = |value: Value| Step::chunk(&format!("{value}\n"));
    vec![
        Step::chunked("application/x-ndjson"),
        line(json!({ "progress": 0.2, "message": "Opening check 9" })),
        Step::Wait,
        line(json!({ "progress": 0.4, "message": "half way" })),
        Step::Wait,
        line(json!({ "result": { "refund": "r-1" }, "undo_payload": { "amount": 80, "note": "r-1" } })),
        Step::chunk(""),
    ]
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

fn messages(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| event.data["message"].as_str()).collect()
}

fn is_half_way(event: &Event) -> bool {
    event.name == "progress" && event.data["progress"] == 0.4
}

#[test]
fn a_run_is_watched_while_it_runs_and_a_reader_who_comes_back_misses_nothing() {
    let (app, org) = started(&[]);
    let till = Till::registered(&org, &json!({}), [previewed(), in_steps()]);
    let owner = app.person(&org, "owner");
    let made = submit(&org.admin, &json!({})).expect(201);
    approve(&owner, &made).expect(200);
    let running = settled(&org.admin, &made, "executing");
    let task = task_of(&running);
    let shown = org.admin.get(&task).expect(200);
    assert_eq!((&shown["action_approval_id"], &shown["status"]), (&made["id"], &json!("running")));
    owner.post(&path_of(&made, "/cancel"), &json!({})).refused(409, "already-running");

    let mut watch = Events::open(&owner, &format!("{task}/events"), None);
    let first = watch.until(SOON, |event| event.data["message"] == "Opening check 9");
    till.sink.go_on();
    let second = watch.until(SOON, is_half_way);
    let last = second.last().expect("an event").id.clone();
    drop(watch);
    till.sink.go_on();
    let mut back = Events::open(&owner, &format!("{task}/events"), Some(&last));
    let rest = back.until(SOON, |event| event.name == "done");
    assert_eq!(back.next(SOON), None, "`done` is the last");
    assert_eq!(
        (messages(&first).last(), messages(&second), messages(&rest)),
        (Some(&"Opening check 9"), vec!["half way"], vec![])
    );
    let done = rest.last().expect("done");
    assert_eq!((&done.data["status"], &done.data["progress"]), (&json!("succeeded"), &json!(1.0)));

    let mut late = Events::open(&owner, &format!("{task}/events"), None);
    let all = late.until(SOON, |event| event.name == "done");
    assert_eq!(
        (names(&all), messages(&all)),
        (vec!["log", "log", "progress", "done"], vec!["Opening check 9", "half way"])
    );
    assert_eq!(late.next(SOON), None);
    let done = settled(&org.admin, &made, "executed");
    assert_eq!(done["execution"]["result"], json!({ "refund": "r-1" }));
    let shown = org.admin.get(&task).expect(200);
    assert!(shown["finished_at"].is_string() && shown["duration_ms"].as_i64().is_some_and(|ms| ms >= 0), "{shown}");
    assert_eq!(till.calls(false).len(), 1);
    let viewer = app.person(&org, "viewer");
    assert_eq!(viewer.get(&task).expect(200), shown, "whoever reads requests reads their runs");
    org.new_key(&app, json!({ "scopes": ["actions:submit"] })).0.get(&task).refused(403, "not-allowed");
    org.admin.get(&format!("{task}/events?last_event_id=x")).refused(400, "bad-parameter");
}

#[test]
fn what_ran_is_undone_by_a_request_that_others_decide() {
    let (app, org) = started(&[]);
    let ran = json!({ "result": { "refund": "r-1" }, "undo_payload": { "amount": 80, "note": "r-1" } });
    let undone = json!({ "result": { "refund": "r-1" } });
    let asked = json!({ "preview": { "summary": "Take back the refund r-1", "amount": 80 } });
    let till =
        Till::registered(&org, &json!({}), [previewed(), says(200, &ran), says(200, &asked), says(200, &undone)]);
    let (owner, gm) = (app.person(&org, "owner"), app.person(&org, "gm"));
    let made = submit(&gm, &json!({ "source": "user" })).expect(201);
    gm.post(&path_of(&made, "/undo"), &json!({})).refused(409, "wrong-status");
    approve(&owner, &made).expect(200);
    let done = settled(&gm, &made, "executed");
    assert!(done["execution"]["undoable_until"].is_string(), "{done}");
    app.person(&org, "staff").post(&path_of(&made, "/undo"), &json!({})).refused(403, "not-allowed");
    let undo = gm.post(&path_of(&made, "/undo"), &json!({ "reason": "Wrong guest" })).expect(201);
    assert_eq!((&undo["source"], &undo["undo_of"]), (&json!("undo"), &made["id"]));
    assert_eq!(
        (&undo["reason"], &undo["preview"]["summary"]),
        (&json!("Wrong guest"), &json!("Take back the refund r-1"))
    );
    assert_eq!((&till.calls(true)[1]["undo"], &till.calls(true)[1]["payload"]["note"]), (&json!(true), &json!("r-1")));
    gm.post(&path_of(&made, "/undo"), &json!({})).refused(409, "not-undoable");
    approve(&gm, &undo).refused(403, "own-request");
    approve(&owner, &undo).expect(200);
    settled(&gm, &undo, "executed");
    assert_eq!(settled(&gm, &made, "undone")["status"], "undone");
    let runs = till.calls(false);
    assert_eq!((runs.len(), &runs[1]["undo"], &runs[1]["payload"]), (2, &json!(true), &ran["undo_payload"]));
    gm.post(&path_of(&made, "/undo"), &json!({})).refused(409, "wrong-status");
}

#[test]
fn what_failed_is_run_again_by_a_person() {
    let (app, org) = started(&[]);
    let closed = says(422, &json!({ "error": "the till is closed" }));
    let till = Till::registered(&org, &json!({}), [previewed(), closed, says(200, &json!({ "result": {} }))]);
    let owner = app.person(&org, "owner");
    let made = submit(&org.admin, &json!({})).expect(201);
    approve(&owner, &made).expect(200);
    let failed = settled(&org.admin, &made, "failed");
    assert!(
        failed["execution"]["error"].as_str().is_some_and(|error| error.contains("the till is closed")),
        "{failed}"
    );
    org.admin.post(&path_of(&made, "/retry"), &json!({})).refused(403, "not-allowed");
    app.person(&org, "manager").post(&path_of(&made, "/retry"), &json!({})).refused(403, "not-your-request");
    owner.post(&path_of(&made, "/retry"), &json!({ "reason": "Open again" })).expect(200);
    let done = settled(&org.admin, &made, "executed");
    assert_ne!(task_of(&done), task_of(&failed), "each run has a task of its own");
    assert_eq!(org.admin.get(&task_of(&failed)).expect(200)["status"], "failed");
    assert_eq!(till.calls(false).len(), 2);
}

#[test]
fn what_is_in_doubt_is_settled_by_somebody_who_looked() {
    let (app, org) = started(&[]);
    let till = Till::registered(&org, &json!({ "idempotent": false }), [previewed(), vec![Step::Close]]);
    let (owner, gm) = (app.person(&org, "owner"), app.person(&org, "gm"));
    let made = submit(&org.admin, &json!({})).expect(201);
    approve(&owner, &made).expect(200);
    let doubted = settled(&org.admin, &made, "in_doubt");
    let mut watch = Events::open(&owner, &format!("{}/events", task_of(&doubted)), None);
    let seen = watch.until(SOON, |event| event.name == "done");
    assert_eq!(seen.last().expect("done").data["status"], "in_doubt");
    let settle = path_of(&made, "/settle");
    owner.post(&settle, &json!({ "outcome": "executed" })).refused(422, "invalid-body");
    owner.post(&settle, &json!({ "outcome": "undone", "note": "x" })).refused(422, "invalid-body");
    gm.post(&settle, &json!({ "outcome": "executed", "note": "x" })).refused(403, "not-your-step");
    let done = owner.post(&settle, &json!({ "outcome": "executed", "note": "Seen on the till" })).expect(200);
    assert_eq!(done["status"], "executed");
    owner.post(&settle, &json!({ "outcome": "failed", "note": "x" })).refused(409, "wrong-status");
    assert_eq!(till.calls(false).len(), 1);
}

#[test]
fn an_effect_of_our_own_is_there_with_its_approval_and_gone_with_its_undo() {
    let (app, org) = started(&[]);
    let (owner, gm) = (app.person(&org, "owner"), app.person(&org, "gm"));
    let block = json!({ "block_type": "comp_approval", "entity_id": "ana", "entity_type": "employee", "reason": "By approval" });
    let wanted = json!({ "source": "user", "module": "blocks", "capability": "blocks.place", "payload": block });
    let made = gm.post("/api/actions/submit", &wanted).expect(201);
    assert_eq!((&made["status"], &made["preview"]["source"]), (&json!("pending"), &json!("built_in")));
    assert_eq!(org.admin.get(&check_path("ana")).expect(200)["blocked"], false);
    let done = approve(&owner, &made).expect(200);
    assert_eq!(done["status"], "executed");
    let said = org.admin.get(&check_path("ana")).expect(200);
    assert_eq!((&said["blocked"], &said["reason"]), (&json!(true), &json!("By approval")));
    let mut watch = Events::open(&gm, &format!("{}/events", task_of(&done)), None);
    assert_eq!(names(&watch.until(SOON, |event| event.name == "done")), ["progress", "done"]);
    let undo = gm.post(&path_of(&made, "/undo"), &json!({ "reason": "Enough" })).expect(201);
    let steps: Vec<_> = undo["steps"].as_array().expect("steps").iter().map(|step| step["who"].clone()).collect();
    assert_eq!(steps, ["role:owner", "authority:manager"], "a block is lifted by nobody without authority");
    approve(&owner, &undo).expect(200);
    approve(&app.person(&org, "manager"), &undo).expect(200);
    settled(&gm, &undo, "executed");
    assert_eq!(settled(&gm, &made, "undone")["status"], "undone");
    assert_eq!(org.admin.get(&check_path("ana")).expect(200)["blocked"], false);
}

#[test]
fn a_run_survives_a_kill_and_whoever_watched_it_hears_its_end() {
    let (mut app, org) = started(&[]);
    let till = Till::registered(&org, &json!({}), [previewed(), in_steps(), says(200, &json!({ "result": {} }))]);
    let owner = app.person(&org, "owner");
    let made = submit(&org.admin, &json!({})).expect(201);
    approve(&owner, &made).expect(200);
    let task = task_of(&settled(&org.admin, &made, "executing"));
    let mut watch = Events::open(&owner, &format!("{task}/events"), None);
    let last = watch.until(SOON, |event| event.data["message"] == "Opening check 9").pop().expect("an event").id;
    app.kill();
    app.start();
    let org = app.again(&org);
    let mut back = Events::open(&org.admin, &format!("{task}/events"), Some(&last));
    let rest = back.until(SOON, |event| event.name == "done");
    assert_eq!(rest.last().expect("done").data["status"], "succeeded");
    settled(&org.admin, &made, "executed");
    let keys = || {
        let calls = till.sink.requests();
        let keys: Vec<_> = calls.iter().map(|call| call.header("idempotency-key").to_owned()).collect();
        keys.into_iter().filter(|key| !key.is_empty()).collect::<Vec<_>>()
    };
    let keys = wait_for(SOON, || Some(keys()).filter(|keys| keys.len() == 2)).expect("two calls");
    assert_eq!(keys[0], keys[1], "the same work has the same key");
}

#[test]
fn who_is_limited_to_a_venue_sees_the_runs_of_that_one_only() {
    let (app, org) = started(&[]);
    let _till = Till::registered(&org, &json!({}), [previewed(), says(200, &json!({ "result": {} }))]);
    org.venue("here");
    org.venue("there");
    let owner = app.person(&org, "owner");
    let (here, there) = ["here", "there"]
        .map(|venue| org.new_key(&app, json!({ "scopes": ["actions:read", "actions:submit"], "venues": [venue] })).0)
        .into();
    let made = submit(&here, &json!({ "venue_id": "here" })).expect(201);
    submit(&here, &json!({ "venue_id": "there" })).refused(403, "venue-not-allowed");
    submit(&here, &json!({})).refused(403, "venue-not-allowed");
    approve(&owner, &made).expect(200);
    let done = settled(&here, &made, "executed");
    here.get(&task_of(&done)).expect(200);
    for path in [path_of(&made, ""), task_of(&done), format!("{}/events", task_of(&done))] {
        there.get(&path).refused(404, "not-found");
    }
}

//! Requests for approval from outside: submitted with all that people need to decide, decided by others on exactly what was shown, found again,
//! and never seen by another organisation.

use std::time::Duration;

use action_center::delivery::testing::http::HttpSink;
use serde_json::{Value, json};

use crate::support::events::Events;
use crate::support::modules::{Till, approve, id_of, path_of, says, started, submit};
use crate::support::{Client, Organisation, TestApp};

const SOON: Duration = Duration::from_secs(10);

fn ids(by: &Client, path: &str) -> Vec<Value> {
    let page = by.get(path).expect(200);
    page["items"].as_array().expect("items").iter().map(|one| one["id"].clone()).collect()
}

fn key(app: &TestApp, org: &Organisation, scopes: &[&str]) -> Client {
    org.new_key(app, json!({ "scopes": scopes })).0
}

#[test]
fn a_request_carries_what_the_module_says_it_will_do_and_runs_nothing() {
    let (_app, org) = started(&[]);
    let dry = json!({
        "preview": { "summary": "Refund of 80 on check 9", "before": "paid 80", "after": "paid 0", "recipients": 1, "amount": "80" },
        "undo_payload": { "refund": "r-1" },
    });
    let till = Till::registered(&org, &json!({}), [says(200, &dry), says(500, &json!({}))]);
    let made = submit(&org.admin, &json!({})).expect(201);
    assert_eq!(
        (&made["status"], &made["source"], &made["title"]),
        (&json!("pending"), &json!("module"), &json!("Refund a guest"))
    );
    assert_eq!(made["payload"], json!({ "amount": 80, "note": "Cold soup" }));
    let preview = json!({
        "summary": "Refund of 80 on check 9", "before": "paid 80", "after": "paid 0", "recipients": 1, "amount": "80", "source": "module",
    });
    assert_eq!((&made["preview"], &made["compensation"]), (&preview, &json!({ "refund": "r-1" })));
    assert_eq!(made["payload_hash"].as_str().map(str::len), Some(64));
    let points: u64 =
        made["risk"]["factors"].as_array().into_iter().flatten().filter_map(|one| one["points"].as_u64()).sum();
    assert_eq!(json!(points), made["risk"]["score"]);
    assert_eq!(made["steps"][0]["decisions"], json!([]));
    assert_eq!(org.admin.get(&path_of(&made, "")).expect(200), made);

    let asked = &till.calls(true)[0];
    assert_eq!((&asked["payload"], &asked["undo"]), (&made["payload"], &json!(false)));
    let unanswered = submit(&org.admin, &json!({ "payload": { "amount": 7 } })).expect(201);
    assert_eq!(unanswered["preview"], json!({ "summary": "Refund 7", "amount": "7", "source": "template" }));
    assert_eq!((till.calls(true).len(), till.calls(false).len()), (2, 0));
}

#[test]
fn what_cannot_be_asked_for_is_refused_before_any_module_hears_of_it() {
    let (app, org) = started(&[]);
    let till = Till::registered(&org, &json!({}), []);
    let admin = &org.admin;
    submit(admin, &json!({ "capability": "till.nothing" })).refused(422, "unknown-capability");
    let at = |problem: &Value| problem["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
    for (more, pointer) in [
        (json!({ "payload": { "amount": "a lot" } }), "/payload/amount"),
        (json!({ "payload": { "note": "no amount" } }), "/payload/amount"),
        (json!({ "payload": [1] }), "/payload"),
        (json!({ "source": "override" }), "/source"),
        (json!({ "module": "stock" }), "/module"),
        (json!({ "urgency": "high" }), "/urgency"),
        (json!({ "run_by": "2020-01-01T00:00:00Z" }), "/run_by"),
        (json!({ "decide_by": "tomorrow" }), "/decide_by"),
        (json!({ "owner": "nobody" }), "/owner"),
        (json!({ "title": " " }), "/title"),
    ] {
        let problem = submit(admin, &more).refused(422, "invalid-body");
        assert_eq!(at(&problem), pointer, "{problem}");
    }
    submit(admin, &json!({ "venue_id": "elsewhere" })).refused(422, "unknown-venue");
    submit(&app.nobody(), &json!({})).refused(401, "no-credential");
    for caller in
        [key(&app, &org, &["blocks:read", "actions:read"]), app.person(&org, "staff"), app.person(&org, "admin")]
    {
        submit(&caller, &json!({})).refused(403, "not-allowed");
    }
    assert_eq!(ids(admin, "/api/actions"), Vec::<Value>::new());
    assert_eq!(till.sink.requests().len(), 0);
    let manager = app.person(&org, "manager");
    let made = submit(&manager, &json!({ "source": "user", "owner": id_of(&manager) })).expect(201);
    assert_eq!((&made["created_by"], &made["owner"]), (&json!(id_of(&manager)), &json!(id_of(&manager))));
    assert_eq!(made["steps"][0]["who"], "role:owner", "nobody owns a step of their own request");
    assert_eq!(till.calls(true).len(), 1);
}

#[test]
fn the_same_submission_under_the_same_key_is_one_request() {
    let (_app, org) = started(&[]);
    let _till = Till::registered(&org, &json!({}), []);
    let careful = org.admin.with("idempotency-key", "bill 9");
    let first = submit(&careful, &json!({}));
    let again = submit(&careful, &json!({}));
    assert!(again.is_replayed() && first.version().is_some() && again.version() == first.version());
    assert_eq!((first.status, &first.body), (201, &again.body));
    submit(&careful, &json!({ "title": "Another" })).refused(422, "idempotency-key-reused");
    assert_eq!(ids(&org.admin, "/api/actions").len(), 1);
}

#[test]
fn people_decide_each_once_on_exactly_what_they_saw() {
    let (app, org) = started(&[]);
    let _till =
        Till::registered(&org, &json!({ "connectors": ["till", "bank", "mail", "payroll"], "reversible": false }), []);
    let (owner, reviewer) = (app.person(&org, "owner"), app.person(&org, "reviewer"));
    let made = submit(&org.admin, &json!({})).expect(201);
    let steps: Vec<_> = made["steps"].as_array().expect("steps").iter().map(|step| step["who"].clone()).collect();
    assert_eq!((&made["risk"]["level"], steps), (&json!("high"), vec![json!("role:owner"), json!("role:reviewer")]));
    let to = path_of(&made, "/approve");
    owner.post(&to, &json!({ "comment": "Fine" })).refused(422, "invalid-body");
    owner.post(&to, &json!({ "payload_hash": "0".repeat(64) })).refused(412, "payload-changed");
    approve(&reviewer, &made).refused(403, "not-your-step");
    approve(&key(&app, &org, &["actions:submit", "actions:read"]), &made).refused(403, "not-allowed");
    for role in ["staff", "viewer", "admin"] {
        approve(&app.person(&org, role), &made).refused(403, "not-allowed");
    }
    let first = approve(&owner, &made).expect(200);
    assert_eq!((&first["status"], &first["current_step"]), (&json!("pending"), &json!(1)));
    approve(&owner, &made).refused(409, "already-decided");

    let edited = org.admin.put(&path_of(&made, "/payload"), &json!({ "payload": { "amount": 95 } })).expect(200);
    assert_ne!(edited["payload_hash"], made["payload_hash"]);
    assert_eq!((&edited["payload"], &edited["steps"][0]["decisions"]), (&json!({ "amount": 95 }), &json!([])));
    approve(&owner, &made).refused(412, "payload-changed");
    let by_owner = owner.put(&path_of(&made, "/payload"), &json!({ "payload": { "amount": 90 } })).expect(200);
    approve(&owner, &by_owner).refused(403, "own-request");
    app.person(&org, "manager")
        .put(&path_of(&made, "/payload"), &json!({ "payload": { "amount": 1 } }))
        .refused(403, "not-your-request");
    let rejected = owner.post(&path_of(&made, "/reject"), &json!({})).refused(403, "own-request");
    assert!(rejected["detail"].is_string());
    org.admin.post(&path_of(&made, "/cancel"), &json!({ "reason": "Guest left" })).expect(200);
    approve(&reviewer, &by_owner).refused(409, "already-decided");
    owner.put(&path_of(&made, "/payload"), &json!({ "payload": { "amount": 2 } })).refused(409, "already-decided");
    for (what, body) in
        [("/retry", json!({})), ("/settle", json!({ "outcome": "executed", "note": "x" })), ("/undo", json!({}))]
    {
        owner.post(&path_of(&made, what), &body).refused(
            if what == "/settle" { 403 } else { 409 },
            match what {
                "/settle" => "own-request",
                _ => "wrong-status",
            },
        );
    }
    org.admin.post(&path_of(&made, "/retry"), &json!({})).refused(403, "not-allowed");
    org.admin.post(&path_of(&made, "/settle"), &json!({})).refused(403, "not-allowed");
}

#[test]
fn many_are_approved_in_one_call_each_for_itself_and_once() {
    let (app, org) = started(&[]);
    let _till = Till::registered(&org, &json!({}), []);
    let owner = app.person(&org, "owner");
    let [one, two, three] =
        [1, 2, 3].map(|amount| submit(&org.admin, &json!({ "payload": { "amount": amount } })).expect(201));
    let item = |id: &Value, hash: &Value| json!({ "id": id, "payload_hash": hash });
    let random = json!("01a202c4-859c-7001-ad8e-ca154fa1365b");
    let body = json!({ "comment": "Evening round", "items": [
        item(&one["id"], &one["payload_hash"]), item(&two["id"], &json!("0".repeat(64))), item(&random, &one["payload_hash"]),
        item(&one["id"], &one["payload_hash"]), item(&json!("check 9"), &one["payload_hash"]),
    ] });
    let many = "/api/actions/approve-many";
    org.admin.post(many, &body).refused(403, "not-allowed");
    let careful = owner.with("idempotency-key", "evening");
    let answer = careful.post(many, &body);
    let said = answer.clone().expect(200);
    let results: Vec<_> = said["results"].as_array().expect("results").iter().collect();
    let seen: Vec<_> = results.iter().map(|one| (one["status"].as_u64(), one["problem"]["code"].as_str())).collect();
    assert_eq!(
        seen,
        [
            (Some(200), None),
            (Some(412), Some("payload-changed")),
            (Some(404), Some("not-found")),
            (Some(409), Some("already-decided")),
            (Some(404), Some("not-found")),
        ]
    );
    assert_eq!((&results[0]["id"], &results[0]["approval"]["id"]), (&one["id"], &one["id"]));
    assert_eq!(results[0]["approval"]["steps"][0]["decisions"][0]["comment"], "Evening round");
    assert_eq!((&results[4]["id"], &results[2]["id"]), (&json!("check 9"), &random));
    let again = careful.post(many, &body);
    assert!(again.is_replayed() && again.body == answer.body);
    let other = json!({ "items": [item(&three["id"], &three["payload_hash"])] });
    careful.post(many, &other).refused(422, "idempotency-key-reused");
    let none = |request: &Value| org.admin.get(&path_of(request, "")).expect(200)["steps"][0]["decisions"] == json!([]);
    assert!(none(&two) && none(&three));
    let items: Vec<_> = (0..101).map(|_| item(&three["id"], &three["payload_hash"])).collect();
    owner.post(many, &json!({ "items": items })).refused(422, "invalid-body");
    owner.post(many, &json!({ "items": [] })).refused(422, "invalid-body");
    owner.post(many, &json!({ "items": [{ "id": three["id"] }] })).refused(422, "invalid-body");
}

#[test]
fn the_inbox_and_the_list_find_what_they_are_asked_for() {
    let (app, org) = started(&[]);
    let _till = Till::registered(&org, &json!({}), []);
    let stock = json!({ "name": "stock.order", "module": "stock", "sensitivity": "none", "connectors": [] });
    let _stock = Till::registered(&org, &stock, []);
    let (owner, gm) = (app.person(&org, "owner"), app.person(&org, "gm"));
    let refund = submit(&org.admin, &json!({ "owner": id_of(&gm) })).expect(201);
    let order = submit(&gm, &json!({ "source": "user", "module": "stock", "capability": "stock.order" })).expect(201);
    let gone = submit(&org.admin, &json!({})).expect(201);
    org.admin.post(&path_of(&gone, "/cancel"), &json!({})).expect(200);
    let (refund, order, gone) = (refund["id"].clone(), order["id"].clone(), gone["id"].clone());
    let pending = |query: &str| ids(&owner, &format!("/api/actions/pending?{query}"));
    assert_eq!(pending(""), [order.clone(), refund.clone()]);
    assert_eq!((pending("module=stock"), pending("risk=low")), (vec![order.clone()], vec![order.clone()]));
    assert_eq!(pending("risk=medium&module=till"), [refund.clone()]);
    assert_eq!(pending(&format!("owner={}", id_of(&gm))), [refund.clone()], "what the person owns");
    assert_eq!(pending("owner=me"), [order.clone()], "what an owner may decide: not what has its own owner");
    owner.get("/api/actions/pending?risk=enormous").refused(400, "bad-parameter");
    owner.get("/api/actions/pending?limit=0").refused(400, "bad-parameter");
    let first = owner.get("/api/actions?limit=2").expect(200);
    let cursor = first["next_cursor"].as_str().expect("a next page").to_owned();
    assert_eq!(ids(&owner, "/api/actions?limit=2"), [gone.clone(), order.clone()]);
    assert_eq!(ids(&owner, &format!("/api/actions?limit=2&cursor={cursor}")), [refund]);
    assert_eq!(ids(&owner, "/api/actions?status=cancelled&module=till"), [gone]);
    assert_eq!(ids(&owner, &format!("/api/actions?created_by={}", id_of(&gm))), [order]);
}

#[test]
fn what_becomes_of_requests_is_heard_live_and_in_history() {
    let (app, org) = started(&[]);
    let _till = Till::registered(&org, &json!({}), []);
    let owner = app.person(&org, "owner");
    let mut live = Events::open(&owner, "/api/events?topics=approvals,tasks", None);
    let hello = live.next(SOON).expect("hello");
    let made = submit(&org.admin, &json!({})).expect(201);
    owner.post(&path_of(&made, "/reject"), &json!({ "comment": "Too much" })).expect(200);
    let back = Events::open(&owner, "/api/events?topics=approvals", Some(&hello.id));
    for (mut events, before) in [(live, 0), (back, 1)] {
        let seen = events.until(SOON, |event| event.name == "approval.rejected");
        assert_eq!((seen.len(), seen[before].name.as_str()), (before + 2, "approval.submitted"));
        assert!(seen[before..].iter().all(|event| event.data["id"] == made["id"]), "{seen:?}");
    }
}

#[test]
fn a_line_of_a_language_model_stands_beside_the_preview_and_in_no_hash() {
    let said = json!({ "choices": [{ "message": { "role": "assistant", "content": "Gives a guest 80 back." } }] });
    let model = HttpSink::start([says(200, &said)]);
    let url = model.url("/v1/chat/completions");
    let settings = [("PREVIEW__SUMMARY__URL", url.as_str()), ("PREVIEW__SUMMARY__MODEL", "small-model")];
    let (_app, org) = started(&settings);
    let _till = Till::registered(&org, &json!({}), []);
    let made = submit(&org.admin, &json!({})).expect(201);
    assert_eq!(made["preview"]["generated"], json!({ "text": "Gives a guest 80 back.", "by": "small-model" }));
    assert_eq!((&made["preview"]["summary"], &made["preview"]["source"]), (&json!("Refund 80"), &json!("template")));
    drop(model);
    let without = submit(&org.admin, &json!({ "title": "The same" })).expect(201);
    assert_eq!(without["preview"]["generated"], Value::Null, "a model that does not answer keeps nobody waiting");
    assert_eq!(without["payload_hash"], made["payload_hash"]);
}

#[test]
fn another_organisations_request_and_its_run_are_like_those_that_do_not_exist() {
    let (app, org) = started(&[]);
    let other = app.organisation("pier");
    let (owner, theirs) = (app.person(&org, "owner"), app.person(&other, "owner"));
    let block = json!({ "block_type": "comp_approval", "entity_id": "ana", "entity_type": "employee", "reason": "By approval" });
    let place = json!({ "source": "module", "module": "blocks", "capability": "blocks.place", "payload": block });
    let done = other.admin.post("/api/actions/submit", &place).expect(201);
    let done = if done["status"] == "pending" { approve(&theirs, &done).expect(200) } else { done };
    let task = done["execution"]["task_id"].as_str().expect("a task").to_owned();
    theirs.get(&format!("/api/tasks/{task}")).expect(200);
    let waiting = other.admin.post(
        "/api/actions/submit",
        &json!({ "source": "module", "module": "notifications",
        "capability": "notifications.send_email", "payload": { "to": "a@b.example", "subject": "x", "text": "y" } }),
    );
    let waiting = waiting.expect(201);
    let hash = &waiting["payload_hash"];
    let real = waiting["id"].as_str().expect("an id");
    let random = "01a202c4-859c-7001-ad8e-ca154fa1365b";
    let calls = [
        ("GET", "", None),
        ("POST", "/approve", Some(json!({ "payload_hash": hash }))),
        ("POST", "/reject", Some(json!({ "payload_hash": hash }))),
        ("POST", "/cancel", Some(json!({}))),
        ("POST", "/retry", Some(json!({}))),
        ("POST", "/undo", Some(json!({}))),
        ("POST", "/settle", Some(json!({ "outcome": "executed", "note": "x" }))),
        ("PUT", "/payload", Some(json!({ "payload": { "amount": 1 } }))),
    ];
    let alike = |method: &str, own: &str, foreign: &str, body: Option<&Value>| {
        let (foreign, own) = (owner.send(method, foreign, body), owner.send(method, own, body));
        assert_eq!(foreign.body, own.body);
        foreign.refused(404, "not-found");
    };
    for (method, what, body) in &calls {
        alike(method, &format!("/api/actions/{random}{what}"), &format!("/api/actions/{real}{what}"), body.as_ref());
    }
    alike("GET", &format!("/api/actions/audit/{random}"), &format!("/api/actions/audit/{real}"), None);
    for what in ["", "/events"] {
        alike("GET", &format!("/api/tasks/{random}{what}"), &format!("/api/tasks/{task}{what}"), None);
    }
    let many = json!({ "items": [{ "id": real, "payload_hash": hash }] });
    let said = owner.post("/api/actions/approve-many", &many).expect(200);
    assert_eq!((&said["results"][0]["status"], &said["results"][0]["approval"]), (&json!(404), &Value::Null));
    assert_eq!(ids(&owner, "/api/actions"), Vec::<Value>::new());
    assert_eq!(other.admin.get(&format!("/api/actions/{real}")).expect(200)["status"], "pending");
}

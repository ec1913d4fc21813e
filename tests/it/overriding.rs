//! Overrides from the till's point of view: asked for, decided by somebody else, used, and never lost.

use serde_json::{Value, json};

use crate::support::app::check_path;
use crate::support::{CENTER, Client, Organisation, TestApp};

/// Asks about a new block of this server at `here`, and has it approved. Gives the block, the request and the grant.
fn granted(app: &TestApp, org: &Organisation, server: &str, more: &Value) -> (Value, Value, Value) {
    let (asker, gm) = (app.person(org, "manager"), app.person(org, "gm"));
    let block = placed(org, server);
    let asked = asked(&asker, &block, more);
    let decision = json!({ "payload_hash": asked["payload_hash"] });
    let approved = gm.post(&decide_path(&asked, "approve"), &decision).expect(200);
    let id = approved["execution"]["result"]["grant_id"].as_str().expect("a grant").to_owned();
    let grants = org.admin.get(&format!("{CENTER}/overrides?active=true")).expect(200);
    let grant = grants["items"].as_array().into_iter().flatten().find(|one| one["id"] == *id).cloned();
    (block, approved, grant.expect("the grant in the list"))
}

fn placed(org: &Organisation, server: &str) -> Value {
    let block = json!({
        "block_type": "comp_approval", "entity_id": server, "entity_type": "employee", "reason": "Under review",
        "venue_id": "here", "override_required": true, "override_authority": "gm",
    });
    org.admin.post(&format!("{CENTER}/blocks"), &block).expect(201)
}

fn asked(asker: &Client, block: &Value, more: &Value) -> Value {
    let mut request = json!({ "reason": "A regular guest" });
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    let path = format!("{CENTER}/blocks/{}/overrides", block["id"].as_str().expect("an id"));
    asker.post(&path, &request).expect(201)
}

fn decide_path(asked: &Value, verdict: &str) -> String {
    format!("/api/actions/{}/{verdict}", asked["id"].as_str().expect("an id"))
}

fn consume_path(grant: &Value) -> String {
    format!("{CENTER}/overrides/{}/consume", grant["id"].as_str().expect("an id"))
}

#[test]
fn a_grant_and_what_was_used_of_it_survive_a_kill() {
    let mut app = TestApp::started(&[("STORE__SNAPSHOT_EVERY_RECORDS", "5")]);
    let org = app.organisation("harbour");
    org.venue("here");
    let (_, approved, grant) = granted(&app, &org, "server-1", &json!({ "uses": 2 }));
    assert_eq!(approved["status"], "executed");
    let path = consume_path(&grant);
    let first = org.admin.post(&path, &json!({ "operation_id": "check-77" })).expect(200);
    for number in 0..6 {
        org.place(&format!("other-{number}"), None); // so that a snapshot holds the grant
    }
    app.kill();
    app.start();
    let org = app.again(&org);
    let here = format!("{}&venue_id=here", check_path("server-1"));
    let said = org.admin.get(&here).expect(200);
    assert_eq!((&said["blocked"], &said["grant"]["uses_left"]), (&json!(false), &json!(1)));
    assert_eq!(said["grant"]["expires_at"], first["expires_at"], "the minutes run on");
    let again = org.admin.post(&path, &json!({ "operation_id": "check-77" })).expect(200);
    assert_eq!(again, first, "the same operation counts once, also across a kill");
    org.admin.post(&path, &json!({ "operation_id": "check-78" })).expect(200);
    org.admin.post(&path, &json!({ "operation_id": "check-79" })).refused(409, "grant-used-up");
    assert_eq!(org.admin.get(&here).expect(200)["blocked"], true);
}

#[test]
fn a_no_says_which_limit_who_can_override_and_where_to_ask() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let block = json!({
        "block_type": "comp_approval", "entity_id": "server-1", "entity_type": "employee", "reason": "Under review",
        "override_required": true, "limit": { "amount": 50 },
    });
    let id = org.admin.post(&format!("{CENTER}/blocks"), &block).expect(201)["id"].clone();
    let said = org.admin.get(&check_path("server-1")).expect(200);
    assert_eq!(said["limit"], json!({ "amount": 50 }));
    assert_eq!(said["override_by"], "manager", "the lowest rung where the block names none");
    let url = said["override_url"].as_str().expect("where to ask");
    assert!(url.contains(id.as_str().expect("an id")), "{url}");
    let asked = org.admin.post(url, &json!({ "reason": "A regular guest", "amount": 80.25 })).expect(201);
    assert_eq!((&asked["payload"]["amount"], &asked["steps"][0]["who"]), (&json!(80.25), &json!("authority:manager")));
    org.admin.post(url, &json!({ "reason": "x", "until": "tomorrow" })).refused(422, "invalid-body");
    org.place("server-2", None);
    let said = org.admin.get(&check_path("server-2")).expect(200);
    assert_eq!((&said["override_by"], &said["override_url"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_inbox_shows_each_person_what_they_can_decide() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    org.venue("here");
    let (asker, gm) = (app.person(&org, "manager"), app.person(&org, "gm"));
    let (owner, staff) = (app.person(&org, "owner"), app.person(&org, "staff"));
    let block = placed(&org, "server-1");
    let (one, own) = (asked(&asker, &block, &json!({})), asked(&gm, &block, &json!({})));
    let inbox = |person: &Client, query: &str| -> Vec<Value> {
        let page = person.get(&format!("/api/actions/pending?{query}")).expect(200);
        page["items"].as_array().expect("items").iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(inbox(&gm, ""), [own["id"].clone(), one["id"].clone()], "all that waits, newest first");
    assert_eq!(inbox(&gm, "owner=me"), [one["id"].clone()], "not the own request");
    assert_eq!(inbox(&owner, "owner=me").len(), 2);
    assert!(inbox(&asker, "owner=me").is_empty() && inbox(&staff, "owner=me").is_empty());
    let gm_id = gm.get("/api/session").expect(200)["user"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(inbox(&owner, &format!("owner={gm_id}")), [one["id"].clone()]);
    assert!(inbox(&owner, "owner=nobody").is_empty());
    assert!(inbox(&owner, "risk=high").is_empty() && inbox(&owner, "module=stock").is_empty());
    staff
        .post(&decide_path(&one, "approve"), &json!({ "payload_hash": one["payload_hash"] }))
        .refused(403, "not-allowed");
    org.admin.post(&decide_path(&one, "reject"), &json!({})).refused(403, "not-allowed");
    gm.post(&decide_path(&one, "reject"), &json!({ "comment": "Not today" })).expect(200);
    asker.post(&decide_path(&own, "cancel"), &json!({})).refused(403, "not-your-request");
    gm.post(&decide_path(&own, "cancel"), &json!({ "reason": "The guest left" })).expect(200);
    assert!(inbox(&gm, "").is_empty());
    let audit = owner.get(&format!("/api/actions/audit/{}", one["id"].as_str().expect("an id"))).expect(200);
    let lines: Vec<_> = audit["lines"].as_array().expect("lines").iter().map(|line| line["what"].clone()).collect();
    assert_eq!(lines, ["submitted", "rejected"]);
    gm.get(&format!("/api/actions/audit/{}", one["id"].as_str().expect("an id"))).refused(403, "not-allowed");
    let rejected = gm.get("/api/actions?status=rejected").expect(200);
    assert_eq!(rejected["items"][0]["reason"], "Not today");
}

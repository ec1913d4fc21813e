//! A session acts for our own pages only, and for nobody who only holds the cookie.

use serde_json::json;

use crate::support::{CENTER, TestApp};

#[test]
fn a_change_in_a_session_needs_our_origin_and_the_sessions_token() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let (owner, other) = (app.person(&org, "owner"), app.person(&org, "manager"));
    let block =
        json!({ "block_type": "comp_approval", "entity_id": "s", "entity_type": "employee", "reason": "Under review" });
    let path = format!("{CENTER}/blocks");

    owner.post(&path, &block).expect(201);
    owner.without("origin").post(&path, &block).refused(403, "bad-origin");
    owner.with("origin", "http://evil.example").post(&path, &block).refused(403, "bad-origin");
    owner.with("origin", "null").post(&path, &block).refused(403, "bad-origin");
    owner.without("x-csrf-token").post(&path, &block).refused(403, "bad-csrf-token");
    let theirs = other.get("/api/session").expect(200)["csrf_token"].as_str().expect("a token").to_owned();
    owner.with("x-csrf-token", &theirs).post(&path, &block).refused(403, "bad-csrf-token");
    let listed = owner.without("origin").without("x-csrf-token").get(&format!("{path}?mode=list")).expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "reading needs neither, and nothing else happened");
}

#[test]
fn a_login_from_another_site_is_refused_and_a_wrong_one_says_nothing() {
    let app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let owner = app.person(&org, "owner");
    let email = owner.get("/api/session").expect(200)["user"]["email"].clone();
    let login = |org: &str, password: &str| json!({ "org_id": org, "email": email, "password": password });
    app.nobody()
        .with("origin", "http://evil.example")
        .post("/api/session", &login(&org.id, "x"))
        .refused(403, "bad-origin");
    let wrong = app.nobody().post("/api/session", &login(&org.id, "not the password")).refused(401, "bad-login");
    let nowhere = app.nobody().post("/api/session", &login("nowhere", "not the password")).refused(401, "bad-login");
    assert_eq!(wrong, nowhere);
}

#[test]
fn a_session_survives_a_kill_and_not_a_logout() {
    let mut app = TestApp::started(&[]);
    let org = app.organisation("harbour");
    let owner = app.person(&org, "owner");
    app.kill();
    app.start();
    let owner = owner.moved_to(app.address()).with("origin", &format!("http://{}", app.address()));
    owner.get("/api/session").expect(200);
    owner.delete("/api/session").expect(200);
    owner.get("/api/session").refused(401, "bad-credential");
}

//! Webhooks: other systems hear of blocks with signed calls, also after a kill, and nothing is called that must not be.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use action_center::delivery::signing::signature;
use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::{TestApp, wait_for};

const HOOKS: &str = "/api/settings/webhooks";
const SOON: Duration = Duration::from_secs(20);
const LOCAL: (&str, &str) = ("DELIVERY__EGRESS__ALLOW", "127.0.0.0/8");

#[derive(Clone, Debug)]
struct Call {
    headers: Vec<(String, String)>,
    body: String,
}

impl Call {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).expect(name)
    }
}

/// A system that keeps every call, and answers with these statuses, then with 204.
struct Receiver {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Receiver {
    fn answering(statuses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let kept = calls.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut from = BufReader::new(stream);
                let mut lines = (&mut from).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                let _request = lines.next();
                let header =
                    |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
                let headers: Vec<_> = lines.filter_map(header).collect();
                let length = headers.iter().find(|(name, _)| name == "content-length");
                let mut body = vec![0; length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)];
                from.read_exact(&mut body).expect("a body");
                let mut calls = kept.lock().expect("the calls");
                let status = statuses.get(calls.len()).copied().unwrap_or("204 No Content");
                calls.push(Call { headers, body: String::from_utf8(body).expect("text") });
                drop(calls);
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = from.get_mut().write_all(answer.as_bytes());
            }
        });
        Self { url, calls }
    }

    fn calls(&self, at_least: usize) -> Vec<Call> {
        let enough = || Some(self.calls.lock().expect("the calls").clone()).filter(|calls| calls.len() >= at_least);
        wait_for(SOON, enough).unwrap_or_else(|| panic!("{at_least} calls"))
    }
}

fn key_of(made: &Value) -> [u8; 32] {
    let text = made["secret"].as_str().and_then(|text| text.strip_prefix("whsec_")).expect("a secret");
    let key = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    key.try_into().expect("32 bytes")
}

#[test]
fn placed_and_lifted_blocks_are_told_with_a_signature_by_the_secret_that_was_shown_once() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["500 Internal Server Error"]);
    let made = org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": ["blocks"] })).expect(201);
    let block = org.place("server-1", None);
    let path = format!("/api/action-center/blocks/{}/lift", block["id"].as_str().expect("an id"));
    org.admin.post(&path, &json!({ "lift_reason": "Reviewed" })).expect(200);
    let calls = receiver.calls(3); // one of the first two came again after five seconds
    let key = key_of(&made);
    for call in &calls {
        let (id, at) = (call.header("webhook-id"), call.header("webhook-timestamp"));
        let right = signature(&key, &id.parse().expect("an id"), at.parse().expect("a time"), &call.body);
        assert_eq!(call.header("webhook-signature"), right);
    }
    let again = calls[1..].iter().find(|call| call.header("webhook-id") == calls[0].header("webhook-id"));
    assert_eq!(again.expect("the call that failed, again").body, calls[0].body);
    let bodies: Vec<Value> = calls.iter().map(|call| serde_json::from_str(&call.body).expect("JSON")).collect();
    for name in ["block.placed", "block.lifted"] {
        assert!(bodies.iter().any(|body| body["type"] == name && body["object"]["id"] == block["id"]), "{name}");
    }
    let shown = wait_for(SOON, || {
        let page = org.admin.get(HOOKS).expect(200);
        (page["items"][0]["delivered"] == 2).then_some(page)
    });
    let shown = shown.expect("two notices delivered");
    assert_eq!((&shown["items"][0]["last_error"], &shown["items"][0]["pending"]), (&json!("500"), &json!(0)));
    assert!(!shown.to_string().contains("whsec_"));
}

#[test]
fn what_waits_for_a_webhook_survives_a_kill_and_its_secret_stays() {
    let mut app = TestApp::started(&[LOCAL, ("DELIVERY__MODE", "on_process"), ("STORE__SNAPSHOT_EVERY_RECORDS", "3")]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&[]);
    let made = org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": ["blocks"] })).expect(201);
    for number in 0..6 {
        org.place(&format!("server-{number}"), None);
    }
    app.kill();
    app.start();
    let org = app.again(&org);
    assert_eq!(org.admin.get(HOOKS).expect(200)["items"][0]["pending"], 6);
    org.admin.post("/api/action-center/process", &json!({})).expect(200);
    let calls = receiver.calls(6);
    let call = &calls[0];
    let at = call.header("webhook-timestamp").parse().expect("a time");
    let right = signature(&key_of(&made), &call.header("webhook-id").parse().expect("an id"), at, &call.body);
    assert_eq!(call.header("webhook-signature"), right);
    org.admin.delete(&format!("{HOOKS}/{}", made["id"].as_str().expect("an id"))).expect(200);
    assert_eq!(org.admin.get(HOOKS).expect(200)["items"], json!([]));
}

#[test]
fn a_redirect_is_not_followed_and_private_addresses_are_refused_when_saved() {
    let app = TestApp::started(&[LOCAL]);
    let org = app.organisation("harbour");
    let receiver = Receiver::answering(&["307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/"]);
    org.admin.post(HOOKS, &json!({ "url": receiver.url, "events": ["blocks"] })).expect(201);
    org.place("server-1", None);
    receiver.calls(1);
    let told = wait_for(SOON, || {
        let page = org.admin.get(HOOKS).expect(200);
        page["items"][0]["last_error"].as_str().map(ToOwned::to_owned)
    });
    assert_eq!(told.as_deref(), Some("307"));
    for url in
        ["https://10.0.0.7/hook", "http://10.0.0.7/", "https://169.254.169.254/latest", "file:///etc/passwd", "x"]
    {
        org.admin.post(HOOKS, &json!({ "url": url, "events": ["blocks"] })).refused(422, "invalid-body");
    }
    org.admin.post(HOOKS, &json!({ "url": "https://a.example/", "events": ["weather"] })).refused(422, "invalid-body");
    let (till, _) = org.new_key(&app, json!({ "scopes": ["blocks:read", "blocks:write"] }));
    till.get(HOOKS).refused(403, "not-allowed");
}

//! A module on loopback that serves one capability, a refund at the till: it answers by script, call by call.

use std::time::Duration;

use action_center::delivery::testing::http::{HttpSink, Step};
use serde_json::{Value, json};

use super::{Answer, Client, Organisation, TestApp, wait_for};

/// Lets the server call modules on this machine.
pub const LOCAL: (&str, &str) = ("DELIVERY__EGRESS__ALLOW", "127.0.0.0/8");
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// The module.
pub struct Till {
    pub sink: HttpSink,
}

impl Till {
    /// Registers `till.refund` with these fields beside the usual ones; the scripts are for the calls in their order, dry runs among them.
    #[track_caller]
    pub fn registered(org: &Organisation, more: &Value, scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let sink = HttpSink::start(scripts);
        let mut wanted = json!({
            "name": "till.refund", "version": "1", "module": "till", "endpoint": sink.url("/run"),
            "params": { "type": "object", "required": ["amount"],
                "properties": { "amount": { "type": "number" }, "note": { "type": "string" } } },
            "sensitivity": "financial", "connectors": ["till"], "reversible": true, "idempotent": true, "auto_approvable": false,
            "undo_window": 3600, "timeout": 20, "preview_template": "Refund {{amount}}",
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            wanted[name] = value.clone();
        }
        org.admin.post("/api/capabilities", &wanted).expect(201);
        Self { sink }
    }

    /// The bodies of the calls so far, dry runs or real ones.
    pub fn calls(&self, dry_run: bool) -> Vec<Value> {
        let bodies = self.sink.requests().into_iter().filter_map(|call| serde_json::from_str(&call.body).ok());
        bodies.filter(|body: &Value| body["dry_run"] == dry_run).collect()
    }
}

/// A module's whole answer.
pub fn says(status: u16, body: &Value) -> Vec<Step> {
    vec![Step::answer(status, "application/json", &body.to_string())]
}

/// Asks for a refund with these fields beside the usual ones.
#[track_caller]
pub fn submit(by: &Client, more: &Value) -> Answer {
    let mut wanted = json!({
        "source": "module", "module": "till", "capability": "till.refund", "title": "Refund a guest",
        "payload": { "amount": 80, "note": "Cold soup" },
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        wanted[name] = value.clone();
    }
    by.post("/api/actions/submit", &wanted)
}

/// The path of a request, or of what is done with it.
#[track_caller]
pub fn path_of(request: &Value, what: &str) -> String {
    format!("/api/actions/{}{what}", request["id"].as_str().expect("an id"))
}

/// Lets a person approve what they see.
#[track_caller]
pub fn approve(by: &Client, request: &Value) -> Answer {
    by.post(&path_of(request, "/approve"), &json!({ "payload_hash": request["payload_hash"] }))
}

/// The request once it has this status.
#[track_caller]
pub fn settled(by: &Client, request: &Value, status: &str) -> Value {
    let look = || Some(by.get(&path_of(request, "")).expect(200)).filter(|one| one["status"] == status);
    wait_for(SETTLED_WITHIN, look)
        .unwrap_or_else(|| panic!("never {status}: {}", by.get(&path_of(request, "")).shown()))
}

/// The id of whoever is logged in.
#[track_caller]
pub fn id_of(person: &Client) -> String {
    person.get("/api/session").expect(200)["user"]["id"].as_str().expect("an id").to_owned()
}

/// An organisation on a server that may call this machine.
#[track_caller]
pub fn started(more: &[(&str, &str)]) -> (TestApp, Organisation) {
    let settings: Vec<_> = [LOCAL].iter().chain(more).copied().collect();
    let app = TestApp::started(&settings);
    let org = app.organisation("harbour");
    (app, org)
}

//! The server under test with its data, and organisations in it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, Client};
use super::process::Process;

/// Where enforcement is.
pub const CENTER: &str = "/api/action-center";
const OPERATOR_TOKEN: &str = "operator-token-of-the-tests";
const PASSWORD: &str = "Lantern-valley-9-sous";

/// A data directory, settings, and the server that runs on them, if one does.
#[derive(Debug)]
pub struct TestApp {
    home: TempDir,
    settings: Vec<(String, String)>,
    running: Option<(Process, SocketAddr)>,
}

impl TestApp {
    /// One that is not started yet, with settings such as `("ACTORS__THREADS", "1")`.
    pub fn prepared(settings: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let data = home.path().join("data").display().to_string();
        let own = [("SERVER__LISTEN", "127.0.0.1:0"), ("DATA__DIR", &data)];
        let all =
            own.iter().chain(settings).map(|(name, value)| (format!("ACTION_CENTER__{name}"), (*value).to_owned()));
        let mut settings: Vec<(String, String)> = all.collect();
        settings.push(("ACTION_CENTER_OPERATOR_TOKEN".into(), OPERATOR_TOKEN.into()));
        Self { home, settings, running: None }
    }

    /// The same with an environment variable that is no setting, before it is started.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// One that runs.
    #[track_caller]
    pub fn started(settings: &[(&str, &str)]) -> Self {
        let mut app = Self::prepared(settings);
        app.start();
        app
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// What it has written to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("stderr.txt")
    }

    /// A process on this data directory, which nobody waits for.
    pub fn spawn(&self) -> Process {
        Process::spawn(&["serve"], &self.settings, &self.log_path())
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(&mut self) {
        let mut process = self.spawn();
        match process.address() {
            Ok(address) => self.running = Some((process, address)),
            Err(why) => panic!("the server did not start: {why}\n{}", self.log()),
        }
    }

    /// Kills it where it stands.
    #[track_caller]
    pub fn kill(&mut self) {
        self.running.take().expect("a running server").0.kill();
    }

    /// Stops it in order, and gives how it ended.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.running.take().expect("a running server").0.terminate()
    }

    /// Where it listens.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("a running server").1
    }

    /// A caller without a credential.
    #[track_caller]
    pub fn nobody(&self) -> Client {
        Client::new(self.address())
    }

    /// The operator.
    #[track_caller]
    pub fn operator(&self) -> Client {
        self.nobody().bearer(OPERATOR_TOKEN)
    }

    /// A caller with this key.
    #[track_caller]
    pub fn with_key(&self, key: &str) -> Client {
        self.nobody().bearer(key)
    }

    /// A new organisation, with its administrator.
    #[track_caller]
    pub fn organisation(&self, id: &str) -> Organisation {
        let made = self.operator().post("/api/operator/orgs", &json!({ "org_id": id, "name": "Harbour Group" }));
        let key = made.expect(201)["admin_key"].as_str().expect("the first key").to_owned();
        Organisation { id: id.to_owned(), admin: self.with_key(&key), key }
    }

    /// The same organisation after a restart, when the server listens elsewhere.
    #[track_caller]
    pub fn again(&self, organisation: &Organisation) -> Organisation {
        let key = organisation.key.clone();
        Organisation { id: organisation.id.clone(), admin: self.with_key(&key), key }
    }

    /// A person of this role who has just logged in: their client carries cookie, origin and token.
    #[track_caller]
    pub fn person(&self, organisation: &Organisation, role: &str) -> Client {
        let email = format!("{role}@group.example");
        let person = json!({ "email": email, "name": "Zoë", "role": role, "password": PASSWORD });
        organisation.admin.post("/api/users", &person).expect(201);
        let login = json!({ "org_id": organisation.id, "email": email, "password": PASSWORD });
        let entered = self.nobody().post("/api/session", &login);
        let cookie = entered.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap_or_default();
        let client = self.nobody().with("cookie", cookie).with("origin", &format!("http://{}", self.address()));
        let token = entered.expect(200)["csrf_token"].as_str().expect("a CSRF token").to_owned();
        client.with("x-csrf-token", &token)
    }
}

/// An organisation.
#[derive(Clone, Debug)]
pub struct Organisation {
    pub id: String,
    pub key: String,
    pub admin: Client,
}

impl Organisation {
    /// A new key with these fields beside its name: the caller, and the answer.
    #[track_caller]
    pub fn new_key(&self, app: &TestApp, mut fields: Value) -> (Client, Value) {
        fields["name"] = json!("till");
        let made = self.admin.post("/api/keys", &fields).expect(201);
        (app.with_key(made["key"].as_str().expect("the key")), made)
    }

    /// A new venue.
    #[track_caller]
    pub fn venue(&self, id: &str) {
        let venue = json!({ "name": id, "time_zone": "Europe/Berlin" });
        let saved = self.admin.put(&format!("/api/settings/venues/{id}"), &venue);
        assert!((200..300).contains(&saved.status), "{}", saved.shown());
    }

    /// A template that blocks whoever comps 200 or more.
    #[track_caller]
    pub fn block_template(&self) {
        let template = json!({
            "violation_type": "comp_exception", "action_type": "block", "action_target": "system",
            "message_template": "Comps wait for review", "enabled": true, "conditions": { "min_threshold": 200 }, "action_data": {},
        });
        self.admin.post(&format!("{CENTER}/templates"), &template).expect(201);
    }

    /// Reports a comp by this server, with these fields beside the usual ones.
    #[track_caller]
    pub fn report(&self, server: &str, more: &Value) -> Answer {
        let mut report = json!({
            "violation_type": "comp_exception", "severity": "critical", "title": "Comp without approval",
            "metadata": { "server_id": server, "comp_amount": 250 },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            report[name] = value.clone();
        }
        self.admin.post(&format!("{CENTER}/violations"), &report)
    }

    /// Places a block on the comps of this server.
    #[track_caller]
    pub fn place(&self, server: &str, venue: Option<&str>) -> Value {
        let mut block = json!({
            "block_type": "comp_approval", "entity_id": server, "entity_type": "employee", "reason": "Under review",
        });
        if let Some(venue) = venue {
            block["venue_id"] = json!(venue);
        }
        self.admin.post(&format!("{CENTER}/blocks"), &block).expect(201)
    }
}

/// The path of the check of this server's comps.
pub fn check_path(server: &str) -> String {
    format!("{CENTER}/blocks?block_type=comp_approval&entity_id={server}")
}

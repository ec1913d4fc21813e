//! Sets the stage over the public API: organisation, venues, people, keys, templates, history, and one blocked server.

use std::collections::HashMap;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::history::{self, Ending};
use super::reports::{self, Comp};
use super::rules;
use super::world::{self, BLOCKED, ORG_ID, PASSWORD, PEOPLE, STAGE, VENUES};
use crate::cli::client::{CallError, Client, segment};
use crate::cli::seed;

/// Where violations are reported.
pub const VIOLATIONS: &str = "/api/action-center/violations";

/// Everything that the story and the shift need.
pub struct Stage {
    /// Reports and clears.
    pub detector: Client,
    /// Checks.
    pub till: Client,
    /// The people.
    pub logins: Logins,
    /// The till's key, to be shown.
    pub till_key: String,
    /// The key of the manager's desk, to be shown.
    pub desk_key: String,
    /// The block of [`BLOCKED`].
    pub block_id: String,
    /// How many templates there are.
    pub templates: usize,
}

/// People who log in when they are needed, and stay logged in.
pub struct Logins {
    server: Client,
    people: HashMap<&'static str, Client>,
}

impl Logins {
    /// The person of this id.
    ///
    /// # Errors
    /// The log-in failed.
    pub async fn of(&mut self, id: &'static str) -> Result<Client, CallError> {
        if let Some(person) = self.people.get(id) {
            return Ok(person.clone());
        }
        let person = self.server.log_in(ORG_ID, &world::email(id), PASSWORD).await?;
        self.people.insert(id, person.clone());
        Ok(person)
    }

    /// Forgets a session, so that the person logs in anew.
    pub fn forget(&mut self, id: &str) {
        self.people.remove(id);
    }
}

/// Sets the stage on a server that does not have the organisation yet.
///
/// # Errors
/// What the server refused.
pub async fn set(url: &str, operator_token: &str, seed: u64, now_ms: i64) -> anyhow::Result<Stage> {
    let operator = Client::new(url, operator_token)?;
    let admin = organisation(&operator).await?;
    for venue in &VENUES {
        admin.put(&format!("/api/settings/venues/{}", segment(venue.id)), &venue.body()).await.context(venue.name)?;
    }
    for person in &PEOPLE {
        admin.post("/api/users", &person.body()).await.context(person.name)?;
    }
    let till_key = key(&admin, "Till 1 at Pier Nine", &["blocks:read"], None).await?;
    let desk_scopes = ["violations:write", "violations:read", "blocks:read", "blocks:write"];
    let desk_key = key(&admin, "Manager's desk at Pier Nine", &desk_scopes, Some("gm")).await?;
    let detector = key(&admin, "Detectors", &["violations:write", "violations:read"], None).await?;
    let anywhere = key(&admin, "Tills of the simulated shift", &["blocks:read"], None).await?;
    let detector = operator.with_key(&detector);
    let mut logins = Logins { server: operator.clone(), people: HashMap::new() };
    tell_history(&detector, &mut logins, seed, now_ms).await.context("history")?;
    let templates = rules::templates();
    for template in &templates {
        let name = template["name"].as_str().unwrap_or("template").to_owned();
        admin.post("/api/action-center/templates", template).await.context(name)?;
    }
    let block_id = block_somebody(&detector).await?;
    seed::plant(&admin, ORG_ID, PASSWORD).await.context("requests for approval")?;
    let till = operator.with_key(&anywhere);
    Ok(Stage { detector, till, logins, till_key, desk_key, block_id, templates: templates.len() })
}

async fn organisation(operator: &Client) -> anyhow::Result<Client> {
    let made = match operator.post("/api/operator/orgs", &world::organisation()).await {
        Err(error) if error.status() == Some(409) => {
            bail!("this data directory holds the demo already; give an empty one, or run `serve` on it")
        }
        made => made.context("the organisation")?,
    };
    let key = made["admin_key"].as_str().context("the organisation came without its key")?;
    Ok(operator.with_key(key))
}

async fn key(admin: &Client, name: &str, scopes: &[&str], authority: Option<&str>) -> anyhow::Result<String> {
    let mut body = json!({ "name": name, "scopes": scopes });
    if let Some(authority) = authority {
        body["authority"] = json!(authority);
        body["venues"] = json!([VENUES[STAGE].id]);
    }
    let made = admin.post("/api/keys", &body).await.context(name.to_owned())?;
    Ok(made["key"].as_str().with_context(|| format!("no key for {name}"))?.to_owned())
}

/// Reports the past before there are templates, so that nobody gets a mail about last week.
async fn tell_history(detector: &Client, logins: &mut Logins, seed: u64, now_ms: i64) -> Result<(), CallError> {
    for past in history::past(seed, now_ms) {
        let reported = detector.post(VIOLATIONS, &past.body).await?;
        let id = id_of(&reported["violation"]);
        let (verb, body) = match past.ending {
            Ending::Resolved(resolution) => ("resolve", json!({ "resolution": resolution })),
            Ending::Acknowledged(note) => ("acknowledge", json!({ "note": note })),
            Ending::Open => continue,
        };
        let gm = logins.of(VENUES[past.venue].gm).await?;
        gm.post(&format!("{VIOLATIONS}/{id}/{verb}"), &body).await?;
    }
    Ok(())
}

/// The comp of 250 that the story is about.
async fn block_somebody(detector: &Client) -> anyhow::Result<String> {
    let comp = Comp { cents: 25_000, reason: "Guest complaint", approved: true };
    let body = reports::comp("story", &VENUES[STAGE], BLOCKED, comp);
    let reported = detector.post(VIOLATIONS, &body).await.context("the first comp")?;
    let block = reported["blocks"].get(0).context("the first comp blocked nobody")?;
    Ok(id_of(block))
}

/// The id of a thing, ready for a path.
pub fn id_of(thing: &Value) -> String {
    segment(thing["id"].as_str().unwrap_or_default())
}

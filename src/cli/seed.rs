//! `seed`: sample requests for approval in an organisation of a running server, one for each way in which such a request can go without a
//! module, with the people who decide them. Safe to run twice: what is there already is taken further, and nothing is made again.

mod samples;

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use self::samples::{Ending, SAMPLES, Sample};
use super::client::{CallError, Client, segment};
use super::table::{self, cell};
use super::{Remote, output};

/// How often a request is looked at again that goes on by itself, and how long to wait in between.
const LOOKS_MAX: usize = 60;
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Those who ask and decide: id, name, role.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("seed-mia", "Mia Sample", "manager"),
    ("seed-olga", "Olga Sample", "owner"),
    ("seed-otto", "Otto Sample", "owner"),
    ("seed-rae", "Rae Sample", "reviewer"),
];

/// Makes sample requests for approval in every state that needs no module, with the people who decide them.
#[derive(Args, Debug)]
pub struct Seed {
    /// The organisation; the key in ACTION_CENTER_TOKEN must be one of its own, with the scope `admin`.
    #[arg(long, value_name = "ID")]
    org: String,
    #[command(flatten)]
    remote: Remote,
}

impl Seed {
    /// Does it, and prints what there is now.
    ///
    /// # Errors
    /// A key of another organisation; what the server refused.
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::from_environment(&self.remote.url)?;
        let settings = client.get("/api/settings").await.context("the organisation could not be read")?;
        if settings["org_id"] != json!(self.org) {
            bail!("the key in ACTION_CENTER_TOKEN belongs to the organisation {}", cell(&settings, "org_id"));
        }
        // Of the key itself, so that a second run with it can log the same people in.
        let token = std::env::var("ACTION_CENTER_TOKEN").unwrap_or_default();
        let password = blake3::Hash::from(blake3::derive_key("action-center 2026-11 people of seed", token.as_bytes()));
        let made = plant(&client, &self.org, &password.to_hex()).await?;
        output::say(if self.remote.json { json!({ "items": made }).to_string() } else { shown(&made) });
        Ok(())
    }
}

/// Makes what is missing, and gives all of it as it stands then.
///
/// # Errors
/// What the server refused.
pub async fn plant(admin: &Client, org: &str, password: &str) -> anyhow::Result<Vec<Value>> {
    let cast = Cast::of(admin, org, password).await?;
    let mut made = Vec::with_capacity(SAMPLES.len());
    for sample in &SAMPLES {
        made.push(cast.play(sample).await.with_context(|| format!("the sample {}", sample.item))?);
    }
    Ok(made)
}

/// The people, logged in.
struct Cast {
    mia: Client,
    olga: Client,
    otto: Client,
    rae: Client,
}

impl Cast {
    async fn of(admin: &Client, org: &str, password: &str) -> anyhow::Result<Self> {
        let email = |id: &str| format!("{id}@{org}.example");
        for (id, name, role) in PEOPLE {
            let body = json!({ "id": id, "email": email(id), "name": name, "role": role, "password": password });
            match admin.post("/api/users", &body).await {
                Err(error) if error.status() != Some(409) => return Err(error).context(name),
                _ => {} // made now, or before
            }
        }
        let enter = async |id: &str| {
            let entered = admin.log_in(org, &email(id), password).await;
            entered
                .with_context(|| format!("{id} was made with another key; use that one, or remove these people first"))
        };
        Ok(Self {
            mia: enter("seed-mia").await?,
            olga: enter("seed-olga").await?,
            otto: enter("seed-otto").await?,
            rae: enter("seed-rae").await?,
        })
    }

    /// Takes a sample as far as it is meant to go, from wherever it stands.
    async fn play(&self, sample: &Sample) -> anyhow::Result<Value> {
        let now = crate::clock::now_ms();
        let found = self.found(sample).await?;
        let mut request = match found {
            Some(request) => request,
            None => self.mia.post("/api/actions/submit", &sample.body(now)).await?,
        };
        match sample.ending {
            Ending::Waits => {}
            Ending::Rejected if is(&request, "pending") => {
                request = decided(&self.olga, &request, "reject", "Not tonight").await?;
            }
            Ending::Cancelled if is(&request, "pending") => {
                let path = format!("/api/actions/{}/cancel", id_of(&request));
                request = self.mia.post(&path, &json!({ "reason": "Sorted out by hand" })).await?;
            }
            Ending::Expires => request = self.until(request, &["expired"]).await?,
            Ending::Scheduled => request = self.approved(request).await?,
            Ending::Executed | Ending::Skipped | Ending::Failed | Ending::Undone => {
                if sample.ending == Ending::Failed && is(&request, "pending") {
                    tokio::time::sleep(Duration::from_millis(samples::PAYLOAD_ENDS_MS)).await;
                }
                request = self.approved(request).await?;
                request = self.until(request, &["executed", "failed", "skipped", "undone"]).await?;
                if sample.ending == Ending::Undone && is(&request, "executed") {
                    request = self.undone(request).await?;
                }
            }
            Ending::Rejected | Ending::Cancelled => {}
        }
        Ok(request)
    }

    async fn found(&self, sample: &Sample) -> Result<Option<Value>, CallError> {
        let all = self.mia.all("/api/actions?created_by=seed-mia").await?;
        Ok(all.into_iter().find(|one| one["action_item_id"] == json!(sample.item)))
    }

    /// Has everybody approve until nobody is waited for.
    async fn approved(&self, mut request: Value) -> Result<Value, CallError> {
        for person in [&self.olga, &self.otto, &self.rae] {
            if !is(&request, "pending") {
                break;
            }
            match decided(person, &request, "approve", "Sample").await {
                Ok(after) => request = after,
                Err(error) if matches!(error.status(), Some(403 | 409)) => {} // somebody else's step
                Err(error) => return Err(error),
            }
        }
        Ok(request)
    }

    async fn undone(&self, request: Value) -> anyhow::Result<Value> {
        let path = format!("/api/actions/{}/undo", id_of(&request));
        let undo = self.mia.post(&path, &json!({ "reason": "It was the wrong person" })).await?;
        self.approved(undo).await?;
        Ok(self.until(request, &["undone"]).await?)
    }

    /// Waits until a request has one of these statuses; as it is when it takes too long.
    async fn until(&self, mut request: Value, statuses: &[&str]) -> Result<Value, CallError> {
        for _ in 0..LOOKS_MAX {
            if statuses.iter().any(|status| is(&request, status)) {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            request = self.mia.get(&format!("/api/actions/{}", id_of(&request))).await?;
        }
        Ok(request)
    }
}

async fn decided(by: &Client, request: &Value, verdict: &str, comment: &str) -> Result<Value, CallError> {
    let body = json!({ "payload_hash": request["payload_hash"], "comment": comment });
    by.post(&format!("/api/actions/{}/{verdict}", id_of(request)), &body).await
}

fn is(request: &Value, status: &str) -> bool {
    request["status"] == json!(status)
}

fn id_of(request: &Value) -> String {
    segment(request["id"].as_str().unwrap_or_default())
}

fn shown(made: &[Value]) -> String {
    let row = |one: &Value| [cell(one, "action_item_id"), cell(one, "status"), cell(one, "title"), cell(one, "id")];
    table::render(["sample", "status", "title", "id"], &made.iter().map(row).collect::<Vec<_>>())
}

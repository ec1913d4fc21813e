//! `org`: organisations, for whoever runs the server.

use std::io::BufRead;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::Client;
use super::table::{self, cell};
use super::{Remote, output};

/// The longest password that is read, in bytes.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// Organisations.
#[derive(Debug, Subcommand)]
pub enum Org {
    /// Makes an organisation and prints its first key, which is shown only once.
    Create(Create),
}

/// What the organisation is to be.
#[derive(Args, Debug)]
pub struct Create {
    /// Its id, such as harbour-vine.
    org_id: String,
    /// Its name.
    #[arg(long)]
    name: String,
    /// Its time zone (IANA), where something happens at no venue.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Address of its first owner, who can log in.
    #[arg(long, value_name = "EMAIL", requires_all = ["owner_name", "owner_password_stdin"])]
    owner_email: Option<String>,
    /// Name of the owner.
    #[arg(long, value_name = "NAME", requires = "owner_email")]
    owner_name: Option<String>,
    /// Read the owner's password from the first line of standard input.
    #[arg(long, requires = "owner_email")]
    owner_password_stdin: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Org {
    /// Does it.
    ///
    /// # Errors
    /// What the server refused, or why it could not be asked.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<()> {
        let password = if self.owner_password_stdin { Some(first_line(std::io::stdin().lock())?) } else { None };
        let client = Client::from_environment(&self.remote.url)?;
        let answer = client.post("/api/operator/orgs", &self.body(password)).await?;
        output::say(if self.remote.json { answer.to_string() } else { shown(&answer) });
        Ok(())
    }

    fn body(&self, password: Option<String>) -> Value {
        let mut body = json!({ "org_id": self.org_id, "name": self.name });
        if let Some(zone) = &self.time_zone {
            body["time_zone"] = json!(zone);
        }
        if let Some(email) = &self.owner_email {
            body["owner"] = json!({ "email": email, "name": self.owner_name, "password": password });
        }
        body
    }
}

fn first_line(input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.take(PASSWORD_BYTES_MAX).read_line(&mut line).context("no password on standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password on standard input");
    }
    Ok(password.to_owned())
}

fn shown(answer: &Value) -> String {
    let org = &answer["org"];
    table::render(
        ["org_id", "name", "time_zone", "admin_key"],
        &[[cell(org, "org_id"), cell(org, "name"), cell(org, "time_zone"), cell(answer, "admin_key")]],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(owner: bool) -> Create {
        Create {
            org_id: "harbour".into(),
            name: "Harbour".into(),
            time_zone: None,
            owner_email: owner.then(|| "o@harbour.example".into()),
            owner_name: owner.then(|| "Olivia".into()),
            owner_password_stdin: owner,
            remote: Remote { url: "http://127.0.0.1:1".into(), json: false },
        }
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        assert_eq!(create(false).body(None), json!({ "org_id": "harbour", "name": "Harbour" }));
        let owner = &create(true).body(Some("lanterns at low tide".into()))["owner"];
        let whole = json!({ "email": "o@harbour.example", "name": "Olivia", "password": "lanterns at low tide" });
        assert_eq!(owner, &whole);
    }

    #[test]
    fn a_password_is_the_first_line_as_it_is() {
        assert_eq!(first_line(" two words \r\nrest".as_bytes()).unwrap(), " two words ");
        assert!(first_line("\n".as_bytes()).is_err());
    }

    #[test]
    fn the_first_key_is_in_the_table() {
        let answer =
            json!({ "org": { "org_id": "harbour", "name": "Harbour", "time_zone": "UTC" }, "admin_key": "ack_1_2" });
        assert!(shown(&answer).ends_with("harbour  Harbour  UTC        ack_1_2"), "{}", shown(&answer));
    }
}

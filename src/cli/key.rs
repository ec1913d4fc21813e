//! `key`: API keys of an organisation.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, segment};
use super::table::{self, cell};
use super::{Remote, output};

const SCOPES: [&str; 8] = [
    "violations:write",
    "violations:read",
    "blocks:read",
    "blocks:write",
    "actions:submit",
    "actions:read",
    "capabilities:serve",
    "admin",
];

/// API keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Makes a key and prints it; it is shown only once.
    Create(Create),
    /// Lists the keys, without their secrets.
    List(List),
    /// Ends a key at once.
    Revoke(Revoke),
}

/// What the key is to be.
#[derive(Args, Debug)]
pub struct Create {
    /// What it is for, such as "till 3 at Pier Nine".
    #[arg(long)]
    pub name: String,
    /// What it opens, separated by commas.
    #[arg(long, value_delimiter = ',', required = true, value_parser = PossibleValuesParser::new(SCOPES))]
    pub scopes: Vec<String>,
    /// The venues that it is limited to, separated by commas; all when not given.
    #[arg(long, value_delimiter = ',', value_name = "VENUES")]
    pub venues: Option<Vec<String>>,
    /// The authority with which it lifts blocks, such as gm.
    #[arg(long)]
    pub authority: Option<String>,
    /// When it ends (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub expires_at: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Where to list.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    remote: Remote,
}

/// Which key ends.
#[derive(Args, Debug)]
pub struct Revoke {
    /// The id of the key: the part after `ack_`, up to the next `_`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

impl Key {
    /// Does it.
    ///
    /// # Errors
    /// What the server refused, or why it could not be asked.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run().await,
            Self::List(list) => list.run().await,
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<()> {
        let client = Client::from_environment(&self.remote.url)?;
        let made = client.post("/api/keys", &self.body()).await?;
        if self.remote.json {
            output::say(made);
        } else {
            let row = [cell(&made, "id"), cell(&made, "name"), cell(&made, "scopes"), cell(&made, "key")];
            output::say(table::render(["id", "name", "scopes", "key"], &[row]));
        }
        Ok(())
    }

    fn body(&self) -> Value {
        let mut body = json!({ "name": self.name, "scopes": self.scopes });
        let optional = [
            ("venues", self.venues.as_ref().map(|venues| json!(venues))),
            ("authority", self.authority.as_ref().map(|authority| json!(authority))),
            ("expires_at", self.expires_at.as_ref().map(|time| json!(time))),
        ];
        for (field, value) in optional.into_iter().filter_map(|(field, value)| Some((field, value?))) {
            body[field] = value;
        }
        body
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let keys = Client::from_environment(&self.remote.url)?.all("/api/keys").await?;
        output::say(if self.remote.json { json!(keys).to_string() } else { shown(&keys) });
        Ok(())
    }
}

fn shown(keys: &[Value]) -> String {
    let fields = ["id", "name", "scopes", "venues", "authority", "created_at", "expires_at"];
    let rows: Vec<_> = keys.iter().map(|key| fields.map(|field| cell(key, field))).collect();
    table::render(fields, &rows)
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let client = Client::from_environment(&self.remote.url)?;
        client.delete(&format!("/api/keys/{}", segment(&self.id))).await?;
        let answer = json!({ "revoked": self.id });
        output::say(if self.remote.json { answer.to_string() } else { format!("{} is revoked", self.id) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Scope;

    #[test]
    fn the_scopes_are_those_of_the_domain() {
        let names: Vec<String> = Scope::ALL
            .iter()
            .map(|scope| serde_json::to_value(scope).unwrap().as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(names, SCOPES);
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        let create = Create {
            name: "till".into(),
            scopes: vec!["blocks:read".into()],
            venues: Some(vec!["pier-nine".into()]),
            authority: None,
            expires_at: None,
            remote: Remote { url: "http://127.0.0.1:1".into(), json: false },
        };
        assert_eq!(create.body(), json!({ "name": "till", "scopes": ["blocks:read"], "venues": ["pier-nine"] }));
    }

    #[test]
    fn a_list_of_keys_is_a_table() {
        let keys =
            [json!({ "id": "k1", "name": "Till", "scopes": ["blocks:read"], "created_at": "2026-01-02T03:04:05Z" })];
        let text = shown(&keys);
        assert!(text.contains("k1  Till  blocks:read  -       -          2026-01-02T03:04:05Z  -"), "{text}");
    }
}

//! Settings: the embedded defaults, then a file, then the environment, then flags. Unknown keys are refused.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use config::{Config as Layers, Environment, File, FileFormat};
use serde::Deserialize;

/// The defaults, with unit and reason.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// Every setting; each is explained in `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Config {
    pub server: Server,
    pub data: Data,
    pub store: Store,
    pub actors: Actors,
    pub delivery: Delivery,
    pub preview: Preview,
    pub log: Log,
}

/// HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Server {
    pub listen: String,
    pub workers: usize,
    pub body_bytes_max: usize,
    pub keep_alive_s: u64,
    pub client_timeout_ms: u64,
    pub stop_timeout_s: u64,
    pub cookie_secure: bool,
}

/// Where the data is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Data {
    pub dir: PathBuf,
}

/// Journal and snapshots.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Store {
    pub cache_mib: u64,
    pub reserve_mib: u64,
    pub compact_factor: u64,
    pub compact_from_mib: u64,
    pub snapshot_every_records: u64,
    pub snapshot_at_stop_records: u64,
}

/// The organisations in memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Actors {
    pub threads: usize,
    pub org_waiting_max: usize,
    pub waiting_max: usize,
    pub passivate_after_s: u64,
}

/// Messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Delivery {
    pub mode: Mode,
    pub email: Email,
    pub egress: Egress,
}

/// When deliveries are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub enum Mode {
    Immediate,
    OnProcess,
}

/// Mail.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Email {
    pub url: String,
    pub from: String,
    pub timeout_ms: u64,
    pub connections_max: usize,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("from", &self.from).finish_non_exhaustive() // the URL holds a password
    }
}

/// Outbound HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Egress {
    pub allow: Vec<String>,
}

/// What people read before they decide.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Preview {
    pub summary: Summary,
}

/// Summaries of requests.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Summary {
    pub url: String,
    pub model: String,
    pub key: String,
}

impl std::fmt::Debug for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summary").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "explained in config.default.toml")]
pub enum LogFormat {
    Text,
    Json,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// A key or value that is not understood.
    #[error(transparent)]
    Unread(#[from] config::ConfigError),
    /// A value that makes no sense.
    #[error("{key}: {why}")]
    Wrong {
        /// Which.
        key: &'static str,
        /// Why.
        why: String,
    },
}

impl Config {
    /// Reads the settings; `flags` are keys and values that go before everything else.
    ///
    /// # Errors
    /// [`BadConfig`]: a file that is not there, an unknown key, a value of the wrong kind.
    pub fn load(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Self, BadConfig> {
        let environment = Environment::with_prefix("ACTION_CENTER")
            .prefix_separator("__")
            .separator("__")
            .list_separator(",")
            .with_list_parse_key("delivery.egress.allow")
            .try_parsing(true);
        let mut layers = Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            layers = layers.add_source(File::from(path).format(FileFormat::Toml).required(true));
        }
        layers = layers.add_source(environment);
        for (key, value) in flags {
            layers = layers.set_override(*key, value.as_str())?;
        }
        let config: Self = layers.build()?.try_deserialize()?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), BadConfig> {
        for range in &self.delivery.egress.allow {
            if !is_cidr(range) {
                let why = format!("`{range}` is not an address range such as 10.0.0.0/8");
                return Err(BadConfig::Wrong { key: "delivery.egress.allow", why });
            }
        }
        if self.preview.summary.url.is_empty() != self.preview.summary.model.is_empty() {
            let why = "url and model belong together: set both, or neither".into();
            return Err(BadConfig::Wrong { key: "preview.summary", why });
        }
        if self.server.body_bytes_max < 1024 {
            return Err(BadConfig::Wrong { key: "server.body_bytes_max", why: "is below 1024".into() });
        }
        if self.actors.org_waiting_max == 0 || self.actors.waiting_max == 0 {
            return Err(BadConfig::Wrong { key: "actors", why: "a limit of 0 would refuse everything".into() });
        }
        Ok(())
    }
}

fn is_cidr(range: &str) -> bool {
    let Some((address, bits)) = range.split_once('/') else { return false };
    let longest = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_flags_go_first() {
        let config = Config::load(None, &[("server.listen", "127.0.0.1:0".into())]).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:0");
        assert_eq!(config.delivery.mode, Mode::Immediate);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), "[server]\nlisten_on = \"x\"\n").unwrap();
        let refused = Config::load(Some(file.path()), &[]).unwrap_err();
        assert!(refused.to_string().contains("listen_on"), "{refused}");
    }

    #[test]
    fn a_summary_needs_an_endpoint_and_a_model() {
        let load = |flags: &[(&str, String)]| Config::load(None, flags);
        let (url, model) =
            (("preview.summary.url", "https://a.example/".into()), ("preview.summary.model", "m".into()));
        assert!(load(&[url.clone()]).is_err() && load(&[model.clone()]).is_err());
        let config = load(&[url, model, ("preview.summary.key", "sk-secret".into())]).unwrap();
        assert!(!format!("{config:?}").contains("sk-secret"));
    }

    #[test]
    fn a_range_is_an_address_and_a_length() {
        assert!(is_cidr("127.0.0.0/8") && is_cidr("fd00::/8"));
        assert!(!is_cidr("127.0.0.0/33") && !is_cidr("localhost/8") && !is_cidr("127.0.0.1"));
    }
}

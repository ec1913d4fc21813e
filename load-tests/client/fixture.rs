//! What `prepare` made and the other subcommands use: organisations, their keys, their blocked entities.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

pub const BLOCK_TYPE: &str = "comp_approval";

#[derive(Debug, Serialize, Deserialize)]
pub struct Fixture {
    pub url: String,
    pub orgs: Vec<OrgFixture>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrgFixture {
    pub org_id: String,
    pub venue_id: String,
    pub admin_key: String,
    /// May only check.
    pub check_key: String,
    /// May only report.
    pub report_key: String,
    /// The entities `<entity_prefix>0` to `<entity_prefix><blocks - 1>` are blocked.
    pub entity_prefix: String,
    pub blocks: u64,
}

impl Fixture {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let fixture: Self = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        ensure!(!fixture.orgs.is_empty(), "{} holds no organisation", path.display());
        Ok(fixture)
    }

    /// Readable by its owner only: it holds keys.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        Ok(file.write_all(b"\n")?)
    }
}

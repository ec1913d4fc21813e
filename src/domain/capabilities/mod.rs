//! Capabilities: what modules can do, such as `blocks.lift` or `till.refund`. Some are built in; the others are served by remote modules
//! that an organisation registers.
//!
//! Promise: a request names a capability that was there, with a payload that fits its schema. Never here: calling anybody.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json::JsonText;
use super::time::Timestamp;

/// What a capability touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Sensitivity {
    None,
    Internal,
    Personal,
    Financial,
}

/// What a capability is and how it may be run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Capability {
    /// `module.verb`.
    pub name: Arc<str>,
    /// The sequence number that registered it; 0 for what is built in.
    pub seq: u64,
    pub version: Arc<str>,
    pub module: Arc<str>,
    /// JSON Schema of its payload.
    pub params: JsonText,
    pub sensitivity: Sensitivity,
    /// The systems that it touches.
    pub connectors: Vec<Arc<str>>,
    /// Whether what it did can be taken back.
    pub reversible: bool,
    /// Whether running it again with the same key does nothing more.
    pub idempotent: bool,
    /// Whether a request of low risk may run without anybody's decision.
    pub auto_approvable: bool,
    /// How long after an execution it may be undone, in seconds; 0 for not at all.
    pub undo_window_s: u32,
    /// How long one run may take, in seconds.
    pub timeout_s: u32,
    /// How many of its runs there may be at once in one organisation.
    pub concurrency: u32,
    /// What people read before they decide, with `{{variables}}` of the payload.
    pub preview_template: Arc<str>,
    /// Where it is served; nothing for what is built in.
    pub endpoint: Option<Arc<str>>,
    /// Which of its secrets signs the calls; counts up when it is registered again.
    pub generation: u32,
    /// Who registered it.
    pub created_by: Arc<str>,
    pub created_at: Timestamp,
}

impl Capability {
    /// Whether it belongs to the server itself.
    pub fn is_built_in(&self) -> bool {
        self.endpoint.is_none()
    }
}

/// What exactly will happen, for the people who decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Preview {
    pub summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many people are reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipients: Option<u64>,
    /// An amount of money, as a decimal number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Where it comes from: `template`, `built_in` or `module` (its dry run).
    pub source: String,
}

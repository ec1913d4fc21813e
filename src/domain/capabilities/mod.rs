//! Capabilities: what modules can do, such as `blocks.lift` or `till.refund`. Some are built in; the others are served by remote modules
//! that an organisation registers.
//!
//! Promise: a request names a capability that was there, with a payload that fits its schema. Never here: calling anybody.

pub mod built_in;
pub mod commands;
pub mod preview;
pub mod registry;
pub mod schema;

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::json::{self, JsonText};
use super::rejection::Rejection;
use super::state::TenantState;
use super::time::Timestamp;

/// The most capabilities that an organisation registers.
pub const CAPABILITIES_MAX: usize = 200;
/// The largest payload, in bytes of its canonical text.
pub const PAYLOAD_BYTES_MAX: usize = 32 * 1024;
/// The deepest payload.
pub const PAYLOAD_DEPTH_MAX: usize = 16;

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
    /// Which of its secrets signs the calls; counts up when it is registered again, also after it was taken out.
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

    /// Whether there is a time in which what it did can be taken back.
    pub fn can_be_undone(&self) -> bool {
        self.reversible && self.undo_window_s > 0
    }
}

/// The capability of this name: of the server itself, or one that the organisation registered.
pub fn find<'a>(state: &'a TenantState, name: &str) -> Option<&'a Capability> {
    built_in::find(name).map(|one| &one.capability).or_else(|| state.capabilities.get(name))
}

/// Checks a payload: an object within the limits that fits the schema, and, where the capability is built in, names what is there.
///
/// # Errors
/// [`Rejection::Invalid`] with faults at `/payload/…`; what a built-in capability says of the things that the payload names.
pub fn check_payload(state: &TenantState, capability: &Capability, payload: &Value) -> Result<(), Rejection> {
    if !payload.is_object() {
        return Err(Rejection::invalid("/payload", "is not an object"));
    }
    if json::depth(payload) > PAYLOAD_DEPTH_MAX {
        return Err(Rejection::invalid("/payload", format!("is nested deeper than {PAYLOAD_DEPTH_MAX}")));
    }
    if payload.to_string().len() > PAYLOAD_BYTES_MAX {
        return Err(Rejection::invalid("/payload", format!("is larger than {PAYLOAD_BYTES_MAX} bytes")));
    }
    let own = built_in::find(&capability.name);
    let schema = match own {
        Some(own) => Some(&own.schema),
        None => state.capabilities.schema(&capability.name),
    };
    let unread = || Rejection::invalid("/payload", "cannot be checked: this version does not read the schema");
    let faults = schema.ok_or_else(unread)?.faults(payload, "/payload");
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    own.map_or(Ok(()), |own| (own.check)(state, payload))
}

/// What will happen, as far as it can be told without asking a module.
pub fn preview(state: &TenantState, capability: &Capability, payload: &Value) -> Preview {
    match built_in::find(&capability.name) {
        Some(own) => (own.preview)(state, payload),
        None => preview::by_template(state, capability, payload),
    }
}

/// What taking it back will do; the payload is the one that the execution recorded for that.
pub fn preview_undo(state: &TenantState, capability: &Capability, undo_payload: &Value) -> Preview {
    match built_in::effect(&capability.name).and_then(|effect| effect.undo) {
        Some(undo) => (undo.preview)(state, undo_payload),
        None => preview::of_undo(state, capability, undo_payload),
    }
}

/// How many people a payload reaches and how much money it moves, where that can be told.
pub fn measures(capability: &Capability, payload: &Value) -> (Option<u64>, Option<Decimal>) {
    match built_in::find(&capability.name) {
        Some(own) => (own.measures)(payload),
        None => preview::measures(payload),
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
    /// A line by a language model, where the operator has chosen one. It stands beside what is approved and is no part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<GeneratedLine>,
}

/// What a language model made of a request, and which one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct GeneratedLine {
    pub text: String,
    pub by: String,
}

#[cfg(test)]
mod tests;

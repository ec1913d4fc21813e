//! Capabilities as they are shown, never with a secret.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::list::{Cursor, Page, Paging, bytes};
use crate::domain::capabilities::{Capability, Sensitivity, built_in};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Where the numbers of registered ones begin in a list, after those of the server.
const REGISTERED_FROM: u64 = 1_000;

/// A capability.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct CapabilityView<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub module: &'a str,
    /// JSON Schema of the payload.
    #[schema(value_type = Object)]
    pub params: Option<&'a RawValue>,
    pub sensitivity: Sensitivity,
    pub connectors: Vec<&'a str>,
    pub reversible: bool,
    pub idempotent: bool,
    pub auto_approvable: bool,
    /// In seconds.
    pub undo_window: u32,
    /// In seconds.
    pub timeout: u32,
    /// Runs at once.
    pub concurrency: u32,
    pub preview_template: &'a str,
    /// Nothing for what is built in.
    pub endpoint: Option<&'a str>,
    pub built_in: bool,
    /// Which of its secrets signs the calls; nothing for what is built in.
    pub generation: Option<u32>,
    pub created_by: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
}

/// A capability.
pub fn capability(one: &Capability) -> CapabilityView<'_> {
    let built_in = one.is_built_in();
    CapabilityView {
        name: &one.name,
        version: &one.version,
        module: &one.module,
        params: serde_json::from_str(one.params.as_str()).ok(),
        sensitivity: one.sensitivity,
        connectors: one.connectors.iter().map(|name| &**name).collect(),
        reversible: one.reversible,
        idempotent: one.idempotent,
        auto_approvable: one.auto_approvable,
        undo_window: one.undo_window_s,
        timeout: one.timeout_s,
        concurrency: one.concurrency,
        preview_template: &one.preview_template,
        endpoint: one.endpoint.as_deref(),
        built_in,
        generation: (!built_in).then_some(one.generation),
        created_by: (!built_in).then_some(&*one.created_by),
        created_at: (!built_in).then_some(one.created_at),
    }
}

/// A page of all capabilities: those of the server, then the registered ones in the order in which they came.
pub fn list_of_capabilities(state: &TenantState, paging: Paging) -> Vec<u8> {
    let own = (1..).zip(built_in::all()).map(|(place, one)| (place, &one.capability));
    let registered = state.capabilities.iter().map(|one| (REGISTERED_FROM.saturating_add(one.seq), one));
    let after = match paging.cursor {
        Some(Cursor::Seq(after)) => after,
        Some(Cursor::Dated(..)) | None => 0,
    };
    let mut rest = own.chain(registered).skip_while(|(place, _)| *place <= after).peekable();
    let mut items = Vec::new();
    let mut last = after;
    while items.len() < paging.limit
        && let Some((place, one)) = rest.next()
    {
        last = place;
        items.push(capability(one));
    }
    let next_cursor = rest.peek().map(|_| Cursor::Seq(last).text());
    bytes(&Page { items, next_cursor })
}

//! The capabilities of the server itself: a file and a line in the list for each.
//!
//! Those whose effect is a record of our own are carried out in the commit that records it: `apply` and `undo` say which events, as pure
//! functions. The others only describe themselves here; whoever executes them sends what they ask for.

mod call_webhook;
mod grant_override;
mod lift_block;
mod place_block;
mod post_slack;
mod resolve_violation;
mod send_email;

use std::sync::{Arc, LazyLock};

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::schema::Schema;
use super::{Capability, Preview, Sensitivity};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, VenueId};
use crate::domain::json::JsonText;
use crate::domain::people::{Authority, Held};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

pub use call_webhook::NAME as CALL_WEBHOOK;
pub use post_slack::NAME as POST_SLACK;
pub use send_email::NAME as SEND_EMAIL;

/// Every one of them, in the order of lists.
static ALL: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    vec![
        place_block::built_in(),
        lift_block::built_in(),
        grant_override::built_in(),
        resolve_violation::built_in(),
        send_email::built_in(),
        post_slack::built_in(),
        call_webhook::built_in(),
    ]
});

/// The time in which a block that was placed or lifted can be put back, in seconds: a week.
const UNDO_WINDOW_S: u32 = 7 * 24 * 3_600;
/// How long a message or a call may take, in seconds.
const TIMEOUT_S: u32 = 30;
/// How many messages or calls of one kind an organisation has on their way at most.
const CONCURRENCY: u32 = 4;

/// A capability of the server itself.
pub struct BuiltIn {
    /// What it is.
    pub capability: Capability,
    /// What checks its payloads.
    pub schema: Schema,
    /// What the schema cannot say: whether what the payload names is there.
    pub check: fn(&TenantState, &Value) -> Result<(), Rejection>,
    /// What will happen.
    pub preview: fn(&TenantState, &Value) -> Preview,
    /// How many people it reaches and how much money it moves.
    pub measures: fn(&Value) -> (Option<u64>, Option<Decimal>),
    /// Where it happens.
    pub runs: Runs,
}

/// Where a built-in capability happens.
#[derive(Clone, Copy)]
pub enum Runs {
    /// In the commit that records it, as these functions say.
    Here(Effect),
    /// In the commit that records it, as the overrides of requests for approval say.
    Override,
    /// Outside: a message or a call.
    Outside,
}

/// What a capability does in the commit that records it.
#[derive(Clone, Copy)]
pub struct Effect {
    /// Whom and what a payload is about. Refuses what could not be carried out now, so that nobody is asked in vain.
    pub about: fn(&Value, &TenantState, &mut Context<'_>) -> Result<About, Rejection>,
    /// Carries it out, in the name of the caller of the context. `held` is the highest authority of those who approved, as they are now.
    pub apply: fn(&Value, &Held, &TenantState, &mut Context<'_>) -> Result<Done, Rejection>,
    /// Takes it back.
    pub undo: Option<UndoEffect>,
}

/// How it is taken back. The payload is what the execution gave for that.
#[derive(Clone, Copy)]
pub struct UndoEffect {
    /// Whom and what it is about.
    pub about: fn(&Value, &TenantState, &mut Context<'_>) -> Result<About, Rejection>,
    /// What will happen.
    pub preview: fn(&TenantState, &Value) -> Preview,
    /// Carries it out, as [`Effect::apply`].
    pub apply: fn(&Value, &Held, &TenantState, &mut Context<'_>) -> Result<Done, Rejection>,
}

/// Whom and what a payload is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The authority without which nobody can do this: one more step, beside what the policy asks for.
    pub authority: Option<Authority>,
    /// For whom it is done; never decides about it.
    pub beneficiary: Option<EntityId>,
    /// The thing that it is about, such as a block.
    pub subject: Option<Uuid>,
    /// Where.
    pub venue_id: Option<VenueId>,
}

/// What was done.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names say it")]
pub struct Done {
    pub events: Vec<Event>,
    pub result: Value,
    /// What an undo needs to know; nothing where it cannot be taken back.
    pub undo_payload: Option<Value>,
}

/// All of them, in the order of lists.
pub fn all() -> &'static [BuiltIn] {
    &ALL
}

/// The one of this name.
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|one| &*one.capability.name == name)
}

/// What the one of this name does in the commit that records it; nothing for those that happen outside, and for overrides.
pub fn effect(name: &str) -> Option<Effect> {
    match find(name)?.runs {
        Runs::Here(effect) => Some(effect),
        Runs::Override | Runs::Outside => None,
    }
}

/// Whether the one of this name happens in the commit that records it.
pub fn happens_here(name: &str) -> bool {
    find(name).is_some_and(|own| matches!(own.runs, Runs::Here(_) | Runs::Override))
}

/// Whether a module belongs to the server itself.
pub fn is_own_module(module: &str) -> bool {
    ALL.iter().any(|one| &*one.capability.module == module)
}

/// A descriptor: internal, neither reversible nor ever automatic, with the limits of messages.
fn described(name: &str, params: &Value) -> Capability {
    let module = name.split('.').next().unwrap_or_default();
    Capability {
        name: name.into(),
        seq: 0,
        version: "1".into(),
        module: module.into(),
        params: JsonText::of(params),
        sensitivity: Sensitivity::Internal,
        connectors: Vec::new(),
        reversible: false,
        idempotent: true,
        auto_approvable: false, // a key that only submits would else do what its scopes do not open
        undo_window_s: 0,
        timeout_s: TIMEOUT_S,
        concurrency: CONCURRENCY,
        preview_template: "".into(),
        endpoint: None,
        generation: 0,
        created_by: "system".into(),
        created_at: Timestamp(0),
    }
}

/// The whole of one that names nothing of the organisation and has no size.
fn whole(capability: Capability, preview: fn(&TenantState, &Value) -> Preview, runs: Runs) -> BuiltIn {
    let schema = Schema::compile(&capability.params.value(), "/params").expect("our own schemas are read in a test");
    BuiltIn { capability, schema, check: |_, _| Ok(()), preview, measures: |_| (None, None), runs }
}

/// The schema of an object with these properties and no others.
fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// Text of 1 to so many characters with something in it.
fn text(chars_max: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": chars_max, "pattern": "\\S" })
}

/// Reads a payload that was checked by the schema.
fn read<T: DeserializeOwned>(payload: &Value) -> Result<T, Rejection> {
    T::deserialize(payload).map_err(|error| Rejection::invalid("/payload", format!("does not fit: {error}")))
}

/// A refusal with its places below `/payload`.
fn within_payload(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Invalid(faults) => {
            let moved = |fault: Fault| Fault::new(format!("/payload{}", fault.pointer), fault.detail);
            Rejection::Invalid(faults.into_iter().map(moved).collect())
        }
        Rejection::UnknownVenue { .. } => Rejection::UnknownVenue { pointer: "/payload/venue_id" },
        other => other,
    }
}

/// A preview of ours.
fn shown(summary: String) -> Preview {
    Preview { summary, source: "built_in".into(), ..Preview::default() }
}

/// A text of the payload, or nothing.
fn said<'a>(payload: &'a Value, name: &str) -> &'a str {
    payload[name].as_str().unwrap_or_default()
}

/// An id of ours in the payload.
fn id_in(payload: &Value, name: &str) -> Option<Uuid> {
    said(payload, name).parse().ok()
}

/// ` at VENUE`, where one is named.
fn at_venue(venue: Option<&str>) -> String {
    venue.map(|venue| format!(" at {venue}")).unwrap_or_default()
}

/// A name for lists of places.
fn name_of(text: &str) -> Arc<str> {
    text.into()
}

#[cfg(test)]
mod tests;

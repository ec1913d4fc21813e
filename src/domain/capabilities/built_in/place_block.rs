//! `blocks.place`: an entity may not do an operation any more. Undone by lifting that block.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lift_block::{about_lift, lifted};
use super::{
    About, BuiltIn, Done, Effect, Preview, Runs, UndoEffect, at_venue, described, id_in, object, read, said, shown,
};
use super::{UNDO_WINDOW_S, text, whole, within_payload};
use crate::domain::blocks::check::parse_amount;
use crate::domain::blocks::place::{PlaceBlock, REASON_CHARS_MAX};
use crate::domain::blocks::{Block, BlockKey, OnError};
use crate::domain::capabilities::Capability;
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Its name.
const NAME: &str = "blocks.place";

pub(super) fn built_in() -> BuiltIn {
    let id = || text(128);
    let params = object(
        json!({
            "block_type": id(), "entity_id": id(), "entity_type": id(), "reason": text(REASON_CHARS_MAX), "venue_id": id(),
            "override_required": { "type": "boolean" }, "override_authority": id(),
            "limit": { "type": "object", "additionalProperties": false, "required": ["amount"],
                "properties": { "amount": { "type": "number", "minimum": 0 } } },
            "on_error": { "enum": ["open", "closed", "limit"] },
            "expires_at": { "type": "string", "format": "date-time" },
            "violation_id": { "type": "string", "format": "uuid" },
        }),
        &["block_type", "entity_id", "entity_type", "reason"],
    );
    let capability = Capability { reversible: true, undo_window_s: UNDO_WINDOW_S, ..described(NAME, &params) };
    let undo = UndoEffect { about: about_undo, preview: preview_undo, apply: undo };
    whole(capability, preview, Runs::Here(Effect { about, apply, undo: Some(undo) }))
}

#[derive(Deserialize)]
struct Payload {
    block_type: String,
    entity_id: String,
    entity_type: String,
    reason: String,
    venue_id: Option<String>,
    override_required: Option<bool>,
    override_authority: Option<String>,
    limit: Option<LimitIn>,
    on_error: Option<OnError>,
    expires_at: Option<Timestamp>,
    violation_id: Option<Uuid>,
}

#[derive(Deserialize)]
struct LimitIn {
    amount: serde_json::Number,
}

fn placed(payload: &Value, state: &TenantState, context: &mut Context<'_>) -> Result<Block, Rejection> {
    let asked: Payload = read(payload)?;
    let amount = |limit: LimitIn| parse_amount(&limit.amount.to_string());
    let limit = asked.limit.map(amount).transpose();
    let limit = limit.map_err(|detail| Rejection::invalid("/payload/limit/amount", detail))?;
    let command = PlaceBlock {
        block_type: asked.block_type,
        entity_id: asked.entity_id,
        entity_type: asked.entity_type,
        reason: asked.reason,
        venue_id: asked.venue_id,
        override_required: asked.override_required,
        override_authority: asked.override_authority,
        limit,
        on_error: asked.on_error,
        expires_at: asked.expires_at,
        violation_id: asked.violation_id,
    };
    command.checked(state, context).map_err(within_payload)
}

fn about(payload: &Value, state: &TenantState, context: &mut Context<'_>) -> Result<About, Rejection> {
    let block = placed(payload, state, context)?;
    // Whoever is blocked does not decide about it, although it is nothing that they would ask for.
    Ok(About { authority: None, beneficiary: Some(block.key.entity_id), subject: None, venue_id: block.venue_id })
}

fn apply(payload: &Value, _: &Held, state: &TenantState, context: &mut Context<'_>) -> Result<Done, Rejection> {
    let block = placed(payload, state, context)?;
    let id = json!({ "block_id": block.id });
    Ok(Done { events: vec![Event::BlockPlaced(Box::new(block))], result: id.clone(), undo_payload: Some(id) })
}

fn preview(state: &TenantState, payload: &Value) -> Preview {
    let (operation, entity, venue) =
        (said(payload, "block_type"), said(payload, "entity_id"), payload["venue_id"].as_str());
    let limit = payload["limit"]["amount"].as_number().map(|amount| format!(" above {amount}")).unwrap_or_default();
    let until = payload["expires_at"].as_str().map(|at| format!(" until {at}")).unwrap_or_default();
    let reason = said(payload, "reason");
    let after = format!("blocked{limit}{until}: {reason}");
    let summary = format!("{entity} may not do {operation}{limit}{} any more{until}: {reason}", at_venue(venue));
    Preview { before: Some(standing(state, operation, entity)), after: Some(after), ..shown(summary) }
}

/// How the entity stands with the operation: what blocks are written down as standing.
fn standing(state: &TenantState, operation: &str, entity: &str) -> String {
    let Ok(entity_id) = OutsideId::parse(entity) else { return "not blocked".into() };
    let key = BlockKey { block_type: operation.into(), entity_id };
    let reasons: Vec<&str> = state.blocks.standing(&key).take(3).map(|block| &*block.reason).collect();
    if reasons.is_empty() { "not blocked".into() } else { format!("blocked: {}", reasons.join("; ")) }
}

fn about_undo(payload: &Value, state: &TenantState, context: &mut Context<'_>) -> Result<About, Rejection> {
    about_lift(id_in(payload, "block_id"), state, context)
}

fn undo(payload: &Value, held: &Held, state: &TenantState, context: &mut Context<'_>) -> Result<Done, Rejection> {
    let done = lifted(id_in(payload, "block_id"), "Its placement was undone", held, state, context)?;
    Ok(Done { undo_payload: None, ..done })
}

fn preview_undo(state: &TenantState, payload: &Value) -> Preview {
    super::lift_block::preview_of(state, id_in(payload, "block_id"), "its placement is undone")
}

//! `blocks.lift`: an entity may do an operation again. Undone by placing the same block anew.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    About, BuiltIn, Done, Effect, Preview, Runs, UNDO_WINDOW_S, UndoEffect, at_venue, described, id_in, object,
};
use super::{said, shown, text, whole};
use crate::domain::blocks::Block;
use crate::domain::blocks::lift::{expect_active, is_enough};
use crate::domain::blocks::place::REASON_CHARS_MAX;
use crate::domain::capabilities::Capability;
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// Its name.
const NAME: &str = "blocks.lift";

pub(super) fn built_in() -> BuiltIn {
    let properties = json!({ "block_id": { "type": "string", "format": "uuid" }, "reason": text(REASON_CHARS_MAX) });
    let params = object(properties, &["block_id", "reason"]);
    let capability = Capability { reversible: true, undo_window_s: UNDO_WINDOW_S, ..described(NAME, &params) };
    let undo = UndoEffect { about: about_undo, preview: preview_undo, apply: undo };
    whole(capability, preview, Runs::Here(Effect { about, apply, undo: Some(undo) }))
}

fn about(payload: &Value, state: &TenantState, context: &mut Context<'_>) -> Result<About, Rejection> {
    about_lift(id_in(payload, "block_id"), state, context)
}

fn apply(payload: &Value, held: &Held, state: &TenantState, context: &mut Context<'_>) -> Result<Done, Rejection> {
    lifted(id_in(payload, "block_id"), said(payload, "reason"), held, state, context)
}

fn preview(state: &TenantState, payload: &Value) -> Preview {
    preview_of(state, id_in(payload, "block_id"), said(payload, "reason"))
}

/// A block that the caller may see and that holds.
fn active<'a>(id: Option<Uuid>, state: &'a TenantState, context: &Context<'_>) -> Result<&'a Block, Rejection> {
    let id = id.ok_or_else(|| Rejection::invalid("/payload/block_id", "is not the id of a block"))?;
    let block = state.block_for(&id, context.caller)?;
    expect_active(block, context.now)?;
    Ok(block)
}

/// What lifting a block is about: it takes the block's authority, and the blocked person has no part in it.
pub(super) fn about_lift(id: Option<Uuid>, state: &TenantState, context: &Context<'_>) -> Result<About, Rejection> {
    let block = active(id, state, context)?;
    Ok(About {
        authority: Some(block.authority(state.organisation())),
        beneficiary: Some(block.key.entity_id.clone()),
        subject: Some(block.id),
        venue_id: block.venue_id.clone(),
    })
}

/// Lifts a block with this authority.
pub(super) fn lifted(
    id: Option<Uuid>,
    reason: &str,
    held: &Held,
    state: &TenantState,
    context: &Context<'_>,
) -> Result<Done, Rejection> {
    let block = active(id, state, context)?;
    if !is_enough(block, state, held) {
        return Err(Rejection::InsufficientAuthority { needed: block.authority(state.organisation()) });
    }
    let id = json!({ "block_id": block.id });
    let events = vec![block.lifted(context.label(), reason.into())];
    Ok(Done { events, result: id.clone(), undo_payload: Some(id) })
}

/// What lifting a block changes.
pub(super) fn preview_of(state: &TenantState, id: Option<Uuid>, reason: &str) -> Preview {
    let Some(block) = id.and_then(|id| state.blocks.get(&id)) else {
        return shown("Lift a block that is not there".into());
    };
    let (operation, entity) = (&block.key.block_type, &block.key.entity_id);
    let venue = at_venue(block.venue_id.as_ref().map(OutsideId::as_str));
    let summary = format!("{entity} may do {operation}{venue} again: {reason}");
    let before = Some(format!("blocked: {}", block.reason));
    Preview { before, after: Some("not blocked by it".into()), ..shown(summary) }
}

/// The block that a lift ended, which can be placed again.
fn ended<'a>(payload: &Value, state: &'a TenantState, context: &Context<'_>) -> Result<&'a Block, Rejection> {
    let id = id_in(payload, "block_id").ok_or(Rejection::NotFound)?;
    let block = state.block_for(&id, context.caller)?;
    if let Some(at) = block.expires_at.filter(|at| *at <= context.now) {
        return Err(Rejection::BlockExpired { at });
    }
    let violation = block.violation_id.filter(|_| block.auto_lift_on_resolve).and_then(|id| state.violations.get(&id));
    match violation.and_then(|violation| violation.resolved.as_ref()) {
        Some(mark) => Err(Rejection::AlreadyResolved { at: mark.at }),
        None => Ok(block),
    }
}

fn about_undo(payload: &Value, state: &TenantState, context: &mut Context<'_>) -> Result<About, Rejection> {
    let block = ended(payload, state, context)?;
    let (beneficiary, venue_id) = (Some(block.key.entity_id.clone()), block.venue_id.clone());
    Ok(About { authority: None, beneficiary, subject: None, venue_id })
}

fn undo(payload: &Value, _: &Held, state: &TenantState, context: &mut Context<'_>) -> Result<Done, Rejection> {
    let block = ended(payload, state, context)?;
    let again = Block { id: context.ids.next_id(), seq: 0, placed_at: context.now, lifted: None, ..block.clone() };
    let result = json!({ "block_id": again.id });
    Ok(Done { events: vec![Event::BlockPlaced(Box::new(again))], result, undo_payload: None })
}

fn preview_undo(state: &TenantState, payload: &Value) -> Preview {
    let Some(block) = id_in(payload, "block_id").and_then(|id| state.blocks.get(&id)) else {
        return shown("Place a block again that is not there".into());
    };
    let (operation, entity) = (&block.key.block_type, &block.key.entity_id);
    let venue = at_venue(block.venue_id.as_ref().map(OutsideId::as_str));
    let summary = format!("{entity} may not do {operation}{venue} any more, as before the lift: {}", block.reason);
    let after = Some(format!("blocked: {}", block.reason));
    Preview { before: Some("not blocked by it".into()), after, ..shown(summary) }
}

//! Lifting a block: with a reason, by enough authority, never by the blocked person.

use uuid::Uuid;

use super::Block;
use super::place::REASON_CHARS_MAX;
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::ids::UserId;
use crate::domain::people::{Caller, Held};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Lifts a block.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct LiftBlock {
    pub id: Uuid,
    pub lift_reason: String,
}

impl LiftBlock {
    /// Decides; the second lift is refused.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let block = state.block_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        faults.expect(!self.lift_reason.trim().is_empty(), "/lift_reason", "is empty");
        faults.text("/lift_reason", Some(&self.lift_reason), REASON_CHARS_MAX);
        faults.done()?;
        expect_active(block, context.now)?;
        expect_authority(block, state, context.caller)?;
        let event = block.lifted(context.label(), self.lift_reason.into());
        Ok(Decision { events: vec![event], answer: Answer::Block(self.id) })
    }
}

/// That a block holds.
///
/// # Errors
/// [`Rejection::AlreadyLifted`], [`Rejection::BlockExpired`].
pub fn expect_active(block: &Block, now: Timestamp) -> Result<(), Rejection> {
    if let Some(lift) = &block.lifted {
        return Err(Rejection::AlreadyLifted { at: lift.at });
    }
    match block.expires_at.filter(|at| block.expired || *at <= now) {
        Some(at) => Err(Rejection::BlockExpired { at }),
        None => Ok(()),
    }
}

/// Whether this caller may lift this block.
fn expect_authority(block: &Block, state: &TenantState, caller: &Caller) -> Result<(), Rejection> {
    if caller.cause.who.person() == Some(&block.key.entity_id) {
        return Err(Rejection::OwnBlock);
    }
    if !caller.covers(block.venue_id.as_ref()) {
        return Err(Rejection::VenueNotAllowed);
    }
    if is_enough(block, state, &caller.held) {
        return Ok(());
    }
    Err(Rejection::InsufficientAuthority { needed: block.authority(state.organisation()) })
}

/// Whether somebody of this authority could lift a block, and so may keep it from being placed.
pub fn reaches(block: &Block, state: &TenantState, held: &Held, person: Option<&UserId>) -> bool {
    person != Some(&block.key.entity_id) && is_enough(block, state, held)
}

/// Whether this authority lifts a block.
pub fn is_enough(block: &Block, state: &TenantState, held: &Held) -> bool {
    let organisation = state.organisation();
    let named_by_none = *held == Held::Nothing && block.override_authority.is_none();
    named_by_none || organisation.is_enough(held, &block.authority(organisation))
}

#[cfg(test)]
mod tests;

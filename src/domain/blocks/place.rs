//! Placing a block, by hand or for a template, and the end of its time.

use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::grants::TIME_OVER;
use super::{Block, BlockKey, OnError, parse_block_type};
use crate::domain::approvals::expiry::overdue;
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::notifications::digest;
use crate::domain::people::Authority;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::violations::quiet;

/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 4_000;

/// Places a block by hand.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct PlaceBlock {
    pub block_type: String,
    pub entity_id: String,
    pub entity_type: String,
    pub reason: String,
    pub venue_id: Option<String>,
    pub override_required: Option<bool>,
    pub override_authority: Option<String>,
    pub limit: Option<Decimal>,
    pub on_error: Option<OnError>,
    pub expires_at: Option<Timestamp>,
    pub violation_id: Option<Uuid>,
}

impl PlaceBlock {
    /// Decides a placement.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let block = self.checked(state, context)?;
        let id = block.id;
        Ok(Decision { events: vec![Event::BlockPlaced(Box::new(block))], answer: Answer::Placed(id) })
    }

    /// The block as it will be.
    ///
    /// # Errors
    /// [`Rejection::Invalid`], [`Rejection::UnknownVenue`], [`Rejection::VenueNotAllowed`]; [`Rejection::NotFound`] and
    /// [`Rejection::AlreadyResolved`] for its violation.
    pub fn checked(self, state: &TenantState, context: &mut Context<'_>) -> Result<Block, Rejection> {
        let mut faults = Faults::default();
        let block_type = faults.take("/block_type", parse_block_type(&self.block_type));
        let entity_id = faults.take("/entity_id", OutsideId::parse(&self.entity_id));
        let entity_type = faults.take("/entity_type", OutsideId::parse(&self.entity_type));
        let venue_id = self.venue_id.as_ref().and_then(|text| faults.take("/venue_id", OutsideId::parse(text)));
        faults.expect(!self.reason.trim().is_empty(), "/reason", "is empty");
        faults.text("/reason", Some(&self.reason), REASON_CHARS_MAX);
        faults.expect(self.limit.is_none_or(|limit| !limit.is_sign_negative()), "/limit/amount", "is below 0");
        faults.expect(self.expires_at.is_none_or(|at| at > context.now), "/expires_at", "is not in the future");
        let override_authority = self.override_authority.map(|name| Authority::named(&name));
        let on_ladder = override_authority.as_ref().is_none_or(|rung| state.organisation().rank(rung).is_some());
        faults.expect(on_ladder, "/override_authority", "is not on the organisation's authority ladder");
        faults.done()?;
        let (Some(block_type), Some(entity_id), Some(entity_type)) = (block_type, entity_id, entity_type) else {
            return Err(Rejection::invalid("", "is incomplete"));
        };
        state.expect_venue("/venue_id", venue_id.as_ref(), context)?;
        if let Some(violation) = &self.violation_id {
            let violation = state.violation_for(violation, context.caller)?;
            if let Some(mark) = &violation.resolved {
                return Err(Rejection::AlreadyResolved { at: mark.at });
            }
        }
        Ok(Block {
            id: context.ids.next_id(),
            seq: 0, // given when the event is applied
            violation_id: self.violation_id,
            key: BlockKey { block_type, entity_id },
            entity_type: entity_type.as_str().into(),
            venue_id,
            reason: self.reason.into(),
            override_required: self.override_required.unwrap_or(override_authority.is_some()),
            override_authority,
            limit: self.limit,
            on_error: self.on_error.unwrap_or_default(),
            auto_lift_on_resolve: true,
            placed_by: context.label(),
            placed_at: context.now,
            expires_at: self.expires_at,
            expired: false,
            lifted: None,
        })
    }
}

/// Writes down what is over by now, blocks and what is quiet; the scheduler sends it.
#[derive(Clone, Debug)]
pub struct Tick {
    /// The most that one tick ends.
    pub at_most: usize,
}

impl Tick {
    /// Decides which blocks, grants, requests and violations are over.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let over = state.blocks.expired_by(context.now).take(self.at_most);
        let mut events: Vec<Event> = over
            .map(|block| Event::BlockExpired { id: block.id, venue_id: block.venue_id.clone(), key: block.key.clone() })
            .collect();
        let expired = events.len();
        events.extend(state.grants.over(context.now).take(self.at_most).map(|grant| grant.ended(TIME_OVER.into())));
        events.extend(overdue(state, context.now, self.at_most));
        let (quiet, resolved) = quiet::over(state, context)?;
        events.extend(quiet);
        events.extend(digest::due(state, context, self.at_most));
        Ok(Decision { events, answer: Answer::Ticked { expired, resolved } })
    }
}

/// Who placed a block that a template asked for.
pub fn placed_by_template(template: &Uuid) -> Arc<str> {
    format!("template:{template}").into()
}

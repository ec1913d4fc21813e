//! What follows for requests and grants when what they are about changes, whoever changed it: it is added to every decision in one place,
//! so that no way of lifting or placing a block can forget it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Approval;
use super::facts::Closed;
use super::machine::{self, Move};
use crate::domain::blocks::grants::Grant;
use crate::domain::blocks::{Block, BlockKey};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::state::TenantState;
use uuid::Uuid;

/// Adds what follows from these events.
pub fn follow(state: &TenantState, context: &Context<'_>, events: &mut Vec<Event>) {
    let mut more = Vec::new();
    for event in events.iter() {
        match event {
            Event::BlockLifted { id, key, .. } => gone(state, context, id, key, "the block was lifted", &mut more),
            Event::BlockExpired { id, key, .. } => gone(state, context, id, key, "the block expired", &mut more),
            Event::BlockPlaced(block) => outranked(state, context, block, &mut more),
            Event::ViolationResolved { id, .. } => {
                more.extend(cancelled_about(state, context, id, &"the violation was resolved".into()));
            }
            _ => {}
        }
    }
    // What a request did itself is no reason to cancel it.
    let carried_out: HashSet<Uuid> = events.iter().filter_map(executed).collect();
    more.retain(|event| !matches!(event, Event::ApprovalClosed(closed) if carried_out.contains(&closed.id)));
    let mut ended = HashSet::new();
    more.retain(|event| !matches!(event, Event::GrantEnded { id, .. } if !ended.insert(*id)));
    events.append(&mut more);
}

/// A block that holds no more takes its grants and the requests about it along.
fn gone(state: &TenantState, context: &Context<'_>, block: &Uuid, key: &BlockKey, reason: &str, more: &mut Vec<Event>) {
    let reason: Arc<str> = reason.into();
    let grants = state.grants.of_key(key).filter(|grant| grant.block_id == *block && grant.is_open(context.now));
    more.extend(grants.map(|grant| grant.ended(reason.clone())));
    more.extend(cancelled_about(state, context, block, &reason));
}

/// The requests that wait for a decision about something that is gone.
fn cancelled_about(
    state: &TenantState,
    context: &Context<'_>,
    subject: &Uuid,
    reason: &Arc<str>,
) -> impl Iterator<Item = Event> {
    let waiting = state.approvals.waiting_about(subject).filter(|approval| approval.is_waiting(context.now));
    waiting.filter_map(|approval| cancelled(approval, context, reason))
}

fn executed(event: &Event) -> Option<Uuid> {
    match event {
        Event::ApprovalExecuted(executed) => Some(executed.id),
        _ => None,
    }
}

/// A grant opens no block that its giver could not have overridden.
fn outranked(state: &TenantState, context: &Context<'_>, block: &Block, more: &mut Vec<Event>) {
    let organisation = state.organisation();
    let needs = organisation.strictness(&block.authority(organisation));
    let meets =
        |grant: &Grant| grant.venue_id.is_none() || block.venue_id.is_none() || grant.venue_id == block.venue_id;
    let below = |grant: &Grant| organisation.rank(&grant.authority).is_none_or(|held| held < needs);
    let over = |grant: &Grant| !block.override_required || below(grant);
    let grants = state.grants.of_key(&block.key);
    let over = grants.filter(|grant| grant.is_open(context.now) && meets(grant) && over(grant));
    more.extend(over.map(|grant| grant.ended("a stricter block was placed".into())));
}

fn cancelled(approval: &Approval, context: &Context<'_>, reason: &Arc<str>) -> Option<Event> {
    let status = machine::next(approval.status, Move::Cancel)?;
    Some(Event::ApprovalClosed(Box::new(Closed {
        id: approval.id,
        venue_id: approval.venue_id.clone(),
        status,
        by: context.label(),
        via: context.caller.cause.via,
        reason: Some(reason.clone()),
    })))
}

//! Requests whose time is over.

use super::facts::Closed;
use super::machine::{self, Move};
use super::{Approval, Status};
use crate::domain::event::Event;
use crate::domain::people::Via;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// The events that end what nobody decided or ran in time; at most so many.
pub fn overdue(state: &TenantState, now: Timestamp, at_most: usize) -> Vec<Event> {
    state.approvals.overdue(now).take(at_most).filter_map(expired).collect()
}

/// The event that ends a request whose time is over.
pub fn expired(approval: &Approval) -> Option<Event> {
    let status = machine::next(approval.status, Move::Expire)?;
    let undecided = approval.status == Status::Pending && approval.decide_by == approval.deadline();
    let reason = if undecided { "nobody decided in time" } else { "it could not run in time" };
    Some(Event::ApprovalClosed(Box::new(Closed {
        id: approval.id,
        venue_id: approval.venue_id.clone(),
        status,
        by: "schedule".into(),
        via: Via::Schedule,
        reason: Some(reason.into()),
    })))
}

//! Requests whose time is over.

use super::machine::{self, Move};
use super::{Closed, Status};
use crate::domain::event::Event;
use crate::domain::people::Via;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// The events that end what nobody decided in time; at most so many.
pub fn overdue(state: &TenantState, now: Timestamp, at_most: usize) -> Vec<Event> {
    let over = state.approvals.overdue(now).take(at_most);
    over.filter_map(|approval| {
        let status = machine::next(approval.status, Move::Expire)?;
        debug_assert_eq!(status, Status::Expired);
        Some(Event::ApprovalClosed(Box::new(Closed {
            id: approval.id,
            venue_id: approval.venue_id.clone(),
            status,
            by: "schedule".into(),
            via: Via::Schedule,
            reason: Some("nobody decided in time".into()),
        })))
    })
    .collect()
}

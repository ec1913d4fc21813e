//! Taking a request back.

use uuid::Uuid;

use super::decide::{COMMENT_CHARS_MAX, is_assigned};
use super::facts::Closed;
use super::machine::{self, Move};
use super::{Approval, Status, Step};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::people::{Caller, Held, Who};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;

/// Cancels a request that was not carried out.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct CancelApproval {
    pub id: Uuid,
    pub reason: Option<String>,
}

impl CancelApproval {
    /// Decides: whoever asked may, and a person who could decide it or stands above all. What runs is not stopped any more.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let approval = state.approval_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        faults.text("/reason", self.reason.as_deref(), COMMENT_CHARS_MAX);
        faults.done()?;
        if !takes_part(approval, state, context.caller) {
            return Err(Rejection::NotYourRequest);
        }
        if approval.status == Status::Executing {
            return Err(Rejection::AlreadyRunning);
        }
        if approval.deadline().is_some_and(|at| at <= context.now) {
            return Err(Rejection::ApprovalExpired);
        }
        let status = machine::next(approval.status, Move::Cancel)
            .ok_or(Rejection::AlreadyDecided { status: approval.status.name() })?;
        let closed = Closed {
            id: approval.id,
            venue_id: approval.venue_id.clone(),
            status,
            by: context.label(),
            via: context.caller.cause.via,
            reason: self.reason.map(Into::into),
        };
        Ok(Decision { events: vec![Event::ApprovalClosed(Box::new(closed))], answer: Answer::Approval(self.id) })
    }
}

/// Whether it is this caller's to take back, to change and to run again: who asked for it, and people who could decide it.
pub fn takes_part(approval: &Approval, state: &TenantState, caller: &Caller) -> bool {
    let who = &caller.cause.who;
    let asked = match (&approval.requester, who.person()) {
        (Some(requester), person) => person == Some(requester),
        (None, _) => *approval.created_by == *who.label(),
    };
    if asked {
        return true;
    }
    // A key could keep every request from being carried out: only people take back what others asked for.
    let (Who::Person(_), true) = (who, caller.covers(approval.venue_id.as_ref())) else { return false };
    let decides = |step: &Step| is_assigned(&step.who, state.organisation(), caller);
    let current = approval.current_step().map(|(_, step)| step);
    let decides = match current {
        Some(step) => decides(step),
        None => approval.steps.iter().any(decides),
    };
    decides || caller.held == Held::Top
}

//! Running once more what failed.

use std::sync::Arc;

use uuid::Uuid;

use super::cancel::takes_part;
use super::decide::COMMENT_CHARS_MAX;
use super::facts::Retried;
use super::machine::{self, Move};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::people::Who;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;

/// Lets a failed request run once more, through the claim with all that it checks.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RetryApproval {
    pub id: Uuid,
    pub reason: Option<String>,
}

impl RetryApproval {
    /// Decides: people only, who asked or could decide.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let approval = state.approval_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        faults.text("/reason", self.reason.as_deref(), COMMENT_CHARS_MAX);
        faults.done()?;
        let Who::Person(_) = &context.caller.cause.who else { return Err(Rejection::PeopleOnly) };
        if !takes_part(approval, state, context.caller) {
            return Err(Rejection::NotYourRequest);
        }
        machine::moved(approval.status, Move::Retry)?;
        if approval.run_by.is_some_and(|at| at <= context.now) {
            return Err(Rejection::ApprovalExpired);
        }
        let retried = Retried {
            id: approval.id,
            venue_id: approval.venue_id.clone(),
            by: context.label(),
            via: context.caller.cause.via,
            reason: self.reason.filter(|text| !text.trim().is_empty()).map(Arc::from),
        };
        Ok(Decision { events: vec![Event::ApprovalRetried(Box::new(retried))], answer: Answer::Approval(self.id) })
    }
}

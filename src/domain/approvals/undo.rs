//! Taking back what was done: a new request with what the capability recorded for that, scored and decided like any other.

use uuid::Uuid;

use super::compose::{self, Draft};
use super::decide::COMMENT_CHARS_MAX;
use super::machine::{self, Move};
use super::{Approval, Source, Status};
use crate::domain::capabilities::{self, Preview};
use crate::domain::decision::{Context, Decision};
use crate::domain::json::JsonText;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Asks to take back what a request did.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct UndoApproval {
    /// What is to be taken back.
    pub id: Uuid,
    pub reason: Option<String>,
    /// What the module said it would do, where it was asked.
    pub preview: Option<Preview>,
}

impl UndoApproval {
    /// Decides: it did something that can still be taken back, and nobody else is about to.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let original = state.approval_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        faults.text("/reason", self.reason.as_deref(), COMMENT_CHARS_MAX);
        faults.done()?;
        machine::moved(original.status, Move::Undo)?;
        let payload = undo_payload(original, context.now)?;
        if state.approvals.undos_of(&self.id).any(is_open) {
            return Err(Rejection::NotUndoable { why: "another undo of it is open" });
        }
        let capability = capabilities::find(state, &original.capability).ok_or(Rejection::UnknownCapability)?;
        let draft = Draft {
            preview: self.preview,
            venue_id: original.venue_id.clone(),
            owner: original.owner.clone(),
            undo_of: Some(original),
            reason: self.reason.filter(|text| !text.trim().is_empty()),
            ..Draft::new(Source::Undo, capability, payload.value())
        };
        compose::submitted(draft, state, context)
    }
}

/// What takes it back, while it can be.
fn undo_payload(original: &Approval, now: Timestamp) -> Result<&JsonText, Rejection> {
    let run = original.execution.as_ref();
    let payload = run.and_then(|run| run.undo_payload.as_ref());
    let until = run.and_then(|run| run.undoable_until);
    match (payload, until) {
        (Some(payload), Some(until)) if until > now => Ok(payload),
        (Some(_), Some(_)) => Err(Rejection::NotUndoable { why: "the time for that is over" }),
        _ => Err(Rejection::NotUndoable { why: "nothing was recorded that takes it back" }),
    }
}

/// Whether an undo may still come to something.
fn is_open(undo: &Approval) -> bool {
    match undo.status {
        Status::Pending | Status::Approved | Status::Scheduled | Status::Executing | Status::InDoubt => true,
        Status::Executed
        | Status::Undone
        | Status::Rejected
        | Status::Cancelled
        | Status::Expired
        | Status::Failed
        | Status::Skipped => false,
    }
}

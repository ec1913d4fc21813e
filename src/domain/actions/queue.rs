//! Working the queue: what an attempt came to, dismissing, trying again.

use std::sync::Arc;

use uuid::Uuid;

use super::notice::NoticeKind;
use super::retry::next_delay_ms;
use super::{Action, ActionType, Attempt, AttemptOutcome, Attempted, ExecutionStatus, escalation, notice};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::violations::Violation;

/// The most attempts that an action keeps on its list; the schedule gives up long before.
pub const ATTEMPTS_MAX: usize = 100;

/// Reports what an attempt at a delivery came to.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RecordAttempt {
    pub id: Uuid,
    /// The step of an escalation that it was for; the current one when absent.
    pub step: Option<Uuid>,
    pub outcome: AttemptOutcome,
    pub detail: String,
    /// How long the receiver asked us to wait, in milliseconds.
    pub asked_ms: Option<i64>,
}

impl RecordAttempt {
    /// Decides what follows: delivered, tried again later, or failed for good. An attempt at an action that is no longer
    /// pending is written down and changes its status only when it arrived after all; then who got it hears of the end too.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let action = state.actions.get(&self.id).ok_or(Rejection::NotFound)?;
        let (id, step, arrived) = (self.id, self.step, self.outcome == AttemptOutcome::Delivered);
        let mut events = match &action.escalation {
            Some(escalation) => escalation::attempted(self, action, escalation, context),
            None => vec![self.plain(action, context)],
        };
        if arrived && let Some(violation) = state.violations.get(&action.violation_id) {
            events.extend(notice::of_end_after_all(violation, action, step, state, context));
            events.extend(notice::of_return_after_all(violation, action, context));
        }
        Ok(Decision { events, answer: Answer::Action(id) })
    }

    fn plain(self, action: &Action, context: &Context<'_>) -> Event {
        let failed = action.failures as usize + 1;
        let wait = match self.outcome {
            AttemptOutcome::Retry if action.is_pending() && action.attempts.len() < ATTEMPTS_MAX => {
                next_delay_ms(failed, self.asked_ms, context.ids.jitter())
            }
            AttemptOutcome::Retry | AttemptOutcome::Delivered | AttemptOutcome::Refused => None,
        };
        let (status, reason) = match (self.outcome, wait) {
            (AttemptOutcome::Delivered, _) => (ExecutionStatus::Delivered, None),
            _ if !action.is_pending() => (action.status, None),
            (AttemptOutcome::Refused, _) => (ExecutionStatus::Failed, Some(format!("refused: {}", self.detail).into())),
            (AttemptOutcome::Retry, Some(_)) => (ExecutionStatus::Pending, None),
            (AttemptOutcome::Retry, None) => {
                (ExecutionStatus::Failed, Some(format!("gave up after {failed} attempts: {}", self.detail).into()))
            }
        };
        let attempt = Attempt {
            at: context.now,
            outcome: self.outcome,
            detail: self.detail.into(),
            next_at: wait.map(|ms| context.now.plus_ms(ms)),
        };
        let venue_id = action.venue_id.clone();
        Event::ActionAttempted(Box::new(Attempted { id: self.id, venue_id, step: None, attempt, status, reason }))
    }
}

/// Takes an action off the queue.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct DismissAction {
    pub id: Uuid,
    pub reason: Option<String>,
}

impl DismissAction {
    /// Decides; only what is pending or failed can be dismissed.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let mut faults = Faults::default();
        faults.text("/reason", self.reason.as_deref(), 4_000);
        faults.done()?;
        let action = state.action_for(&self.id, context.caller)?;
        match action.status {
            ExecutionStatus::Pending | ExecutionStatus::Failed => {}
            status @ (ExecutionStatus::Delivered | ExecutionStatus::Dismissed) => {
                return Err(Rejection::ActionNotOpen { status: status.name() });
            }
        }
        let by = context.label();
        let reason: Arc<str> = self.reason.map_or_else(|| format!("dismissed by {by}").into(), Into::into);
        Ok(Decision { events: vec![action.dismissed(reason, &by)], answer: Answer::Action(self.id) })
    }
}

/// Makes an action due now, with a fresh schedule.
#[derive(Clone, Debug)]
pub struct RetryAction {
    /// The action.
    pub id: Uuid,
}

impl RetryAction {
    /// Decides; what is pending, dismissed, or was failed by delivery can be tried again, and only while its violation is open:
    /// resolving it has ended its actions. What kept a block from being placed is not undone by a retry.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let action = state.action_for(&self.id, context.caller)?;
        match action.status {
            ExecutionStatus::Pending | ExecutionStatus::Failed | ExecutionStatus::Dismissed => {}
            status @ ExecutionStatus::Delivered => return Err(Rejection::ActionNotOpen { status: status.name() }),
        }
        let places = matches!(action.action_type, ActionType::Block | ActionType::RequireOverride);
        if places && action.suppressed.is_some() {
            return Err(Rejection::ActionNotOpen {
                status: "dismissed as silenced or inhibited, and places no block later",
            });
        }
        let never_tried = action.attempts.is_empty() && action.escalation.is_none();
        if never_tried && action.status == ExecutionStatus::Failed {
            return Err(Rejection::ActionNotOpen {
                status: "failed before any attempt: its target or entity was missing",
            });
        }
        if action.action_type != ActionType::Notice
            && let Some(mark) =
                state.violations.get(&action.violation_id).and_then(|violation| violation.resolved.as_ref())
        {
            return Err(Rejection::AlreadyResolved { at: mark.at });
        }
        let violation = state.violations.get(&action.violation_id);
        if action.notice == Some(NoticeKind::Resolved) && violation.is_some_and(Violation::is_open) {
            return Err(Rejection::ActionNotOpen { status: "a notice of an end that was taken back" });
        }
        if action.escalation.is_some() && violation.is_some_and(|one| one.acknowledged.is_some()) {
            return Err(Rejection::ActionNotOpen { status: "an escalation of what is acknowledged" });
        }
        Ok(Decision { events: vec![action.requeued(context.now, &context.label())], answer: Answer::Action(self.id) })
    }
}

#[cfg(test)]
mod tests;

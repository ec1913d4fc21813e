//! What an attempt at one rung's notification comes to, and how the steps of an escalation are folded.

use std::sync::Arc;

use super::{Escalated, Escalation, Step, Stopped};
use crate::domain::actions::queue::{ATTEMPTS_MAX, RecordAttempt};
use crate::domain::actions::retry::next_delay_ms;
use crate::domain::actions::{Action, Attempt, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::time::Timestamp;

/// Decides what follows an attempt at a step. A current step that cannot be told hands over to the next rung at once.
pub fn attempted(
    attempt: RecordAttempt,
    action: &Action,
    escalation: &Escalation,
    context: &mut Context<'_>,
) -> Vec<Event> {
    let wanted = attempt.step.or_else(|| escalation.current().map(|step| step.id));
    let Some(step) = escalation.steps.iter().find(|step| Some(step.id) == wanted) else { return Vec::new() };
    let current = escalation.current().is_some_and(|last| last.id == step.id);
    let runs = current && action.is_pending() && step.status == ExecutionStatus::Pending;
    let wait = match attempt.outcome {
        AttemptOutcome::Retry if runs && step.attempts.len() < ATTEMPTS_MAX => {
            next_delay_ms(step.failures as usize + 1, attempt.asked_ms, context.ids.jitter())
        }
        AttemptOutcome::Retry | AttemptOutcome::Delivered | AttemptOutcome::Refused => None,
    };
    let over = runs && wait.is_none() && attempt.outcome != AttemptOutcome::Delivered;
    let higher = if over { escalation.next_rung(action, context) } else { None };
    let (status, reason): (_, Option<String>) = match attempt.outcome {
        AttemptOutcome::Delivered if runs && escalation.is_at_the_top() => {
            (ExecutionStatus::Delivered, Some(format!("at-the-top: {} was told", step.authority)))
        }
        AttemptOutcome::Delivered if action.status == ExecutionStatus::Dismissed => (ExecutionStatus::Delivered, None),
        _ if over && higher.is_none() => (ExecutionStatus::Failed, Some(exhausted(escalation, step, &attempt.detail))),
        _ => (action.status, None),
    };
    let made = Attempt {
        at: context.now,
        outcome: attempt.outcome,
        detail: attempt.detail.into(),
        next_at: wait.map(|ms| context.now.plus_ms(ms)),
    };
    let venue_id = action.venue_id.clone();
    let event = Attempted {
        id: action.id,
        venue_id,
        step: Some(step.id),
        attempt: made,
        status,
        reason: reason.map(Into::into),
    };
    let mut events = vec![Event::ActionAttempted(Box::new(event))];
    events.extend(higher);
    events
}

fn exhausted(escalation: &Escalation, step: &Step, detail: &str) -> String {
    let told: Vec<String> = escalation.told().map(ToString::to_string).collect();
    let told = if told.is_empty() { "nobody was told".to_owned() } else { format!("told before: {}", told.join(", ")) };
    format!("escalation-exhausted: {} at the top could not be told ({detail}); {told}", step.authority)
}

/// Folds an attempt at a step into its action.
pub fn fold_attempt(action: &mut Action, event: &Attempted) {
    let Some(escalation) = &mut action.escalation else { return };
    let current = escalation.current().map(|step| step.id) == event.step;
    if let Some(step) = escalation.steps.iter_mut().find(|step| Some(step.id) == event.step) {
        fold(step, &event.attempt);
    }
    if event.attempt.outcome == AttemptOutcome::Delivered {
        action.executed_at.get_or_insert(event.attempt.at);
    }
    action.status = event.status;
    action.reason = event.reason.clone().or_else(|| action.reason.take());
    if event.status != ExecutionStatus::Pending {
        escalation.next_at = None;
        action.due_at = None;
    } else if current {
        action.due_at = event.attempt.next_at;
        escalation.next_at = escalation.next_at.or_else(|| escalation.turn_after(event.attempt.at));
    }
}

fn fold(step: &mut Step, attempt: &Attempt) {
    step.attempts.push(attempt.clone());
    match attempt.outcome {
        AttemptOutcome::Delivered => {
            step.status = ExecutionStatus::Delivered;
            step.reason = None;
        }
        AttemptOutcome::Retry | AttemptOutcome::Refused => {
            step.failures = step.failures.saturating_add(1);
            if step.status == ExecutionStatus::Pending && attempt.next_at.is_none() {
                step.status = ExecutionStatus::Failed;
                step.reason = Some(attempt.detail.clone());
            }
        }
    }
}

/// Folds the beginning of the next rung.
pub fn fold_next(action: &mut Action, event: &Escalated) {
    let Some(escalation) = &mut action.escalation else { return };
    let minutes = escalation.after_minutes;
    halt(escalation, &format!("overtaken: not delivered within {minutes} minutes").into());
    action.due_at = Some(event.step.started_at);
    escalation.steps.push(event.step.clone());
}

/// Folds an end before the top.
pub fn fold_stop(action: &mut Action, event: &Stopped) {
    action.status = event.status;
    action.reason = Some(event.reason.clone());
    action.due_at = None;
    if let Some(escalation) = &mut action.escalation {
        halt(escalation, &event.reason);
        escalation.reminder = event.reminder.clone();
    }
}

/// Ends the current step where it is not done, and lets no further rung have its turn.
pub fn halt(escalation: &mut Escalation, reason: &Arc<str>) {
    escalation.next_at = None;
    escalation.reminder = None;
    if let Some(step) = escalation.steps.last_mut()
        && step.status == ExecutionStatus::Pending
    {
        step.status = ExecutionStatus::Dismissed;
        step.reason = Some(reason.clone());
    }
}

fn told(escalation: &Escalation) -> bool {
    escalation.current().is_some_and(|step| step.status == ExecutionStatus::Delivered)
}

/// Goes on where it was, with a fresh schedule. Gives when the current rung is to be told, where it was not or is the top.
pub fn resume(escalation: &mut Escalation, at: Timestamp) -> Option<Timestamp> {
    escalation.reminder = None;
    escalation.next_at = escalation.turn_after(at).filter(|_| told(escalation));
    if escalation.next_at.is_some() {
        return None;
    }
    let step = escalation.steps.last_mut()?;
    step.status = ExecutionStatus::Pending;
    step.reason = None;
    step.failures = 0;
    Some(at)
}

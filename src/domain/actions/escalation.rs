//! Escalations: an action that asks one rung of a ladder after the other until somebody acts.
//!
//! Promise: the ladder is the one of the moment when it began; each rung's notification is an attempt series of its own with a
//! stable id; acknowledging or resolving ends it in the same commit; a rung without anybody is on record and costs no time.
//! Never here: who the people of a rung are. That is resolved when a notification is sent.

pub(in crate::domain) mod steps;

use std::sync::Arc;

use uuid::Uuid;

use super::notice::{self, NoticeKind};
use super::{Action, Attempt, AttemptOutcome, ExecutionStatus};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{IdSource, VenueId};
use crate::domain::organisation::Organisation;
use crate::domain::people::Authority;
use crate::domain::state::TenantState;
use crate::domain::templates::ActionData;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::violations::{Status, Violation};

pub use steps::attempted;

/// How long a rung has time to acknowledge unless the template says otherwise, in minutes.
pub const AFTER_MINUTES: u32 = 30;
/// The most rungs of a ladder.
pub const RUNGS_MAX: usize = 16;
/// Why an escalation ended that the end of its violation stopped after somebody was told.
pub const STOPPED_BY_END: &str = "stopped: the violation was resolved";

/// The ladder of an escalation and how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Escalation {
    /// Lowest first, frozen when it began.
    pub ladder: Vec<Authority>,
    pub after_minutes: u32,
    pub remind_after_minutes: Option<u32>,
    /// One for each rung that was begun; the last is the current one. At least one.
    pub steps: Vec<Step>,
    /// When the next rung's turn comes: so long after the current one was tried first, so that no rung is passed over untold.
    pub next_at: Option<Timestamp>,
    /// To be sent when what was acknowledged is still open then.
    pub reminder: Option<Reminder>,
}

/// The notification of one rung.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Step {
    /// The id of its message, the same in every attempt.
    pub id: Uuid,
    pub authority: Authority,
    pub started_at: Timestamp,
    pub status: ExecutionStatus,
    /// Why it was not sent, where it was not.
    pub reason: Option<Arc<str>>,
    pub attempts: Vec<Attempt>,
    /// Failed attempts since it began or was last retried by hand.
    pub failures: u32,
}

/// A reminder that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reminder {
    /// When.
    pub at: Timestamp,
    /// To whom, as a target.
    pub to: Arc<str>,
}

/// The next rung is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Escalated {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub step: Step,
}

/// An escalation ends before its top, because somebody acted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Stopped {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// The status of the action after it.
    pub status: ExecutionStatus,
    pub reason: Arc<str>,
    pub reminder: Option<Reminder>,
}

impl Escalation {
    /// Begins at `start`: the ladder of the template, or the organisation's from `target` upward.
    pub fn begun(
        data: &ActionData,
        target: &Authority,
        organisation: &Organisation,
        start: Timestamp,
        ids: &mut IdSource,
    ) -> Self {
        let from = organisation.rank(target).unwrap_or(0);
        let own = organisation.authority_ladder.iter().skip(from).take(RUNGS_MAX).cloned().collect();
        let ladder: Vec<Authority> = data.ladder.clone().filter(|ladder| !ladder.is_empty()).unwrap_or(own);
        let first = ladder.first().unwrap_or(target).clone();
        let after_minutes = data.after_minutes.unwrap_or(AFTER_MINUTES);
        let steps = vec![Step::begun(first, start, ids)];
        Self {
            ladder,
            after_minutes,
            remind_after_minutes: data.remind_after_minutes,
            steps,
            next_at: None,
            reminder: None,
        }
    }

    /// The current step.
    pub fn current(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// The number of the current rung, 0 the first.
    pub fn rung(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }

    /// Whether there is no rung above the current one.
    pub fn is_at_the_top(&self) -> bool {
        self.steps.len() >= self.ladder.len()
    }

    /// The rungs that were told.
    pub fn told(&self) -> impl Iterator<Item = &Authority> {
        let taken = |step: &&Step| step.attempts.iter().any(|one| one.outcome == AttemptOutcome::Delivered);
        self.steps.iter().filter(taken).map(|step| &step.authority)
    }

    /// When the rung above has its turn, the current one being tried at `at`; `None` at the top.
    fn turn_after(&self, at: Timestamp) -> Option<Timestamp> {
        (!self.is_at_the_top()).then(|| at.plus_ms(i64::from(self.after_minutes) * MINUTE_MS))
    }

    /// The event that begins the next rung; `None` at the top.
    fn next_rung(&self, action: &Action, context: &mut Context<'_>) -> Option<Event> {
        let rung = self.steps.len();
        let step = Step::begun(self.ladder.get(rung)?.clone(), context.now, &mut context.ids);
        let escalated = Escalated { id: action.id, venue_id: action.venue_id.clone(), step };
        Some(Event::ActionEscalated(Box::new(escalated)))
    }
}

impl Step {
    fn begun(authority: Authority, at: Timestamp, ids: &mut IdSource) -> Self {
        Self {
            id: ids.next_id(),
            authority,
            started_at: at,
            status: ExecutionStatus::Pending,
            reason: None,
            attempts: Vec::new(),
            failures: 0,
        }
    }
}

/// The events that stop the escalations of a violation because it was acknowledged, with the reminders that then wait; `first` is
/// whether nobody had done so before.
pub fn acknowledged(violation: &Violation, first: bool, state: &TenantState, context: &Context<'_>) -> Vec<Event> {
    let by = context.label();
    let own = violation.actions.iter().filter_map(|id| state.actions.get(id));
    own.filter_map(|action| {
        let escalation = action.escalation.as_ref().filter(|_| action.suppressed.is_none())?;
        let reminder = escalation.remind_after_minutes.map(|minutes| Reminder {
            at: context.now.plus_ms(i64::from(minutes) * MINUTE_MS),
            to: reminded(escalation, context),
        });
        match action.status {
            ExecutionStatus::Pending => Some(stopped(action, escalation, "acknowledged", &by, reminder)),
            status @ (ExecutionStatus::Delivered | ExecutionStatus::Failed) if first && reminder.is_some() => {
                let reason = action.reason.clone().unwrap_or_else(|| "stopped: acknowledged".into());
                Some(stop(action, status, reason, reminder))
            }
            ExecutionStatus::Delivered | ExecutionStatus::Failed | ExecutionStatus::Dismissed => None,
        }
    })
    .collect()
}

/// The events that have somebody reminded again of a violation that was acknowledged and comes back: its end has let go of what
/// waited. An escalation that somebody dismissed reminds nobody.
pub fn reminded_again(violation: &Violation, state: &TenantState, now: Timestamp) -> Vec<Event> {
    let Some(mark) = &violation.acknowledged else { return Vec::new() };
    let own = violation.actions.iter().filter_map(|id| state.actions.get(id));
    own.filter_map(|action| {
        let escalation = action.escalation.as_ref().filter(|_| action.suppressed.is_none())?;
        let minutes = escalation.remind_after_minutes?;
        let reason = action.reason.clone().unwrap_or_else(|| "stopped: acknowledged".into());
        let stopped = match action.status {
            ExecutionStatus::Delivered | ExecutionStatus::Failed => true,
            ExecutionStatus::Dismissed => &*reason == notice::ENDED || reason.starts_with("stopped: "),
            ExecutionStatus::Pending => false,
        };
        let to = if mark.by.contains(':') || matches!(&*mark.by, "operator" | "schedule") {
            rung_to_remind(escalation)
        } else {
            format!("user:{}", mark.by).into()
        };
        let reminder = Reminder { at: now.plus_ms(i64::from(minutes) * MINUTE_MS), to };
        stopped.then(|| stop(action, action.status, reason, Some(reminder)))
    })
    .collect()
}

/// The event that ends a pending escalation with its violation.
pub fn resolved(action: &Action, escalation: &Escalation) -> Event {
    if escalation.told().next().is_some() {
        return stop(action, ExecutionStatus::Delivered, STOPPED_BY_END.into(), None);
    }
    stop(action, ExecutionStatus::Dismissed, notice::ENDED.into(), None)
}

fn stopped(action: &Action, escalation: &Escalation, what: &str, by: &str, reminder: Option<Reminder>) -> Event {
    if escalation.told().next().is_some() {
        return stop(action, ExecutionStatus::Delivered, format!("stopped: {what} by {by}").into(), reminder);
    }
    let reason = format!("stopped: {what} by {by} before anybody was told").into();
    stop(action, ExecutionStatus::Dismissed, reason, reminder)
}

/// The event that ends an escalation before its top.
pub(in crate::domain) fn stop(
    action: &Action,
    status: ExecutionStatus,
    reason: Arc<str>,
    reminder: Option<Reminder>,
) -> Event {
    let stopped = Stopped { id: action.id, venue_id: action.venue_id.clone(), status, reason, reminder };
    Event::ActionStopped(Box::new(stopped))
}

/// Whom a reminder is for: the person who acknowledged, else the highest rung that was told, else the first.
fn reminded(escalation: &Escalation, context: &Context<'_>) -> Arc<str> {
    if let Some(person) = context.caller.cause.who.person() {
        return format!("user:{person}").into();
    }
    rung_to_remind(escalation)
}

fn rung_to_remind(escalation: &Escalation) -> Arc<str> {
    let rung = escalation.told().last().or_else(|| escalation.ladder.first());
    rung.map_or_else(|| "authority:owner".into(), |rung| format!("authority:{rung}").into())
}

/// Has the next rungs told whose turn has come, and reminds of what was acknowledged and forgotten.
#[derive(Clone, Debug)]
pub struct Escalate {
    /// The most escalations that one order moves.
    pub at_most: usize,
}

impl Escalate {
    /// Decides what is due by now.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decision {
        let mut events = Vec::new();
        for action in state.actions.turns_by(context.now).take(self.at_most) {
            let Some(escalation) = &action.escalation else { continue };
            events.extend(escalation.next_rung(action, context));
        }
        let escalated = events.len();
        let mut reminded = 0;
        for action in state.actions.reminders_by(context.now).take(self.at_most.saturating_sub(escalated)) {
            let Some(reminder) = action.escalation.as_ref().and_then(|all| all.reminder.as_ref()) else { continue };
            events.push(Event::ActionReminded { id: action.id, venue_id: action.venue_id.clone() });
            let forgotten = state.violations.get(&action.violation_id);
            if let Some(violation) = forgotten.filter(|one| one.status() == Status::Acknowledged) {
                events.push(notice::made(NoticeKind::Reminder, violation, &reminder.to, None, context));
                reminded += 1;
            }
        }
        Decision { events, answer: Answer::Escalated { escalated, reminded } }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

//! The end of a try: it did it, it did not, nobody knows, or it is tried again.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::begin::{undoable_until, undone};
use super::facts::{Executed, Failed, TriedAgain};
use super::machine::{self, Move};
use super::progress::running;
use super::{Approval, Status};
use crate::domain::capabilities::{self, Capability, PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::json::{self, JsonText};
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::tasks::{LogLine, Task, TaskFinished, TaskStatus};
use crate::domain::time::{MINUTE_MS, Timestamp};

/// How long the next try of what is idempotent waits, in milliseconds, after the first, the second and so on. After the last it failed.
pub const BACKOFF_MS: [i64; 5] = [2_000, 10_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS];
/// The longest wait that a receiver may ask for, in milliseconds.
pub const WAIT_MS_MAX: i64 = 60 * MINUTE_MS;
/// The largest result that is kept, in bytes.
pub const RESULT_BYTES_MAX: usize = 64 * 1024;
/// The longest error, in characters.
pub const ERROR_CHARS_MAX: usize = 1_000;

/// How a try ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It did it.
    Done {
        /// What it gave.
        result: Value,
        /// What takes it back.
        undo_payload: Option<Value>,
    },
    /// It certainly did not do it.
    Failed {
        /// Why.
        error: String,
    },
    /// It may have done it.
    Doubt {
        /// What happened.
        error: String,
    },
    /// It may have done it, and is to be tried again. Where that could do it twice, it is in doubt.
    Again {
        /// What happened.
        error: String,
        /// When at the earliest, in milliseconds; 0 for a run that was cut off; by our own schedule when absent.
        after_ms: Option<i64>,
    },
}

/// Notes how a try ended.
#[derive(Clone, Debug)]
pub struct FinishExecution {
    /// The task.
    pub task: Uuid,
    /// How.
    pub outcome: Outcome,
}

impl FinishExecution {
    /// Decides. A task ends once: what comes later is refused.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let task = running(state, &self.task)?;
        let approval = state.approvals.get(&task.approval_id).ok_or(Rejection::NotFound)?;
        let capability = capabilities::find(state, &approval.capability);
        let end = End { approval, task, context };
        let events = match self.outcome {
            Outcome::Done { result, undo_payload } => end.done(&result, undo_payload, capability, state)?,
            Outcome::Failed { error } => end.failed(Move::Fail, &error)?,
            Outcome::Doubt { error } => end.failed(Move::Doubt, &error)?,
            Outcome::Again { error, after_ms } => end.again(&error, after_ms, capability)?,
        };
        Ok(Decision { events, answer: Answer::Task(self.task) })
    }
}

struct End<'a> {
    approval: &'a Approval,
    task: &'a Task,
    context: &'a Context<'a>,
}

impl End<'_> {
    fn done(
        &self,
        result: &Value,
        undo_payload: Option<Value>,
        capability: Option<&Capability>,
        state: &TenantState,
    ) -> Result<Vec<Event>, Rejection> {
        machine::moved(self.approval.status, Move::Finish)?;
        let (undo_payload, note) = kept(undo_payload);
        let undoable_until =
            capability.and_then(|one| undoable_until(self.approval, one, undo_payload.as_ref(), self.context.now));
        let executed = Executed {
            id: self.approval.id,
            venue_id: self.approval.venue_id.clone(),
            by: self.context.label(),
            via: self.context.caller.cause.via,
            result: Some(bounded(result)),
            key: None,
            task_id: Some(self.task.id),
            undo_payload,
            undoable_until,
            note: None,
        };
        let mut events = vec![Event::ApprovalExecuted(Box::new(executed))];
        events.push(self.finished(TaskStatus::Succeeded, note));
        events.extend(undone(self.approval, state));
        Ok(events)
    }

    fn failed(&self, by: Move, error: &str) -> Result<Vec<Event>, Rejection> {
        let status = machine::moved(self.approval.status, by)?;
        let error = shortened(error);
        let task = if status == Status::InDoubt { TaskStatus::InDoubt } else { TaskStatus::Failed };
        let failed = Failed {
            id: self.approval.id,
            venue_id: self.approval.venue_id.clone(),
            status,
            by: self.context.label(),
            via: self.context.caller.cause.via,
            error: error.clone(),
        };
        Ok(vec![Event::ApprovalFailed(Box::new(failed)), self.finished(task, Some(error))])
    }

    /// Tries what is idempotent once more, within its number of tries and its time.
    fn again(
        &self,
        error: &str,
        after_ms: Option<i64>,
        capability: Option<&Capability>,
    ) -> Result<Vec<Event>, Rejection> {
        if !capability.is_some_and(|one| one.idempotent) {
            return self.failed(Move::Doubt, error);
        }
        let tries = self.task.attempt as usize;
        let Some(backoff) = tries.checked_sub(1).and_then(|at| BACKOFF_MS.get(at)) else {
            return self.failed(Move::Fail, &format!("{error} (try {tries}, the last one)"));
        };
        let wait = after_ms.unwrap_or(*backoff).clamp(0, WAIT_MS_MAX);
        let next_at = self.context.now.plus_ms(wait);
        if self.approval.run_by.is_some_and(|at| at <= next_at) {
            return self.failed(Move::Fail, &format!("{error} (no time is left for another try)"));
        }
        self.tried(error, next_at)
    }

    fn tried(&self, error: &str, next_at: Timestamp) -> Result<Vec<Event>, Rejection> {
        machine::moved(self.approval.status, Move::Again)?;
        Ok(vec![Event::ApprovalTriedAgain(Box::new(TriedAgain {
            id: self.approval.id,
            venue_id: self.approval.venue_id.clone(),
            task_id: self.task.id,
            attempt: self.task.attempt.saturating_add(1),
            error: shortened(error),
            next_at,
        }))])
    }

    fn finished(&self, status: TaskStatus, said: Option<Arc<str>>) -> Event {
        let line = said.map(|said| LogLine::of(self.context.now, &said, None));
        finished(self.task, status, line)
    }
}

/// That a task ended so.
pub fn finished(task: &Task, status: TaskStatus, line: Option<LogLine>) -> Event {
    let (approval_id, venue_id) = (task.approval_id, task.venue_id.clone());
    Event::TaskFinished(Box::new(TaskFinished { id: task.id, approval_id, venue_id, status, line }))
}

fn shortened(error: &str) -> Arc<str> {
    error.chars().take(ERROR_CHARS_MAX).collect::<String>().into()
}

/// A result, or that it was too large to be kept.
fn bounded(result: &Value) -> JsonText {
    let text = JsonText::of(result);
    let fits = text.as_str().len() <= RESULT_BYTES_MAX && json::depth(result) <= PAYLOAD_DEPTH_MAX;
    if fits { text } else { JsonText::of(&json!({ "too_large": text.as_str().len() })) }
}

/// What takes it back, where it can be the payload of a request; else why not.
fn kept(undo_payload: Option<Value>) -> (Option<JsonText>, Option<Arc<str>>) {
    let Some(value) = undo_payload.filter(|value| !value.is_null()) else { return (None, None) };
    let text = JsonText::of(&value);
    let fits =
        value.is_object() && text.as_str().len() <= PAYLOAD_BYTES_MAX && json::depth(&value) <= PAYLOAD_DEPTH_MAX;
    if fits { (Some(text), None) } else { (None, Some("its undo_payload is no object that could be a payload".into())) }
}

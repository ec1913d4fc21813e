//! What a run says while it goes on.

use uuid::Uuid;

use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::tasks::{LOG_LINES_MAX, LogLine, Task, TaskProgressed, TaskStatus};

/// Notes what a run said since the last time.
#[derive(Clone, Debug)]
pub struct ProgressTask {
    /// The task.
    pub task: Uuid,
    /// Oldest first.
    pub lines: Vec<LogLine>,
}

impl ProgressTask {
    /// Decides: only what runs says something. Of more lines than a task keeps, the last ones count.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let task = running(state, &self.task)?;
        let skipped = self.lines.len().saturating_sub(LOG_LINES_MAX);
        let bounded = |line: LogLine| LogLine::of(line.at.min(context.now), &line.message, line.progress);
        let lines: Vec<LogLine> = self.lines.into_iter().skip(skipped).map(bounded).collect();
        let answer = Answer::Task(self.task);
        if lines.is_empty() {
            return Ok(Decision { events: Vec::new(), answer });
        }
        let (approval_id, venue_id) = (task.approval_id, task.venue_id.clone());
        let event = TaskProgressed { id: task.id, approval_id, venue_id, lines };
        Ok(Decision { events: vec![Event::TaskProgressed(Box::new(event))], answer })
    }
}

/// A task that runs.
///
/// # Errors
/// [`Rejection::NotFound`], [`Rejection::WrongStatus`].
pub fn running<'a>(state: &'a TenantState, id: &Uuid) -> Result<&'a Task, Rejection> {
    let task = state.tasks.get(id).ok_or(Rejection::NotFound)?;
    match task.status {
        TaskStatus::Running => Ok(task),
        other => Err(Rejection::WrongStatus { status: other.name() }),
    }
}

//! Runs of requests, as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::bytes;
use crate::domain::ids::OutsideId;
use crate::domain::people::Caller;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::tasks::{LogLine, PROGRESS_WHOLE, Task, TaskStatus};
use crate::domain::time::Timestamp;

/// A run of a request.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TaskView<'a> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub venue_id: Option<&'a str>,
    /// The request that it carries out.
    pub action_approval_id: Uuid,
    pub capability: &'a str,
    pub status: TaskStatus,
    /// 0 to 1.
    pub progress: f64,
    /// Which try it is, 1 the first.
    pub attempt: u32,
    /// When it is tried again, where it waits for that.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// The last lines that it said, oldest first.
    pub log: Vec<LogLineView<'a>>,
    /// How many lines before those were let go.
    pub dropped: u64,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    pub duration_ms: Option<i64>,
}

/// Something that a run said.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct LogLineView<'a> {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
}

/// A run.
pub fn task<'a>(org_id: &'a str, one: &'a Task) -> TaskView<'a> {
    TaskView {
        id: one.id,
        org_id,
        venue_id: one.venue_id.as_ref().map(OutsideId::as_str),
        action_approval_id: one.approval_id,
        capability: &one.capability,
        status: one.status,
        progress: part(one.progress),
        attempt: one.attempt,
        next_at: one.next_at,
        log: one.log.iter().map(line).collect(),
        dropped: one.dropped,
        started_at: one.started_at,
        finished_at: one.finished_at,
        duration_ms: one.finished_at.map(|at| at.0.saturating_sub(one.started_at.0).max(0)),
    }
}

/// A line.
pub fn line(one: &LogLine) -> LogLineView<'_> {
    LogLineView { at: one.at, message: &one.message, progress: one.progress.map(part) }
}

/// Thousandths as a part of 1.
fn part(thousandths: u16) -> f64 {
    f64::from(thousandths) / f64::from(PROGRESS_WHOLE)
}

/// One run as JSON.
///
/// # Errors
/// [`Rejection::NotFound`].
pub fn one_task(state: &TenantState, caller: &Caller, id: &Uuid) -> Result<Vec<u8>, Rejection> {
    let one = state.task_for(id, caller)?;
    Ok(bytes(&task(state.organisation().org_id.as_str(), one)))
}

//! What becomes of requests after they were submitted, as it goes out on `/api/events`: beside `feed.rs`, which would else be long.

use serde_json::json;

use super::feed::{Seen, Topic, value};
use super::tasks;
use crate::domain::approvals::{Status, hex};
use crate::domain::event::Event;
use crate::domain::json::JsonText;
use crate::domain::tasks::TaskStatus;
use crate::domain::time::Timestamp;

/// The view of such an event.
pub(super) fn seen<'a>(org_id: &str, at: Timestamp, event: &'a Event) -> Option<Seen<'a>> {
    match event {
        Event::ApprovalCleared(one) => {
            let object =
                json!({ "id": one.id, "venue_id": one.venue_id, "status": Status::Approved, "reason": one.reason });
            Some((Topic::Approvals, "approval.approved", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalScheduled(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Scheduled, "runs_at": one.runs_at, "reason": one.reason,
            });
            Some((Topic::Approvals, "approval.scheduled", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalReopened(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Pending, "void": one.void, "reason": one.reason,
                "decide_by": one.decide_by,
            });
            Some((Topic::Approvals, "approval.reopened", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalEdited(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Pending, "by": one.by, "payload": one.payload.value(),
                "payload_hash": hex(&one.payload_hash), "preview": one.preview.value(), "risk": one.risk,
            });
            Some((Topic::Approvals, "approval.edited", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalClaimed(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Executing, "task_id": one.task_id, "key": hex(&one.key),
            });
            Some((Topic::Approvals, "approval.executing", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalSkipped(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Skipped, "key": hex(&one.key), "original": one.original,
            });
            Some((Topic::Approvals, "approval.skipped", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalExecuted(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Executed, "by": one.by,
                "result": one.result.as_ref().map(JsonText::value), "task_id": one.task_id, "undoable_until": one.undoable_until,
                "note": one.note,
            });
            Some((Topic::Approvals, "approval.executed", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalFailed(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": one.status, "by": one.by, "error": one.error,
            });
            let name = if one.status == Status::InDoubt { "approval.in_doubt" } else { "approval.failed" };
            Some((Topic::Approvals, name, one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalRetried(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": Status::Approved, "by": one.by, "reason": one.reason,
            });
            Some((Topic::Approvals, "approval.retried", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalUndone(one) => {
            let object =
                json!({ "id": one.id, "venue_id": one.venue_id, "status": Status::Undone, "undone_by": one.undo });
            Some((Topic::Approvals, "approval.undone", one.id, one.venue_id.as_ref(), object))
        }
        _ => task(org_id, at, event),
    }
}

fn task<'a>(org_id: &str, at: Timestamp, event: &'a Event) -> Option<Seen<'a>> {
    match event {
        Event::TaskMade(one) => {
            let name = if one.status == TaskStatus::Running { "task.started" } else { "task.finished" };
            Some((Topic::Tasks, name, one.id, one.venue_id.as_ref(), value(&tasks::task(org_id, one))))
        }
        Event::TaskProgressed(one) => {
            let lines: Vec<_> = one.lines.iter().map(tasks::line).collect();
            let progress = lines.iter().rev().find_map(|line| line.progress);
            let object = json!({
                "id": one.id, "action_approval_id": one.approval_id, "venue_id": one.venue_id, "status": TaskStatus::Running,
                "progress": progress, "lines": lines,
            });
            Some((Topic::Tasks, "task.progress", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalTriedAgain(one) => {
            let object = json!({
                "id": one.task_id, "action_approval_id": one.id, "venue_id": one.venue_id, "status": TaskStatus::Running,
                "attempt": one.attempt, "next_at": one.next_at, "lines": [{ "at": at, "message": one.error }],
            });
            Some((Topic::Tasks, "task.progress", one.task_id, one.venue_id.as_ref(), object))
        }
        Event::TaskFinished(one) => {
            let object = json!({
                "id": one.id, "action_approval_id": one.approval_id, "venue_id": one.venue_id, "status": one.status,
                "finished_at": at, "lines": one.line.as_ref().map(tasks::line).into_iter().collect::<Vec<_>>(),
            });
            Some((Topic::Tasks, "task.finished", one.id, one.venue_id.as_ref(), object))
        }
        _ => None,
    }
}

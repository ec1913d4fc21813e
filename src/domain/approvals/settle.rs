//! Settling what is in doubt: a person looked, and says how it was.

use std::sync::Arc;

use uuid::Uuid;

use super::begin::undone;
use super::decide::{COMMENT_CHARS_MAX, is_assigned, stranger};
use super::facts::{Executed, Failed};
use super::finish::finished;
use super::machine::{self, Move};
use super::{Approval, Status};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::people::{Caller, Held};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::tasks::{LogLine, TaskStatus};

/// Says what became of a run of which nobody knew.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SettleApproval {
    pub id: Uuid,
    /// [`Status::Executed`] or [`Status::Failed`].
    pub outcome: Status,
    pub note: String,
}

impl SettleApproval {
    /// Decides: somebody who could have decided, never who asked.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let approval = state.approval_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        faults.expect(!self.note.trim().is_empty(), "/note", "is empty: say what was seen");
        faults.text("/note", Some(&self.note), COMMENT_CHARS_MAX);
        let wanted = matches!(self.outcome, Status::Executed | Status::Failed);
        faults.expect(wanted, "/outcome", "is neither `executed` nor `failed`");
        faults.done()?;
        stranger(approval, context.caller)?;
        expect_standing(approval, state, context.caller)?;
        if approval.status != Status::InDoubt {
            return Err(Rejection::WrongStatus { status: approval.status.name() });
        }
        let note: Arc<str> = self.note.into();
        let mut events = vec![settled(approval, self.outcome, &note, context)?];
        let task = approval.execution.as_ref().and_then(|run| state.tasks.get(&run.task_id?));
        if let Some(task) = task {
            let done = self.outcome == Status::Executed;
            let status = if done { TaskStatus::Succeeded } else { TaskStatus::Failed };
            events.push(finished(task, status, Some(LogLine::of(context.now, &note, None))));
        }
        if self.outcome == Status::Executed {
            events.extend(undone(approval, state));
        }
        Ok(Decision { events, answer: Answer::Approval(self.id) })
    }
}

fn settled(approval: &Approval, outcome: Status, note: &Arc<str>, context: &Context<'_>) -> Result<Event, Rejection> {
    let (id, venue_id) = (approval.id, approval.venue_id.clone());
    let (by, via) = (context.label(), context.caller.cause.via);
    if outcome == Status::Executed {
        machine::moved(approval.status, Move::Finish)?;
        let run = approval.execution.as_ref();
        return Ok(Event::ApprovalExecuted(Box::new(Executed {
            id,
            venue_id,
            by,
            via,
            result: None,
            key: None,
            task_id: run.and_then(|run| run.task_id),
            undo_payload: None,
            undoable_until: None,
            note: Some(note.clone()),
        })));
    }
    let status = machine::moved(approval.status, Move::Fail)?;
    Ok(Event::ApprovalFailed(Box::new(Failed { id, venue_id, status, by, via, error: note.clone() })))
}

/// One of those whom the last step waited for; where nobody was asked, anybody on the authority ladder.
fn expect_standing(approval: &Approval, state: &TenantState, caller: &Caller) -> Result<(), Rejection> {
    let organisation = state.organisation();
    let needed = organisation.lowest_authority();
    let may = match approval.steps.last() {
        Some(step) => is_assigned(&step.who, organisation, caller),
        None => organisation.is_enough(&caller.held, &needed),
    };
    match (may || caller.held == Held::Top, approval.steps.last()) {
        (true, _) if caller.covers(approval.venue_id.as_ref()) => Ok(()),
        (true, _) => Err(Rejection::VenueNotAllowed),
        (false, Some(step)) => Err(Rejection::NotYourStep { who: step.who.text() }),
        (false, None) => Err(Rejection::InsufficientAuthority { needed }),
    }
}

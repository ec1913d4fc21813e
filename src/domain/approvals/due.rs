//! What an executor has to do, derived from the state: what is due to be claimed, and what runs. After a restart the same derivation
//! finds the same unfinished work.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use uuid::Uuid;

use super::Approval;
use crate::domain::capabilities::{self, Capability};
use crate::domain::ids::VenueId;
use crate::domain::json::JsonText;
use crate::domain::state::TenantState;
use crate::domain::tasks::Task;
use crate::domain::time::Timestamp;

/// How many more of a capability may run now. One that is gone holds nothing up: its requests fail at the claim.
fn room(state: &TenantState, capability: &str) -> usize {
    let limit = capabilities::find(state, capability).map_or(usize::MAX, |one| one.concurrency.max(1) as usize);
    limit.saturating_sub(state.approvals.queue().running_of(capability))
}

/// When something is to be claimed next. What waits for other work is nobody's next: the end of that work is a commit, after which this
/// is asked again.
pub fn next_due(state: &TenantState) -> Option<Timestamp> {
    let ready = state.approvals.queue().ready().filter(|(capability, _)| room(state, capability) > 0);
    ready.filter_map(|(_, line)| line.first().map(|(at, _)| *at)).min()
}

/// When something that runs is to be tried next, after this moment.
pub fn next_try(state: &TenantState, after: Timestamp) -> Option<Timestamp> {
    state.approvals.queue().next_try(after)
}

/// What is to be claimed at `now`, first come first, at most `at_most`.
pub fn due(state: &TenantState, now: Timestamp, at_most: usize) -> Vec<&Approval> {
    due_of(state, now, at_most, |_| true)
}

/// The same, only of the capabilities that are `wanted` by their names.
pub fn due_of(state: &TenantState, now: Timestamp, at_most: usize, wanted: impl Fn(&str) -> bool) -> Vec<&Approval> {
    let mut first: BinaryHeap<Reverse<(Timestamp, Uuid)>> = BinaryHeap::new();
    for (capability, line) in state.approvals.queue().ready().filter(|(capability, _)| wanted(capability)) {
        let come = line.iter().take_while(|(at, _)| *at <= now);
        first.extend(come.take(room(state, capability).min(at_most)).copied().map(Reverse));
    }
    let mut found = Vec::with_capacity(first.len().min(at_most));
    while found.len() < at_most
        && let Some(Reverse((_, id))) = first.pop()
    {
        found.extend(state.approvals.get(&id));
    }
    found
}

/// A run that was claimed and has not ended: all that whoever carries it out needs to know.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Run {
    pub approval_id: Uuid,
    pub task_id: Uuid,
    /// Which try it is, 1 the first.
    pub attempt: u32,
    /// When it is to be tried; at once where there is none.
    pub next_at: Option<Timestamp>,
    pub started_at: Timestamp,
    pub venue_id: Option<VenueId>,
    /// As it is now; nothing where it is gone, so that nothing can be called any more.
    pub capability: Option<Capability>,
    /// The name of the capability.
    pub name: Arc<str>,
    pub payload: JsonText,
    /// What tells a repetition from other work, as the receiver gets it.
    pub key: String,
    /// Whether it takes back what another did.
    pub undo: bool,
}

impl Run {
    /// Where it is served; nothing for what is built in.
    pub fn endpoint(&self) -> Option<&str> {
        self.capability.as_ref()?.endpoint.as_deref()
    }

    /// Whether trying it again with the same key does nothing more.
    pub fn is_idempotent(&self) -> bool {
        self.capability.as_ref().is_some_and(|one| one.idempotent)
    }
}

/// What runs, in the order of submission.
pub fn executing(state: &TenantState) -> impl Iterator<Item = Run> {
    state.approvals.executing().filter_map(|approval| {
        let task_id = approval.execution.as_ref()?.task_id?;
        Some(run(approval, state.tasks.get(&task_id)?, state))
    })
}

/// The run of a request that executes.
pub fn run_of(state: &TenantState, id: &Uuid) -> Option<Run> {
    let approval = state.approvals.get(id).filter(|one| one.status == super::Status::Executing)?;
    let task_id = approval.execution.as_ref()?.task_id?;
    Some(run(approval, state.tasks.get(&task_id)?, state))
}

fn run(approval: &Approval, task: &Task, state: &TenantState) -> Run {
    let key = approval.execution.as_ref().and_then(|run| run.key).unwrap_or_else(|| approval.key());
    Run {
        approval_id: approval.id,
        task_id: task.id,
        attempt: task.attempt,
        next_at: task.next_at,
        started_at: task.started_at,
        venue_id: approval.venue_id.clone(),
        capability: capabilities::find(state, &approval.capability).cloned(),
        name: approval.capability.clone(),
        payload: approval.payload.clone(),
        key: super::hex(&key),
        undo: approval.undo_of.is_some(),
    }
}

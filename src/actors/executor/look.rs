//! What there is to do in an organisation: a look at its state, taken in its actor.

use uuid::Uuid;

use super::places::{Kind, Room};
use crate::domain::approvals::consent::people_of;
use crate::domain::approvals::due::{self, Run};
use crate::domain::approvals::{Approval, Status};
use crate::domain::capabilities::built_in;
use crate::domain::ids::UserId;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Something to do about a request.
#[derive(Debug)]
pub struct Work {
    /// The request.
    pub id: Uuid,
    /// What kind of place it takes.
    pub kind: Kind,
    /// What is to be done.
    pub what: What,
}

/// What is to be done.
#[derive(Debug)]
pub enum What {
    /// It is due; these are the people whose standing decides.
    Claim(Vec<UserId>),
    /// It has its turn to be tried again.
    Try(Box<Run>),
    /// It runs, and not here: the process that called ended before it wrote down how that went.
    CutOff(Box<Run>),
}

/// What there is to do, and when to look again for the rest.
#[derive(Debug, Default)]
pub struct Found {
    /// What can begin now.
    pub work: Vec<Work>,
    /// When the first of the rest is due.
    pub next: Option<Timestamp>,
}

/// Looks for what can begin.
pub fn look(state: &TenantState, now: Timestamp, room: &Room) -> Found {
    let mut found = Found { work: left_over(state, now, room), next: None };
    for (kind, free) in [(Kind::Records, room.records), (Kind::Call, room.calls)] {
        let free = free.saturating_sub(found.work.iter().filter(|work| work.kind == kind).count());
        if free == 0 {
            continue;
        }
        let of_kind = |name: &str| kind_of(name) == kind;
        let due = due::due_of(state, now, free + room.busy.len(), of_kind);
        let new = due.into_iter().filter(|approval| !room.busy.contains(&approval.id)).take(free);
        found.work.extend(new.map(|approval| Work { id: approval.id, kind, what: What::Claim(people_of(approval)) }));
    }
    let next_due = due::next_due(state).filter(|at| *at > now);
    found.next = [next_due, due::next_try(state, now)].into_iter().flatten().min();
    found
}

/// What runs and has no place here: its turn to be tried again has come, or its process ended.
fn left_over(state: &TenantState, now: Timestamp, room: &Room) -> Vec<Work> {
    let come = |run: &Run| run.next_at.is_none_or(|at| at <= now);
    let here = due::executing(state).filter(|run| !room.busy.contains(&run.approval_id)).filter(come);
    let (mut calls, mut records) = (room.calls, room.records);
    let mut work = Vec::new();
    for run in here {
        // Between two tries nothing was called that does harm when it is called once more.
        let again = run.next_at.is_some() && run.is_idempotent();
        let (kind, left) = if again { (Kind::Call, &mut calls) } else { (Kind::Records, &mut records) };
        if *left > 0 {
            *left -= 1;
            let (id, run) = (run.approval_id, Box::new(run));
            work.push(Work { id, kind, what: if again { What::Try(run) } else { What::CutOff(run) } });
        }
    }
    work
}

fn kind_of(capability: &str) -> Kind {
    if built_in::happens_here(capability) { Kind::Records } else { Kind::Call }
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// It is to be carried out now.
    Runs(Box<Run>),
    /// It went on without a call.
    Moved,
    /// It is as it was.
    Stays,
}

/// What a claim made of a request.
pub fn claimed(state: &TenantState, id: &Uuid, now: Timestamp) -> Claimed {
    if let Some(run) = due::run_of(state, id) {
        return Claimed::Runs(Box::new(run));
    }
    let waits = |approval: &Approval| matches!(approval.status, Status::Approved | Status::Scheduled);
    let due = |approval: &Approval| approval.runs_at.is_none_or(|at| at <= now);
    match state.approvals.get(id) {
        Some(approval) if waits(approval) && due(approval) => Claimed::Stays,
        _ => Claimed::Moved,
    }
}

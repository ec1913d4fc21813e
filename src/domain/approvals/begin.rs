//! What happens once a request may run: it waits for its time or the end of a freeze, is skipped, fails, takes effect in this commit, or
//! is claimed for the executor. One place, for the last decision, for what runs without one, and for the claim.

use std::sync::Arc;

use super::facts::{Claimed, Executed, Failed, Scheduled, Skipped, Undone};
use super::machine::{self, Move};
use super::{Approval, Source, Status, overrides};
use crate::domain::capabilities::built_in::{self, Done, Runs};
use crate::domain::capabilities::{self, Capability};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::json::JsonText;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::tasks::Task;
use crate::domain::time::Timestamp;

/// When this is asked.
#[derive(Clone, Debug)]
pub enum Moment {
    /// In the commit that approved it. With the authority of the caller where everybody who approved is the caller, so that nobody's
    /// standing is to be looked up; without one, an effect of our own waits for the claim.
    Approved(Option<Held>),
    /// At the claim, with the highest authority of those who approved.
    Claim(Held),
}

/// The events of a request that was approved in this commit; `approval` is as it stands after that.
pub fn approved(
    approval: &Approval,
    held: Option<Held>,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    match approval.runs_at.filter(|at| *at > context.now) {
        Some(at) => Ok(vec![scheduled(approval, at, None)?]),
        None => begin(approval, &Moment::Approved(held), state, context),
    }
}

/// The events of a request that may run now; none when it must wait for something that says when it is over.
pub fn begin(
    approval: &Approval,
    moment: &Moment,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    let capability = match runnable(approval, state) {
        Ok(capability) => capability,
        Err(why) => return Ok(vec![failed(approval, why.into(), context)?]),
    };
    if let Some((until, why)) = frozen(approval, state, context.now) {
        return Ok(vec![scheduled(approval, until, Some(why))?]);
    }
    let (queue, key) = (state.approvals.queue(), approval.key());
    if queue.is_busy(&key) {
        return Ok(Vec::new());
    }
    if let Some(original) = queue.done_lately(&key, context.now).filter(|_| !approval.allow_repeat) {
        machine::moved(approval.status, Move::Skip)?;
        let skipped = Skipped { id: approval.id, venue_id: approval.venue_id.clone(), key, original };
        return Ok(vec![Event::ApprovalSkipped(Box::new(skipped))]);
    }
    match (built_in::find(&capability.name).map(|own| own.runs), moment) {
        (Some(Runs::Here(_) | Runs::Override), Moment::Approved(None)) => Ok(Vec::new()),
        (Some(runs @ (Runs::Here(_) | Runs::Override)), Moment::Approved(Some(held)) | Moment::Claim(held)) => {
            match effect(approval, runs, held, state, context) {
                Ok(done) => carried_out(approval, capability, done, state, context),
                Err(why) => Ok(vec![failed(approval, why.to_string(), context)?]),
            }
        }
        (Some(Runs::Outside) | None, Moment::Approved(_)) => Ok(Vec::new()),
        (Some(Runs::Outside) | None, Moment::Claim(_)) => {
            let room = queue.running_of(&capability.name) < capability.concurrency.max(1) as usize;
            if room { claimed(approval, key, context) } else { Ok(Vec::new()) }
        }
    }
}

/// The capability of a request that can still be carried out.
fn runnable<'a>(approval: &Approval, state: &'a TenantState) -> Result<&'a Capability, &'static str> {
    let capability = capabilities::find(state, &approval.capability).ok_or("its capability is not there any more")?;
    match approval.undo_of.map(|id| state.approvals.get(&id)) {
        None => capabilities::check_payload(state, capability, &approval.payload.value())
            .map(|()| capability)
            .map_err(|_| "its payload does not fit the capability any more"),
        Some(Some(original)) if original.status == Status::Executed => Ok(capability),
        Some(_) => Err("what it takes back does not stand any more"),
    }
}

/// Until when nothing automated runs, and why. What people let through at the till waits for nothing.
fn frozen(approval: &Approval, state: &TenantState, now: Timestamp) -> Option<(Timestamp, Arc<str>)> {
    if approval.source == Source::Override {
        return None;
    }
    let (until, name) = state.policy().frozen_until(state, approval.venue_id.as_ref(), now)?;
    Some((until, format!("nothing runs now: {name}").into()))
}

/// What an effect of our own does.
fn effect(
    approval: &Approval,
    runs: Runs,
    held: &Held,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Done, Rejection> {
    let payload = approval.payload.value();
    match (runs, approval.undo_of) {
        (Runs::Here(effect), None) => (effect.apply)(&payload, held, state, context),
        (Runs::Here(effect), Some(_)) => match effect.undo {
            Some(undo) => (undo.apply)(&payload, held, state, context),
            None => Err(Rejection::NotUndoable { why: "this capability takes nothing back" }),
        },
        (Runs::Override, _) => overrides::granted(approval, state, context),
        (Runs::Outside, _) => Err(Rejection::NotFound),
    }
}

/// An effect with its records: that it was carried out, its task, and that what it takes back is undone.
fn carried_out(
    approval: &Approval,
    capability: &Capability,
    done: Done,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    machine::moved(approval.status, Move::Apply)?;
    let (id, venue_id) = (approval.id, approval.venue_id.clone());
    let task_id = context.ids.next_id();
    let undo_payload = done.undo_payload.as_ref().map(JsonText::of);
    let executed = Executed {
        id,
        venue_id: venue_id.clone(),
        by: context.label(),
        via: context.caller.cause.via,
        result: Some(JsonText::of(&done.result)),
        key: Some(approval.key()),
        task_id: Some(task_id),
        undoable_until: undoable_until(approval, capability, undo_payload.as_ref(), context.now),
        undo_payload,
        note: None,
    };
    let task = Task::begun(task_id, id, venue_id, approval.capability.clone(), context.now).done();
    let mut events = done.events;
    events.push(Event::ApprovalExecuted(Box::new(executed)));
    events.push(Event::TaskMade(Box::new(task)));
    events.extend(undone(approval, state));
    Ok(events)
}

/// Until when what was done can be taken back.
pub fn undoable_until(
    approval: &Approval,
    capability: &Capability,
    undo_payload: Option<&JsonText>,
    now: Timestamp,
) -> Option<Timestamp> {
    let can = undo_payload.is_some() && approval.undo_of.is_none() && capability.undo_window_s > 0;
    can.then(|| now.plus_ms(i64::from(capability.undo_window_s) * 1_000))
}

/// That what an executed undo takes back is undone.
pub fn undone(approval: &Approval, state: &TenantState) -> Option<Event> {
    let original = state.approvals.get(&approval.undo_of?)?;
    machine::next(original.status, Move::Undo)?;
    let undone = Undone { id: original.id, venue_id: original.venue_id.clone(), undo: approval.id };
    Some(Event::ApprovalUndone(Box::new(undone)))
}

fn claimed(approval: &Approval, key: [u8; 32], context: &mut Context<'_>) -> Result<Vec<Event>, Rejection> {
    machine::moved(approval.status, Move::Claim)?;
    let (id, venue_id, task_id) = (approval.id, approval.venue_id.clone(), context.ids.next_id());
    let task = Task::begun(task_id, id, venue_id.clone(), approval.capability.clone(), context.now);
    let claimed = Claimed { id, venue_id, key, task_id };
    Ok(vec![Event::ApprovalClaimed(Box::new(claimed)), Event::TaskMade(Box::new(task))])
}

/// That a request waits until then.
pub fn scheduled(approval: &Approval, runs_at: Timestamp, reason: Option<Arc<str>>) -> Result<Event, Rejection> {
    machine::moved(approval.status, Move::Schedule)?;
    let (id, venue_id) = (approval.id, approval.venue_id.clone());
    Ok(Event::ApprovalScheduled(Box::new(Scheduled { id, venue_id, runs_at, reason })))
}

fn failed(approval: &Approval, error: String, context: &Context<'_>) -> Result<Event, Rejection> {
    let status = machine::moved(approval.status, Move::Fail)?;
    let (id, venue_id) = (approval.id, approval.venue_id.clone());
    let (by, via) = (context.label(), context.caller.cause.via);
    Ok(Event::ApprovalFailed(Box::new(Failed { id, venue_id, status, by, via, error: error.into() })))
}

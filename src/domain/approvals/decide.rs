//! Deciding: one person, once, on exactly the payload that they saw.

use std::sync::Arc;

use uuid::Uuid;

use super::facts::Decided;
use super::machine::{self, Move};
use super::store::approve;
use super::{Approval, Assignee, Status, Step, Verdict, Vote, begin, hex, overrides};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::organisation::Organisation;
use crate::domain::people::{Caller, Who};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// The longest comment, in characters.
pub const COMMENT_CHARS_MAX: usize = 4_000;

/// Approves or rejects.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct DecideApproval {
    pub id: Uuid,
    pub verdict: Verdict,
    /// Needed to approve.
    pub payload_hash: Option<String>,
    pub comment: Option<String>,
}

impl DecideApproval {
    /// Decides. What the last approval lets run at once is in the same commit.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let approval = state.approval_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        faults.text("/comment", self.comment.as_deref(), COMMENT_CHARS_MAX);
        faults.done()?;
        let person = stranger(approval, context.caller)?.clone();
        let objects = approval.is_held_for_veto() && self.verdict == Verdict::Rejected;
        if !objects {
            expect_open(approval, context.now)?;
        }
        if approval.has_decided(&person) {
            return Err(Rejection::AlreadyDecided { status: "decided by this person" });
        }
        let (place, step) = if objects { theirs(approval, state, context) } else { approval.current_step() }
            .ok_or(Rejection::AlreadyDecided { status: "decided" })?;
        expect_assigned(approval, step, state, context)?;
        self.expect_same_payload(approval)?;

        let comment: Option<Arc<str>> = self.comment.filter(|text| !text.trim().is_empty()).map(Into::into);
        let via = context.caller.cause.via;
        let vote = Vote { by: person, via, verdict: self.verdict, comment, at: context.now };
        let after = after(approval, place, &vote, context.now)?;
        let (id, venue_id) = (approval.id, approval.venue_id.clone());
        let step = u32::try_from(place).unwrap_or(u32::MAX);
        let decided = Decided { id, venue_id, step, vote, status: after.status };
        let mut events = vec![Event::ApprovalDecided(Box::new(decided))];
        if after.status == Status::Approved {
            let others = after
                .steps
                .iter()
                .flat_map(|step| &step.decisions)
                .any(|one| Some(&one.by) != context.caller.cause.who.person());
            let held = (!others).then(|| context.caller.held.clone());
            events.extend(begin::approved(&after, held, state, context)?);
        }
        Ok(Decision { events, answer: Answer::Approval(self.id) })
    }

    fn expect_same_payload(&self, approval: &Approval) -> Result<(), Rejection> {
        match (&self.payload_hash, self.verdict) {
            (Some(seen), _) if seen.eq_ignore_ascii_case(&hex(&approval.payload_hash)) => Ok(()),
            (Some(_), _) => Err(Rejection::PayloadChanged),
            (None, Verdict::Rejected) => Ok(()),
            (None, Verdict::Approved) => {
                Err(Rejection::invalid("/payload_hash", "is missing: an approval names the payload that it saw"))
            }
        }
    }
}

/// The person who decides: never with a key, never about what they asked for or changed, never about what is for themselves.
///
/// # Errors
/// [`Rejection::PeopleOnly`], [`Rejection::OwnRequest`], [`Rejection::OwnBenefit`].
pub fn stranger<'a>(approval: &Approval, caller: &'a Caller) -> Result<&'a UserId, Rejection> {
    let Who::Person(person) = &caller.cause.who else { return Err(Rejection::PeopleOnly) };
    if approval.requester.as_ref() == Some(person) || approval.editors.contains(person) {
        return Err(Rejection::OwnRequest);
    }
    if approval.beneficiary.as_ref() == Some(person) {
        return Err(Rejection::OwnBenefit);
    }
    Ok(person)
}

/// That it waits for a decision. A time that is over counts before anybody wrote it down.
///
/// # Errors
/// [`Rejection::ApprovalExpired`], [`Rejection::AlreadyDecided`].
pub fn expect_open(approval: &Approval, now: Timestamp) -> Result<(), Rejection> {
    match (approval.status, approval.deadline()) {
        (Status::Expired, _) => Err(Rejection::ApprovalExpired),
        (Status::Pending, Some(at)) if at <= now => Err(Rejection::ApprovalExpired),
        (Status::Pending, _) => Ok(()),
        (status, _) => Err(Rejection::AlreadyDecided { status: status.name() }),
    }
}

/// Whether a caller is one of those whom a step waits for.
pub fn is_assigned(who: &Assignee, organisation: &Organisation, caller: &Caller) -> bool {
    match who {
        Assignee::User(id) => caller.cause.who.person() == Some(id),
        Assignee::Role(role) => caller.role == Some(*role),
        Assignee::Authority(rung) => organisation.is_enough(&caller.held, rung),
    }
}

fn expect_assigned(
    approval: &Approval,
    step: &Step,
    state: &TenantState,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let organisation = state.organisation();
    if !is_assigned(&step.who, organisation, context.caller) {
        return Err(match &step.who {
            Assignee::Authority(needed) => Rejection::InsufficientAuthority { needed: needed.clone() },
            other => Rejection::NotYourStep { who: other.text() },
        });
    }
    if !context.caller.covers(approval.venue_id.as_ref()) {
        return Err(Rejection::VenueNotAllowed);
    }
    // What stands may have become stricter since the step was frozen.
    match overrides::needed_now(approval, state, context.now)? {
        Some(needed) if !organisation.is_enough(&context.caller.held, &needed) => {
            Err(Rejection::InsufficientAuthority { needed })
        }
        Some(_) | None => Ok(()),
    }
}

/// The step of a caller who objects: the first that is theirs, else the first of all.
fn theirs<'a>(approval: &'a Approval, state: &TenantState, context: &Context<'_>) -> Option<(usize, &'a Step)> {
    let mut steps = approval.steps.iter().enumerate();
    let is_theirs = |step: &Step| is_assigned(&step.who, state.organisation(), context.caller);
    steps.clone().find(|(_, step)| is_theirs(step)).or_else(|| steps.next())
}

/// The request after a vote on the step at `place`.
fn after(approval: &Approval, place: usize, vote: &Vote, now: Timestamp) -> Result<Approval, Rejection> {
    let mut after = approval.clone();
    after.steps[place].decisions.push(vote.clone());
    let by = match vote.verdict {
        Verdict::Rejected => Move::Reject,
        Verdict::Approved if after.current_step().is_none() => Move::Approve,
        Verdict::Approved => Move::Vote,
    };
    let status = machine::next(approval.status, by);
    after.status = status.ok_or(Rejection::AlreadyDecided { status: approval.status.name() })?;
    if after.status == Status::Approved {
        approve(&mut after, now);
    }
    Ok(after)
}

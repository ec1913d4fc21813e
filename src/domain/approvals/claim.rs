//! The claim: the moment at which it is decided, once more and for good, whether a request that is due runs.

use std::sync::Arc;

use uuid::Uuid;

use super::begin::{Moment, begin};
use super::consent::{Standing, standing, void_reason};
use super::facts::{Closed, Reopened};
use super::machine::{self, Move};
use super::{Approval, Consent, Status, expiry, submit};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::people::{Caller, Held, Via};
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// Lets a request run that is due. Asked twice, or too early, it changes nothing.
#[derive(Clone, Debug)]
pub struct ClaimApproval {
    /// The request.
    pub id: Uuid,
    /// Those of [`people_of`](super::consent::people_of), as they are now; who is missing is not here any more.
    pub people: Vec<Caller>,
}

impl ClaimApproval {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let approval = state.approvals.get(&self.id).ok_or(Rejection::NotFound)?;
        let events = self.events(approval, state, context)?;
        Ok(Decision { events, answer: Answer::Approval(self.id) })
    }

    fn events(
        &self,
        approval: &Approval,
        state: &TenantState,
        context: &mut Context<'_>,
    ) -> Result<Vec<Event>, Rejection> {
        let now = context.now;
        let due = approval.runs_at.is_none_or(|at| at <= now);
        if !matches!(approval.status, Status::Approved | Status::Scheduled) {
            return Ok(Vec::new());
        }
        if approval.deadline().is_some_and(|at| at <= now) {
            return Ok(expiry::expired(approval).into_iter().collect());
        }
        if !due {
            return Ok(Vec::new());
        }
        match standing(approval, &self.people, state.organisation()) {
            Standing::Holds(held) => self.begin(approval, held, state, context),
            Standing::Void(void) => Ok(vec![reopened(approval, void, context)?]),
            Standing::Orphan if approval.consent == Consent::Veto => Ok(vec![reopened(approval, Vec::new(), context)?]),
            Standing::Orphan => Ok(vec![orphaned(approval)?]),
        }
    }

    /// What our own effects write down is in the name of who approved last.
    fn begin(
        &self,
        approval: &Approval,
        held: Held,
        state: &TenantState,
        context: &mut Context<'_>,
    ) -> Result<Vec<Event>, Rejection> {
        let last = approval.steps.iter().flat_map(|step| &step.decisions).last().map(|vote| &vote.by);
        let last = last.and_then(|id| self.people.iter().find(|one| one.cause.who.person() == Some(id)));
        let caller = last.unwrap_or(context.caller);
        let mut named = Context { now: context.now, ids: context.ids.clone(), caller };
        let events = begin(approval, &Moment::Claim(held), state, &mut named)?;
        context.ids = named.ids;
        Ok(events)
    }
}

/// Decisions are waited for again, at least as long as for a new request.
fn reopened(approval: &Approval, void: Vec<UserId>, context: &Context<'_>) -> Result<Event, Rejection> {
    machine::moved(approval.status, Move::Restart)?;
    let reason: Arc<str> = if approval.consent == Consent::Votes {
        void_reason(&void)
    } else {
        "who asked for it is not here any more".into()
    };
    let decide_by = approval.decide_by.filter(|at| *at > context.now);
    let decide_by = decide_by.unwrap_or_else(|| submit::decide_by(context.now, approval.run_by));
    Ok(Event::ApprovalReopened(Box::new(Reopened {
        id: approval.id,
        venue_id: approval.venue_id.clone(),
        void,
        reason,
        decide_by: Some(decide_by),
    })))
}

/// Nobody was asked about it, so there is nobody to ask again.
fn orphaned(approval: &Approval) -> Result<Event, Rejection> {
    let status = machine::moved(approval.status, Move::Cancel)?;
    Ok(Event::ApprovalClosed(Box::new(Closed {
        id: approval.id,
        venue_id: approval.venue_id.clone(),
        status,
        by: "schedule".into(),
        via: Via::Schedule,
        reason: Some("who asked for it is not here any more".into()),
    })))
}

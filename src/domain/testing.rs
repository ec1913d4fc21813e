//! An organisation for tests, so that they read as given, when, then.
//!
//! `tenant().with_venue("pier").with_template(alert())` is given; [`Tenant::run`] and [`Tenant::refused`] are when.

mod approvals;
mod blocks;
mod capabilities;
mod commands;
mod reports;
mod templates;

use std::sync::Arc;

use uuid::Uuid;

pub use self::approvals::{
    again, asking_for_a_note, cancelling, done, doubt, editing, failed, mia, noting, olga, otto, rae, refunding,
    retrying, settling, staff, submitting, undoing,
};
pub use self::blocks::{block_on, consume, lift, overriding};
pub use self::capabilities::{policy, refund};
pub use self::reports::{comp, comp_of};
pub use self::templates::{alert, asking, blocking, escalating};
use super::actions::escalation::Escalate;
use super::actions::queue::{DismissAction, RecordAttempt, RetryAction};
use super::actions::{Action, AttemptOutcome};
use super::approvals::decide::DecideApproval;
use super::approvals::overrides::RequestOverride;
use super::approvals::{Approval, Verdict, hex};
use super::blocks::grants::Grant;
use super::blocks::place::PlaceBlock;
use super::blocks::{Block, BlockKey};
use super::command::Command;
use super::decision::{Answer, Context};
use super::event::Event;
use super::ids::{EntityId, IdSource, OrgId, OutsideId, UserId, VenueId};
use super::organisation::{SettingsDraft, VenueDraft};
use super::people::{Authority, Caller, Cause, Held, Via, Who};
use super::rejection::{Fault, Rejection};
use super::settings::{ChangeSettings, Found, SaveVenue};
use super::state::TenantState;
use super::templates::save::TemplateDraft;
use super::time::Timestamp;
use super::violations::Violation;
use super::violations::lifecycle::{AcknowledgeViolation, ResolveViolation};
use super::violations::report::Report;

/// A Friday evening in winter.
pub const FRIDAY: &str = "2025-02-14T19:00:00Z";

/// An organisation, the time, and who calls next.
#[derive(Clone)]
pub struct Tenant {
    pub state: TenantState,
    pub now: Timestamp,
    /// The events of the last command.
    pub last: Vec<Event>,
    caller: Caller,
    decisions: u64,
}

/// A founded organisation without venues, on a Friday evening, called by a key above every rung.
pub fn tenant() -> Tenant {
    let mut tenant =
        Tenant { state: TenantState::empty(), now: at(FRIDAY), last: Vec::new(), caller: key(Held::Top), decisions: 0 };
    tenant.run(Found { org_id: id("harbour"), name: "Harbour Group".into(), time_zone: "Europe/Berlin".into() });
    tenant
}

impl Tenant {
    pub fn with_venue(self, venue: &str) -> Self {
        self.with(SaveVenue { venue_id: venue.into(), draft: venue_draft(venue) })
    }

    pub fn with_template(self, draft: TemplateDraft) -> Self {
        self.with(draft)
    }

    pub fn with_violation(self, report: Report) -> Self {
        self.with(report)
    }

    pub fn with_block(self, place: PlaceBlock) -> Self {
        self.with(place)
    }

    /// As it is after a command.
    pub fn with(mut self, command: impl Into<Command>) -> Self {
        self.run(command);
        self
    }

    /// Who calls from here on.
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    pub fn caller(&mut self, caller: Caller) -> &mut Self {
        self.caller = caller;
        self
    }

    pub fn later_ms(&mut self, ms: i64) -> &mut Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    pub fn later_minutes(&mut self, minutes: i64) -> &mut Self {
        self.later_ms(minutes * super::time::MINUTE_MS)
    }

    /// Decides and applies.
    pub fn run(&mut self, command: impl Into<Command>) -> Answer {
        match self.try_run(command) {
            Ok(answer) => answer,
            Err(rejection) => panic!("refused: {rejection:?}"),
        }
    }

    /// Decides, expecting a refusal that changes nothing.
    pub fn refused(&mut self, command: impl Into<Command>) -> Rejection {
        let before = self.state.state_hash();
        match self.try_run(command) {
            Ok(answer) => panic!("not refused: {answer:?}"),
            Err(rejection) => {
                assert_eq!(self.state.state_hash(), before);
                rejection
            }
        }
    }

    pub fn try_run(&mut self, command: impl Into<Command>) -> Result<Answer, Rejection> {
        self.decisions += 1;
        let mut context =
            Context { now: self.now, ids: IdSource::new(self.now.0, self.decisions), caller: &self.caller };
        let decision = command.into().decide(&self.state, &mut context)?;
        for event in &decision.events {
            self.state.apply(self.state.last_seq() + 1, self.now, event);
        }
        self.last = decision.events;
        Ok(decision.answer)
    }

    /// Reports, and gives the id and whether it was new.
    pub fn report(&mut self, report: Report) -> (Uuid, bool) {
        match self.run(report) {
            Answer::Reported { id, new } => (id, new),
            other => panic!("{other:?}"),
        }
    }

    pub fn place(&mut self, place: PlaceBlock) -> Uuid {
        match self.run(place) {
            Answer::Placed(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn violation(&self, id: Uuid) -> &Violation {
        self.state.violations.get(&id).expect("a violation of this id")
    }

    /// The one violation that there is.
    pub fn only_violation(&self) -> &Violation {
        only(self.state.violations.iter())
    }

    /// The one action that there is.
    pub fn only_action(&self) -> &Action {
        only(self.state.actions.iter())
    }

    /// The one block that there is.
    pub fn only_block(&self) -> &Block {
        only(self.state.blocks.iter())
    }

    /// Asks to override a block, and gives the id of the request.
    pub fn ask(&mut self, request: RequestOverride) -> Uuid {
        match self.run(request) {
            Answer::ApprovalMade(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn approval(&self, id: Uuid) -> &Approval {
        self.state.approvals.get(&id).expect("a request of this id")
    }

    /// The decision about a request as it stands.
    pub fn decision(&self, id: Uuid, verdict: Verdict) -> DecideApproval {
        let payload_hash = Some(hex(&self.approval(id).payload_hash));
        DecideApproval { id, verdict, payload_hash, comment: None }
    }

    /// Lets a person approve.
    pub fn approve(&mut self, id: Uuid, by: Caller) -> &mut Self {
        let decision = self.decision(id, Verdict::Approved);
        self.caller(by).run(decision);
        self
    }

    /// The grant that was given last.
    pub fn newest_grant(&self) -> &Grant {
        self.state.grants.before(u64::MAX).next().expect("a grant")
    }

    /// The template that was made last.
    pub fn newest_template(&self) -> Uuid {
        self.state.templates.after(0).last().expect("a template").id
    }

    pub fn is_blocked(&self, entity: &str) -> bool {
        let key = BlockKey { block_type: "comp_approval".into(), entity_id: EntityId::parse(entity).unwrap() };
        let ruling = super::blocks::check::ruling(&self.state, &key);
        ruling.verdicts.iter().any(|verdict| verdict.applies(None, None, self.now.0))
            && !ruling.passes.iter().any(|pass| pass.applies(None, None, self.now.0))
    }

    /// A context of the next caller, for what is asked and not commanded.
    pub fn context(&self) -> Context<'_> {
        Context { now: self.now, ids: IdSource::new(self.now.0, u64::MAX), caller: &self.caller }
    }
}

fn only<'a, T>(mut found: impl Iterator<Item = &'a T>) -> &'a T {
    let first = found.next().expect("one");
    assert!(found.next().is_none(), "more than one");
    first
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

pub fn id(text: &str) -> OutsideId {
    OutsideId::parse(text).expect("an id")
}

pub fn org(text: &str) -> OrgId {
    id(text)
}

/// A key that belongs to nobody.
pub fn key(held: Held) -> Caller {
    caller(Who::Key { id: "till".into(), person: None }, held)
}

/// A key that belongs to a person.
pub fn key_of(person: &str, held: Held) -> Caller {
    caller(Who::Key { id: "till".into(), person: Some(id(person)) }, held)
}

/// A logged-in person.
pub fn person(name: &str, held: Held) -> Caller {
    let name: UserId = id(name);
    caller(Who::Person(name), held)
}

fn caller(who: Who, held: Held) -> Caller {
    Caller { cause: Cause { who, via: Via::Api, request: None }, held, role: None, venues: None }
}

impl Caller {
    /// This caller, limited to venues.
    pub(crate) fn only_at(self, venues: &[&str]) -> Self {
        let venues: Arc<[VenueId]> = venues.iter().map(|venue| id(venue)).collect();
        Self { venues: Some(venues), ..self }
    }
}

pub fn rung(name: &str) -> Held {
    Held::Rung(Authority::named(name))
}

pub fn venue_draft(name: &str) -> VenueDraft {
    VenueDraft {
        name: format!("The {name}"),
        time_zone: "Europe/Berlin".into(),
        business_day_starts: None,
        contacts: None,
    }
}

pub fn resolve(id: Uuid) -> ResolveViolation {
    ResolveViolation { id, resolution: Some("Talked it over".into()) }
}

pub fn acknowledge(id: Uuid) -> AcknowledgeViolation {
    AcknowledgeViolation { id, note: None }
}

pub fn attempt(id: Uuid, outcome: AttemptOutcome) -> RecordAttempt {
    RecordAttempt { id, step: None, outcome, detail: "450 busy".into(), asked_ms: None }
}

pub fn escalate() -> Escalate {
    Escalate { at_most: 100 }
}

pub fn dismiss(id: Uuid) -> DismissAction {
    DismissAction { id, reason: None }
}

pub fn retry(id: Uuid) -> RetryAction {
    RetryAction { id }
}

pub fn ladder(rungs: &[&str]) -> ChangeSettings {
    let rungs = rungs.iter().map(ToString::to_string).collect();
    ChangeSettings { draft: SettingsDraft { authority_ladder: Some(rungs), ..SettingsDraft::default() } }
}

pub fn amount(text: &str) -> rust_decimal::Decimal {
    text.parse().expect("an amount")
}

/// Where an invalid command was at fault.
pub fn pointers(rejection: &Rejection) -> Vec<&str> {
    match rejection {
        Rejection::Invalid(faults) => faults.iter().map(|Fault { pointer, .. }| pointer.as_str()).collect(),
        other => panic!("not invalid: {other:?}"),
    }
}

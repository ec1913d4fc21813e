//! The state of an organisation: what its records say, folded.

use std::borrow::Cow;

use super::actions::Action;
use super::actions::store::Actions;
use super::approvals::Approval;
use super::approvals::store::Approvals;
use super::blocks::grants::{Grant, GrantEnd, Grants};
use super::blocks::store::Blocks;
use super::blocks::{Block, Lift};
use super::decision::Context;
use super::event::Event;
use super::idempotency::{Idempotency, Request};
use super::ids::{OrgId, VenueId};
use super::organisation::{BUSINESS_DAY_STARTS, Contacts, Organisation, Venue};
use super::people::Caller;
use super::rejection::Rejection;
use super::table::{Digest, Table, digest_of};
use super::templates::store::Templates;
use super::time::{BusinessDate, Timestamp, Zone};
use super::violations::profile::Profile;
use super::violations::store::Violations;
use super::violations::{Mark, Violation, ViolationType};
use super::webhooks::store::Webhooks;
use super::webhooks::{Notice, Webhook};
use uuid::Uuid;

/// Everything that an organisation knows.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TenantState {
    organisation: Organisation,
    founded: bool,
    pub venues: Table<VenueId, Venue>,
    pub templates: Templates,
    pub violations: Violations,
    pub actions: Actions,
    pub blocks: Blocks,
    pub grants: Grants,
    pub approvals: Approvals,
    pub webhooks: Webhooks,
    pub idempotency: Idempotency,
    last_seq: u64,
}

impl TenantState {
    /// The state before the first record.
    pub fn empty() -> Self {
        Self {
            organisation: Organisation {
                org_id: unfounded(),
                name: "".into(),
                time_zone: "UTC".into(),
                authority_ladder: Vec::new(),
                contacts: Contacts::new(),
                created_at: Timestamp(0),
            },
            founded: false,
            venues: Table::default(),
            templates: Templates::default(),
            violations: Violations::default(),
            actions: Actions::default(),
            blocks: Blocks::default(),
            grants: Grants::default(),
            approvals: Approvals::default(),
            webhooks: Webhooks::default(),
            idempotency: Idempotency::default(),
            last_seq: 0,
        }
    }

    /// A state to be filled from a snapshot that ended with the record `last_seq`.
    pub fn restored(organisation: Option<Organisation>, last_seq: u64) -> Self {
        let mut state = Self::empty();
        state.last_seq = last_seq;
        if let Some(organisation) = organisation {
            state.organisation = organisation;
            state.founded = true;
        }
        state
    }

    /// Folds one event in; recovery and live traffic share this path.
    ///
    /// # Panics
    /// When the event is not the next one: a bug, so the state is thrown away and reloaded.
    pub fn apply(&mut self, seq: u64, at: Timestamp, event: &Event) {
        assert_eq!(seq, self.last_seq + 1, "a gap in the events");
        self.last_seq = seq;
        match event {
            Event::OrganisationFounded(organisation) | Event::SettingsChanged(organisation) => {
                self.organisation = (**organisation).clone();
                self.founded = true;
            }
            Event::VenueSaved(venue) => self.venues.insert(venue.venue_id.clone(), (**venue).clone()),
            Event::VenueDeleted { venue_id } => drop(self.venues.remove(venue_id)),
            Event::ViolationReported(violation) => self.violations.add(Violation { seq, ..(**violation).clone() }),
            Event::ViolationRepeated(repeat) => self.violations.repeat(repeat),
            Event::ViolationAcknowledged { id, by, .. } => self.violations.acknowledge(id, Mark { by: by.clone(), at }),
            Event::ViolationResolved { id, by, resolution, .. } => {
                self.violations.resolve(id, Mark { by: by.clone(), at }, resolution.clone());
            }
            Event::TemplateSaved(template) => {
                let mut template = (**template).clone();
                template.seq = self.templates.get(&template.id).map_or(seq, |old| old.seq);
                self.templates.put(template);
            }
            Event::TemplateDeleted { id } => self.templates.remove(id),
            Event::ActionCreated(action) => {
                self.violations.add_action(&action.violation_id, action.id);
                self.actions.add(Action { seq, ..(**action).clone() });
            }
            Event::ActionAttempted(attempted) => self.actions.attempted(attempted),
            Event::ActionDismissed { id, reason, .. } => self.actions.dismiss(id, reason.clone()),
            Event::ActionRequeued { id, .. } => self.actions.requeue(id, at),
            Event::BlockPlaced(block) => {
                if let Some(violation) = &block.violation_id {
                    self.violations.add_block(violation, block.id);
                }
                self.blocks.add(Block { seq, ..(**block).clone() });
            }
            Event::BlockLifted { id, by, reason, .. } => {
                self.blocks.lift(id, Lift { at, by: by.clone(), reason: reason.clone() });
            }
            Event::BlockExpired { id, .. } => self.blocks.expire(id),
            Event::GrantGiven(grant) => self.grants.add(Grant { seq, ..(**grant).clone() }),
            Event::GrantUsed(used) => self.grants.consume(used),
            Event::GrantEnded { id, reason, .. } => self.grants.end(id, GrantEnd { at, reason: reason.clone() }),
            Event::WebhookSaved(webhook) => self.webhooks.put(Webhook { seq, ..(**webhook).clone() }),
            Event::WebhookDeleted { id } => self.webhooks.remove(id),
            Event::NoticeMade(notice) => self.webhooks.add_notice(Notice { seq, ..(**notice).clone() }),
            Event::NoticeAttempted(attempted) => self.webhooks.attempted(attempted),
            Event::ApprovalSubmitted(approval) => self.approvals.submitted(seq, at, approval),
            Event::ApprovalDecided(decided) => self.approvals.decided(seq, at, decided),
            Event::ApprovalClosed(closed) => self.approvals.closed(seq, at, closed),
            Event::ApprovalExecuted(executed) => self.approvals.executed(seq, at, executed),
            Event::Answered => {}
        }
    }

    /// A hash of everything: the same records give the same hash.
    pub fn state_hash(&self) -> [u8; 32] {
        let [webhooks, notices] = self.webhooks.digests();
        let parts: [Digest; 10] = [
            self.venues.digest(),
            self.templates.digest(),
            self.violations.digest(),
            self.actions.digest(),
            self.blocks.digest(),
            self.grants.digest(),
            self.approvals.digest(),
            webhooks,
            notices,
            self.idempotency.digest(),
        ];
        let mut hash = [0; 32];
        let lanes = digest_of(&(&self.organisation, self.founded, self.last_seq, parts));
        for (bytes, lane) in hash.chunks_exact_mut(8).zip(lanes) {
            bytes.copy_from_slice(&lane.to_le_bytes());
        }
        hash
    }

    /// The sequence number of the last event.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The organisation.
    pub fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Whether the organisation was founded; a registered one is, before anybody can call it.
    pub fn is_founded(&self) -> bool {
        self.founded
    }

    /// A venue.
    pub fn venue(&self, id: &VenueId) -> Option<&Venue> {
        self.venues.get(id)
    }

    /// The profile of a violation type.
    pub fn profile(&self, violation_type: &ViolationType) -> Cow<'_, Profile> {
        Cow::Owned(Profile::shipped(violation_type))
    }

    /// The business date of a moment at a venue, or by the organisation's zone where there is none.
    pub fn business_date(&self, venue: Option<&VenueId>, moment: Timestamp) -> BusinessDate {
        venue.and_then(|id| self.venue(id)).map_or_else(
            || BusinessDate::at(moment, &Zone::named_or_utc(&self.organisation.time_zone), BUSINESS_DAY_STARTS),
            |venue| venue.business_date(moment),
        )
    }

    /// The end of that business date.
    pub fn business_day_end(&self, venue: Option<&VenueId>, moment: Timestamp) -> Timestamp {
        venue.and_then(|id| self.venue(id)).map_or_else(
            || {
                let zone = Zone::named_or_utc(&self.organisation.time_zone);
                BusinessDate::at(moment, &zone, BUSINESS_DAY_STARTS).end(&zone, BUSINESS_DAY_STARTS)
            },
            |venue| venue.business_day_end(moment),
        )
    }

    /// Checks that a venue that was named exists and that the caller reaches it.
    ///
    /// # Errors
    /// [`Rejection::UnknownVenue`], [`Rejection::VenueNotAllowed`].
    pub fn expect_venue(
        &self,
        pointer: &'static str,
        venue: Option<&VenueId>,
        context: &Context<'_>,
    ) -> Result<(), Rejection> {
        let Some(venue) = venue else { return Ok(()) };
        self.venue(venue).ok_or(Rejection::UnknownVenue { pointer })?;
        if context.caller.reaches(Some(venue)) { Ok(()) } else { Err(Rejection::VenueNotAllowed) }
    }

    /// A violation that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn violation_for(&self, id: &Uuid, caller: &Caller) -> Result<&Violation, Rejection> {
        let seen = |one: &&Violation| caller.reaches(one.venue_id.as_ref());
        self.violations.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A block that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn block_for(&self, id: &Uuid, caller: &Caller) -> Result<&Block, Rejection> {
        let seen = |one: &&Block| caller.reaches(one.venue_id.as_ref());
        self.blocks.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// An action that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn action_for(&self, id: &Uuid, caller: &Caller) -> Result<&Action, Rejection> {
        let seen = |one: &&Action| caller.reaches(one.venue_id.as_ref());
        self.actions.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A request for approval that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn approval_for(&self, id: &Uuid, caller: &Caller) -> Result<&Approval, Rejection> {
        let seen = |one: &&Approval| caller.reaches(one.venue_id.as_ref());
        self.approvals.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A grant that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn grant_for(&self, id: &Uuid, caller: &Caller) -> Result<&Grant, Rejection> {
        let seen = |one: &&Grant| caller.reaches(one.venue_id.as_ref());
        self.grants.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// When the scheduler has something to write down next.
    pub fn next_tick(&self) -> Option<Timestamp> {
        let times = [self.blocks.next_expiry(), self.grants.next_expiry(), self.approvals.next_deadline()];
        times.into_iter().flatten().min()
    }
}

fn unfounded() -> OrgId {
    OrgId::parse("unfounded").unwrap_or_else(|_| unreachable!("a constant id is well formed"))
}

impl super::aggregate::Aggregate for TenantState {
    type Command = super::command::Command;
    type Event = Event;
    type Answer = super::decision::Answer;

    fn empty() -> Self {
        Self::empty()
    }

    fn decide(&self, command: Self::Command, context: &mut Context<'_>) -> super::decision::Decided {
        command.decide(self, context)
    }

    fn apply(&mut self, seq: u64, at: Timestamp, event: &Event) {
        Self::apply(self, seq, at, event);
    }

    fn reply(&self, answer: &Self::Answer) -> super::decision::Reply {
        super::view::answer::reply(self, answer)
    }

    fn answered() -> Event {
        Event::Answered
    }

    fn is_urgent(command: &Self::Command) -> bool {
        command.is_urgent()
    }

    fn seen(&self, request: &Request, now: Timestamp) -> Result<Option<u64>, Rejection> {
        self.idempotency.seen(request, now)
    }

    fn keep_request(&mut self, request: &Request, record: u64, at: Timestamp) {
        self.idempotency.keep(request, record, at);
    }

    fn last_seq(&self) -> u64 {
        self.last_seq
    }

    fn state_hash(&self) -> [u8; 32] {
        Self::state_hash(self)
    }
}

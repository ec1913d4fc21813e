//! The state of an organisation: what its records say, folded.

mod reach;

use super::actions::Action;
use super::actions::store::Actions;
use super::approvals::policy::Policy;
use super::approvals::store::Approvals;
use super::blocks::grants::{Grant, GrantEnd, Grants};
use super::blocks::store::Blocks;
use super::blocks::{Block, Lift};
use super::capabilities::Capability;
use super::capabilities::registry::Capabilities;
use super::channels::Channels;
use super::decision::Context;
use super::event::Event;
use super::idempotency::{Idempotency, Request};
use super::ids::{OrgId, VenueId};
use super::notifications::store::Notifications;
use super::notifications::{Announcement, Notification};
use super::organisation::{BUSINESS_DAY_STARTS, Contacts, Organisation, Venue};
use super::rejection::Rejection;
use super::suppression::inhibition::Inhibition;
use super::suppression::silences::{Silence, Silences};
use super::table::{Digest, Table, digest_of};
use super::tasks::store::Tasks;
use super::tasks::{LogLine, Task};
use super::templates::conditions::during::Windows;
use super::templates::pace::{Act, Pace};
use super::templates::shadow::{ShadowRecord, Shadows};
use super::templates::store::Templates;
use super::time::{BusinessDate, MINUTE_MS, Timestamp, Zone};
use super::trends::{Sample, Trends};
use super::violations::own_types::OwnTypes;
use super::violations::profile::Profile;
use super::violations::store::Violations;
use super::violations::types;
use super::violations::{Mark, Violation, ViolationType};
use super::webhooks::health::webhook_of;
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
    pub own_types: OwnTypes,
    pub templates: Templates,
    /// What templates on trial would have done.
    pub shadows: Shadows,
    /// When templates last acted for an entity, other than on trial.
    pub pace: Pace,
    pub violations: Violations,
    pub actions: Actions,
    pub blocks: Blocks,
    pub trends: Trends,
    pub silences: Silences,
    pub inhibitions: Vec<Inhibition>,
    pub grants: Grants,
    pub approvals: Approvals,
    pub tasks: Tasks,
    /// Those of the organisation's modules; with those of the server: [`super::capabilities::find`].
    pub capabilities: Capabilities,
    /// The policy of approvals, where the organisation has one of its own.
    pub own_policy: Option<Box<Policy>>,
    /// The ways to people outside.
    pub channels: Channels,
    pub webhooks: Webhooks,
    /// On the heap, as it would make up much of what a state takes by itself.
    pub notifications: Box<Notifications>,
    /// The hours in which only what is critical reaches people.
    pub rush: Option<Windows>,
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
            own_types: OwnTypes::default(),
            templates: Templates::default(),
            shadows: Shadows::default(),
            pace: Pace::default(),
            violations: Violations::default(),
            actions: Actions::default(),
            blocks: Blocks::default(),
            trends: Trends::default(),
            silences: Silences::default(),
            inhibitions: Vec::new(),
            grants: Grants::default(),
            approvals: Approvals::default(),
            tasks: Tasks::default(),
            capabilities: Capabilities::default(),
            own_policy: None,
            channels: Channels::default(),
            webhooks: Webhooks::default(),
            notifications: Box::default(),
            rush: None,
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
            Event::ViolationTypeSaved(own) => self.own_types.insert((**own).clone()),
            Event::ViolationTypeDeleted { violation_type } => self.own_types.remove(violation_type),
            Event::ViolationReported(violation) => {
                self.counted(&violation.id, |all| all.add(Violation { seq, ..(**violation).clone() }));
            }
            Event::ViolationRepeated(repeat) => self.counted(&repeat.id, |all| all.repeat(repeat)),
            Event::ViolationAcknowledged { id, by, .. } => {
                self.counted(id, |all| all.acknowledge(id, Mark { by: by.clone(), at }));
            }
            Event::ViolationResolved { id, by, resolution, ending, .. } => {
                for action in self.violations.get(id).map_or(&[] as &[Uuid], |one| &one.actions) {
                    self.actions.forget_reminder(action);
                }
                self.counted(id, |all| all.resolve(id, Mark { by: by.clone(), at }, resolution.clone(), *ending));
            }
            Event::ViolationReopened(repeat) => self.counted(&repeat.id, |all| all.reopen(repeat)),
            Event::TemplateSaved(template) => {
                let mut template = (**template).clone();
                template.seq = self.templates.get(&template.id).map_or(seq, |old| old.seq);
                self.templates.put(template);
            }
            Event::TemplateDeleted { id } => {
                self.templates.remove(id);
                self.shadows.forget(id);
            }
            Event::ShadowNoted(record) => self.note_shadow(ShadowRecord { seq, ..(**record).clone() }),
            Event::ActionCreated(action) => {
                self.violations.add_action(&action.violation_id, action.id);
                if let (Some(violation), Some(template)) =
                    (self.violations.get(&action.violation_id), action.template_id)
                {
                    self.trends.acted(violation, template);
                }
                self.add_action(Action { seq, ..(**action).clone() });
            }
            Event::ActionAttempted(attempted) => {
                self.actions.attempted(attempted);
                if let Some(webhook) = self.actions.get(&attempted.id).and_then(webhook_of) {
                    self.webhooks.alerted(webhook, seq, attempted);
                }
            }
            Event::ActionDismissed { id, reason, .. } => self.actions.dismiss(id, reason.clone()),
            Event::ActionRequeued { id, due_at, .. } => self.actions.requeue(id, *due_at),
            Event::ActionEscalated(escalated) => self.actions.escalate(escalated),
            Event::ActionStopped(stopped) => self.actions.stop(stopped),
            Event::ActionReminded { id, .. } => self.actions.forget_reminder(id),
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
            Event::SilenceAdded(silence) => self.silences.begin(Silence { seq, ..(**silence).clone() }, at),
            Event::SilenceEnded { id, .. } => self.silences.end(id),
            Event::InhibitionsChanged { rules, .. } => self.inhibitions = rules.clone(),
            Event::GrantGiven(grant) => self.grants.add(Grant { seq, ..(**grant).clone() }),
            Event::GrantUsed(used) => self.grants.consume(used),
            Event::GrantEnded { id, reason, .. } => self.grants.end(id, GrantEnd { at, reason: reason.clone() }),
            Event::CapabilitySaved(capability) => {
                let seq = self.capabilities.get(&capability.name).map_or(seq, |old| old.seq);
                self.capabilities.put(Capability { seq, ..(**capability).clone() });
            }
            Event::CapabilityDeleted { name, .. } => self.capabilities.remove(name),
            Event::ApprovalPolicyChanged { policy, .. } => self.own_policy = Some(policy.clone()),
            Event::ChannelsChanged { channels, .. } => self.channels = (**channels).clone(),
            Event::WebhookSaved(webhook) => self.webhooks.put(Webhook { seq, ..(**webhook).clone() }),
            Event::WebhookDeleted { id } => self.webhooks.remove(id),
            Event::NoticeMade(notice) => self.webhooks.add_notice(Notice { seq, ..(**notice).clone() }),
            Event::NoticeAttempted(attempted) => self.webhooks.attempted(seq, at, attempted),
            Event::NoticesResent(resent) => self.webhooks.resend(resent),
            Event::WebhookRotated { id, .. } => self.webhooks.rotate(id, at),
            Event::WebhookTested(tested) => self.webhooks.tested(seq, at, tested),
            Event::WebhookDisabled { id } => self.webhooks.disable(id, at),
            Event::WebhookEnabled { id, .. } => self.webhooks.enable(id),
            Event::ApprovalSubmitted(approval) => self.approvals.submitted(seq, at, approval),
            Event::ApprovalDecided(decided) => self.approvals.decided(seq, at, decided),
            Event::ApprovalClosed(closed) => self.approvals.closed(seq, at, closed),
            Event::ApprovalExecuted(executed) => self.approvals.executed(seq, at, executed),
            Event::ApprovalCleared(cleared) => self.approvals.cleared(seq, at, cleared),
            Event::ApprovalScheduled(scheduled) => self.approvals.scheduled(seq, at, scheduled),
            Event::ApprovalReopened(reopened) => self.approvals.reopened(seq, at, reopened),
            Event::ApprovalEdited(edited) => self.approvals.edited(seq, at, edited),
            Event::ApprovalClaimed(claimed) => self.approvals.claimed(seq, at, claimed),
            Event::ApprovalSkipped(skipped) => self.approvals.skipped(seq, at, skipped),
            Event::ApprovalTriedAgain(tried) => {
                self.approvals.tried_again(seq, at, tried);
                let line = LogLine::of(at, &tried.error, None);
                self.tasks.tried_again(&tried.task_id, tried.attempt, tried.next_at, line);
            }
            Event::ApprovalFailed(failed) => self.approvals.failed(seq, at, failed),
            Event::ApprovalRetried(retried) => self.approvals.retried(seq, at, retried),
            Event::ApprovalUndone(undone) => self.approvals.undone(seq, at, undone),
            Event::TaskMade(task) => self.tasks.add(Task { seq, ..(**task).clone() }),
            Event::TaskProgressed(progressed) => self.tasks.progressed(progressed),
            Event::TaskFinished(finished) => self.tasks.finished(at, finished),
            Event::AnnouncementMade(one) => self.notifications.announce(Announcement { seq, ..(**one).clone() }),
            Event::AnnouncementEnded { id } => self.notifications.end(id),
            Event::NotificationMade(one) => self.notifications.made(Notification { seq, ..(**one).clone() }),
            Event::NotificationsRead(read) => self.notifications.read(at, read),
            Event::NotificationAttempted(attempted) => self.notifications.attempted(attempted),
            Event::DigestMade(digest) => self.notifications.gathered(seq, digest),
            Event::PreferencesSaved { user_id, preferences } => {
                self.notifications.prefer(user_id, (**preferences).clone());
            }
            Event::PushSubscriptionAdded { user_id, subscription } => {
                self.notifications.subscribe(user_id, (**subscription).clone());
            }
            Event::PushSubscriptionRemoved { user_id, id } => self.notifications.unsubscribe(user_id, id),
            Event::RushChanged { windows, .. } => self.rush.clone_from(windows),
            Event::Answered => {}
        }
    }

    /// Changes a violation, and how it counts.
    fn counted(&mut self, id: &Uuid, change: impl FnOnce(&mut Violations)) {
        let before = self.violations.get(id).map(Sample::of);
        change(&mut self.violations);
        let Some(violation) = self.violations.get(id) else { return };
        let acted = violation.actions.iter().filter_map(|action| self.actions.get(action)?.template_id);
        self.trends.changed(before.as_ref(), &Sample::of(violation), acted);
    }

    /// Takes an action in: new, or from a snapshot, after its violation.
    pub fn add_action(&mut self, action: Action) {
        if let Some(template) = action.template_id {
            let act = Act::of(template, self.violations.get(&action.violation_id));
            self.pace.note(act, action.created_at);
        }
        self.actions.add(action);
    }

    /// Takes a record of a template on trial in, unless the template is gone.
    fn note_shadow(&mut self, record: ShadowRecord) {
        if self.templates.get(&record.template_id).is_some() {
            let act = Act::of(record.template_id, self.violations.get(&record.violation_id));
            self.shadows.pace.note(act, record.at);
            self.shadows.note(record);
        }
    }

    /// Works out the digests of what was changed, so that a hash of everything costs little.
    pub fn catch_up(&mut self) {
        self.venues.catch_up();
        self.own_types.catch_up();
        self.templates.catch_up();
        self.shadows.catch_up();
        self.violations.catch_up();
        self.actions.catch_up();
        self.blocks.catch_up();
        self.trends.catch_up();
        self.silences.catch_up();
        self.grants.catch_up();
        self.approvals.catch_up();
        self.tasks.catch_up();
        self.capabilities.catch_up();
        self.webhooks.catch_up();
        self.notifications.catch_up();
        self.idempotency.catch_up();
    }

    /// A hash of everything: the same records give the same hash.
    pub fn state_hash(&self) -> [u8; 32] {
        let [webhooks, notices, calls, settled] = self.webhooks.digests();
        let [announcements, notifications, people] = self.notifications.digests();
        let parts: [Digest; 21] = [
            self.venues.digest(),
            self.own_types.digest(),
            self.templates.digest(),
            self.shadows.digest(),
            self.violations.digest(),
            self.actions.digest(),
            self.blocks.digest(),
            self.trends.digest(),
            self.silences.digest(),
            self.grants.digest(),
            self.approvals.digest(),
            self.tasks.digest(),
            self.capabilities.digest(),
            webhooks,
            notices,
            calls,
            settled,
            announcements,
            notifications,
            people,
            self.idempotency.digest(),
        ];
        let mut hash = [0; 32];
        let lanes = digest_of(&(
            &self.organisation,
            self.founded,
            &self.inhibitions,
            &self.own_policy,
            &self.channels,
            &self.rush,
            self.last_seq,
            parts,
        ));
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

    /// The policy of approvals: the organisation's own, or the one that ships.
    pub fn policy(&self) -> &Policy {
        self.own_policy.as_deref().unwrap_or_else(|| Policy::shipped())
    }

    /// The profile of a violation type.
    pub fn profile(&self, violation_type: &ViolationType) -> &Profile {
        self.own_types.profile(violation_type).unwrap_or_else(|| Profile::shipped(violation_type))
    }

    /// The zone of the clock on the wall of a venue, or the organisation's where there is none.
    pub fn zone(&self, venue: Option<&VenueId>) -> Zone {
        let venue = venue.and_then(|id| self.venue(id));
        Zone::named_or_utc(venue.map_or(&self.organisation.time_zone, |venue| &venue.time_zone))
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

    /// When the scheduler has something to write down next.
    pub fn next_tick(&self) -> Option<Timestamp> {
        let times = [
            self.blocks.next_expiry(),
            self.grants.next_expiry(),
            self.approvals.next_deadline(),
            self.notifications.next_digest(),
            self.violations.next_quiet(self.quiet_types()),
        ];
        times.into_iter().flatten().min()
    }

    /// The types whose violations end by themselves, and after how many milliseconds without a report. These are few: types in use may be
    /// as many as there are words.
    pub fn quiet_types(&self) -> impl Iterator<Item = (&ViolationType, i64)> {
        let shipped = types::SHIPPED_QUIET.iter();
        let shipped =
            shipped.filter(|(of_type, _)| !self.own_types.contains(of_type)).map(|(of_type, ms)| (of_type, *ms));
        let own = self.own_types.values().filter_map(|own| Some((&own.violation_type, own.quiet_ms()?)));
        shipped.chain(own)
    }

    /// After how many milliseconds without a report a violation of this type is over.
    pub fn quiet_ms(&self, violation_type: &ViolationType) -> Option<i64> {
        self.profile(violation_type).resolve_after_quiet_minutes.map(|minutes| i64::from(minutes) * MINUTE_MS)
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

    fn carry_out(&mut self, command: Self::Command, context: &mut Context<'_>) -> super::decision::Decided {
        if let super::command::Command::ReportMany(many) = command {
            return many.carry_out(self, context);
        }
        if let super::command::Command::ApproveMany(many) = command {
            return many.carry_out(self, context);
        }
        let decision = command.decide(self, context)?;
        self.fold(context.now, &decision.events);
        Ok(decision)
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

    fn catch_up(&mut self) {
        Self::catch_up(self);
    }

    fn state_hash(&self) -> [u8; 32] {
        Self::state_hash(self)
    }
}

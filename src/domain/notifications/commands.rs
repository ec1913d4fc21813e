//! Telling people, what attempts to reach them came to, and what they have read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::plan::{Moment, plan};
use super::preferences::own;
use super::wording::{self, Place};
use super::{
    Announcement, Delivery, DeliveryState, Medium, Notification, NotificationAttempted, NotificationsRead, PEOPLE_MAX,
    policy, rush,
};
use crate::domain::actions::AttemptOutcome;
use crate::domain::actions::retry::next_delay_ms;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// Where a notification comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An announcement that waits.
    Announcement(Uuid),
    /// The message of an action whose target is people.
    Action {
        /// The action.
        id: Uuid,
        /// The step of an escalation.
        step: Option<Uuid>,
    },
}

/// Tells these people: one notification each, however often it is sent. An announcement is over then.
#[derive(Clone, Debug)]
pub struct Notify {
    /// What.
    pub source: Source,
    /// Who its audience is, as the directory says.
    pub people: Vec<UserId>,
    /// The names of the people whom it names.
    pub names: BTreeMap<UserId, Arc<str>>,
}

impl Notify {
    /// Decides. What waits no more changes nothing.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        let announcement = match self.source {
            Source::Announcement(id) => state.notifications.announcement(&id).cloned(),
            Source::Action { id, step } => {
                let action = state.actions.get(&id).ok_or(Rejection::NotFound)?;
                policy::of_action(state, action, step, context.now)
            }
        };
        let Some(announcement) = announcement else {
            return Ok(Decision { events: Vec::new(), answer: Answer::Nothing });
        };
        let mut events = told(&announcement, &self.people, &self.names, state, context);
        if let Source::Announcement(id) = self.source {
            events.push(Event::AnnouncementEnded { id });
        }
        Ok(Decision { events, answer: Answer::Nothing })
    }
}

fn told(
    announcement: &Announcement,
    people: &[UserId],
    names: &BTreeMap<UserId, Arc<str>>,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Vec<Event> {
    let venue = announcement.venue_id.as_ref();
    let named = venue.and_then(|id| state.venue(id)).map(|venue| &*venue.name);
    let zone = state.zone(venue);
    let words = wording::words(announcement, &Place { venue: named, zone: zone.clone(), names });
    let moment = Moment {
        now: context.now,
        rush_until: rush::until(state, venue, context.now),
        service_ends: state.business_day_end(venue, context.now),
        zone,
    };
    let mut events = Vec::new();
    let mut seen = BTreeSet::new();
    for user_id in people.iter().filter(|id| !announcement.except.contains(id)).take(PEOPLE_MAX) {
        if !seen.insert(user_id) || state.notifications.has_told(&announcement.id, user_id) {
            continue;
        }
        let person = state.notifications.person(user_id);
        let in_app = person.is_none_or(|person| person.preferences.channels(announcement.kind).in_app);
        events.push(Event::NotificationMade(Box::new(Notification {
            id: context.ids.next_id(),
            seq: 0, // given when the event is applied
            source: announcement.id,
            user_id: user_id.clone(),
            kind: announcement.kind,
            critical: announcement.critical,
            title: words.title.clone(),
            text: words.text.clone(),
            venue_id: announcement.venue_id.clone(),
            about: announcement.about,
            created_at: context.now,
            read_at: (!in_app).then_some(context.now),
            deliveries: plan(announcement.kind, announcement.critical, person, &moment),
        })));
    }
    events
}

/// Notes that the caller has read a notification.
#[derive(Clone, Debug)]
pub struct ReadNotification {
    /// Which.
    pub id: Uuid,
}

impl ReadNotification {
    /// Decides; reading again changes nothing, and another person's is like none.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let user_id = own(context)?;
        let theirs = |one: &&Notification| one.user_id == user_id && one.is_listed();
        let notification = state.notifications.get(&self.id).filter(theirs).ok_or(Rejection::NotFound)?;
        let read = Event::NotificationsRead(Box::new(NotificationsRead { user_id, ids: vec![self.id] }));
        let events = if notification.read_at.is_some() { Vec::new() } else { vec![read] };
        Ok(Decision { events, answer: Answer::Notification(self.id) })
    }
}

/// Notes that the caller has read all of theirs.
#[derive(Clone, Debug)]
pub struct ReadAllNotifications;

impl ReadAllNotifications {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let user_id = own(context)?;
        let unread = state.notifications.of(&user_id, u64::MAX).filter(|one| one.read_at.is_none() && one.is_listed());
        let ids: Vec<Uuid> = unread.map(|one| one.id).collect();
        let count = ids.len();
        let read = Event::NotificationsRead(Box::new(NotificationsRead { user_id, ids }));
        Ok(Decision { events: if count == 0 { Vec::new() } else { vec![read] }, answer: Answer::ReadAll(count) })
    }
}

/// Reports what an attempt to reach a person by a medium came to.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RecordNotified {
    pub id: Uuid,
    pub medium: Medium,
    pub outcome: AttemptOutcome,
    pub detail: String,
    /// How long the receiver asked us to wait, in milliseconds.
    pub asked_ms: Option<i64>,
}

impl RecordNotified {
    /// Decides what follows: sent, tried again later, or given up.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let notification = state.notifications.get(&self.id).ok_or(Rejection::NotFound)?;
        let waits = |one: &&Delivery| one.state == DeliveryState::Pending;
        let delivery = notification.delivery(self.medium).filter(waits).ok_or(Rejection::NotFound)?;
        let wait = match self.outcome {
            AttemptOutcome::Retry => next_delay_ms(delivery.failures as usize + 1, self.asked_ms, context.ids.jitter()),
            AttemptOutcome::Delivered | AttemptOutcome::Refused => None,
        };
        let state = match (self.outcome, wait) {
            (AttemptOutcome::Delivered, _) => DeliveryState::Sent,
            (_, Some(_)) => DeliveryState::Pending,
            (_, None) => DeliveryState::Failed,
        };
        let attempted = NotificationAttempted {
            id: self.id,
            medium: self.medium,
            outcome: self.outcome,
            detail: super::shortened(&self.detail, DETAIL_CHARS_MAX),
            state,
            next_at: wait.map(|ms| context.now.plus_ms(ms)),
        };
        let events = vec![Event::NotificationAttempted(Box::new(attempted))];
        Ok(Decision { events, answer: Answer::Notification(self.id) })
    }
}

/// The longest account of an attempt, in characters.
const DETAIL_CHARS_MAX: usize = 500;

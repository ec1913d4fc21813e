//! All notifications of an organisation, what waits to be told, and what people have said about it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::preferences::Preferences;
use super::push::PushSubscription;
use super::{
    ALL_KEPT_MAX, Announcement, DeliveryState, DigestMade, KEPT_MAX, Medium, Notification, NotificationAttempted,
    NotificationsRead, Person, SINGLES_WINDOW_MS, WAITING_MAX,
};
use crate::domain::actions::AttemptOutcome;
use crate::domain::ids::UserId;
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The notifications of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    announcements: Table<Uuid, Announcement>,
    waiting: BTreeSet<(u64, Uuid)>,
    table: Table<Uuid, Notification>,
    people: Table<UserId, Person>,
    by_person: BTreeMap<UserId, BTreeSet<(u64, Uuid)>>,
    told: BTreeSet<(Uuid, UserId)>,
    oldest: BTreeSet<(u64, Uuid)>,
    /// What is to be sent, by when it is due.
    due: BTreeSet<(Timestamp, u64, Uuid, Medium)>,
    /// What is held back, by when it becomes part of a digest.
    held: BTreeSet<(Timestamp, u64, Uuid, Medium)>,
}

impl Notifications {
    /// The notification of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Notification> {
        self.table.get(id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Notification> {
        self.table.values()
    }

    /// Those of a person before a sequence number, newest first.
    pub fn of(&self, person: &UserId, before: u64) -> impl Iterator<Item = &Notification> {
        let theirs = self.by_person.get(person).into_iter();
        let ids = theirs.flat_map(move |theirs| theirs.range(..(before, Uuid::nil())).rev());
        ids.filter_map(|(_, id)| self.table.get(id))
    }

    /// What is kept of a person.
    pub fn person(&self, id: &UserId) -> Option<&Person> {
        self.people.get(id)
    }

    /// All people of whom something is kept, in no order.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// Whether a person has a notification of this source.
    pub fn has_told(&self, source: &Uuid, person: &UserId) -> bool {
        self.told.contains(&(*source, person.clone()))
    }

    /// The announcement of this id, while it waits.
    pub fn announcement(&self, id: &Uuid) -> Option<&Announcement> {
        self.announcements.get(id)
    }

    /// Every announcement that waits, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Announcement> {
        self.waiting.iter().filter_map(|(_, id)| self.announcements.get(id))
    }

    /// Since when the oldest announcement waits.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.waiting().next().map(|one| one.made_at)
    }

    /// What is to be sent, and how, by when it is due: single messages and digests.
    pub fn by_due(&self) -> impl Iterator<Item = (&Notification, Medium)> {
        self.due.iter().filter_map(|(_, _, id, medium)| Some((self.table.get(id)?, *medium)))
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// What was held back until `now` or before.
    pub fn held_by(&self, now: Timestamp) -> impl Iterator<Item = (&Notification, Medium)> {
        let over = self.held.iter().take_while(move |(at, ..)| *at <= now);
        over.filter_map(|(_, _, id, medium)| Some((self.table.get(id)?, *medium)))
    }

    /// When the next digest is to be made.
    pub fn next_digest(&self) -> Option<Timestamp> {
        self.held.first().map(|(at, ..)| *at)
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.announcements.catch_up();
        self.table.catch_up();
        self.people.catch_up();
    }

    /// The digests of announcements, notifications and people.
    pub fn digests(&self) -> [Digest; 3] {
        [self.announcements.digest(), self.table.digest(), self.people.digest()]
    }

    /// Takes an announcement in: new, or from a snapshot. Where too many wait, the oldest is let go.
    pub fn announce(&mut self, announcement: Announcement) {
        self.end(&announcement.id);
        self.waiting.insert((announcement.seq, announcement.id));
        self.announcements.insert(announcement.id, announcement);
        while self.waiting.len() > WAITING_MAX
            && let Some((_, oldest)) = self.waiting.first().copied()
        {
            self.end(&oldest);
        }
    }

    /// Ends an announcement.
    pub fn end(&mut self, id: &Uuid) {
        if let Some(old) = self.announcements.remove(id) {
            self.waiting.remove(&(old.seq, old.id));
        }
    }

    /// Takes a new notification in; its single messages are counted.
    pub fn made(&mut self, notification: Notification) {
        let now = notification.created_at;
        let waits = |state| state == DeliveryState::Pending;
        let singles: Vec<Medium> =
            notification.deliveries.iter().filter(|one| waits(one.state)).map(|one| one.medium).collect();
        if notification.is_listed() && !singles.is_empty() {
            self.change_person(&notification.user_id, |person| {
                person.singles.retain(|(_, at)| *at > now.plus_ms(-SINGLES_WINDOW_MS));
                person.singles.extend(singles.into_iter().map(|medium| (medium, now)));
            });
        }
        self.put(notification);
    }

    /// Takes one in: new, or from a snapshot. Where there are too many, the oldest is let go.
    pub fn put(&mut self, notification: Notification) {
        self.take(&notification.id);
        let user_id = notification.user_id.clone();
        self.enter(&notification);
        self.table.insert(notification.id, notification);
        let theirs = self.by_person.get(&user_id);
        let over = theirs.filter(|theirs| theirs.len() > KEPT_MAX).and_then(|theirs| theirs.first().copied());
        let over = over.or_else(|| self.oldest.first().copied().filter(|_| self.oldest.len() > ALL_KEPT_MAX));
        if let Some((_, oldest)) = over {
            self.take(&oldest);
        }
    }

    /// Folds that a person has read some of theirs in; what was still held back is not sent any more.
    pub fn read(&mut self, at: Timestamp, read: &NotificationsRead) {
        for id in &read.ids {
            self.change(id, |one| {
                one.read_at = one.read_at.or(Some(at));
                for delivery in one.deliveries.iter_mut().filter(|one| one.state == DeliveryState::Held) {
                    delivery.state = DeliveryState::Dropped;
                }
            });
        }
    }

    /// Folds an attempt in.
    pub fn attempted(&mut self, event: &NotificationAttempted) {
        self.change(&event.id, |one| {
            let Some(delivery) = one.deliveries.iter_mut().find(|one| one.medium == event.medium) else { return };
            delivery.state = event.state;
            delivery.due_at = event.next_at.unwrap_or(delivery.due_at);
            if event.outcome != AttemptOutcome::Delivered {
                delivery.failures = delivery.failures.saturating_add(1);
                delivery.last_error = Some(event.detail.clone());
            }
        });
    }

    /// Folds a digest in: what it gathers is on its way with it.
    pub fn gathered(&mut self, seq: u64, event: &DigestMade) {
        let notification = Notification { seq, ..event.notification.clone() };
        let Some(medium) = notification.deliveries.first().map(|one| one.medium) else { return self.put(notification) };
        let theirs = |id: &Uuid| self.table.get(id).is_some_and(|one| one.user_id == notification.user_id);
        let over = self.held.iter().take_while(|(at, ..)| *at <= event.until);
        let over: Vec<Uuid> =
            over.filter(|(_, _, id, own)| *own == medium && theirs(id)).map(|(_, _, id, _)| *id).collect();
        for id in over {
            self.change(&id, |one| {
                for delivery in one.deliveries.iter_mut().filter(|one| one.medium == medium) {
                    delivery.state = DeliveryState::Digested;
                }
            });
        }
        self.put(notification);
    }

    /// Takes what is kept of a person in, from a snapshot.
    pub fn put_person(&mut self, person: Person) {
        self.people.insert(person.user_id.clone(), person);
    }

    /// Keeps a person's preferences.
    pub fn prefer(&mut self, user_id: &UserId, preferences: Preferences) {
        self.change_person(user_id, |person| person.preferences = preferences);
    }

    /// Keeps a person's browser; whoever used it before is not reached there any more.
    pub fn subscribe(&mut self, user_id: &UserId, subscription: PushSubscription) {
        let is_same = |one: &PushSubscription| one.endpoint == subscription.endpoint || one.id == subscription.id;
        let before = self.people.values().filter(|person| person.subscriptions.iter().any(is_same));
        let before: Vec<UserId> = before.map(|person| person.user_id.clone()).collect();
        for person in before {
            self.change_person(&person, |person| person.subscriptions.retain(|one| !is_same(one)));
        }
        self.change_person(user_id, |person| person.subscriptions.push(subscription));
    }

    /// Lets go of a person's browser.
    pub fn unsubscribe(&mut self, user_id: &UserId, id: &Uuid) {
        self.change_person(user_id, |person| person.subscriptions.retain(|one| one.id != *id));
    }

    fn change_person(&mut self, user_id: &UserId, change: impl FnOnce(&mut Person)) {
        if !self.people.contains(user_id) {
            self.people.insert(user_id.clone(), Person::new(user_id.clone()));
        }
        self.people.update(user_id, change);
    }

    fn change(&mut self, id: &Uuid, change: impl FnOnce(&mut Notification)) {
        let Some(mut one) = self.table.get(id).cloned() else { return };
        self.leave(&one);
        change(&mut one);
        self.enter(&one);
        self.table.update(id, |old| *old = one);
    }

    fn take(&mut self, id: &Uuid) {
        if let Some(one) = self.table.remove(id) {
            self.leave(&one);
        }
    }

    fn enter(&mut self, one: &Notification) {
        self.by_person.entry(one.user_id.clone()).or_default().insert((one.seq, one.id));
        self.told.insert((one.source, one.user_id.clone()));
        self.oldest.insert((one.seq, one.id));
        for delivery in &one.deliveries {
            let place = (delivery.due_at, one.seq, one.id, delivery.medium);
            match delivery.state {
                DeliveryState::Pending => drop(self.due.insert(place)),
                DeliveryState::Held => drop(self.held.insert(place)),
                DeliveryState::Sent | DeliveryState::Failed | DeliveryState::Digested | DeliveryState::Dropped => {}
            }
        }
    }

    fn leave(&mut self, one: &Notification) {
        if let Some(theirs) = self.by_person.get_mut(&one.user_id) {
            theirs.remove(&(one.seq, one.id));
            if theirs.is_empty() {
                self.by_person.remove(&one.user_id);
            }
        }
        self.told.remove(&(one.source, one.user_id.clone()));
        self.oldest.remove(&(one.seq, one.id));
        for delivery in &one.deliveries {
            let place = (delivery.due_at, one.seq, one.id, delivery.medium);
            self.due.remove(&place);
            self.held.remove(&place);
        }
    }
}

//! What people hear, what waits to be told, and what they have said about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::approvals::Assignee;
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::notifications::preferences::{Channels, Digest, Preferences, QuietHours};
use crate::domain::notifications::push::PushSubscription;
use crate::domain::notifications::{
    About, Announcement, Audience, Delivery, DigestMade, Facts, Medium, Notification, NotificationAttempted,
    NotificationType, NotificationsRead, Person,
};
use crate::domain::people::Authority;
use crate::domain::templates::conditions::during::Windows;
use crate::domain::time::Timestamp;
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen, frozen_event};

/// The ways of a type.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(clippy::struct_excessive_bools, missing_docs, reason = "the fields are those of the domain")]
pub struct ChannelsV1 {
    pub in_app: bool,
    pub email: bool,
    pub slack: bool,
    pub push: bool,
}

impl Form<Channels> for ChannelsV1 {
    fn freeze(value: &Channels) -> Self {
        let Channels { in_app, email, slack, push } = *value;
        Self { in_app, email, slack, push }
    }

    fn thaw(self) -> Result<Channels, StoredError> {
        let Self { in_app, email, slack, push } = self;
        Ok(Channels { in_app, email, slack, push })
    }
}

/// Whom an announcement is for: `user:ID`, `role:ROLE`, `admins`, or the rungs `rung:A`, `rung:B` one after the other.
impl Form<Audience> for Vec<String> {
    fn freeze(value: &Audience) -> Self {
        match value {
            Audience::User(id) => vec![Assignee::User(id.clone()).text()],
            Audience::Role(role) => vec![Assignee::Role(*role).text()],
            Audience::Admins => vec!["admins".into()],
            Audience::Rungs(rungs) => rungs.iter().map(|rung| format!("rung:{rung}")).collect(),
        }
    }

    fn thaw(self) -> Result<Audience, StoredError> {
        let [only] = &self[..] else { return rungs(&self) };
        match Assignee::parse(only) {
            Some(Assignee::User(id)) => Ok(Audience::User(id)),
            Some(Assignee::Role(role)) => Ok(Audience::Role(role)),
            Some(Assignee::Authority(_)) => Err(StoredError::malformed("an audience", only)),
            None if only == "admins" => Ok(Audience::Admins),
            None => rungs(&self),
        }
    }
}

fn rungs(stored: &[String]) -> Result<Audience, StoredError> {
    let one = |text: &String| text.strip_prefix("rung:").map(Authority::named);
    let rungs = stored.iter().map(|text| one(text).ok_or_else(|| StoredError::malformed("an audience", text)));
    rungs.collect::<Result<Vec<_>, _>>().map(Audience::Rungs)
}

frozen! {
    /// What an announcement is about.
    AboutV1 of About {
        kind: u8,
        id: [u8; 16],
    }

    /// What a message is made of.
    FactsV1 of Facts {
        what: String,
        by: Option<String>,
        outcome: Option<String>,
        detail: Option<String>,
        until: Option<i64>,
    }

    /// What people are to hear. In an event the number is not its own yet.
    AnnouncementV1 of Announcement {
        id: [u8; 16],
        seq: u64,
        kind: u8,
        critical: bool,
        audience: Vec<Vec<String>>,
        except: Vec<String>,
        venue_id: Option<String>,
        about: Option<AboutV1>,
        facts: FactsV1,
        made_at: i64,
    }

    /// A notification's way by one medium.
    DeliveryV1 of Delivery {
        medium: u8,
        state: u8,
        due_at: i64,
        failures: u32,
        last_error: Option<String>,
    }

    /// What one person hears. In an event the number is not its own yet.
    NotificationV1 of Notification {
        id: [u8; 16],
        seq: u64,
        source: [u8; 16],
        user_id: String,
        kind: u8,
        critical: bool,
        title: String,
        text: String,
        venue_id: Option<String>,
        about: Option<AboutV1>,
        created_at: i64,
        read_at: Option<i64>,
        deliveries: Vec<DeliveryV1>,
    }

    /// That a person has read some of theirs.
    NotificationsReadV1 of NotificationsRead {
        user_id: String,
        ids: Vec<[u8; 16]>,
    }

    /// What an attempt to reach a person came to.
    NotificationAttemptedV1 of NotificationAttempted {
        id: [u8; 16],
        medium: u8,
        outcome: u8,
        detail: String,
        state: u8,
        next_at: Option<i64>,
    }

    /// That what was held back became one message.
    DigestMadeV1 of DigestMade {
        notification: NotificationV1,
        until: i64,
    }

    /// When a person is left in peace.
    QuietHoursV1 of QuietHours {
        from: u16,
        to: u16,
        time_zone: String,
    }

    /// What a person wants to hear, and how.
    PreferencesV1 of Preferences {
        channels: Vec<(u8, ChannelsV1)>,
        quiet_hours: Option<QuietHoursV1>,
        digests: Vec<(u8, u8)>,
    }

    /// A browser of a person.
    PushSubscriptionV1 of PushSubscription {
        id: [u8; 16],
        endpoint: String,
        p256dh: String,
        auth: String,
        created_at: i64,
    }

    /// What is kept of a person.
    PersonV1 of Person {
        user_id: String,
        preferences: PreferencesV1,
        subscriptions: Vec<PushSubscriptionV1>,
        singles: Vec<(u8, i64)>,
    }
}

impl Form<BTreeMap<NotificationType, Channels>> for Vec<(u8, ChannelsV1)> {
    fn freeze(value: &BTreeMap<NotificationType, Channels>) -> Self {
        value.iter().map(|(kind, channels)| (Form::freeze(kind), Form::freeze(channels))).collect()
    }

    fn thaw(self) -> Result<BTreeMap<NotificationType, Channels>, StoredError> {
        self.into_iter().map(|(kind, channels)| Ok((kind.thaw()?, channels.thaw()?))).collect()
    }
}

impl Form<BTreeMap<NotificationType, Digest>> for Vec<(u8, u8)> {
    fn freeze(value: &BTreeMap<NotificationType, Digest>) -> Self {
        value.iter().map(|(kind, digest)| (Form::freeze(kind), Form::freeze(digest))).collect()
    }

    fn thaw(self) -> Result<BTreeMap<NotificationType, Digest>, StoredError> {
        self.into_iter().map(|(kind, digest)| Ok((kind.thaw()?, digest.thaw()?))).collect()
    }
}

impl Form<(Medium, Timestamp)> for (u8, i64) {
    fn freeze((medium, at): &(Medium, Timestamp)) -> Self {
        (Form::freeze(medium), Form::freeze(at))
    }

    fn thaw(self) -> Result<(Medium, Timestamp), StoredError> {
        Ok((self.0.thaw()?, self.1.thaw()?))
    }
}

frozen_event! {
    /// That an announcement is over.
    AnnouncementEndedV1 of Event::AnnouncementEnded {
        id: Uuid => [u8; 16],
    }

    /// That a person's browser is not reached any more.
    PushSubscriptionRemovedV1 of Event::PushSubscriptionRemoved {
        user_id: UserId => String,
        id: Uuid => [u8; 16],
    }

    /// The hours in which only what is critical reaches people.
    RushChangedV1 of Event::RushChanged {
        windows: Option<Windows> => Option<String>,
        by: Arc<str> => String,
    }

    /// What a person said that they want to hear.
    PreferencesSavedV1 of Event::PreferencesSaved {
        user_id: UserId => String,
        preferences: Box<Preferences> => PreferencesV1,
    }

    /// That a person's browser is reached.
    PushSubscriptionAddedV1 of Event::PushSubscriptionAdded {
        user_id: UserId => String,
        subscription: Box<PushSubscription> => PushSubscriptionV1,
    }
}

impl Form<Box<Preferences>> for PreferencesV1 {
    fn freeze(value: &Box<Preferences>) -> Self {
        Form::freeze(&**value)
    }

    fn thaw(self) -> Result<Box<Preferences>, StoredError> {
        Form::<Preferences>::thaw(self).map(Box::new)
    }
}

impl Form<Box<PushSubscription>> for PushSubscriptionV1 {
    fn freeze(value: &Box<PushSubscription>) -> Self {
        Form::freeze(&**value)
    }

    fn thaw(self) -> Result<Box<PushSubscription>, StoredError> {
        Form::<PushSubscription>::thaw(self).map(Box::new)
    }
}

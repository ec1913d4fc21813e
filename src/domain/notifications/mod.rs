//! Notifications: what people hear of, in the app and by the media that each of them has chosen.
//!
//! ```text
//!  event ─ policy ─► announcement (waits in the state) ─ herald: who is that? ─► Notify ─ plan ─► one notification a person
//!                                                                                        │
//!                        action of a person or role, when it is due ─────────────────────┘
//!  notification ─► in the app at once · by mail, Slack, push: now, or held and sent as one digest (Tick)
//! ```
//! Promise: what is announced is in the same commit as what it tells of; a person hears of it once, however often the herald tries; what
//! is held back is held to a time that is on record; the list in the app is complete whatever is held or capped.
//! Never here: addresses. A notification names a person, and who delivers it asks the directory where that person is reached now.

pub mod commands;
pub mod digest;
pub mod plan;
pub mod policy;
pub mod preferences;
pub mod push;
pub mod rush;
pub mod store;
pub mod wording;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actions::AttemptOutcome;
use super::ids::{OutsideId, UserId, VenueId};
use super::people::{Authority, Role};
use super::time::{MINUTE_MS, Timestamp};

/// The most notifications that are kept for one person; beyond, the oldest is let go.
pub const KEPT_MAX: usize = 1_000;
/// The most notifications of one organisation; beyond, the oldest of whomever is let go.
pub const ALL_KEPT_MAX: usize = 100_000;
/// The most announcements that wait in one organisation; beyond, the oldest is let go.
pub const WAITING_MAX: usize = 10_000;
/// The most people whom one announcement is for.
pub const PEOPLE_MAX: usize = 100;
/// The longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// The longest text, in characters.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// The most single messages that a person gets by one medium within [`SINGLES_WINDOW_MS`]; what comes on top is one digest.
pub const SINGLES_MAX: usize = 10;
/// How many of these only what is critical may use.
pub const SINGLES_FOR_CRITICAL: usize = 3;
/// The time in which single messages are counted, in milliseconds.
pub const SINGLES_WINDOW_MS: i64 = 10 * MINUTE_MS;

/// What a notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum NotificationType {
    ViolationAlert,
    ViolationEnded,
    Escalation,
    ApprovalAssigned,
    ApprovalDecided,
    ExecutionResult,
    ApprovalInDoubt,
    DeadLetter,
    EndpointDisabled,
    /// Several others that were held back, in one message; not in the app, which has each of them.
    Digest,
}

impl NotificationType {
    /// Those about which a person has preferences: all but the digest of others.
    pub const CHOSEN: [Self; 9] = [
        Self::ViolationAlert,
        Self::ViolationEnded,
        Self::Escalation,
        Self::ApprovalAssigned,
        Self::ApprovalDecided,
        Self::ExecutionResult,
        Self::ApprovalInDoubt,
        Self::DeadLetter,
        Self::EndpointDisabled,
    ];

    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::ViolationAlert => "violation_alert",
            Self::ViolationEnded => "violation_ended",
            Self::Escalation => "escalation",
            Self::ApprovalAssigned => "approval_assigned",
            Self::ApprovalDecided => "approval_decided",
            Self::ExecutionResult => "execution_result",
            Self::ApprovalInDoubt => "approval_in_doubt",
            Self::DeadLetter => "dead_letter",
            Self::EndpointDisabled => "endpoint_disabled",
            Self::Digest => "digest",
        }
    }

    /// The type of this name about which a person has preferences.
    pub fn named(name: &str) -> Option<Self> {
        Self::CHOSEN.into_iter().find(|one| one.name() == name)
    }
}

/// A way to a person besides the list in the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Medium {
    Email,
    Slack,
    Push,
}

impl Medium {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Email, Self::Slack, Self::Push];
}

/// How far a notification is on its way by one medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Held back until its time, when it becomes part of a digest.
    Held,
    /// To be sent when it is due.
    Pending,
    /// Taken by its receiver.
    Sent,
    /// Given up.
    Failed,
    /// Part of a digest that was made.
    Digested,
    /// Read in the app before it left.
    Dropped,
}

/// A notification's way by one medium.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Delivery {
    pub medium: Medium,
    pub state: DeliveryState,
    /// When it is sent, or becomes part of a digest, while it waits.
    pub due_at: Timestamp,
    pub failures: u32,
    pub last_error: Option<Arc<str>>,
}

/// What kind of thing a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum AboutKind {
    Violation,
    Action,
    Approval,
    Webhook,
}

/// The thing that a notification is about: where its link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct About {
    pub kind: AboutKind,
    pub id: Uuid,
}

/// Whom an announcement is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// A person.
    User(UserId),
    /// Everybody of this role at the venue.
    Role(Role),
    /// Everybody at the venue who holds the first of these rungs that anybody holds there.
    Rungs(Vec<Authority>),
    /// Whoever manages the organisation: its owners and admins.
    Admins,
}

/// What a message is made of; the wording is in one place, and knows the names of people when it is worded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What it is about, such as the title of a request.
    pub what: Arc<str>,
    /// Who did something: a person's id, `key:ID`, `operator` or `schedule`.
    pub by: Option<Arc<str>>,
    /// How it stands now, such as `rejected`.
    pub outcome: Option<Arc<str>>,
    /// What was said, or what is to be done.
    pub detail: Option<Arc<str>>,
    /// Until when something is asked for.
    pub until: Option<Timestamp>,
}

/// Something that people are to hear of, before it is known who they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Announcement {
    pub id: Uuid,
    /// The sequence number that made it: the order in which they are told.
    pub seq: u64,
    pub kind: NotificationType,
    /// Reaches people also in quiet hours and while the house is at its busiest.
    pub critical: bool,
    pub audience: Vec<Audience>,
    /// The people who are not told, whoever the audience is.
    pub except: Vec<UserId>,
    /// Where it happened.
    pub venue_id: Option<VenueId>,
    pub about: Option<About>,
    pub facts: Facts,
    pub made_at: Timestamp,
}

impl Announcement {
    /// Whether it asks for a decision, which only those make whose power covers the venue.
    pub fn asks_to_decide(&self) -> bool {
        self.kind == NotificationType::ApprovalAssigned
    }
}

/// What one person hears.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Notification {
    pub id: Uuid,
    /// The sequence number that made it: the order of lists.
    pub seq: u64,
    /// The announcement, or the message of an action, that it comes from: a person gets one notification of each.
    pub source: Uuid,
    pub user_id: UserId,
    pub kind: NotificationType,
    pub critical: bool,
    pub title: Arc<str>,
    pub text: Arc<str>,
    pub venue_id: Option<VenueId>,
    pub about: Option<About>,
    pub created_at: Timestamp,
    pub read_at: Option<Timestamp>,
    /// One for each medium that the person wants for it.
    pub deliveries: Vec<Delivery>,
}

impl Notification {
    /// Whether it is on the list in the app: a digest is not, all that is in it is.
    pub fn is_listed(&self) -> bool {
        self.kind != NotificationType::Digest
    }

    /// Its way by a medium.
    pub fn delivery(&self, medium: Medium) -> Option<&Delivery> {
        self.deliveries.iter().find(|one| one.medium == medium)
    }
}

/// That a person has read some of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct NotificationsRead {
    pub user_id: UserId,
    pub ids: Vec<Uuid>,
}

/// What an attempt to reach a person came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct NotificationAttempted {
    pub id: Uuid,
    pub medium: Medium,
    pub outcome: AttemptOutcome,
    pub detail: Arc<str>,
    /// How it stands after it.
    pub state: DeliveryState,
    pub next_at: Option<Timestamp>,
}

/// That what was held back for a person became one message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DigestMade {
    /// The message, by one medium.
    pub notification: Notification,
    /// All of that person and medium that was held no longer than this is in it.
    pub until: Timestamp,
}

/// What is kept of a person besides their notifications.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Person {
    pub user_id: UserId,
    pub preferences: preferences::Preferences,
    pub subscriptions: Vec<push::PushSubscription>,
    /// The single messages of the last ten minutes, oldest first.
    pub singles: Vec<(Medium, Timestamp)>,
}

impl Person {
    /// A person of whom nothing is kept yet.
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            preferences: preferences::Preferences::default(),
            subscriptions: Vec::new(),
            singles: Vec::new(),
        }
    }
}

/// A text with at most so many characters, the last an ellipsis where something is missing.
pub fn shortened(text: &str, chars_max: usize) -> Arc<str> {
    if text.chars().count() <= chars_max {
        return text.into();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.push('…');
    short.into()
}

/// The person behind a label such as a mark carries; none for keys, the operator and the schedule.
pub fn person_of(label: &str) -> Option<UserId> {
    let nobody = label.contains(':') || matches!(label, "operator" | "schedule" | "");
    if nobody { None } else { OutsideId::parse(label).ok() }
}

#[cfg(test)]
mod tests;

//! Notifications and what people have said about them, as they are shown.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::feed::{Seen, Topic, value};
use super::list::{Cursor, Paging, bytes, page};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, UserId};
use crate::domain::notifications::preferences::{Preferences, PreferencesDraft};
use crate::domain::notifications::push::PushSubscription;
use crate::domain::notifications::rush::RushDraft;
use crate::domain::notifications::{About, DeliveryState, Medium, Notification, NotificationType};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// A notification.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct NotificationView<'a> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub user_id: &'a str,
    #[serde(rename = "type")]
    pub kind: NotificationType,
    pub critical: bool,
    pub title: &'a str,
    pub text: &'a str,
    pub venue_id: Option<&'a str>,
    pub about: Option<About>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// Its ways besides the list in the app, as the person wants them.
    pub deliveries: Vec<DeliveryView<'a>>,
}

/// The way of a notification by one medium.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct DeliveryView<'a> {
    pub medium: Medium,
    pub state: DeliveryState,
    /// When it is sent, or becomes part of a digest, while it waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    pub failures: u32,
    pub last_error: Option<&'a str>,
}

/// A notification.
pub fn notification<'a>(org_id: &'a str, one: &'a Notification) -> NotificationView<'a> {
    let waits = |state| matches!(state, DeliveryState::Held | DeliveryState::Pending);
    let delivery = |one: &'a crate::domain::notifications::Delivery| DeliveryView {
        medium: one.medium,
        state: one.state,
        due_at: waits(one.state).then_some(one.due_at),
        failures: one.failures,
        last_error: one.last_error.as_deref(),
    };
    NotificationView {
        id: one.id,
        org_id,
        user_id: one.user_id.as_str(),
        kind: one.kind,
        critical: one.critical,
        title: &one.title,
        text: &one.text,
        venue_id: one.venue_id.as_ref().map(OutsideId::as_str),
        about: one.about,
        created_at: one.created_at,
        read_at: one.read_at,
        deliveries: one.deliveries.iter().map(delivery).collect(),
    }
}

/// A page of a person's notifications as JSON, newest first.
pub fn list(state: &TenantState, person: &UserId, unread: bool, paging: Paging) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let rest = state.notifications.of(person, paging.before());
    let takes = |one: &Notification| one.is_listed() && !(unread && one.read_at.is_some());
    bytes(&page(paging.limit, rest, takes, |one| Cursor::Seq(one.seq), |one| notification(org_id, one)))
}

/// A person's preferences, with everything that is as shipped.
pub fn preferences(state: &TenantState, person: &UserId) -> PreferencesDraft {
    let shipped = Preferences::default();
    PreferencesDraft::of(state.notifications.person(person).map_or(&shipped, |person| &person.preferences))
}

/// The busiest hours.
pub fn rush(state: &TenantState) -> RushDraft {
    RushDraft { peak_windows: state.rush.clone() }
}

/// A browser of a person. Its address is as good as a key, so only its host is shown.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct PushSubscriptionView<'a> {
    pub id: Uuid,
    /// The host of its address.
    pub host: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A browser of a person.
pub fn subscription(one: &PushSubscription) -> PushSubscriptionView<'_> {
    let after_scheme = one.endpoint.split_once("://").map_or(&*one.endpoint, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    PushSubscriptionView { id: one.id, host, created_at: one.created_at }
}

/// Whose business an event is, where it is one person's alone.
pub(super) fn person_of(event: &Event) -> Option<&UserId> {
    match event {
        Event::NotificationMade(one) => Some(&one.user_id),
        Event::NotificationsRead(one) => Some(&one.user_id),
        _ => None,
    }
}

/// The stream's view of what a person hears and reads. It names no venue: what is for a person is for them wherever they work.
pub(super) fn seen<'a>(org_id: &str, at: Timestamp, event: &'a Event) -> Option<Seen<'a>> {
    match event {
        Event::NotificationMade(one) if one.is_listed() && one.read_at.is_none() => {
            let object = value(&notification(org_id, one));
            Some((Topic::Notifications, "notification.created", one.id, None, object))
        }
        Event::NotificationsRead(one) => {
            let object = json!({ "ids": one.ids, "user_id": one.user_id, "read_at": at });
            Some((Topic::Notifications, "notification.read", *one.ids.first()?, None, object))
        }
        _ => None,
    }
}

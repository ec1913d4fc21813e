//! Arbitrary announcements, notifications and preferences.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{OUTCOMES, ROLES, at, authority, outside, text, uuid};
use crate::domain::event::Event;
use crate::domain::notifications::preferences::{Channels, Digest, Preferences, QuietHours};
use crate::domain::notifications::push::PushSubscription;
use crate::domain::notifications::{
    About, AboutKind, Announcement, Audience, Delivery, DeliveryState, DigestMade, Facts, Medium, Notification,
    NotificationAttempted, NotificationType, NotificationsRead,
};
use crate::domain::templates::conditions::during::Windows;

const KINDS: [NotificationType; 10] = [
    NotificationType::ViolationAlert,
    NotificationType::ViolationEnded,
    NotificationType::Escalation,
    NotificationType::ApprovalAssigned,
    NotificationType::ApprovalDecided,
    NotificationType::ExecutionResult,
    NotificationType::ApprovalInDoubt,
    NotificationType::DeadLetter,
    NotificationType::EndpointDisabled,
    NotificationType::Digest,
];
const STATES: [DeliveryState; 6] = [
    DeliveryState::Held,
    DeliveryState::Pending,
    DeliveryState::Sent,
    DeliveryState::Failed,
    DeliveryState::Digested,
    DeliveryState::Dropped,
];
const ABOUT: [AboutKind; 4] = [AboutKind::Violation, AboutKind::Action, AboutKind::Approval, AboutKind::Webhook];
const DIGESTS: [Digest; 4] = [Digest::None, Digest::Hourly, Digest::Daily, Digest::EndOfService];

fn about() -> impl Strategy<Value = Option<About>> {
    of((select(&ABOUT), uuid()).prop_map(|(kind, id)| About { kind, id }))
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![
        outside().prop_map(Audience::User),
        select(&ROLES).prop_map(Audience::Role),
        vec(authority(), 0..3).prop_map(Audience::Rungs),
        Just(Audience::Admins),
    ]
}

prop_compose! {
    fn facts()(what in text(), by in of(text()), outcome in of(text()), detail in of(text()), until in of(at())) -> Facts {
        Facts { what, by, outcome, detail, until }
    }
}

prop_compose! {
    fn announcement()(
        id in uuid(), seq: u64, kind in select(&KINDS), critical: bool, audience in vec(audience(), 0..3),
        except in vec(outside(), 0..2), venue_id in of(outside()), about in about(), facts in facts(), made_at in at(),
    ) -> Announcement {
        Announcement { id, seq, kind, critical, audience, except, venue_id, about, facts, made_at }
    }
}

prop_compose! {
    fn delivery()(
        medium in select(&Medium::ALL), state in select(&STATES), due_at in at(), failures in 0..u32::MAX / 2,
        last_error in of(text()),
    ) -> Delivery {
        Delivery { medium, state, due_at, failures, last_error }
    }
}

prop_compose! {
    fn notification()(
        ids in (uuid(), uuid()), seq: u64, user_id in outside(), kind in select(&KINDS), critical: bool,
        words in (text(), text()), venue_id in of(outside()), about in about(), times in (at(), of(at())),
        deliveries in vec(delivery(), 0..3),
    ) -> Notification {
        let ((id, source), (title, text), (created_at, read_at)) = (ids, words, times);
        Notification {
            id, seq, source, user_id, kind, critical, title, text, venue_id, about, created_at, read_at, deliveries,
        }
    }
}

prop_compose! {
    fn channels()(in_app: bool, email: bool, slack: bool, push: bool) -> Channels { Channels { in_app, email, slack, push } }
}

prop_compose! {
    fn preferences()(
        channels in btree_map(select(&KINDS), channels(), 0..3),
        quiet_hours in of((0..1_440_u16, 0..1_440_u16, text())), digests in btree_map(select(&KINDS), select(&DIGESTS), 0..3),
    ) -> Preferences {
        let quiet_hours = quiet_hours.map(|(from, to, time_zone)| QuietHours { from, to, time_zone });
        Preferences { channels, quiet_hours, digests }
    }
}

prop_compose! {
    fn subscription()(id in uuid(), endpoint in text(), p256dh in text(), auth in text(), created_at in at()) -> PushSubscription {
        PushSubscription { id, endpoint, p256dh, auth, created_at }
    }
}

fn windows() -> impl Strategy<Value = Option<Windows>> {
    let some = serde_json::json!({ "days": ["fri"], "from": "19:00", "to": "22:30" });
    select(vec![None, serde_json::from_value(some).ok()])
}

/// Every kind of event of notifications.
pub fn event() -> BoxedStrategy<Event> {
    prop_oneof![
        announcement().prop_map(|it| Event::AnnouncementMade(Box::new(it))),
        uuid().prop_map(|id| Event::AnnouncementEnded { id }),
        notification().prop_map(|it| Event::NotificationMade(Box::new(it))),
        notification().prop_map(|it| Event::NotificationMade(Box::new(it))),
        (outside(), vec(uuid(), 0..3))
            .prop_map(|(user_id, ids)| Event::NotificationsRead(Box::new(NotificationsRead { user_id, ids }))),
        (uuid(), select(&Medium::ALL), select(&OUTCOMES), text(), select(&STATES), of(at())).prop_map(
            |(id, medium, outcome, detail, state, next_at)| {
                let attempted = NotificationAttempted { id, medium, outcome, detail, state, next_at };
                Event::NotificationAttempted(Box::new(attempted))
            }
        ),
        (notification(), at())
            .prop_map(|(notification, until)| Event::DigestMade(Box::new(DigestMade { notification, until }))),
        (outside(), preferences())
            .prop_map(|(user_id, it)| Event::PreferencesSaved { user_id, preferences: Box::new(it) }),
        (outside(), subscription())
            .prop_map(|(user_id, it)| Event::PushSubscriptionAdded { user_id, subscription: Box::new(it) }),
        (outside(), uuid()).prop_map(|(user_id, id)| Event::PushSubscriptionRemoved { user_id, id }),
        (windows(), text()).prop_map(|(windows, by)| Event::RushChanged { windows, by }),
    ]
    .boxed()
}

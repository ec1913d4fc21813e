//! Samples of what people hear, and of what they have said about it.

use serde_json::json;
use uuid::Uuid;

use super::{ACTION, APPROVAL, AT, BLOCK, LATER, NOTIFICATION, TASK, id, venue_id};
use crate::domain::actions::AttemptOutcome;
use crate::domain::event::Event;
use crate::domain::notifications::preferences::{Channels, Digest, Preferences, QuietHours};
use crate::domain::notifications::push::PushSubscription;
use crate::domain::notifications::{
    About, AboutKind, Announcement, Audience, Delivery, DeliveryState, DigestMade, Facts, Medium, Notification,
    NotificationAttempted, NotificationType, NotificationsRead,
};
use crate::domain::people::{Authority, Role};

fn announcement() -> Announcement {
    Announcement {
        id: TASK,
        seq: 0,
        kind: NotificationType::ApprovalAssigned,
        critical: true,
        audience: vec![
            Audience::User(id("ana")),
            Audience::Role(Role::Reviewer),
            Audience::Rungs(vec![Authority::named("gm"), Authority::named("owner")]),
            Audience::Rungs(vec![Authority::named("gm")]),
            Audience::Admins,
        ],
        except: vec![id("gm-1")],
        venue_id: venue_id(),
        about: Some(About { kind: AboutKind::Approval, id: APPROVAL }),
        facts: Facts {
            what: "Refund of 80".into(),
            by: Some("gm-1".into()),
            outcome: Some("scheduled".into()),
            detail: Some("Refund 80 to table 9".into()),
            until: Some(LATER),
        },
        made_at: AT,
    }
}

fn notification(own: Uuid) -> Notification {
    let delivery =
        |medium, state| Delivery { medium, state, due_at: LATER, failures: 1, last_error: Some("450 busy".into()) };
    Notification {
        id: own,
        seq: 0,
        source: TASK,
        user_id: id("ana"),
        kind: NotificationType::ViolationAlert,
        critical: true,
        title: "Critical: Comps above 5 % · Harbour".into(),
        text: "Alice comped 7.5 %".into(),
        venue_id: venue_id(),
        about: Some(About { kind: AboutKind::Violation, id: ACTION }),
        created_at: AT,
        read_at: Some(LATER),
        deliveries: vec![
            delivery(Medium::Email, DeliveryState::Pending),
            delivery(Medium::Slack, DeliveryState::Failed),
            delivery(Medium::Push, DeliveryState::Held),
        ],
    }
}

fn preferences() -> Preferences {
    Preferences {
        channels: [
            (NotificationType::Escalation, Channels { in_app: true, email: false, slack: true, push: false }),
            (NotificationType::DeadLetter, Channels { in_app: false, email: true, slack: false, push: true }),
        ]
        .into(),
        quiet_hours: Some(QuietHours { from: 22 * 60, to: 7 * 60 + 30, time_zone: "Europe/Berlin".into() }),
        digests: [
            (NotificationType::ViolationEnded, Digest::EndOfService),
            (NotificationType::ExecutionResult, Digest::Daily),
        ]
        .into(),
    }
}

/// One event of every kind.
pub fn notification_events() -> Vec<Event> {
    let digest =
        Delivery { medium: Medium::Email, state: DeliveryState::Pending, due_at: LATER, failures: 0, last_error: None };
    let digest = Notification {
        kind: NotificationType::Digest,
        about: None,
        venue_id: None,
        read_at: None,
        deliveries: vec![digest],
        ..notification(BLOCK)
    };
    let windows = json!([{ "days": ["fri", "sat"], "from": "19:00", "to": "22:30" }]);
    vec![
        Event::AnnouncementMade(Box::new(announcement())),
        Event::AnnouncementEnded { id: ACTION },
        Event::NotificationMade(Box::new(notification(NOTIFICATION))),
        Event::NotificationsRead(Box::new(NotificationsRead { user_id: id("ana"), ids: vec![ACTION, BLOCK] })),
        Event::NotificationAttempted(Box::new(NotificationAttempted {
            id: NOTIFICATION,
            medium: Medium::Email,
            outcome: AttemptOutcome::Retry,
            detail: "450 busy".into(),
            state: DeliveryState::Pending,
            next_at: Some(LATER),
        })),
        Event::DigestMade(Box::new(DigestMade { notification: digest, until: AT })),
        Event::PreferencesSaved { user_id: id("ana"), preferences: Box::new(preferences()) },
        Event::PushSubscriptionAdded {
            user_id: id("ana"),
            subscription: Box::new(PushSubscription {
                id: TASK,
                endpoint: "https://push.example/send/abc".into(),
                p256dh: "BA".into(),
                auth: "AA".into(),
                created_at: AT,
            }),
        },
        Event::PushSubscriptionRemoved { user_id: id("ana"), id: BLOCK },
        Event::RushChanged { windows: serde_json::from_value(windows).ok(), by: "owner-1".into() },
    ]
}

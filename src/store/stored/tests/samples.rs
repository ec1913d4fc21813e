//! One fixed sample of every kind of event. They are in the golden files: never change one, add others.

mod actions;
mod approvals;
mod capabilities;
mod directory;
mod notifications;
mod templates;

use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use self::actions::{action, attempted, reminder, step};
use self::approvals::{approval_events, grant, one_use};
pub use self::approvals::{first_approval, first_executed};
use self::capabilities::{capability, policy};
pub use self::directory::directory_events;
use self::notifications::notification_events;
use self::templates::{action_data, shadow, template};
use crate::domain::actions::escalation::{Escalated, Stopped};
use crate::domain::actions::{AttemptOutcome, ExecutionStatus};
use crate::domain::blocks::grants::GrantUsed;
use crate::domain::blocks::{Block, BlockKey, Lift, OnError};
use crate::domain::channels::{Channels, SealedUrl};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::json::JsonText;
use crate::domain::organisation::{Organisation, Venue};
use crate::domain::people::{Authority, Held};
use crate::domain::suppression::inhibition::{Inhibition, InhibitionScope};
use crate::domain::suppression::silences::Silence;
use crate::domain::time::{BusinessDate, Timestamp};
use crate::domain::view::feed::Topic;
use crate::domain::violations::own_types::OwnType;
use crate::domain::violations::{Ending, Entity, Mark, Repeat, Severity, Violation, ViolationType};
use crate::domain::webhooks::care::{Resent, Tested};
use crate::domain::webhooks::health::Health;
use crate::domain::webhooks::{Notice, NoticeAttempted, Webhook};

const AT: Timestamp = Timestamp(1_739_556_300_123);
const LATER: Timestamp = Timestamp(1_739_559_900_000);
const VIOLATION: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0001);
const TEMPLATE: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0002);
const ACTION: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0003);
const STEP: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0005);
const WEBHOOK: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0007);
const GRANT: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0005);
const APPROVAL: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0006);
const TASK: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0008);
const NOTIFICATION: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0009);
const BLOCK: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0004);

/// An id from outside.
pub fn id(text: &str) -> OutsideId {
    OutsideId::parse(text).unwrap()
}

fn venue_id() -> Option<OutsideId> {
    Some(id("venue-7"))
}

fn violation_type() -> ViolationType {
    ViolationType::parse("comp_exception").unwrap()
}

fn organisation() -> Organisation {
    Organisation {
        org_id: id("Gasthaus Müller"),
        name: "Müller & Söhne".into(),
        time_zone: "Europe/Berlin".into(),
        authority_ladder: ["manager", "gm", "vp_ops", "owner"].map(Authority::named).to_vec(),
        contacts: [("gm_email".into(), "gm@example.com".into()), ("ops".into(), "ops@example.com".into())].into(),
        created_at: AT,
    }
}

fn venue() -> Venue {
    Venue {
        venue_id: id("venue-7"),
        name: "Harbour".into(),
        time_zone: "America/Los_Angeles".into(),
        business_day_starts: 4,
        contacts: [("gm_email".into(), "harbour@example.com".into())].into(),
    }
}

fn own_type() -> OwnType {
    OwnType {
        violation_type: violation_type(),
        measure: Some("comp_percent".into()),
        entity: Some(vec!["metadata.server_id".into(), "venue_id".into()]),
        entity_type: Some("server".into()),
        block_type: Some("comp".into()),
        resolve_after_quiet_minutes: Some(45),
        on_error: Some(OnError::Limit),
    }
}

/// A violation in which every field says something.
pub fn violation() -> Violation {
    Violation {
        id: VIOLATION,
        seq: 0,
        venue_id: venue_id(),
        parent_id: Some(BLOCK),
        violation_type: violation_type(),
        severity: Severity::Warning,
        title: "Comps above 5 %".into(),
        description: Some("Alice comped 7.5 % of 1 204,50 €".into()),
        metadata: Some(JsonText::of(&json!({"server_id": "alice", "comp_percent": 7.5, "checks": [11, 12]}))),
        source_table: Some(id("comps")),
        source_id: Some(id("row 42")),
        fingerprint: "comp_exception|venue-7|alice".into(),
        detected_at: AT,
        business_date: BusinessDate(20_133),
        occurrences: 2,
        last_seen_at: LATER,
        over_at: AT,
        acknowledged: Some(Mark { by: "bob".into(), at: AT }),
        resolved: Some(Mark { by: "key:k1".into(), at: LATER }),
        resolution: Some("trained".into()),
        ending: Some(Ending::Cleared),
        actions: vec![ACTION],
        blocks: vec![BLOCK],
        entity: Some(Entity { id: id("alice"), entity_type: "employee".into() }),
    }
}

fn repeat() -> Repeat {
    Repeat {
        id: VIOLATION,
        venue_id: venue_id(),
        parent_id: Some(BLOCK),
        severity: Severity::Critical,
        title: "Comps above 10 %".into(),
        description: None,
        metadata: Some(JsonText::of(&json!({"comp_percent": 12}))),
        seen_at: LATER,
        over_at: AT,
        occurrences: 3,
    }
}

fn silence() -> Silence {
    Silence {
        id: BLOCK,
        seq: 0,
        violation_type: Some(violation_type()),
        venue_id: venue_id(),
        entity_id: Some(id("alice")),
        until: LATER,
        reason: "menu tasting".into(),
        by: "gm-1".into(),
        person: Some(id("gm-1")),
        held: Held::Rung(Authority::named("gm")),
        created_at: AT,
    }
}

fn inhibition() -> Inhibition {
    Inhibition { source_type: violation_type(), target_types: vec![violation_type()], scope: InhibitionScope::Entity }
}

fn block_key() -> BlockKey {
    BlockKey { block_type: "comp".into(), entity_id: id("alice") }
}

fn block() -> Block {
    Block {
        id: BLOCK,
        seq: 0,
        violation_id: Some(VIOLATION),
        key: block_key(),
        entity_type: "employee".into(),
        venue_id: venue_id(),
        reason: "Comps above 10 %".into(),
        override_required: true,
        override_authority: Some(Authority::named("gm")),
        limit: Some(Decimal::from_i128_with_scale(-79_228_162_514_264_337_593_543_950_335, 28)),
        on_error: OnError::Open,
        auto_lift_on_resolve: true,
        placed_by: "template".into(),
        placed_at: AT,
        expires_at: Some(LATER),
        expired: true,
        lifted: Some(Lift { at: LATER, by: "gm-1".into(), reason: "trained".into() }),
    }
}

fn channels() -> Channels {
    let slack = SealedUrl { sealed: vec![1, 2, 255], shown: "https://hooks.slack.com/***".into() };
    Channels { slack: Some(slack) }
}

fn webhook() -> Webhook {
    Webhook {
        rotated_at: Some(AT),
        health: Health {
            last_success_at: Some(AT),
            last_failure_at: Some(LATER),
            consecutive_failures: 3,
            failing_since: Some(AT),
            disabled_at: None,
        },
        id: WEBHOOK,
        seq: 0,
        url: "https://till.example/hook".into(),
        events: vec![Topic::Blocks, Topic::Approvals],
        description: Some("the tills".into()),
        generation: 2,
        created_by: "owner-1".into(),
        created_at: AT,
        delivered: 7,
        failed: 1,
        missed: 3,
        last_error: Some("500 sorry".into()),
    }
}

fn told(id: Uuid) -> Notice {
    Notice {
        id,
        seq: 0,
        webhook_id: WEBHOOK,
        body: r#"{"type":"block.placed"}"#.into(),
        made_at: AT,
        failures: 2,
        due_at: LATER,
    }
}

/// One event of every kind of an organisation.
pub fn events() -> Vec<Event> {
    let (by, reason) = ("gm-1".into(), "it is settled".into());
    let mut events = vec![
        Event::OrganisationFounded(Box::new(organisation())),
        Event::SettingsChanged(Box::new(organisation())),
        Event::VenueSaved(Box::new(venue())),
        Event::VenueDeleted { venue_id: id("venue-8") },
        Event::ViolationTypeSaved(Box::new(own_type())),
        Event::ViolationTypeDeleted { violation_type: ViolationType::parse("late_delivery").unwrap() },
        Event::ViolationReported(Box::new(violation())),
        Event::ViolationRepeated(Box::new(repeat())),
        Event::ViolationAcknowledged {
            id: VIOLATION,
            venue_id: venue_id(),
            by: "bob".into(),
            note: Some("seen".into()),
        },
        Event::ViolationResolved {
            id: VIOLATION,
            venue_id: None,
            by: "bob".into(),
            resolution: Some("done".into()),
            ending: Ending::Quiet,
        },
        Event::ViolationReopened(Box::new(repeat())),
        Event::TemplateSaved(Box::new(template())),
        Event::TemplateDeleted { id: BLOCK },
        Event::ShadowNoted(Box::new(shadow())),
        Event::ActionCreated(Box::new(action())),
        Event::ActionAttempted(Box::new(attempted())),
        Event::ActionDismissed { id: ACTION, venue_id: venue_id(), reason: "too late".into(), by: "bob".into() },
        Event::ActionRequeued { id: ACTION, venue_id: venue_id(), by: "bob".into(), due_at: AT },
        Event::ActionEscalated(Box::new(Escalated { id: ACTION, venue_id: venue_id(), step: step() })),
        Event::ActionStopped(Box::new(Stopped {
            id: ACTION,
            venue_id: venue_id(),
            status: ExecutionStatus::Delivered,
            reason: "stopped".into(),
            reminder: Some(reminder()),
        })),
        Event::ActionReminded { id: ACTION, venue_id: venue_id() },
        Event::BlockPlaced(Box::new(block())),
        Event::BlockLifted { id: BLOCK, venue_id: venue_id(), key: block_key(), by, reason },
        Event::BlockExpired { id: BLOCK, venue_id: None, key: block_key() },
        Event::SilenceEnded { id: BLOCK, venue_id: venue_id(), by: "bob".into() },
        Event::SilenceAdded(Box::new(silence())),
        Event::InhibitionsChanged { rules: vec![inhibition()], by: "bob".into() },
        Event::GrantGiven(Box::new(grant())),
        Event::GrantUsed(Box::new(GrantUsed {
            id: GRANT,
            venue_id: venue_id(),
            key: block_key(),
            used: one_use("check-78"),
            uses_left: 1,
            expires_at: LATER,
        })),
        Event::GrantEnded { id: GRANT, venue_id: venue_id(), key: block_key(), reason: "the block was lifted".into() },
        Event::CapabilitySaved(Box::new(capability())),
        Event::CapabilityDeleted { name: "till.void".into(), by: "owner-1".into() },
        Event::ApprovalPolicyChanged { policy: Box::new(policy()), by: "owner-1".into() },
        Event::ChannelsChanged { channels: Box::new(channels()), by: "owner-1".into() },
        Event::WebhookSaved(Box::new(webhook())),
        Event::WebhookDeleted { id: TEMPLATE },
        Event::WebhookRotated { id: WEBHOOK, by: "owner-1".into() },
        Event::WebhookTested(Box::new(Tested {
            id: TEMPLATE,
            webhook_id: WEBHOOK,
            outcome: AttemptOutcome::Delivered,
            detail: "204".into(),
            by: "owner-1".into(),
        })),
        Event::NoticeMade(Box::new(told(GRANT))),
        Event::NoticeAttempted(Box::new(NoticeAttempted {
            id: GRANT,
            webhook_id: WEBHOOK,
            outcome: AttemptOutcome::Retry,
            detail: "500 sorry".into(),
            status: ExecutionStatus::Pending,
            next_at: Some(LATER),
        })),
        Event::WebhookDisabled { id: WEBHOOK },
        Event::WebhookEnabled { id: WEBHOOK, by: "owner-1".into() },
        Event::NoticesResent(Box::new(Resent {
            webhook_id: WEBHOOK,
            ids: vec![TEMPLATE, BLOCK],
            by: "owner-1".into(),
            due_at: LATER,
        })),
        Event::Answered,
    ];
    events.extend(approval_events());
    events.extend(notification_events());
    events.iter().for_each(is_listed);
    events
}

/// Does not compile when a kind is added: then add a sample to [`events`] and a line here.
fn is_listed(event: &Event) {
    match event {
        Event::OrganisationFounded(_)
        | Event::SettingsChanged(_)
        | Event::VenueSaved(_)
        | Event::VenueDeleted { .. }
        | Event::ViolationTypeSaved(_)
        | Event::ViolationTypeDeleted { .. }
        | Event::ViolationReported(_)
        | Event::ViolationRepeated(_)
        | Event::ViolationAcknowledged { .. }
        | Event::ViolationResolved { .. }
        | Event::TemplateSaved(_)
        | Event::TemplateDeleted { .. }
        | Event::ShadowNoted(_)
        | Event::ActionCreated(_)
        | Event::ActionAttempted(_)
        | Event::ActionDismissed { .. }
        | Event::ActionRequeued { .. }
        | Event::BlockPlaced(_)
        | Event::BlockLifted { .. }
        | Event::BlockExpired { .. }
        | Event::ViolationReopened(_)
        | Event::ActionEscalated(_)
        | Event::ActionStopped(_)
        | Event::ActionReminded { .. }
        | Event::SilenceAdded(_)
        | Event::SilenceEnded { .. }
        | Event::InhibitionsChanged { .. }
        | Event::GrantGiven(_)
        | Event::GrantUsed(_)
        | Event::GrantEnded { .. }
        | Event::CapabilitySaved(_)
        | Event::CapabilityDeleted { .. }
        | Event::ApprovalPolicyChanged { .. }
        | Event::ChannelsChanged { .. }
        | Event::WebhookSaved(_)
        | Event::WebhookDeleted { .. }
        | Event::WebhookRotated { .. }
        | Event::WebhookTested(_)
        | Event::WebhookDisabled { .. }
        | Event::WebhookEnabled { .. }
        | Event::NoticesResent(_)
        | Event::NoticeMade(_)
        | Event::NoticeAttempted(_)
        | Event::ApprovalSubmitted(_)
        | Event::ApprovalDecided(_)
        | Event::ApprovalClosed(_)
        | Event::ApprovalExecuted(_)
        | Event::ApprovalCleared(_)
        | Event::ApprovalScheduled(_)
        | Event::ApprovalReopened(_)
        | Event::ApprovalEdited(_)
        | Event::ApprovalClaimed(_)
        | Event::ApprovalSkipped(_)
        | Event::ApprovalTriedAgain(_)
        | Event::ApprovalFailed(_)
        | Event::ApprovalRetried(_)
        | Event::ApprovalUndone(_)
        | Event::TaskMade(_)
        | Event::TaskProgressed(_)
        | Event::TaskFinished(_)
        | Event::AnnouncementMade(_)
        | Event::AnnouncementEnded { .. }
        | Event::NotificationMade(_)
        | Event::NotificationsRead(_)
        | Event::NotificationAttempted(_)
        | Event::DigestMade(_)
        | Event::PreferencesSaved { .. }
        | Event::PushSubscriptionAdded { .. }
        | Event::PushSubscriptionRemoved { .. }
        | Event::RushChanged { .. }
        | Event::Answered => {}
    }
}

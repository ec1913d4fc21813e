//! Events as they go out on `/api/events`: made from the event alone, so that a reader that comes back gets the same bytes from
//! the journal as one that stayed.

use serde_json::{Value, json};
use uuid::Uuid;

use super::approvals;
use super::notifications;
use super::runs;
use super::shapes;
use crate::domain::approvals::Status;
use crate::domain::event::Event;
use crate::domain::ids::{UserId, VenueId};
use crate::domain::time::Timestamp;
use crate::domain::violations::Mark;

/// What a reader can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Topic {
    Violations,
    Actions,
    Blocks,
    Approvals,
    Tasks,
    Notifications,
}

impl Topic {
    /// Every topic with its name outside.
    pub const ALL: [(&'static str, Self); 6] = [
        ("violations", Self::Violations),
        ("actions", Self::Actions),
        ("blocks", Self::Blocks),
        ("approvals", Self::Approvals),
        ("tasks", Self::Tasks),
        ("notifications", Self::Notifications),
    ];

    /// The topic of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(own, _)| *own == name).map(|(_, topic)| *topic)
    }
}

/// One event of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// The organisation's sequence number: the id of the event.
    pub seq: u64,
    /// Its topic.
    pub topic: Topic,
    /// Its name, such as `violation.created`.
    pub name: &'static str,
    /// What it is about.
    pub id: Uuid,
    /// Where it happened; readers that are limited to venues see only theirs.
    pub venue_id: Option<VenueId>,
    /// Whose it is; nobody else sees it, and no other system.
    pub person: Option<UserId>,
    /// `{ type, id, version, at, object }`.
    pub data: String,
}

/// The stream's view of an event; `None` for what nobody outside follows.
pub fn item(org_id: &str, seq: u64, at: Timestamp, event: &Event) -> Option<FeedItem> {
    let (topic, name, id, venue_id, object) = seen(org_id, at, event)?;
    let data = json!({ "type": name, "id": id, "version": seq, "at": at, "object": object }).to_string();
    let person = notifications::person_of(event).cloned();
    Some(FeedItem { seq, topic, name, id, venue_id: venue_id.cloned(), person, data })
}

/// Topic, name, id, place and object.
pub(super) type Seen<'a> = (Topic, &'static str, Uuid, Option<&'a VenueId>, Value);

fn seen<'a>(org_id: &str, at: Timestamp, event: &'a Event) -> Option<Seen<'a>> {
    match event {
        Event::ViolationReported(one) => {
            let object = value(&shapes::violation(org_id, one));
            Some((Topic::Violations, "violation.created", one.id, one.venue_id.as_ref(), object))
        }
        Event::ViolationRepeated(one) | Event::ViolationReopened(one) => {
            let name = match event {
                Event::ViolationReopened(_) => "violation.reopened",
                _ => "violation.updated",
            };
            let metadata = one.metadata.as_ref().map(crate::domain::json::JsonText::value);
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "parent_id": one.parent_id, "severity": one.severity, "title": one.title,
                "description": one.description, "metadata": metadata, "last_seen_at": one.seen_at, "occurrences": one.occurrences,
            });
            Some((Topic::Violations, name, one.id, one.venue_id.as_ref(), object))
        }
        Event::ViolationAcknowledged { id, venue_id, by, note } => {
            let object = marked(*id, venue_id, "acknowledged", &Mark { by: by.clone(), at }, note.as_deref());
            Some((Topic::Violations, "violation.acknowledged", *id, venue_id.as_ref(), object))
        }
        Event::ViolationResolved { id, venue_id, by, resolution, .. } => {
            let object = marked(*id, venue_id, "resolved", &Mark { by: by.clone(), at }, resolution.as_deref());
            Some((Topic::Violations, "violation.resolved", *id, venue_id.as_ref(), object))
        }
        Event::ActionCreated(one) => {
            Some((Topic::Actions, "action.created", one.id, one.venue_id.as_ref(), value(&shapes::action(one))))
        }
        Event::ActionAttempted(one) => {
            let name = match one.status {
                crate::domain::actions::ExecutionStatus::Delivered => "action.delivered",
                crate::domain::actions::ExecutionStatus::Failed => "action.failed",
                crate::domain::actions::ExecutionStatus::Pending
                | crate::domain::actions::ExecutionStatus::Dismissed => "action.attempted",
            };
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "execution_status": one.status, "reason": one.reason,
                "attempt": { "at": one.attempt.at, "outcome": one.attempt.outcome, "detail": one.attempt.detail, "next_at": one.attempt.next_at },
            });
            Some((Topic::Actions, name, one.id, one.venue_id.as_ref(), object))
        }
        Event::ActionDismissed { id, venue_id, reason, by } => {
            let object =
                json!({ "id": id, "venue_id": venue_id, "execution_status": "dismissed", "reason": reason, "by": by });
            Some((Topic::Actions, "action.dismissed", *id, venue_id.as_ref(), object))
        }
        Event::ActionRequeued { id, venue_id, by, .. } => {
            let object = json!({ "id": id, "venue_id": venue_id, "execution_status": "pending", "by": by });
            Some((Topic::Actions, "action.requeued", *id, venue_id.as_ref(), object))
        }
        Event::ActionEscalated(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "execution_status": "pending",
                "authority": one.step.authority,
            });
            Some((Topic::Actions, "action.escalated", one.id, one.venue_id.as_ref(), object))
        }
        Event::ActionStopped(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "execution_status": one.status, "reason": one.reason,
            });
            let name = match one.status {
                crate::domain::actions::ExecutionStatus::Delivered => "action.delivered",
                crate::domain::actions::ExecutionStatus::Failed => "action.failed",
                crate::domain::actions::ExecutionStatus::Pending
                | crate::domain::actions::ExecutionStatus::Dismissed => "action.dismissed",
            };
            Some((Topic::Actions, name, one.id, one.venue_id.as_ref(), object))
        }
        Event::BlockPlaced(one) => {
            Some((Topic::Blocks, "block.placed", one.id, one.venue_id.as_ref(), value(&shapes::block(org_id, one))))
        }
        Event::BlockLifted { id, venue_id, key, by, reason } => {
            let object = json!({
                "id": id, "venue_id": venue_id, "block_type": key.block_type, "blocked_entity_id": key.entity_id,
                "lifted_at": at, "lifted_by": by, "lift_reason": reason,
            });
            Some((Topic::Blocks, "block.lifted", *id, venue_id.as_ref(), object))
        }
        Event::BlockExpired { id, venue_id, key } => {
            let object = json!({
                "id": id, "venue_id": venue_id, "block_type": key.block_type, "blocked_entity_id": key.entity_id,
                "lift_reason": "expired",
            });
            Some((Topic::Blocks, "block.expired", *id, venue_id.as_ref(), object))
        }
        Event::GrantGiven(one) => {
            let object = value(&approvals::grant(org_id, one));
            Some((Topic::Blocks, "override.granted", one.id, one.venue_id.as_ref(), object))
        }
        Event::GrantUsed(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "block_type": one.key.block_type, "blocked_entity_id": one.key.entity_id,
                "uses_left": one.uses_left, "expires_at": one.expires_at, "operation_id": one.used.operation_id, "used_by": one.used.by,
            });
            Some((Topic::Blocks, "override.used", one.id, one.venue_id.as_ref(), object))
        }
        Event::GrantEnded { id, venue_id, key, reason } => {
            let object = json!({
                "id": id, "venue_id": venue_id, "block_type": key.block_type, "blocked_entity_id": key.entity_id,
                "ended_at": at, "end_reason": reason,
            });
            Some((Topic::Blocks, "override.ended", *id, venue_id.as_ref(), object))
        }
        Event::ApprovalSubmitted(one) => {
            let object = value(&approvals::approval(org_id, one));
            Some((Topic::Approvals, "approval.submitted", one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalDecided(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": one.status, "step": one.step, "decision": approvals::vote(&one.vote),
            });
            let name = match one.status {
                Status::Approved => "approval.approved",
                Status::Rejected => "approval.rejected",
                _ => "approval.decided",
            };
            Some((Topic::Approvals, name, one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalClosed(one) => {
            let object = json!({
                "id": one.id, "venue_id": one.venue_id, "status": one.status, "by": one.by, "reason": one.reason,
            });
            let name = if one.status == Status::Expired { "approval.expired" } else { "approval.cancelled" };
            Some((Topic::Approvals, name, one.id, one.venue_id.as_ref(), object))
        }
        Event::ApprovalCleared(_)
        | Event::ApprovalScheduled(_)
        | Event::ApprovalReopened(_)
        | Event::ApprovalEdited(_)
        | Event::ApprovalClaimed(_)
        | Event::ApprovalSkipped(_)
        | Event::ApprovalTriedAgain(_)
        | Event::ApprovalExecuted(_)
        | Event::ApprovalFailed(_)
        | Event::ApprovalRetried(_)
        | Event::ApprovalUndone(_)
        | Event::TaskMade(_)
        | Event::TaskProgressed(_)
        | Event::TaskFinished(_) => runs::seen(org_id, at, event),
        Event::NotificationMade(_) | Event::NotificationsRead(_) => notifications::seen(org_id, at, event),
        Event::OrganisationFounded(_)
        | Event::SettingsChanged(_)
        | Event::VenueSaved(_)
        | Event::VenueDeleted { .. }
        | Event::ViolationTypeSaved(_)
        | Event::ViolationTypeDeleted { .. }
        | Event::TemplateSaved(_)
        | Event::TemplateDeleted { .. }
        | Event::ActionReminded { .. }
        | Event::SilenceAdded(_)
        | Event::SilenceEnded { .. }
        | Event::InhibitionsChanged { .. }
        | Event::ShadowNoted(_)
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
        | Event::AnnouncementMade(_)
        | Event::AnnouncementEnded { .. }
        | Event::NotificationAttempted(_)
        | Event::DigestMade(_)
        | Event::PreferencesSaved { .. }
        | Event::PushSubscriptionAdded { .. }
        | Event::PushSubscriptionRemoved { .. }
        | Event::RushChanged { .. }
        | Event::Answered => None,
    }
}

fn marked(id: Uuid, venue_id: &Option<VenueId>, what: &str, mark: &Mark, text: Option<&str>) -> Value {
    json!({
        "id": id, "venue_id": venue_id, "status": what, format!("{what}_by"): mark.by, format!("{what}_at"): mark.at,
        (if what == "resolved" { "resolution" } else { "note" }): text,
    })
}

pub(super) fn value(shape: &impl serde::Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or(Value::Null)
}

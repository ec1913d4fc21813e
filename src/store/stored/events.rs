//! Events and their bytes: a line each way for each. An old schema keeps its line in `decode` for ever.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bytes::{try_bytes_of, value_of};
use super::form::Form;
use super::{EncodedEvent, StoredError, StoredEvent, kinds, v1, v2};
use crate::domain::directory::DirectoryEvent;
use crate::domain::event::Event;

impl StoredEvent for Event {
    fn try_encode(&self) -> Result<EncodedEvent, StoredError> {
        match self {
            Self::OrganisationFounded(it) => frozen::<v1::OrganisationV1, _>(kinds::ORGANISATION_FOUNDED, 1, &**it),
            Self::SettingsChanged(it) => frozen::<v1::OrganisationV1, _>(kinds::SETTINGS_CHANGED, 1, &**it),
            Self::VenueSaved(it) => frozen::<v1::VenueV1, _>(kinds::VENUE_SAVED, 1, &**it),
            Self::VenueDeleted { venue_id } => packed(kinds::VENUE_DELETED, 1, &v1::VenueDeletedV1::of(venue_id)),
            Self::ViolationTypeSaved(it) => frozen::<v1::OwnTypeV1, _>(kinds::VIOLATION_TYPE_SAVED, 1, &**it),
            Self::ViolationTypeDeleted { violation_type } => {
                packed(kinds::VIOLATION_TYPE_DELETED, 1, &v1::ViolationTypeDeletedV1::of(violation_type))
            }
            Self::ViolationReported(it) => frozen::<v1::ViolationV1, _>(kinds::VIOLATION_REPORTED, 1, &**it),
            Self::ViolationRepeated(it) => frozen::<v1::RepeatV1, _>(kinds::VIOLATION_REPEATED, 1, &**it),
            Self::ViolationAcknowledged { id, venue_id, by, note } => {
                packed(kinds::VIOLATION_ACKNOWLEDGED, 1, &v1::ViolationAcknowledgedV1::of(id, venue_id, by, note))
            }
            Self::ViolationResolved { id, venue_id, by, resolution, ending } => {
                packed(kinds::VIOLATION_RESOLVED, 1, &v1::ViolationResolvedV1::of(id, venue_id, by, resolution, ending))
            }
            Self::ViolationReopened(it) => frozen::<v1::RepeatV1, _>(kinds::VIOLATION_REOPENED, 1, &**it),
            Self::TemplateSaved(it) => frozen::<v1::TemplateV1, _>(kinds::TEMPLATE_SAVED, 1, &**it),
            Self::TemplateDeleted { id } => packed(kinds::TEMPLATE_DELETED, 1, &v1::TemplateDeletedV1::of(id)),
            Self::ShadowNoted(it) => frozen::<v1::ShadowRecordV1, _>(kinds::SHADOW_NOTED, 1, &**it),
            Self::ActionCreated(it) => frozen::<v1::ActionV1, _>(kinds::ACTION_CREATED, 1, &**it),
            Self::ActionAttempted(it) => frozen::<v1::AttemptedV1, _>(kinds::ACTION_ATTEMPTED, 1, &**it),
            Self::ActionDismissed { id, venue_id, reason, by } => {
                packed(kinds::ACTION_DISMISSED, 1, &v1::ActionDismissedV1::of(id, venue_id, reason, by))
            }
            Self::ActionRequeued { id, venue_id, by, due_at } => {
                packed(kinds::ACTION_REQUEUED, 1, &v1::ActionRequeuedV1::of(id, venue_id, by, due_at))
            }
            Self::ActionEscalated(it) => frozen::<v1::EscalatedV1, _>(kinds::ACTION_ESCALATED, 1, &**it),
            Self::ActionStopped(it) => frozen::<v1::StoppedV1, _>(kinds::ACTION_STOPPED, 1, &**it),
            Self::ActionReminded { id, venue_id } => {
                packed(kinds::ACTION_REMINDED, 1, &v1::ActionRemindedV1::of(id, venue_id))
            }
            Self::BlockPlaced(it) => frozen::<v1::BlockV1, _>(kinds::BLOCK_PLACED, 1, &**it),
            Self::BlockLifted { id, venue_id, key, by, reason } => {
                packed(kinds::BLOCK_LIFTED, 1, &v1::BlockLiftedV1::of(id, venue_id, key, by, reason))
            }
            Self::BlockExpired { id, venue_id, key } => {
                packed(kinds::BLOCK_EXPIRED, 1, &v1::BlockExpiredV1::of(id, venue_id, key))
            }
            Self::SilenceAdded(it) => frozen::<v1::SilenceV1, _>(kinds::SILENCE_ADDED, 1, &**it),
            Self::SilenceEnded { id, venue_id, by } => {
                packed(kinds::SILENCE_ENDED, 1, &v1::SilenceEndedV1::of(id, venue_id, by))
            }
            Self::InhibitionsChanged { rules, by } => {
                packed(kinds::INHIBITIONS_CHANGED, 1, &v1::InhibitionsChangedV1::of(rules, by))
            }
            Self::GrantGiven(it) => frozen::<v1::GrantV1, _>(kinds::GRANT_GIVEN, 1, &**it),
            Self::GrantUsed(it) => frozen::<v1::GrantUsedV1, _>(kinds::GRANT_USED, 1, &**it),
            Self::GrantEnded { id, venue_id, key, reason } => {
                packed(kinds::GRANT_ENDED, 1, &v1::GrantEndedV1::of(id, venue_id, key, reason))
            }
            Self::ApprovalSubmitted(it) => frozen::<v2::ApprovalV2, _>(kinds::APPROVAL_SUBMITTED, 2, &**it),
            Self::ApprovalDecided(it) => frozen::<v1::DecidedV1, _>(kinds::APPROVAL_DECIDED, 1, &**it),
            Self::ApprovalClosed(it) => frozen::<v1::ClosedV1, _>(kinds::APPROVAL_CLOSED, 1, &**it),
            Self::ApprovalExecuted(it) => frozen::<v2::ExecutedV2, _>(kinds::APPROVAL_EXECUTED, 2, &**it),
            Self::ApprovalCleared(it) => frozen::<v2::ClearedV2, _>(kinds::APPROVAL_CLEARED, 2, &**it),
            Self::ApprovalScheduled(it) => frozen::<v2::ScheduledV2, _>(kinds::APPROVAL_SCHEDULED, 2, &**it),
            Self::ApprovalReopened(it) => frozen::<v2::ReopenedV2, _>(kinds::APPROVAL_REOPENED, 2, &**it),
            Self::ApprovalEdited(it) => frozen::<v2::EditedV2, _>(kinds::APPROVAL_EDITED, 2, &**it),
            Self::ApprovalClaimed(it) => frozen::<v2::ClaimedV2, _>(kinds::APPROVAL_CLAIMED, 2, &**it),
            Self::ApprovalSkipped(it) => frozen::<v2::SkippedV2, _>(kinds::APPROVAL_SKIPPED, 2, &**it),
            Self::ApprovalTriedAgain(it) => frozen::<v2::TriedAgainV2, _>(kinds::APPROVAL_TRIED_AGAIN, 2, &**it),
            Self::ApprovalFailed(it) => frozen::<v2::FailedV2, _>(kinds::APPROVAL_FAILED, 2, &**it),
            Self::ApprovalRetried(it) => frozen::<v2::RetriedV2, _>(kinds::APPROVAL_RETRIED, 2, &**it),
            Self::ApprovalUndone(it) => frozen::<v2::UndoneV2, _>(kinds::APPROVAL_UNDONE, 2, &**it),
            Self::TaskMade(it) => frozen::<v2::TaskV2, _>(kinds::TASK_MADE, 2, &**it),
            Self::TaskProgressed(it) => frozen::<v2::TaskProgressedV2, _>(kinds::TASK_PROGRESSED, 2, &**it),
            Self::TaskFinished(it) => frozen::<v2::TaskFinishedV2, _>(kinds::TASK_FINISHED, 2, &**it),
            Self::CapabilitySaved(it) => frozen::<v1::CapabilityV1, _>(kinds::CAPABILITY_SAVED, 1, &**it),
            Self::CapabilityDeleted { name, by } => {
                packed(kinds::CAPABILITY_DELETED, 1, &v1::CapabilityDeletedV1::of(name, by))
            }
            Self::ApprovalPolicyChanged { policy, by } => {
                packed(kinds::APPROVAL_POLICY_CHANGED, 1, &v1::ApprovalPolicyChangedV1::of(policy, by))
            }
            Self::ChannelsChanged { channels, by } => {
                packed(kinds::CHANNELS_CHANGED, 2, &v2::ChannelsChangedV2::of(channels, by))
            }
            Self::WebhookSaved(it) => frozen::<v2::WebhookV2, _>(kinds::WEBHOOK_SAVED, 2, &**it),
            Self::WebhookDeleted { id } => packed(kinds::WEBHOOK_DELETED, 1, &v1::WebhookDeletedV1::of(id)),
            Self::WebhookRotated { id, by } => packed(kinds::WEBHOOK_ROTATED, 2, &v2::WebhookRotatedV2::of(id, by)),
            Self::WebhookTested(it) => frozen::<v2::TestedV2, _>(kinds::WEBHOOK_TESTED, 2, &**it),
            Self::WebhookDisabled { id } => packed(kinds::WEBHOOK_DISABLED, 2, &v2::WebhookDisabledV2::of(id)),
            Self::WebhookEnabled { id, by } => packed(kinds::WEBHOOK_ENABLED, 2, &v2::WebhookEnabledV2::of(id, by)),
            Self::NoticesResent(it) => frozen::<v2::ResentV2, _>(kinds::NOTICES_RESENT, 2, &**it),
            Self::NoticeMade(it) => frozen::<v1::NoticeV1, _>(kinds::NOTICE_MADE, 1, &**it),
            Self::NoticeAttempted(it) => frozen::<v1::NoticeAttemptedV1, _>(kinds::NOTICE_ATTEMPTED, 1, &**it),
            Self::AnnouncementMade(it) => frozen::<v1::AnnouncementV1, _>(kinds::ANNOUNCEMENT_MADE, 1, &**it),
            Self::AnnouncementEnded { id } => packed(kinds::ANNOUNCEMENT_ENDED, 1, &v1::AnnouncementEndedV1::of(id)),
            Self::NotificationMade(it) => frozen::<v1::NotificationV1, _>(kinds::NOTIFICATION_MADE, 1, &**it),
            Self::NotificationsRead(it) => frozen::<v1::NotificationsReadV1, _>(kinds::NOTIFICATIONS_READ, 1, &**it),
            Self::NotificationAttempted(it) => {
                frozen::<v1::NotificationAttemptedV1, _>(kinds::NOTIFICATION_ATTEMPTED, 1, &**it)
            }
            Self::DigestMade(it) => frozen::<v1::DigestMadeV1, _>(kinds::DIGEST_MADE, 1, &**it),
            Self::PreferencesSaved { user_id, preferences } => {
                packed(kinds::PREFERENCES_SAVED, 1, &v1::PreferencesSavedV1::of(user_id, preferences))
            }
            Self::PushSubscriptionAdded { user_id, subscription } => {
                packed(kinds::PUSH_SUBSCRIPTION_ADDED, 1, &v1::PushSubscriptionAddedV1::of(user_id, subscription))
            }
            Self::PushSubscriptionRemoved { user_id, id } => {
                packed(kinds::PUSH_SUBSCRIPTION_REMOVED, 1, &v1::PushSubscriptionRemovedV1::of(user_id, id))
            }
            Self::RushChanged { windows, by } => packed(kinds::RUSH_CHANGED, 1, &v1::RushChangedV1::of(windows, by)),
            Self::Answered => packed(kinds::ANSWERED, 1, &()),
        }
    }

    fn decode(event_type: u16, schema: u16, bytes: &[u8]) -> Result<Self, StoredError> {
        match (event_type, schema) {
            (kinds::ORGANISATION_FOUNDED, 1) => thawed::<v1::OrganisationV1, _>(bytes).map(Self::OrganisationFounded),
            (kinds::SETTINGS_CHANGED, 1) => thawed::<v1::OrganisationV1, _>(bytes).map(Self::SettingsChanged),
            (kinds::VENUE_SAVED, 1) => thawed::<v1::VenueV1, _>(bytes).map(Self::VenueSaved),
            (kinds::VENUE_DELETED, 1) => value_of::<v1::VenueDeletedV1>(bytes)?.thaw(),
            (kinds::VIOLATION_TYPE_SAVED, 1) => thawed::<v1::OwnTypeV1, _>(bytes).map(Self::ViolationTypeSaved),
            (kinds::VIOLATION_TYPE_DELETED, 1) => value_of::<v1::ViolationTypeDeletedV1>(bytes)?.thaw(),
            (kinds::VIOLATION_REPORTED, 1) => thawed::<v1::ViolationV1, _>(bytes).map(Self::ViolationReported),
            (kinds::VIOLATION_REPEATED, 1) => thawed::<v1::RepeatV1, _>(bytes).map(Self::ViolationRepeated),
            (kinds::VIOLATION_ACKNOWLEDGED, 1) => value_of::<v1::ViolationAcknowledgedV1>(bytes)?.thaw(),
            (kinds::VIOLATION_RESOLVED, 1) => value_of::<v1::ViolationResolvedV1>(bytes)?.thaw(),
            (kinds::VIOLATION_REOPENED, 1) => thawed::<v1::RepeatV1, _>(bytes).map(Self::ViolationReopened),
            (kinds::TEMPLATE_SAVED, 1) => thawed::<v1::TemplateV1, _>(bytes).map(Self::TemplateSaved),
            (kinds::TEMPLATE_DELETED, 1) => value_of::<v1::TemplateDeletedV1>(bytes)?.thaw(),
            (kinds::SHADOW_NOTED, 1) => thawed::<v1::ShadowRecordV1, _>(bytes).map(Self::ShadowNoted),
            (kinds::ACTION_CREATED, 1) => thawed::<v1::ActionV1, _>(bytes).map(Self::ActionCreated),
            (kinds::ACTION_ATTEMPTED, 1) => thawed::<v1::AttemptedV1, _>(bytes).map(Self::ActionAttempted),
            (kinds::ACTION_DISMISSED, 1) => value_of::<v1::ActionDismissedV1>(bytes)?.thaw(),
            (kinds::ACTION_REQUEUED, 1) => value_of::<v1::ActionRequeuedV1>(bytes)?.thaw(),
            (kinds::ACTION_ESCALATED, 1) => thawed::<v1::EscalatedV1, _>(bytes).map(Self::ActionEscalated),
            (kinds::ACTION_STOPPED, 1) => thawed::<v1::StoppedV1, _>(bytes).map(Self::ActionStopped),
            (kinds::ACTION_REMINDED, 1) => value_of::<v1::ActionRemindedV1>(bytes)?.thaw(),
            (kinds::BLOCK_PLACED, 1) => thawed::<v1::BlockV1, _>(bytes).map(Self::BlockPlaced),
            (kinds::BLOCK_LIFTED, 1) => value_of::<v1::BlockLiftedV1>(bytes)?.thaw(),
            (kinds::BLOCK_EXPIRED, 1) => value_of::<v1::BlockExpiredV1>(bytes)?.thaw(),
            (kinds::SILENCE_ADDED, 1) => thawed::<v1::SilenceV1, _>(bytes).map(Self::SilenceAdded),
            (kinds::SILENCE_ENDED, 1) => value_of::<v1::SilenceEndedV1>(bytes)?.thaw(),
            (kinds::INHIBITIONS_CHANGED, 1) => value_of::<v1::InhibitionsChangedV1>(bytes)?.thaw(),
            (kinds::GRANT_GIVEN, 1) => thawed::<v1::GrantV1, _>(bytes).map(Self::GrantGiven),
            (kinds::GRANT_USED, 1) => thawed::<v1::GrantUsedV1, _>(bytes).map(Self::GrantUsed),
            (kinds::GRANT_ENDED, 1) => value_of::<v1::GrantEndedV1>(bytes)?.thaw(),
            (kinds::APPROVAL_SUBMITTED, 1) => {
                grown::<v1::ApprovalV1, v2::ApprovalV2, _>(bytes).map(Self::ApprovalSubmitted)
            }
            (kinds::APPROVAL_SUBMITTED, 2) => thawed::<v2::ApprovalV2, _>(bytes).map(Self::ApprovalSubmitted),
            (kinds::APPROVAL_DECIDED, 1) => thawed::<v1::DecidedV1, _>(bytes).map(Self::ApprovalDecided),
            (kinds::APPROVAL_CLOSED, 1) => thawed::<v1::ClosedV1, _>(bytes).map(Self::ApprovalClosed),
            (kinds::APPROVAL_EXECUTED, 1) => {
                grown::<v1::ExecutedV1, v2::ExecutedV2, _>(bytes).map(Self::ApprovalExecuted)
            }
            (kinds::APPROVAL_EXECUTED, 2) => thawed::<v2::ExecutedV2, _>(bytes).map(Self::ApprovalExecuted),
            (kinds::APPROVAL_CLEARED, 2) => thawed::<v2::ClearedV2, _>(bytes).map(Self::ApprovalCleared),
            (kinds::APPROVAL_SCHEDULED, 2) => thawed::<v2::ScheduledV2, _>(bytes).map(Self::ApprovalScheduled),
            (kinds::APPROVAL_REOPENED, 2) => thawed::<v2::ReopenedV2, _>(bytes).map(Self::ApprovalReopened),
            (kinds::APPROVAL_EDITED, 2) => thawed::<v2::EditedV2, _>(bytes).map(Self::ApprovalEdited),
            (kinds::APPROVAL_CLAIMED, 2) => thawed::<v2::ClaimedV2, _>(bytes).map(Self::ApprovalClaimed),
            (kinds::APPROVAL_SKIPPED, 2) => thawed::<v2::SkippedV2, _>(bytes).map(Self::ApprovalSkipped),
            (kinds::APPROVAL_TRIED_AGAIN, 2) => thawed::<v2::TriedAgainV2, _>(bytes).map(Self::ApprovalTriedAgain),
            (kinds::APPROVAL_FAILED, 2) => thawed::<v2::FailedV2, _>(bytes).map(Self::ApprovalFailed),
            (kinds::APPROVAL_RETRIED, 2) => thawed::<v2::RetriedV2, _>(bytes).map(Self::ApprovalRetried),
            (kinds::APPROVAL_UNDONE, 2) => thawed::<v2::UndoneV2, _>(bytes).map(Self::ApprovalUndone),
            (kinds::TASK_MADE, 2) => thawed::<v2::TaskV2, _>(bytes).map(Self::TaskMade),
            (kinds::TASK_PROGRESSED, 2) => thawed::<v2::TaskProgressedV2, _>(bytes).map(Self::TaskProgressed),
            (kinds::TASK_FINISHED, 2) => thawed::<v2::TaskFinishedV2, _>(bytes).map(Self::TaskFinished),
            (kinds::CAPABILITY_SAVED, 1) => thawed::<v1::CapabilityV1, _>(bytes).map(Self::CapabilitySaved),
            (kinds::CAPABILITY_DELETED, 1) => value_of::<v1::CapabilityDeletedV1>(bytes)?.thaw(),
            (kinds::APPROVAL_POLICY_CHANGED, 1) => value_of::<v1::ApprovalPolicyChangedV1>(bytes)?.thaw(),
            (kinds::CHANNELS_CHANGED, 2) => value_of::<v2::ChannelsChangedV2>(bytes)?.thaw(),
            (kinds::WEBHOOK_SAVED, 1) => grown::<v1::WebhookV1, v2::WebhookV2, _>(bytes).map(Self::WebhookSaved),
            (kinds::WEBHOOK_SAVED, 2) => thawed::<v2::WebhookV2, _>(bytes).map(Self::WebhookSaved),
            (kinds::WEBHOOK_ROTATED, 2) => value_of::<v2::WebhookRotatedV2>(bytes)?.thaw(),
            (kinds::WEBHOOK_TESTED, 2) => thawed::<v2::TestedV2, _>(bytes).map(Self::WebhookTested),
            (kinds::WEBHOOK_DISABLED, 2) => value_of::<v2::WebhookDisabledV2>(bytes)?.thaw(),
            (kinds::WEBHOOK_ENABLED, 2) => value_of::<v2::WebhookEnabledV2>(bytes)?.thaw(),
            (kinds::NOTICES_RESENT, 2) => thawed::<v2::ResentV2, _>(bytes).map(Self::NoticesResent),
            (kinds::WEBHOOK_DELETED, 1) => value_of::<v1::WebhookDeletedV1>(bytes)?.thaw(),
            (kinds::NOTICE_MADE, 1) => thawed::<v1::NoticeV1, _>(bytes).map(Self::NoticeMade),
            (kinds::NOTICE_ATTEMPTED, 1) => thawed::<v1::NoticeAttemptedV1, _>(bytes).map(Self::NoticeAttempted),
            (kinds::ANNOUNCEMENT_MADE, 1) => thawed::<v1::AnnouncementV1, _>(bytes).map(Self::AnnouncementMade),
            (kinds::ANNOUNCEMENT_ENDED, 1) => value_of::<v1::AnnouncementEndedV1>(bytes)?.thaw(),
            (kinds::NOTIFICATION_MADE, 1) => thawed::<v1::NotificationV1, _>(bytes).map(Self::NotificationMade),
            (kinds::NOTIFICATIONS_READ, 1) => thawed::<v1::NotificationsReadV1, _>(bytes).map(Self::NotificationsRead),
            (kinds::NOTIFICATION_ATTEMPTED, 1) => {
                thawed::<v1::NotificationAttemptedV1, _>(bytes).map(Self::NotificationAttempted)
            }
            (kinds::DIGEST_MADE, 1) => thawed::<v1::DigestMadeV1, _>(bytes).map(Self::DigestMade),
            (kinds::PREFERENCES_SAVED, 1) => value_of::<v1::PreferencesSavedV1>(bytes)?.thaw(),
            (kinds::PUSH_SUBSCRIPTION_ADDED, 1) => value_of::<v1::PushSubscriptionAddedV1>(bytes)?.thaw(),
            (kinds::PUSH_SUBSCRIPTION_REMOVED, 1) => value_of::<v1::PushSubscriptionRemovedV1>(bytes)?.thaw(),
            (kinds::RUSH_CHANGED, 1) => value_of::<v1::RushChangedV1>(bytes)?.thaw(),
            (kinds::ANSWERED, 1) => value_of::<()>(bytes).map(|()| Self::Answered),
            _ => Err(StoredError::UnknownEvent { event_type, schema }),
        }
    }
}

impl StoredEvent for DirectoryEvent {
    fn try_encode(&self) -> Result<EncodedEvent, StoredError> {
        match self {
            Self::OrganisationRegistered(it) => {
                frozen::<v1::RegistrationV1, _>(kinds::ORGANISATION_REGISTERED, 1, &**it)
            }
            Self::KeyCreated(it) => frozen::<v1::KeyV1, _>(kinds::KEY_CREATED, 1, &**it),
            Self::KeyRevoked { org_id, id } => packed(kinds::KEY_REVOKED, 1, &v1::KeyRevokedV1::of(org_id, id)),
            Self::UserSaved(it) => frozen::<v1::UserV1, _>(kinds::USER_SAVED, 1, &**it),
            Self::UserRemoved { org_id, id } => packed(kinds::USER_REMOVED, 1, &v1::UserRemovedV1::of(org_id, id)),
            Self::SessionOpened(it) => frozen::<v1::SessionV1, _>(kinds::SESSION_OPENED, 1, &**it),
            Self::SessionsClosed { hashes } => packed(kinds::SESSIONS_CLOSED, 1, &v1::SessionsClosedV1::of(hashes)),
            Self::Answered => packed(kinds::ANSWERED, 1, &()),
        }
    }

    fn decode(event_type: u16, schema: u16, bytes: &[u8]) -> Result<Self, StoredError> {
        match (event_type, schema) {
            (kinds::ORGANISATION_REGISTERED, 1) => {
                thawed::<v1::RegistrationV1, _>(bytes).map(Self::OrganisationRegistered)
            }
            (kinds::KEY_CREATED, 1) => thawed::<v1::KeyV1, _>(bytes).map(Self::KeyCreated),
            (kinds::KEY_REVOKED, 1) => value_of::<v1::KeyRevokedV1>(bytes)?.thaw(),
            (kinds::USER_SAVED, 1) => thawed::<v1::UserV1, _>(bytes).map(Self::UserSaved),
            (kinds::USER_REMOVED, 1) => value_of::<v1::UserRemovedV1>(bytes)?.thaw(),
            (kinds::SESSION_OPENED, 1) => thawed::<v1::SessionV1, _>(bytes).map(Self::SessionOpened),
            (kinds::SESSIONS_CLOSED, 1) => value_of::<v1::SessionsClosedV1>(bytes)?.thaw(),
            (kinds::ANSWERED, 1) => value_of::<()>(bytes).map(|()| Self::Answered),
            _ => Err(StoredError::UnknownEvent { event_type, schema }),
        }
    }
}

/// The event that is one object, in its frozen form `S`.
fn frozen<S: Form<D> + Serialize, D>(event_type: u16, schema: u16, object: &D) -> Result<EncodedEvent, StoredError> {
    packed(event_type, schema, &S::freeze(object))
}

fn packed<S: Serialize>(event_type: u16, schema: u16, frozen: &S) -> Result<EncodedEvent, StoredError> {
    Ok(EncodedEvent { event_type, schema, bytes: try_bytes_of(frozen)? })
}

/// The object of an event, from its frozen form `S`.
fn thawed<S: Form<D> + DeserializeOwned, D>(bytes: &[u8]) -> Result<Box<D>, StoredError> {
    value_of::<S>(bytes)?.thaw().map(Box::new)
}

/// The object of an event in an older form `S`, through the next one `T`.
fn grown<S: Into<T> + DeserializeOwned, T: Form<D>, D>(bytes: &[u8]) -> Result<Box<D>, StoredError> {
    let next: T = value_of::<S>(bytes)?.into();
    next.thaw().map(Box::new)
}

//! Facts about an organisation: a line for each. What is stored of them is frozen in `store/stored`.

use std::sync::Arc;

use uuid::Uuid;

use super::actions::escalation::{Escalated, Stopped};
use super::actions::{Action, Attempted};
use super::approvals::Approval;
use super::approvals::facts::{
    Claimed, Cleared, Closed, Decided, Edited, Executed, Failed, Reopened, Retried, Scheduled, Skipped, TriedAgain,
    Undone,
};
use super::approvals::policy::Policy;
use super::blocks::grants::{Grant, GrantUsed};
use super::blocks::{Block, BlockKey};
use super::capabilities::Capability;
use super::channels::Channels;
use super::ids::{UserId, VenueId};
use super::notifications::preferences::Preferences;
use super::notifications::push::PushSubscription;
use super::notifications::{Announcement, DigestMade, Notification, NotificationAttempted, NotificationsRead};
use super::organisation::{Organisation, Venue};
use super::suppression::inhibition::Inhibition;
use super::suppression::silences::Silence;
use super::tasks::{Task, TaskFinished, TaskProgressed};
use super::templates::Template;
use super::templates::conditions::during::Windows;
use super::templates::shadow::ShadowRecord;
use super::time::Timestamp;
use super::violations::own_types::OwnType;
use super::violations::{Ending, Repeat, Violation, ViolationType};
use super::webhooks::care::{Resent, Tested};
use super::webhooks::{Notice, NoticeAttempted, Webhook};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Event {
    OrganisationFounded(Box<Organisation>),
    SettingsChanged(Box<Organisation>),
    VenueSaved(Box<Venue>),
    VenueDeleted {
        venue_id: VenueId,
    },
    ViolationTypeSaved(Box<OwnType>),
    ViolationTypeDeleted {
        violation_type: ViolationType,
    },
    ViolationReported(Box<Violation>),
    ViolationRepeated(Box<Repeat>),
    ViolationAcknowledged {
        id: Uuid,
        venue_id: Option<VenueId>,
        by: Arc<str>,
        note: Option<Arc<str>>,
    },
    ViolationResolved {
        id: Uuid,
        venue_id: Option<VenueId>,
        by: Arc<str>,
        resolution: Option<Arc<str>>,
        ending: Ending,
    },
    /// One that its source or the quiet had ended is reported again in time.
    ViolationReopened(Box<Repeat>),
    TemplateSaved(Box<Template>),
    TemplateDeleted {
        id: Uuid,
    },
    /// A template on trial would have acted.
    ShadowNoted(Box<ShadowRecord>),
    ActionCreated(Box<Action>),
    ActionAttempted(Box<Attempted>),
    ActionDismissed {
        id: Uuid,
        venue_id: Option<VenueId>,
        reason: Arc<str>,
        by: Arc<str>,
    },
    ActionRequeued {
        id: Uuid,
        venue_id: Option<VenueId>,
        by: Arc<str>,
        due_at: Timestamp,
    },
    ActionEscalated(Box<Escalated>),
    ActionStopped(Box<Stopped>),
    ActionReminded {
        id: Uuid,
        venue_id: Option<VenueId>,
    },
    BlockPlaced(Box<Block>),
    BlockLifted {
        id: Uuid,
        venue_id: Option<VenueId>,
        key: BlockKey,
        by: Arc<str>,
        reason: Arc<str>,
    },
    BlockExpired {
        id: Uuid,
        venue_id: Option<VenueId>,
        key: BlockKey,
    },
    SilenceAdded(Box<Silence>),
    SilenceEnded {
        id: Uuid,
        venue_id: Option<VenueId>,
        by: Arc<str>,
    },
    InhibitionsChanged {
        rules: Vec<Inhibition>,
        by: Arc<str>,
    },
    GrantGiven(Box<Grant>),
    GrantUsed(Box<GrantUsed>),
    GrantEnded {
        id: Uuid,
        venue_id: Option<VenueId>,
        key: BlockKey,
        reason: Arc<str>,
    },
    CapabilitySaved(Box<Capability>),
    CapabilityDeleted {
        name: Arc<str>,
        by: Arc<str>,
    },
    ApprovalPolicyChanged {
        policy: Box<Policy>,
        by: Arc<str>,
    },
    ChannelsChanged {
        channels: Box<Channels>,
        by: Arc<str>,
    },
    WebhookSaved(Box<Webhook>),
    WebhookDeleted {
        id: Uuid,
    },
    /// It got another secret.
    WebhookRotated {
        id: Uuid,
        by: Arc<str>,
    },
    WebhookTested(Box<Tested>),
    /// It took nothing for days.
    WebhookDisabled {
        id: Uuid,
    },
    WebhookEnabled {
        id: Uuid,
        by: Arc<str>,
    },
    NoticeMade(Box<Notice>),
    NoticeAttempted(Box<NoticeAttempted>),
    /// What was taken or given up is told again.
    NoticesResent(Box<Resent>),
    ApprovalSubmitted(Box<Approval>),
    ApprovalDecided(Box<Decided>),
    ApprovalClosed(Box<Closed>),
    ApprovalExecuted(Box<Executed>),
    /// The policy lets it run.
    ApprovalCleared(Box<Cleared>),
    ApprovalScheduled(Box<Scheduled>),
    ApprovalReopened(Box<Reopened>),
    ApprovalEdited(Box<Edited>),
    ApprovalClaimed(Box<Claimed>),
    ApprovalSkipped(Box<Skipped>),
    ApprovalTriedAgain(Box<TriedAgain>),
    /// It failed, or nobody knows.
    ApprovalFailed(Box<Failed>),
    ApprovalRetried(Box<Retried>),
    ApprovalUndone(Box<Undone>),
    /// A run began; the one of an effect in the same commit is over at once.
    TaskMade(Box<Task>),
    TaskProgressed(Box<TaskProgressed>),
    TaskFinished(Box<TaskFinished>),
    /// People are to hear of something.
    AnnouncementMade(Box<Announcement>),
    /// They have.
    AnnouncementEnded {
        id: Uuid,
    },
    NotificationMade(Box<Notification>),
    NotificationsRead(Box<NotificationsRead>),
    NotificationAttempted(Box<NotificationAttempted>),
    /// What was held back for a person became one message.
    DigestMade(Box<DigestMade>),
    PreferencesSaved {
        user_id: UserId,
        preferences: Box<Preferences>,
    },
    PushSubscriptionAdded {
        user_id: UserId,
        subscription: Box<PushSubscription>,
    },
    PushSubscriptionRemoved {
        user_id: UserId,
        id: Uuid,
    },
    /// The hours in which only what is critical reaches people.
    RushChanged {
        windows: Option<Windows>,
        by: Arc<str>,
    },
    /// A request that changed nothing was answered under an idempotency key.
    Answered,
}

//! The first version of everything stored: frozen structs, field by field in the order of their bytes.
//!
//! Never changed after a release: not a field, not its type, not its place. A changed domain type gets a struct in `v2` and a new
//! schema number; then this one keeps its fields, loses its way to the domain and gets `From<XV1> for XV2` instead.
//! The forms: ids of ours are 16 bytes, times milliseconds since the epoch in an `i64`, text a `String`, amounts mantissa and
//! scale, names of closed enums a number (see `numbers`), JSON its text. No `usize`, no floats, no hash maps.

mod actions;
mod approvals;
mod blocks;
mod capabilities;
mod directory;
mod grants;
mod header;
mod notifications;
mod organisation;
mod own_types;
mod policy;
mod shadow;
mod snapshot;
mod suppression;
mod templates;
mod trends;
mod violations;
mod webhooks;

pub use actions::{
    ActionDismissedV1, ActionRemindedV1, ActionRequeuedV1, ActionV1, AttemptV1, AttemptedV1, EscalatedV1, EscalationV1,
    ReminderV1, StepV1, StoppedV1,
};
pub use approvals::{
    ApprovalV1, AuditLineV1, ClosedV1, DecidedV1, ExecutedV1, ExecutionV1, RiskV1, StepV1 as ApprovalStepV1,
};
pub use blocks::{BlockExpiredV1, BlockKeyV1, BlockLiftedV1, BlockV1, LiftV1};
pub use capabilities::{CapabilityDeletedV1, CapabilityV1};
pub use directory::{KeyRevokedV1, KeyV1, RegistrationV1, SessionV1, SessionsClosedV1, UserRemovedV1, UserV1};
pub use grants::{GrantEndedV1, GrantUsedV1, GrantV1};
pub use header::{CauseV1, HeaderV1, ReplyV1, RequestV1, WhoV1};
pub use notifications::{
    AnnouncementEndedV1, AnnouncementV1, DigestMadeV1, NotificationAttemptedV1, NotificationV1, NotificationsReadV1,
    PersonV1, PreferencesSavedV1, PreferencesV1, PushSubscriptionAddedV1, PushSubscriptionRemovedV1,
    PushSubscriptionV1, RushChangedV1,
};
pub use organisation::{OrganisationV1, VenueDeletedV1, VenueV1};
pub use own_types::{OwnTypeV1, ViolationTypeDeletedV1};
pub use policy::{ApprovalPolicyChangedV1, PolicyV1};
pub use shadow::{ShadowBlockV1, ShadowCountV1, ShadowPaceV1, ShadowRecordV1, ShadowTotalsV1};
pub use snapshot::{DirectoryHeadV1, KnownV1, TenantHeadV1};
pub use suppression::{HeldV1, InhibitionV1, InhibitionsChangedV1, SilenceEndedV1, SilenceV1, SuppressedV1};
pub use templates::{ActionDataV1, TemplateDeletedV1, TemplateV1};
pub use trends::{SubjectV1, TrendV1};
pub use violations::{EntityV1, MarkV1, RepeatV1, ViolationAcknowledgedV1, ViolationResolvedV1, ViolationV1};
pub use webhooks::{NoticeAttemptedV1, NoticeV1, WebhookDeletedV1, WebhookV1};

//! The second version of what grew, and the first of what came with it; what did not change is in `v1`. The same rules hold.

mod approvals;
mod channels;
mod tasks;
mod webhooks;

pub use approvals::{
    ApprovalV2, ClaimedV2, ClearedV2, EditedV2, ExecutedV2, FailedV2, ReopenedV2, RetriedV2, ScheduledV2, SkippedV2,
    TriedAgainV2, UndoneV2,
};
pub use channels::{ChannelsChangedV2, ChannelsV2};
pub use tasks::{TaskFinishedV2, TaskProgressedV2, TaskV2};
pub use webhooks::{
    LineV2, ResentV2, SettledV2, TestedV2, WebhookDisabledV2, WebhookEnabledV2, WebhookRotatedV2, WebhookV2,
};

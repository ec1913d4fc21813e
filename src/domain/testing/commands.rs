//! Everything that tests run, as a command.

use crate::domain::actions::escalation::Escalate;
use crate::domain::actions::queue::{DismissAction, RecordAttempt, RetryAction};
use crate::domain::approvals::cancel::CancelApproval;
use crate::domain::approvals::claim::ClaimApproval;
use crate::domain::approvals::decide::DecideApproval;
use crate::domain::approvals::edit::EditPayload;
use crate::domain::approvals::finish::FinishExecution;
use crate::domain::approvals::many::ApproveMany;
use crate::domain::approvals::overrides::RequestOverride;
use crate::domain::approvals::policy::ChangeApprovalPolicy;
use crate::domain::approvals::progress::ProgressTask;
use crate::domain::approvals::retry::RetryApproval;
use crate::domain::approvals::settle::SettleApproval;
use crate::domain::approvals::submit::SubmitApproval;
use crate::domain::approvals::undo::UndoApproval;
use crate::domain::blocks::grants::ConsumeGrant;
use crate::domain::blocks::lift::LiftBlock;
use crate::domain::blocks::place::{PlaceBlock, Tick};
use crate::domain::capabilities::commands::{DeleteCapability, RegisterCapability};
use crate::domain::channels::SaveChannels;
use crate::domain::command::Command;
use crate::domain::notifications::commands::{Notify, ReadAllNotifications, ReadNotification, RecordNotified};
use crate::domain::notifications::preferences::SavePreferences;
use crate::domain::notifications::push::{AddPushSubscription, RemovePushSubscription};
use crate::domain::notifications::rush::ChangeRush;
use crate::domain::settings::{ChangeSettings, DeleteVenue, Found, SaveVenue};
use crate::domain::suppression::inhibition::ChangeInhibitions;
use crate::domain::suppression::silences::{AddSilence, EndSilence};
use crate::domain::templates::save::{CreateTemplate, DeleteTemplate, ReplaceTemplate, TemplateDraft};
use crate::domain::violations::bulk::ReportMany;
use crate::domain::violations::lifecycle::{AcknowledgeViolation, ClearViolations, ResolveViolation, RunTemplates};
use crate::domain::violations::own_types::{DeleteViolationType, SaveViolationType};
use crate::domain::violations::report::{Report, ReportViolation};
use crate::domain::violations::reporters::ReportSource;
use crate::domain::webhooks::care::{EnableWebhook, RecordTest, ReplayWebhook, ResendNotice, RotateWebhook};
use crate::domain::webhooks::commands::{CreateWebhook, DeleteWebhook, RecordNotice};

macro_rules! commands {
    ($($name:ident $(in $boxed:ident)?),+ $(,)?) => {
        $(impl From<$name> for Command {
            fn from(command: $name) -> Self {
                Self::$name(commands!(@ command $($boxed)?))
            }
        })+
    };
    (@ $command:ident Box) => { Box::new($command) };
    (@ $command:ident) => { $command };
}

commands!(
    Found,
    ChangeSettings,
    SaveVenue,
    DeleteVenue,
    SaveViolationType in Box,
    DeleteViolationType,
    ReportViolation in Box,
    ReportSource in Box,
    ReportMany in Box,
    AcknowledgeViolation,
    ResolveViolation,
    ClearViolations,
    RunTemplates,
    SaveChannels,
    RotateWebhook,
    RecordTest,
    EnableWebhook,
    ReplayWebhook,
    ResendNotice,
    CreateTemplate in Box,
    ReplaceTemplate in Box,
    DeleteTemplate,
    RecordAttempt,
    DismissAction,
    RetryAction,
    PlaceBlock in Box,
    LiftBlock,
    Tick,
    Escalate,
    AddSilence in Box,
    EndSilence,
    ChangeInhibitions,
    RequestOverride in Box,
    ConsumeGrant,
    DecideApproval,
    ApproveMany in Box,
    CancelApproval,
    SubmitApproval in Box,
    EditPayload in Box,
    ClaimApproval,
    ProgressTask,
    FinishExecution in Box,
    RetryApproval,
    SettleApproval,
    UndoApproval in Box,
    CreateWebhook,
    DeleteWebhook,
    RecordNotice,
    Notify,
    ReadNotification,
    ReadAllNotifications,
    RecordNotified,
    SavePreferences in Box,
    AddPushSubscription,
    RemovePushSubscription,
    ChangeRush,
    RegisterCapability in Box,
    DeleteCapability,
    ChangeApprovalPolicy in Box,
);

impl From<Report> for Command {
    fn from(report: Report) -> Self {
        ReportViolation { report, apply_templates: true }.into()
    }
}

impl From<TemplateDraft> for Command {
    fn from(draft: TemplateDraft) -> Self {
        CreateTemplate { draft }.into()
    }
}

//! Orders to an organisation: a line for each.

use super::actions::escalation::Escalate;
use super::actions::queue::{DismissAction, RecordAttempt, RetryAction};
use super::approvals::cancel::CancelApproval;
use super::approvals::claim::ClaimApproval;
use super::approvals::decide::DecideApproval;
use super::approvals::edit::EditPayload;
use super::approvals::finish::FinishExecution;
use super::approvals::follow::follow;
use super::approvals::many::ApproveMany;
use super::approvals::overrides::RequestOverride;
use super::approvals::policy::ChangeApprovalPolicy;
use super::approvals::progress::ProgressTask;
use super::approvals::retry::RetryApproval;
use super::approvals::settle::SettleApproval;
use super::approvals::submit::SubmitApproval;
use super::approvals::undo::UndoApproval;
use super::blocks::grants::ConsumeGrant;
use super::blocks::lift::LiftBlock;
use super::blocks::place::{PlaceBlock, Tick};
use super::capabilities::commands::{DeleteCapability, RegisterCapability};
use super::channels::SaveChannels;
use super::decision::{Context, Decided};
use super::event::Event;
use super::notifications::commands::{Notify, ReadAllNotifications, ReadNotification, RecordNotified};
use super::notifications::policy;
use super::notifications::preferences::SavePreferences;
use super::notifications::push::{AddPushSubscription, RemovePushSubscription};
use super::notifications::rush::ChangeRush;
use super::rejection::Rejection;
use super::settings::{ChangeSettings, DeleteVenue, Found, SaveVenue};
use super::size::expect_room;
use super::state::TenantState;
use super::suppression::inhibition::ChangeInhibitions;
use super::suppression::silences::{AddSilence, EndSilence};
use super::templates::save::{CreateTemplate, DeleteTemplate, ReplaceTemplate};
use super::violations::bulk::ReportMany;
use super::violations::lifecycle::{AcknowledgeViolation, ClearViolations, ResolveViolation, RunTemplates};
use super::violations::own_types::{DeleteViolationType, SaveViolationType};
use super::violations::report::ReportViolation;
use super::violations::reporters::ReportSource;
use super::webhooks::announce::announce;
use super::webhooks::care::{EnableWebhook, RecordTest, ReplayWebhook, ResendNotice, RotateWebhook};
use super::webhooks::commands::{CreateWebhook, DeleteWebhook, RecordNotice};
use super::webhooks::health;

/// Adds to what was decided what follows from it: the ends of grants and requests, what people are to hear, and what other systems are
/// told. Notices name sequence numbers, so they come last, and before anything is folded in.
///
/// # Errors
/// [`Rejection::TooMuchAtOnce`].
pub fn complete(state: &TenantState, context: &mut Context<'_>, events: &mut Vec<Event>) -> Result<(), Rejection> {
    follow(state, context, events);
    health::follow(state, context, events);
    policy::announce(state, context, events);
    announce(state, context, events);
    expect_room(events)
}

/// Something that an organisation is asked to do.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant is documented at its type")]
pub enum Command {
    Found(Found),
    ChangeSettings(ChangeSettings),
    SaveVenue(SaveVenue),
    DeleteVenue(DeleteVenue),
    SaveViolationType(Box<SaveViolationType>),
    DeleteViolationType(DeleteViolationType),
    ReportViolation(Box<ReportViolation>),
    ReportSource(Box<ReportSource>),
    ReportMany(Box<ReportMany>),
    AcknowledgeViolation(AcknowledgeViolation),
    ResolveViolation(ResolveViolation),
    ClearViolations(ClearViolations),
    RunTemplates(RunTemplates),
    CreateTemplate(Box<CreateTemplate>),
    ReplaceTemplate(Box<ReplaceTemplate>),
    DeleteTemplate(DeleteTemplate),
    RecordAttempt(RecordAttempt),
    DismissAction(DismissAction),
    RetryAction(RetryAction),
    PlaceBlock(Box<PlaceBlock>),
    LiftBlock(LiftBlock),
    RequestOverride(Box<RequestOverride>),
    ConsumeGrant(ConsumeGrant),
    DecideApproval(DecideApproval),
    ApproveMany(Box<ApproveMany>),
    CancelApproval(CancelApproval),
    SubmitApproval(Box<SubmitApproval>),
    EditPayload(Box<EditPayload>),
    ClaimApproval(ClaimApproval),
    ProgressTask(ProgressTask),
    FinishExecution(Box<FinishExecution>),
    RetryApproval(RetryApproval),
    SettleApproval(SettleApproval),
    UndoApproval(Box<UndoApproval>),
    CreateWebhook(CreateWebhook),
    DeleteWebhook(DeleteWebhook),
    RecordNotice(RecordNotice),
    RotateWebhook(RotateWebhook),
    RecordTest(RecordTest),
    EnableWebhook(EnableWebhook),
    ReplayWebhook(ReplayWebhook),
    ResendNotice(ResendNotice),
    RegisterCapability(Box<RegisterCapability>),
    DeleteCapability(DeleteCapability),
    ChangeApprovalPolicy(Box<ChangeApprovalPolicy>),
    SaveChannels(SaveChannels),
    Tick(Tick),
    Escalate(Escalate),
    AddSilence(Box<AddSilence>),
    EndSilence(EndSilence),
    ChangeInhibitions(ChangeInhibitions),
    Notify(Notify),
    ReadNotification(ReadNotification),
    ReadAllNotifications(ReadAllNotifications),
    RecordNotified(RecordNotified),
    SavePreferences(Box<SavePreferences>),
    AddPushSubscription(AddPushSubscription),
    RemovePushSubscription(RemovePushSubscription),
    ChangeRush(ChangeRush),
}

impl Command {
    /// Decides against the state; changes nothing.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        if let Self::ReportMany(many) = self {
            return many.decide(state, context); // it completes each of its items
        }
        if let Self::ApproveMany(many) = self {
            return many.decide(state, context); // so does this
        }
        let mut decision = self.decide_alone(state, context)?;
        complete(state, context, &mut decision.events)?;
        Ok(decision)
    }

    fn decide_alone(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        match self {
            Self::Found(command) => command.decide(state, context),
            Self::ChangeSettings(command) => command.decide(state, context),
            Self::SaveVenue(command) => command.decide(state, context),
            Self::DeleteVenue(command) => command.decide(state, context),
            Self::SaveViolationType(command) => command.decide(state, context),
            Self::DeleteViolationType(command) => command.decide(state, context),
            Self::ReportViolation(command) => command.decide(state, context),
            Self::ReportSource(command) => command.decide(state, context),
            Self::ReportMany(command) => command.decide(state, context),
            Self::AcknowledgeViolation(command) => command.decide(state, context),
            Self::ResolveViolation(command) => command.decide(state, context),
            Self::ClearViolations(command) => command.decide(state, context),
            Self::RunTemplates(command) => command.decide(state, context),
            Self::CreateTemplate(command) => command.decide(state, context),
            Self::ReplaceTemplate(command) => command.decide(state, context),
            Self::DeleteTemplate(command) => command.decide(state, context),
            Self::RecordAttempt(command) => command.decide(state, context),
            Self::DismissAction(command) => command.decide(state, context),
            Self::RetryAction(command) => command.decide(state, context),
            Self::PlaceBlock(command) => command.decide(state, context),
            Self::LiftBlock(command) => command.decide(state, context),
            Self::Tick(command) => command.decide(state, context),
            Self::Escalate(command) => Ok(command.decide(state, context)),
            Self::AddSilence(command) => command.decide(state, context),
            Self::EndSilence(command) => command.decide(state, context),
            Self::ChangeInhibitions(command) => command.decide(state, context),
            Self::RequestOverride(command) => command.decide(state, context),
            Self::ConsumeGrant(command) => command.decide(state, context),
            Self::DecideApproval(command) => command.decide(state, context),
            Self::ApproveMany(command) => command.decide(state, context),
            Self::CancelApproval(command) => command.decide(state, context),
            Self::SubmitApproval(command) => command.decide(state, context),
            Self::EditPayload(command) => command.decide(state, context),
            Self::ClaimApproval(command) => command.decide(state, context),
            Self::ProgressTask(command) => command.decide(state, context),
            Self::FinishExecution(command) => command.decide(state, context),
            Self::RetryApproval(command) => command.decide(state, context),
            Self::SettleApproval(command) => command.decide(state, context),
            Self::UndoApproval(command) => command.decide(state, context),
            Self::CreateWebhook(command) => command.decide(state, context),
            Self::DeleteWebhook(command) => command.decide(state),
            Self::RecordNotice(command) => command.decide(state, context),
            Self::RotateWebhook(command) => command.decide(state, context),
            Self::RecordTest(command) => command.decide(state, context),
            Self::EnableWebhook(command) => command.decide(state, context),
            Self::ReplayWebhook(command) => command.decide(state, context),
            Self::ResendNotice(command) => command.decide(state, context),
            Self::RegisterCapability(command) => command.decide(state, context),
            Self::DeleteCapability(command) => command.decide(state, context),
            Self::ChangeApprovalPolicy(command) => command.decide(state, context),
            Self::SaveChannels(command) => command.decide(state, context),
            Self::Notify(command) => command.decide(state, context),
            Self::ReadNotification(command) => command.decide(state, context),
            Self::ReadAllNotifications(command) => command.decide(state, context),
            Self::RecordNotified(command) => command.decide(state, context),
            Self::SavePreferences(command) => command.decide(state, context),
            Self::AddPushSubscription(command) => command.decide(state, context),
            Self::RemovePushSubscription(command) => command.decide(state, context),
            Self::ChangeRush(command) => command.decide(state, context),
        }
    }

    /// Whether it still goes through when the disk is nearly full: what ends things does, what makes things does not.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::AcknowledgeViolation(_)
            | Self::ResolveViolation(_)
            | Self::ClearViolations(_)
            | Self::RecordAttempt(_)
            | Self::DismissAction(_)
            | Self::LiftBlock(_)
            | Self::EndSilence(_)
            | Self::ConsumeGrant(_)
            | Self::DecideApproval(_)
            | Self::ApproveMany(_)
            | Self::CancelApproval(_)
            | Self::FinishExecution(_)
            | Self::SettleApproval(_)
            | Self::DeleteWebhook(_)
            | Self::RecordNotice(_)
            | Self::RecordTest(_)
            | Self::Notify(_)
            | Self::RecordNotified(_)
            | Self::RemovePushSubscription(_)
            | Self::DeleteCapability(_)
            | Self::Tick(_) => true,
            Self::Found(_)
            | Self::ChangeSettings(_)
            | Self::SaveVenue(_)
            | Self::DeleteVenue(_)
            | Self::SaveViolationType(_)
            | Self::DeleteViolationType(_)
            | Self::ReportViolation(_)
            | Self::ReportSource(_)
            | Self::ReportMany(_)
            | Self::RunTemplates(_)
            | Self::CreateTemplate(_)
            | Self::ReplaceTemplate(_)
            | Self::DeleteTemplate(_)
            | Self::RetryAction(_)
            | Self::PlaceBlock(_)
            | Self::Escalate(_)
            | Self::AddSilence(_)
            | Self::ChangeInhibitions(_)
            | Self::RequestOverride(_)
            | Self::SubmitApproval(_)
            | Self::EditPayload(_)
            | Self::ClaimApproval(_)
            | Self::ProgressTask(_)
            | Self::RetryApproval(_)
            | Self::UndoApproval(_)
            | Self::CreateWebhook(_)
            | Self::RotateWebhook(_)
            | Self::EnableWebhook(_)
            | Self::ReplayWebhook(_)
            | Self::ResendNotice(_)
            | Self::RegisterCapability(_)
            | Self::ReadNotification(_)
            | Self::ReadAllNotifications(_)
            | Self::SavePreferences(_)
            | Self::AddPushSubscription(_)
            | Self::ChangeRush(_)
            | Self::ChangeApprovalPolicy(_)
            | Self::SaveChannels(_) => false,
        }
    }
}

//! Actions: what the templates ask for, as a queue that is worked off from durable state.

pub mod escalation;
pub mod notice;
pub mod queue;
pub mod retry;
pub mod store;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::Event;
use super::ids::VenueId;
use super::suppression::Suppressed;
use super::templates::ActionData;
use super::time::Timestamp;
use super::violations::Severity;
use escalation::Escalation;
use notice::NoticeKind;

/// What kind of thing a template asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum ActionType {
    Alert,
    Block,
    RequireOverride,
    Escalate,
    /// Made by the server alone: the end of something that people were told of, its return, a reminder.
    Notice,
}

impl ActionType {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Block => "block",
            Self::RequireOverride => "require_override",
            Self::Escalate => "escalate",
            Self::Notice => "notice",
        }
    }
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum ExecutionStatus {
    Pending,
    Delivered,
    Failed,
    Dismissed,
}

impl ExecutionStatus {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dismissed => "dismissed",
        }
    }
}

/// How one attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum AttemptOutcome {
    Delivered,
    Retry,
    Refused,
}

impl AttemptOutcome {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry => "retry",
            Self::Refused => "refused",
        }
    }
}

/// One attempt at a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Attempt {
    pub at: Timestamp,
    pub outcome: AttemptOutcome,
    pub detail: Arc<str>,
    pub next_at: Option<Timestamp>,
}

/// One thing that a template asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Action {
    pub id: Uuid,
    /// The sequence number that made it: the order of lists.
    pub seq: u64,
    pub violation_id: Uuid,
    pub venue_id: Option<VenueId>,
    /// The violation's severity as it was when the action was made, so that every attempt sends the same message.
    pub severity: Severity,
    /// Its title as it was then.
    pub title: Arc<str>,
    pub template_id: Option<Uuid>,
    pub template_version: Option<u32>,
    pub action_type: ActionType,
    /// After rendering.
    pub action_target: Arc<str>,
    /// After rendering.
    pub message: Arc<str>,
    /// Variables of the message that were not there.
    pub missing: Vec<Arc<str>>,
    pub action_data: Arc<ActionData>,
    pub created_at: Timestamp,
    pub scheduled_for: Option<Timestamp>,
    pub executed_at: Option<Timestamp>,
    pub status: ExecutionStatus,
    pub reason: Option<Arc<str>>,
    pub attempts: Vec<Attempt>,
    /// Failed attempts since it was made or last retried by hand.
    pub failures: u32,
    /// When it is due, while pending.
    pub due_at: Option<Timestamp>,
    /// The ladder of an escalation and how far it got.
    pub escalation: Option<Escalation>,
    /// What kept it from being done when it was made.
    pub suppressed: Option<Suppressed>,
    /// What a notice tells.
    pub notice: Option<NoticeKind>,
}

impl Action {
    /// Whether it waits for delivery.
    pub fn is_pending(&self) -> bool {
        self.status == ExecutionStatus::Pending
    }

    /// When something of it is to be sent next; `None` when nothing is, such as while an escalation waits for an answer.
    pub fn due(&self) -> Option<Timestamp> {
        if !self.is_pending() {
            return None;
        }
        if self.escalation.is_some() { self.due_at } else { Some(self.due_at.unwrap_or(self.created_at)) }
    }

    /// Whether the same message went out before: an attempt of it was taken by its receiver.
    pub fn was_delivered(&self) -> bool {
        let taken = |attempts: &[Attempt]| attempts.iter().any(|one| one.outcome == AttemptOutcome::Delivered);
        taken(&self.attempts)
            || self.escalation.as_ref().is_some_and(|all| all.steps.iter().any(|one| taken(&one.attempts)))
    }

    /// The event that makes it due again at `due_at`.
    pub fn requeued(&self, due_at: Timestamp, by: &Arc<str>) -> Event {
        Event::ActionRequeued { id: self.id, venue_id: self.venue_id.clone(), by: by.clone(), due_at }
    }

    /// The event that dismisses it.
    pub fn dismissed(&self, reason: Arc<str>, by: &Arc<str>) -> Event {
        Event::ActionDismissed { id: self.id, venue_id: self.venue_id.clone(), reason, by: by.clone() }
    }
}

/// What an attempt did to an action.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Attempted {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    /// The step of an escalation that it was for.
    pub step: Option<Uuid>,
    pub attempt: Attempt,
    /// The status after it.
    pub status: ExecutionStatus,
    /// Why it failed for good, where it did.
    pub reason: Option<Arc<str>>,
}

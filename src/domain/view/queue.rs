//! Shapes of the queue beyond the action itself: how far an escalation got, what held an action back, what it waits for.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shapes::{AttemptView, attempt};
use crate::domain::actions::escalation::{Escalation, Step};
use crate::domain::actions::{Action, ExecutionStatus};
use crate::domain::ids::OutsideId;
use crate::domain::people::Authority;
use crate::domain::suppression::Suppressed;
use crate::domain::suppression::inhibition::{Inhibition, InhibitionScope};
use crate::domain::suppression::silences::Silence;
use crate::domain::time::Timestamp;
use crate::domain::violations::ViolationType;

/// How far an escalation got.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct EscalationView<'a> {
    /// Lowest first, as it was when the escalation began.
    #[schema(value_type = Vec<String>)]
    pub ladder: &'a [Authority],
    /// The number of the current rung, 0 the first.
    pub rung: usize,
    pub after_minutes: u32,
    /// When the next rung has its turn, unless somebody acts before.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// When a reminder is sent, unless it is resolved before.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub remind_at: Option<Timestamp>,
    pub steps: Vec<StepView<'a>>,
}

/// The notification of one rung.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct StepView<'a> {
    /// The id of its message, the same in every attempt.
    pub id: Uuid,
    pub authority: &'a Authority,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    pub status: ExecutionStatus,
    pub reason: Option<&'a str>,
    pub attempts: Vec<AttemptView<'a>>,
}

/// How far an escalation got.
pub fn escalation(one: &Escalation) -> EscalationView<'_> {
    EscalationView {
        ladder: &one.ladder,
        rung: one.rung(),
        after_minutes: one.after_minutes,
        next_at: one.next_at,
        remind_at: one.reminder.as_ref().map(|reminder| reminder.at),
        steps: one.steps.iter().map(step).collect(),
    }
}

fn step(step: &Step) -> StepView<'_> {
    StepView {
        id: step.id,
        authority: &step.authority,
        started_at: step.started_at,
        status: step.status,
        reason: step.reason.as_deref(),
        attempts: step.attempts.iter().map(attempt).collect(),
    }
}

/// All attempts of an action; of an escalation those of every rung, in order.
pub fn attempts(action: &Action) -> Vec<AttemptView<'_>> {
    let steps = action.escalation.iter().flat_map(|all| &all.steps).flat_map(|step| &step.attempts);
    action.attempts.iter().chain(steps).map(attempt).collect()
}

/// What a pending action waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The time that it is scheduled for.
    Schedule,
    /// Its next attempt, after one that failed.
    Retry,
    /// Being sent.
    Delivery,
    /// Somebody who acknowledges or resolves; else the next rung is told.
    Acknowledgement,
}

/// What an action waits for.
pub fn waits_for(action: &Action) -> Option<WaitsFor> {
    if !action.is_pending() {
        return None;
    }
    let current = action.escalation.as_ref().and_then(Escalation::current);
    let tried = current.map_or(&action.attempts, |step| &step.attempts);
    Some(match action.due_at {
        None if action.escalation.is_some() => WaitsFor::Acknowledgement,
        _ if !tried.is_empty() => WaitsFor::Retry,
        due if action.scheduled_for.is_some() && due == action.scheduled_for => WaitsFor::Schedule,
        _ => WaitsFor::Delivery,
    })
}

/// What kept an action from being done.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SuppressionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violation_id: Option<Uuid>,
}

impl SuppressionView {
    /// What kept an action from being done.
    pub fn of(by: &Suppressed) -> Self {
        match *by {
            Suppressed::Silence(id) => Self { silence_id: Some(id), violation_id: None },
            Suppressed::Inhibition(id) => Self { silence_id: None, violation_id: Some(id) },
        }
    }
}

/// A silence.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SilenceView<'a> {
    pub id: Uuid,
    pub violation_type: Option<&'a str>,
    pub venue_id: Option<&'a str>,
    pub entity_id: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    pub reason: &'a str,
    pub created_by: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A silence.
pub fn silence(silence: &Silence) -> SilenceView<'_> {
    SilenceView {
        id: silence.id,
        violation_type: silence.violation_type.as_ref().map(ViolationType::as_str),
        venue_id: silence.venue_id.as_ref().map(OutsideId::as_str),
        entity_id: silence.entity_id.as_ref().map(OutsideId::as_str),
        until: silence.until,
        reason: &silence.reason,
        created_by: &silence.by,
        created_at: silence.created_at,
    }
}

/// A rule of inhibition.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct InhibitionView<'a> {
    pub source_type: &'a str,
    pub target_types: Vec<&'a str>,
    pub scope: InhibitionScope,
}

/// A rule of inhibition.
pub fn inhibition(rule: &Inhibition) -> InhibitionView<'_> {
    InhibitionView {
        source_type: rule.source_type.as_str(),
        target_types: rule.target_types.iter().map(ViolationType::as_str).collect(),
        scope: rule.scope,
    }
}

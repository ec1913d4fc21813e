//! How well a webhook takes what it is told, and when it is told nothing more.
//!
//! Promise: a webhook that has taken nothing for five days, though it was called, is switched off once, as an event of its own; somebody
//! switches it on again.

use super::Webhook;
use crate::domain::actions::{Action, AttemptOutcome};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::state::TenantState;
use crate::domain::time::{DAY_MS, Timestamp};
use uuid::Uuid;

/// How long a webhook may fail at everything before it is switched off.
pub const DISABLED_AFTER_MS: i64 = 5 * DAY_MS;

/// How the calls to a webhook went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Health {
    pub last_success_at: Option<Timestamp>,
    pub last_failure_at: Option<Timestamp>,
    /// Failed calls since the last one that was taken.
    pub consecutive_failures: u32,
    /// When the first of these was.
    pub failing_since: Option<Timestamp>,
    /// When it was switched off.
    pub disabled_at: Option<Timestamp>,
}

/// A word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum WebhookState {
    Ok,
    Failing,
    Disabled,
}

impl Health {
    /// Counts a call.
    pub fn note(&mut self, outcome: AttemptOutcome, at: Timestamp) {
        match outcome {
            AttemptOutcome::Delivered => {
                self.last_success_at = Some(at);
                self.consecutive_failures = 0;
                self.failing_since = None;
            }
            AttemptOutcome::Retry | AttemptOutcome::Refused => {
                self.last_failure_at = Some(at);
                self.consecutive_failures = self.consecutive_failures.saturating_add(1);
                self.failing_since = self.failing_since.or(Some(at));
            }
        }
    }

    /// Begins anew, for one that is switched on again.
    pub fn enable(&mut self) {
        *self = Self { consecutive_failures: 0, failing_since: None, disabled_at: None, ..*self };
    }

    /// Whether another failure now ends it.
    pub fn is_given_up(&self, now: Timestamp) -> bool {
        let long = self.failing_since.is_some_and(|since| now.0.saturating_sub(since.0) >= DISABLED_AFTER_MS);
        long && self.disabled_at.is_none()
    }

    /// The word for it.
    pub fn state(&self) -> WebhookState {
        match (self.disabled_at, self.consecutive_failures) {
            (Some(_), _) => WebhookState::Disabled,
            (None, 0) => WebhookState::Ok,
            (None, _) => WebhookState::Failing,
        }
    }
}

/// The webhook that an action is for, where it is for one.
pub fn webhook_of(action: &Action) -> Option<Uuid> {
    let id = action.action_target.strip_prefix("webhook:").filter(|_| action.escalation.is_none())?;
    id.parse().ok()
}

/// Adds the end of each webhook that failed once too often in these events.
pub fn follow(state: &TenantState, context: &Context<'_>, events: &mut Vec<Event>) {
    let mut ended: Vec<Uuid> = Vec::new();
    for event in events.iter() {
        let Some(id) = failed(state, event) else { continue };
        let given_up = |webhook: &Webhook| webhook.health.is_given_up(context.now);
        if state.webhooks.get(&id).is_some_and(given_up) && !ended.contains(&id) {
            ended.push(id);
        }
    }
    events.extend(ended.into_iter().map(|id| Event::WebhookDisabled { id }));
}

/// The webhook at which a call failed.
fn failed(state: &TenantState, event: &Event) -> Option<Uuid> {
    match event {
        Event::NoticeAttempted(one) if one.outcome != AttemptOutcome::Delivered => Some(one.webhook_id),
        Event::ActionAttempted(one) if one.attempt.outcome != AttemptOutcome::Delivered => {
            webhook_of(state.actions.get(&one.id)?)
        }
        _ => None,
    }
}

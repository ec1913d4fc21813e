//! Looking after a webhook: another secret, a test, switching it on again, telling again what it was told.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::actions::AttemptOutcome;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Gives a webhook another secret. Both sign for a day.
#[derive(Clone, Debug)]
pub struct RotateWebhook {
    /// The webhook.
    pub id: Uuid,
}

impl RotateWebhook {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        state.webhooks.get(&self.id).ok_or(Rejection::NotFound)?;
        let event = Event::WebhookRotated { id: self.id, by: context.label() };
        Ok(Decision { events: vec![event], answer: Answer::WebhookSecret(self.id) })
    }
}

/// What a test of a webhook came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Tested {
    /// The `webhook-id` of the call.
    pub id: Uuid,
    pub webhook_id: Uuid,
    pub outcome: AttemptOutcome,
    pub detail: Arc<str>,
    pub by: Arc<str>,
}

/// Writes down what a test came to.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RecordTest {
    pub id: Uuid,
    pub webhook_id: Uuid,
    pub outcome: AttemptOutcome,
    pub detail: String,
}

impl RecordTest {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let Self { id, webhook_id, outcome, detail } = self;
        state.webhooks.get(&webhook_id).ok_or(Rejection::NotFound)?;
        let tested = Tested { id, webhook_id, outcome, detail: detail.into(), by: context.label() };
        Ok(Decision {
            events: vec![Event::WebhookTested(Box::new(tested))],
            answer: Answer::WebhookTested { webhook: webhook_id, test: id },
        })
    }
}

/// Switches a webhook on again.
#[derive(Clone, Debug)]
pub struct EnableWebhook {
    /// The webhook.
    pub id: Uuid,
}

impl EnableWebhook {
    /// Decides; one that is on stays as it is.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let webhook = state.webhooks.get(&self.id).ok_or(Rejection::NotFound)?;
        let off = webhook.health.disabled_at.is_some();
        let events = off.then(|| Event::WebhookEnabled { id: self.id, by: context.label() });
        Ok(Decision { events: events.into_iter().collect(), answer: Answer::Webhook(self.id) })
    }
}

/// Notices that are told again, each under its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Resent {
    pub webhook_id: Uuid,
    /// Oldest first.
    pub ids: Vec<Uuid>,
    pub by: Arc<str>,
    pub due_at: Timestamp,
}

/// Tells a webhook again what it was told since a moment, as far as it is held.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ReplayWebhook {
    pub id: Uuid,
    pub since: Timestamp,
}

impl ReplayWebhook {
    /// Decides. What still waits is told anyway.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let webhook = state.webhooks.get(&self.id).ok_or(Rejection::NotFound)?;
        expect_enabled(webhook)?;
        let held = state.webhooks.settled.of(&self.id).map(|one| &one.notice);
        let ids: Vec<Uuid> = held.filter(|notice| notice.made_at >= self.since).map(|notice| notice.id).collect();
        let answer = Answer::Replayed { webhook: self.id, count: ids.len() };
        let resent = Resent { webhook_id: self.id, ids, by: context.label(), due_at: context.now };
        let events = if resent.ids.is_empty() { Vec::new() } else { vec![Event::NoticesResent(Box::new(resent))] };
        Ok(Decision { events, answer })
    }
}

/// Tells a notice again that was given up.
#[derive(Clone, Debug)]
pub struct ResendNotice {
    /// The notice.
    pub id: Uuid,
}

impl ResendNotice {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let settled = state.webhooks.settled.get(&self.id).filter(|one| !one.delivered).ok_or(Rejection::NotFound)?;
        let webhook_id = settled.notice.webhook_id;
        expect_enabled(state.webhooks.get(&webhook_id).ok_or(Rejection::NotFound)?)?;
        let resent = Resent { webhook_id, ids: vec![self.id], by: context.label(), due_at: context.now };
        Ok(Decision {
            events: vec![Event::NoticesResent(Box::new(resent))],
            answer: Answer::Replayed { webhook: webhook_id, count: 1 },
        })
    }
}

fn expect_enabled(webhook: &super::Webhook) -> Result<(), Rejection> {
    match webhook.health.disabled_at {
        Some(_) => Err(Rejection::WrongStatus { status: "switched off; switch the webhook on first" }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;

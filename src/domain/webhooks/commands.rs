//! Making and ending webhooks, and what attempts at their notices come to.

use uuid::Uuid;

use super::health::Health;
use super::{NoticeAttempted, URL_BYTES_MAX, WEBHOOKS_MAX, Webhook};
use crate::domain::actions::retry::next_delay_ms;
use crate::domain::actions::{AttemptOutcome, ExecutionStatus};
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::view::feed::Topic;

/// Makes a webhook. Whether its URL may be called is decided where calls are made.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct CreateWebhook {
    pub url: String,
    pub events: Vec<String>,
    pub description: Option<String>,
}

impl CreateWebhook {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        let mut faults = Faults::default();
        let fits = (1..=URL_BYTES_MAX).contains(&self.url.len()) && !self.url.chars().any(char::is_control);
        faults.expect(fits, "/url", "is empty, too long or contains a control character");
        faults.expect(!self.events.is_empty(), "/events", "is empty");
        let mut events: Vec<Topic> = Vec::new();
        for (index, name) in self.events.iter().enumerate() {
            match Topic::named(name) {
                Some(Topic::Notifications) => {
                    faults.add(format!("/events/{index}"), "is what single people are told, and no system");
                }
                Some(topic) if !events.contains(&topic) => events.push(topic),
                Some(_) => faults.add(format!("/events/{index}"), "is there twice"),
                None => faults.add(format!("/events/{index}"), "is not a topic of /api/events"),
            }
        }
        faults.text("/description", self.description.as_deref(), 4_000);
        faults.done()?;
        if state.webhooks.len() >= WEBHOOKS_MAX {
            return Err(Rejection::LimitReached { what: "webhooks", limit: WEBHOOKS_MAX });
        }
        let webhook = Webhook {
            id: context.ids.next_id(),
            seq: 0, // given when the event is applied
            url: self.url.into(),
            events,
            description: self.description.map(Into::into),
            generation: 1,
            rotated_at: None,
            created_by: context.label(),
            created_at: context.now,
            delivered: 0,
            failed: 0,
            missed: 0,
            last_error: None,
            health: Health::default(),
        };
        let id = webhook.id;
        Ok(Decision { events: vec![Event::WebhookSaved(Box::new(webhook))], answer: Answer::WebhookMade(id) })
    }
}

/// Ends a webhook, with all that waits for it.
#[derive(Clone, Debug)]
pub struct DeleteWebhook {
    /// The webhook.
    pub id: Uuid,
}

impl DeleteWebhook {
    /// Decides.
    pub fn decide(self, state: &TenantState) -> Decided {
        state.webhooks.get(&self.id).ok_or(Rejection::NotFound)?;
        Ok(Decision { events: vec![Event::WebhookDeleted { id: self.id }], answer: Answer::Nothing })
    }
}

/// Reports what an attempt at a notice came to.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RecordNotice {
    pub id: Uuid,
    pub outcome: AttemptOutcome,
    pub detail: String,
    /// How long the receiver asked us to wait, in milliseconds.
    pub asked_ms: Option<i64>,
}

impl RecordNotice {
    /// Decides what follows: delivered, tried again later, or given up.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let notice = state.webhooks.notice(&self.id).ok_or(Rejection::NotFound)?;
        let wait = match self.outcome {
            AttemptOutcome::Retry => next_delay_ms(notice.failures as usize + 1, self.asked_ms, context.ids.jitter()),
            AttemptOutcome::Delivered | AttemptOutcome::Refused => None,
        };
        let status = match (self.outcome, wait) {
            (AttemptOutcome::Delivered, _) => ExecutionStatus::Delivered,
            (_, Some(_)) => ExecutionStatus::Pending,
            (_, None) => ExecutionStatus::Failed,
        };
        let attempted = NoticeAttempted {
            id: self.id,
            webhook_id: notice.webhook_id,
            outcome: self.outcome,
            detail: self.detail.into(),
            status,
            next_at: wait.map(|ms| context.now.plus_ms(ms)),
        };
        let answer = Answer::Webhook(notice.webhook_id);
        Ok(Decision { events: vec![Event::NoticeAttempted(Box::new(attempted))], answer })
    }
}

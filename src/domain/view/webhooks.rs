//! Webhooks as they are shown, never with a secret.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::feed::Topic;
use super::list::{self, Cursor, Page, Paging, bytes};
use crate::domain::actions::AttemptOutcome;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::webhooks::Webhook;
use crate::domain::webhooks::health::WebhookState;
use crate::domain::webhooks::log::{CallKind, Line, answered};

/// A webhook.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct WebhookView<'a> {
    pub id: Uuid,
    pub url: &'a str,
    pub events: Vec<&'static str>,
    pub description: Option<&'a str>,
    pub created_by: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Notices that wait now.
    pub pending: usize,
    pub delivered: u64,
    /// Notices that were given up.
    pub failed: u64,
    /// Notices that were let go because too many waited.
    pub missed: u64,
    /// What came of the last attempt that did not deliver.
    pub last_error: Option<&'a str>,
    /// `failing` from the first failed call to the next that is taken; `disabled` after five days of nothing but failures.
    pub state: WebhookState,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_failure_at: Option<Timestamp>,
    /// Failed calls since the last one that was taken.
    pub consecutive_failures: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// Until when the secret before the last change signs as well.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub both_sign_until: Option<Timestamp>,
}

/// A webhook.
pub fn webhook<'a>(state: &TenantState, one: &'a Webhook) -> WebhookView<'a> {
    WebhookView {
        id: one.id,
        url: &one.url,
        events: one.events.iter().map(|topic| topic.name()).collect(),
        description: one.description.as_deref(),
        created_by: &one.created_by,
        created_at: one.created_at,
        pending: state.webhooks.waiting_for(&one.id),
        delivered: one.delivered,
        failed: one.failed,
        missed: one.missed,
        last_error: one.last_error.as_deref(),
        state: one.health.state(),
        last_success_at: one.health.last_success_at,
        last_failure_at: one.health.last_failure_at,
        consecutive_failures: one.health.consecutive_failures,
        disabled_at: one.health.disabled_at,
        both_sign_until: one.both_sign_until(),
    }
}

/// Which secret of a webhook signs now; the secret itself is added where it can be derived.
#[derive(Serialize)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SecretView {
    pub id: Uuid,
    pub generation: u32,
    pub both_sign_until: Option<Timestamp>,
}

/// Which secret of a webhook signs now.
pub fn secret(one: &Webhook) -> SecretView {
    SecretView { id: one.id, generation: one.generation, both_sign_until: one.both_sign_until() }
}

/// What came of one call.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct CallView<'a> {
    /// The `webhook-id` of the call; of an alert the id of its action.
    pub id: Uuid,
    pub kind: CallKind,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub outcome: AttemptOutcome,
    /// Of the answer, where there was one.
    pub status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    pub detail: &'a str,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
}

/// What came of one call.
pub fn call(line: &Line) -> CallView<'_> {
    let (status, detail) = answered(&line.detail);
    CallView { id: line.id, kind: line.kind, at: line.at, outcome: line.outcome, status, detail, next_at: line.next_at }
}

/// The newest calls to a webhook as a page.
///
/// # Errors
/// [`Rejection::NotFound`].
pub fn calls(state: &TenantState, id: &Uuid, paging: Paging) -> Result<Vec<u8>, Rejection> {
    state.webhooks.get(id).ok_or(Rejection::NotFound)?;
    let lines = state.webhooks.log.of(id, paging.before());
    Ok(bytes(&list::page(paging.limit, lines, |_| true, |line| Cursor::Seq(line.seq), call)))
}

/// What a webhook is told again.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ReplayedView {
    pub webhook_id: Uuid,
    /// Notices that are told again now.
    pub replayed: usize,
}

/// What a webhook is told again.
pub fn replayed(webhook: &Uuid, count: usize) -> ReplayedView {
    ReplayedView { webhook_id: *webhook, replayed: count }
}

/// All webhooks as one page of JSON; there are few.
pub fn list_of_webhooks(state: &TenantState) -> Vec<u8> {
    let items: Vec<_> = state.webhooks.iter().map(|one| webhook(state, one)).collect();
    bytes(&Page { items, next_cursor: None })
}

impl Topic {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Violations => "violations",
            Self::Actions => "actions",
            Self::Blocks => "blocks",
            Self::Approvals => "approvals",
            Self::Tasks => "tasks",
            Self::Notifications => "notifications",
        }
    }
}

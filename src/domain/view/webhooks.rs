//! Webhooks as they are shown, never with a secret.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::feed::Topic;
use super::list::{Page, bytes};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::webhooks::Webhook;

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
    }
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

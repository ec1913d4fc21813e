//! Webhooks and what waits to be told.

use uuid::Uuid;

use crate::domain::event::Event;
use crate::domain::view::feed::Topic;
use crate::domain::webhooks::{Notice, NoticeAttempted};
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen, frozen_event};

/// A topic, as its name outside.
impl Form<Topic> for String {
    fn freeze(value: &Topic) -> Self {
        value.name().to_owned()
    }

    fn thaw(self) -> Result<Topic, StoredError> {
        Topic::named(&self).ok_or_else(|| StoredError::malformed("a topic", self))
    }
}

/// A webhook as it stood in its first form; `v2` has what it has become.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain")]
pub struct WebhookV1 {
    pub id: [u8; 16],
    pub seq: u64,
    pub url: String,
    pub events: Vec<String>,
    pub description: Option<String>,
    pub generation: u32,
    pub created_by: String,
    pub created_at: i64,
    pub delivered: u64,
    pub failed: u64,
    pub missed: u64,
    pub last_error: Option<String>,
}

frozen! {
    /// What a webhook is to be told. In an event the number is not its own yet.
    NoticeV1 of Notice {
        id: [u8; 16],
        seq: u64,
        webhook_id: [u8; 16],
        body: String,
        made_at: i64,
        failures: u32,
        due_at: i64,
    }

    /// What an attempt at a notice came to.
    NoticeAttemptedV1 of NoticeAttempted {
        id: [u8; 16],
        webhook_id: [u8; 16],
        outcome: u8,
        detail: String,
        status: u8,
        next_at: Option<i64>,
    }
}

frozen_event! {
    /// That a webhook was taken out.
    WebhookDeletedV1 of Event::WebhookDeleted {
        id: Uuid => [u8; 16],
    }
}

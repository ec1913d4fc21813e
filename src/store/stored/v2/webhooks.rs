//! Webhooks with their health, what came of calls, and what is over.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::event::Event;
use crate::domain::webhooks::Webhook;
use crate::domain::webhooks::care::{Resent, Tested};
use crate::domain::webhooks::health::Health;
use crate::domain::webhooks::log::Line;
use crate::domain::webhooks::settled::Settled;
use crate::store::stored::form::{frozen, frozen_event};
use crate::store::stored::v1::{NoticeV1, WebhookV1};

frozen! {
    /// How the calls to a webhook went.
    HealthV2 of Health {
        last_success_at: Option<i64>,
        last_failure_at: Option<i64>,
        consecutive_failures: u32,
        failing_since: Option<i64>,
        disabled_at: Option<i64>,
    }

    /// A webhook as it stands. In an event the number is not its own yet.
    WebhookV2 of Webhook {
        id: [u8; 16],
        seq: u64,
        url: String,
        events: Vec<String>,
        description: Option<String>,
        generation: u32,
        rotated_at: Option<i64>,
        created_by: String,
        created_at: i64,
        delivered: u64,
        failed: u64,
        missed: u64,
        last_error: Option<String>,
        health: HealthV2,
    }

    /// What came of a call.
    LineV2 of Line {
        seq: u64,
        webhook_id: [u8; 16],
        kind: u8,
        id: [u8; 16],
        at: i64,
        outcome: u8,
        detail: String,
        next_at: Option<i64>,
    }

    /// A notice that is over.
    SettledV2 of Settled {
        notice: NoticeV1,
        at: i64,
        delivered: bool,
        detail: String,
    }

    /// What a test came to.
    TestedV2 of Tested {
        id: [u8; 16],
        webhook_id: [u8; 16],
        outcome: u8,
        detail: String,
        by: String,
    }

    /// Notices that are told again.
    ResentV2 of Resent {
        webhook_id: [u8; 16],
        ids: Vec<[u8; 16]>,
        by: String,
        due_at: i64,
    }
}

frozen_event! {
    /// That a webhook got another secret.
    WebhookRotatedV2 of Event::WebhookRotated {
        id: Uuid => [u8; 16],
        by: Arc<str> => String,
    }

    /// That a webhook was switched off.
    WebhookDisabledV2 of Event::WebhookDisabled {
        id: Uuid => [u8; 16],
    }

    /// That a webhook was switched on.
    WebhookEnabledV2 of Event::WebhookEnabled {
        id: Uuid => [u8; 16],
        by: Arc<str> => String,
    }
}

impl From<WebhookV1> for WebhookV2 {
    fn from(old: WebhookV1) -> Self {
        let health = HealthV2 {
            last_success_at: None,
            last_failure_at: None,
            consecutive_failures: 0,
            failing_since: None,
            disabled_at: None,
        };
        Self {
            id: old.id,
            seq: old.seq,
            url: old.url,
            events: old.events,
            description: old.description,
            generation: old.generation,
            rotated_at: None,
            created_by: old.created_by,
            created_at: old.created_at,
            delivered: old.delivered,
            failed: old.failed,
            missed: old.missed,
            last_error: old.last_error,
            health,
        }
    }
}

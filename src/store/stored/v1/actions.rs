//! Actions.

use std::sync::Arc;

use uuid::Uuid;

use super::templates::ActionDataV1;
use crate::domain::actions::{Action, Attempt, Attempted};
use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// One attempt at a delivery.
    AttemptV1 of Attempt {
        at: i64,
        outcome: u8,
        detail: String,
        next_at: Option<i64>,
    }

    /// An action as it stands. In an event the number is not its own yet.
    ActionV1 of Action {
        id: [u8; 16],
        seq: u64,
        violation_id: [u8; 16],
        venue_id: Option<String>,
        severity: u8,
        title: String,
        template_id: Option<[u8; 16]>,
        template_version: Option<u32>,
        action_type: u8,
        action_target: String,
        message: String,
        missing: Vec<String>,
        action_data: ActionDataV1,
        created_at: i64,
        scheduled_for: Option<i64>,
        executed_at: Option<i64>,
        status: u8,
        reason: Option<String>,
        attempts: Vec<AttemptV1>,
        failures: u32,
        due_at: Option<i64>,
    }

    /// What an attempt did to an action.
    AttemptedV1 of Attempted {
        id: [u8; 16],
        venue_id: Option<String>,
        attempt: AttemptV1,
        status: u8,
        reason: Option<String>,
    }
}

frozen_event! {
    /// That it will not be done.
    ActionDismissedV1 of Event::ActionDismissed {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        reason: Arc<str> => String,
        by: Arc<str> => String,
    }

    /// That it is to be tried again.
    ActionRequeuedV1 of Event::ActionRequeued {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        by: Arc<str> => String,
    }
}

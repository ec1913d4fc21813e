//! Actions.

use std::sync::Arc;

use uuid::Uuid;

use super::suppression::SuppressedV1;
use super::templates::ActionDataV1;
use crate::domain::actions::escalation::{Escalated, Escalation, Reminder, Step, Stopped};
use crate::domain::actions::{Action, Attempt, Attempted};
use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::domain::time::Timestamp;
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// One attempt at a delivery.
    AttemptV1 of Attempt {
        at: i64,
        outcome: u8,
        detail: String,
        next_at: Option<i64>,
    }

    /// The notification of one rung.
    StepV1 of Step {
        id: [u8; 16],
        authority: String,
        started_at: i64,
        status: u8,
        reason: Option<String>,
        attempts: Vec<AttemptV1>,
        failures: u32,
    }

    /// A reminder that waits.
    ReminderV1 of Reminder {
        at: i64,
        to: String,
    }

    /// The ladder of an escalation and how far it got.
    EscalationV1 of Escalation {
        ladder: Vec<String>,
        after_minutes: u32,
        remind_after_minutes: Option<u32>,
        steps: Vec<StepV1>,
        next_at: Option<i64>,
        reminder: Option<ReminderV1>,
    }

    /// That the next rung is told.
    EscalatedV1 of Escalated {
        id: [u8; 16],
        venue_id: Option<String>,
        step: StepV1,
    }

    /// That an escalation ended because somebody acted.
    StoppedV1 of Stopped {
        id: [u8; 16],
        venue_id: Option<String>,
        status: u8,
        reason: String,
        reminder: Option<ReminderV1>,
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
        escalation: Option<EscalationV1>,
        suppressed: Option<SuppressedV1>,
        notice: Option<u8>,
    }

    /// What an attempt did to an action.
    AttemptedV1 of Attempted {
        id: [u8; 16],
        venue_id: Option<String>,
        step: Option<[u8; 16]>,
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

    /// That its reminder was due.
    ActionRemindedV1 of Event::ActionReminded {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
    }

    /// That it is to be tried again.
    ActionRequeuedV1 of Event::ActionRequeued {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        by: Arc<str> => String,
        due_at: Timestamp => i64,
    }
}

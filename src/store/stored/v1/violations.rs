//! Violations.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::domain::violations::{Ending, Entity, Mark, Repeat, Violation};
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// Who did something, and when.
    MarkV1 of Mark {
        by: String,
        at: i64,
    }

    /// Whom or what a violation is about.
    EntityV1 of Entity {
        id: String,
        entity_type: String,
    }

    /// A violation as it stands. In an event the number is not its own yet.
    ViolationV1 of Violation {
        id: [u8; 16],
        seq: u64,
        venue_id: Option<String>,
        parent_id: Option<[u8; 16]>,
        violation_type: String,
        severity: u8,
        title: String,
        description: Option<String>,
        metadata: Option<String>,
        source_table: Option<String>,
        source_id: Option<String>,
        fingerprint: String,
        detected_at: i64,
        business_date: i32,
        occurrences: u32,
        last_seen_at: i64,
        over_at: i64,
        acknowledged: Option<MarkV1>,
        resolved: Option<MarkV1>,
        resolution: Option<String>,
        ending: Option<u8>,
        actions: Vec<[u8; 16]>,
        blocks: Vec<[u8; 16]>,
        entity: Option<EntityV1>,
    }

    /// What a repeated report changed.
    RepeatV1 of Repeat {
        id: [u8; 16],
        venue_id: Option<String>,
        parent_id: Option<[u8; 16]>,
        severity: u8,
        title: String,
        description: Option<String>,
        metadata: Option<String>,
        seen_at: i64,
        over_at: i64,
        occurrences: u32,
    }
}

frozen_event! {
    /// That somebody took notice.
    ViolationAcknowledgedV1 of Event::ViolationAcknowledged {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        by: Arc<str> => String,
        note: Option<Arc<str>> => Option<String>,
    }

    /// That it ended.
    ViolationResolvedV1 of Event::ViolationResolved {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        by: Arc<str> => String,
        resolution: Option<Arc<str>> => Option<String>,
        ending: Ending => u8,
    }
}

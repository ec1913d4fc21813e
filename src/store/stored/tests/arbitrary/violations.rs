//! Arbitrary violations and their types.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ON_ERRORS, at, json_text, outside, text, uuid};
use crate::domain::time::BusinessDate;
use crate::domain::violations::own_types::OwnType;
use crate::domain::violations::{Ending, Entity, Mark, Repeat, Severity, Violation, ViolationType};

pub const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
pub const ENDINGS: [Ending; 3] = [Ending::Resolved, Ending::Cleared, Ending::Quiet];

pub fn violation_type() -> impl Strategy<Value = ViolationType> {
    "[a-z][a-z0-9_]{0,8}".prop_map(|name| ViolationType::parse(&name).unwrap())
}

prop_compose! {
    fn mark()(by in text(), at in at()) -> Mark { Mark { by, at } }
}

prop_compose! {
    pub fn own_type()(
        violation_type in violation_type(), measure in of(text()), entity in of(vec(text(), 0..3)), entity_type in of(text()),
        block_type in of(text()), resolve_after_quiet_minutes: Option<u32>, on_error in of(select(&ON_ERRORS)),
    ) -> OwnType {
        OwnType { violation_type, measure, entity, entity_type, block_type, resolve_after_quiet_minutes, on_error }
    }
}

prop_compose! {
    fn entity()(id in outside(), entity_type in text()) -> Entity { Entity { id, entity_type } }
}

prop_compose! {
    pub fn violation()(
        id in uuid(), seq: u64, place in (of(outside()), of(entity()), of(uuid())), violation_type in violation_type(), severity in select(&SEVERITIES),
        title in text(), description in of(text()), metadata in of(json_text()), source_table in of(outside()),
        source_id in of(outside()), fingerprint in text(), detected_at in at(), business_date: i32, occurrences: u32,
        seen in (at(), at()), acknowledged in of(mark()), resolved in of(mark()), end in (of(text()), of(select(&ENDINGS))),
        actions in vec(uuid(), 0..3), blocks in vec(uuid(), 0..3),
    ) -> Violation {
        Violation {
            id, seq, venue_id: place.0, entity: place.1, parent_id: place.2, violation_type, severity, title, description, metadata,
            source_table, source_id, fingerprint, detected_at, business_date: BusinessDate(business_date), occurrences,
            last_seen_at: seen.0, over_at: seen.1, acknowledged, resolved, resolution: end.0, ending: end.1, actions, blocks,
        }
    }
}

prop_compose! {
    pub fn repeat()(
        id in uuid(), venue_id in of(outside()), parent_id in of(uuid()), severity in select(&SEVERITIES), title in text(), description in of(text()),
        metadata in of(json_text()), seen_at in at(), over_at in at(), occurrences: u32,
    ) -> Repeat {
        Repeat { id, venue_id, parent_id, severity, title, description, metadata, seen_at, over_at, occurrences }
    }
}

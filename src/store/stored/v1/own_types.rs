//! Violation types with a profile of the organisation's own.

use crate::domain::event::Event;
use crate::domain::violations::ViolationType;
use crate::domain::violations::own_types::OwnType;
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// What an organisation says about a type.
    OwnTypeV1 of OwnType {
        violation_type: String,
        measure: Option<String>,
        entity: Option<Vec<String>>,
        entity_type: Option<String>,
        block_type: Option<String>,
        resolve_after_quiet_minutes: Option<u32>,
        on_error: Option<u8>,
    }
}

frozen_event! {
    /// That it says nothing about it any more.
    ViolationTypeDeletedV1 of Event::ViolationTypeDeleted {
        violation_type: ViolationType => String,
    }
}

//! Fewer people on the schedule than the venue needs.

use crate::domain::blocks::OnError;
use crate::domain::violations::profile::{EntityFrom, Profile};

/// Looks at the missing full-time equivalents; the manager, else the venue, gets no more assignments.
pub fn profile() -> Profile {
    Profile {
        measure: Some("gap_fte".into()),
        entity: vec![EntityFrom::metadata("manager_id", "employee"), EntityFrom::Venue],
        block_type: Some("manager_assignment".into()),
        on_error: OnError::Open,
        resolve_after_quiet_minutes: None,
    }
}

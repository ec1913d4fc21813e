//! Guests who sat too long before somebody greeted them.

use crate::domain::blocks::OnError;
use crate::domain::violations::profile::{EntityFrom, Profile};

/// Looks at the delay in seconds; the server, else the section, may take no more tables.
pub fn profile() -> Profile {
    Profile {
        measure: Some("delay_seconds".into()),
        entity: vec![EntityFrom::metadata("server_id", "employee"), EntityFrom::metadata("section", "section")],
        block_type: Some("section_opening".into()),
        on_error: OnError::Open,
        resolve_after_quiet_minutes: Some(60),
    }
}

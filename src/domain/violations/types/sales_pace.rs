//! Sales that run behind their plan.

use crate::domain::blocks::OnError;
use crate::domain::violations::profile::{EntityFrom, Profile};

/// Looks at the gap in per cent; the venue may open no more sections.
pub fn profile() -> Profile {
    Profile {
        measure: Some("gap_pct".into()),
        entity: vec![EntityFrom::Venue],
        block_type: Some("section_opening".into()),
        on_error: OnError::Open,
        resolve_after_quiet_minutes: Some(120),
    }
}

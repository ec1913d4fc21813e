//! A comp that was given away without being allowed to.

use crate::domain::blocks::OnError;
use crate::domain::violations::profile::{EntityFrom, Profile};

/// Looks at the comped amount; whoever gave it may approve no more comps.
pub fn profile() -> Profile {
    Profile {
        measure: Some("comp_amount".into()),
        entity: vec![
            EntityFrom::metadata("server_id", "employee"),
            EntityFrom::metadata("employee_id", "employee"),
            EntityFrom::metadata("server_name", "employee"),
        ],
        block_type: Some("comp_approval".into()),
        on_error: OnError::Closed,
        resolve_after_quiet_minutes: None,
    }
}

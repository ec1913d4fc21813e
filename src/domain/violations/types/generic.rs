//! Anything that has no type of its own: no measure, and the venue as its entity.

use crate::domain::violations::profile::{EntityFrom, Profile};

/// Thresholds match nothing; a block needs its type from the template.
pub fn profile() -> Profile {
    Profile { entity: vec![EntityFrom::Venue], ..Profile::default() }
}

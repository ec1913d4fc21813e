//! Silences and inhibition.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::domain::people::{Authority, Held};
use crate::domain::suppression::Suppressed;
use crate::domain::suppression::inhibition::Inhibition;
use crate::domain::suppression::silences::Silence;
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen, frozen_event};

/// What kept an action from being done: 1 a silence, 2 an open violation; and its id.
pub type SuppressedV1 = (u8, [u8; 16]);

/// The authority of whoever set a silence: 1 none, 2 this rung, 3 above every rung.
pub type HeldV1 = (u8, Option<String>);

frozen! {
    /// A silence. In an event the number is not its own yet.
    SilenceV1 of Silence {
        id: [u8; 16],
        seq: u64,
        violation_type: Option<String>,
        venue_id: Option<String>,
        entity_id: Option<String>,
        until: i64,
        reason: String,
        by: String,
        person: Option<String>,
        held: HeldV1,
        created_at: i64,
    }

    /// A rule of inhibition.
    InhibitionV1 of Inhibition {
        source_type: String,
        target_types: Vec<String>,
        scope: u8,
    }
}

frozen_event! {
    /// That a silence was ended.
    SilenceEndedV1 of Event::SilenceEnded {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        by: Arc<str> => String,
    }

    /// That the rules of inhibition changed.
    InhibitionsChangedV1 of Event::InhibitionsChanged {
        rules: Vec<Inhibition> => Vec<InhibitionV1>,
        by: Arc<str> => String,
    }
}

impl Form<Suppressed> for SuppressedV1 {
    fn freeze(value: &Suppressed) -> Self {
        match value {
            Suppressed::Silence(id) => (1, id.into_bytes()),
            Suppressed::Inhibition(id) => (2, id.into_bytes()),
        }
    }

    fn thaw(self) -> Result<Suppressed, StoredError> {
        match self {
            (1, id) => Ok(Suppressed::Silence(Uuid::from_bytes(id))),
            (2, id) => Ok(Suppressed::Inhibition(Uuid::from_bytes(id))),
            (number, _) => Err(StoredError::UnknownNumber { of: "Suppressed", number: number.into() }),
        }
    }
}

impl Form<Held> for HeldV1 {
    fn freeze(value: &Held) -> Self {
        match value {
            Held::Nothing => (1, None),
            Held::Rung(rung) => (2, Some(Form::freeze(rung))),
            Held::Top => (3, None),
        }
    }

    fn thaw(self) -> Result<Held, StoredError> {
        match self {
            (1, None) => Ok(Held::Nothing),
            (2, Some(rung)) => Ok(Held::Rung(Authority::named(&rung))),
            (3, None) => Ok(Held::Top),
            (number, _) => Err(StoredError::UnknownNumber { of: "Held", number: number.into() }),
        }
    }
}

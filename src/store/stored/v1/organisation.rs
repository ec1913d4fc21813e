//! Organisations and venues.

use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::domain::organisation::{Organisation, Venue};
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// An organisation with its settings.
    OrganisationV1 of Organisation {
        org_id: String,
        name: String,
        time_zone: String,
        authority_ladder: Vec<String>,
        contacts: Vec<(String, String)>,
        created_at: i64,
    }

    /// A venue.
    VenueV1 of Venue {
        venue_id: String,
        name: String,
        time_zone: String,
        business_day_starts: u8,
        contacts: Vec<(String, String)>,
    }
}

frozen_event! {
    /// That a venue was taken out.
    VenueDeletedV1 of Event::VenueDeleted {
        venue_id: VenueId => String,
    }
}

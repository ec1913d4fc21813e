//! Founding an organisation, its settings, its venues.

use super::decision::{Answer, Context, Decided, Decision};
use super::event::Event;
use super::ids::{OrgId, OutsideId};
use super::organisation::{DEFAULT_LADDER, Organisation, SettingsDraft, VENUES_MAX, VenueDraft};
use super::people::Authority;
use super::rejection::Rejection;
use super::state::TenantState;

/// Makes the organisation on its empty stream; the directory has registered it before.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Found {
    pub org_id: OrgId,
    pub name: String,
    pub time_zone: String,
}

impl Found {
    /// Decides; an organisation that exists stays as it is.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        if state.is_founded() {
            return Ok(Decision { events: Vec::new(), answer: Answer::Settings });
        }
        let organisation = Organisation {
            org_id: self.org_id,
            name: self.name.into(),
            time_zone: self.time_zone.into(),
            authority_ladder: DEFAULT_LADDER.iter().map(|rung| Authority::named(rung)).collect(),
            contacts: super::organisation::Contacts::new(),
            created_at: context.now,
        };
        Ok(Decision { events: vec![Event::OrganisationFounded(Box::new(organisation))], answer: Answer::Settings })
    }
}

/// Changes the organisation's settings.
#[derive(Clone, Debug)]
pub struct ChangeSettings {
    /// What is to change.
    pub draft: SettingsDraft,
}

impl ChangeSettings {
    /// Decides.
    pub fn decide(self, state: &TenantState, _context: &Context<'_>) -> Decided {
        let new = self.draft.applied_to(state.organisation())?;
        let events =
            if &new == state.organisation() { Vec::new() } else { vec![Event::SettingsChanged(Box::new(new))] };
        Ok(Decision { events, answer: Answer::Settings })
    }
}

/// Makes or replaces a venue.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SaveVenue {
    pub venue_id: String,
    pub draft: VenueDraft,
}

impl SaveVenue {
    /// Decides.
    pub fn decide(self, state: &TenantState, _context: &Context<'_>) -> Decided {
        let id = OutsideId::parse(&self.venue_id).map_err(|detail| Rejection::invalid("/venue_id", detail))?;
        if state.venue(&id).is_none() && state.venues.len() >= VENUES_MAX {
            return Err(Rejection::LimitReached { what: "venues", limit: VENUES_MAX });
        }
        let venue = self.draft.checked(id.clone())?;
        let events =
            if state.venue(&id) == Some(&venue) { Vec::new() } else { vec![Event::VenueSaved(Box::new(venue))] };
        Ok(Decision { events, answer: Answer::Venue(id) })
    }
}

/// Ends a venue that nothing open names any more.
#[derive(Clone, Debug)]
pub struct DeleteVenue {
    /// The venue.
    pub venue_id: String,
}

impl DeleteVenue {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let id = OutsideId::parse(&self.venue_id).map_err(|_| Rejection::NotFound)?;
        state.venue(&id).ok_or(Rejection::NotFound)?;
        let here = Some(&id);
        let violation = state.violations.open_before(u64::MAX).any(|one| one.venue_id.as_ref() == here);
        let block = state.blocks.iter().any(|one| one.venue_id.as_ref() == here && one.is_active(context.now));
        let named = |venues: &Vec<String>| venues.iter().any(|venue| venue == id.as_str());
        let template = state.templates.iter().any(|one| one.conditions.venue_ids.as_ref().is_some_and(named));
        if violation || block || template {
            return Err(Rejection::VenueInUse);
        }
        Ok(Decision { events: vec![Event::VenueDeleted { venue_id: id }], answer: Answer::Nothing })
    }
}

#[cfg(test)]
mod tests;

//! Violation types with a profile of the organisation's own, and shipped ones that it has changed.

use std::sync::Arc;

use super::ViolationType;
use super::profile::{ENTITY_TYPE, EntityFrom, Profile};
use super::types;
use crate::domain::blocks::OnError;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::table::{Digest, Map, Table};
use crate::domain::time::MINUTE_MS;

/// The most types with a profile of its own that an organisation has.
pub const OWN_TYPES_MAX: usize = 500;
/// The most places in which an entity is looked for.
const ENTITY_PLACES_MAX: usize = 10;
/// The longest path, in bytes.
const PATH_BYTES_MAX: usize = 200;
/// The longest quiet, in minutes: a year.
const QUIET_MINUTES_MAX: u32 = 525_600;

/// What an organisation says about a type. What it does not say is as shipped; of a type that does not ship, nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct OwnType {
    pub violation_type: ViolationType,
    pub measure: Option<Arc<str>>,
    /// Paths in the metadata, or `venue_id`; the first that is there counts.
    pub entity: Option<Vec<Arc<str>>>,
    pub entity_type: Option<Arc<str>>,
    pub block_type: Option<Arc<str>>,
    pub resolve_after_quiet_minutes: Option<u32>,
    pub on_error: Option<OnError>,
}

impl OwnType {
    /// The profile that follows from it.
    pub fn profile(&self) -> Profile {
        let shipped = Profile::shipped(&self.violation_type);
        let entity = match &self.entity {
            Some(paths) => paths.iter().map(|path| self.place(path, shipped)).collect(),
            None => shipped.entity.iter().map(|place| self.renamed(place)).collect(),
        };
        Profile {
            measure: self.measure.as_deref().map(|path| inner(path).into()).or_else(|| shipped.measure.clone()),
            entity,
            block_type: self.block_type.clone().or_else(|| shipped.block_type.clone()),
            on_error: self.on_error.unwrap_or(shipped.on_error),
            resolve_after_quiet_minutes: self.resolve_after_quiet_minutes.or(shipped.resolve_after_quiet_minutes),
        }
    }

    /// After how many milliseconds without a report its violations end by themselves: that of the profile, without making one.
    pub fn quiet_ms(&self) -> Option<i64> {
        let own = self.resolve_after_quiet_minutes.map(|minutes| i64::from(minutes) * MINUTE_MS);
        own.or_else(|| types::SHIPPED_QUIET.iter().find(|(name, _)| *name == self.violation_type).map(|(_, ms)| *ms))
    }

    fn place(&self, path: &str, shipped: &Profile) -> EntityFrom {
        if path == VENUE {
            return EntityFrom::Venue;
        }
        let path = inner(path);
        let as_shipped = shipped.entity.iter().find_map(|place| match place {
            EntityFrom::Metadata { path: own, entity_type } if &**own == path => Some(entity_type.clone()),
            EntityFrom::Metadata { .. } | EntityFrom::Venue => None,
        });
        let entity_type = self.entity_type.clone().or(as_shipped).unwrap_or_else(|| ENTITY_TYPE.into());
        EntityFrom::Metadata { path: path.into(), entity_type }
    }

    fn renamed(&self, place: &EntityFrom) -> EntityFrom {
        match (place, &self.entity_type) {
            (EntityFrom::Metadata { path, .. }, Some(entity_type)) => {
                EntityFrom::Metadata { path: path.clone(), entity_type: entity_type.clone() }
            }
            (EntityFrom::Metadata { .. } | EntityFrom::Venue, _) => place.clone(),
        }
    }
}

/// The types of one organisation that have a profile of its own.
#[derive(Clone, Debug, Default)]
pub struct OwnTypes {
    table: Table<ViolationType, OwnType>,
    /// The profile that follows from each, made when it was put in.
    profiles: Map<ViolationType, Profile>,
}

impl OwnTypes {
    /// What the organisation says about a type.
    pub fn get(&self, violation_type: &ViolationType) -> Option<&OwnType> {
        self.table.get(violation_type)
    }

    /// The profile that follows from it.
    pub fn profile(&self, violation_type: &ViolationType) -> Option<&Profile> {
        self.profiles.get(violation_type)
    }

    /// Puts one in, in place of what was said before.
    pub fn insert(&mut self, own: OwnType) {
        self.profiles.insert(own.violation_type.clone(), own.profile());
        self.table.insert(own.violation_type.clone(), own);
    }

    /// Takes one out.
    pub fn remove(&mut self, violation_type: &ViolationType) {
        self.profiles.remove(violation_type);
        self.table.remove(violation_type);
    }

    /// Whether anything is said about a type.
    pub fn contains(&self, violation_type: &ViolationType) -> bool {
        self.table.contains(violation_type)
    }

    /// All, in no order.
    pub fn values(&self) -> impl Iterator<Item = &OwnType> {
        self.table.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }
}

/// How the venue is named where a path to an entity is asked for.
pub const VENUE: &str = "venue_id";

/// What a type is to be.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct OwnTypeDraft {
    pub measure: Option<String>,
    pub entity: Option<Vec<String>>,
    pub entity_type: Option<String>,
    pub block_type: Option<String>,
    pub resolve_after_quiet_minutes: Option<u32>,
    pub on_error: Option<OnError>,
}

impl OwnTypeDraft {
    fn checked(self, violation_type: ViolationType) -> Result<OwnType, Rejection> {
        let mut faults = Faults::default();
        let measure = self.measure.and_then(|path| faults.take("/measure", metadata_path(&path)));
        let entity = self.entity.map(|paths| checked_places(&mut faults, &paths));
        let name = |faults: &mut Faults, pointer, text: Option<String>| {
            text.and_then(|text| faults.take(pointer, OutsideId::parse(&text).map(|id| id.as_str().into())))
        };
        let entity_type = name(&mut faults, "/entity_type", self.entity_type);
        let block_type = name(&mut faults, "/block_type", self.block_type);
        let quiet = self.resolve_after_quiet_minutes;
        let fits = quiet.is_none_or(|minutes| (1..=QUIET_MINUTES_MAX).contains(&minutes));
        faults.expect(fits, "/resolve_after_quiet_minutes", "is not between 1 and 525600 (a year)");
        faults.done()?;
        Ok(OwnType {
            violation_type,
            measure,
            entity,
            entity_type,
            block_type,
            resolve_after_quiet_minutes: quiet,
            on_error: self.on_error,
        })
    }
}

fn checked_places(faults: &mut Faults, paths: &[String]) -> Vec<Arc<str>> {
    let fits = (1..=ENTITY_PLACES_MAX).contains(&paths.len());
    faults.expect(fits, "/entity", "does not name 1 to 10 paths");
    let place = |(index, path): (usize, &String)| match path.as_str() {
        VENUE => Some(VENUE.into()),
        path => faults.take(&format!("/entity/{index}"), metadata_path(path)),
    };
    paths.iter().take(ENTITY_PLACES_MAX).enumerate().filter_map(place).collect()
}

/// The path within the metadata; `metadata.` before it may be left out.
fn inner(path: &str) -> &str {
    path.strip_prefix("metadata.").unwrap_or(path)
}

/// A dotted path in the metadata, as it was given.
fn metadata_path(path: &str) -> Result<Arc<str>, &'static str> {
    let fits = path.len() <= PATH_BYTES_MAX && !path.chars().any(char::is_control);
    if fits && inner(path).split('.').all(|step| !step.is_empty()) {
        Ok(path.into())
    } else {
        Err("is not a dotted path of at most 200 bytes, such as `metadata.server_id`")
    }
}

/// Gives a type a profile of the organisation's own.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SaveViolationType {
    pub violation_type: String,
    pub draft: OwnTypeDraft,
}

impl SaveViolationType {
    /// Decides.
    pub fn decide(self, state: &TenantState, _context: &Context<'_>) -> Decided {
        let violation_type = ViolationType::parse(&self.violation_type)
            .map_err(|detail| Rejection::invalid("/violation_type", detail))?;
        let old = state.own_types.get(&violation_type);
        if old.is_none() && state.own_types.len() >= OWN_TYPES_MAX {
            return Err(Rejection::LimitReached { what: "violation types", limit: OWN_TYPES_MAX });
        }
        let new = self.draft.checked(violation_type.clone())?;
        let events = if old == Some(&new) { Vec::new() } else { vec![Event::ViolationTypeSaved(Box::new(new))] };
        Ok(Decision { events, answer: Answer::ViolationType(violation_type) })
    }
}

/// Takes the organisation's own profile of a type away: a shipped one is as shipped again.
#[derive(Clone, Debug)]
pub struct DeleteViolationType {
    /// The type.
    pub violation_type: String,
}

impl DeleteViolationType {
    /// Decides.
    pub fn decide(self, state: &TenantState, _context: &Context<'_>) -> Decided {
        let violation_type = ViolationType::parse(&self.violation_type).map_err(|_| Rejection::NotFound)?;
        if state.own_types.get(&violation_type).is_none() {
            return if types::is_shipped(&violation_type) {
                Ok(Decision { events: Vec::new(), answer: Answer::ViolationType(violation_type) })
            } else {
                Err(Rejection::NotFound)
            };
        }
        let answer = if types::is_shipped(&violation_type) {
            Answer::ViolationType(violation_type.clone())
        } else {
            Answer::Nothing
        };
        Ok(Decision { events: vec![Event::ViolationTypeDeleted { violation_type }], answer })
    }
}

#[cfg(test)]
mod tests;

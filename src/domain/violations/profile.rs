//! What a violation type means to templates: which number thresholds look at, whom a block would hit, for what.

use std::sync::Arc;

use serde_json::Value;

use super::ViolationType;
use super::types;
use crate::domain::blocks::OnError;
use crate::domain::ids::{EntityId, VenueId};
use crate::domain::json;

/// The profile of a violation type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Profile {
    /// Path in the metadata of the number that thresholds look at.
    pub measure: Option<Arc<str>>,
    /// Where the entity is found, in this order; the first that is there counts.
    pub entity: Vec<EntityFrom>,
    /// What is blocked unless a template says otherwise.
    pub block_type: Option<Arc<str>>,
    /// What a till should do with such a block when we are unreachable.
    pub on_error: OnError,
    /// How long it is not reported, or reported well below its threshold, before it is over by itself.
    pub resolve_after_quiet_minutes: Option<u32>,
}

/// One place where the entity of a violation may stand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EntityFrom {
    /// At this path in the metadata, with this type of entity.
    Metadata {
        /// Dotted path.
        path: Arc<str>,
        /// Such as `employee`.
        entity_type: Arc<str>,
    },
    /// The violation's venue.
    Venue,
}

/// The type of an entity where neither profile nor template names one.
pub const ENTITY_TYPE: &str = "entity";

impl EntityFrom {
    /// A path in the metadata.
    pub fn metadata(path: &str, entity_type: &str) -> Self {
        Self::Metadata { path: path.into(), entity_type: entity_type.into() }
    }
}

impl EntityFrom {
    /// How the place is named outside.
    pub fn path(&self) -> &str {
        match self {
            Self::Metadata { path, .. } => path,
            Self::Venue => super::own_types::VENUE,
        }
    }

    /// What an entity of the metadata is.
    pub fn entity_type(&self) -> Option<&str> {
        match self {
            Self::Metadata { entity_type, .. } => Some(entity_type),
            Self::Venue => None,
        }
    }
}

impl Profile {
    /// The profile that ships for a type; an empty one for types that we do not know.
    pub fn shipped(violation_type: &ViolationType) -> &'static Self {
        let mut shipped = types::SHIPPED.iter();
        shipped.find(|(name, _)| *name == violation_type.as_str()).map_or(&types::EMPTY, |(_, profile)| profile)
    }

    /// The measured number of this metadata.
    pub fn measured(&self, metadata: &Value) -> Option<f64> {
        json::at_path(metadata, self.measure.as_deref()?)?.as_f64()
    }

    /// The entity and its type that this violation is about.
    pub fn entity_of(&self, metadata: &Value, venue: Option<&VenueId>) -> Option<(EntityId, Arc<str>)> {
        self.entity.iter().find_map(|place| match place {
            EntityFrom::Metadata { path, entity_type } => {
                entity_at(metadata, path).map(|entity| (entity, entity_type.clone()))
            }
            EntityFrom::Venue => venue.map(|venue| (venue.clone(), "venue".into())),
        })
    }
}

/// The entity id at a path: text or a number.
pub fn entity_at(value: &Value, path: &str) -> Option<EntityId> {
    match json::at_path(value, path)? {
        Value::String(text) => EntityId::parse(text).ok(),
        Value::Number(number) => EntityId::parse(&number.to_string()).ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

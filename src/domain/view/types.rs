//! Violation types with their profiles, shipped and the organisation's own.

use std::collections::BTreeSet;

use serde::Serialize;

use super::list::{Page, bytes};
use crate::domain::blocks::OnError;
use crate::domain::state::TenantState;
use crate::domain::violations::ViolationType;
use crate::domain::violations::profile::EntityFrom;
use crate::domain::violations::types::{SHIPPED, is_shipped};

/// Whose word a profile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Ours, as it ships.
    Shipped,
    /// Ours, changed by the organisation.
    Changed,
    /// The organisation's.
    Own,
}

/// One place, or several of which the first that is there counts.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Places {
    One(String),
    Several(Vec<String>),
}

/// A violation type with its profile.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TypeView {
    pub violation_type: String,
    pub origin: Origin,
    /// Path in the metadata of the number that thresholds look at.
    pub measure: Option<String>,
    /// Where the entity is found.
    pub entity: Option<Places>,
    pub entity_type: Option<String>,
    pub block_type: Option<String>,
    pub resolve_after_quiet_minutes: Option<u32>,
    pub on_error: OnError,
}

/// A type, whether anybody gave it a profile or not.
pub fn shown(state: &TenantState, violation_type: &ViolationType) -> TypeView {
    let profile = state.profile(violation_type);
    let own = state.own_types.get(violation_type);
    let mut places: Vec<String> = match own.and_then(|own| own.entity.as_ref()) {
        Some(given) => given.iter().map(ToString::to_string).collect(),
        None => profile.entity.iter().map(|place| place.path().to_owned()).collect(),
    };
    let measure = own.and_then(|own| own.measure.as_ref()).or(profile.measure.as_ref());
    let entity = match places.len() {
        0 => None,
        1 => places.pop().map(Places::One),
        _ => Some(Places::Several(places)),
    };
    let origin = match (own.is_some(), is_shipped(violation_type)) {
        (false, _) => Origin::Shipped,
        (true, true) => Origin::Changed,
        (true, false) => Origin::Own,
    };
    TypeView {
        violation_type: violation_type.to_string(),
        origin,
        measure: measure.map(ToString::to_string),
        entity,
        entity_type: profile.entity.iter().find_map(EntityFrom::entity_type).map(Into::into),
        block_type: profile.block_type.as_deref().map(Into::into),
        resolve_after_quiet_minutes: profile.resolve_after_quiet_minutes,
        on_error: profile.on_error,
    }
}

/// Every type that has a profile, by name, as one page: the shipped ones, and at most
/// [`OWN_TYPES_MAX`](crate::domain::violations::own_types::OWN_TYPES_MAX) more.
pub fn all(state: &TenantState) -> Vec<u8> {
    let shipped = SHIPPED.iter().filter_map(|(name, _)| ViolationType::parse(name).ok());
    let names: BTreeSet<ViolationType> =
        shipped.chain(state.own_types.values().map(|own| own.violation_type.clone())).collect();
    bytes(&Page { items: names.iter().map(|name| shown(state, name)).collect(), next_cursor: None })
}

/// A type that has a profile, as JSON.
pub fn one(state: &TenantState, violation_type: &ViolationType) -> Option<Vec<u8>> {
    let known = is_shipped(violation_type) || state.own_types.contains(violation_type);
    known.then(|| bytes(&shown(state, violation_type)))
}

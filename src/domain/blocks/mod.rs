//! Blocks: an entity may not do an operation; from placement to lift or expiry, and the check between them.

pub mod check;
pub mod grants;
pub mod lift;
pub mod place;
pub mod store;
pub mod verdict;

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::Event;
use super::ids::{EntityId, VenueId};
use super::organisation::Organisation;
use super::people::Authority;
use super::time::Timestamp;

/// What a till should do with a block when it cannot reach us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum OnError {
    Open,
    #[default]
    Closed,
    Limit,
}

impl OnError {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Limit => "limit",
        }
    }
}

/// What is asked about: an operation and who would do it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct BlockKey {
    pub block_type: Arc<str>,
    pub entity_id: EntityId,
}

/// How a block ended, where it did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Lift {
    pub at: Timestamp,
    pub by: Arc<str>,
    pub reason: Arc<str>,
}

/// A block as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Block {
    pub id: Uuid,
    /// The sequence number that placed it: the order of lists, and of age.
    pub seq: u64,
    pub violation_id: Option<Uuid>,
    pub key: BlockKey,
    pub entity_type: Arc<str>,
    pub venue_id: Option<VenueId>,
    pub reason: Arc<str>,
    pub override_required: bool,
    pub override_authority: Option<Authority>,
    /// Amounts up to this are free.
    pub limit: Option<Decimal>,
    pub on_error: OnError,
    pub auto_lift_on_resolve: bool,
    pub placed_by: Arc<str>,
    pub placed_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// Whether the expiry was written down; the check does not wait for that.
    pub expired: bool,
    pub lifted: Option<Lift>,
}

impl Block {
    /// Whether it holds now; derived, never stored twice.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && !self.expired && self.expires_at.is_none_or(|at| at > now)
    }

    /// The least authority that may override it.
    pub fn authority(&self, organisation: &Organisation) -> Authority {
        self.override_authority.clone().unwrap_or_else(|| organisation.lowest_authority())
    }

    /// The event that lifts it.
    pub fn lifted(&self, by: Arc<str>, reason: Arc<str>) -> Event {
        Event::BlockLifted { id: self.id, venue_id: self.venue_id.clone(), key: self.key.clone(), by, reason }
    }
}

/// Checks the name of an operation: 1–128 bytes without control characters.
///
/// # Errors
/// What is wrong with it.
pub fn parse_block_type(name: &str) -> Result<Arc<str>, &'static str> {
    super::ids::OutsideId::check(name).map(|()| name.into())
}

#[cfg(test)]
mod tests;

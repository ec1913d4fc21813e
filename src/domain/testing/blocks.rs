//! What tests do with blocks and grants.

use uuid::Uuid;

use crate::domain::approvals::overrides::RequestOverride;
use crate::domain::blocks::grants::ConsumeGrant;
use crate::domain::blocks::lift::LiftBlock;
use crate::domain::blocks::place::PlaceBlock;
use crate::domain::time::Timestamp;

/// A block by hand that names no authority.
pub fn block_on(entity: &str) -> PlaceBlock {
    PlaceBlock {
        block_type: "comp_approval".into(),
        entity_id: entity.into(),
        entity_type: "employee".into(),
        reason: "Under review".into(),
        venue_id: None,
        override_required: None,
        override_authority: None,
        limit: None,
        on_error: None,
        expires_at: None,
        violation_id: None,
    }
}

impl PlaceBlock {
    pub(crate) fn asking(self, authority: &str) -> Self {
        Self { override_authority: Some(authority.into()), ..self }
    }

    pub(crate) fn at_venue(self, venue: &str) -> Self {
        Self { venue_id: Some(venue.into()), ..self }
    }

    pub(crate) fn until(self, expires_at: Timestamp) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    pub(crate) fn for_violation(self, violation: Uuid) -> Self {
        Self { violation_id: Some(violation), ..self }
    }
}

/// Asks to let one comp through.
pub fn overriding(block_id: Uuid) -> RequestOverride {
    RequestOverride { block_id, reason: "A regular guest".into(), amount: None, uses: None, minutes: None }
}

pub fn consume(id: Uuid, operation: &str) -> ConsumeGrant {
    ConsumeGrant { id, operation_id: operation.into(), amount: None }
}

pub fn lift(id: Uuid) -> LiftBlock {
    LiftBlock { id, lift_reason: "Reviewed".into() }
}

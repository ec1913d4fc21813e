//! What templates on trial would have done.

use uuid::Uuid;

use crate::domain::templates::pace::Act;
use crate::domain::templates::shadow::{ShadowBlock, ShadowRecord, ShadowTotals};
use crate::domain::time::Timestamp;
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen};

frozen! {
    /// The block that would have been placed.
    ShadowBlockV1 of ShadowBlock {
        block_type: String,
        entity_id: String,
        entity_type: String,
        override_required: bool,
        expires_at: Option<i64>,
    }

    /// What a template would have done. In an event the number is not its own yet.
    ShadowRecordV1 of ShadowRecord {
        seq: u64,
        at: i64,
        template_id: [u8; 16],
        template_version: u32,
        violation_id: [u8; 16],
        venue_id: Option<String>,
        action_type: u8,
        step: Option<u32>,
        action_target: String,
        message: String,
        reason: Option<String>,
        block: Option<ShadowBlockV1>,
    }

    /// How often a template would have acted.
    ShadowTotalsV1 of ShadowTotals {
        alerts: u64,
        blocks: u64,
        overrides: u64,
        escalations: u64,
        failed: u64,
        first_at: i64,
        last_at: i64,
    }
}

/// The totals of one template.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShadowCountV1 {
    /// The template.
    pub template: [u8; 16],
    /// Its totals.
    pub totals: ShadowTotalsV1,
}

impl Form<(Uuid, ShadowTotals)> for ShadowCountV1 {
    fn freeze((template, totals): &(Uuid, ShadowTotals)) -> Self {
        Self { template: Form::freeze(template), totals: Form::freeze(totals) }
    }

    fn thaw(self) -> Result<(Uuid, ShadowTotals), StoredError> {
        Ok((self.template.thaw()?, self.totals.thaw()?))
    }
}

/// When a template last would have acted for an entity.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShadowPaceV1 {
    /// The template.
    pub template: [u8; 16],
    /// The entity, where the violations were about one.
    pub entity: Option<String>,
    /// When.
    pub at: i64,
}

impl Form<(Act, Timestamp)> for ShadowPaceV1 {
    fn freeze((act, at): &(Act, Timestamp)) -> Self {
        Self { template: Form::freeze(&act.template), entity: Form::freeze(&act.entity), at: Form::freeze(at) }
    }

    fn thaw(self) -> Result<(Act, Timestamp), StoredError> {
        Ok((Act { template: self.template.thaw()?, entity: self.entity.thaw()? }, self.at.thaw()?))
    }
}

//! Blocks.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::blocks::{Block, BlockKey, Lift};
use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// What a block is asked for by.
    BlockKeyV1 of BlockKey {
        block_type: String,
        entity_id: String,
    }

    /// How a block ended.
    LiftV1 of Lift {
        at: i64,
        by: String,
        reason: String,
    }

    /// A block as it stands. In an event the number is not its own yet.
    BlockV1 of Block {
        id: [u8; 16],
        seq: u64,
        violation_id: Option<[u8; 16]>,
        key: BlockKeyV1,
        entity_type: String,
        venue_id: Option<String>,
        reason: String,
        override_required: bool,
        override_authority: Option<String>,
        limit: Option<(i128, u32)>,
        on_error: u8,
        auto_lift_on_resolve: bool,
        placed_by: String,
        placed_at: i64,
        expires_at: Option<i64>,
        expired: bool,
        lifted: Option<LiftV1>,
    }
}

frozen_event! {
    /// That a block was lifted.
    BlockLiftedV1 of Event::BlockLifted {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        key: BlockKey => BlockKeyV1,
        by: Arc<str> => String,
        reason: Arc<str> => String,
    }

    /// That a block's time was over.
    BlockExpiredV1 of Event::BlockExpired {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        key: BlockKey => BlockKeyV1,
    }
}

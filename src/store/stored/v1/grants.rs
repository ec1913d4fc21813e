//! Grants.

use std::sync::Arc;

use uuid::Uuid;

use super::blocks::BlockKeyV1;
use crate::domain::blocks::BlockKey;
use crate::domain::blocks::grants::{Grant, GrantEnd, GrantUsed, Use};
use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// One use of a grant.
    UseV1 of Use {
        operation_id: String,
        amount: Option<(i128, u32)>,
        at: i64,
        by: String,
    }

    /// How a grant ended before its time.
    GrantEndV1 of GrantEnd {
        at: i64,
        reason: String,
    }

    /// A grant as it stands. In an event the number is not its own yet.
    GrantV1 of Grant {
        id: [u8; 16],
        seq: u64,
        approval_id: [u8; 16],
        block_id: [u8; 16],
        key: BlockKeyV1,
        venue_id: Option<String>,
        authority: String,
        uses: u32,
        minutes: u32,
        amount_max: Option<(i128, u32)>,
        granted_by: String,
        granted_at: i64,
        ends_at: i64,
        used: Vec<UseV1>,
        ended: Option<GrantEndV1>,
    }

    /// That a grant was used.
    GrantUsedV1 of GrantUsed {
        id: [u8; 16],
        venue_id: Option<String>,
        key: BlockKeyV1,
        used: UseV1,
        uses_left: u32,
        expires_at: i64,
    }
}

frozen_event! {
    /// That a grant ended.
    GrantEndedV1 of Event::GrantEnded {
        id: Uuid => [u8; 16],
        venue_id: Option<VenueId> => Option<String>,
        key: BlockKey => BlockKeyV1,
        reason: Arc<str> => String,
    }
}

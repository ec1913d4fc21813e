//! The till feed: all active blocks and open grants of a caller's venues, and how the events of the organisation are told to a till.

use serde::Serialize;

use super::approvals::{GrantView, grant};
use super::feed::FeedItem;
use super::list::bytes;
use super::shapes::{BlockView, block};
use crate::domain::blocks::Block;
use crate::domain::people::Caller;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Where a till begins.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SnapshotView<'a> {
    pub r#type: &'static str,
    pub version: u64,
    pub blocks: Vec<BlockView<'a>>,
    pub grants: Vec<GrantView<'a>>,
}

/// The snapshot as JSON on one line.
pub fn snapshot(state: &TenantState, caller: &Caller, now: Timestamp) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let mut blocks: Vec<&Block> = Vec::with_capacity(state.blocks.standing_count());
    let mut grants = Vec::new();
    for key in state.blocks.keys() {
        let here = |one: &&Block| one.is_active(now) && caller.reaches(one.venue_id.as_ref());
        blocks.extend(state.blocks.standing(key).filter(here));
        let open = state.grants.of_key(key).filter(|one| one.is_open(now) && caller.reaches(one.venue_id.as_ref()));
        grants.extend(open.map(|one| grant(org_id, one)));
    }
    blocks.sort_unstable_by_key(|one| one.seq);
    let blocks = blocks.into_iter().map(|one| block(org_id, one)).collect();
    bytes(&SnapshotView { r#type: "snapshot", version: state.last_seq(), blocks, grants })
}

/// What an event of the organisation is called for a till; nothing for what a till has no use for.
pub fn name(item: &FeedItem) -> Option<&'static str> {
    match item.name {
        "block.placed" => Some("placed"),
        // To a till the end of a block is one thing; `lift_reason` says which.
        "block.lifted" | "block.expired" => Some("lifted"),
        "override.granted" => Some("granted"),
        "override.used" => Some("used"),
        "override.ended" => Some("ended"),
        _ => None,
    }
}

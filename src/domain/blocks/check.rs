//! The check: which of the blocks on an entity applies, which grant opens it all the same, and the answers, prepared when the block is
//! placed or the grant given.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use super::grants::Grant;
use super::verdict::{Pass, PassTerms, Terms, Verdict};
use super::{Block, BlockKey};
use crate::domain::ids::VenueId;
use crate::domain::organisation::Organisation;
use crate::domain::state::TenantState;

/// Everything that answers questions about one operation and entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// The blocks, strictest first.
    pub verdicts: Vec<Verdict>,
    /// The grants, the one that is over first first.
    pub passes: Vec<Pass>,
}

impl From<Vec<Verdict>> for Ruling {
    fn from(verdicts: Vec<Verdict>) -> Self {
        Self { verdicts, passes: Vec::new() }
    }
}

/// What answers about a key: its standing blocks and its grants.
pub fn ruling(state: &TenantState, key: &BlockKey) -> Ruling {
    let verdicts = verdicts(state, key);
    let mut grants: Vec<&Grant> = if verdicts.is_empty() { Vec::new() } else { state.grants.of_key(key).collect() };
    grants.sort_by_key(|grant| (grant.expires_at(), grant.seq));
    Ruling { verdicts, passes: grants.into_iter().map(pass).collect() }
}

fn pass(grant: &Grant) -> Pass {
    Pass::new(&PassTerms {
        id: grant.id,
        venue_id: grant.venue_id.as_ref().map(VenueId::as_str),
        amount_max: grant.amount_max,
        expires_at: grant.expires_at(),
        uses_left: grant.uses_left(),
    })
}

/// The standing blocks of a key, strictest first: not overridable, then the highest authority, then the oldest.
pub fn verdicts(state: &TenantState, key: &BlockKey) -> Vec<Verdict> {
    let organisation = state.organisation();
    let mut blocks: Vec<&Block> = state.blocks.standing(key).collect();
    blocks.sort_by_key(|block| {
        // A rung that the ladder lost asks for the top, as a lift does.
        let rank = block.override_authority.as_ref().map(|rung| organisation.rank(rung).unwrap_or(usize::MAX));
        (block.override_required, Reverse(rank), block.seq, block.id)
    });
    blocks.into_iter().map(|block| verdict(block, organisation)).collect()
}

fn verdict(block: &Block, organisation: &Organisation) -> Verdict {
    Verdict::new(&Terms {
        id: block.id,
        venue_id: block.venue_id.as_ref().map(VenueId::as_str),
        limit: block.limit,
        expires_at: block.expires_at,
        on_error: block.on_error,
        reason: &block.reason,
        override_required: block.override_required,
        names_authority: block.override_authority.is_some(),
        authority: &block.authority(organisation).0,
    })
}

/// Reads an amount as callers write it: a decimal number of at most 28 digits.
///
/// # Errors
/// Anything else.
pub fn parse_amount(text: &str) -> Result<Decimal, &'static str> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).map_err(|_| "is not a decimal number")
}

//! The check: which of the blocks on an entity applies, and the answer to it, rendered when the block is placed.

use std::cmp::Reverse;
use std::fmt::Write;

use rust_decimal::Decimal;

use super::{Block, BlockKey};
use crate::domain::ids::VenueId;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// A block as the check needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Where it holds; everywhere without one.
    pub venue_id: Option<VenueId>,
    /// Amounts up to this are free.
    pub limit: Option<Decimal>,
    /// Milliseconds since the epoch at which it is over; `i64::MAX` for never.
    pub expires_at_ms: i64,
    /// The answer up to and with `"version":`, as JSON.
    pub answer: Box<str>,
}

/// The start of the answer where nothing applies.
pub const ALLOWED: &str = r#"{"blocked":false,"decision":"allow","version":"#;

impl Verdict {
    /// Whether the block applies to a question. No venue in the question counts as any, no amount as above any limit.
    pub fn applies(&self, venue: Option<&str>, amount: Option<Decimal>, now_ms: i64) -> bool {
        let here = match (&self.venue_id, venue) {
            (None, _) | (_, None) => true,
            (Some(own), Some(asked)) => own.as_str() == asked,
        };
        let above = match (self.limit, amount) {
            (None, _) | (_, None) => true,
            (Some(limit), Some(amount)) => amount > limit,
        };
        here && above && self.expires_at_ms > now_ms
    }
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
    blocks.into_iter().map(verdict).collect()
}

fn verdict(block: &Block) -> Verdict {
    Verdict {
        venue_id: block.venue_id.clone(),
        limit: block.limit,
        expires_at_ms: block.expires_at.map_or(i64::MAX, |at: Timestamp| at.0),
        answer: answer_of(block).into(),
    }
}

fn answer_of(block: &Block) -> String {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = String::with_capacity(256 + block.reason.len());
    let authority = block.override_authority.as_ref().map_or_else(|| "null".into(), |rung| json(&rung.0));
    let limit = block.limit.map_or_else(|| "null".into(), |amount| format!(r#"{{"amount":{amount}}}"#));
    let expires = block.expires_at.map_or_else(|| "null".into(), |at| format!("\"{at}\""));
    let written = write!(
        text,
        r#"{{"blocked":true,"decision":"block","reason":{},"override_required":{},"override_authority":{authority},"block_id":"{}","limit":{limit},"expires_at":{expires},"on_error":"{}","version":"#,
        json(&block.reason),
        block.override_required,
        block.id,
        block.on_error.name(),
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    text
}

/// Reads an amount as callers write it: a decimal number of at most 28 digits.
///
/// # Errors
/// Anything else.
pub fn parse_amount(text: &str) -> Result<Decimal, &'static str> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).map_err(|_| "is not a decimal number")
}

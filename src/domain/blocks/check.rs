//! The check: which of the blocks on an entity applies, which grant opens it all the same, and the answers, rendered when the block is
//! placed or the grant given.

use std::cmp::Reverse;
use std::fmt::Write;

use rust_decimal::Decimal;

use super::grants::Grant;
use super::{Block, BlockKey};
use crate::domain::ids::VenueId;
use crate::domain::organisation::Organisation;
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

/// A grant as the check needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Where it holds; everywhere without one.
    pub venue_id: Option<VenueId>,
    /// Amounts above this are not let through; with it, a question without an amount is not either.
    pub amount_max: Option<Decimal>,
    /// Milliseconds since the epoch at which it is over.
    pub expires_at_ms: i64,
    /// The answer up to and with `"version":`, as JSON.
    pub answer: Box<str>,
}

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

impl Pass {
    /// Whether the grant lets a question through. One for a venue needs the venue in the question, which else is about all of them.
    pub fn applies(&self, venue: Option<&str>, amount: Option<Decimal>, now_ms: i64) -> bool {
        let here = self.venue_id.as_ref().is_none_or(|own| venue == Some(own.as_str()));
        let within = self.amount_max.is_none_or(|most| amount.is_some_and(|amount| amount <= most));
        here && within && self.expires_at_ms > now_ms
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
    let most = grant.amount_max.map_or_else(|| "null".into(), |amount| amount.to_string());
    let (uses_left, expires_at) = (grant.uses_left(), grant.expires_at());
    Pass {
        venue_id: grant.venue_id.clone(),
        amount_max: grant.amount_max,
        expires_at_ms: expires_at.0,
        answer: format!(
            r#"{{"blocked":false,"decision":"allow","grant":{{"id":"{}","uses_left":{uses_left},"expires_at":"{expires_at}","amount_max":{most}}},"version":"#,
            grant.id
        )
        .into(),
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
    blocks.into_iter().map(|block| verdict(block, organisation)).collect()
}

fn verdict(block: &Block, organisation: &Organisation) -> Verdict {
    Verdict {
        venue_id: block.venue_id.clone(),
        limit: block.limit,
        expires_at_ms: block.expires_at.map_or(i64::MAX, |at: Timestamp| at.0),
        answer: answer_of(block, organisation).into(),
    }
}

fn answer_of(block: &Block, organisation: &Organisation) -> String {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = String::with_capacity(512 + block.reason.len());
    let authority = block.override_authority.as_ref().map_or_else(|| "null".into(), |rung| json(&rung.0));
    let limit = block.limit.map_or_else(|| "null".into(), |amount| format!(r#"{{"amount":{amount}}}"#));
    let expires = block.expires_at.map_or_else(|| "null".into(), |at| format!("\"{at}\""));
    let needed = block.authority(organisation);
    let (by, url, ask) = if block.override_required {
        let url = format!(r#""/api/action-center/blocks/{}/overrides""#, block.id);
        (json(&needed.0), url, format!("{needed} or above can approve an override: POST reason to override_url."))
    } else {
        ("null".into(), "null".into(), format!("It cannot be overridden; {needed} or above can lift it."))
    };
    let free = block.limit.map(|amount| format!("Amounts up to {amount} are free. ")).unwrap_or_default();
    let help = format!("{free}{ask}");
    let written = write!(
        text,
        r#"{{"blocked":true,"decision":"block","reason":{},"override_required":{},"override_authority":{authority},"block_id":"{}","limit":{limit},"expires_at":{expires},"on_error":"{}","override_by":{by},"override_url":{url},"help":{},"version":"#,
        json(&block.reason),
        block.override_required,
        block.id,
        block.on_error.name(),
        json(&help),
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

//! Risk: how dangerous a request is, as a score with its reasons.
//!
//! Promise: a pure function of what is known when a request is submitted; every point has a name and a sentence, and the points add up to
//! the score.

mod score;
pub mod weights;

use std::sync::Arc;

pub use score::{SCORE_MAX, score};
pub use weights::Weights;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How risky a request is, by the fixed bounds of the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum RiskLevel {
    Low,
    Medium,
    High,
    Critical,
}

impl RiskLevel {
    /// The level of a score: low < 25 ≤ medium < 60 ≤ high < 85 ≤ critical.
    pub fn of(score: u32) -> Self {
        match score {
            0..25 => Self::Low,
            25..60 => Self::Medium,
            60..85 => Self::High,
            _ => Self::Critical,
        }
    }
}

/// One reason for a score.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RiskFactor {
    #[schema(value_type = String)]
    pub name: Arc<str>,
    pub points: u32,
    #[schema(value_type = String)]
    pub why: Arc<str>,
}

/// A score with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub struct Risk {
    /// 0 to 100.
    pub score: u32,
    /// By the fixed bounds.
    pub level: RiskLevel,
    /// They add up to the score.
    pub factors: Vec<RiskFactor>,
}

/// What a score is worked out from.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Facts<'a> {
    pub capability: &'a super::capabilities::Capability,
    /// How many people the request reaches, where that can be told.
    pub recipients: Option<u64>,
    /// How much money it moves, where that can be told.
    pub amount: Option<rust_decimal::Decimal>,
    /// What became of earlier requests of the same requester.
    pub requester: History,
    /// What became of earlier requests for the same capability.
    pub history: History,
    /// The hour of the day at the venue, 0–23: [`hour_at`].
    pub hour: u8,
}

/// The hour of the day on the clock of a venue, or of the organisation where there is none.
pub fn hour_at(
    state: &super::state::TenantState,
    venue: Option<&super::ids::VenueId>,
    now: super::time::Timestamp,
) -> u8 {
    u8::try_from(state.zone(venue).local(now).minute / 60).unwrap_or(0)
}

/// What became of earlier requests, counted as their events were applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Executed.
    pub executed: u32,
    /// Rejected by people.
    pub rejected: u32,
    /// Failed or in doubt.
    pub failed: u32,
    /// Undone after they were executed.
    pub undone: u32,
}

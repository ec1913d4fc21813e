//! The policy of approvals as it is shown: whole, with every weight that counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::approvals::policy::{Freeze, LevelPolicy, Policy};
use crate::domain::ids::OutsideId;
use crate::domain::templates::conditions::during::{During, Windows};

/// A policy; what is shown can be sent back.
#[derive(Serialize, ToSchema)]
pub struct PolicyView<'a> {
    /// By level of risk.
    pub levels: LevelsView<'a>,
    /// Every weight by its name, whether it is as shipped or not.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub weights: BTreeMap<Arc<str>, u32>,
    /// When nothing automated runs.
    pub freezes: Vec<FreezeView<'a>>,
}

/// The levels.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct LevelsView<'a> {
    pub low: LevelView<'a>,
    pub medium: LevelView<'a>,
    pub high: LevelView<'a>,
    pub critical: LevelView<'a>,
}

/// One level.
#[derive(Serialize, ToSchema)]
pub struct LevelView<'a> {
    /// Runs by itself where the capability allows it and can be undone.
    pub auto: bool,
    /// Runs after so many minutes unless somebody of its steps objects.
    pub veto_minutes: Option<u32>,
    /// In their order.
    pub steps: Vec<StepPolicyView<'a>>,
}

/// One step.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct StepPolicyView<'a> {
    pub name: &'a str,
    pub who: String,
    pub quorum: u32,
}

/// One freeze.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct FreezeView<'a> {
    pub name: &'a str,
    #[schema(value_type = Vec<During>)]
    pub during: &'a Windows,
    /// Everywhere when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue_ids: Option<Vec<&'a str>>,
}

/// A policy.
pub fn policy(policy: &Policy) -> PolicyView<'_> {
    let Policy { low, medium, high, critical, .. } = policy;
    PolicyView {
        levels: LevelsView { low: level(low), medium: level(medium), high: level(high), critical: level(critical) },
        weights: policy.weights().all(),
        freezes: policy.freezes.iter().map(freeze).collect(),
    }
}

fn level(level: &LevelPolicy) -> LevelView<'_> {
    let steps = level.steps.iter();
    let steps =
        steps.map(|step| StepPolicyView { name: &step.name, who: step.who.text(), quorum: step.quorum }).collect();
    LevelView { auto: level.auto, veto_minutes: level.veto_minutes, steps }
}

fn freeze(freeze: &Freeze) -> FreezeView<'_> {
    let venue_ids = freeze.venue_ids.as_ref().map(|ids| ids.iter().map(OutsideId::as_str).collect());
    FreezeView { name: &freeze.name, during: &freeze.during, venue_ids }
}

//! The policy of an organisation: which risk asks whom, what each reason of a score weighs, and when nothing automated runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Assignee;
use crate::domain::templates::conditions::during::During;

/// What an organisation has settled about approvals.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Policy {
    pub low: LevelPolicy,
    pub medium: LevelPolicy,
    pub high: LevelPolicy,
    pub critical: LevelPolicy,
    /// Points by the name of a weight; what is absent has its default.
    pub weights: BTreeMap<Arc<str>, u32>,
    pub freezes: Vec<Freeze>,
}

/// What one level of risk asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelPolicy {
    /// Runs by itself where the capability allows it and can be undone.
    pub auto: bool,
    /// Runs after so many minutes unless somebody of its steps objects.
    pub veto_minutes: Option<u32>,
    /// In their order.
    pub steps: Vec<StepPolicy>,
}

/// One step, before it is frozen into a request.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct StepPolicy {
    pub name: Arc<str>,
    pub who: StepWho,
    /// At least 1.
    pub quorum: u32,
}

/// Whose decision a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum StepWho {
    /// The action's owner: the person whom the request names, else anybody with the role `owner`.
    Owner,
    /// Somebody in particular.
    Named(Assignee),
}

/// When nothing automated runs.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Freeze {
    pub name: Arc<str>,
    /// By the clock of the venue; of the organisation where a request has no venue.
    pub windows: Vec<During>,
    /// Only at these venues; all when absent.
    pub venue_ids: Option<Vec<Arc<str>>>,
}

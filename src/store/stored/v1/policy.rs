//! The policy of approvals.

use std::sync::Arc;

use crate::domain::approvals::policy::{Freeze, LevelPolicy, Policy, StepPolicy, StepWho};
use crate::domain::event::Event;
use crate::domain::templates::conditions::during::Windows;
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen, json_of};

/// Whom a step asks, as its text outside.
impl Form<StepWho> for String {
    fn freeze(value: &StepWho) -> Self {
        value.text()
    }

    fn thaw(self) -> Result<StepWho, StoredError> {
        StepWho::parse(&self).ok_or_else(|| StoredError::malformed("whom a step asks", self))
    }
}

/// Windows of the week, as their JSON outside.
impl Form<Windows> for String {
    fn freeze(value: &Windows) -> Self {
        json_of(value)
    }

    fn thaw(self) -> Result<Windows, StoredError> {
        serde_json::from_str(&self).map_err(|error| StoredError::malformed("windows of the week", error))
    }
}

frozen! {
    /// A step.
    StepPolicyV1 of StepPolicy {
        name: String,
        who: String,
        quorum: u32,
    }

    /// A level of risk.
    LevelPolicyV1 of LevelPolicy {
        auto: bool,
        veto_minutes: Option<u32>,
        steps: Vec<StepPolicyV1>,
    }

    /// When nothing automated runs.
    FreezeV1 of Freeze {
        name: String,
        during: String,
        venue_ids: Option<Vec<String>>,
    }

    /// A policy.
    PolicyV1 of Policy {
        low: LevelPolicyV1,
        medium: LevelPolicyV1,
        high: LevelPolicyV1,
        critical: LevelPolicyV1,
        weights: Vec<(String, u32)>,
        freezes: Vec<FreezeV1>,
    }
}

/// That the policy changed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain")]
pub struct ApprovalPolicyChangedV1 {
    pub policy: PolicyV1,
    pub by: String,
}

impl ApprovalPolicyChangedV1 {
    /// The frozen event.
    pub fn of(policy: &Policy, by: &Arc<str>) -> Self {
        Self { policy: Form::freeze(policy), by: Form::freeze(by) }
    }

    /// The event.
    ///
    /// # Errors
    /// When a field is not what it should be.
    pub fn thaw(self) -> Result<Event, StoredError> {
        Ok(Event::ApprovalPolicyChanged { policy: Box::new(self.policy.thaw()?), by: self.by.thaw()? })
    }
}

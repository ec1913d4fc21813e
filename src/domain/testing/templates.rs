//! What tests make of templates.

use serde_json::Value;

use crate::domain::actions::ActionType;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::templates::{ActionData, Mode};
use crate::domain::violations::Severity;

/// An alert to an address on every comp.
pub fn alert() -> TemplateDraft {
    TemplateDraft {
        name: None,
        violation_type: "comp_exception".into(),
        severity: None,
        action_type: ActionType::Alert,
        action_target: "gm@harbour.example".into(),
        message_template: "{{title}}".into(),
        enabled: true,
        mode: Mode::Live,
        conditions: Conditions::default(),
        action_data: ActionData::default(),
    }
}

/// A block of whoever gave the comp, for this system alone.
pub fn blocking() -> TemplateDraft {
    TemplateDraft { action_type: ActionType::Block, action_target: "system".into(), ..alert() }
}

/// A block that a rung can override.
pub fn asking(authority: &str) -> TemplateDraft {
    TemplateDraft { action_type: ActionType::RequireOverride, action_target: authority.into(), ..alert() }
}

impl TemplateDraft {
    pub(crate) fn saying(self, message: &str) -> Self {
        Self { message_template: message.into(), ..self }
    }

    pub(crate) fn to(self, target: &str) -> Self {
        Self { action_target: target.into(), ..self }
    }

    pub(crate) fn of_severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    /// With conditions as they come in JSON.
    pub(crate) fn when(self, conditions: Value) -> Self {
        Self { conditions: serde_json::from_value(conditions).expect("conditions"), ..self }
    }

    /// With action data as it comes in JSON.
    pub(crate) fn data(self, data: Value) -> Self {
        Self { action_data: serde_json::from_value(data).expect("action data"), ..self }
    }
}

/// An escalation on every comp, from this rung upward.
pub fn escalating(authority: &str) -> TemplateDraft {
    TemplateDraft { action_type: ActionType::Escalate, action_target: authority.into(), ..alert() }
}

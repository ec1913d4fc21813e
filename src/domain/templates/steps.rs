//! Progressive enforcement: one template that does something else at the first, the second, the third time. It looks back on business
//! dates, so whoever does well for a while begins at the first step again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ActionData, Template};
use crate::domain::actions::ActionType;

/// The most steps of a template.
pub const STEPS_MAX: usize = 20;

/// What a template does at one of the occurrences.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Step {
    pub action_type: ActionType,
    /// The template's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_target: Option<String>,
    /// The template's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_template: Option<String>,
    /// The template's, without its steps, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub action_data: Option<Box<ActionData>>,
}

/// The steps of a template; none when it always does the same.
pub fn steps_of(template: &Template) -> &[Step] {
    template.action_data.steps.as_deref().unwrap_or_default()
}

/// The template as it acts at a step, which is counted from 0.
pub fn of_step(template: &Template, index: usize, step: &Step) -> Template {
    let own = ActionData { steps: None, within_days: None, ..ActionData::clone(&template.action_data) };
    let data = step.action_data.as_deref().cloned().unwrap_or(own);
    let text = |text: &Option<String>, own: &Arc<str>| text.as_deref().map_or_else(|| own.clone(), Into::into);
    Template {
        action_type: step.action_type,
        action_target: text(&step.action_target, &template.action_target),
        message_template: text(&step.message_template, &template.message_template),
        action_data: Arc::new(ActionData { step: u32::try_from(index + 1).ok(), ..data }),
        ..template.clone()
    }
}

impl Template {
    /// Within how many business dates its steps are counted.
    pub fn days_of_steps(&self) -> u32 {
        self.action_data.within_days.or(self.conditions.within_days).unwrap_or(1)
    }
}

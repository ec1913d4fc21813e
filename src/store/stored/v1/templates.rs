//! Templates.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::event::Event;
use crate::domain::templates::{ActionData, Limit, Template};
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen, frozen_event, json_of};

frozen! {
    /// A template. In an event the number is not its own yet.
    TemplateV1 of Template {
        id: [u8; 16],
        seq: u64,
        name: Option<String>,
        violation_type: String,
        severity: Option<u8>,
        action_type: u8,
        action_target: String,
        message_template: String,
        enabled: bool,
        mode: u8,
        conditions: String,
        action_data: ActionDataV1,
        version: u32,
        changed_at: i64,
        changed_by: String,
    }
}

frozen_event! {
    /// That a template was taken out.
    TemplateDeletedV1 of Event::TemplateDeleted {
        id: Uuid => [u8; 16],
    }
}

/// What an action needs to know: JSON, so that a further field needs no further version. The limit stands apart, because a JSON
/// number passes through a float, and an amount has up to 28 digits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ActionDataV1 {
    /// The JSON text of all but the limit.
    pub text: String,
    /// The amount of the limit: mantissa and scale.
    pub limit: Option<(i128, u32)>,
}

impl Form<Arc<ActionData>> for ActionDataV1 {
    fn freeze(value: &Arc<ActionData>) -> Self {
        let limit = value.limit.as_ref().map(|limit| Form::freeze(&limit.amount));
        let text = match value.limit {
            None => json_of(value),
            Some(_) => json_of(&ActionData { limit: None, ..ActionData::clone(value) }),
        };
        Self { text, limit }
    }

    fn thaw(self) -> Result<Arc<ActionData>, StoredError> {
        let data: ActionData =
            serde_json::from_str(&self.text).map_err(|error| StoredError::malformed("action data", error))?;
        let limit = self.limit.map(|amount| amount.thaw().map(|amount| Limit { amount })).transpose()?;
        Ok(Arc::new(ActionData { limit, ..data }))
    }
}

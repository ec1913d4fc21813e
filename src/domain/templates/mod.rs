//! Templates: an organisation's rules "this violation → this action".

pub mod conditions;
pub mod dry_run;
pub mod pace;
pub mod plan;
pub mod prepared;
pub mod render;
pub mod rule;
pub mod save;
pub mod shadow;
pub mod steps;
pub mod store;
pub mod target;
pub mod when;

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actions::ActionType;
use super::blocks::OnError;
use super::people::Authority;
use super::time::Timestamp;
use super::violations::{Severity, ViolationType};
use conditions::Conditions;
use steps::Step;

/// Whether a template acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It acts.
    #[default]
    Live,
    /// It is on trial: what it would have done is written down, and nothing is done.
    Shadow,
}

impl Mode {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
        }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Template {
    pub id: Uuid,
    /// The sequence number that made it: the order in which templates run and are listed.
    pub seq: u64,
    pub name: Option<Arc<str>>,
    pub violation_type: ViolationType,
    /// Any severity when absent.
    pub severity: Option<Severity>,
    pub action_type: ActionType,
    pub action_target: Arc<str>,
    pub message_template: Arc<str>,
    pub enabled: bool,
    pub mode: Mode,
    pub conditions: Conditions,
    pub action_data: Arc<ActionData>,
    /// 1 at first, one more with every change.
    pub version: u32,
    pub changed_at: Timestamp,
    pub changed_by: Arc<str>,
}

/// The limit of a block: amounts up to it are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The largest amount that is still allowed; a JSON number, exact to 15 digits.
    #[serde(with = "amount")]
    #[schema(value_type = f64)]
    pub amount: Decimal,
}

/// What an action needs to know beyond target and message; absent fields come from the violation type's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ActionData {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_type: Option<String>,
    /// A path into the violation, such as `metadata.server_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_authority: Option<Authority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_lift_on_resolve: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Vec<Authority>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_minutes: Option<u32>,
    /// Of an escalation: when what was acknowledged and is still open is recalled once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind_after_minutes: Option<u32>,
    /// Of a message: how long it waits before it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_minutes: Option<u32>,
    /// What is done at the first occurrence of a violation of this type and entity, at the second, and so on; the last for all more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Step>>,
    /// Within how many business dates steps count occurrences; the `within_days` of the conditions when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u32>,
    /// Of an action: which of its template's steps it is, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
}

/// Amounts as JSON numbers: `0.1` stays a tenth. JSON readers keep 15 digits of a number, and so does this.
pub mod amount {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::value::RawValue;

    use crate::domain::blocks::check::parse_amount;

    /// Writes the digits as they are.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(amount.to_string()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }

    /// Reads a JSON number.
    ///
    /// # Errors
    /// Anything that is no number, or too large.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        parse_amount(&number.to_string()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

//! What reporters have in common: reading lenient fields, collecting metadata, wording titles.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use crate::domain::rejection::Faults;
use crate::domain::violations::report::TITLE_CHARS_MAX;

/// What a source said, as metadata. What has a name of its own wins over what came beside it.
pub struct Facts(Map<String, Value>);

impl Facts {
    /// Begins with what came beside the known fields.
    pub fn beside(metadata: Option<Map<String, Value>>) -> Self {
        Self(metadata.unwrap_or_default())
    }

    /// With this fact, where there is one.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.into(), value.into());
        }
        self
    }

    /// All of it.
    pub fn value(self) -> Value {
        Value::Object(self.0)
    }
}

/// The number as a float; JSON numbers always are one.
pub fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::INFINITY)
}

/// Notes a number that is below zero.
pub fn expect_not_negative(faults: &mut Faults, pointer: &str, number: Option<&Number>) {
    faults.expect(number.is_none_or(|number| float(number) >= 0.0), pointer, "is below 0");
}

/// A computed number to two decimals; a whole one without any.
pub fn rounded(number: f64) -> Value {
    let rounded = (number * 100.0).round() / 100.0;
    #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    if rounded.fract() == 0.0 && rounded.abs() < 9e15 { Value::from(rounded as i64) } else { Value::from(rounded) }
}

/// A title of a source's words, cut off at the longest that a title may be.
pub fn title(text: &str) -> String {
    if text.chars().count() <= TITLE_CHARS_MAX {
        return text.into();
    }
    text.chars().take(TITLE_CHARS_MAX - 1).chain(['…']).collect()
}

/// Ids that some sources write as numbers.
///
/// # Errors
/// Anything that is neither text nor a number.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other @ (Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            Err(serde::de::Error::custom(format!("invalid type: {other}, expected a string or a number")))
        }
    }
}

/// The same for a field that may be absent.
///
/// # Errors
/// Those of [`text`].
pub fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    value.map(|value| text(value).map_err(serde::de::Error::custom)).transpose()
}

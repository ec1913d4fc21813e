//! JSON that callers hand us: kept as text, looked into by path.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::Value;

/// A JSON object as canonical text (keys sorted, no white space), so that equal objects have equal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonText(Arc<str>);

impl JsonText {
    /// Keeps a value as text.
    pub fn of(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// Takes text that was made by [`JsonText::of`] and stored.
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value; null when the text is not JSON, which stored text always is.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }
}

/// How deeply arrays and objects are nested; a scalar has depth 0.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Follows a dotted path (`guest.vip`, `items.0.price`) through objects and arrays.
pub fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, step_into)
}

fn step_into<'a>(here: &'a Value, step: &str) -> Option<&'a Value> {
    match here {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// A dotted path that was taken apart, for those who follow it often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Box<[Box<str>]>);

impl Path {
    /// The steps of a dotted path.
    pub fn of(path: &str) -> Self {
        Self(path.split('.').map(Into::into).collect())
    }

    /// As [`at_path`].
    pub fn in_value<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, |here, step| step_into(here, step))
    }
}

/// Whether two values are the same; numbers by value, so that 5 equals 5.0.
pub fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => one == two || one.as_f64() == two.as_f64(),
        (Value::Array(one), Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(a, b)| same(a, b))
        }
        (Value::Object(one), Value::Object(two)) => {
            one.len() == two.len() && one.iter().all(|(key, a)| two.get(key).is_some_and(|b| same(a, b)))
        }
        _ => one == two,
    }
}

/// A scalar as a person would write it; arrays and objects as JSON; null as nothing.
pub fn plain_text(value: &Value) -> Option<String> {
    let mut out = String::new();
    write_plain(value, &mut out).map(|()| out)
}

/// Writes a scalar as a person would, arrays and objects as JSON; null is nothing.
pub fn write_plain(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Null => None,
        Value::String(text) => {
            out.push_str(text);
            Some(())
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => write!(out, "{value}").ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_goes_through_objects_and_arrays() {
        let value = json!({"guest": {"vip": true}, "items": [{"price": 3}]});
        assert_eq!(at_path(&value, "guest.vip"), Some(&json!(true)));
        assert_eq!(at_path(&value, "items.0.price"), Some(&json!(3)));
        assert_eq!(at_path(&value, "items.1.price"), None);
        assert_eq!(at_path(&value, "guest.vip.more"), None);
        for path in ["guest.vip", "items.0.price", "items.1.price", "guest.vip.more", ""] {
            assert_eq!(Path::of(path).in_value(&value), at_path(&value, path), "{path}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(same(&json!({"a": [5]}), &json!({"a": [5.0]})));
        assert!(!same(&json!(5), &json!("5")));
    }

    #[test]
    fn depth_counts_nesting() {
        assert_eq!(depth(&json!({"a": {"b": [1]}})), 3);
        assert_eq!(depth(&json!(1)), 0);
    }
}

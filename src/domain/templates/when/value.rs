//! The values of an expression. What comes from the violation is borrowed from it.

use std::cmp::Ordering;
use std::rc::Rc;

use serde_json::Value;

use super::Fault;
use super::node::{Calc, Order};

/// A value.
#[derive(Clone, Debug)]
pub enum Val<'v> {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
    /// A text of the violation or of the expression.
    Text(&'v str),
    /// A text that was made.
    Made(Rc<str>),
    /// A list of the violation.
    Items(&'v [Value]),
    /// An object of the violation.
    Object(&'v serde_json::Map<String, Value>),
    /// A list that was made.
    List(Rc<Vec<Val<'v>>>),
}

impl<'v> Val<'v> {
    /// A value of the violation.
    pub fn of(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(other)) => Self::Double(other),
                (None, None) => Self::Null, // our JSON numbers are one of both
            },
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::Items(items),
            Value::Object(fields) => Self::Object(fields),
        }
    }

    /// A text that was made.
    pub fn made(text: impl Into<Rc<str>>) -> Self {
        Self::Made(text.into())
    }

    /// What it is, for a reason.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth",
            Self::Int(_) | Self::Double(_) => "a number",
            Self::Text(_) | Self::Made(_) => "a text",
            Self::Items(_) | Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Double(_) => None,
            Self::Items(_) | Self::Object(_) | Self::List(_) => None,
        }
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss, reason = "a number of the floor is far below 2^53")]
            Self::Int(whole) => Some(*whole as f64),
            Self::Double(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Made(_) => None,
            Self::Items(_) | Self::Object(_) | Self::List(_) => None,
        }
    }
}

/// Whether a comparison holds: numbers by value, texts by their characters, no before yes.
///
/// # Errors
/// Values that have no order.
pub fn ordered(order: Order, one: &Val<'_>, two: &Val<'_>) -> Result<bool, Fault> {
    let found = match (one, two) {
        (Val::Int(one), Val::Int(two)) => Some(one.cmp(two)),
        (Val::Bool(one), Val::Bool(two)) => Some(one.cmp(two)),
        _ => match (one.number(), two.number(), one.text(), two.text()) {
            (Some(one), Some(two), ..) => one.partial_cmp(&two),
            (.., Some(one), Some(two)) => Some(one.cmp(two)),
            _ => return Err(Fault::Kinds("a comparison", one.kind(), two.kind())),
        },
    };
    Ok(found.is_some_and(|found| match order {
        Order::Below => found == Ordering::Less,
        Order::AtMost => found != Ordering::Greater,
        Order::Above => found == Ordering::Greater,
        Order::AtLeast => found != Ordering::Less,
    }))
}

/// A calculation with numbers: of two whole ones whole, else with a fraction.
///
/// # Errors
/// What is no number, too large, or divided by zero.
pub fn calculated<'v>(calc: Calc, one: &Val<'_>, two: &Val<'_>) -> Result<Val<'v>, Fault> {
    if let (Val::Int(one), Val::Int(two)) = (one, two) {
        let (one, two) = (*one, *two);
        if two == 0 && matches!(calc, Calc::Divide | Calc::Remainder) {
            return Err(Fault::ByZero);
        }
        let result = match calc {
            Calc::Add => one.checked_add(two),
            Calc::Subtract => one.checked_sub(two),
            Calc::Multiply => one.checked_mul(two),
            Calc::Divide => one.checked_div(two),
            Calc::Remainder => one.checked_rem(two),
        };
        return result.map(Val::Int).ok_or(Fault::Overflow);
    }
    let (Some(left), Some(right)) = (one.number(), two.number()) else {
        return Err(Fault::Kinds(calc.name(), one.kind(), two.kind()));
    };
    match calc {
        Calc::Add => Ok(Val::Double(left + right)),
        Calc::Subtract => Ok(Val::Double(left - right)),
        Calc::Multiply => Ok(Val::Double(left * right)),
        Calc::Divide => Ok(Val::Double(left / right)),
        Calc::Remainder => Err(Fault::Kinds(calc.name(), "a number with a fraction", "")),
    }
}

//! Previews of what a module will do, and what of a payload tells how large it is.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Capability, Preview};
use crate::domain::blocks::check::parse_amount;
use crate::domain::json;
use crate::domain::state::TenantState;
use crate::domain::templates::render::render_with;

/// The most fields of a payload that a summary without a template names.
const FIELDS_SHOWN_MAX: usize = 8;
/// The longest name and the longest value in it, in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// The preview by the template of the capability.
pub fn by_template(state: &TenantState, capability: &Capability, payload: &Value) -> Preview {
    let summary = if capability.preview_template.trim().is_empty() {
        format!("{}: {}", capability.name, listed(payload))
    } else {
        render_with(&capability.preview_template, |name| value_of(state, capability, payload, name)).text
    };
    let (recipients, amount) = measures(payload);
    let amount = amount.map(|amount| amount.to_string());
    Preview { summary, recipients, amount, source: "template".into(), ..Preview::default() }
}

/// The preview of taking back what a module did; only the module knows what the payload means.
pub fn of_undo(_state: &TenantState, capability: &Capability, undo_payload: &Value) -> Preview {
    let (recipients, amount) = measures(undo_payload);
    let amount = amount.map(|amount| amount.to_string());
    let summary = format!("Undo {}: {}", capability.name, listed(undo_payload));
    Preview { summary, recipients, amount, source: "template".into(), ..Preview::default() }
}

/// What a variable means: a field of the payload by its path, then what is known of capability and organisation.
fn value_of(state: &TenantState, capability: &Capability, payload: &Value, name: &str) -> Option<String> {
    if name == "payload" {
        return Some(payload.to_string());
    }
    let path = name.strip_prefix("payload.").unwrap_or(name);
    json::at_path(payload, path).and_then(json::plain_text).or_else(|| match name {
        "capability" => Some(capability.name.to_string()),
        "module" => Some(capability.module.to_string()),
        "org_name" => Some(state.organisation().name.to_string()),
        _ => None,
    })
}

/// The first fields of a payload: `amount 80, note Cold soup`.
fn listed(payload: &Value) -> String {
    let Some(fields) = payload.as_object() else { return payload.to_string() };
    let short = |text: &str| text.chars().take(SHOWN_CHARS_MAX).collect::<String>();
    let shown = fields.iter().filter_map(|(name, value)| Some((name, json::plain_text(value)?)));
    let shown = shown.take(FIELDS_SHOWN_MAX).map(|(name, value)| format!("{} {}", short(name), short(&value)));
    shown.collect::<Vec<_>>().join(", ")
}

/// How many people a payload reaches (`recipients`, else `to`, `cc` and `bcc`) and how much money it moves (`amount`, else `total`).
pub fn measures(payload: &Value) -> (Option<u64>, Option<Decimal>) {
    let addressed = || {
        let lists = ["to", "cc", "bcc"].iter().filter_map(|name| people_in(&payload[*name]));
        lists.reduce(u64::saturating_add)
    };
    let recipients = people_in(&payload["recipients"]).or_else(addressed);
    let amount = amount_in(&payload["amount"]).or_else(|| amount_in(&payload["total"]));
    (recipients, amount)
}

/// A number of people, or as many as are listed.
fn people_in(value: &Value) -> Option<u64> {
    match value {
        Value::Array(list) => u64::try_from(list.len()).ok(),
        Value::String(text) => Some(u64::from(!text.trim().is_empty())),
        Value::Number(number) => number.as_u64(),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

/// An amount, whichever way the money goes: a number, its text, or `{ "amount": … }`. One that no decimal holds is as much as there is.
pub fn amount_in(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(parse_amount(&number.to_string()).unwrap_or(Decimal::MAX).abs()),
        Value::String(text) => parse_amount(text.trim()).ok().map(|amount| amount.abs()),
        Value::Object(fields) => fields.get("amount").filter(|inner| !inner.is_object()).and_then(amount_in),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

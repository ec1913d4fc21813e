//! `notifications.send_email`: a message to people's mailboxes. It cannot be called back.

use serde_json::{Value, json};

use super::{BuiltIn, Preview, Runs, described, name_of, object, said, shown, text, whole};
use crate::domain::capabilities::preview::measures;
use crate::domain::capabilities::{Capability, Sensitivity};
use crate::domain::state::TenantState;

/// Its name.
pub const NAME: &str = "notifications.send_email";
/// The most people of one message.
const RECIPIENTS_MAX: usize = 50;
/// The longest message, in characters.
const TEXT_CHARS_MAX: usize = 16_000;
/// The most addresses that a preview lists.
const SHOWN_MAX: usize = 5;

pub(super) fn built_in() -> BuiltIn {
    let address = json!({ "type": "string", "format": "email", "maxLength": 254 });
    let properties = json!({
        "to": { "oneOf": [address, { "type": "array", "minItems": 1, "maxItems": RECIPIENTS_MAX, "uniqueItems": true, "items": address }] },
        "subject": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\r\\n]*\\S[^\\r\\n]*$" },
        "text": text(TEXT_CHARS_MAX),
    });
    let capability = Capability {
        sensitivity: Sensitivity::Personal,
        connectors: vec![name_of("email")],
        idempotent: false,
        ..described(NAME, &object(properties, &["to", "subject", "text"]))
    };
    BuiltIn { measures, ..whole(capability, preview, Runs::Outside) }
}

fn preview(_: &TenantState, payload: &Value) -> Preview {
    let to = match &payload["to"] {
        Value::Array(list) => {
            let shown = list.iter().take(SHOWN_MAX).filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
            let more = list.len().saturating_sub(SHOWN_MAX);
            if more > 0 { format!("{shown} and {more} more") } else { shown }
        }
        _ => said(payload, "to").to_owned(),
    };
    let summary = format!("E-mail to {to}: {}", said(payload, "subject"));
    let after = Some(said(payload, "text").to_owned());
    Preview { after, recipients: measures(payload).0, ..shown(summary) }
}

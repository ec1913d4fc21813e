//! `notifications.post_slack`: a message to a channel of the organisation's workspace. It cannot be called back.

use serde_json::{Value, json};

use super::{BuiltIn, Preview, Runs, described, name_of, object, said, shown, text, whole};
use crate::domain::capabilities::Capability;
use crate::domain::state::TenantState;

/// Its name.
pub const NAME: &str = "notifications.post_slack";
/// The longest message, in characters.
const TEXT_CHARS_MAX: usize = 4_000;

pub(super) fn built_in() -> BuiltIn {
    let properties = json!({
        "text": text(TEXT_CHARS_MAX),
        "channel": { "type": "string", "maxLength": 80, "pattern": "^#[^\\s#]+$" },
    });
    let capability = Capability {
        connectors: vec![name_of("slack")],
        idempotent: false,
        ..described(NAME, &object(properties, &["text"]))
    };
    whole(capability, preview, Runs::Outside)
}

fn preview(_: &TenantState, payload: &Value) -> Preview {
    let channel = payload["channel"].as_str().unwrap_or("the usual channel");
    let after = Some(said(payload, "text").to_owned());
    Preview { after, ..shown(format!("Slack message to {channel}")) }
}

//! `webhooks.call`: one signed call to a webhook of the organisation. The same call again carries the same `webhook-id`, by which the
//! receiver knows it.

use serde_json::{Value, json};

use super::{BuiltIn, Preview, Runs, described, id_in, name_of, object, shown, whole};
use crate::domain::capabilities::Capability;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// Its name.
pub const NAME: &str = "webhooks.call";

pub(super) fn built_in() -> BuiltIn {
    let properties = json!({ "webhook_id": { "type": "string", "format": "uuid" }, "body": { "type": "object" } });
    let params = object(properties, &["webhook_id", "body"]);
    let capability = Capability { connectors: vec![name_of("webhook")], ..described(NAME, &params) };
    BuiltIn { check, ..whole(capability, preview, Runs::Outside) }
}

fn check(state: &TenantState, payload: &Value) -> Result<(), Rejection> {
    let found = id_in(payload, "webhook_id").and_then(|id| state.webhooks.get(&id));
    found.map(|_| ()).ok_or_else(|| Rejection::invalid("/payload/webhook_id", "is the id of no webhook"))
}

fn preview(state: &TenantState, payload: &Value) -> Preview {
    let webhook = id_in(payload, "webhook_id").and_then(|id| state.webhooks.get(&id));
    let url = webhook.map_or("a webhook that is not there", |webhook| &*webhook.url);
    Preview { after: Some(payload["body"].to_string()), ..shown(format!("Call {url}")) }
}

//! `overrides.grant`: somebody may do a blocked operation all the same, so often and for so long. What it does, and who decides, is with
//! the requests for approval, in `approvals/overrides.rs`. Not taken back: a grant ends by itself, and with the block that it opens.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{BuiltIn, Preview, Runs, at_venue, described, id_in, object, shown, text, whole};
use crate::domain::blocks::grants::{MINUTES_DEFAULT, MINUTES_MAX, USES_MAX};
use crate::domain::blocks::place::REASON_CHARS_MAX;
use crate::domain::capabilities::preview::amount_in;
use crate::domain::ids::OutsideId;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// Its name.
const NAME: &str = "overrides.grant";

pub(super) fn built_in() -> BuiltIn {
    let properties = json!({
        "block_id": { "type": "string", "format": "uuid" }, "reason": text(REASON_CHARS_MAX),
        "amount": { "type": ["number", "null"], "minimum": 0 },
        "uses": { "type": "integer", "minimum": 1, "maximum": USES_MAX },
        "minutes": { "type": "integer", "minimum": 1, "maximum": MINUTES_MAX },
        // What a frozen request says beside these, taken from the block and not from who asks.
        "block_type": { "type": "string" }, "entity_id": { "type": "string" }, "venue_id": { "type": ["string", "null"] },
    });
    let capability = described(NAME, &object(properties, &["block_id", "reason"]));
    BuiltIn { check, measures, ..whole(capability, preview, Runs::Override) }
}

fn check(state: &TenantState, payload: &Value) -> Result<(), Rejection> {
    let found = id_in(payload, "block_id").and_then(|id| state.blocks.get(&id));
    found.map(|_| ()).ok_or_else(|| Rejection::invalid("/payload/block_id", "is the id of no block"))
}

fn uses_of(payload: &Value) -> u64 {
    payload["uses"].as_u64().unwrap_or(1)
}

/// At most the amount of every use together.
fn measures(payload: &Value) -> (Option<u64>, Option<Decimal>) {
    let each = amount_in(&payload["amount"]);
    (None, each.map(|each| each.saturating_mul(Decimal::from(uses_of(payload)))))
}

fn preview(state: &TenantState, payload: &Value) -> Preview {
    let Some(block) = id_in(payload, "block_id").and_then(|id| state.blocks.get(&id)) else {
        return shown("Override a block that is not there".into());
    };
    let (operation, entity) = (&block.key.block_type, &block.key.entity_id);
    let amount = amount_in(&payload["amount"]);
    let up_to = amount.map(|amount| format!(", up to {amount} each time")).unwrap_or_default();
    let uses = uses_of(payload);
    let times = if uses == 1 { "once".to_owned() } else { format!("{uses} times") };
    let minutes = payload["minutes"].as_u64().unwrap_or(MINUTES_DEFAULT.into());
    let venue = at_venue(block.venue_id.as_ref().map(OutsideId::as_str));
    let summary = format!(
        "{entity} may do {operation}{venue} {times} within {minutes} minutes of the first use{up_to}, although blocked: {}",
        block.reason
    );
    let amount = amount.map(|amount| amount.to_string());
    Preview { before: Some("blocked".into()), after: Some("allowed".into()), amount, ..shown(summary) }
}

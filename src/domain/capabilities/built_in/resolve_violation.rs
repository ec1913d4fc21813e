//! `violations.resolve`: a violation is over, with all that goes with it. Not taken back: what ended with it was told to people, and a
//! new report of the same begins anew.

use serde_json::{Value, json};

use super::{About, BuiltIn, Done, Effect, Preview, Runs, described, id_in, object, said, shown, text, whole};
use crate::domain::decision::Context;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::violations::lifecycle::ended;
use crate::domain::violations::report::TEXT_CHARS_MAX;
use crate::domain::violations::{Ending, Violation};

/// Its name.
const NAME: &str = "violations.resolve";

pub(super) fn built_in() -> BuiltIn {
    let properties =
        json!({ "violation_id": { "type": "string", "format": "uuid" }, "resolution": text(TEXT_CHARS_MAX) });
    let capability = described(NAME, &object(properties, &["violation_id"]));
    whole(capability, preview, Runs::Here(Effect { about, apply, undo: None }))
}

fn open<'a>(payload: &Value, state: &'a TenantState, context: &Context<'_>) -> Result<&'a Violation, Rejection> {
    let id = id_in(payload, "violation_id");
    let id = id.ok_or_else(|| Rejection::invalid("/payload/violation_id", "is not the id of a violation"))?;
    let violation = state.violation_for(&id, context.caller)?;
    match &violation.resolved {
        Some(mark) => Err(Rejection::AlreadyResolved { at: mark.at }),
        None => Ok(violation),
    }
}

fn about(payload: &Value, state: &TenantState, context: &mut Context<'_>) -> Result<About, Rejection> {
    let violation = open(payload, state, context)?;
    Ok(About {
        authority: None,
        beneficiary: violation.entity_id().cloned(),
        subject: Some(violation.id),
        venue_id: violation.venue_id.clone(),
    })
}

fn apply(payload: &Value, _: &Held, state: &TenantState, context: &mut Context<'_>) -> Result<Done, Rejection> {
    let violation = open(payload, state, context)?;
    let resolution = payload["resolution"].as_str().map(Into::into);
    let events = ended(violation, resolution, Ending::Resolved, state, context)?;
    Ok(Done { events, result: json!({ "violation_id": violation.id }), undo_payload: None })
}

fn preview(state: &TenantState, payload: &Value) -> Preview {
    let Some(violation) = id_in(payload, "violation_id").and_then(|id| state.violations.get(&id)) else {
        return shown("Resolve a violation that is not there".into());
    };
    let standing =
        |block: &&crate::domain::blocks::Block| block.lifted.is_none() && !block.expired && block.auto_lift_on_resolve;
    let blocks = violation.blocks.iter().filter_map(|id| state.blocks.get(id)).filter(standing).count();
    let actions =
        violation.actions.iter().filter_map(|id| state.actions.get(id)).filter(|one| one.is_pending()).count();
    let said = said(payload, "resolution");
    let because = if said.is_empty() { String::new() } else { format!(": {said}") };
    let summary = format!("Resolve \"{}\"{because}", violation.title);
    let before = format!("{}, {blocks} blocks that go with it, {actions} pending actions", violation.status().name());
    let after = "resolved, those blocks lifted, those actions dismissed".to_owned();
    Preview { before: Some(before), after: Some(after), ..shown(summary) }
}

//! The answers to commands, as JSON.

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::approvals;
use super::shapes::{self, ActionView, BlockView, ViolationView};
use super::webhooks;
use crate::domain::decision::{Answer, Done, Reply};
use crate::domain::state::TenantState;

/// A violation that was reported, with what came of it.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ReportedView<'a> {
    #[schema(inline)]
    pub violation: ViolationView<'a, Uuid, Uuid>,
    pub actions: Vec<ActionView<'a>>,
    pub blocks: Vec<BlockView<'a>>,
}

/// Renders an answer.
pub fn reply(state: &TenantState, answer: &Answer) -> Reply {
    let org_id = state.organisation().org_id.as_str();
    match answer {
        Answer::Reported { id, new } => {
            let done = if *new { Done::Created } else { Done::Done };
            shown(done, state.violations.get(id), |violation| ReportedView {
                violation: shapes::violation(org_id, violation),
                actions: shapes::actions_of(state, violation),
                blocks: shapes::blocks_of(state, violation),
            })
        }
        Answer::Violation(id) => shown(Done::Done, state.violations.get(id), |one| shapes::violation(org_id, one)),
        Answer::Resolved(ids) => json(Done::Done, &json!({ "resolved": ids })),
        Answer::ActionsOf(id) => {
            shown(Done::Done, state.violations.get(id), |one| Actions { actions: shapes::actions_of(state, one) })
        }
        Answer::TemplateMade(id) => shown(Done::Created, state.templates.get(id), |one| shapes::template(org_id, one)),
        Answer::Template(id) => shown(Done::Done, state.templates.get(id), |one| shapes::template(org_id, one)),
        Answer::Action(id) => shown(Done::Done, state.actions.get(id), shapes::action),
        Answer::Placed(id) => shown(Done::Created, state.blocks.get(id), |one| shapes::block(org_id, one)),
        Answer::Block(id) => shown(Done::Done, state.blocks.get(id), |one| shapes::block(org_id, one)),
        Answer::ApprovalMade(id) => {
            shown(Done::Created, state.approvals.get(id), |one| approvals::approval(org_id, one))
        }
        Answer::Approval(id) => shown(Done::Done, state.approvals.get(id), |one| approvals::approval(org_id, one)),
        Answer::Grant(id) => shown(Done::Done, state.grants.get(id), |one| approvals::grant(org_id, one)),
        Answer::WebhookMade(id) => shown(Done::Created, state.webhooks.get(id), |one| webhooks::webhook(state, one)),
        Answer::Webhook(id) => shown(Done::Done, state.webhooks.get(id), |one| webhooks::webhook(state, one)),
        Answer::Venue(id) => shown(Done::Done, state.venue(id), shapes::venue),
        Answer::Settings => json(Done::Done, &shapes::settings(state.organisation())),
        Answer::Nothing => json(Done::Done, &json!({})),
        Answer::Ticked { expired } => json(Done::Done, &json!({ "expired": expired })),
    }
}

#[derive(Serialize)]
struct Actions<'a> {
    actions: Vec<ActionView<'a>>,
}

fn shown<'a, T, V: Serialize>(done: Done, found: Option<&'a T>, view: impl FnOnce(&'a T) -> V) -> Reply {
    match found {
        Some(found) => json(done, &view(found)),
        None => json(done, &json!({})),
    }
}

/// A value as a reply. Our shapes always serialize; one that did not would be an empty object.
pub fn json(done: Done, value: &impl Serialize) -> Reply {
    Reply { done, body: serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec()) }
}

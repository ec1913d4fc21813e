//! The answers to commands, as JSON.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::approvals::{self, ApprovalView};
use super::capabilities;
use super::channels;
use super::list;
use super::notifications;
use super::policy;
use super::queue;
use super::shapes::{self, ActionView, BlockView, ViolationView};
use super::tasks;
use super::types;
use super::webhooks;
use crate::domain::approvals::many::Became;
use crate::domain::decision::{Answer, Done, Reply};
use crate::domain::state::TenantState;
use crate::domain::violations::bulk::Outcome;

/// A violation that was reported, with what came of it.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ReportedView<'a> {
    #[schema(inline)]
    pub violation: ViolationView<'a, Uuid, Uuid>,
    pub actions: Vec<ActionView<'a>>,
    pub blocks: Vec<BlockView<'a>>,
}

/// What came of a source's words: a violation that was reported or ended, or none.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SourceView<'a> {
    #[schema(inline)]
    pub violation: Option<ViolationView<'a, Uuid, Uuid>>,
    pub actions: Vec<ActionView<'a>>,
    pub blocks: Vec<BlockView<'a>>,
    /// The violations that ended.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub resolved: &'a [Uuid],
}

/// What became of one item of many.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct OutcomeView<'a> {
    pub index: usize,
    /// As if the item had come alone: 201 for a new violation, 200 for anything else that was taken.
    pub status: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub violation: Option<ViolationView<'a, Uuid, Uuid>>,
    /// The violations that a source's words ended.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub resolved: &'a [Uuid],
    /// Why nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<&'a Value>,
}

/// What became of many items.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct OutcomesView<'a> {
    pub results: Vec<OutcomeView<'a>>,
}

/// What became of one of many requests that somebody approved.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct VerdictView<'a> {
    /// As it was sent.
    pub id: String,
    /// As if the decision had come alone: 200 where it counts.
    pub status: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub approval: Option<ApprovalView<'a>>,
    /// Why nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<&'a Value>,
}

/// What became of many.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct VerdictsView<'a> {
    pub results: Vec<VerdictView<'a>>,
}

/// Renders an answer.
pub fn reply(state: &TenantState, answer: &Answer) -> Reply {
    let org_id = state.organisation().org_id.as_str();
    match answer {
        Answer::Reported { id, new } => {
            let done = if *new { Done::Created } else { Done::Done };
            shown(done, state.violations.get(id), |violation| ReportedView {
                // An answer knows no caller: it shows what everybody sees who sees the violation.
                violation: shapes::with_children(state, shapes::violation(org_id, violation), |venue| {
                    venue.is_none() || venue == violation.venue_id.as_ref()
                }),
                actions: shapes::newest_actions_of(state, violation),
                blocks: shapes::blocks_of(state, violation),
            })
        }
        Answer::Ended(ids) => json(Done::Done, &ended(state, ids)),
        Answer::Many(outcomes) => {
            let results = outcomes.iter().enumerate().map(|(index, one)| outcome(state, index, one)).collect();
            json(Done::Done, &OutcomesView { results })
        }
        Answer::ViolationType(name) => json(Done::Done, &types::shown(state, name)),
        Answer::Violation(id) => shown(Done::Done, state.violations.get(id), |one| shapes::violation(org_id, one)),
        Answer::Resolved(ids) => json(Done::Done, &json!({ "resolved": ids })),
        Answer::ActionsOf(id) => shown(Done::Done, state.violations.get(id), |one| Actions {
            actions: shapes::newest_actions_of(state, one),
        }),
        Answer::TemplateMade(id) => shown(Done::Created, state.templates.get(id), |one| shapes::template(org_id, one)),
        Answer::Template(id) => shown(Done::Done, state.templates.get(id), |one| shapes::template(org_id, one)),
        Answer::Action(id) => shown(Done::Done, state.actions.get(id), shapes::action),
        Answer::Placed(id) => shown(Done::Created, state.blocks.get(id), |one| shapes::block(org_id, one)),
        Answer::Block(id) => shown(Done::Done, state.blocks.get(id), |one| shapes::block(org_id, one)),
        Answer::ApprovalMade(id) => {
            shown(Done::Created, state.approvals.get(id), |one| approvals::approval(org_id, one))
        }
        Answer::Approval(id) => shown(Done::Done, state.approvals.get(id), |one| approvals::approval(org_id, one)),
        Answer::Approvals(all) => {
            json(Done::Done, &VerdictsView { results: all.iter().map(|one| verdict(state, one)).collect() })
        }
        Answer::Task(id) => shown(Done::Done, state.tasks.get(id), |one| tasks::task(org_id, one)),
        Answer::Grant(id) => shown(Done::Done, state.grants.get(id), |one| approvals::grant(org_id, one)),
        Answer::WebhookMade(id) => shown(Done::Created, state.webhooks.get(id), |one| webhooks::webhook(state, one)),
        Answer::Webhook(id) => shown(Done::Done, state.webhooks.get(id), |one| webhooks::webhook(state, one)),
        Answer::WebhookSecret(id) => shown(Done::Done, state.webhooks.get(id), webhooks::secret),
        Answer::WebhookTested { webhook, test } => {
            let line = state.webhooks.log.of(webhook, u64::MAX).find(|line| line.id == *test);
            shown(Done::Done, line, webhooks::call)
        }
        Answer::Replayed { webhook, count } => json(Done::Done, &webhooks::replayed(webhook, *count)),
        Answer::Notification(id) => {
            shown(Done::Done, state.notifications.get(id), |one| notifications::notification(org_id, one))
        }
        Answer::ReadAll(count) => json(Done::Done, &json!({ "read": count })),
        Answer::Preferences(id) => json(Done::Done, &notifications::preferences(state, id)),
        Answer::PushSubscriptionMade(user, id) => {
            let person = state.notifications.person(user);
            let found = person.and_then(|person| person.subscriptions.iter().find(|one| one.id == *id));
            shown(Done::Created, found, notifications::subscription)
        }
        Answer::Rush => json(Done::Done, &notifications::rush(state)),
        Answer::Venue(id) => shown(Done::Done, state.venue(id), shapes::venue),
        Answer::Settings => json(Done::Done, &shapes::settings(state.organisation())),
        Answer::Nothing => json(Done::Done, &json!({})),
        Answer::Ticked { expired, resolved } => {
            json(Done::Done, &json!({ "expired": expired, "resolved": resolved.len() }))
        }
        Answer::Escalated { escalated, reminded } => {
            json(Done::Done, &json!({ "escalated": escalated, "reminded": reminded }))
        }
        Answer::SilenceMade(id) => shown(Done::Created, state.silences.get(id), queue::silence),
        Answer::CapabilityMade(name) => shown(Done::Created, state.capabilities.get(name), capabilities::capability),
        Answer::ApprovalPolicy => json(Done::Done, &policy::policy(state.policy())),
        Answer::Channels => json(Done::Done, &channels::channels(&state.channels)),
        Answer::Inhibitions => Reply { done: Done::Done, body: list::inhibitions(state) },
    }
}

fn ended<'a>(state: &'a TenantState, ids: &'a [Uuid]) -> SourceView<'a> {
    let org_id = state.organisation().org_id.as_str();
    let violation = ids.first().and_then(|id| state.violations.get(id));
    SourceView {
        violation: violation.map(|violation| shapes::violation(org_id, violation)),
        actions: violation.map(|violation| shapes::actions_of(state, violation)).unwrap_or_default(),
        blocks: violation.map(|violation| shapes::blocks_of(state, violation)).unwrap_or_default(),
        resolved: ids,
    }
}

fn outcome<'a>(state: &'a TenantState, index: usize, outcome: &'a Outcome) -> OutcomeView<'a> {
    let violation = |id: Option<&Uuid>| {
        let found = id.and_then(|id| state.violations.get(id));
        found.map(|violation| shapes::violation(state.organisation().org_id.as_str(), violation))
    };
    let taken = |status, id, resolved| OutcomeView { index, status, violation: violation(id), resolved, problem: None };
    match outcome {
        Outcome::Reported { id, new } => taken(if *new { 201 } else { 200 }, Some(id), &[]),
        Outcome::Ended(ids) => taken(200, ids.first(), ids),
        Outcome::Refused(problem) => OutcomeView {
            index,
            status: problem["status"].as_u64().unwrap_or(500),
            violation: None,
            resolved: &[],
            problem: Some(problem),
        },
    }
}

fn verdict<'a>(state: &'a TenantState, one: &'a Became) -> VerdictView<'a> {
    let org_id = state.organisation().org_id.as_str();
    match one {
        Became::Taken(id) => {
            let approval = state.approvals.get(id).map(|one| approvals::approval(org_id, one));
            VerdictView { id: id.to_string(), status: 200, approval, problem: None }
        }
        Became::Refused { id, problem } => VerdictView {
            id: id.clone(),
            status: problem["status"].as_u64().unwrap_or(500),
            approval: None,
            problem: Some(problem),
        },
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

//! What people decide about requests: approved, rejected, taken back, run again, settled.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::approvals::cancel::CancelApproval;
use crate::domain::approvals::decide::DecideApproval;
use crate::domain::approvals::many::{ApproveMany, Seen};
use crate::domain::approvals::retry::RetryApproval;
use crate::domain::approvals::settle::SettleApproval;
use crate::domain::approvals::{Status, Verdict};
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::view::answer::VerdictsView;
use crate::domain::view::approvals::ApprovalView;
use crate::http::caller::Call;
use crate::http::path;
use crate::http::problem::Problem;
use crate::http::respond::Answer;

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// The hash of the payload that was seen; needed to approve.
    payload_hash: Option<String>,
    comment: Option<String>,
}

/// Approves. People only, each once, never who asked and never whom it is for.
#[utoipa::path(
    post, path = "/api/actions/{id}/approve", tag = "Approvals", request_body = DecisionBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn approve(req: HttpRequest, payload: web::Payload) -> Answer {
    decide(req, payload, Verdict::Approved).await
}

/// Rejects, which ends it.
#[utoipa::path(
    post, path = "/api/actions/{id}/reject", tag = "Approvals", request_body = DecisionBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn reject(req: HttpRequest, payload: web::Payload) -> Answer {
    decide(req, payload, Verdict::Rejected).await
}

async fn decide(req: HttpRequest, payload: web::Payload, verdict: Verdict) -> Answer {
    let call = Call::allowed(&req, Operation::DecideApproval)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let DecisionBody { payload_hash, comment } = sent.json()?;
    call.command(sent, Command::DecideApproval(DecideApproval { id, verdict, payload_hash, comment })).await
}

/// Many that were seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveManyBody {
    /// At most 100.
    #[schema(max_items = 100)]
    items: Vec<SeenBody>,
    /// Said with each decision.
    comment: Option<String>,
}

/// One that was seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenBody {
    id: String,
    payload_hash: String,
}

/// Approves many. Each is all or nothing, in their order, and answered as if it had come alone.
#[utoipa::path(
    post, path = "/api/actions/approve-many", tag = "Approvals", request_body = ApproveManyBody,
    responses((status = 200, description = "What became of each, in their order", body = VerdictsView))
)]
pub async fn approve_many(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::DecideApproval)?;
    let sent = call.sent(&req, payload).await?;
    let ApproveManyBody { items, comment } = sent.json()?;
    let items = items.into_iter().map(|one| Seen { id: one.id, payload_hash: one.payload_hash }).collect();
    let many = ApproveMany { items, comment, show_refusal };
    call.command(sent, Command::ApproveMany(Box::new(many))).await
}

fn show_refusal(rejection: Rejection) -> serde_json::Value {
    Problem::from(rejection).document()
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    reason: Option<String>,
}

/// Takes a request back that was not carried out.
#[utoipa::path(
    post, path = "/api/actions/{id}/cancel", tag = "Approvals", request_body = ReasonBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn cancel(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::CancelApproval)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let ReasonBody { reason } = sent.json()?;
    call.command(sent, Command::CancelApproval(CancelApproval { id, reason })).await
}

/// Runs once more what failed, with all that is checked before a run. People only.
#[utoipa::path(
    post, path = "/api/actions/{id}/retry", tag = "Approvals", request_body = ReasonBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn retry(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::RetryApproval)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let ReasonBody { reason } = sent.json()?;
    call.command(sent, Command::RetryApproval(RetryApproval { id, reason })).await
}

/// How it really was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleBody {
    /// `executed` or `failed`.
    outcome: Status,
    /// What was seen.
    note: String,
}

/// Says what became of a run that is in doubt. Somebody who could have decided about it, never who asked.
#[utoipa::path(
    post, path = "/api/actions/{id}/settle", tag = "Approvals", request_body = SettleBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn settle(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::SettleApproval)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let SettleBody { outcome, note } = sent.json()?;
    call.command(sent, Command::SettleApproval(SettleApproval { id, outcome, note })).await
}

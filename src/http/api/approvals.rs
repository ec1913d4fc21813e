//! Requests for approval: listed, shown, audited. They are made in `submissions.rs` and decided in `decisions.rs`.

use actix_web::HttpRequest;

use crate::clock;
use crate::domain::approvals::{RiskLevel, Status};
use crate::domain::directory::User;
use crate::domain::ids::UserId;
use crate::domain::people::{Caller, Cause, Held, Via, Who};
use crate::domain::permission::Operation;
use crate::domain::time::Timestamp;
use crate::domain::view::approvals::{self, ApprovalFilter, ApprovalView, AuditView, Decider};
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{Problem, problem};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// Which requests.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct ApprovalsParams {
    status: Option<Status>,
    module: Option<String>,
    created_by: Option<String>,
    /// 1 to 500, 50 by default.
    limit: Option<u32>,
    cursor: Option<String>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// The requests, newest first.
#[utoipa::path(
    get, path = "/api/actions", tag = "Approvals", params(ApprovalsParams),
    responses((status = 200, description = "A page of requests", body = PageOf<ApprovalView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadApprovals)?;
    let query = Query::of(&req, &["status", "module", "created_by", "limit", "cursor"])?;
    let filter = ApprovalFilter {
        waiting: None,
        status: query.choice("status")?,
        module: query.text("module").map(Into::into),
        created_by: query.text("created_by").map(Into::into),
        risk: None,
        owner: None,
        paging: paging(&query, Order::Sequence)?,
    };
    call.show(&query, move |state, caller| Ok(approvals::page_of_approvals(state, caller, &filter))).await
}

/// Which requests of those that wait for a decision.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct PendingParams {
    risk: Option<RiskLevel>,
    /// A person's id, or `me`: what they own, and what they may decide at the step that is waited for.
    owner: Option<String>,
    module: Option<String>,
    /// 1 to 500, 50 by default.
    limit: Option<u32>,
    cursor: Option<String>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// The requests that wait for a decision, newest first.
#[utoipa::path(
    get, path = "/api/actions/pending", tag = "Approvals", params(PendingParams),
    responses((status = 200, description = "A page of requests", body = PageOf<ApprovalView>))
)]
pub async fn pending(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadApprovals)?;
    let query = Query::of(&req, &["risk", "owner", "module", "limit", "cursor"])?;
    let owner = match query.text("owner") {
        None => None,
        Some("me") => Some(Decider(call.caller.clone())),
        Some(id) => Some(decider(&call, id).await?),
    };
    let filter = ApprovalFilter {
        waiting: Some(Timestamp(clock::now_ms())),
        status: None,
        module: query.text("module").map(Into::into),
        created_by: None,
        risk: query.choice("risk")?,
        owner,
        paging: paging(&query, Order::Sequence)?,
    };
    call.show(&query, move |state, caller| Ok(approvals::page_of_approvals(state, caller, &filter))).await
}

/// A person as they would decide. Somebody whom the organisation does not have decides nothing.
async fn decider(call: &Call, id: &str) -> Result<Decider, Problem> {
    let person = UserId::parse(id).map_err(|_| problem!("bad-parameter", "`owner` is not an id"))?;
    let (org, wanted) = (call.org_id().clone(), person.clone());
    let found = call.site.engine.directory_read(move |directory| directory.user(&org, &wanted).map(User::standing));
    let cause = Cause { who: Who::Person(person), via: Via::Page, request: None };
    let nobody = || Caller { cause, held: Held::Nothing, role: None, venues: Some([].into()) };
    Ok(Decider(found.await?.unwrap_or_else(nobody)))
}

/// One request with payload, preview, steps and decisions.
#[utoipa::path(
    get, path = "/api/actions/{id}", tag = "Approvals",
    params(("id" = Uuid, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadApprovals)?;
    let id = path::uuid(&req)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, move |state, caller| approvals::one_approval(state, caller, &id)).await
}

/// The whole life of one request.
#[utoipa::path(
    get, path = "/api/actions/audit/{id}", tag = "Approvals",
    params(("id" = Uuid, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The request and every line of its life", body = AuditView))
)]
pub async fn audit(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadApprovalAudit)?;
    let id = path::uuid(&req)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, move |state, caller| approvals::audit(state, caller, &id)).await
}

//! The queue of actions.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock;
use crate::domain::actions::queue::{DismissAction, RetryAction};
use crate::domain::actions::{ActionType, ExecutionStatus};
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::time::Timestamp;
use crate::domain::view::list::{self, ActionFilter};
use crate::domain::view::shapes::ActionView;
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// Which actions.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct ActionsParams {
    status: Option<ExecutionStatus>,
    action_type: Option<ActionType>,
    violation_id: Option<Uuid>,
    /// Only what is due now, or only what is not.
    due: Option<bool>,
    /// 1 to 500, 50 by default.
    limit: Option<u32>,
    cursor: Option<String>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// The actions, newest first.
#[utoipa::path(
    get, path = "/api/action-center/actions", tag = "Actions", params(ActionsParams),
    responses((status = 200, description = "A page of actions", body = PageOf<ActionView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadQueue)?;
    let query = Query::of(&req, &["status", "action_type", "violation_id", "due", "limit", "cursor"])?;
    let now = Timestamp(clock::now_ms());
    let filter = ActionFilter {
        status: query.choice("status")?,
        action_type: query.choice("action_type")?,
        violation_id: query.uuid("violation_id")?,
        due: query.flag("due")?.map(|wanted| (wanted, now)),
        paging: paging(&query, Order::Sequence)?,
    };
    call.show(&query, move |state, caller| Ok(list::actions(state, caller, &filter))).await
}

/// Why an action is dismissed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissBody {
    reason: Option<String>,
}

/// Takes an action off the queue.
#[utoipa::path(
    post, path = "/api/action-center/actions/{id}/dismiss", tag = "Actions", request_body = DismissBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The action", body = ActionView))
)]
pub async fn dismiss(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::WorkQueue)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let DismissBody { reason } = sent.json()?;
    call.command(sent, Command::DismissAction(DismissAction { id, reason })).await
}

/// Makes an action due now.
#[utoipa::path(
    post, path = "/api/action-center/actions/{id}/retry", tag = "Actions", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The action", body = ActionView))
)]
pub async fn retry(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::WorkQueue)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    // The contract shows `{ reason? }` for both; a retry keeps none.
    sent.json::<DismissBody>()?;
    call.command(sent, Command::RetryAction(RetryAction { id })).await
}

//! Silences: what alerts nobody for a while.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::clock;
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::suppression::silences::{AddSilence, EndSilence};
use crate::domain::time::Timestamp;
use crate::domain::view::list;
use crate::domain::view::queue::SilenceView;
use crate::http::body::Sent;
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The silences that are not over and that the caller reaches, newest first.
#[utoipa::path(
    get, path = "/api/action-center/silences", tag = "Silences",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of silences", body = PageOf<SilenceView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadViolations)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    let now = Timestamp(clock::now_ms());
    call.show(&query, move |state, caller| Ok(list::silences(state, caller, paging, now))).await
}

/// What is to be silent. At least one of the first three; what is absent is not asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceBody {
    violation_type: Option<String>,
    venue_id: Option<String>,
    entity_id: Option<String>,
    /// At most 90 days away.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    reason: String,
}

/// Sets a silence.
#[utoipa::path(
    post, path = "/api/action-center/silences", tag = "Silences", request_body = SilenceBody,
    responses((status = 201, description = "The silence", body = SilenceView))
)]
pub async fn add(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::Silence)?;
    let sent = call.sent(&req, payload).await?;
    let SilenceBody { violation_type, venue_id, entity_id, until, reason } = sent.json()?;
    let add = AddSilence { violation_type, venue_id, entity_id, until, reason };
    call.command(sent, Command::AddSilence(Box::new(add))).await
}

/// Ends a silence before its time. Nothing is sent late.
#[utoipa::path(
    delete, path = "/api/action-center/silences/{id}", tag = "Silences", params(("id" = Uuid, Path)),
    responses((status = 200, description = "It is over"))
)]
pub async fn end(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::Silence)?;
    let id = path::uuid(&req)?;
    call.command(Sent::nothing(), Command::EndSilence(EndSilence { id })).await
}

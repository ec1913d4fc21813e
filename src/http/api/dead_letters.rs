//! What failed for good: actions, and what webhooks were to be told.

use actix_web::{HttpRequest, web};

use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::view::dead_letters::{DeadLetterView, dead_letters};
use crate::domain::view::webhooks::ReplayedView;
use crate::domain::webhooks::care::ResendNotice;
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// What failed for good, newest first.
#[utoipa::path(
    get, path = "/api/settings/dead-letters", tag = "Webhooks",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of dead letters", body = PageOf<DeadLetterView>))
)]
pub async fn list_dead(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManageWebhooks)?;
    call.expect_to_cover(None)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    call.show(&query, move |state, _| Ok(dead_letters(state, paging))).await
}

/// Tells a notice again that was given up, under its old id. An action is sent again with `POST /api/action-center/actions/{id}/retry`.
#[utoipa::path(
    post, path = "/api/settings/dead-letters/{id}/resend", tag = "Webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, description = "It is told again", body = ReplayedView))
)]
pub async fn resend(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManageWebhooks)?;
    call.expect_to_cover(None)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    sent.expect_nothing()?;
    call.command(sent, Command::ResendNotice(ResendNotice { id })).await
}

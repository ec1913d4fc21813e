//! The busiest hours of the houses, in which only what is critical reaches people.

use actix_web::{HttpRequest, web};

use crate::domain::command::Command;
use crate::domain::notifications::rush::{ChangeRush, RushDraft};
use crate::domain::permission::Operation;
use crate::domain::view::list::bytes;
use crate::domain::view::notifications;
use crate::http::caller::Call;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The busiest hours.
#[utoipa::path(
    get, path = "/api/settings/rush", tag = "Settings", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The windows, which can be changed and sent back", body = RushDraft))
)]
pub async fn show_rush(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, _| Ok(bytes(&notifications::rush(state)))).await
}

/// Declares the busiest hours. In them only what is critical reaches people; the rest arrives as one digest when they are over.
#[utoipa::path(
    put, path = "/api/settings/rush", tag = "Settings", request_body = RushDraft,
    responses((status = 200, description = "The windows", body = RushDraft))
)]
pub async fn change_rush(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let RushDraft { peak_windows } = sent.json()?;
    call.command(sent, Command::ChangeRush(ChangeRush { windows: peak_windows })).await
}

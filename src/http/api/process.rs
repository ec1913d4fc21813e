//! Working off what is due, now rather than when its time comes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

use crate::actors::engine::Processed;
use crate::domain::permission::Operation;
use crate::domain::view::list::bytes;
use crate::http::body::Sent;
use crate::http::caller::{Call, is_cron, site};
use crate::http::respond::{self, Answer};

/// Works off what is due in the caller's organisation, or with the scheduler's secret in all of them.
#[utoipa::path(
    post, path = "/api/action-center/process", tag = "Actions",
    responses((status = 200, description = "What was done, and what is left", body = Processed))
)]
pub async fn process(req: HttpRequest, payload: web::Payload) -> Answer {
    let site = site(&req)?;
    if is_cron(req.headers(), site.settings.cron_secret.as_deref()) {
        Sent::read(&req, payload, &site.settings).await?.expect_nothing()?;
        let processed = site.engine.process(None).await?;
        return Ok(respond::json(StatusCode::OK, bytes(&processed), None));
    }
    let call = Call::allowed(&req, Operation::WorkQueue)?;
    call.sent(&req, payload).await?.expect_nothing()?;
    let processed = site.engine.process(Some(call.org())).await?;
    Ok(respond::json(StatusCode::OK, bytes(&processed), Some(call.org().version())))
}

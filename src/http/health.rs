//! Whether the server lives, whether it is ready, and what it has counted.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::caller::site;
use super::metrics;
use super::respond::{self, Answer};
use crate::actors::refusal::Refusal;

/// Lives.
#[utoipa::path(get, path = "/healthz", tag = "Server", responses((status = 200, description = "The process answers")))]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn live() -> HttpResponse {
    respond::json(StatusCode::OK, r#"{"status":"live"}"#, None)
}

/// Ready: every organisation can answer, and the server is not stopping.
#[utoipa::path(get, path = "/readyz", tag = "Server", responses((status = 200, description = "Ready for traffic")))]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn ready(req: HttpRequest) -> Answer {
    let site = site(&req)?;
    if site.engine.is_stopping() {
        return Err(Refusal::Stopping.into());
    }
    if !site.engine.is_ready() {
        return Err(Refusal::Starting.into());
    }
    Ok(respond::json(StatusCode::OK, r#"{"status":"ready"}"#, None))
}

/// What was counted, as Prometheus text.
#[utoipa::path(
    get, path = "/metrics", tag = "Server",
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain"))
)]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn counted() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics::render())
}

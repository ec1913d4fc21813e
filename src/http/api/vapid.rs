//! What a browser subscribes to push messages with.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::view::list::bytes;
use crate::http::caller::Call;
use crate::http::respond::{self, Answer};

/// The public key of this server's push messages.
#[derive(Serialize, ToSchema)]
pub struct VapidKeyView<'a> {
    /// An uncompressed point of P-256 in base64url: the `applicationServerKey` of a subscription.
    public_key: &'a str,
}

/// The public key of this server's push messages (RFC 8292).
#[utoipa::path(
    get, path = "/api/notifications/vapid-key", tag = "Notifications",
    responses((status = 200, description = "The key", body = VapidKeyView))
)]
pub async fn vapid_key(req: HttpRequest) -> Answer {
    let call = Call::known(&req)?;
    let body = bytes(&VapidKeyView { public_key: &call.site.settings.vapid_public_key });
    Ok(respond::json(StatusCode::OK, body, Some(call.org().version())))
}

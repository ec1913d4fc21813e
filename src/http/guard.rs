//! What stands around every route but the check: an id for the request, one answer for a panic, headers, counting.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use futures_util::FutureExt;

use super::metrics;
use super::problem::problem;

/// The header with the id of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 64;

/// The id of a request: the caller's own where it is well formed, else made here.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// Serves one request of a route. A panic costs this answer and nothing else.
///
/// # Errors
/// `internal-error` after a panic.
pub async fn around(
    route: &'static str,
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let id = RequestId(of(req.headers()).unwrap_or_else(made));
    req.extensions_mut().insert(id.clone());
    let served = AssertUnwindSafe(next.call(req)).catch_unwind().await;
    let Ok(served) = served else {
        tracing::error!(route, request = %id.0, "a handler panicked");
        metrics::request(route, StatusCode::INTERNAL_SERVER_ERROR, began.elapsed());
        return Err(problem!("internal-error", "the request failed by a fault of the server").into());
    };
    let mut answer = served?;
    let status = answer.status();
    if status.is_server_error() {
        tracing::warn!(route, request = %id.0, status = status.as_u16(), "not served");
    }
    metrics::request(route, status, began.elapsed());
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer)
}

/// The caller's own id, where it is 1 to 64 letters, digits, `-`, `_` or `.`.
fn of(headers: &HeaderMap) -> Option<Arc<str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=REQUEST_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| text.into())
}

/// Different for every request of this process, and, but for chance, for every process.
fn made() -> Arc<str> {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or_default());
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    async fn break_down() -> HttpResponse {
        panic!("as the test wants it")
    }

    #[actix_web::test]
    async fn a_panic_is_a_problem_of_this_request_only() {
        let resource = web::resource("/x").wrap(from_fn(|req, next| around("/x", req, next))).to(break_down);
        let app = init_service(App::new().service(resource)).await;
        for _ in 0..2 {
            let error = match actix_web::dev::Service::call(&app, TestRequest::with_uri("/x").to_request()).await {
                Ok(answer) => answer.map_into_boxed_body(),
                Err(error) => {
                    let req = TestRequest::default().to_http_request();
                    ServiceResponse::new(req, error.error_response())
                }
            };
            assert_eq!(error.status(), 500);
            let body: serde_json::Value = read_body_json(error).await;
            assert_eq!(body["code"], "internal-error");
        }
    }

    #[actix_web::test]
    async fn a_well_formed_request_id_comes_back() {
        let resource =
            web::resource("/x").wrap(from_fn(|req, next| around("/x", req, next))).to(HttpResponse::NoContent);
        let app = init_service(App::new().service(resource)).await;
        let asked = |id: &'static str| TestRequest::with_uri("/x").insert_header((REQUEST_ID, id)).to_request();
        let own = call_service(&app, asked("till-4.17")).await;
        assert_eq!(own.headers().get(REQUEST_ID).unwrap(), "till-4.17");
        assert_eq!(own.headers().get(X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
        let other = call_service(&app, asked("a b")).await;
        assert_ne!(other.headers().get(REQUEST_ID).unwrap(), "a b");
    }
}

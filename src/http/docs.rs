//! What people read: the API, and what each problem means. Everything is served from the binary.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::openapi;
use super::problem::{CODES, not_found};
use super::problem_pages::PAGES;
use super::respond::Answer;

/// The API as an OpenAPI document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "Server",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"))
)]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::text())
}

/// Leads to the readable form of the API.
#[utoipa::path(get, path = "/api/docs", tag = "Server", responses((status = 302, description = "To `/api/docs/`")))]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn reader() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/api/docs/")).finish()
}

/// All kinds of problems.
#[utoipa::path(
    get, path = "/docs/problems", tag = "Server",
    responses((status = 200, description = "A list", body = String, content_type = "text/plain"))
)]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn problems() -> HttpResponse {
    let line =
        |one: &super::problem::ProblemCode| format!("{} /docs/problems/{} - {}\n", one.status, one.code, one.title);
    text(CODES.iter().map(line).collect())
}

/// What a kind of problem means, and what to do.
#[utoipa::path(
    get, path = "/docs/problems/{code}", tag = "Server", params(("code" = String, Path)),
    responses((status = 200, description = "Markdown", body = String, content_type = "text/plain"))
)]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn problem(req: HttpRequest) -> Answer {
    let code = req.match_info().get("code").unwrap_or_default();
    let page = PAGES.iter().find(|(own, _)| *own == code);
    page.map(|(_, page)| text((*page).to_owned())).ok_or_else(not_found)
}

fn text(text: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}

/// The pages that show the API; they load nothing from elsewhere.
pub fn pages() -> SwaggerUi {
    SwaggerUi::new("/api/docs/{_:.*}").config(Config::from("/api/openapi.json"))
}

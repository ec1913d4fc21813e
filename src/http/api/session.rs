//! Logging in and out. Whatever is wrong with a login, the answer and the time are the same.

use std::sync::Arc;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::actors::refusal::Refusal;
use crate::clock;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::sessions::{CloseSession, OpenSession, SESSION_MS};
use crate::domain::directory::state::Directory;
use crate::domain::directory::view;
use crate::domain::ids::{OrgId, UserId};
use crate::domain::people::{Caller, Cause, Held, Via, Who};
use crate::domain::rejection::Rejection;
use crate::http::body::Sent;
use crate::http::caller::{Call, counted, not_allowed, request_id, site};
use crate::http::credential::{COOKIE_NAME, Holder, hash};
use crate::http::origin::{csrf_token, expect_origin_if_sent};
use crate::http::problem::{Problem, problem};
use crate::http::respond::{self, Answer};
use crate::http::sealed;

/// A login.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    org_id: String,
    email: String,
    password: String,
}

/// Who one is.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is put together here")]
pub struct SessionView {
    org_id: String,
    /// The person, in a session.
    #[schema(value_type = Option<Object>)]
    user: Option<Value>,
    /// What a change in the session carries as `X-CSRF-Token`.
    csrf_token: Option<String>,
    /// The key, where the credential is one.
    #[schema(value_type = Option<Object>)]
    key: Option<Value>,
}

/// Somebody of this address, whether or not they can log in.
struct Found {
    id: UserId,
    password_hash: Option<Arc<str>>,
    shown: Value,
}

/// Logs in, and sets the cookie `ac_session`.
#[utoipa::path(
    post, path = "/api/session", tag = "Session", request_body = LoginBody,
    responses((status = 200, description = "Who one is, and the CSRF token", body = SessionView))
)]
pub async fn login(req: HttpRequest, payload: web::Payload) -> Answer {
    let site = site(&req)?;
    expect_origin_if_sent(req.headers(), site.settings.cookie_secure)?;
    let LoginBody { org_id, email, password } = Sent::read(&req, payload, &site.settings).await?.json()?;
    let org = OrgId::parse(&org_id).ok();
    let found = match org.clone() {
        Some(org) => site.engine.directory_read(move |directory| find(directory, &org, &email)).await?,
        None => None,
    };
    let known_hash = found.as_ref().and_then(|found| found.password_hash.clone());
    let is_right = site.passwords.verify(password, known_hash).await?;
    let (Some(org_id), Some(found), true) = (org, found, is_right) else { return Err(bad_login()) };

    let id = sealed::random_text()?;
    let server_key = &site.settings.server_key;
    let session = hash(server_key, id.as_bytes());
    let cause = Cause { who: Who::Person(found.id.clone()), via: Via::Page, request: request_id(&req) };
    let caller = Caller { cause, held: Held::Nothing, role: None, venues: None };
    let command = OpenSession { org_id: org_id.clone(), user_id: found.id, hash: session };
    let opened = site.engine.directory_command(DirectoryCommand::OpenSession(command), caller, None).await;
    match opened {
        // Removed since their password was read.
        Err(Refusal::Rejected(Rejection::NotFound)) => return Err(bad_login()),
        opened => counted(opened)?,
    };
    let entry = site.engine.access().session(&session, clock::now_ms());
    let token = csrf_token(server_key, id.as_bytes());
    let body = json!({ "org_id": org_id, "user": found.shown, "csrf_token": token }).to_string();
    let mut answer = respond::json(StatusCode::OK, body, entry.map(|entry| entry.org.version()));
    set_cookie(&mut answer, cookie(id, Duration::milliseconds(SESSION_MS), site.settings.cookie_secure))?;
    Ok(answer)
}

fn find(directory: &Directory, org: &OrgId, email: &str) -> Option<Found> {
    let user = directory.user_by_email(org, email)?;
    let shown = serde_json::to_value(view::user(user)).unwrap_or_default();
    Some(Found { id: user.id.clone(), password_hash: user.password_hash.clone(), shown })
}

/// Who am I?
#[utoipa::path(
    get, path = "/api/session", tag = "Session",
    responses((status = 200, description = "Who one is", body = SessionView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::known(&req)?;
    let org_id = call.org_id();
    let body = match &call.holder {
        Holder::Key(key) => json!({
            "org_id": org_id,
            "key": {
                "id": key.id, "scopes": key.scopes.list(), "venues": key.venues, "authority": key.authority,
                "person": key.person,
            },
        }),
        Holder::Session(session) => json!({
            "org_id": org_id,
            "user": {
                "id": session.user_id, "org_id": org_id, "name": session.name, "email": session.email,
                "role": session.role, "venues": session.venues,
            },
            "csrf_token": csrf_token(&call.site.settings.server_key, sealed::shown(&req)?),
        }),
    };
    Ok(respond::json(StatusCode::OK, body.to_string(), Some(call.org().version())))
}

/// Logs out.
#[utoipa::path(
    delete, path = "/api/session", tag = "Session",
    responses((status = 200, description = "The cookie opens nothing any more"))
)]
pub async fn logout(req: HttpRequest) -> Answer {
    let call = Call::known(&req)?;
    let Holder::Session(_) = &call.holder else { return Err(not_allowed()) };
    let hash = hash(&call.site.settings.server_key, sealed::shown(&req)?);
    let done = call.directory(Sent::nothing(), DirectoryCommand::CloseSession(CloseSession { hash })).await?;
    let mut answer = call.accepted(done);
    set_cookie(&mut answer, cookie(String::new(), Duration::ZERO, call.site.settings.cookie_secure))?;
    Ok(answer)
}

fn cookie(id: String, max_age: Duration, secure: bool) -> Cookie<'static> {
    let cookie = Cookie::build(COOKIE_NAME, id).path("/").http_only(true).same_site(SameSite::Lax);
    cookie.secure(secure).max_age(max_age).finish()
}

fn set_cookie(answer: &mut actix_web::HttpResponse, cookie: Cookie<'_>) -> Result<(), Problem> {
    answer.add_cookie(&cookie).map_err(|_| problem!("internal-error"))
}

fn bad_login() -> Problem {
    problem!("bad-login", "no such organisation, address and password together")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_our_pages_and_not_for_their_scripts() {
        let text = cookie("id".into(), Duration::milliseconds(SESSION_MS), true).to_string();
        for part in ["ac_session=id", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=43200"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!cookie("id".into(), Duration::ZERO, false).to_string().contains("Secure"));
    }
}

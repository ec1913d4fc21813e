//! The caller of a request: whose credential it is, what it may do, and the organisation that it is for.
//!
//! Promise: the organisation always comes from the credential, and every handler names the operation that it carries out.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use super::body::Sent;
use super::credential::{Holder, Shown, is_secret};
use super::guard::RequestId;
use super::idempotency;
use super::metrics;
use super::origin;
use super::problem::{Problem, problem};
use super::query::Query;
use super::respond::{self, Answer};
use super::site::{BULK_BYTES_MAX, Site};
use crate::actors::org::OrgRef;
use crate::actors::refusal::{Accepted, Refusal};
use crate::clock;
use crate::domain::command::Command;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::state::Directory;
use crate::domain::ids::{OrgId, VenueId};
use crate::domain::people::{Caller, Cause, Held, Via, Who};
use crate::domain::permission::{Operation, allows};
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// A request by somebody who is known.
pub struct Call {
    /// What every handler reaches.
    pub site: web::Data<Site>,
    /// Whose credential it is.
    pub holder: Holder,
    /// What decisions look at.
    pub caller: Caller,
}

impl Call {
    /// The caller, who must be allowed to do this.
    ///
    /// # Errors
    /// `no-credential`, `bad-credential`, `bad-origin`, `bad-csrf-token`, `starting`, `not-allowed`.
    pub fn allowed(req: &HttpRequest, operation: Operation) -> Result<Self, Problem> {
        let call = Self::known(req)?;
        if allows(operation, call.holder.credential()) { Ok(call) } else { Err(not_allowed()) }
    }

    /// The caller, whatever they want.
    ///
    /// # Errors
    /// As [`Call::allowed`], without the last.
    pub fn known(req: &HttpRequest) -> Result<Self, Problem> {
        let site = site(req)?;
        let shown = Shown::of(req.headers());
        let holder = find(&site, shown)?;
        if let (Shown::Session(id), false) = (shown, is_safe(req.method())) {
            let settings = &site.settings;
            origin::expect_own_page(req.headers(), id, &settings.server_key, settings.cookie_secure)?;
        }
        let caller = Caller {
            cause: cause(req, &holder),
            held: holder.held(),
            role: holder.role(),
            venues: holder.venues().cloned(),
        };
        Ok(Self { site, holder, caller })
    }

    /// The organisation.
    pub fn org(&self) -> &OrgRef {
        self.holder.org()
    }

    /// Its id.
    pub fn org_id(&self) -> &OrgId {
        &self.org().org_id
    }

    /// Reads what was sent.
    ///
    /// # Errors
    /// Those of [`Sent::read`].
    pub async fn sent(&self, req: &HttpRequest, payload: web::Payload) -> Result<Sent, Problem> {
        Sent::read(req, payload, &self.site.settings).await
    }

    /// Reads many things that were sent at once, which may be larger together.
    ///
    /// # Errors
    /// Those of [`Sent::read`].
    pub async fn sent_many(&self, req: &HttpRequest, payload: web::Payload) -> Result<Sent, Problem> {
        let settings = &self.site.settings;
        Sent::read_up_to(req, payload, settings, BULK_BYTES_MAX.max(settings.body_bytes_max)).await
    }

    /// Has a command carried out, and answers.
    ///
    /// # Errors
    /// The refusal.
    pub async fn command(&self, sent: Sent, command: Command) -> Answer {
        let engine = &self.site.engine;
        let done = counted(engine.command(self.org(), command, self.caller.clone(), sent.request).await)?;
        let version = done.version;
        Ok(respond::accepted(done, Some(version)))
    }

    /// Has the directory carry out a command.
    ///
    /// # Errors
    /// The refusal.
    pub async fn directory(&self, sent: Sent, command: DirectoryCommand) -> Result<Accepted, Problem> {
        let request = idempotency::within(sent.request, self.org_id().as_str());
        counted(self.site.engine.directory_command(command, self.caller.clone(), request).await)
    }

    /// The answer to a command of the directory. Its version is the organisation's, which callers compare.
    pub fn accepted(&self, done: Accepted) -> HttpResponse {
        respond::accepted(done, Some(self.org().version()))
    }

    /// Shows something of the organisation.
    ///
    /// # Errors
    /// `bad-parameter`, `version-not-reached`, and what the view gives.
    pub async fn show<F>(&self, query: &Query<'_>, view: F) -> Answer
    where
        F: FnOnce(&TenantState, &Caller) -> Result<Vec<u8>, Rejection> + Send + 'static,
    {
        let caller = self.caller.clone();
        let shown = self.site.engine.read(self.org(), query.min_version()?, move |state| view(state, &caller)).await;
        let (body, version) = shown?;
        Ok(respond::json(actix_web::http::StatusCode::OK, body?, Some(version)))
    }

    /// Shows something of the directory.
    ///
    /// # Errors
    /// `bad-parameter`, `version-not-reached`.
    pub async fn show_directory<F>(&self, query: &Query<'_>, view: F) -> Answer
    where
        F: FnOnce(&Directory, &OrgId) -> Vec<u8> + Send + 'static,
    {
        let version = self.org().version();
        if query.min_version()?.is_some_and(|wanted| wanted > version) {
            return Err(Refusal::Behind { version }.into());
        }
        let org_id = self.org_id().clone();
        let body = self.site.engine.directory_read(move |directory| view(directory, &org_id)).await?;
        Ok(respond::json(actix_web::http::StatusCode::OK, body, Some(version)))
    }

    /// Checks that the caller's power reaches as far as a thing that is for these venues, or for all.
    ///
    /// # Errors
    /// `venue-not-allowed`: who is limited to venues manages nobody and nothing beyond them.
    pub fn expect_to_cover(&self, venues: Option<&[VenueId]>) -> Result<(), Problem> {
        let covered = match (&self.caller.venues, venues) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(venues)) => venues.iter().all(|venue| self.caller.reaches(Some(venue))),
        };
        if covered { Ok(()) } else { Err(Rejection::VenueNotAllowed.into()) }
    }

    /// The same for something of the directory; `find` gives its venues, and nothing where it is not there.
    ///
    /// # Errors
    /// `venue-not-allowed`.
    pub async fn expect_to_cover_found<F>(&self, find: F) -> Result<(), Problem>
    where
        F: FnOnce(&Directory, &OrgId) -> Option<Option<Vec<VenueId>>> + Send + 'static,
    {
        if self.caller.venues.is_none() {
            return Ok(());
        }
        let org_id = self.org_id().clone();
        let found = self.site.engine.directory_read(move |directory| find(directory, &org_id)).await?;
        found.map_or(Ok(()), |venues| self.expect_to_cover(venues.as_deref()))
    }

    /// Checks venues that are handed on to somebody else: they exist, and nobody hands on more than they have.
    ///
    /// # Errors
    /// `unknown-venue`, `venue-not-allowed`.
    pub async fn expect_venues(&self, venues: Option<&[VenueId]>) -> Result<(), Problem> {
        if let Some(venues) = venues {
            let named = venues.to_vec();
            let known = move |state: &TenantState| named.iter().all(|venue| state.venue(venue).is_some());
            let (known, _) = self.site.engine.read(self.org(), None, known).await?;
            if !known {
                return Err(Rejection::UnknownVenue { pointer: "/venues" }.into());
            }
        }
        self.expect_to_cover(venues)
    }
}

/// The site, which every server has.
///
/// # Errors
/// `internal-error` when it was left out.
pub fn site(req: &HttpRequest) -> Result<web::Data<Site>, Problem> {
    req.app_data::<web::Data<Site>>().cloned().ok_or_else(|| problem!("internal-error"))
}

/// Counts what became of a command, and makes a problem of a refusal.
///
/// # Errors
/// The refusal.
pub fn counted(result: Result<Accepted, Refusal>) -> Result<Accepted, Problem> {
    match result {
        Ok(done) => {
            metrics::command(if done.replayed { "replayed" } else { "accepted" });
            Ok(done)
        }
        Err(refusal) => {
            let problem = Problem::from(refusal);
            metrics::command("refused");
            metrics::rejection(problem.code());
            Err(problem)
        }
    }
}

/// The operator, by the token of the server.
///
/// # Errors
/// `no-credential`, `bad-credential`.
pub fn operator(req: &HttpRequest) -> Result<(web::Data<Site>, Caller), Problem> {
    let site = site(req)?;
    match Shown::of(req.headers()) {
        Shown::Bearer(token) if is_secret(token, site.settings.operator_token.as_bytes()) => {
            let cause = Cause { who: Who::Operator, via: Via::Api, request: request_id(req) };
            Ok((site, Caller { cause, held: Held::Top, role: None, venues: None }))
        }
        shown => Err(unknown(shown)),
    }
}

/// Whether the request carries the secret of the scheduler outside.
pub fn is_cron(headers: &HeaderMap, cron_secret: Option<&str>) -> bool {
    match (Shown::of(headers), cron_secret) {
        (Shown::Bearer(token), Some(secret)) => is_secret(token, secret.as_bytes()),
        (Shown::Bearer(_) | Shown::Session(_) | Shown::Other | Shown::Nothing, _) => false,
    }
}

/// The id of this request.
pub fn request_id(req: &HttpRequest) -> Option<Arc<str>> {
    req.extensions().get::<RequestId>().map(|id| id.0.clone())
}

/// `not-allowed`.
pub fn not_allowed() -> Problem {
    problem!("not-allowed", "this credential may not do that")
}

fn find(site: &Site, shown: Shown<'_>) -> Result<Holder, Problem> {
    let engine = &site.engine;
    let found = Holder::find(engine.access(), shown, &site.settings.server_key, clock::now_ms());
    found.ok_or_else(|| match shown {
        // Credentials that are not read yet are not bad ones.
        Shown::Bearer(_) | Shown::Session(_) if !engine.is_ready() => Refusal::Starting.into(),
        shown => unknown(shown),
    })
}

fn unknown(shown: Shown<'_>) -> Problem {
    match shown {
        Shown::Nothing => problem!("no-credential", "a bearer token or a session is needed"),
        Shown::Bearer(_) | Shown::Session(_) | Shown::Other => {
            problem!("bad-credential", "this credential opens nothing")
        }
    }
}

fn cause(req: &HttpRequest, holder: &Holder) -> Cause {
    let request = request_id(req);
    match holder {
        Holder::Key(key) => {
            Cause { who: Who::Key { id: key.id.clone(), person: key.person.clone() }, via: Via::Api, request }
        }
        Holder::Session(session) => Cause { who: Who::Person(session.user_id.clone()), via: Via::Page, request },
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    #[test]
    fn the_scheduler_outside_needs_a_secret_that_is_set() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer tick"));
        assert!(is_cron(&headers, Some("tick")));
        assert!(!is_cron(&headers, Some("tock")));
        assert!(!is_cron(&headers, None));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer "));
        assert!(!is_cron(&headers, Some("")));
    }

    #[test]
    fn what_opens_nothing_is_told_apart_from_nothing_shown() {
        assert_eq!(unknown(Shown::Nothing).code(), "no-credential");
        assert_eq!(unknown(Shown::Bearer(b"x")).code(), "bad-credential");
    }
}

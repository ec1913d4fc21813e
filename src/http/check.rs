//! The hot path: `GET /api/action-center/blocks` without `mode=list`.
//!
//! Promise: key index, block index, bytes; no lock, no mailbox, no await, no session, no log, and no allocation but the answer's.
//! What cannot be decided is answered as blocked, never as allowed.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::caller::not_allowed;
use super::check_query::CheckQuery;
use super::credential::{Holder, Shown};
use super::metrics;
use super::problem::{Problem, problem};
use super::site::Site;
use crate::actors::org::{Condition, Org};
use crate::actors::refusal::Refusal;
use crate::clock;
use crate::domain::blocks::OnError;
use crate::domain::ids::VenueId;
use crate::domain::permission::{Operation, allows};
use crate::domain::rejection::Rejection;

/// Whether an entity may do an operation now.
#[utoipa::path(
    get, path = "/api/action-center/blocks", tag = "Blocks", params(super::api::blocks::BlocksParams),
    responses((status = 200, description = "The decision, or with `mode=list` a page of blocks",
        body = inline(super::api::blocks::CheckOrPage)))
)]
#[allow(clippy::unused_async, reason = "actix takes async functions")]
pub async fn check(req: HttpRequest) -> HttpResponse {
    // No middleware stands around this route, so a panic is caught here.
    let answered = catch_unwind(AssertUnwindSafe(|| answer(&req)));
    let answered = answered.unwrap_or_else(|_| Err(problem!("internal-error")));
    answered.unwrap_or_else(|problem| {
        let checks = metrics::checks();
        let counter = if problem.code() == "decision-unknown" { &checks.unknown } else { &checks.refused };
        counter.increment(1);
        problem.error_response()
    })
}

fn answer(req: &HttpRequest) -> Result<HttpResponse, Problem> {
    let site = req.app_data::<Data<Site>>().ok_or_else(|| problem!("internal-error"))?;
    let engine = &site.engine;
    let now_ms = clock::now_ms();
    let shown = Shown::of(req.headers());
    let Some(holder) = Holder::find(engine.access(), shown, &site.settings.server_key, now_ms) else {
        return Err(stranger(shown, site));
    };
    if !allows(Operation::CheckBlock, holder.credential()) {
        return Err(not_allowed());
    }
    let mut asked = CheckQuery::parse(req.query_string())?;
    if let Some(only) = assumed_venue(holder.venues(), asked.venue_id.as_deref())? {
        asked.venue_id = Some(Cow::Borrowed(only.as_str()));
    }
    let org = holder.org();
    expect_ready(org, engine.default_on_error())?;
    // Read before the look-up: the answer is at least as new as the version that it names.
    let version = org.version();
    if asked.min_version.is_some_and(|wanted| wanted > version) {
        return Err(Refusal::Behind { version }.into());
    }
    let mut body = Vec::new(); // the index reserves exactly what it writes
    let blocked = engine.blocks().check(org.stream, &asked.question(), now_ms, version, &mut body);
    let checks = metrics::checks();
    if blocked { &checks.block } else { &checks.allow }.increment(1);
    let mut answer = HttpResponse::with_body(StatusCode::OK, actix_web::body::BoxBody::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

fn stranger(shown: Shown<'_>, site: &Site) -> Problem {
    match shown {
        Shown::Nothing => problem!("no-credential", "a bearer token or a session is needed"),
        Shown::Bearer(_) | Shown::Session(_) if !site.engine.is_ready() => unknown(site.engine.default_on_error()),
        Shown::Bearer(_) | Shown::Session(_) | Shown::Other => {
            problem!("bad-credential", "this credential opens nothing")
        }
    }
}

/// A caller who is limited to venues asks about those. Without a venue a question is about all venues, so such a caller names one;
/// where there is only one, it is meant, and given here.
///
/// # Errors
/// `venue-not-allowed`.
pub fn assumed_venue<'a>(
    limit: Option<&'a Arc<[VenueId]>>,
    asked: Option<&str>,
) -> Result<Option<&'a VenueId>, Problem> {
    match (limit.map(AsRef::as_ref), asked) {
        (None, _) => Ok(None),
        (Some(venues), Some(asked)) if venues.iter().any(|venue| venue.as_str() == asked) => Ok(None),
        (Some(_), Some(_)) => Err(Rejection::VenueNotAllowed.into()),
        (Some([only]), None) => Ok(Some(only)),
        (Some(_), None) => Err(problem!("venue-not-allowed", "this credential is limited to venues: name a venue")),
    }
}

/// Only an organisation that is ready decides.
///
/// # Errors
/// `decision-unknown`.
pub fn expect_ready(org: &Org, on_error: OnError) -> Result<(), Problem> {
    match org.condition() {
        Condition::Ready => Ok(()),
        Condition::Starting | Condition::Quarantined => Err(unknown(on_error)),
    }
}

fn unknown(on_error: OnError) -> Problem {
    problem!("decision-unknown", "the organisation cannot answer at the moment")
        .member("blocked", true)
        .member("decision", "unknown")
        .member("on_error", on_error.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_limited_to_venues_asks_about_one_of_them() {
        let venues = |ids: &[&str]| -> Arc<[VenueId]> { ids.iter().map(|id| VenueId::parse(id).unwrap()).collect() };
        let assumed = |limit: &[&str], asked| {
            let found = assumed_venue(Some(&venues(limit)), asked).map(|venue| venue.map(ToString::to_string));
            found.map_err(|problem| problem.code())
        };
        assert_eq!(assumed(&["pier"], None), Ok(Some("pier".into())));
        assert_eq!(assumed(&["pier", "dock"], None), Err("venue-not-allowed"));
        assert_eq!(assumed(&[], None), Err("venue-not-allowed"));
        assert_eq!(assumed(&["pier", "dock"], Some("dock")), Ok(None));
        assert_eq!(assumed(&["pier"], Some("dock")), Err("venue-not-allowed"));
        assert!(matches!(assumed_venue(None, None), Ok(None)), "all venues");
    }

    #[test]
    fn what_cannot_be_decided_is_blocked() {
        let document = unknown(OnError::Closed).document();
        assert_eq!(document["blocked"], true);
        assert_eq!((document["decision"].as_str(), document["on_error"].as_str()), (Some("unknown"), Some("closed")));
        assert_eq!((document["status"].as_u64(), document["code"].as_str()), (Some(503), Some("decision-unknown")));
    }
}

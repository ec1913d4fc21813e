//! Venues, whose ids are chosen outside.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::command::Command;
use crate::domain::ids::VenueId;
use crate::domain::organisation::VenueDraft;
use crate::domain::permission::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::settings::{DeleteVenue, SaveVenue};
use crate::domain::view::list;
use crate::domain::view::shapes::{self, VenueView};
use crate::http::body::Sent;
use crate::http::caller::Call;
use crate::http::paging::PageOf;
use crate::http::path;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// All venues that the caller reaches, by id, on one page.
#[utoipa::path(
    get, path = "/api/settings/venues", tag = "Venues", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The venues", body = PageOf<VenueView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, caller| Ok(list::venues(state, caller))).await
}

/// A venue.
#[utoipa::path(
    get, path = "/api/settings/venues/{venue_id}", tag = "Venues",
    params(("venue_id" = String, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The venue", body = VenueView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    let id = VenueId::parse(&path::last(&req)?).map_err(|_| Rejection::NotFound)?;
    call.show(&query, move |state, caller| {
        let venue = state.venue(&id).filter(|venue| caller.reaches(Some(&venue.venue_id)));
        venue.map(|venue| list::bytes(&shapes::venue(venue))).ok_or(Rejection::NotFound)
    })
    .await
}

/// What a venue is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VenueBody {
    name: String,
    /// IANA, such as `Europe/Berlin`.
    time_zone: String,
    /// Hour of the local day at which a business day starts, 0 to 23; 4 by default.
    business_day_starts: Option<u8>,
    contacts: Option<BTreeMap<String, String>>,
}

/// Makes or replaces a venue.
#[utoipa::path(
    put, path = "/api/settings/venues/{venue_id}", tag = "Venues", request_body = VenueBody,
    params(("venue_id" = String, Path)),
    responses((status = 200, description = "The venue", body = VenueView))
)]
pub async fn save(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    let venue_id = path::last(&req)?;
    expect_reached(&call, &venue_id)?;
    let sent = call.sent(&req, payload).await?;
    let VenueBody { name, time_zone, business_day_starts, contacts } = sent.json()?;
    let draft = VenueDraft { name, time_zone, business_day_starts, contacts };
    call.command(sent, Command::SaveVenue(SaveVenue { venue_id, draft })).await
}

/// Ends a venue that nothing open names any more.
#[utoipa::path(
    delete, path = "/api/settings/venues/{venue_id}", tag = "Venues", params(("venue_id" = String, Path)),
    responses((status = 200, description = "It is gone"))
)]
pub async fn delete(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    let venue_id = path::last(&req)?;
    expect_reached(&call, &venue_id)?;
    call.command(Sent::nothing(), Command::DeleteVenue(DeleteVenue { venue_id })).await
}

/// Whoever is limited to venues changes those only, and makes no others.
fn expect_reached(call: &Call, venue_id: &str) -> Result<(), Problem> {
    match &call.caller.venues {
        Some(venues) if !venues.iter().any(|venue| venue.as_str() == venue_id) => {
            Err(Rejection::VenueNotAllowed.into())
        }
        Some(_) | None => Ok(()),
    }
}

//! API keys. The key itself is in one answer and nowhere else.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::venues as read_venues;
use crate::domain::directory::commands::{CreateKey, DirectoryCommand, RevokeKey};
use crate::domain::directory::view::{self, KeyView};
use crate::domain::people::{Authority, Scope};
use crate::domain::permission::Operation;
use crate::domain::time::Timestamp;
use crate::http::body::Sent;
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{Problem, invalid, problem};
use crate::http::query::Query;
use crate::http::respond::Answer;
use crate::http::sealed;

/// The keys, oldest first, without their secrets.
#[utoipa::path(
    get, path = "/api/keys", tag = "Keys",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of keys", body = PageOf<KeyView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManageKeys)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    call.show_directory(&query, move |directory, org| view::keys(directory, org, paging)).await
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    name: String,
    scopes: Vec<Scope>,
    /// All venues when absent.
    venues: Option<Vec<String>>,
    /// A rung of the organisation's authority ladder, given by an owner or a key of nobody; without it the key lifts only what names none.
    authority: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A new key, with the text that is shown this once.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is put together from the directory's view")]
pub struct NewKeyView {
    id: String,
    /// `ack_<id>_<secret>`.
    key: String,
    name: String,
    scopes: Vec<Scope>,
    venues: Option<Vec<String>>,
    authority: Option<String>,
    person: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    created_by: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Makes a key. A key made in a session belongs to that person, and never holds more authority than they do.
#[utoipa::path(
    post, path = "/api/keys", tag = "Keys", request_body = KeyBody,
    responses((status = 201, description = "The key", body = NewKeyView))
)]
pub async fn create(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManageKeys)?;
    let sent = call.sent(&req, payload).await?;
    let body: KeyBody = sent.json()?;
    let venues = read_venues(body.venues)?;
    call.expect_venues(venues.as_deref()).await?;
    let authority = body.authority.map(|rung| Authority::named(&rung));
    expect_rung(&call, authority.clone()).await?;
    let credential = sealed::shown(&req)?;
    let command = CreateKey {
        org_id: call.org_id().clone(),
        key: sealed::new_key(&call.site.settings.server_key, credential)?,
        name: body.name,
        scopes: body.scopes,
        venues,
        authority,
        expires_at: body.expires_at,
    };
    let mut done = call.directory(sent, DirectoryCommand::CreateKey(Box::new(command))).await?;
    (done.body, _) = sealed::reveal(&done.body, "key", credential)?;
    Ok(call.accepted(done))
}

async fn expect_rung(call: &Call, authority: Option<Authority>) -> Result<(), Problem> {
    let Some(authority) = authority else { return Ok(()) };
    if !call.holder.gives_authority() {
        return Err(problem!("not-allowed", "only an owner gives a key an authority"));
    }
    let known = move |state: &crate::domain::state::TenantState| state.organisation().rank(&authority).is_some();
    match call.site.engine.read(call.org(), None, known).await? {
        (true, _) => Ok(()),
        (false, _) => Err(invalid("/authority", "is not on the organisation's authority ladder")),
    }
}

/// Ends a key at once.
#[utoipa::path(
    delete, path = "/api/keys/{id}", tag = "Keys", params(("id" = String, Path)),
    responses((status = 200, description = "It opens nothing any more"))
)]
pub async fn revoke(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManageKeys)?;
    let id: std::sync::Arc<str> = path::last(&req)?.into();
    let named = id.clone();
    call.expect_to_cover_found(move |directory, org| directory.key(org, &named).map(|key| key.venues.clone())).await?;
    let command = RevokeKey { org_id: call.org_id().clone(), id };
    let done = call.directory(Sent::nothing(), DirectoryCommand::RevokeKey(command)).await?;
    Ok(call.accepted(done))
}

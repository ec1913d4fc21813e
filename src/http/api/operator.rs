//! What whoever runs the server does: organisations, listed and registered.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::clock;
use crate::domain::directory::commands::{DirectoryCommand, RegisterOrganisation};
use crate::domain::directory::people::CreateUser;
use crate::domain::directory::view::{self, OrganisationView};
use crate::domain::ids::OrgId;
use crate::domain::people::Role;
use crate::http::body::Sent;
use crate::http::caller::{counted, operator};
use crate::http::credential::hash;
use crate::http::idempotency;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::problem::{Problem, invalid};
use crate::http::query::Query;
use crate::http::respond::{self, Answer};
use crate::http::sealed;
use crate::http::site::Site;

/// All organisations, in the order of their registration.
#[utoipa::path(
    get, path = "/api/operator/orgs", tag = "Operator",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "A page of organisations", body = PageOf<OrganisationView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let (site, _) = operator(&req)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    let body = site.engine.directory_read(move |directory| view::organisations(directory, paging)).await?;
    Ok(respond::json(StatusCode::OK, body, None))
}

/// An organisation to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationBody {
    org_id: String,
    name: String,
    /// IANA; UTC when absent.
    time_zone: Option<String>,
    owner: Option<OwnerBody>,
}

/// Its first person, of the role `owner`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerBody {
    /// Made here when absent.
    id: Option<String>,
    email: String,
    name: String,
    password: Option<String>,
}

/// An organisation that was registered, with its first key, which is shown this once.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is put together from the directory's view")]
pub struct RegisteredView<'a> {
    org: OrganisationView<'a>,
    key_id: String,
    /// A key of every scope.
    admin_key: String,
}

/// Registers an organisation.
#[utoipa::path(
    post, path = "/api/operator/orgs", tag = "Operator", request_body = OrganisationBody,
    responses((status = 201, description = "The organisation and its first key", body = RegisteredView))
)]
pub async fn register(req: HttpRequest, payload: web::Payload) -> Answer {
    let (site, caller) = operator(&req)?;
    let sent = Sent::read(&req, payload, &site.settings).await?;
    let body: OrganisationBody = sent.json()?;
    let owner = match body.owner {
        Some(owner) => Some(first_person(&site, owner, &body.org_id).await?),
        None => None,
    };
    let (credential, server_key) = (sealed::shown(&req)?, &site.settings.server_key);
    let command = RegisterOrganisation {
        org_id: body.org_id,
        name: body.name,
        time_zone: body.time_zone,
        admin_key: sealed::new_key(server_key, credential)?,
        owner,
    };
    let command = DirectoryCommand::RegisterOrganisation(Box::new(command));
    let request = idempotency::within(sent.request, idempotency::OPERATOR);
    let mut done = counted(site.engine.directory_command(command, caller, request).await)?;
    let key;
    (done.body, key) = sealed::reveal(&done.body, "admin_key", credential)?;
    let entry = site.engine.access().key(&hash(server_key, key.as_bytes()), clock::now_ms());
    Ok(respond::accepted(done, entry.map(|entry| entry.org.version())))
}

async fn first_person(site: &Site, owner: OwnerBody, org_id: &str) -> Result<CreateUser, Problem> {
    let password_hash = match owner.password {
        Some(password) => Some(site.passwords.hash("/owner/password", password).await?),
        None => None,
    };
    Ok(CreateUser {
        org_id: OrgId::parse(org_id).map_err(|detail| invalid("/org_id", detail))?,
        id: owner.id,
        email: owner.email,
        name: owner.name,
        role: Role::Owner,
        venues: None,
        password_hash,
    })
}

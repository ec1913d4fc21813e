//! Violation types and their profiles.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::blocks::OnError;
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::view::types::{self, TypeView};
use crate::domain::violations::ViolationType;
use crate::domain::violations::own_types::{DeleteViolationType, OwnTypeDraft, SaveViolationType};
use crate::http::body::Sent;
use crate::http::caller::Call;
use crate::http::paging::PageOf;
use crate::http::path;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// Every type that has a profile, by name, on one page.
#[utoipa::path(
    get, path = "/api/settings/violation-types", tag = "Types", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The types", body = PageOf<TypeView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, _| Ok(types::all(state))).await
}

/// A type that has a profile.
#[utoipa::path(
    get, path = "/api/settings/violation-types/{type}", tag = "Types",
    params(("type" = String, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The type", body = TypeView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    let name = ViolationType::parse(&path::last(&req)?).map_err(|_| Rejection::NotFound)?;
    call.show(&query, move |state, _| types::one(state, &name).ok_or(Rejection::NotFound)).await
}

/// One path, or several of which the first that is there counts.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum PlacesBody {
    One(String),
    Several(Vec<String>),
}

/// What a type is to be. What is absent is as shipped; for a type that does not ship, there is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeBody {
    /// Path in the metadata of the number that thresholds look at.
    measure: Option<String>,
    /// Whom or what it is about: a path in the metadata, or `venue_id`; or up to 10 of them.
    #[schema(inline)]
    entity: Option<PlacesBody>,
    /// What an entity of the metadata is, such as `employee`.
    entity_type: Option<String>,
    /// What is blocked unless a template says otherwise.
    block_type: Option<String>,
    /// 1 to 525600, a year.
    resolve_after_quiet_minutes: Option<u32>,
    /// What a till does with such a block when it cannot reach us.
    on_error: Option<OnError>,
}

/// Gives a type a profile of the organisation's own, in place of an earlier one.
#[utoipa::path(
    put, path = "/api/settings/violation-types/{type}", tag = "Types", request_body = TypeBody,
    params(("type" = String, Path, description = "`[a-z][a-z0-9_]{0,63}`")),
    responses((status = 200, description = "The type", body = TypeView))
)]
pub async fn save(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let violation_type = path::last(&req)?;
    let sent = call.sent(&req, payload).await?;
    let TypeBody { measure, entity, entity_type, block_type, resolve_after_quiet_minutes, on_error } = sent.json()?;
    let entity = entity.map(|places| match places {
        PlacesBody::One(path) => vec![path],
        PlacesBody::Several(paths) => paths,
    });
    let draft = OwnTypeDraft { measure, entity, entity_type, block_type, resolve_after_quiet_minutes, on_error };
    call.command(sent, Command::SaveViolationType(SaveViolationType { violation_type, draft }.into())).await
}

/// Takes the organisation's own profile away: a shipped type is as shipped again, another has none.
#[utoipa::path(
    delete, path = "/api/settings/violation-types/{type}", tag = "Types", params(("type" = String, Path)),
    responses((status = 200, description = "The type as shipped; an empty object where it does not ship"))
)]
pub async fn delete(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let violation_type = path::last(&req)?;
    call.command(Sent::nothing(), Command::DeleteViolationType(DeleteViolationType { violation_type })).await
}

//! People: added, changed, removed.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::venues as read_venues;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::people::{ChangeUser, CreateUser, RemoveUser};
use crate::domain::directory::view::{self, UserView};
use crate::domain::ids::UserId;
use crate::domain::people::Role;
use crate::domain::permission::Operation;
use crate::http::body::{Sent, nullable};
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The people, oldest first.
#[utoipa::path(
    get, path = "/api/users", tag = "People",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of people", body = PageOf<UserView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManagePeople)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    call.show_directory(&query, move |directory, org| view::users(directory, org, paging)).await
}

/// A person to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    /// Made here when absent.
    id: Option<String>,
    email: String,
    name: String,
    role: Role,
    /// All venues when absent.
    venues: Option<Vec<String>>,
    /// 12 to 256 characters; without one, the person cannot log in.
    password: Option<String>,
}

/// Adds a person.
#[utoipa::path(
    post, path = "/api/users", tag = "People", request_body = UserBody,
    responses((status = 201, description = "The person", body = UserView))
)]
pub async fn create(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManagePeople)?;
    let sent = call.sent(&req, payload).await?;
    let body: UserBody = sent.json()?;
    let venues = read_venues(body.venues)?;
    call.expect_venues(venues.as_deref()).await?;
    let password_hash = match body.password {
        Some(password) => Some(call.site.passwords.hash("/password", password).await?),
        None => None,
    };
    let command = CreateUser {
        org_id: call.org_id().clone(),
        id: body.id,
        email: body.email,
        name: body.name,
        role: body.role,
        venues,
        password_hash,
    };
    let done = call.directory(sent, DirectoryCommand::CreateUser(Box::new(command))).await?;
    Ok(call.accepted(done))
}

/// What is to change of a person; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChangeBody {
    email: Option<String>,
    name: Option<String>,
    role: Option<Role>,
    /// Null: all venues.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    venues: Option<Option<Vec<String>>>,
    password: Option<String>,
}

/// Changes a person; another role, other venues or another password end their sessions.
#[utoipa::path(
    patch, path = "/api/users/{id}", tag = "People", request_body = UserChangeBody, params(("id" = String, Path)),
    responses((status = 200, description = "The person", body = UserView))
)]
pub async fn change(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManagePeople)?;
    let id = path::last(&req)?;
    expect_to_manage(&call, &id).await?;
    let sent = call.sent(&req, payload).await?;
    let body: UserChangeBody = sent.json()?;
    let venues = body.venues.map(read_venues).transpose()?;
    if let Some(venues) = &venues {
        call.expect_venues(venues.as_deref()).await?;
    }
    let password_hash = match body.password {
        Some(password) => Some(call.site.passwords.hash("/password", password).await?),
        None => None,
    };
    let command = ChangeUser {
        org_id: call.org_id().clone(),
        id,
        email: body.email,
        name: body.name,
        role: body.role,
        venues,
        password_hash,
    };
    let done = call.directory(sent, DirectoryCommand::ChangeUser(Box::new(command))).await?;
    Ok(call.accepted(done))
}

/// Removes a person, their sessions and their keys.
#[utoipa::path(
    delete, path = "/api/users/{id}", tag = "People", params(("id" = String, Path)),
    responses((status = 200, description = "They are out"))
)]
pub async fn remove(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManagePeople)?;
    let id = path::last(&req)?;
    expect_to_manage(&call, &id).await?;
    let command = RemoveUser { org_id: call.org_id().clone(), id };
    let done = call.directory(Sent::nothing(), DirectoryCommand::RemoveUser(command)).await?;
    Ok(call.accepted(done))
}

/// Whoever is limited to venues manages people of those venues only; a password is a person's whole power.
async fn expect_to_manage(call: &Call, id: &str) -> Result<(), Problem> {
    let Ok(id) = UserId::parse(id) else { return Ok(()) };
    call.expect_to_cover_found(move |directory, org| directory.user(org, &id).map(|user| user.venues.clone())).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::parse;

    #[test]
    fn venues_that_are_absent_stay_and_null_means_all() {
        let venues = |text: &str| parse::<UserChangeBody>(text.as_bytes()).unwrap().venues;
        assert_eq!(venues("{}"), None);
        assert_eq!(venues(r#"{"venues": null}"#), Some(None));
        assert_eq!(venues(r#"{"venues": ["pier"]}"#), Some(Some(vec!["pier".into()])));
    }
}

//! What the directory shows: never a hash, never a secret.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::state::Directory;
use super::{DirectoryAnswer, Key, Registration, User};
use crate::domain::decision::{Done, Reply};
use crate::domain::ids::{OrgId, OutsideId};
use crate::domain::people::{Authority, Role, Scope};
use crate::domain::time::Timestamp;
use crate::domain::view::answer::json;
use crate::domain::view::list::{Cursor, Page, Paging, bytes, page};

/// An organisation in the operator's list.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct OrganisationView<'a> {
    pub org_id: &'a str,
    pub name: &'a str,
    pub time_zone: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// An organisation.
pub fn organisation(registration: &Registration) -> OrganisationView<'_> {
    OrganisationView {
        org_id: registration.org_id.as_str(),
        name: &registration.name,
        time_zone: &registration.time_zone,
        created_at: registration.created_at,
    }
}

/// A key without its secret.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct KeyView<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub scopes: Vec<Scope>,
    pub venues: Option<Vec<&'a str>>,
    pub authority: Option<&'a Authority>,
    pub person: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub created_by: &'a str,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// A key.
pub fn key(key: &Key) -> KeyView<'_> {
    KeyView {
        id: &key.id,
        name: &key.name,
        scopes: key.scopes.list(),
        venues: key.venues.as_ref().map(|venues| venues.iter().map(OutsideId::as_str).collect()),
        authority: key.authority.as_ref(),
        person: key.person.as_ref().map(OutsideId::as_str),
        created_at: key.created_at,
        created_by: &key.created_by,
        expires_at: key.expires_at,
    }
}

/// A person without their password.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct UserView<'a> {
    pub id: &'a str,
    pub org_id: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub role: Role,
    pub venues: Option<Vec<&'a str>>,
    pub has_password: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A person.
pub fn user(user: &User) -> UserView<'_> {
    UserView {
        id: user.id.as_str(),
        org_id: user.org_id.as_str(),
        email: &user.email,
        name: &user.name,
        role: user.role,
        venues: user.venues.as_ref().map(|venues| venues.iter().map(OutsideId::as_str).collect()),
        has_password: user.password_hash.is_some(),
        created_at: user.created_at,
    }
}

/// Renders an answer. Where a key was made, `sealed` holds it for the caller's credential alone; what shows the answer
/// replaces it by the key.
pub fn reply(state: &Directory, answer: &DirectoryAnswer) -> Reply {
    match answer {
        DirectoryAnswer::Registered { org_id, key: id, sealed } => {
            let shown = state.organisation(org_id).map(organisation);
            json(Done::Created, &json!({ "org": shown, "key_id": id, "sealed": sealed }))
        }
        DirectoryAnswer::KeyMade { id, sealed } => {
            let found = state.key_by_id(id).map(key);
            let mut shown = serde_json::to_value(found).unwrap_or_default();
            shown["sealed"] = json!(sealed);
            json(Done::Created, &shown)
        }
        DirectoryAnswer::UserMade(org, id) => json(Done::Created, &state.user(org, id).map(user)),
        DirectoryAnswer::User(org, id) => json(Done::Done, &state.user(org, id).map(user)),
        DirectoryAnswer::Nothing => json(Done::Done, &json!({})),
    }
}

/// A page of an organisation's keys as JSON, oldest first.
pub fn keys(state: &Directory, org: &OrgId, paging: Paging) -> Vec<u8> {
    bytes(&page(paging.limit, state.keys_of(org, after(paging)), |_| true, |key| Cursor::Seq(key.seq), key))
}

/// A page of an organisation's people as JSON, oldest first.
pub fn users(state: &Directory, org: &OrgId, paging: Paging) -> Vec<u8> {
    bytes(&page(paging.limit, state.users_of(org, after(paging)), |_| true, |user| Cursor::Seq(user.seq), user))
}

/// A page of all organisations as JSON, in the order of their registration.
pub fn organisations(state: &Directory, paging: Paging) -> Vec<u8> {
    let mut found: Vec<&Registration> = state.organisations().filter(|one| one.stream.0 > after(paging)).collect();
    found.sort_by_key(|one| one.stream);
    let shown: Page<_> =
        page(paging.limit, found.into_iter(), |_| true, |one: &Registration| Cursor::Seq(one.stream.0), organisation);
    bytes(&shown)
}

fn after(paging: Paging) -> u64 {
    match paging.cursor {
        Some(Cursor::Seq(seq)) => seq,
        Some(Cursor::Dated(..)) | None => 0,
    }
}

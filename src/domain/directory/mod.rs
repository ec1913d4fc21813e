//! The directory: organisations, people, keys and sessions, which callers show before an organisation is even known.

pub mod commands;
pub mod people;
pub mod sessions;
pub mod state;
pub mod view;

use std::sync::Arc;

use uuid::Uuid;

use super::ids::{OrgId, StreamId, UserId, VenueId};
use super::people::{Authority, Caller, Cause, Held, Role, Scopes, Via, Who};
use super::time::Timestamp;

/// An organisation as the directory knows it; its settings are on its own stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Registration {
    pub org_id: OrgId,
    pub stream: StreamId,
    /// At its founding; the organisation may have another one since.
    pub name: Arc<str>,
    pub time_zone: Arc<str>,
    pub created_at: Timestamp,
}

/// An API key. The key itself is shown once; here is its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Key {
    pub id: Arc<str>,
    pub seq: u64,
    pub org_id: OrgId,
    pub name: Arc<str>,
    pub hash: [u8; 32],
    pub scopes: Scopes,
    pub venues: Option<Vec<VenueId>>,
    pub authority: Option<Authority>,
    /// Whose it is: the person in whose session it was made.
    pub person: Option<UserId>,
    pub created_at: Timestamp,
    pub created_by: Arc<str>,
    pub expires_at: Option<Timestamp>,
}

/// A person of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct User {
    pub id: UserId,
    pub seq: u64,
    pub org_id: OrgId,
    pub email: Arc<str>,
    pub name: Arc<str>,
    pub role: Role,
    pub venues: Option<Vec<VenueId>>,
    /// PHC string of the password; without one, nobody can log in as this person.
    pub password_hash: Option<Arc<str>>,
    pub created_at: Timestamp,
}

impl User {
    /// This person as they would decide now.
    pub fn standing(&self) -> Caller {
        Caller {
            cause: Cause { who: Who::Person(self.id.clone()), via: Via::Page, request: None },
            held: Held::of(self.role),
            role: Some(self.role),
            venues: self.venues.as_deref().map(Into::into),
        }
    }
}

/// A login. The cookie holds the id; here is its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Session {
    pub hash: [u8; 32],
    pub org_id: OrgId,
    pub user_id: UserId,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Facts of the directory: a line for each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum DirectoryEvent {
    OrganisationRegistered(Box<Registration>),
    KeyCreated(Box<Key>),
    KeyRevoked { org_id: OrgId, id: Arc<str> },
    UserSaved(Box<User>),
    UserRemoved { org_id: OrgId, id: UserId },
    SessionOpened(Box<Session>),
    SessionsClosed { hashes: Vec<[u8; 32]> },
    Answered,
}

/// What a caller of the directory is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryAnswer {
    /// An organisation that was registered, with its first key.
    Registered {
        /// The organisation.
        org_id: OrgId,
        /// The id of the key.
        key: Arc<str>,
        /// The key, sealed to the caller's credential.
        sealed: Vec<u8>,
    },
    /// A key that was made.
    KeyMade {
        /// Its id.
        id: Arc<str>,
        /// The key, sealed to the caller's credential.
        sealed: Vec<u8>,
    },
    /// A person who was added.
    UserMade(OrgId, UserId),
    /// A person.
    User(OrgId, UserId),
    /// Nothing to show.
    Nothing,
}

/// A new key as it comes to be: its secret is known outside only.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct NewKey {
    pub id: Arc<str>,
    pub hash: [u8; 32],
    /// The key, sealed to the credential of the caller who asked, so that a repeated request can show it again.
    pub sealed: Vec<u8>,
}

/// The id of a person who was given none.
pub fn new_user_id(id: Uuid) -> UserId {
    UserId::parse(&id.to_string()).unwrap_or_else(|_| unreachable!("a UUID is a well-formed id"))
}

#[cfg(test)]
mod tests;

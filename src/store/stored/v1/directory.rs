//! The directory: organisations, people, keys, sessions.

use std::sync::Arc;

use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::ids::{OrgId, UserId};
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// An organisation as the directory knows it.
    RegistrationV1 of Registration {
        org_id: String,
        stream: u64,
        name: String,
        time_zone: String,
        created_at: i64,
    }

    /// An API key, as the keyed hash of its secret. In an event the number is not its own yet.
    KeyV1 of Key {
        id: String,
        seq: u64,
        org_id: String,
        name: String,
        hash: [u8; 32],
        scopes: u16,
        venues: Option<Vec<String>>,
        authority: Option<String>,
        person: Option<String>,
        created_at: i64,
        created_by: String,
        expires_at: Option<i64>,
    }

    /// A person. In an event the number is not its own yet.
    UserV1 of User {
        id: String,
        seq: u64,
        org_id: String,
        email: String,
        name: String,
        role: u8,
        venues: Option<Vec<String>>,
        password_hash: Option<String>,
        created_at: i64,
    }

    /// A login, as the keyed hash of its cookie.
    SessionV1 of Session {
        hash: [u8; 32],
        org_id: String,
        user_id: String,
        opened_at: i64,
        expires_at: i64,
    }
}

frozen_event! {
    /// That a key was revoked.
    KeyRevokedV1 of DirectoryEvent::KeyRevoked {
        org_id: OrgId => String,
        id: Arc<str> => String,
    }

    /// That a person was taken out.
    UserRemovedV1 of DirectoryEvent::UserRemoved {
        org_id: OrgId => String,
        id: UserId => String,
    }

    /// That sessions ended.
    SessionsClosedV1 of DirectoryEvent::SessionsClosed {
        hashes: Vec<[u8; 32]> => Vec<[u8; 32]>,
    }
}

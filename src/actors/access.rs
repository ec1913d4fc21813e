//! Credentials in memory: keys and sessions by the hash of what callers show, published by the directory.

use std::sync::Arc;

use papaya::HashMap;

use super::as_it_is::AsItIs;
use super::org::OrgRef;
use crate::domain::ids::{UserId, VenueId};
use crate::domain::people::{Authority, Role, Scopes};

/// The hash of a credential, keyed with the server's secret.
pub type CredentialHash = [u8; 32];

/// A key that opens something.
#[derive(Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct KeyEntry {
    pub org: OrgRef,
    pub id: Arc<str>,
    pub scopes: Scopes,
    pub venues: Option<Arc<[VenueId]>>,
    pub authority: Option<Authority>,
    pub person: Option<UserId>,
    /// What that person is; none when the key belongs to nobody, or the person is gone.
    pub person_role: Option<Role>,
    /// Milliseconds since the epoch; `i64::MAX` for never.
    pub expires_at_ms: i64,
}

/// A session that is open.
#[derive(Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SessionEntry {
    pub org: OrgRef,
    pub user_id: UserId,
    pub name: Arc<str>,
    pub email: Arc<str>,
    pub role: Role,
    pub venues: Option<Arc<[VenueId]>>,
    /// Milliseconds since the epoch.
    pub expires_at_ms: i64,
}

/// All credentials.
#[derive(Debug, Default)]
pub struct Access {
    keys: HashMap<CredentialHash, Arc<KeyEntry>, AsItIs>,
    key_hashes: HashMap<Arc<str>, CredentialHash>,
    sessions: HashMap<CredentialHash, Arc<SessionEntry>, AsItIs>,
}

impl Access {
    /// The key of this hash, unless its time is over.
    pub fn key(&self, hash: &CredentialHash, now_ms: i64) -> Option<Arc<KeyEntry>> {
        self.keys.pin().get(hash).filter(|key| key.expires_at_ms > now_ms).cloned()
    }

    /// The session of this hash, unless its time is over.
    pub fn session(&self, hash: &CredentialHash, now_ms: i64) -> Option<Arc<SessionEntry>> {
        self.sessions.pin().get(hash).filter(|session| session.expires_at_ms > now_ms).cloned()
    }

    pub(super) fn put_key(&self, hash: CredentialHash, key: KeyEntry) {
        self.key_hashes.pin().insert(key.id.clone(), hash);
        self.keys.pin().insert(hash, Arc::new(key));
    }

    pub(super) fn remove_key(&self, id: &Arc<str>) {
        if let Some(hash) = self.key_hashes.pin().remove(id) {
            self.keys.pin().remove(hash);
        }
    }

    pub(super) fn put_session(&self, hash: CredentialHash, session: SessionEntry) {
        self.sessions.pin().insert(hash, Arc::new(session));
    }

    pub(super) fn remove_session(&self, hash: &CredentialHash) {
        self.sessions.pin().remove(hash);
    }
}

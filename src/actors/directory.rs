//! How the directory's events are shown: organisations, keys and sessions in memory, where every request finds them.

use std::sync::Arc;

use super::access::{Access, CredentialHash, KeyEntry, SessionEntry};
use super::kind::Kind;
use super::orgs::Orgs;
use crate::domain::directory::state::Directory;
use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::people::Role;
use crate::domain::time::Timestamp;

/// The kind of stream that the directory is.
pub struct DirectoryKind {
    /// The organisations.
    pub orgs: Arc<Orgs>,
    /// The credentials.
    pub access: Arc<Access>,
}

/// One thing to show.
pub enum Shown {
    /// An organisation.
    Organisation(Box<Registration>),
    /// A key, and what the person is that it belongs to.
    Key(Box<(Key, Option<Role>)>),
    /// A key that is no more.
    KeyGone(Arc<str>),
    /// A session and whose it is.
    Session(Box<(Session, User)>),
    /// A session that is no more.
    SessionGone(CredentialHash),
}

impl DirectoryKind {
    fn show(&self, shown: Shown) {
        match shown {
            Shown::Organisation(registration) => drop(self.orgs.know(&registration.org_id, registration.stream)),
            Shown::Key(key) => {
                let (key, person_role) = *key;
                let Some(org) = self.orgs.by_id(&key.org_id) else { return };
                let entry = KeyEntry {
                    org,
                    id: key.id.clone(),
                    scopes: key.scopes,
                    venues: key.venues.map(Into::into),
                    authority: key.authority,
                    person: key.person,
                    person_role,
                    expires_at_ms: key.expires_at.map_or(i64::MAX, |at| at.0),
                };
                self.access.put_key(key.hash, entry);
            }
            Shown::KeyGone(id) => self.access.remove_key(&id),
            Shown::Session(session) => {
                let (session, user) = *session;
                let Some(org) = self.orgs.by_id(&session.org_id) else { return };
                let entry = SessionEntry {
                    org,
                    user_id: user.id,
                    name: user.name,
                    email: user.email,
                    role: user.role,
                    venues: user.venues.map(Into::into),
                    expires_at_ms: session.expires_at.0,
                };
                self.access.put_session(session.hash, entry);
            }
            Shown::SessionGone(hash) => self.access.remove_session(&hash),
        }
    }
}

fn shown_key(state: &Directory, key: &Key) -> Shown {
    let person = key.person.as_ref().and_then(|person| state.user(&key.org_id, person));
    Shown::Key(Box::new((key.clone(), person.map(|person| person.role))))
}

fn shown_of(state: &Directory, event: &DirectoryEvent) -> Vec<Shown> {
    let owned = |hash: &CredentialHash| {
        let session = state.session(hash)?;
        let user = state.user(&session.org_id, &session.user_id)?;
        Some(Shown::Session(Box::new((session.clone(), user.clone()))))
    };
    match event {
        DirectoryEvent::OrganisationRegistered(registration) => vec![Shown::Organisation(registration.clone())],
        DirectoryEvent::KeyCreated(key) => vec![shown_key(state, key)],
        DirectoryEvent::KeyRevoked { id, .. } => vec![Shown::KeyGone(id.clone())],
        // A person's role is part of their sessions and of their keys.
        DirectoryEvent::UserSaved(user) => {
            let sessions = state.sessions_of(&user.org_id, &user.id);
            let keys = state.keys_of(&user.org_id, 0).filter(|key| key.person.as_ref() == Some(&user.id));
            sessions.iter().filter_map(owned).chain(keys.map(|key| shown_key(state, key))).collect()
        }
        DirectoryEvent::SessionOpened(session) => owned(&session.hash).into_iter().collect(),
        DirectoryEvent::SessionsClosed { hashes } => hashes.iter().copied().map(Shown::SessionGone).collect(),
        DirectoryEvent::UserRemoved { .. } | DirectoryEvent::Answered => Vec::new(),
    }
}

impl Kind for DirectoryKind {
    type State = Directory;
    type Event = DirectoryEvent;
    type Publication = Vec<Shown>;

    fn prepare(&self, state: &Directory, _first_seq: u64, _at: Timestamp, events: &[DirectoryEvent]) -> Vec<Shown> {
        events.iter().flat_map(|event| shown_of(state, event)).collect()
    }

    fn publish(&self, publications: Vec<Vec<Shown>>, _version: u64) {
        publications.into_iter().flatten().for_each(|shown| self.show(shown));
    }

    fn publish_all(&self, state: &Directory) {
        for registration in state.organisations() {
            self.show(Shown::Organisation(Box::new(registration.clone())));
        }
        for key in state.keys() {
            self.show(shown_key(state, key));
        }
        for session in state.sessions() {
            if let Some(user) = state.user(&session.org_id, &session.user_id) {
                self.show(Shown::Session(Box::new((session.clone(), user.clone()))));
            }
        }
    }

    fn quarantine(&self) {} // its actor refuses every job; nothing in memory says otherwise
}

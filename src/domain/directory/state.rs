//! The state of the directory: what its records say, folded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::commands::DirectoryCommand;
use super::{DirectoryAnswer, DirectoryEvent, Key, Registration, Session, User};
use crate::domain::aggregate::Aggregate;
use crate::domain::decision::{Context, Decided, Reply};
use crate::domain::idempotency::{Idempotency, Known, Request};
use crate::domain::ids::{OrgId, StreamId, UserId};
use crate::domain::people::Role;
use crate::domain::rejection::Rejection;
use crate::domain::table::{Table, digest_of};
use crate::domain::time::Timestamp;

/// A person's key: organisation and id.
pub type UserKey = (OrgId, UserId);

/// Everything that the directory knows.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    organisations: Table<OrgId, Registration>,
    keys: Table<Arc<str>, Key>,
    users: Table<UserKey, User>,
    sessions: Table<[u8; 32], Session>,
    idempotency: Idempotency,
    keys_of: HashMap<OrgId, BTreeMap<u64, Arc<str>>>,
    users_of: HashMap<OrgId, BTreeMap<u64, UserId>>,
    by_email: HashMap<(OrgId, String), UserId>,
    sessions_of: HashMap<UserKey, HashSet<[u8; 32]>>,
    last_stream: u64,
    last_seq: u64,
}

impl Directory {
    /// A state to be filled from a snapshot that ended with the record `last_seq`, when the stream `last_stream` was the last one
    /// that had been given away.
    pub fn restored(last_seq: u64, last_stream: u64) -> Self {
        Self { last_seq, last_stream, ..Self::default() }
    }

    /// An organisation.
    pub fn organisation(&self, id: &OrgId) -> Option<&Registration> {
        self.organisations.get(id)
    }

    /// All organisations, in no order.
    pub fn organisations(&self) -> impl Iterator<Item = &Registration> {
        self.organisations.values()
    }

    /// The stream of the next organisation; no number is ever used twice.
    pub fn next_stream(&self) -> StreamId {
        StreamId(self.last_stream + 1)
    }

    /// A key of this organisation.
    pub fn key(&self, org: &OrgId, id: &str) -> Option<&Key> {
        self.keys.get(id).filter(|key| &key.org_id == org)
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// The keys of an organisation after `after` (a sequence number), oldest first.
    pub fn keys_of(&self, org: &OrgId, after: u64) -> impl Iterator<Item = &Key> {
        let ids = self.keys_of.get(org).into_iter().flat_map(move |ids| ids.range(after.saturating_add(1)..));
        ids.filter_map(|(_, id)| self.keys.get(id))
    }

    /// A key of whatever organisation.
    pub fn key_by_id(&self, id: &str) -> Option<&Key> {
        self.keys.get(id)
    }

    /// How many keys an organisation has.
    pub fn keys_count(&self, org: &OrgId) -> usize {
        self.keys_of.get(org).map_or(0, BTreeMap::len)
    }

    /// How many people an organisation has.
    pub fn users_count(&self, org: &OrgId) -> usize {
        self.users_of.get(org).map_or(0, BTreeMap::len)
    }

    /// A person of this organisation.
    pub fn user(&self, org: &OrgId, id: &UserId) -> Option<&User> {
        self.users.get(&(org.clone(), id.clone()))
    }

    /// The person of this address.
    pub fn user_by_email(&self, org: &OrgId, email: &str) -> Option<&User> {
        let id = self.by_email.get(&(org.clone(), email.to_lowercase()))?;
        self.user(org, id)
    }

    /// All people, in no order.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// The people of an organisation after `after` (a sequence number), oldest first.
    pub fn users_of(&self, org: &OrgId, after: u64) -> impl Iterator<Item = &User> {
        let ids = self.users_of.get(org).into_iter().flat_map(move |ids| ids.range(after.saturating_add(1)..));
        ids.filter_map(|(_, id)| self.user(org, id))
    }

    /// Whether anybody but this person can manage the organisation.
    pub fn has_other_administrator(&self, org: &OrgId, id: &UserId) -> bool {
        self.users_of(org, 0).any(|user| &user.id != id && matches!(user.role, Role::Owner | Role::Admin))
    }

    /// All sessions, in no order.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// A session.
    pub fn session(&self, hash: &[u8; 32]) -> Option<&Session> {
        self.sessions.get(hash)
    }

    /// The sessions of a person.
    pub fn sessions_of(&self, org: &OrgId, id: &UserId) -> Vec<[u8; 32]> {
        let mut hashes: Vec<_> =
            self.sessions_of.get(&(org.clone(), id.clone())).into_iter().flatten().copied().collect();
        hashes.sort_unstable();
        hashes
    }

    /// The idempotency keys.
    pub fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// The number of the last stream that was given away.
    pub fn last_stream(&self) -> u64 {
        self.last_stream
    }

    /// Takes an organisation in: new, or from a snapshot.
    pub fn add_organisation(&mut self, registration: Registration) {
        self.last_stream = self.last_stream.max(registration.stream.0);
        self.organisations.insert(registration.org_id.clone(), registration);
    }

    /// Takes a key in: new, or from a snapshot.
    pub fn add_key(&mut self, key: Key) {
        self.keys_of.entry(key.org_id.clone()).or_default().insert(key.seq, key.id.clone());
        self.keys.insert(key.id.clone(), key);
    }

    /// Takes a person in, in place of what was known: new, changed, or from a snapshot.
    pub fn put_user(&mut self, user: User) {
        if let Some(old) = self.user(&user.org_id, &user.id) {
            self.by_email.remove(&(old.org_id.clone(), old.email.to_lowercase()));
        }
        self.by_email.insert((user.org_id.clone(), user.email.to_lowercase()), user.id.clone());
        self.users_of.entry(user.org_id.clone()).or_default().insert(user.seq, user.id.clone());
        self.users.insert((user.org_id.clone(), user.id.clone()), user);
    }

    /// Takes a session in: new, or from a snapshot.
    pub fn add_session(&mut self, session: Session) {
        let owner = (session.org_id.clone(), session.user_id.clone());
        self.sessions_of.entry(owner).or_default().insert(session.hash);
        self.sessions.insert(session.hash, session);
    }

    fn remove_key(&mut self, id: &Arc<str>) {
        let Some(key) = self.keys.remove(id) else { return };
        if let Some(keys) = self.keys_of.get_mut(&key.org_id) {
            keys.remove(&key.seq);
        }
    }

    fn remove_user(&mut self, org: &OrgId, id: &UserId) {
        let Some(user) = self.users.remove(&(org.clone(), id.clone())) else { return };
        self.by_email.remove(&(org.clone(), user.email.to_lowercase()));
        if let Some(users) = self.users_of.get_mut(org) {
            users.remove(&user.seq);
        }
    }

    fn close_session(&mut self, hash: &[u8; 32]) {
        let Some(session) = self.sessions.remove(hash) else { return };
        let owner = (session.org_id, session.user_id);
        if let Some(hashes) = self.sessions_of.get_mut(&owner) {
            hashes.remove(hash);
            if hashes.is_empty() {
                self.sessions_of.remove(&owner);
            }
        }
    }

    /// Keeps the idempotency key of a record.
    pub fn keep_request(&mut self, request: &Request, record: u64, at: Timestamp) {
        self.idempotency.keep(request, record, at);
    }

    /// Puts an idempotency key back that a snapshot kept.
    pub fn put_back_request(&mut self, key: Arc<str>, known: Known) {
        self.idempotency.put_back(key, known);
    }
}

impl Aggregate for Directory {
    type Command = DirectoryCommand;
    type Event = DirectoryEvent;
    type Answer = DirectoryAnswer;

    fn empty() -> Self {
        Self::default()
    }

    fn decide(&self, command: Self::Command, context: &mut Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        command.decide(self, context)
    }

    fn apply(&mut self, seq: u64, _at: Timestamp, event: &DirectoryEvent) {
        assert_eq!(seq, self.last_seq + 1, "a gap in the events");
        self.last_seq = seq;
        match event {
            DirectoryEvent::OrganisationRegistered(registration) => self.add_organisation((**registration).clone()),
            DirectoryEvent::KeyCreated(key) => self.add_key(Key { seq, ..(**key).clone() }),
            DirectoryEvent::KeyRevoked { id, .. } => self.remove_key(id),
            DirectoryEvent::UserSaved(user) => {
                let seq = self.user(&user.org_id, &user.id).map_or(seq, |old| old.seq);
                self.put_user(User { seq, ..(**user).clone() });
            }
            DirectoryEvent::UserRemoved { org_id, id } => self.remove_user(org_id, id),
            DirectoryEvent::SessionOpened(session) => self.add_session((**session).clone()),
            DirectoryEvent::SessionsClosed { hashes } => hashes.iter().for_each(|hash| self.close_session(hash)),
            DirectoryEvent::Answered => {}
        }
    }

    fn reply(&self, answer: &DirectoryAnswer) -> Reply {
        super::view::reply(self, answer)
    }

    fn answered() -> DirectoryEvent {
        DirectoryEvent::Answered
    }

    fn is_urgent(command: &Self::Command) -> bool {
        command.is_urgent()
    }

    fn seen(&self, request: &Request, now: Timestamp) -> Result<Option<u64>, Rejection> {
        self.idempotency.seen(request, now)
    }

    fn keep_request(&mut self, request: &Request, record: u64, at: Timestamp) {
        Self::keep_request(self, request, record, at);
    }

    fn last_seq(&self) -> u64 {
        self.last_seq
    }

    fn catch_up(&mut self) {
        self.organisations.catch_up();
        self.keys.catch_up();
        self.users.catch_up();
        self.sessions.catch_up();
        self.idempotency.catch_up();
    }

    fn state_hash(&self) -> [u8; 32] {
        let parts = [
            self.organisations.digest(),
            self.keys.digest(),
            self.users.digest(),
            self.sessions.digest(),
            self.idempotency.digest(),
        ];
        let mut hash = [0; 32];
        let lanes = digest_of(&(self.last_seq, self.last_stream, parts));
        for (bytes, lane) in hash.chunks_exact_mut(8).zip(lanes) {
            bytes.copy_from_slice(&lane.to_le_bytes());
        }
        hash
    }
}

//! Sessions: a login and its end. Passwords are checked before; here is only what is written down.

use super::state::Directory;
use super::{DirectoryAnswer, DirectoryEvent, Session};
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::ids::{OrgId, UserId};
use crate::domain::rejection::Rejection;
use crate::domain::time::HOUR_MS;

/// How long a session lasts, in milliseconds.
pub const SESSION_MS: i64 = 12 * HOUR_MS;
/// The most sessions of one person; a further login ends the oldest.
pub const SESSIONS_MAX: usize = 20;

/// Opens a session for a person whose password was right.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct OpenSession {
    pub org_id: OrgId,
    pub user_id: UserId,
    /// The keyed hash of the session's id.
    pub hash: [u8; 32],
}

impl OpenSession {
    /// Decides.
    pub fn decide(self, state: &Directory, context: &Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        state.user(&self.org_id, &self.user_id).ok_or(Rejection::NotFound)?;
        let hashes = state.sessions_of(&self.org_id, &self.user_id);
        let mut open: Vec<&Session> = hashes.iter().filter_map(|hash| state.session(hash)).collect();
        open.sort_by_key(|session| (session.opened_at, session.hash));
        let surplus = (open.len() + 1).saturating_sub(SESSIONS_MAX);
        let mut events = Vec::new();
        if surplus > 0 {
            let hashes = open.iter().take(surplus).map(|session| session.hash).collect();
            events.push(DirectoryEvent::SessionsClosed { hashes });
        }
        events.push(DirectoryEvent::SessionOpened(Box::new(Session {
            hash: self.hash,
            org_id: self.org_id,
            user_id: self.user_id,
            opened_at: context.now,
            expires_at: context.now.plus_ms(SESSION_MS),
        })));
        Ok(Decision { events, answer: DirectoryAnswer::Nothing })
    }
}

/// Ends a session.
#[derive(Clone, Debug)]
pub struct CloseSession {
    /// The keyed hash of its id.
    pub hash: [u8; 32],
}

impl CloseSession {
    /// Decides; one that is over already is no error.
    pub fn decide(self, state: &Directory) -> Decision<DirectoryEvent, DirectoryAnswer> {
        let known = state.session(&self.hash).is_some();
        let events = if known { vec![DirectoryEvent::SessionsClosed { hashes: vec![self.hash] }] } else { Vec::new() };
        Decision { events, answer: DirectoryAnswer::Nothing }
    }
}

/// Ends the sessions whose time is over; the scheduler sends it.
#[derive(Clone, Debug)]
pub struct CloseExpired;

impl CloseExpired {
    /// Decides.
    pub fn decide(self, state: &Directory, context: &Context<'_>) -> Decision<DirectoryEvent, DirectoryAnswer> {
        let over = state.sessions().filter(|session| session.expires_at <= context.now);
        let mut hashes: Vec<_> = over.map(|session| session.hash).collect();
        hashes.sort_unstable();
        hashes.truncate(1_000);
        let events = if hashes.is_empty() { Vec::new() } else { vec![DirectoryEvent::SessionsClosed { hashes }] };
        Decision { events, answer: DirectoryAnswer::Nothing }
    }
}

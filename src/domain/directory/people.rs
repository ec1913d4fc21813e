//! People: added, changed, removed.

use std::sync::Arc;

use super::state::Directory;
use super::{DirectoryAnswer, DirectoryEvent, Key, User, new_user_id};
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::ids::{OrgId, OutsideId, UserId, VenueId};
use crate::domain::organisation::check_name;
use crate::domain::people::{Caller, Role, Scope, Who};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::templates::target::is_address;

/// The most people of one organisation.
pub const USERS_MAX: usize = 20_000;

/// Adds a person.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct CreateUser {
    pub org_id: OrgId,
    pub id: Option<String>,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub venues: Option<Vec<VenueId>>,
    pub password_hash: Option<Arc<str>>,
}

impl CreateUser {
    /// Decides.
    pub fn decide(self, state: &Directory, context: &mut Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        expect_owner(state, &self.org_id, context.caller, &[self.role])?;
        let user = self.checked("", state, context)?;
        if state.users_count(&user.org_id) >= USERS_MAX {
            return Err(Rejection::LimitReached { what: "people", limit: USERS_MAX });
        }
        let answer = DirectoryAnswer::UserMade(user.org_id.clone(), user.id.clone());
        Ok(Decision { events: vec![DirectoryEvent::UserSaved(Box::new(user))], answer })
    }

    /// The person as they will be stored; `at` is where the fields stand in the body.
    pub fn checked(self, at: &str, state: &Directory, context: &mut Context<'_>) -> Result<User, Rejection> {
        let mut faults = Faults::default();
        let given = self.id.as_deref().map(|id| faults.take(&format!("{at}/id"), OutsideId::parse(id)));
        check_email(&mut faults, &format!("{at}/email"), &self.email);
        check_name(&mut faults, &format!("{at}/name"), &self.name);
        faults.done()?;
        let id = given.flatten().unwrap_or_else(|| new_user_id(context.ids.next_id()));
        if state.user(&self.org_id, &id).is_some() {
            return Err(Rejection::AlreadyExists { what: "a person of this id" });
        }
        if state.user_by_email(&self.org_id, &self.email).is_some() {
            return Err(Rejection::AlreadyExists { what: "a person of this address" });
        }
        Ok(User {
            id,
            seq: 0, // given when the event is applied
            org_id: self.org_id,
            email: self.email.into(),
            name: self.name.into(),
            role: self.role,
            venues: self.venues,
            password_hash: self.password_hash,
            created_at: context.now,
        })
    }
}

/// Changes a person; what is absent stays. A change of role, venues or password ends their sessions; one of role also the keys of
/// theirs that carry an authority or manage the organisation.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ChangeUser {
    pub org_id: OrgId,
    pub id: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: Option<Role>,
    /// `Some(None)`: all venues.
    pub venues: Option<Option<Vec<VenueId>>>,
    pub password_hash: Option<Arc<str>>,
}

impl ChangeUser {
    /// Decides.
    pub fn decide(self, state: &Directory, context: &Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        let old = find(state, &self.org_id, &self.id)?;
        let role = self.role.unwrap_or(old.role);
        expect_owner(state, &self.org_id, context.caller, &[old.role, role])?;
        if role != old.role && context.caller.cause.who.person() == Some(&old.id) {
            return Err(Rejection::OwnRole);
        }
        let mut faults = Faults::default();
        if let Some(email) = &self.email {
            check_email(&mut faults, "/email", email);
        }
        if let Some(name) = &self.name {
            check_name(&mut faults, "/name", name);
        }
        faults.done()?;
        let taken = |email: &String| state.user_by_email(&self.org_id, email).is_some_and(|other| other.id != old.id);
        if self.email.as_ref().is_some_and(taken) {
            return Err(Rejection::AlreadyExists { what: "a person of this address" });
        }
        let mut user = old.clone();
        user.email = self.email.map_or(user.email, Into::into);
        user.name = self.name.map_or(user.name, Into::into);
        user.role = role;
        user.venues = self.venues.unwrap_or(user.venues);
        user.password_hash = self.password_hash.or(user.password_hash);
        if manages(old.role) && !manages(user.role) && !state.has_other_administrator(&self.org_id, &old.id) {
            return Err(Rejection::LastAdministrator);
        }
        let answer = DirectoryAnswer::User(self.org_id.clone(), user.id.clone());
        if &user == old {
            return Ok(Decision { events: Vec::new(), answer });
        }
        let power = user.role != old.role || user.venues != old.venues || user.password_hash != old.password_hash;
        let hashes = if power { state.sessions_of(&self.org_id, &old.id) } else { Vec::new() };
        let powerful = |key: &&Key| {
            key.person.as_ref() == Some(&old.id) && (key.scopes.has(Scope::Admin) || key.authority.is_some())
        };
        let keys: Vec<&Key> =
            if role == old.role { Vec::new() } else { state.keys_of(&self.org_id, 0).filter(powerful).collect() };
        let mut events = vec![DirectoryEvent::UserSaved(Box::new(user))];
        events.extend(
            keys.into_iter().map(|key| DirectoryEvent::KeyRevoked { org_id: self.org_id.clone(), id: key.id.clone() }),
        );
        if !hashes.is_empty() {
            events.push(DirectoryEvent::SessionsClosed { hashes });
        }
        Ok(Decision { events, answer })
    }
}

/// Removes a person, their sessions and their keys.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RemoveUser {
    pub org_id: OrgId,
    pub id: String,
}

impl RemoveUser {
    /// Decides.
    pub fn decide(self, state: &Directory, context: &Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        let user = find(state, &self.org_id, &self.id)?;
        expect_owner(state, &self.org_id, context.caller, &[user.role])?;
        if manages(user.role) && !state.has_other_administrator(&self.org_id, &user.id) {
            return Err(Rejection::LastAdministrator);
        }
        let mut events = vec![DirectoryEvent::UserRemoved { org_id: self.org_id.clone(), id: user.id.clone() }];
        let hashes = state.sessions_of(&self.org_id, &user.id);
        if !hashes.is_empty() {
            events.push(DirectoryEvent::SessionsClosed { hashes });
        }
        let theirs = state.keys_of(&self.org_id, 0).filter(|key| key.person.as_ref() == Some(&user.id));
        events.extend(theirs.map(|key| DirectoryEvent::KeyRevoked { org_id: self.org_id.clone(), id: key.id.clone() }));
        Ok(Decision { events, answer: DirectoryAnswer::Nothing })
    }
}

fn find<'a>(state: &'a Directory, org: &OrgId, id: &str) -> Result<&'a User, Rejection> {
    let id = UserId::parse(id).map_err(|_| Rejection::NotFound)?;
    state.user(org, &id).ok_or(Rejection::NotFound)
}

/// Only an owner touches an owner. The operator, and keys that belong to nobody, stand outside of the organisation's people.
fn expect_owner(state: &Directory, org: &OrgId, caller: &Caller, roles: &[Role]) -> Result<(), Rejection> {
    let owner = match &caller.cause.who {
        Who::Operator | Who::Schedule | Who::Key { person: None, .. } => true,
        Who::Person(person) | Who::Key { person: Some(person), .. } => {
            state.user(org, person).is_some_and(|user| user.role == Role::Owner)
        }
    };
    if owner || !roles.contains(&Role::Owner) { Ok(()) } else { Err(Rejection::OwnersOnly) }
}

fn manages(role: Role) -> bool {
    matches!(role, Role::Owner | Role::Admin)
}

fn check_email(faults: &mut Faults, pointer: &str, email: &str) {
    faults.expect(is_address(email), pointer, "is not one plain e-mail address");
}

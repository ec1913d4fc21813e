//! Orders to the directory: a line for each; organisations and keys here, people and sessions in rooms of their own.

use std::sync::Arc;

use super::people::{ChangeUser, CreateUser, RemoveUser};
use super::sessions::{CloseExpired, CloseSession, OpenSession};
use super::state::Directory;
use super::{DirectoryAnswer, DirectoryEvent, Key, NewKey, Registration};
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::ids::{OrgId, OutsideId, VenueId};
use crate::domain::organisation::check_name;
use crate::domain::people::{Authority, Scope, Scopes};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::time::{Timestamp, Zone};

/// The most keys of one organisation.
pub const KEYS_MAX: usize = 1_000;

/// Something that the directory is asked to do.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant is documented at its type")]
pub enum DirectoryCommand {
    RegisterOrganisation(Box<RegisterOrganisation>),
    CreateKey(Box<CreateKey>),
    RevokeKey(RevokeKey),
    CreateUser(Box<CreateUser>),
    ChangeUser(Box<ChangeUser>),
    RemoveUser(RemoveUser),
    OpenSession(OpenSession),
    CloseSession(CloseSession),
    CloseExpired(CloseExpired),
}

impl DirectoryCommand {
    /// Decides against the state; changes nothing.
    ///
    /// # Errors
    /// The reason why it is refused.
    pub fn decide(self, state: &Directory, context: &mut Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        match self {
            Self::RegisterOrganisation(command) => command.decide(state, context),
            Self::CreateKey(command) => command.decide(state, context),
            Self::RevokeKey(command) => command.decide(state),
            Self::CreateUser(command) => command.decide(state, context),
            Self::ChangeUser(command) => command.decide(state, context),
            Self::RemoveUser(command) => command.decide(state, context),
            Self::OpenSession(command) => command.decide(state, context),
            Self::CloseSession(command) => Ok(command.decide(state)),
            Self::CloseExpired(command) => Ok(command.decide(state, context)),
        }
    }

    /// Whether it still goes through when the disk is nearly full.
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::RevokeKey(_) | Self::RemoveUser(_) | Self::CloseSession(_) | Self::CloseExpired(_) => true,
            Self::RegisterOrganisation(_)
            | Self::CreateKey(_)
            | Self::CreateUser(_)
            | Self::ChangeUser(_)
            | Self::OpenSession(_) => false,
        }
    }
}

/// Registers an organisation, with a key of every scope and, where given, its owner.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RegisterOrganisation {
    pub org_id: String,
    pub name: String,
    pub time_zone: Option<String>,
    pub admin_key: NewKey,
    pub owner: Option<CreateUser>,
}

impl RegisterOrganisation {
    /// Decides.
    pub fn decide(self, state: &Directory, context: &mut Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        let time_zone = self.time_zone.unwrap_or_else(|| "UTC".into());
        let mut faults = Faults::default();
        let org_id = faults.take("/org_id", OutsideId::parse(&self.org_id));
        check_name(&mut faults, "/name", &self.name);
        faults.take("/time_zone", Zone::named(&time_zone));
        faults.done()?;
        let Some(org_id) = org_id else { return Err(Rejection::invalid("/org_id", "is missing")) };
        if state.organisation(&org_id).is_some() {
            return Err(Rejection::AlreadyExists { what: "an organisation of this id" });
        }
        let key = Key {
            id: self.admin_key.id.clone(),
            seq: 0, // given when the event is applied
            org_id: org_id.clone(),
            name: "First key".into(),
            hash: self.admin_key.hash,
            scopes: Scopes::of(&Scope::ALL),
            venues: None,
            authority: None,
            person: None,
            created_at: context.now,
            created_by: context.label(),
            expires_at: None,
        };
        let registration = Registration {
            org_id: org_id.clone(),
            stream: state.next_stream(),
            name: self.name.into(),
            time_zone: time_zone.into(),
            created_at: context.now,
        };
        let mut events = vec![
            DirectoryEvent::OrganisationRegistered(Box::new(registration)),
            DirectoryEvent::KeyCreated(Box::new(key)),
        ];
        if let Some(owner) = self.owner {
            let user = CreateUser { org_id: org_id.clone(), ..owner }.checked("/owner", state, context)?;
            events.push(DirectoryEvent::UserSaved(Box::new(user)));
        }
        let answer = DirectoryAnswer::Registered { org_id, key: self.admin_key.id, sealed: self.admin_key.sealed };
        Ok(Decision { events, answer })
    }
}

/// Makes a key.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct CreateKey {
    pub org_id: OrgId,
    pub key: NewKey,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub venues: Option<Vec<VenueId>>,
    pub authority: Option<Authority>,
    pub expires_at: Option<Timestamp>,
}

impl CreateKey {
    /// Decides; the key belongs to the person behind the caller.
    pub fn decide(self, state: &Directory, context: &Context<'_>) -> Decided<DirectoryEvent, DirectoryAnswer> {
        let mut faults = Faults::default();
        check_name(&mut faults, "/name", &self.name);
        faults.expect(!self.scopes.is_empty(), "/scopes", "is empty");
        faults.expect(self.expires_at.is_none_or(|at| at > context.now), "/expires_at", "is not in the future");
        faults.done()?;
        if state.keys_count(&self.org_id) >= KEYS_MAX {
            return Err(Rejection::LimitReached { what: "keys", limit: KEYS_MAX });
        }
        let key = Key {
            id: self.key.id.clone(),
            seq: 0, // given when the event is applied
            org_id: self.org_id,
            name: self.name.into(),
            hash: self.key.hash,
            scopes: Scopes::of(&self.scopes),
            venues: self.venues,
            authority: self.authority,
            person: context.caller.cause.who.person().cloned(),
            created_at: context.now,
            created_by: context.label(),
            expires_at: self.expires_at,
        };
        let answer = DirectoryAnswer::KeyMade { id: self.key.id, sealed: self.key.sealed };
        Ok(Decision { events: vec![DirectoryEvent::KeyCreated(Box::new(key))], answer })
    }
}

/// Ends a key at once.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RevokeKey {
    pub org_id: OrgId,
    pub id: Arc<str>,
}

impl RevokeKey {
    /// Decides.
    pub fn decide(self, state: &Directory) -> Decided<DirectoryEvent, DirectoryAnswer> {
        state.key(&self.org_id, &self.id).ok_or(Rejection::NotFound)?;
        let events = vec![DirectoryEvent::KeyRevoked { org_id: self.org_id, id: self.id }];
        Ok(Decision { events, answer: DirectoryAnswer::Nothing })
    }
}

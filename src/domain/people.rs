//! Who calls, and what a caller may do: roles, scopes, authority.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{UserId, VenueId};

/// What a person is in an organisation. What each may do: [`super::permission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Role {
    Owner,
    Admin,
    VpOps,
    Gm,
    Manager,
    Reviewer,
    Staff,
    Viewer,
}

impl Role {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::VpOps => "vp_ops",
            Self::Gm => "gm",
            Self::Manager => "manager",
            Self::Reviewer => "reviewer",
            Self::Staff => "staff",
            Self::Viewer => "viewer",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::VpOps, Self::Gm, Self::Manager, Self::Reviewer, Self::Staff, Self::Viewer]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// What an API key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Scope {
    #[serde(rename = "violations:write")]
    ViolationsWrite,
    #[serde(rename = "violations:read")]
    ViolationsRead,
    #[serde(rename = "blocks:read")]
    BlocksRead,
    #[serde(rename = "blocks:write")]
    BlocksWrite,
    #[serde(rename = "actions:submit")]
    ActionsSubmit,
    #[serde(rename = "actions:read")]
    ActionsRead,
    #[serde(rename = "capabilities:serve")]
    CapabilitiesServe,
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 8] = [
        Self::ViolationsWrite,
        Self::ViolationsRead,
        Self::BlocksRead,
        Self::BlocksWrite,
        Self::ActionsSubmit,
        Self::ActionsRead,
        Self::CapabilitiesServe,
        Self::Admin,
    ];

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// A set of scopes; bit n is the n-th of [`Scope::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Scopes(pub u16);

impl Scopes {
    /// The set of these.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |set, scope| set | scope.bit()))
    }

    /// Whether the scope is in it.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The scopes in it, in the order of [`Scope::ALL`].
    pub fn list(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).collect()
    }
}

/// A rung of an organisation's authority ladder, such as `gm`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String)]
pub struct Authority(pub Arc<str>);

impl Authority {
    /// The rung of this name.
    pub fn named(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The authority that a caller holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// None: may lift only what names no authority, where its scope allows it at all.
    Nothing,
    /// This rung and all below it.
    Rung(Authority),
    /// Above every rung.
    Top,
}

impl Held {
    /// What a person of this role holds.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Owner => Self::Top,
            Role::VpOps | Role::Gm | Role::Manager => Self::Rung(Authority::named(role.name())),
            Role::Admin | Role::Reviewer | Role::Staff | Role::Viewer => Self::Nothing,
        }
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A logged-in person.
    Person(UserId),
    /// An API key; made in a session, it belongs to that person.
    Key {
        /// The key's id.
        id: Arc<str>,
        /// Whose it is.
        person: Option<UserId>,
    },
    /// Whoever runs the server.
    Operator,
    /// The server's own scheduler and couriers.
    Schedule,
}

impl Who {
    /// The person behind it, where there is one.
    pub fn person(&self) -> Option<&UserId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Key { person, .. } => person.as_ref(),
            Self::Operator | Self::Schedule => None,
        }
    }

    /// How it is shown: a person's id, `key:ID`, `operator` or `schedule`.
    pub fn label(&self) -> String {
        match self {
            Self::Person(person) => person.to_string(),
            Self::Key { id, .. } => format!("key:{id}"),
            Self::Operator => "operator".into(),
            Self::Schedule => "schedule".into(),
        }
    }
}

/// The way in which something came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Via {
    Api,
    Page,
    Schedule,
}

/// Why a record exists: who, by which way, for which request. Stored with every record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// Who did it.
    pub who: Who,
    /// How it came.
    pub via: Via,
    /// The id of the request, where there was one.
    pub request: Option<Arc<str>>,
}

impl Cause {
    /// What the server does of itself.
    pub fn schedule() -> Self {
        Self { who: Who::Schedule, via: Via::Schedule, request: None }
    }
}

/// A cause with the power behind it at this moment: what a decision may look at.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who, how, for which request.
    pub cause: Cause,
    /// The authority that it holds.
    pub held: Held,
    /// What the person is who calls; none for a key.
    pub role: Option<Role>,
    /// The venues that it is limited to; none means all.
    pub venues: Option<Arc<[VenueId]>>,
}

impl Caller {
    /// The server itself: every power.
    pub fn schedule() -> Self {
        Self { cause: Cause::schedule(), held: Held::Top, role: None, venues: None }
    }

    /// Whether the caller may touch what is at this venue; what has no venue is for everybody.
    pub fn reaches(&self, venue: Option<&VenueId>) -> bool {
        match (&self.venues, venue) {
            (None, _) | (_, None) => true,
            (Some(venues), Some(venue)) => venues.contains(venue),
        }
    }

    /// Whether the caller may decide for this venue; without one that is for all of them, and so for nobody who is limited to some.
    pub fn covers(&self, venue: Option<&VenueId>) -> bool {
        self.reaches(venue) && (venue.is_some() || self.venues.is_none())
    }
}

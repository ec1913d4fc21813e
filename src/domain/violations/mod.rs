//! Violations: facts that a source reports, from the first report to their end.

pub mod bulk;
pub mod lifecycle;
pub mod own_types;
pub mod profile;
pub mod quiet;
pub mod recurrence;
pub mod reopen;
pub mod report;
pub mod reporters;
pub mod store;
pub mod types;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ids::{EntityId, OutsideId, VenueId};
use super::json::JsonText;
use super::time::{BusinessDate, Timestamp};

/// How bad it is; the order is the order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Where a violation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Status {
    Active,
    Acknowledged,
    Resolved,
}

impl Status {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// A kind of violation: `[a-z][a-z0-9_]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViolationType(Arc<str>);

impl ViolationType {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// A name of another form.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if first && rest && name.len() <= 64 { Ok(Self(name.into())) } else { Err("is not [a-z][a-z0-9_]{0,63}") }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ViolationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In which way a violation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Somebody said so.
    Resolved,
    /// Its source took it back.
    Cleared,
    /// It was no longer reported.
    Quiet,
}

/// Who ended or acknowledged something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Their label, see [`super::people::Who::label`].
    pub by: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// Whom or what a violation is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entity {
    /// Its id outside.
    pub id: EntityId,
    /// Such as `employee`.
    pub entity_type: Arc<str>,
}

/// A violation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Violation {
    pub id: Uuid,
    /// The sequence number that made it: the order of lists.
    pub seq: u64,
    pub venue_id: Option<VenueId>,
    /// The open violation that muted it.
    pub parent_id: Option<Uuid>,
    pub violation_type: ViolationType,
    pub severity: Severity,
    pub title: Arc<str>,
    pub description: Option<Arc<str>>,
    pub metadata: Option<JsonText>,
    pub source_table: Option<OutsideId>,
    pub source_id: Option<OutsideId>,
    pub fingerprint: Arc<str>,
    pub detected_at: Timestamp,
    pub business_date: BusinessDate,
    pub occurrences: u32,
    pub last_seen_at: Timestamp,
    /// The last report that was not well below the thresholds that it had reached: from here on it is quiet.
    pub over_at: Timestamp,
    pub acknowledged: Option<Mark>,
    pub resolved: Option<Mark>,
    pub resolution: Option<Arc<str>>,
    pub ending: Option<Ending>,
    pub actions: Vec<Uuid>,
    pub blocks: Vec<Uuid>,
    /// By the profile of its type when it was first reported; counts of recurrence go by it.
    pub entity: Option<Entity>,
}

impl Violation {
    /// Where it stands; derived, never stored twice.
    pub fn status(&self) -> Status {
        match (&self.resolved, &self.acknowledged) {
            (Some(_), _) => Status::Resolved,
            (None, Some(_)) => Status::Acknowledged,
            (None, None) => Status::Active,
        }
    }

    /// When it was reported first: our ids carry the time at which they were made. One that carries none counts from its detection.
    pub fn reported_at(&self) -> Timestamp {
        let made = self.id.get_timestamp().map(|at| at.to_unix());
        let ms = made.and_then(|(s, ns)| i64::try_from(s * 1_000 + u64::from(ns) / 1_000_000).ok());
        ms.map_or(self.detected_at, Timestamp)
    }

    /// Whom or what it is about.
    pub fn entity_id(&self) -> Option<&EntityId> {
        self.entity.as_ref().map(|entity| &entity.id)
    }

    /// Whether it is still open.
    pub fn is_open(&self) -> bool {
        self.resolved.is_none()
    }
}

/// What a repeated report changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Repeat {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub parent_id: Option<Uuid>,
    pub severity: Severity,
    pub title: Arc<str>,
    pub description: Option<Arc<str>>,
    pub metadata: Option<JsonText>,
    pub seen_at: Timestamp,
    pub over_at: Timestamp,
    pub occurrences: u32,
}

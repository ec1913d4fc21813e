//! Counters of trends.

use uuid::Uuid;

use crate::domain::trends::histogram::Histogram;
use crate::domain::trends::{Counter, Place, Subject};
use crate::store::stored::error::StoredError;
use crate::store::stored::form::Form;

/// What counts together: a number for what it is, and its name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SubjectV1 {
    /// Everything at a venue.
    Venue,
    /// What is of this type.
    Type(String),
    /// What is as severe.
    Severity(u8),
    /// What this template acted on.
    Template([u8; 16]),
}

/// A counter at its place. Times are buckets and how many are in them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain")]
pub struct TrendV1 {
    pub date: i32,
    pub venue_id: Option<String>,
    pub subject: SubjectV1,
    pub count: u64,
    pub acknowledge: Vec<(u16, u32)>,
    pub resolve: Vec<(u16, u32)>,
}

impl Form<Subject> for SubjectV1 {
    fn freeze(subject: &Subject) -> Self {
        match subject {
            Subject::Venue => Self::Venue,
            Subject::Type(name) => Self::Type(Form::freeze(name)),
            Subject::Severity(severity) => Self::Severity(Form::freeze(severity)),
            Subject::Template(id) => Self::Template(Form::<Uuid>::freeze(id)),
        }
    }

    fn thaw(self) -> Result<Subject, StoredError> {
        Ok(match self {
            Self::Venue => Subject::Venue,
            Self::Type(name) => Subject::Type(name.thaw()?),
            Self::Severity(number) => Subject::Severity(number.thaw()?),
            Self::Template(bytes) => Subject::Template(bytes.thaw()?),
        })
    }
}

impl Form<(Place, Counter)> for TrendV1 {
    fn freeze((place, counter): &(Place, Counter)) -> Self {
        Self {
            date: place.date.0,
            venue_id: Form::freeze(&place.venue_id),
            subject: Form::freeze(&place.subject),
            count: counter.count,
            acknowledge: counter.acknowledge.buckets().to_vec(),
            resolve: counter.resolve.buckets().to_vec(),
        }
    }

    fn thaw(self) -> Result<(Place, Counter), StoredError> {
        let times =
            |buckets| Histogram::of(buckets).ok_or_else(|| StoredError::malformed("times", "no buckets of ours"));
        let place = Place { date: self.date.thaw()?, venue_id: self.venue_id.thaw()?, subject: self.subject.thaw()? };
        let counter =
            Counter { count: self.count, acknowledge: times(self.acknowledge)?, resolve: times(self.resolve)? };
        Ok((place, counter))
    }
}

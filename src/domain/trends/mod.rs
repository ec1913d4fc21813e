//! Trends: how much of what happened on which business date, and how soon people dealt with it. Counted as events are applied; nothing
//! is ever scanned.
//!
//! Promise: the counters are what counting all violations anew would give. A violation counts on its business date, under its venue,
//! type and present severity; an action counts under its template, on the date of its violation.
//! Memory: a violation adds to three counters and to one more for each template that acts on it, and to as many that hold all venues
//! together, less one; a counter that nothing adds to is gone. There are never more than that, and a counter holds at most 6 bytes for
//! each time that it was told, 14 KiB in all.

pub mod histogram;
pub mod series;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::ids::VenueId;
use super::table::{Digest, Gathered, STALE_MAX};
use super::time::{BusinessDate, Timestamp};
use super::violations::{Severity, Violation, ViolationType};
use histogram::{Histogram, bucket_of};

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everything at a venue.
    Venue,
    /// What is of a type.
    Type(ViolationType),
    /// What is as severe.
    Severity(Severity),
    /// What a template acted on.
    Template(Uuid),
}

/// By what a series is made.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Dimension {
    Venue,
    Type,
    Severity,
    Template,
}

impl Subject {
    /// The dimension that it belongs to.
    pub fn dimension(&self) -> Dimension {
        match self {
            Self::Venue => Dimension::Venue,
            Self::Type(_) => Dimension::Type,
            Self::Severity(_) => Dimension::Severity,
            Self::Template(_) => Dimension::Template,
        }
    }
}

/// Where something counts: date, venue, subject. Venues stay apart, because not every caller sees all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Place {
    pub date: BusinessDate,
    pub venue_id: Option<VenueId>,
    pub subject: Subject,
}

/// What counts at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Violations, or actions of a template.
    pub count: u64,
    /// Times from the report to the acknowledgement.
    pub acknowledge: Histogram,
    /// Times from the report to the end.
    pub resolve: Histogram,
}

impl Counter {
    fn is_empty(&self) -> bool {
        self.count == 0 && self.acknowledge.is_empty() && self.resolve.is_empty()
    }

    fn count(&mut self, unit: Unit, more: bool) {
        match (unit, more) {
            (Unit::One, true) => self.count += 1,
            (Unit::One, false) => self.count = self.count.saturating_sub(1),
            (Unit::Acknowledged(bucket), true) => self.acknowledge.add(bucket),
            (Unit::Acknowledged(bucket), false) => self.acknowledge.remove(bucket),
            (Unit::Resolved(bucket), true) => self.resolve.add(bucket),
            (Unit::Resolved(bucket), false) => self.resolve.remove(bucket),
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.acknowledge.merge(&other.acknowledge);
        self.resolve.merge(&other.resolve);
    }
}

/// One thing that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    One,
    Acknowledged(u16),
    Resolved(u16),
}

type Day = BTreeMap<(Option<VenueId>, Subject), Counter>;

/// The counters of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Trends {
    days: BTreeMap<(Dimension, BusinessDate), Day>,
    /// All venues together, for those who see all of them: the sums of `days`, for every dimension but the venue's own.
    totals: BTreeMap<(Dimension, BusinessDate), BTreeMap<Subject, Counter>>,
    /// The sum of the digests of every unit at every place: what is taken out leaves no trace.
    sum: Digest,
    /// What counts in it and is not added yet, and how many times.
    late: Vec<(Place, Unit, u64)>,
}

/// How a violation counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    date: BusinessDate,
    venue_id: Option<VenueId>,
    violation_type: ViolationType,
    severity: Severity,
    acknowledged: Option<u16>,
    resolved: Option<u16>,
}

impl Sample {
    /// How it counts as it stands.
    pub fn of(violation: &Violation) -> Self {
        let since = violation.reported_at();
        let time = |at: Timestamp| bucket_of(u64::try_from(at.0.saturating_sub(since.0)).unwrap_or(0));
        Self {
            date: violation.business_date,
            venue_id: violation.venue_id.clone(),
            violation_type: violation.violation_type.clone(),
            severity: violation.severity,
            acknowledged: violation.acknowledged.as_ref().map(|mark| time(mark.at)),
            resolved: violation.resolved.as_ref().map(|mark| time(mark.at)),
        }
    }

    fn at(&self, subject: Subject) -> Place {
        Place { date: self.date, venue_id: self.venue_id.clone(), subject }
    }

    fn units(&self) -> impl Iterator<Item = Unit> {
        let acknowledged = self.acknowledged.map(Unit::Acknowledged);
        std::iter::once(Unit::One).chain(acknowledged).chain(self.resolved.map(Unit::Resolved))
    }

    fn subjects(&self) -> [Subject; 3] {
        [Subject::Venue, Subject::Type(self.violation_type.clone()), Subject::Severity(self.severity)]
    }
}

impl Trends {
    /// Counts a violation as it is now in place of how it was; `templates` acted on it.
    pub fn changed(&mut self, before: Option<&Sample>, after: &Sample, templates: impl Iterator<Item = Uuid>) {
        if before == Some(after) {
            return;
        }
        if let Some(before) = before {
            for subject in before.subjects() {
                let place = before.at(subject);
                before.units().for_each(|unit| self.count(&place, unit, false));
            }
        }
        for subject in after.subjects() {
            let place = after.at(subject);
            after.units().for_each(|unit| self.count(&place, unit, true));
        }
        self.answered(before, after, templates);
    }

    /// Counts an action of a template for a violation.
    pub fn acted(&mut self, violation: &Violation, template: Uuid) {
        let place = Place {
            date: violation.business_date,
            venue_id: violation.venue_id.clone(),
            subject: Subject::Template(template),
        };
        self.count(&place, Unit::One, true);
    }

    /// The times of a violation that was just acknowledged or resolved count for the templates that acted on it before; one that
    /// comes back takes the time of its end back. Nothing acts on what has ended, so these are the same templates.
    fn answered(&mut self, before: Option<&Sample>, after: &Sample, templates: impl Iterator<Item = Uuid>) {
        let first = |then: Option<u16>, now: Option<u16>| now.filter(|_| then.is_none());
        let acknowledged = first(before.and_then(|sample| sample.acknowledged), after.acknowledged);
        let resolved = first(before.and_then(|sample| sample.resolved), after.resolved);
        let taken_back = before.filter(|_| after.resolved.is_none()).and_then(|sample| sample.resolved);
        if acknowledged.is_none() && resolved.is_none() && taken_back.is_none() {
            return;
        }
        let mut templates: Vec<Uuid> = templates.collect();
        templates.sort_unstable();
        templates.dedup();
        for template in templates {
            let place = after.at(Subject::Template(template));
            let units = acknowledged.map(Unit::Acknowledged).into_iter().chain(resolved.map(Unit::Resolved));
            units.for_each(|unit| self.count(&place, unit, true));
            taken_back.into_iter().for_each(|bucket| self.count(&place, Unit::Resolved(bucket), false));
        }
    }

    fn count(&mut self, place: &Place, unit: Unit, more: bool) {
        let day = self.days.entry((place.subject.dimension(), place.date)).or_default();
        let key = (place.venue_id.clone(), place.subject.clone());
        let counter = day.entry(key).or_default();
        counter.count(unit, more);
        if counter.is_empty() {
            day.remove(&(place.venue_id.clone(), place.subject.clone()));
        }
        if day.is_empty() {
            self.days.remove(&(place.subject.dimension(), place.date));
        }
        self.count_total(place, unit, more);
        self.digest_times(place, unit, if more { 1 } else { u64::MAX });
    }

    fn count_total(&mut self, place: &Place, unit: Unit, more: bool) {
        if place.subject == Subject::Venue {
            return;
        }
        let key = (place.subject.dimension(), place.date);
        let day = self.totals.entry(key).or_default();
        let counter = day.entry(place.subject.clone()).or_default();
        counter.count(unit, more);
        if counter.is_empty() {
            day.remove(&place.subject);
        }
        if day.is_empty() {
            self.totals.remove(&key);
        }
    }

    /// Notes that the digest of a unit is to be added so many times; `u64::MAX` times is once less.
    fn digest_times(&mut self, place: &Place, unit: Unit, times: u64) {
        self.late.push((place.clone(), unit, times));
        if self.late.len() >= STALE_MAX {
            self.catch_up();
        }
    }

    /// Works out the digest of what was counted.
    pub fn catch_up(&mut self) {
        self.sum = self.digest();
        self.late = Vec::new();
    }

    /// Puts a counter back that a snapshot kept.
    pub fn put_back(&mut self, place: Place, counter: Counter) {
        self.digest_times(&place, Unit::One, counter.count);
        for (bucket, count) in counter.acknowledge.buckets() {
            self.digest_times(&place, Unit::Acknowledged(*bucket), u64::from(*count));
        }
        for (bucket, count) in counter.resolve.buckets() {
            self.digest_times(&place, Unit::Resolved(*bucket), u64::from(*count));
        }
        if place.subject != Subject::Venue {
            let day = self.totals.entry((place.subject.dimension(), place.date)).or_default();
            day.entry(place.subject.clone()).or_default().merge(&counter);
        }
        let day = self.days.entry((place.subject.dimension(), place.date)).or_default();
        day.insert((place.venue_id, place.subject), counter);
    }

    /// Every counter with its place, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Place, &Counter)> {
        self.days.iter().flat_map(|((_, date), day)| {
            day.iter().map(|((venue_id, subject), counter)| {
                (Place { date: *date, venue_id: venue_id.clone(), subject: subject.clone() }, counter)
            })
        })
    }

    /// The counters of a dimension on the dates `from` to `to`, inclusive.
    fn dated(
        &self,
        dimension: Dimension,
        from: BusinessDate,
        to: BusinessDate,
    ) -> impl Iterator<Item = (BusinessDate, Option<&VenueId>, &Subject, &Counter)> {
        let days = self.days.range((dimension, from)..=(dimension, to.max(from)));
        days.flat_map(|((_, date), day)| {
            day.iter().map(|((venue_id, subject), counter)| (*date, venue_id.as_ref(), subject, counter))
        })
    }

    /// The same with all venues together; none by venue.
    fn totals(
        &self,
        dimension: Dimension,
        from: BusinessDate,
        to: BusinessDate,
    ) -> impl Iterator<Item = (BusinessDate, &Subject, &Counter)> {
        let days = self.totals.range((dimension, from)..=(dimension, to.max(from)));
        days.flat_map(|((_, date), day)| day.iter().map(|(subject, counter)| (*date, subject, counter)))
    }

    /// How many counters there are, without those that hold all venues together.
    pub fn len(&self) -> usize {
        self.days.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        let (mut sum, mut gathered) = (self.sum, Gathered::default());
        for (place, unit, times) in &self.late {
            for (lane, one) in sum.iter_mut().zip(gathered.digest_of(&(place, unit))) {
                *lane = lane.wrapping_add(one.wrapping_mul(*times));
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests;

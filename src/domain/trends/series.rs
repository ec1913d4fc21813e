//! The series of a question: counters of many dates and venues, added up per day or week.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::histogram::Sum;
use super::{Counter, Dimension, Subject};
use crate::domain::ids::VenueId;
use crate::domain::people::Caller;
use crate::domain::state::TenantState;
use crate::domain::time::BusinessDate;

/// The longest range, in days: three years.
pub const DAYS_MAX: i32 = 1_100;
/// The most points that a series can have: a leap year of days.
pub const POINTS_MAX: i32 = 366;
/// The most series of an answer; those with the highest counts.
pub const SERIES_MAX: usize = 200;

/// What a point stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Group {
    Day,
    /// Monday to Sunday.
    Week,
}

impl Group {
    fn start(self, date: BusinessDate) -> BusinessDate {
        match self {
            Self::Day => date,
            Self::Week => date.monday(),
        }
    }

    /// How many points a range has at most.
    pub fn points(self, from: BusinessDate, to: BusinessDate) -> i32 {
        let days = self.start(to).0.saturating_sub(self.start(from).0);
        match self {
            Self::Day => days.saturating_add(1),
            Self::Week => days / 7 + 1,
        }
    }
}

/// A question.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Question {
    pub from: BusinessDate,
    /// Inclusive.
    pub to: BusinessDate,
    pub group: Group,
    pub by: Dimension,
}

/// One day or week of a series. Times are in seconds, within 1.6 %; none where nobody was that far.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Point {
    /// The day, or the Monday of the week, which may lie before the range.
    #[schema(value_type = String, format = Date)]
    pub date: Arc<str>,
    pub count: u64,
    pub acknowledge_p50_s: Option<f64>,
    pub acknowledge_p90_s: Option<f64>,
    pub resolve_p50_s: Option<f64>,
    pub resolve_p90_s: Option<f64>,
}

/// What belongs together.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Series<'a> {
    /// Venue id, type, severity or template id; null for what happened at no venue.
    pub key: Option<String>,
    /// The name of the venue or template, where it is still there.
    pub name: Option<&'a str>,
    /// How much in the whole range.
    pub count: u64,
    /// Only dates on which there was something, in order.
    pub points: Vec<Point>,
}

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TrendsView<'a> {
    #[schema(value_type = String, format = Date)]
    pub from: BusinessDate,
    #[schema(value_type = String, format = Date)]
    pub to: BusinessDate,
    pub group: Group,
    pub by: Dimension,
    /// At most 200, the highest count first.
    pub series: Vec<Series<'a>>,
    /// How many series were left out, because they count less than all that are shown.
    pub left_out: usize,
}

/// What a series is made of: its counters in the order of their dates.
type Parts<'a> = Vec<(BusinessDate, &'a Counter)>;

/// Series by venue and subject, with what they count in all.
type Found<'a> = HashMap<(Option<&'a VenueId>, &'a Subject), (u64, Parts<'a>), foldhash::fast::RandomState>;

/// Answers a question as this caller may see it. The range was checked to have at most [`DAYS_MAX`] days and [`POINTS_MAX`] points.
pub fn answer<'a>(state: &'a TenantState, caller: &Caller, question: &Question) -> TrendsView<'a> {
    let Question { from, to, group, by } = *question;
    let mut found: Found<'_> = HashMap::default();
    let mut put = |venue, subject, date, counter: &'a Counter| {
        let (count, parts) = found.entry((venue, subject)).or_default();
        *count += counter.count;
        parts.push((date, counter));
    };
    if caller.venues.is_none() && by != Dimension::Venue {
        state.trends.totals(by, from, to).for_each(|(date, subject, counter)| put(None, subject, date, counter));
    } else {
        for (date, venue_id, subject, counter) in state.trends.dated(by, from, to) {
            if caller.reaches(venue_id) {
                put(if by == Dimension::Venue { venue_id } else { None }, subject, date, counter);
            }
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(one, (one_count, _)), (two, (two_count, _))| two_count.cmp(one_count).then_with(|| one.cmp(two)));
    let left_out = found.len().saturating_sub(SERIES_MAX);
    found.truncate(SERIES_MAX);
    let mut scratch = Scratch::default();
    let series = found.into_iter().map(|((venue_id, subject), (count, parts))| {
        let (key, name) = named(state, venue_id, subject);
        Series { key, name, count, points: points(group, &parts, &mut scratch) }
    });
    TrendsView { from, to, group, by, series: series.collect(), left_out }
}

/// Where histograms are added up, again and again.
#[derive(Default)]
struct Scratch {
    acknowledge: Sum,
    resolve: Sum,
    /// Dates as text: every series has the same ones.
    dates: HashMap<BusinessDate, Arc<str>>,
}

impl Scratch {
    fn point(&mut self, date: BusinessDate, parts: &[(BusinessDate, &Counter)]) -> Point {
        let ([acknowledge_p50_s, acknowledge_p90_s], [resolve_p50_s, resolve_p90_s]) = match parts {
            [(_, only)] => (only.acknowledge.percentiles_s(), only.resolve.percentiles_s()),
            parts => {
                self.acknowledge.clear();
                self.resolve.clear();
                for (_, counter) in parts {
                    self.acknowledge.add(&counter.acknowledge);
                    self.resolve.add(&counter.resolve);
                }
                (self.acknowledge.percentiles_s(), self.resolve.percentiles_s())
            }
        };
        let count = parts.iter().map(|(_, counter)| counter.count).sum();
        let date = self.dates.entry(date).or_insert_with(|| date.to_string().into()).clone();
        Point { date, count, acknowledge_p50_s, acknowledge_p90_s, resolve_p50_s, resolve_p90_s }
    }
}

fn points(group: Group, parts: &Parts<'_>, scratch: &mut Scratch) -> Vec<Point> {
    let start = |date: BusinessDate| group.start(date);
    let together = parts.chunk_by(|(one, _), (two, _)| start(*one) == start(*two));
    together.filter_map(|parts| Some(scratch.point(start(parts.first()?.0), parts))).collect()
}

fn named<'a>(state: &'a TenantState, venue: Option<&VenueId>, subject: &Subject) -> (Option<String>, Option<&'a str>) {
    match subject {
        Subject::Venue => {
            (venue.map(ToString::to_string), venue.and_then(|id| state.venue(id)).map(|venue| &*venue.name))
        }
        Subject::Type(violation_type) => (Some(violation_type.to_string()), None),
        Subject::Severity(severity) => (Some(severity.name().to_owned()), None),
        Subject::Template(id) => (Some(id.to_string()), state.templates.get(id).and_then(|one| one.name.as_deref())),
    }
}

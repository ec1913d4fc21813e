//! When a template matches. Adding a condition is a field, a check and a line in [`unmet`].

pub mod during;
pub mod facts;
pub mod unmet;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::when::Program;
use crate::domain::rejection::Faults;
use during::{During, Windows};

/// The most business dates that a count looks back on: a leap year.
pub const WITHIN_DAYS_MAX: u32 = 366;
/// The most violations that a count asks for.
pub const OCCURRENCES_MAX: u32 = 100_000;
/// The longest time between two actions of a template: a month.
pub const PACE_MINUTES_MAX: u32 = 44_640;

/// What must hold, all of it. Unknown names are refused when a template is saved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// The measure is at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_threshold: Option<f64>,
    /// The measure is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_threshold: Option<f64>,
    /// The violation is at one of these venues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue_ids: Option<Vec<String>>,
    /// Path in the metadata → the value there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<BTreeMap<String, Value>>,
    /// There are at least this many violations of the type and entity, this one included, re-reports not; needs `within_days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurrences_at_least: Option<u32>,
    /// Counted on the business date of the violation and so many less one before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u32>,
    /// It happened in this window of the week, or in one of these, by the venue's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<During>>)]
    pub during: Option<Windows>,
    /// This expression (CEL) over the violation is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// A re-report of an open violation runs the template too, when its last action for the violation is at least this old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_after_minutes: Option<u32>,
    /// The last action of the template for the same entity is at least this old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_minutes: Option<u32>,
}

impl Eq for Conditions {}

impl Hash for Conditions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.min_threshold.map(f64::to_bits).hash(state);
        self.max_threshold.map(f64::to_bits).hash(state);
        self.venue_ids.hash(state);
        self.metadata.as_ref().map(|fields| serde_json::to_string(fields).unwrap_or_default()).hash(state);
        (self.occurrences_at_least, self.within_days, &self.during).hash(state);
        (&self.when, self.repeat_after_minutes, self.cooldown_minutes).hash(state);
    }
}

impl Conditions {
    /// Notes what cannot be meant.
    pub fn check(&self, faults: &mut Faults) {
        self.check_values(faults);
        self.check_count(faults);
        if let Some(windows) = &self.during {
            windows.check(faults, "/conditions/during");
        }
        if let Some(source) = &self.when
            && let Err(detail) = Program::compile(source)
        {
            faults.add("/conditions/when", detail);
        }
        let paces = [
            ("/conditions/repeat_after_minutes", self.repeat_after_minutes),
            ("/conditions/cooldown_minutes", self.cooldown_minutes),
        ];
        for (pointer, minutes) in paces {
            let fits = minutes.is_none_or(|minutes| (1..=PACE_MINUTES_MAX).contains(&minutes));
            faults.expect(fits, pointer, "is not between 1 and 44640 (31 days)");
        }
    }

    fn check_values(&self, faults: &mut Faults) {
        let bounds =
            [("/conditions/min_threshold", self.min_threshold), ("/conditions/max_threshold", self.max_threshold)];
        for (pointer, bound) in bounds {
            faults.expect(bound.is_none_or(f64::is_finite), pointer, "is not a finite number");
        }
        if let (Some(min), Some(max)) = (self.min_threshold, self.max_threshold) {
            faults.expect(min <= max, "/conditions/max_threshold", "is below min_threshold, so nothing can match");
        }
        if let Some(venues) = &self.venue_ids {
            faults.expect(
                (1..=1_000).contains(&venues.len()),
                "/conditions/venue_ids",
                "does not have 1 to 1,000 entries",
            );
        }
        if let Some(fields) = &self.metadata {
            faults.expect(fields.len() <= 50, "/conditions/metadata", "has more than 50 entries");
        }
    }

    fn check_count(&self, faults: &mut Faults) {
        let count = self.occurrences_at_least.is_none_or(|count| (1..=OCCURRENCES_MAX).contains(&count));
        faults.expect(count, "/conditions/occurrences_at_least", "is not between 1 and 100000");
        check_days(faults, "/conditions/within_days", self.within_days);
        match (self.occurrences_at_least, self.within_days) {
            (Some(_), None) => faults.add("/conditions/within_days", "is missing: within how many days?"),
            (None, Some(_)) => {
                faults.add("/conditions/occurrences_at_least", "is missing: how many times within those days?");
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// Notes a number of days that no count looks back on.
pub fn check_days(faults: &mut Faults, pointer: &str, days: Option<u32>) {
    let fits = days.is_none_or(|days| (1..=WITHIN_DAYS_MAX).contains(&days));
    faults.expect(fits, pointer, "is not between 1 and 366 business dates");
}

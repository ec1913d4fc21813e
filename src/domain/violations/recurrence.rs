//! How often there was a violation of a type about an entity, by business date. Counted as violations are taken in, re-reports not;
//! made of the violations themselves, so it is not stored twice.

use std::collections::BTreeMap;

use super::{Violation, ViolationType};
use crate::domain::ids::EntityId;
use crate::domain::table::Map;
use crate::domain::time::BusinessDate;

/// The most business dates that are kept of a type and entity, the newest: more than any count looks back on.
pub const DATES_MAX: usize = 400;

type Dates = BTreeMap<BusinessDate, u32>;

/// The counts of one organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recurrence {
    counts: Map<ViolationType, Map<EntityId, Dates>>,
}

impl Recurrence {
    /// Counts a new violation. What it leaves does not depend on the order in which violations came.
    pub fn add(&mut self, violation: &Violation) {
        let Some(entity) = &violation.entity else { return };
        let of_type = self.counts.entry(violation.violation_type.clone()).or_default();
        let dates = of_type.entry(entity.id.clone()).or_default();
        let count = dates.entry(violation.business_date).or_insert(0);
        *count = count.saturating_add(1);
        if dates.len() > DATES_MAX {
            dates.pop_first();
        }
    }

    /// How many there are on `last` and the `within_days − 1` business dates before it.
    pub fn count(&self, of: &ViolationType, entity: &EntityId, last: BusinessDate, within_days: u32) -> u32 {
        let Some(dates) = self.counts.get(of).and_then(|entities| entities.get(entity)) else { return 0 };
        let back = i32::try_from(within_days.saturating_sub(1)).unwrap_or(i32::MAX);
        let first = BusinessDate(last.0.saturating_sub(back));
        dates.range(first..=last).fold(0, |sum: u32, (_, count)| sum.saturating_add(*count))
    }
}

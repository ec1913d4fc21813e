//! What conditions look at: one violation, as it is reported now, in its organisation.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::ids::EntityId;
use crate::domain::state::TenantState;
use crate::domain::time::{LocalTime, Timestamp, Zone};
use crate::domain::violations::Violation;
use crate::domain::violations::profile::Profile;

/// Why templates run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The violation is new.
    New,
    /// An open one was reported again, now.
    Again {
        /// Whether its severity rises by that.
        rises: bool,
        /// Whether it had ended and comes back.
        back: bool,
    },
    /// Somebody asks for the actions that are missing.
    Asked,
}

/// What conditions look at. What costs something is worked out when the first condition asks for it.
pub struct Facts<'a> {
    /// The violation as it will be.
    pub violation: &'a Violation,
    /// Its metadata, or null.
    pub metadata: &'a Value,
    /// The profile of its type.
    pub profile: &'a Profile,
    /// The organisation before the report.
    pub state: &'a TenantState,
    /// The time of the decision.
    pub now: Timestamp,
    /// Why templates run.
    pub occasion: Occasion,
    /// The number that thresholds look at.
    pub measure: Option<f64>,
    local: OnceCell<LocalTime>,
    venue: OnceCell<Value>,
    entity: OnceCell<Option<(EntityId, Arc<str>)>>,
    /// The days of the count that was asked for last, and the count: templates ask for few different ones.
    counted: Cell<Option<(u32, Option<u32>)>>,
}

impl<'a> Facts<'a> {
    /// The facts of a violation.
    pub fn new(
        violation: &'a Violation,
        metadata: &'a Value,
        profile: &'a Profile,
        state: &'a TenantState,
        now: Timestamp,
        occasion: Occasion,
    ) -> Self {
        let measure = profile.measured(metadata);
        let (local, venue, entity) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let counted = Cell::new(None);
        Self { violation, metadata, profile, state, now, occasion, measure, local, venue, entity, counted }
    }

    /// When it happened by the clock at its venue: when it was detected, or now for a re-report.
    pub fn local(&self) -> LocalTime {
        *self.local.get_or_init(|| {
            let at = match self.occasion {
                Occasion::New | Occasion::Asked => self.violation.detected_at,
                Occasion::Again { .. } => self.now,
            };
            let venue = self.violation.venue_id.as_ref().and_then(|id| self.state.venue(id));
            let zone = venue.map_or(&self.state.organisation().time_zone, |venue| &venue.time_zone);
            Zone::named_or_utc(zone).local(at)
        })
    }

    /// Whom or what the profile of the type names in this report, and what that is.
    pub fn entity(&self) -> Option<(EntityId, Arc<str>)> {
        let find = || self.profile.entity_of(self.metadata, self.violation.venue_id.as_ref());
        self.entity.get_or_init(find).clone()
    }

    /// The venue as expressions see it; null where there is none.
    pub fn venue(&self) -> &Value {
        self.venue.get_or_init(|| {
            let venue = self.violation.venue_id.as_ref().and_then(|id| self.state.venue(id));
            venue.map_or(Value::Null, |venue| {
                json!({
                    "venue_id": venue.venue_id, "name": venue.name, "time_zone": venue.time_zone,
                    "business_day_starts": venue.business_day_starts, "contacts": venue.contacts,
                })
            })
        })
    }

    /// How many violations of this type and entity there are on its business date and the `within_days − 1` before it, this one
    /// included; `None` where it is about nobody.
    pub fn occurrences(&self, within_days: u32) -> Option<u32> {
        match self.counted.get() {
            Some((days, count)) if days == within_days => count,
            Some(_) | None => {
                let count = self.count(within_days);
                self.counted.set(Some((within_days, count)));
                count
            }
        }
    }

    fn count(&self, within_days: u32) -> Option<u32> {
        let violation = self.violation;
        let entity = violation.entity.as_ref()?;
        let last = violation.business_date;
        let counted = self.state.violations.recurrence.count(&violation.violation_type, &entity.id, last, within_days);
        Some(if self.occasion == Occasion::New { counted.saturating_add(1) } else { counted })
    }
}

//! When each template last acted for each entity, for `cooldown_minutes`. Made of the actions and the shadow records, so it is not
//! stored; what is older than any cooldown is let go.

use uuid::Uuid;

use super::conditions::PACE_MINUTES_MAX;
use super::{Mode, Template};
use crate::domain::ids::EntityId;
use crate::domain::table::Map;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::violations::Violation;

/// From how many entries on the old ones are looked for.
const SWEEP_MIN: usize = 1_024;

/// A template that acts for an entity; a rule on trial has a pace of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Act {
    template: Uuid,
    mode: Mode,
    /// Violations that are about nobody count as one.
    entity: Option<EntityId>,
}

impl Act {
    /// A template that acts for the entity of a violation.
    pub fn of(template: &Template, violation: &Violation) -> Self {
        Self::new(template.id, template.mode, Some(violation))
    }

    /// As [`Act::of`].
    pub fn new(template: Uuid, mode: Mode, violation: Option<&Violation>) -> Self {
        let entity = violation.and_then(|violation| violation.entity.as_ref()).map(|entity| entity.id.clone());
        Self { template, mode, entity }
    }
}

/// The last act of each template for each entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    last: Map<Act, Timestamp>,
    newest: Timestamp,
    sweep_at: usize,
}

impl Pace {
    /// When it was.
    pub fn last(&self, act: &Act) -> Option<Timestamp> {
        self.last.get(act).copied()
    }

    /// Notes an act.
    pub fn note(&mut self, act: Act, at: Timestamp) {
        self.newest = self.newest.max(at);
        let last = self.last.entry(act).or_insert(at);
        *last = at.max(*last);
        if self.last.len() >= self.sweep_at.max(SWEEP_MIN) {
            let oldest = self.newest.plus_ms(-i64::from(PACE_MINUTES_MAX) * MINUTE_MS);
            self.last.retain(|_, at| *at >= oldest);
            self.sweep_at = self.last.len().saturating_mul(2);
        }
    }

    /// How many acts are known.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_any_cooldown_is_let_go() {
        let mut pace = Pace::default();
        let act = |number: u128| Act { template: Uuid::from_u128(number), mode: Mode::Live, entity: None };
        for number in 0..10_000 {
            pace.note(act(number), Timestamp(i64::try_from(number).unwrap() * 10 * MINUTE_MS));
        }
        assert!(pace.len() < 3 * 4_464, "{}", pace.len());
        assert_eq!(pace.last(&act(9_999)), Some(Timestamp(99_990 * MINUTE_MS)));
        assert_eq!(pace.last(&act(9_999 - 4_464)), Some(Timestamp((99_990 - 44_640) * MINUTE_MS)));
        assert_eq!(pace.last(&act(0)), None);
    }
}

//! When each template last acted for each entity, for `cooldown_minutes`. What templates did is made of the actions, so it is not
//! stored; what those on trial would have done is, because of their records only the newest are kept. What is older than any cooldown
//! is let go.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::conditions::PACE_MINUTES_MAX;
use crate::domain::ids::EntityId;
use crate::domain::table::{Digest, Map, Table};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::violations::Violation;

/// From how many entries on the old ones are looked for.
const SWEEP_MIN: usize = 1_024;
/// The most acts on trial that are known; beyond, the oldest is let go, and that template would act again.
pub const TRIAL_ACTS_MAX: usize = 20_000;

/// A template that acts for an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Act {
    pub template: Uuid,
    /// Violations that are about nobody count as one.
    pub entity: Option<EntityId>,
}

impl Act {
    /// A template that acts for the entity of a violation.
    pub fn of(template: Uuid, violation: Option<&Violation>) -> Self {
        let entity = violation.and_then(|violation| violation.entity.as_ref()).map(|entity| entity.id.clone());
        Self { template, entity }
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

/// The last act of each template on trial for each entity. What is let go follows from what is there alone, so that a state that was
/// restored lets go of the same.
#[derive(Clone, Debug, Default)]
pub struct TrialPace {
    last: Table<Act, Timestamp>,
    by_time: BTreeSet<(Timestamp, Act)>,
}

impl TrialPace {
    /// When it was.
    pub fn last(&self, act: &Act) -> Option<Timestamp> {
        self.last.get(act).copied()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Act, &Timestamp)> {
        self.last.iter()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.last.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.last.digest()
    }

    /// Notes an act: new, or from a snapshot.
    pub fn note(&mut self, act: Act, at: Timestamp) {
        let before = self.last(&act);
        if before.is_some_and(|before| before >= at) {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, act.clone()));
        }
        self.by_time.insert((at, act.clone()));
        self.last.insert(act, at);
        let newest = self.by_time.last().map_or(at, |(newest, _)| *newest);
        let oldest = newest.plus_ms(-i64::from(PACE_MINUTES_MAX) * MINUTE_MS);
        while let Some((first, act)) = self.by_time.first()
            && (*first < oldest || self.by_time.len() > TRIAL_ACTS_MAX)
        {
            self.last.remove(act);
            self.by_time.pop_first();
        }
    }

    /// Forgets a template that was deleted.
    pub fn forget(&mut self, template: &Uuid) {
        let gone: Vec<_> = self.by_time.iter().filter(|(_, act)| act.template == *template).cloned().collect();
        for entry in gone {
            self.last.remove(&entry.1);
            self.by_time.remove(&entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_any_cooldown_is_let_go() {
        let mut pace = Pace::default();
        let act = |number: u128| Act { template: Uuid::from_u128(number), entity: None };
        for number in 0..10_000 {
            pace.note(act(number), Timestamp(i64::try_from(number).unwrap() * 10 * MINUTE_MS));
        }
        assert!(pace.len() < 3 * 4_464, "{}", pace.len());
        assert_eq!(pace.last(&act(9_999)), Some(Timestamp(99_990 * MINUTE_MS)));
        assert_eq!(pace.last(&act(9_999 - 4_464)), Some(Timestamp((99_990 - 44_640) * MINUTE_MS)));
        assert_eq!(pace.last(&act(0)), None);
    }

    #[test]
    fn acts_on_trial_are_bounded_in_age_and_number() {
        let mut pace = TrialPace::default();
        let act = |number: u128| Act { template: Uuid::from_u128(number), entity: None };
        let most = i64::try_from(TRIAL_ACTS_MAX).unwrap();
        for number in 0..=most {
            pace.note(act(u128::try_from(number).unwrap()), Timestamp(number));
        }
        assert_eq!(
            (pace.iter().count(), pace.last(&act(0)), pace.last(&act(1))),
            (TRIAL_ACTS_MAX, None, Some(Timestamp(1)))
        );
        pace.note(act(0), Timestamp(most + i64::from(PACE_MINUTES_MAX) * MINUTE_MS));
        assert_eq!(pace.iter().count(), 2, "itself, and one that is just young enough");
    }
}

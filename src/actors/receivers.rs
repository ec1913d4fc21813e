//! How the receivers of an organisation fare: a few places for each, and a breaker that lets one rest which only fails.
//!
//! Promise: whatever one receiver does, what is for another is sent. What rests is not attempted: its schedule, and what it may come to, stay
//! as they are. All of this is in memory: after a start every receiver is as good as any.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::domain::actions::AttemptOutcome;
use crate::domain::ids::StreamId;

/// Deliveries to one receiver that are on their way at most.
const AT_ONCE_MAX: usize = 2;
/// Failures in a row after which a receiver rests.
const FAILURES_MAX: u32 = 5;
/// How long it rests first, in milliseconds; every failure after that doubles it.
const REST_MS: i64 = 30_000;
/// How long it rests at most, in milliseconds.
const REST_MAX_MS: i64 = 300_000;
/// Receivers that are remembered at most; beyond, those that have rested are as good as any.
const REMEMBERED_MAX: usize = 20_000;

/// How one receiver fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Standing {
    on_their_way: usize,
    failures: u32,
    /// Until when it rests; then one attempt is made, and what comes of it decides.
    rests_until_ms: i64,
}

impl Standing {
    fn at_once_max(self) -> usize {
        if self.failures >= FAILURES_MAX { 1 } else { AT_ONCE_MAX }
    }
}

/// All receivers.
#[derive(Debug, Default)]
pub struct Receivers {
    all: Mutex<HashMap<StreamId, HashMap<Arc<str>, Standing>>>,
}

/// What may be sent in one look at an organisation.
#[derive(Debug)]
pub struct Look {
    /// When it is taken, in milliseconds since the epoch.
    pub now_ms: i64,
    free: usize,
    busy: HashSet<Uuid>,
    receivers: HashMap<Arc<str>, Standing>,
    next_ms: Option<i64>,
}

/// Whether something is sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Send,
    /// Not this, but maybe the next.
    NotThis,
    /// Nothing more.
    Full,
}

impl Look {
    /// Whether something that is due at `due_ms` is sent now. What is asked for comes in the order of that time, so that the first which is
    /// not due is the last.
    pub fn admit(&mut self, id: &Uuid, receiver: &str, due_ms: i64) -> Admission {
        if self.busy.contains(id) {
            return Admission::NotThis;
        }
        if due_ms > self.now_ms || self.free == 0 {
            self.look_again(due_ms);
            return Admission::Full;
        }
        let standing = self.receivers.get(receiver).copied().unwrap_or_default();
        if standing.rests_until_ms > self.now_ms {
            self.look_again(standing.rests_until_ms);
            return Admission::NotThis;
        }
        if standing.on_their_way >= standing.at_once_max() {
            return Admission::NotThis; // its end has the organisation looked at again
        }
        let more = Standing { on_their_way: standing.on_their_way + 1, ..standing };
        self.receivers.insert(receiver.into(), more);
        self.free -= 1;
        Admission::Send
    }

    fn look_again(&mut self, at_ms: i64) {
        self.next_ms = Some(self.next_ms.map_or(at_ms, |next| next.min(at_ms)));
    }

    /// When to look again, in milliseconds since the epoch.
    pub fn next_ms(&self) -> Option<i64> {
        self.next_ms
    }
}

impl Receivers {
    /// A look at what may be sent now.
    pub fn look(&self, stream: StreamId, now_ms: i64, free: usize, busy: HashSet<Uuid>) -> Look {
        let receivers = self.lock().get(&stream).cloned().unwrap_or_default();
        Look { now_ms, free, busy, receivers, next_ms: None }
    }

    /// Takes a place at a receiver.
    pub fn enter(&self, stream: StreamId, receiver: &Arc<str>) {
        self.lock().entry(stream).or_default().entry(receiver.clone()).or_default().on_their_way += 1;
    }

    /// Gives a place back.
    pub fn leave(&self, stream: StreamId, receiver: &Arc<str>) {
        self.change(stream, receiver, |one| one.on_their_way = one.on_their_way.saturating_sub(1));
    }

    /// Counts how an attempt went. A receiver that refuses has answered, so it is well.
    pub fn note(&self, stream: StreamId, receiver: &Arc<str>, outcome: AttemptOutcome, now_ms: i64) {
        self.change(stream, receiver, |one| match outcome {
            AttemptOutcome::Delivered | AttemptOutcome::Refused => (one.failures, one.rests_until_ms) = (0, 0),
            AttemptOutcome::Retry => {
                one.failures = one.failures.saturating_add(1);
                if let Some(more) = one.failures.checked_sub(FAILURES_MAX) {
                    one.rests_until_ms = now_ms + (REST_MS << more.min(10)).min(REST_MAX_MS);
                }
            }
        });
        self.forget_some(now_ms);
    }

    fn change(&self, stream: StreamId, receiver: &Arc<str>, change: impl FnOnce(&mut Standing)) {
        let mut all = self.lock();
        let Some(own) = all.get_mut(&stream) else { return };
        let Some(standing) = own.get_mut(receiver) else { return };
        change(standing);
        if *standing == Standing::default() {
            own.remove(receiver);
        }
        if own.is_empty() {
            all.remove(&stream);
        }
    }

    /// Where too many are remembered, lets go of those that wait for nothing.
    fn forget_some(&self, now_ms: i64) {
        let mut all = self.lock();
        if all.values().map(HashMap::len).sum::<usize>() <= REMEMBERED_MAX {
            return;
        }
        all.values_mut().for_each(|own| own.retain(|_, one| one.on_their_way > 0 || one.rests_until_ms > now_ms));
        all.retain(|_, own| !own.is_empty());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, HashMap<Arc<str>, Standing>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: StreamId = StreamId(1);

    fn look(receivers: &Receivers, now_ms: i64) -> Look {
        receivers.look(ORG, now_ms, 8, HashSet::new())
    }

    fn ask(look: &mut Look, number: u128, receiver: &str) -> Admission {
        look.admit(&Uuid::from_u128(number), receiver, 0)
    }

    #[test]
    fn a_receiver_that_hangs_leaves_places_to_the_others() {
        let receivers = Receivers::default();
        let mut first = look(&receivers, 10);
        let sent: Vec<_> = (0..5).map(|number| ask(&mut first, number, "a@x")).collect();
        assert_eq!(sent, [[Admission::Send; 2].as_slice(), &[Admission::NotThis; 3]].concat());
        assert_eq!(ask(&mut first, 9, "b@x"), Admission::Send);
        let hanging: Arc<str> = "a@x".into();
        receivers.enter(ORG, &hanging);
        receivers.enter(ORG, &hanging);
        let mut second = look(&receivers, 10);
        assert_eq!((ask(&mut second, 5, "a@x"), ask(&mut second, 6, "b@x")), (Admission::NotThis, Admission::Send));
        receivers.leave(ORG, &hanging);
        assert_eq!(ask(&mut look(&receivers, 10), 5, "a@x"), Admission::Send);
        receivers.leave(ORG, &hanging);
        assert!(receivers.lock().is_empty());
    }

    #[test]
    fn one_that_only_fails_rests_and_is_tried_once_afterwards() {
        let (receivers, one): (_, Arc<str>) = (Receivers::default(), "a@x".into());
        let attempt = |outcome, now_ms| {
            receivers.enter(ORG, &one);
            receivers.note(ORG, &one, outcome, now_ms);
            receivers.leave(ORG, &one);
        };
        (0..4).for_each(|_| attempt(AttemptOutcome::Retry, 0));
        assert_eq!(ask(&mut look(&receivers, 0), 1, "a@x"), Admission::Send);
        attempt(AttemptOutcome::Retry, 0);
        let mut resting = look(&receivers, REST_MS - 1);
        assert_eq!((ask(&mut resting, 1, "a@x"), resting.next_ms()), (Admission::NotThis, Some(REST_MS)));
        let mut probing = look(&receivers, REST_MS);
        assert_eq!((ask(&mut probing, 1, "a@x"), ask(&mut probing, 2, "a@x")), (Admission::Send, Admission::NotThis));
        attempt(AttemptOutcome::Retry, REST_MS);
        assert_eq!(ask(&mut look(&receivers, 3 * REST_MS - 1), 1, "a@x"), Admission::NotThis);
        (0..20).for_each(|_| attempt(AttemptOutcome::Retry, REST_MS));
        assert_eq!(
            ask(&mut look(&receivers, REST_MS + REST_MAX_MS), 1, "a@x"),
            Admission::Send,
            "five minutes at most"
        );
        attempt(AttemptOutcome::Refused, 0);
        assert!(receivers.lock().is_empty(), "whoever answers is well");
    }

    #[test]
    fn what_is_not_due_or_has_no_place_ends_the_look() {
        let receivers = Receivers::default();
        let mut later = look(&receivers, 10);
        assert_eq!((later.admit(&Uuid::nil(), "a", 11), later.next_ms()), (Admission::Full, Some(11)));
        let mut full = receivers.look(ORG, 10, 1, HashSet::from([Uuid::max()]));
        assert_eq!(full.admit(&Uuid::max(), "a", 0), Admission::NotThis, "it is on its way");
        assert_eq!((ask(&mut full, 1, "a"), ask(&mut full, 2, "b")), (Admission::Send, Admission::Full));
    }
}

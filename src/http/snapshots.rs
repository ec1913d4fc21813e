//! Snapshots of the till feed, shared: when the network comes back, every till of an organisation asks for the same one at once.
//!
//! Promise: a snapshot is at least of the version that was there when it was asked for; it is rendered once for all who wait for it. What
//! nobody asks for any more is let go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;

use crate::domain::ids::{StreamId, VenueId};

/// The most snapshots that are kept.
const KEPT_MAX: usize = 64;
/// The bytes that they have together at most; one that is longer alone is kept for those who wait for it and no longer.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// How long one is kept that nobody asks for, in milliseconds: the tills that come back together do so within seconds.
pub const KEPT_MS_MAX: i64 = 30_000;

type Key = (StreamId, Option<Arc<[VenueId]>>);

/// One snapshot, or the place for it.
pub type Slot = Arc<tokio::sync::Mutex<Option<(u64, Bytes)>>>;

#[derive(Debug, Default)]
struct Kept {
    /// Each with when it was asked for last.
    slots: HashMap<Key, (i64, Slot)>,
    /// Whether somebody looks after them.
    is_swept: bool,
}

impl Kept {
    /// Lets go of what nobody asked for, then of what was asked for longest ago until the rest is within `slots_max` and the bytes. Whoever
    /// holds a place keeps it.
    fn let_go(&mut self, now_ms: i64, slots_max: usize) {
        self.slots.retain(|_, (asked_ms, slot)| {
            now_ms.saturating_sub(*asked_ms) < KEPT_MS_MAX || Arc::strong_count(slot) > 1
        });
        let mut by_age: Vec<(i64, usize, Key)> =
            self.slots.iter().map(|(key, (asked_ms, slot))| (*asked_ms, bytes_of(slot), key.clone())).collect();
        by_age.sort_by_key(|(asked_ms, _, _)| *asked_ms);
        let mut bytes: usize = by_age.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, own, key) in by_age {
            if self.slots.len() <= slots_max && bytes <= KEPT_BYTES_MAX {
                break;
            }
            self.slots.remove(&key);
            bytes -= own;
        }
    }
}

fn bytes_of(slot: &Slot) -> usize {
    // One that is being rendered counts when it is there.
    slot.try_lock().ok().and_then(|kept| kept.as_ref().map(|(_, text)| text.len())).unwrap_or(0)
}

/// The snapshots.
#[derive(Debug, Default)]
pub struct Snapshots(Mutex<Kept>);

impl Snapshots {
    /// The place of the snapshot of an organisation for these venues. Whoever holds it renders, the others wait and then read.
    pub fn slot(&self, stream: StreamId, venues: Option<Arc<[VenueId]>>, now_ms: i64) -> Slot {
        let mut kept = self.kept();
        let key = (stream, venues);
        if !kept.slots.contains_key(&key) {
            kept.let_go(now_ms, KEPT_MAX - 1);
        }
        let (asked_ms, slot) = kept.slots.entry(key).or_default();
        *asked_ms = now_ms;
        slot.clone()
    }

    /// Whether nobody looks after them yet: whoever is told so does, with [`Snapshots::sweep`] until that says that none is left.
    pub fn wants_sweeper(&self) -> bool {
        !std::mem::replace(&mut self.kept().is_swept, true)
    }

    /// Lets go of what is too old and too much; whether any is left.
    pub fn sweep(&self, now_ms: i64) -> bool {
        let mut kept = self.kept();
        kept.let_go(now_ms, KEPT_MAX);
        kept.is_swept = !kept.slots.is_empty();
        kept.is_swept
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_place_and_places_are_bounded() {
        let snapshots = Snapshots::default();
        let venues = |name: &str| -> Option<Arc<[VenueId]>> { Some([VenueId::parse(name).unwrap()].into()) };
        let first = snapshots.slot(StreamId(1), None, 0);
        assert!(Arc::ptr_eq(&first, &snapshots.slot(StreamId(1), None, 0)));
        assert!(!Arc::ptr_eq(&first, &snapshots.slot(StreamId(2), None, 0)));
        let at_pier = snapshots.slot(StreamId(1), venues("pier"), 0);
        assert!(!Arc::ptr_eq(&first, &at_pier));
        assert!(Arc::ptr_eq(&at_pier, &snapshots.slot(StreamId(1), venues("pier"), 0)));
        for number in 0..1_000 {
            snapshots.slot(StreamId(number), None, 1);
        }
        assert_eq!(snapshots.kept().slots.len(), KEPT_MAX);
    }

    #[test]
    fn what_nobody_asks_for_is_let_go_and_so_is_the_oldest_of_too_many_bytes() {
        let snapshots = Snapshots::default();
        let fill = |number, at_ms, bytes: usize| {
            let slot = snapshots.slot(StreamId(number), None, at_ms);
            *slot.try_lock().unwrap() = Some((1, vec![b' '; bytes].into()));
        };
        fill(1, 0, 10);
        assert!(snapshots.wants_sweeper() && !snapshots.wants_sweeper());
        fill(2, KEPT_MS_MAX - 1, 10);
        assert!(snapshots.sweep(KEPT_MS_MAX));
        let left = || -> Vec<u64> {
            let mut left: Vec<u64> = snapshots.kept().slots.keys().map(|(stream, _)| stream.0).collect();
            left.sort_unstable();
            left
        };
        assert_eq!(left(), [2]);
        fill(3, KEPT_MS_MAX, KEPT_BYTES_MAX);
        assert!(snapshots.sweep(KEPT_MS_MAX));
        assert_eq!(left(), [3]);
        assert!(!snapshots.sweep(2 * KEPT_MS_MAX) && snapshots.wants_sweeper());
    }
}

//! Snapshots of the till feed, shared: when the network comes back, every till of an organisation asks for the same one at once.
//!
//! Promise: a snapshot is at least of the version that was there when it was asked for; it is rendered once for all who wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;

use crate::domain::ids::{StreamId, VenueId};

/// The most snapshots that are kept; beyond, all are let go.
const KEPT_MAX: usize = 64;

type Key = (StreamId, Option<Arc<[VenueId]>>);

/// One snapshot, or the place for it.
pub type Slot = Arc<tokio::sync::Mutex<Option<(u64, Bytes)>>>;

/// The snapshots.
#[derive(Debug, Default)]
pub struct Snapshots(Mutex<HashMap<Key, Slot>>);

impl Snapshots {
    /// The place of the snapshot of an organisation for these venues. Whoever holds it renders, the others wait and then read.
    pub fn slot(&self, stream: StreamId, venues: Option<Arc<[VenueId]>>) -> Slot {
        let mut slots = self.slots();
        if slots.len() >= KEPT_MAX && !slots.contains_key(&(stream, venues.clone())) {
            slots.clear();
        }
        slots.entry((stream, venues)).or_default().clone()
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Key, Slot>> {
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
        let first = snapshots.slot(StreamId(1), None);
        assert!(Arc::ptr_eq(&first, &snapshots.slot(StreamId(1), None)));
        assert!(!Arc::ptr_eq(&first, &snapshots.slot(StreamId(2), None)));
        assert!(!Arc::ptr_eq(&first, &snapshots.slot(StreamId(1), venues("pier"))));
        assert!(Arc::ptr_eq(
            &snapshots.slot(StreamId(1), venues("pier")),
            &snapshots.slot(StreamId(1), venues("pier"))
        ));
        for number in 0..1_000 {
            snapshots.slot(StreamId(number), None);
        }
        assert!(snapshots.slots().len() <= KEPT_MAX);
    }
}

//! Who is at work on what. A request has at most one place in this process, so what runs in the state and has none here was cut off.
//!
//! Promise: a place is free again when it is dropped, however the work went, and then those who waited look again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::count;
use crate::actors::agenda::Chore;
use crate::actors::engine::Engine;
use crate::clock::now_ms;
use crate::domain::ids::StreamId;

/// Calls on their way in all. Each is a socket and a few buffers; more would run into the files that a process may have open.
pub const CALLS_MAX: usize = 256;
/// Calls that one organisation has on their way at most: four capabilities with their usual number of runs.
pub const CALLS_OF_ONE_MAX: usize = 16;
/// Claims of one organisation that need no call, and are over in a moment.
pub const CLAIMS_OF_ONE_MAX: usize = 16;

/// The places.
pub struct Places {
    taken: Mutex<Taken>,
    /// How many are taken, for whoever waits for the end of all.
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Taken {
    by_stream: HashMap<StreamId, HashMap<Uuid, Kind>>,
    calls: usize,
    /// Organisations that found no place for a call although they have few.
    waiting: HashSet<StreamId>,
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something outside is called.
    Call,
    /// Nothing is.
    Records,
}

/// What an organisation may begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// What has its place already.
    pub busy: HashSet<Uuid>,
    /// Calls that may begin.
    pub calls: usize,
    /// What needs no call and may begin.
    pub records: usize,
}

/// A place; free again when dropped.
pub struct Place {
    places: Arc<Places>,
    engine: Engine,
    stream: StreamId,
    id: Uuid,
}

impl Places {
    /// All free.
    pub fn new() -> Self {
        Self { taken: Mutex::default(), count: watch::Sender::new(0) }
    }

    /// What an organisation may begin now. Where others leave it nothing for calls, it is told when that changes.
    pub fn room(&self, stream: StreamId) -> Room {
        let mut taken = self.lock();
        let own = taken.by_stream.get(&stream);
        let busy: HashSet<Uuid> = own.map(|own| own.keys().copied().collect()).unwrap_or_default();
        let (mut own_calls, mut all_calls, mut calls) = (taken.calls_of(stream), taken.calls, 0);
        let records = CLAIMS_OF_ONE_MAX.saturating_sub(busy.len() - own_calls);
        while may_call(own_calls, all_calls) {
            (own_calls, all_calls, calls) = (own_calls + 1, all_calls + 1, calls + 1);
        }
        if calls == 0 && own_calls < CALLS_OF_ONE_MAX {
            taken.waiting.insert(stream);
        }
        Room { busy, calls, records }
    }

    /// Takes a place for a request, unless it has one or there is none.
    pub fn take(self: &Arc<Self>, engine: &Engine, stream: StreamId, id: Uuid, kind: Kind) -> Option<Place> {
        let mut taken = self.lock();
        if kind == Kind::Call && !may_call(taken.calls_of(stream), taken.calls) {
            return None;
        }
        let own = taken.by_stream.entry(stream).or_default();
        if own.contains_key(&id) {
            return None;
        }
        own.insert(id, kind);
        if kind == Kind::Call {
            taken.calls += 1;
            count::running(1.0);
        }
        self.count.send_modify(|count| *count += 1);
        Some(Place { places: self.clone(), engine: engine.clone(), stream, id })
    }

    /// Waits until no place is taken.
    pub async fn all_free(&self) {
        let mut count = self.count.subscribe();
        drop(count.wait_for(|count| *count == 0).await); // the sender lives as long as we do
    }

    /// Frees a place; says who waited for one.
    fn release(&self, stream: StreamId, id: &Uuid) -> Vec<StreamId> {
        let mut taken = self.lock();
        let Some(own) = taken.by_stream.get_mut(&stream) else { return Vec::new() };
        let kind = own.remove(id);
        if own.is_empty() {
            taken.by_stream.remove(&stream);
        }
        let mut told = vec![stream];
        if kind == Some(Kind::Call) {
            taken.calls -= 1;
            count::running(-1.0);
            told.extend(taken.waiting.drain());
        }
        self.count.send_modify(|count| *count -= 1);
        told
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn calls_of(&self, stream: StreamId) -> usize {
        let own = self.by_stream.get(&stream);
        own.map_or(0, |own| own.values().filter(|kind| **kind == Kind::Call).count())
    }
}

/// Whether an organisation with so many calls may make another while there are so many in all. Half of the places are kept for those that
/// have none: a few organisations whose receivers hang cannot take them all.
fn may_call(own: usize, all: usize) -> bool {
    let open = if own == 0 { CALLS_MAX } else { CALLS_MAX / 2 };
    own < CALLS_OF_ONE_MAX && all < open
}

impl Drop for Place {
    fn drop(&mut self) {
        let told = self.places.release(self.stream, &self.id);
        if !self.engine.is_stopping() {
            let now = now_ms();
            told.into_iter().for_each(|stream| self.engine.agenda().no_later_than(Chore::Execute, stream, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls_of(hanging: usize) -> usize {
        let (mut all, mut each) = (0, vec![0; hanging]);
        for own in &mut each {
            while may_call(*own, all) {
                (*own, all) = (*own + 1, all + 1);
            }
        }
        all
    }

    #[test]
    fn however_many_hang_who_has_no_call_may_make_one() {
        assert_eq!(calls_of(1), CALLS_OF_ONE_MAX);
        for hanging in [2, 8, 16, 40, 100] {
            assert!(may_call(0, calls_of(hanging)), "{hanging} organisations have {} calls", calls_of(hanging));
        }
    }
}

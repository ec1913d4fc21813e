//! What is durable in the write-ahead files and not in sled yet: readers look here first, the mover takes from here.
//!
//! Invariant: a record leaves only after sled has it durably. So whoever looks here first and into sled afterwards misses nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam::channel::Sender;

use crate::domain::ids::StreamId;
use crate::store::journal::{Entry, JournalError};

/// How much may gather before the mover is woken early, and about how much it moves at once, in bytes.
const GATHER_BYTES: usize = 1 << 20;

/// What the mover is asked to do beside moving. All that was durable before is moved first.
pub(super) enum Ask {
    /// One step of a cut, of about `keys_max` keys; the answer says whether there is more to do.
    Cut {
        stream: StreamId,
        through: u64,
        keys_max: usize,
        reply: Sender<Result<bool, JournalError>>,
    },
    CutTornTail {
        stream: StreamId,
        torn: Vec<Entry>,
        reply: Sender<Result<(), JournalError>>,
    },
    /// Nothing else.
    #[cfg(test)]
    Settle {
        reply: Sender<Result<(), JournalError>>,
    },
}

/// What the mover has to do next.
pub(super) struct Work {
    pub(super) entries: Vec<Arc<Entry>>,
    /// The number of the frame of the last of them.
    pub(super) through: u64,
    pub(super) asked: Option<Ask>,
}

#[derive(Default)]
struct Inner {
    streams: HashMap<StreamId, VecDeque<Arc<Entry>>>,
    /// The same records in the order of their frames.
    frames: VecDeque<(u64, Vec<Arc<Entry>>)>,
    bytes: usize,
    /// When the oldest of them came.
    since: Option<Instant>,
    /// The frames up to this number are in sled.
    moved: u64,
    /// Each with the number of the last frame that came before it.
    asks: VecDeque<(u64, Ask)>,
    /// The writer waits for room.
    hurry: bool,
    closing: bool,
    gone: bool,
}

/// Shared by the writer, the mover and the readers.
pub(super) struct Pending {
    inner: Mutex<Inner>,
    for_mover: Condvar,
    for_writer: Condvar,
}

impl Pending {
    /// Nothing is pending; the frames up to `moved` are in sled.
    pub(super) fn new(moved: u64) -> Self {
        let inner = Mutex::new(Inner { moved, ..Inner::default() });
        Self { inner, for_mover: Condvar::new(), for_writer: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the records of a frame that is durable.
    pub(super) fn add(&self, number: u64, entries: Vec<Entry>) {
        let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
        let mut inner = self.lock();
        let before = inner.bytes;
        for entry in &entries {
            inner.bytes += entry.bytes.len();
            inner.streams.entry(entry.stream).or_default().push_back(entry.clone());
        }
        let first = inner.frames.is_empty();
        inner.frames.push_back((number, entries));
        if first {
            inner.since = Some(Instant::now());
        }
        // It sleeps until the first one is old enough, so the others need not wake it.
        if first || (before < GATHER_BYTES && inner.bytes >= GATHER_BYTES) {
            self.for_mover.notify_one();
        }
    }

    /// The frames up to this number are in sled.
    pub(super) fn moved(&self) -> u64 {
        self.lock().moved
    }

    /// What sled still has to take, in bytes of records.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Waits a moment for the frames up to `number` to be in sled, and says whether they are.
    pub(super) fn wait_moved(&self, number: u64, at_most: Duration) -> bool {
        let mut inner = self.lock();
        if inner.moved < number {
            inner.hurry = true;
            self.for_mover.notify_one();
        }
        let waiting = self.for_writer.wait_timeout_while(inner, at_most, |inner| inner.moved < number && !inner.gone);
        waiting.unwrap_or_else(PoisonError::into_inner).0.moved >= number
    }

    /// The pending records of `stream` with `last_seq >= from`, in order.
    pub(super) fn of(&self, stream: StreamId, from: u64) -> Vec<Arc<Entry>> {
        let inner = self.lock();
        let Some(entries) = inner.streams.get(&stream) else { return Vec::new() };
        let start = entries.partition_point(|entry| entry.last_seq < from);
        entries.range(start..).cloned().collect()
    }

    /// The number of the last pending event of `stream`.
    pub(super) fn last_seq(&self, stream: StreamId) -> Option<u64> {
        Some(self.lock().streams.get(&stream)?.back()?.last_seq)
    }

    /// The streams with pending records.
    pub(super) fn streams(&self) -> Vec<StreamId> {
        self.lock().streams.keys().copied().collect()
    }

    /// Puts `ask` to the mover; it is dropped when that has gone.
    pub(super) fn ask(&self, ask: Ask) {
        let mut inner = self.lock();
        if !inner.gone {
            let after = inner.frames.back().map_or(inner.moved, |(number, _)| *number);
            inner.asks.push_back((after, ask));
            self.for_mover.notify_one();
        }
    }

    /// The mover moves what there is, does what it was asked, and goes.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.for_mover.notify_one();
    }

    /// Waits for what has gathered for `every`, or for whatever makes it hurry; `None` when all is done and nothing will come.
    pub(super) fn next(&self, every: Duration) -> Option<Work> {
        let mut inner = self.lock();
        loop {
            let age = inner.since.map(|since| since.elapsed());
            let due = age.is_some_and(|age| age >= every) || inner.bytes >= GATHER_BYTES;
            if due || inner.hurry || inner.closing || !inner.asks.is_empty() {
                break;
            }
            inner = match age {
                Some(age) => {
                    let waited = self.for_mover.wait_timeout(inner, every - age);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.for_mover.wait(inner).unwrap_or_else(PoisonError::into_inner),
            };
        }
        inner.hurry = false;
        let (mut entries, mut bytes, mut through) = (Vec::new(), 0, inner.moved);
        for (number, frame) in &inner.frames {
            if bytes >= GATHER_BYTES {
                break;
            }
            bytes += frame.iter().map(|entry| entry.bytes.len()).sum::<usize>();
            entries.extend(frame.iter().cloned());
            through = *number;
        }
        let asked = inner.asks.pop_front_if(|(after, _)| *after <= through).map(|(_, ask)| ask);
        (!entries.is_empty() || asked.is_some() || !inner.closing).then_some(Work { entries, through, asked })
    }

    /// Forgets what is in sled now.
    pub(super) fn forget(&self, through: u64) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        while inner.frames.front().is_some_and(|(number, _)| *number <= through) {
            for entry in inner.frames.pop_front().into_iter().flat_map(|(_, entries)| entries) {
                inner.bytes -= entry.bytes.len();
                if let Some(of_stream) = inner.streams.get_mut(&entry.stream) {
                    of_stream.pop_front();
                    if of_stream.is_empty() {
                        inner.streams.remove(&entry.stream);
                    }
                }
            }
        }
        inner.moved = inner.moved.max(through);
        inner.since = (!inner.frames.is_empty()).then(Instant::now);
        self.for_writer.notify_all();
    }

    /// The mover has gone: nobody is to wait for it, and what it was asked is not answered.
    pub(super) fn leave(&self) {
        let mut inner = self.lock();
        inner.gone = true;
        inner.asks.clear();
        self.for_writer.notify_all();
    }
}

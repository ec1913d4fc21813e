//! A journal in memory that fails as a disk does, but on purpose and repeatably: for simulations and tests.
//!
//! Promise: the same seed and the same calls give the same faults. What [`MemoryJournal::crash`] keeps is what a disk would have:
//! everything acknowledged, perhaps some that was not yet, perhaps the torn beginning of one record more.
//! There is no thread: a batch is durable when `append` returns, or is delayed until [`MemoryJournal::sync`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::StreamId;
use crate::store::journal::{Ack, Done, Entry, Journal, JournalError, check_entry, end_before_hole};

/// How it refuses an ordinary batch for lack of space.
const FULL: JournalError = JournalError::Full { free_bytes: 0, reserve_bytes: 1 };

/// How often what goes wrong. The default is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Decides which call is hit.
    pub seed: u64,
    /// Batches of a thousand that fail and poison the journal; half of them are on disk all the same.
    pub fail_append_per_mille: u16,
    /// Batches of a thousand that are durable only at the next [`MemoryJournal::sync`]; those after them wait as well.
    pub delay_per_mille: u16,
    /// Ordinary batches of a thousand that are refused for lack of space; urgent ones never are. With 1000 the disk is full, and
    /// [`Journal::refuses_ordinary`] says so; with fewer it is full for the moment of a batch.
    pub full_per_mille: u16,
    /// Crashes of a thousand that leave the beginning of a record that was being written.
    pub tear_tail_per_mille: u16,
}

/// A [`Journal`] that is gone with the process.
#[derive(Default)]
pub struct MemoryJournal {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    streams: BTreeMap<StreamId, Stream>,
    waiting: VecDeque<(Vec<Entry>, Ack)>,
    /// The last number of each stream that has batches waiting.
    staged: BTreeMap<StreamId, u64>,
    faults: Faults,
    draws: u64,
    poison: Option<String>,
    closed: bool,
}

#[derive(Clone, Default)]
struct Stream {
    /// By first number: the record, and whether it is whole.
    records: BTreeMap<u64, (Entry, bool)>,
    floor: u64,
}

impl Stream {
    fn last_seq(&self) -> u64 {
        self.records.last_key_value().map_or(self.floor, |(_, (entry, _))| entry.last_seq)
    }
}

impl MemoryJournal {
    /// An empty journal without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty journal with faults.
    pub fn with_faults(faults: Faults) -> Self {
        Self { inner: Mutex::new(Inner { faults, ..Inner::default() }) }
    }

    /// Makes what is delayed durable, in order. Returns the number of batches.
    pub fn sync(&self) -> usize {
        let mut told = 0;
        loop {
            let mut inner = self.lock();
            let Some((entries, ack)) = inner.waiting.pop_front() else {
                inner.staged.clear();
                return told;
            };
            let result = inner.poison.clone().map_or(Ok(()), |why| Err(JournalError::Poisoned { why }));
            if result.is_ok() {
                inner.store(entries);
            }
            drop(inner);
            ack.tell(result);
            told += 1;
        }
    }

    /// The journal that the next process finds: this one is closed and what it had not acknowledged is kept, lost or torn.
    pub fn crash(&self) -> Self {
        let mut inner = self.lock();
        inner.closed = true;
        let mut left = Inner { streams: inner.streams.clone(), faults: inner.faults, ..Inner::default() };
        // A batch that was on its way may be whole on disk without an acknowledgement; batches reach it in order.
        let survives = inner.draw() as usize % (inner.waiting.len() + 1);
        let tear_tail_per_mille = inner.faults.tear_tail_per_mille;
        let tears = inner.hits(tear_tail_per_mille);
        let waiting = std::mem::take(&mut inner.waiting);
        left.draws = inner.draws;
        for (at, (entries, _)) in waiting.iter().enumerate() {
            if at < survives {
                left.store(entries.clone());
            } else if at == survives
                && tears
                && let Some(entry) = entries.first()
            {
                let mut torn = entry.clone();
                torn.bytes.truncate(torn.bytes.len() / 2);
                let stream = left.streams.entry(entry.stream).or_default();
                stream.records.insert(entry.first_seq, (torn, false));
            }
        }
        drop(inner);
        // Those who still wait are told that the journal is closed.
        drop(waiting);
        Self { inner: Mutex::new(left) }
    }

    /// Changes one byte of the record that starts at `first_seq`, as a decaying disk does. Says whether there was one.
    pub fn damage(&self, stream: StreamId, first_seq: u64) -> bool {
        let mut inner = self.lock();
        let record = inner.streams.get_mut(&stream).and_then(|stream| stream.records.get_mut(&first_seq));
        let byte = record.and_then(|(entry, _)| entry.bytes.last_mut());
        byte.map(|byte| *byte ^= 0x40).is_some()
    }

    /// Loses the record that starts at `first_seq`. Says whether there was one.
    pub fn lose(&self, stream: StreamId, first_seq: u64) -> bool {
        let mut inner = self.lock();
        inner.streams.get_mut(&stream).is_some_and(|stream| stream.records.remove(&first_seq).is_some())
    }

    /// Changes [`Faults::full_per_mille`]: the disk fills up or is cleared.
    pub fn set_full_per_mille(&self, full_per_mille: u16) {
        self.lock().faults.full_per_mille = full_per_mille;
    }

    fn take(&self, entries: Vec<Entry>, urgent: bool, done: Done) {
        let ack = Ack::new(done);
        let mut inner = self.lock();
        let result = match inner.admit(&entries, urgent) {
            Ok(Fate::Now) => {
                inner.store(entries);
                Ok(())
            }
            Ok(Fate::Later) => {
                for entry in &entries {
                    inner.staged.insert(entry.stream, entry.last_seq);
                }
                inner.waiting.push_back((entries, ack));
                return;
            }
            Err(error) => Err(error),
        };
        drop(inner);
        ack.tell(result);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Fate {
    Now,
    Later,
}

impl Inner {
    fn admit(&mut self, entries: &[Entry], urgent: bool) -> Result<Fate, JournalError> {
        self.usable()?;
        if !urgent && self.hits(self.faults.full_per_mille) {
            return Err(FULL);
        }
        self.check(entries)?;
        if self.hits(self.faults.fail_append_per_mille) {
            if self.draw().is_multiple_of(2) && self.waiting.is_empty() {
                // It failed after it had reached the disk. Nobody may see it before the next start.
                self.poison = Some("injected: the sync failed, the batch is on disk".into());
                let ack = Ack::new(Box::new(|_| {}));
                self.waiting.push_back((entries.to_vec(), ack));
            } else {
                self.poison = Some("injected: the write failed".into());
            }
            return Err(JournalError::Poisoned { why: self.poison.clone().unwrap_or_default() });
        }
        let later = !self.waiting.is_empty() || self.hits(self.faults.delay_per_mille);
        Ok(if later { Fate::Later } else { Fate::Now })
    }

    /// Whether the entries continue their streams or repeat records.
    fn check(&self, entries: &[Entry]) -> Result<(), JournalError> {
        let mut tails = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            check_entry(entry)?;
            let (stream, found) = (entry.stream, entry.first_seq);
            let tail = tails.entry(stream).or_insert_with(|| self.tail(stream));
            if found == *tail + 1 {
                *tail = entry.last_seq;
            } else if found > *tail {
                return Err(JournalError::Gap { stream, expected: *tail + 1, found });
            } else if !entries[..at].contains(entry) && !self.holds(entry) {
                return Err(JournalError::Conflict { stream, seq: found });
            }
        }
        Ok(())
    }

    fn tail(&self, stream: StreamId) -> u64 {
        let stored = || self.streams.get(&stream).map_or(0, Stream::last_seq);
        self.staged.get(&stream).copied().unwrap_or_else(stored)
    }

    fn holds(&self, entry: &Entry) -> bool {
        let stored = self.streams.get(&entry.stream).and_then(|stream| stream.records.get(&entry.first_seq));
        stored.is_some_and(|(stored, _)| stored == entry)
            || self.waiting.iter().any(|(entries, _)| entries.contains(entry))
    }

    fn store(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let stream = self.streams.entry(entry.stream).or_default();
            stream.records.insert(entry.first_seq, (entry, true));
        }
    }

    fn usable(&self) -> Result<(), JournalError> {
        match &self.poison {
            Some(why) => Err(JournalError::Poisoned { why: why.clone() }),
            None if self.closed => Err(JournalError::Closed),
            None => Ok(()),
        }
    }

    fn hits(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.draw() % 1000 < u64::from(per_mille)
    }

    /// The next number of the SplitMix64 generator.
    fn draw(&mut self) -> u64 {
        self.draws += 1;
        let mut z = self.faults.seed.wrapping_add(self.draws.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Journal for MemoryJournal {
    fn append(&self, batch: Vec<Entry>, done: Done) {
        self.take(batch, false, done);
    }

    fn append_urgent(&self, batch: Vec<Entry>, done: Done) {
        self.take(batch, true, done);
    }

    fn read(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let inner = self.lock();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        let Some(stored) = inner.streams.get(&stream) else { return Ok(entries) };
        let start = stored.records.range(..=from.max(1)).next_back().map_or(from, |(first, _)| *first);
        for (first_seq, (entry, whole)) in stored.records.range(start..) {
            if !whole && entries.is_empty() {
                let why = "a piece of it is missing".into();
                return Err(JournalError::Corrupt { stream, seq: *first_seq, why });
            }
            if !whole || (bytes >= max_bytes && !entries.is_empty()) {
                break;
            }
            if entry.last_seq >= from {
                bytes += entry.bytes.len();
                entries.push(entry.clone());
            }
        }
        end_before_hole(&mut entries);
        Ok(entries)
    }

    fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        Ok(self.lock().streams.keys().copied().collect())
    }

    fn cut(&self, stream: StreamId, through: u64) -> Result<(), JournalError> {
        let mut inner = self.lock();
        inner.usable()?;
        let Some(stored) = inner.streams.get_mut(&stream) else { return Ok(()) };
        while let Some(first) = stored.records.first_entry() {
            let (entry, whole) = first.get();
            if !whole {
                let why = "a piece of it is missing".into();
                return Err(JournalError::Corrupt { stream, seq: entry.first_seq, why });
            }
            if entry.last_seq > through {
                break;
            }
            stored.floor = entry.last_seq;
            first.remove();
        }
        Ok(())
    }

    fn cut_through(&self, stream: StreamId) -> Result<u64, JournalError> {
        Ok(self.lock().streams.get(&stream).map_or(0, |stored| stored.floor))
    }

    fn salvage(&self, stream: StreamId, first_seq: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let inner = self.lock();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        let Some(stored) = inner.streams.get(&stream) else { return Ok(entries) };
        for (entry, _) in stored.records.range(first_seq..).map(|(_, record)| record) {
            bytes += entry.bytes.len();
            entries.push(entry.clone());
            if bytes >= max_bytes {
                break;
            }
        }
        Ok(entries)
    }

    fn cut_torn_tail(&self, stream: StreamId, torn: &[Entry]) -> Result<(), JournalError> {
        let Some(seq) = torn.first().map(|entry| entry.first_seq) else { return Ok(()) };
        if self.salvage(stream, seq, usize::MAX)? != torn {
            return Err(JournalError::Conflict { stream, seq });
        }
        let mut inner = self.lock();
        inner.usable()?;
        if let Some(stored) = inner.streams.get_mut(&stream) {
            stored.records.split_off(&seq);
            if stored.records.is_empty() && stored.floor == 0 {
                inner.streams.remove(&stream);
            }
        }
        Ok(())
    }

    fn refuses_ordinary(&self) -> Option<JournalError> {
        (self.lock().faults.full_per_mille >= 1000).then_some(FULL)
    }

    fn poisoned(&self) -> Option<String> {
        self.lock().poison.clone()
    }

    fn close(&self) {
        self.sync();
        self.lock().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal_contract::{self as contract, append_now, entry};

    #[test]
    fn the_memory_journal_keeps_the_contract() {
        contract::check(&mut || Box::new(MemoryJournal::new()));
    }

    #[test]
    fn a_delayed_batch_is_neither_visible_nor_acknowledged_before_the_sync() {
        let journal = MemoryJournal::with_faults(Faults { delay_per_mille: 1000, ..Faults::default() });
        let (told, answer) = std::sync::mpsc::sync_channel(1);
        journal.append(vec![entry(1, 1, 1)], Box::new(move |result| told.send(result).unwrap()));
        assert!(answer.try_recv().is_err() && journal.read(StreamId(1), 1, 1).unwrap().is_empty());
        assert_eq!(journal.sync(), 1);
        assert_eq!(answer.try_recv().unwrap(), Ok(()));
        assert_eq!(journal.read(StreamId(1), 1, 1).unwrap().len(), 1);
    }

    #[test]
    fn a_crash_keeps_what_was_acknowledged_and_at_most_a_prefix_of_the_rest() {
        for seed in 0..200 {
            let faults = Faults { seed, delay_per_mille: 300, tear_tail_per_mille: 500, ..Faults::default() };
            let journal = MemoryJournal::with_faults(faults);
            let acknowledged = std::sync::Arc::new(Mutex::new(0));
            for seq in 1..=10 {
                let acknowledged = acknowledged.clone();
                let note = move |result: Result<(), JournalError>| {
                    if result.is_ok() {
                        *acknowledged.lock().unwrap() = seq;
                    }
                };
                journal.append(vec![entry(1, seq, seq)], Box::new(note));
            }
            let left = journal.crash();
            let mut whole = left.read(StreamId(1), 1, usize::MAX).unwrap_or_default();
            whole.retain(|found| *found == entry(1, found.first_seq, found.first_seq));
            assert!(whole.len() as u64 >= *acknowledged.lock().unwrap(), "seed {seed}");
            assert!(whole.iter().zip(1..).all(|(found, seq)| found.first_seq == seq), "seed {seed}");
        }
    }

    #[test]
    fn a_full_disk_is_visible_before_a_batch_is_built() {
        let journal = MemoryJournal::new();
        assert_eq!(journal.refuses_ordinary(), None);
        journal.set_full_per_mille(1000);
        assert_eq!(journal.refuses_ordinary(), Some(FULL));
        assert_eq!(append_now(&journal, vec![entry(1, 1, 1)]), Err(FULL));
        journal.set_full_per_mille(0);
        assert_eq!(journal.refuses_ordinary(), None);
    }

    #[test]
    fn after_an_injected_failure_nothing_is_accepted() {
        let journal = MemoryJournal::with_faults(Faults { fail_append_per_mille: 1000, ..Faults::default() });
        for seq in 1..3 {
            assert!(matches!(append_now(&journal, vec![entry(1, seq, seq)]), Err(JournalError::Poisoned { .. })));
        }
        assert!(journal.poisoned().is_some() && journal.read(StreamId(1), 1, 9).unwrap().is_empty());
    }
}

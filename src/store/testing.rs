//! A small state and a writer of sealed records, for the tests of recovery and snapshots.

use crate::domain::ids::StreamId;
use crate::store::Store;
use crate::store::journal::Entry;
use crate::store::journal_contract::append_now;
use crate::store::record::{GENESIS, Opened, seal};
use crate::store::recovery::{Fold, FoldError, Recovered, RecoveryError, recover};

/// Remembers how many records there were and a running hash of their payloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    pub(crate) running: [u8; 32],
}

impl Fold for Tally {
    fn empty(_: StreamId) -> Self {
        Self { records: 0, running: [0; 32] }
    }

    fn from_snapshot(_: StreamId, body: &[u8]) -> Result<Self, FoldError> {
        let (records, running) = body.split_at_checked(8).ok_or_else(|| FoldError::new("too short"))?;
        let wrong = |_| FoldError::new("wrong length");
        let records = u64::from_le_bytes(records.try_into().map_err(wrong)?);
        Ok(Self { records, running: running.try_into().map_err(wrong)? })
    }

    fn to_snapshot(&self) -> Vec<u8> {
        [&self.records.to_le_bytes()[..], &self.running].concat()
    }

    fn apply_record(&mut self, record: &Opened<'_>) -> Result<(), FoldError> {
        if record.payload == b"unreadable" {
            return Err(FoldError::new("unreadable"));
        }
        assert_ne!(record.payload, b"poison", "a poison record");
        self.records += 1;
        self.running = *blake3::Hasher::new().update(&self.running).update(record.payload).finalize().as_bytes();
        Ok(())
    }

    fn state_hash(&self) -> [u8; 32] {
        *blake3::hash(&self.to_snapshot()).as_bytes()
    }
}

/// Seals records of one stream, each after the one before.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) stream: StreamId,
    pub(crate) last_seq: u64,
    pub(crate) hash: [u8; 32],
}

impl Author {
    pub(crate) fn new(stream: u64) -> Self {
        Self { stream: StreamId(stream), last_seq: 0, hash: GENESIS }
    }

    /// The next record, of `events` events.
    pub(crate) fn seal(&mut self, events: u64, payload: &[u8]) -> Entry {
        let (first_seq, last_seq) = (self.last_seq + 1, self.last_seq + events);
        let sealed = seal(self.stream, first_seq, last_seq, 0, &self.hash, payload);
        self.hash = sealed.hash;
        self.last_seq = last_seq;
        Entry { stream: self.stream, first_seq, last_seq, bytes: sealed.bytes }
    }

    /// Appends `count` records of one event each, with payloads that differ.
    pub(crate) fn append(&mut self, store: &Store, count: u64) {
        for _ in 0..count {
            let entry = self.seal(1, format!("payload {}", self.last_seq).repeat(20).as_bytes());
            append_now(&*store.journal, vec![entry]).unwrap();
        }
    }
}

pub(crate) fn recovered(store: &Store, stream: u64) -> Result<Recovered<Tally>, RecoveryError> {
    recover(&store.history, &store.snapshots, StreamId(stream), None)
}

/// The hash of the state at `seq`.
pub(crate) fn hash_at(store: &Store, stream: u64, seq: u64) -> [u8; 32] {
    let at = recover::<Tally>(&store.history, &store.snapshots, StreamId(stream), Some(seq)).unwrap();
    at.state.state_hash()
}

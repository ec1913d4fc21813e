//! Recovery: the state of a stream from its newest good snapshot and the records after it.
//!
//! Promise: a state is returned only when every record it rests on was there, whole and in its place in the chain.
//! A torn tail is cut, with a warning, when nothing valid lies behind it and no snapshot knows it; any other damage is reported
//! and nothing is changed. The same records give the same state.
//! Never here: catching a panic of the fold, or knowing what a record means.

use crate::domain::ids::StreamId;
use crate::store::archive::History;
use crate::store::journal::{Entry, JournalError, RECORD_BYTES_MAX};
use crate::store::record::{self, Chain, Opened, RecordError};
use crate::store::snapshots::{Snapshot, SnapshotError, Snapshots};

/// How much is read at once, in bytes of records.
const READ_BYTES: usize = 4 << 20;
/// The most that is looked at as a torn tail, in bytes; more of it is damage.
const TAIL_BYTES_MAX: usize = RECORD_BYTES_MAX + READ_BYTES;
/// How often a tail is looked at again when it changes while it is judged.
const TAIL_LOOKS_MAX: u32 = 3;

/// What records are folded into.
pub trait Fold: Sized + Send {
    /// The state of `stream` before its first record.
    fn empty(stream: StreamId) -> Self;

    /// The state whose [`Fold::to_snapshot`] gave `body`, also when an older version of the program wrote it.
    ///
    /// # Errors
    /// When it cannot be read; recovery then uses an older snapshot or none.
    fn from_snapshot(stream: StreamId, body: &[u8]) -> Result<Self, FoldError>;

    /// The state as bytes that name their own version.
    fn to_snapshot(&self) -> Vec<u8>;

    /// Folds the next record in. May panic on a record that it cannot bear; recovery does not catch that.
    ///
    /// # Errors
    /// When the payload cannot be read.
    fn apply_record(&mut self, record: &Opened<'_>) -> Result<(), FoldError>;

    /// A hash over the whole state: equal states have equal hashes, on every machine.
    fn state_hash(&self) -> [u8; 32];
}

/// Why a snapshot or a record could not be folded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct FoldError {
    /// What is wrong, for a person.
    pub why: String,
}

impl FoldError {
    /// An error that says `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// A state and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered<S> {
    /// The state after the record that ends at `last_seq`.
    pub state: S,
    /// The number of the last event in it; 0 for an empty stream.
    pub last_seq: u64,
    /// The hash of the last record, which the next one must name as its previous one.
    pub chain: [u8; 32],
    /// The number of the snapshot that it started from; 0 for none.
    pub snapshot_seq: u64,
    /// The records that were applied after the snapshot.
    pub records_replayed: u64,
}

/// Why there is no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum RecoveryError {
    /// A hole, or a record that is not as it was written: this stream must be quarantined. Nothing was changed.
    #[error("stream {stream} is damaged at {seq}: {why}")]
    Damaged { stream: StreamId, seq: u64, why: String },
    /// Written by a version of this program that this one does not know.
    #[error("stream {stream}, record {seq}: format version {version} is unknown to this program")]
    UnknownFormat { stream: StreamId, seq: u64, version: u8 },
    /// The record is whole but does not fold.
    #[error("stream {stream}, record {seq} cannot be applied: {error}")]
    Fold { stream: StreamId, seq: u64, error: FoldError },
    /// No record ends at the number that was asked for.
    #[error("stream {stream}: no record ends at {up_to}")]
    NoSuchEnd { stream: StreamId, up_to: u64 },
    /// The journal could not be read or used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The snapshots could not be listed, or one of them not be looked at.
    #[error("{why}")]
    Snapshots { why: String },
}

impl RecoveryError {
    /// Whether what is stored is wrong, so that trying again cannot help and the stream must be quarantined. Otherwise something
    /// stood in the way, such as too many open files, and says nothing about the stream: try again.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::UnknownFormat { .. } | Self::Fold { .. } | Self::NoSuchEnd { .. } => true,
            Self::Journal(JournalError::Corrupt { .. } | JournalError::UnknownFormat { .. }) => true,
            Self::Journal(
                JournalError::Poisoned { .. }
                | JournalError::Full { .. }
                | JournalError::Busy { .. }
                | JournalError::Io { .. }
                | JournalError::Gap { .. }
                | JournalError::Conflict { .. }
                | JournalError::Refused { .. }
                | JournalError::Closed,
            ) => false,
            Self::Snapshots { .. } => false,
        }
    }
}

/// The state of `stream` after its last record, or after the one that ends at `up_to`. Blocks.
///
/// Only without `up_to` is a torn tail cut: that is the owner's start, and nobody else may change the journal.
///
/// # Errors
/// [`RecoveryError`]; the stream is then not to be served.
pub fn recover<S: Fold>(
    history: &History,
    snapshots: &Snapshots,
    stream: StreamId,
    up_to: Option<u64>,
) -> Result<Recovered<S>, RecoveryError> {
    let (start, known_seq) = newest_start::<S>(history, snapshots, stream, up_to)?;
    let (state, chain) = start.unwrap_or_else(|| (S::empty(stream), Chain::start(stream)));
    let mut replay = Replay { history, stream, up_to, known_seq, state, chain, records: 0 };
    let snapshot_seq = replay.chain.last_seq();
    replay.run()?;
    let last_seq = replay.chain.last_seq();
    if up_to.is_some_and(|up_to| up_to != last_seq) {
        return Err(RecoveryError::NoSuchEnd { stream, up_to: up_to.unwrap_or(0) });
    }
    if last_seq < known_seq {
        return Err(
            replay.damaged(last_seq + 1, format!("the records up to {known_seq}, which a snapshot knows, are gone"))
        );
    }
    if up_to.is_none() && last_seq < history.journal.cut_through(stream)? {
        return Err(replay.damaged(last_seq + 1, "records have been cut and are not in the archive".into()));
    }
    let Replay { state, chain, records, .. } = replay;
    Ok(Recovered { state, last_seq, chain: chain.hash(), snapshot_seq, records_replayed: records })
}

/// The newest snapshot that is whole, decodes to the state it names and fits the chain; and the newest number that any whole
/// snapshot knows of.
fn newest_start<S: Fold>(
    history: &History,
    snapshots: &Snapshots,
    stream: StreamId,
    up_to: Option<u64>,
) -> Result<(Option<(S, Chain)>, u64), RecoveryError> {
    let unseen = |error: SnapshotError| RecoveryError::Snapshots { why: error.to_string() };
    let listed = snapshots.generations(stream).map_err(unseen)?;
    let mut known_seq = 0;
    for seq in listed.into_iter().filter(|seq| up_to.is_none_or(|up_to| *seq <= up_to)) {
        let flaw = match snapshots.load(stream, seq) {
            Ok(snapshot) => {
                known_seq = known_seq.max(seq);
                match check::<S>(history, &snapshot)? {
                    Ok(start) => return Ok((Some(start), known_seq)),
                    Err(why) => why,
                }
            }
            Err(SnapshotError::Damaged { why, .. }) => why,
            // An older one would do, but it may be long ago, and the next moment this one can be read.
            Err(error @ (SnapshotError::Io { .. } | SnapshotError::Full { .. })) => return Err(unseen(error)),
        };
        tracing::warn!(%stream, seq, why = flaw, "passing over a snapshot");
    }
    Ok((None, known_seq))
}

/// The state of `snapshot` and the chain after it, or why it is not to be used.
///
/// # Errors
/// When the record that it follows could not be looked at.
fn check<S: Fold>(history: &History, snapshot: &Snapshot) -> Result<Result<(S, Chain), String>, JournalError> {
    let state = match S::from_snapshot(snapshot.stream, &snapshot.body) {
        Ok(state) => state,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if state.state_hash() != snapshot.state_hash {
        return Ok(Err("its state has another hash than it says".into()));
    }
    // The record may be gone or damaged by now; the snapshot has its own checksum and stands without it.
    let entries = match history.read(snapshot.stream, snapshot.seq, 1) {
        Err(JournalError::Corrupt { .. }) => Vec::new(),
        entries => entries?,
    };
    let ends_there = entries.first().filter(|entry| entry.last_seq == snapshot.seq);
    if let Some(record) = ends_there.and_then(|entry| record::open(&entry.bytes).ok())
        && record.hash != snapshot.chain
    {
        return Ok(Err("it does not fit the hash chain of the records".into()));
    }
    Ok(Ok((state, Chain::after(snapshot.stream, snapshot.seq, snapshot.chain))))
}

/// A state on its way through the records.
struct Replay<'a, S> {
    history: &'a History,
    stream: StreamId,
    up_to: Option<u64>,
    /// A snapshot proves that the records up to here existed.
    known_seq: u64,
    state: S,
    chain: Chain,
    records: u64,
}

impl<S: Fold> Replay<'_, S> {
    fn run(&mut self) -> Result<(), RecoveryError> {
        let mut looks = 0;
        while self.up_to.is_none_or(|up_to| self.chain.last_seq() < up_to) {
            let next = self.chain.last_seq() + 1;
            let flaw = match self.history.read(self.stream, next, READ_BYTES) {
                Ok(entries) if entries.is_empty() => return Ok(()),
                Ok(entries) => self.apply(&entries)?,
                Err(JournalError::Corrupt { why, .. }) => Some(Flaw { whole: false, why }),
                Err(error) => return Err(error.into()),
            };
            let Some(flaw) = flaw else { continue };
            let seq = self.chain.last_seq() + 1;
            looks += 1;
            if flaw.whole || looks > TAIL_LOOKS_MAX || !self.cut_if_torn(seq)? {
                return Err(self.damaged(seq, flaw.why));
            }
        }
        Ok(())
    }

    /// Applies records until one of them has a flaw or the end is reached.
    fn apply(&mut self, entries: &[Entry]) -> Result<Option<Flaw>, RecoveryError> {
        for entry in entries {
            if self.up_to.is_some_and(|up_to| entry.last_seq > up_to) {
                return match self.up_to {
                    Some(up_to) if up_to > self.chain.last_seq() => {
                        Err(RecoveryError::NoSuchEnd { stream: self.stream, up_to })
                    }
                    _ => Ok(None),
                };
            }
            let seq = entry.first_seq;
            let before = self.chain.clone();
            let record = match self.chain.take(&entry.bytes) {
                Ok(record) => record,
                Err(RecordError::UnknownVersion { version }) => {
                    return Err(RecoveryError::UnknownFormat { stream: self.stream, seq, version });
                }
                Err(error) => return Ok(Some(Flaw::of(&error))),
            };
            if (record.first_seq, record.last_seq) != (entry.first_seq, entry.last_seq) {
                self.chain = before;
                return Ok(Some(Flaw { whole: true, why: "it is stored under the number of another record".into() }));
            }
            self.state.apply_record(&record).map_err(|error| RecoveryError::Fold {
                stream: self.stream,
                seq,
                error,
            })?;
            self.records += 1;
        }
        Ok(None)
    }

    /// Cuts what starts at `seq` when it is the torn end of the journal. False when it is anything else.
    fn cut_if_torn(&self, seq: u64) -> Result<bool, RecoveryError> {
        if self.up_to.is_some() || seq <= self.known_seq {
            return Ok(false);
        }
        let journal = &self.history.journal;
        let tail = journal.salvage(self.stream, seq, TAIL_BYTES_MAX)?;
        let complete = tail.iter().map(|entry| entry.bytes.len()).sum::<usize>() < TAIL_BYTES_MAX;
        let Some(first) = tail.first().filter(|first| complete && first.first_seq == seq) else { return Ok(false) };
        if self.chain.clone().take(&first.bytes).is_ok() {
            // A commit that came in while we read was met half-way; it is whole now.
            return Ok(true);
        }
        if tail.iter().any(|entry| record::open(&entry.bytes).is_ok()) {
            return Ok(false);
        }
        match journal.cut_torn_tail(self.stream, &tail) {
            Ok(()) => {
                let (stream, records) = (self.stream, tail.len());
                tracing::warn!(%stream, seq, records, "cut a torn tail: a write that was never acknowledged");
                Ok(true)
            }
            // It has changed since we looked.
            Err(JournalError::Conflict { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn damaged(&self, seq: u64, why: String) -> RecoveryError {
        RecoveryError::Damaged { stream: self.stream, seq, why }
    }
}

/// What is wrong with the next record.
struct Flaw {
    /// The record is as it was sealed but does not belong here; that is no torn write.
    whole: bool,
    why: String,
}

impl Flaw {
    fn of(error: &RecordError) -> Self {
        let whole = match error {
            RecordError::Short { .. } | RecordError::Length { .. } | RecordError::Checksum => false,
            RecordError::UnknownVersion { .. }
            | RecordError::UnknownFlags { .. }
            | RecordError::Hash
            | RecordError::Stream { .. }
            | RecordError::Sequence { .. }
            | RecordError::Range { .. }
            | RecordError::Chain => true,
        };
        Self { whole, why: error.to_string() }
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;

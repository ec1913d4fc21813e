//! The journal: every record of every stream, in order, on disk before anyone acts on it.
//!
//! Promise: when `done` of [`Journal::append`] is called with `Ok`, the batch survives a power cut, all of it.
//! Invariant: the sequence numbers of a stream start at 1 and have no gaps.
//! Never here: deciding, retrying, or knowing what a record means.

use crate::domain::ids::StreamId;

/// The most bytes that one sealed record may have: the payload's limit and room for the envelope.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024 + 1024;

/// One sealed record: a commit of one or more events, numbered `first_seq..=last_seq` in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stream that the record belongs to.
    pub stream: StreamId,
    /// The number of its first event, at least 1.
    pub first_seq: u64,
    /// The number of its last event, at least `first_seq`.
    pub last_seq: u64,
    /// The sealed record, at most [`RECORD_BYTES_MAX`]; the journal does not look inside.
    pub bytes: Vec<u8>,
}

/// Keeps of `entries` those before the first that does not continue the one before it.
pub(crate) fn end_before_hole(entries: &mut Vec<Entry>) {
    if let Some(hole) = entries.windows(2).position(|pair| pair[1].first_seq != pair[0].last_seq + 1) {
        entries.truncate(hole + 1);
    }
}

/// What is called with the fate of a batch.
///
/// It runs on the writer's thread, or on the caller's when the batch is refused at once, so it must be short and must not wait.
pub type Done = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

/// Why the journal did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum JournalError {
    /// Something from the disk failed before: what is on it is unknown until the next start.
    #[error("the journal stopped accepting records: {why}")]
    Poisoned { why: String },
    /// Less space is free than is kept for urgent batches; nothing was written and the journal is not poisoned.
    #[error("the disk is nearly full: {free_bytes} bytes are free, {reserve_bytes} are kept in reserve")]
    Full { free_bytes: u64, reserve_bytes: u64 },
    /// The queue of the writer is full; nothing was written.
    #[error("the journal is busy: {queued_max} batches are waiting")]
    Busy { queued_max: usize },
    /// Reading failed.
    #[error("the journal could not be read: {why}")]
    Io { why: String },
    /// A record is not as it was written.
    #[error("stream {stream}, record {seq}: {why}")]
    Corrupt { stream: StreamId, seq: u64, why: String },
    /// Written by a version of this program that this one does not know.
    #[error("format version {version} is unknown to this program")]
    UnknownFormat { version: u8 },
    /// The batch does not continue its stream; nothing of it was written.
    #[error("stream {stream}: a record starts at {found} where {expected} is next")]
    Gap { stream: StreamId, expected: u64, found: u64 },
    /// Another record is stored under this number; nothing of the batch was written.
    #[error("stream {stream}: another record is stored at {seq}")]
    Conflict { stream: StreamId, seq: u64 },
    /// A record is larger than [`RECORD_BYTES_MAX`] or its range is empty.
    #[error("stream {stream}, record {seq}: {why}")]
    Refused { stream: StreamId, seq: u64, why: &'static str },
    /// The journal was closed before the batch was written.
    #[error("the journal is closed")]
    Closed,
}

/// An ordered, durable record of many streams.
pub trait Journal: Send + Sync + 'static {
    /// Queues one atomic batch. `done` is called exactly once, after the batch is durable or refused, never before.
    ///
    /// Does not block on the disk: a full queue is answered with [`JournalError::Busy`]. Batches of one stream become durable in
    /// the order of the calls. The same record with the same bytes again is accepted and changes nothing.
    ///
    /// # Errors
    /// Through `done`: any variant. The caller cannot know whether a batch refused with `Poisoned` is on disk.
    fn append(&self, batch: Vec<Entry>, done: Done);

    /// As [`Journal::append`], for what must work on a nearly full disk: lifting, overriding, resolving, revoking.
    fn append_urgent(&self, batch: Vec<Entry>, done: Done) {
        self.append(batch, done);
    }

    /// The durable records of `stream` with `last_seq >= from`, in order, up to about `max_bytes` (at least one if there is any).
    /// Blocks. Ends before a damaged record, and starting at one is an error; ends before a hole, and starting in one gives the
    /// record behind it. A hole may be a cut that went on beside the reading.
    ///
    /// # Errors
    /// `Corrupt` with the number of the damaged record, `Io`.
    fn read(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError>;

    /// All streams that were ever appended to, also those of which every record has been cut. Blocks.
    ///
    /// # Errors
    /// `Io`.
    fn streams(&self) -> Result<Vec<StreamId>, JournalError>;

    /// Removes the records with `last_seq <= through`, which a caller has archived. Durable before `Ok`. Blocks.
    ///
    /// # Errors
    /// `Poisoned`, `Closed`, `Corrupt`.
    fn cut(&self, stream: StreamId, through: u64) -> Result<(), JournalError>;

    /// The number through which `stream` has been cut; 0 when nothing was. Blocks.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    fn cut_through(&self, stream: StreamId) -> Result<u64, JournalError>;

    /// Whatever is stored of `stream` from the key `first_seq` on, damaged or not, up to about `max_bytes`. Blocks.
    ///
    /// For the judgement of a torn tail only: a damaged record comes with the bytes that are left of it.
    ///
    /// # Errors
    /// `Io`.
    fn salvage(&self, stream: StreamId, first_seq: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError>;

    /// Removes the torn tail `torn`, exactly as [`Journal::salvage`] returned it. Durable before `Ok`. Blocks.
    ///
    /// # Errors
    /// `Conflict` when the journal holds anything else from there on: then it was not a torn tail. `Poisoned`, `Closed`.
    fn cut_torn_tail(&self, stream: StreamId, torn: &[Entry]) -> Result<(), JournalError>;

    /// Why ordinary batches are refused at the moment though urgent ones are not, so that nobody builds one in vain: `Full`. `None`
    /// is no promise that the next one is accepted.
    ///
    /// Cheap, and at most a second old also when nothing is appended, so that the state is left again without an attempt.
    fn refuses_ordinary(&self) -> Option<JournalError> {
        None
    }

    /// Why nothing is appended any more; set once anything from the disk failed.
    fn poisoned(&self) -> Option<String>;

    /// Stops in order: what is queued becomes durable, what comes later is refused with `Closed`. Blocks.
    fn close(&self) {}
}

/// A [`Done`] that is called exactly once, even when its batch is lost on the way.
pub(crate) struct Ack(Option<Done>);

impl Ack {
    pub(crate) fn new(done: Done) -> Self {
        Self(Some(done))
    }

    /// Tells the caller. A panic of the callback is the callback's: it must not stop the journal for all others.
    pub(crate) fn tell(mut self, result: Result<(), JournalError>) {
        self.call(result);
    }

    fn call(&mut self, result: Result<(), JournalError>) {
        let Some(done) = self.0.take() else { return };
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| done(result))).is_err() {
            tracing::error!("the callback of an append panicked");
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.call(Err(JournalError::Closed));
    }
}

/// Checks what every implementation refuses about a single entry.
pub(crate) fn check_entry(entry: &Entry) -> Result<(), JournalError> {
    let refused = |why| JournalError::Refused { stream: entry.stream, seq: entry.first_seq, why };
    if entry.first_seq == 0 {
        return Err(refused("sequence numbers start at 1"));
    }
    if entry.last_seq < entry.first_seq {
        return Err(refused("the range of sequence numbers is empty"));
    }
    if entry.last_seq == u64::MAX {
        return Err(refused("the sequence number has no successor"));
    }
    if entry.bytes.len() > RECORD_BYTES_MAX {
        return Err(refused("the record is too large"));
    }
    Ok(())
}

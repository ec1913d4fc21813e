//! The journal on sled 0.34.7, which needs care in six places:
//!
//! 1. Its `flush` is not an fsync on Linux, so we `fdatasync` its data file through a handle of our own; see `writer`.
//! 2. A kill while it opens leaves a file that it cannot open again; see `generation`.
//! 3. Large pages go to files that it never syncs, so a value has at most 4 KiB; see `pieces`.
//! 4. After any error or panic what is on disk is unknown: the journal is poisoned and nothing is tried twice; see `writer`.
//! 5. Its file grows well beyond the data; see `compaction`.
//! 6. `flush_async` deadlocks and batches take a lock of the whole process: one thread writes, with the blocking calls.
//!
//! Promise and invariant are those of [`Journal`].

mod compaction;
mod generation;
mod pieces;
mod reader;
mod space;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam::channel::{Sender, TrySendError, bounded};

use crate::domain::ids::StreamId;
use crate::priority::{BESIDE_REQUESTS, step_back};
use crate::store::data_dir::DataDir;
use crate::store::disk::Disk;
use crate::store::journal::{Ack, Done, Entry, Journal, JournalError};
use crate::store::sled_journal::compaction::CompactionPolicy;
use crate::store::sled_journal::generation::Generation;
pub use crate::store::sled_journal::generation::GenerationError;
use crate::store::sled_journal::space::{Room, Space};
use crate::store::sled_journal::writer::{Job, Shared, Writer};

/// Keys that one step of a cut removes, so that appends wait for one step and not for the whole cut.
const CUT_KEYS_MAX: usize = 4096;

/// How the journal uses its machine.
#[derive(Clone, Debug)]
pub struct SledJournalConfig {
    /// What sled may keep of its pages in memory, in bytes.
    pub cache_bytes: u64,
    /// Batches that may wait for the writer; more are refused as busy.
    pub queued_batches_max: usize,
    /// Free space below which only urgent batches are accepted, in bytes. 0 turns the check off.
    pub reserve_bytes: u64,
    /// The journal is copied at open when it takes more than this many times the bytes of its live records …
    pub compaction_factor: u64,
    /// … and at least this many bytes.
    pub compaction_floor_bytes: u64,
}

impl Default for SledJournalConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            queued_batches_max: 4096,
            reserve_bytes: 256 << 20,
            compaction_factor: 4,
            compaction_floor_bytes: 64 << 20,
        }
    }
}

/// A [`Journal`] in a directory.
pub struct SledJournal {
    jobs: Sender<Job>,
    queued_batches_max: usize,
    closed: AtomicBool,
    writer: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    room: Arc<Room>,
    db: sled::Db,
    // Last, so that the directory stays ours until sled has let go of it.
    _dir: Arc<DataDir>,
}

impl SledJournal {
    /// Opens the journal in `<dir>/journal`: removes leftovers of a crash, compacts when that is due, starts the writer.
    ///
    /// # Errors
    /// [`GenerationError`], which says what to look at.
    pub fn open(dir: Arc<DataDir>, config: &SledJournalConfig, disk: Arc<dyn Disk>) -> Result<Self, GenerationError> {
        let root = dir.path().join("journal");
        let policy = CompactionPolicy { factor: config.compaction_factor, floor_bytes: config.compaction_floor_bytes };
        let generation = Generation::open(&root, config.cache_bytes, &*disk)?;
        let generation = compaction::run_if_due(generation, &root, config.cache_bytes, policy, &*disk)?;
        let Generation { db, file, .. } = generation;
        let (jobs, queue) = bounded(config.queued_batches_max.max(1));
        let shared = Arc::new(Shared::default());
        let room = Arc::new(Room::new(root, config.reserve_bytes, disk.clone()));
        let writer = Writer::new(db.clone(), file, disk, Space::new(room.clone()), shared.clone());
        let thread = std::thread::Builder::new()
            .name("journal-writer".into())
            .spawn(move || {
                step_back(BESIDE_REQUESTS);
                writer.run(&queue);
            })
            .map_err(GenerationError::Io)?;
        let (closed, writer) = (AtomicBool::new(false), Mutex::new(Some(thread)));
        let queued_batches_max = config.queued_batches_max.max(1);
        Ok(Self { jobs, queued_batches_max, closed, writer, shared, room, db, _dir: dir })
    }

    fn queue(&self, entries: Vec<Entry>, urgent: bool, done: Done) {
        let ack = Ack::new(done);
        if let Some(why) = self.shared.poisoned() {
            return ack.tell(Err(JournalError::Poisoned { why }));
        }
        if self.closed.load(Ordering::Acquire) {
            return ack.tell(Err(JournalError::Closed));
        }
        match self.jobs.try_send(Job::Append { entries, urgent, ack }) {
            Ok(()) => {}
            // Dropping the job tells its caller `Closed`.
            Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(job)) => {
                if let Job::Append { ack, .. } = job {
                    ack.tell(Err(JournalError::Busy { queued_max: self.queued_batches_max }));
                }
            }
        }
    }

    /// Has the writer do `job` between two commits and waits for its answer.
    fn ask<T>(&self, job: impl FnOnce(Sender<Result<T, JournalError>>) -> Job) -> Result<T, JournalError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(JournalError::Closed);
        }
        let (reply, answer) = bounded(1);
        self.jobs.send(job(reply)).map_err(|_| JournalError::Closed)?;
        answer.recv().unwrap_or(Err(JournalError::Closed))
    }
}

impl Journal for SledJournal {
    fn append(&self, batch: Vec<Entry>, done: Done) {
        self.queue(batch, false, done);
    }

    fn append_urgent(&self, batch: Vec<Entry>, done: Done) {
        self.queue(batch, true, done);
    }

    fn read(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let mut entries = self.shared.reading(|| reader::read(&self.db, stream, from, max_bytes))?;
        self.shared.hide_what_is_not_durable(stream, &mut entries);
        Ok(entries)
    }

    fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        self.shared.reading(|| reader::streams(&self.db))
    }

    fn cut(&self, stream: StreamId, through: u64) -> Result<(), JournalError> {
        while self.ask(|reply| Job::Cut { stream, through, keys_max: CUT_KEYS_MAX, reply })? {}
        Ok(())
    }

    fn cut_through(&self, stream: StreamId) -> Result<u64, JournalError> {
        self.shared.reading(|| reader::floor(&self.db, stream))
    }

    fn salvage(&self, stream: StreamId, first_seq: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let mut entries = self.shared.reading(|| reader::salvage(&self.db, stream, first_seq, max_bytes))?;
        self.shared.hide_what_is_not_durable(stream, &mut entries);
        Ok(entries)
    }

    fn cut_torn_tail(&self, stream: StreamId, torn: &[Entry]) -> Result<(), JournalError> {
        self.ask(|reply| Job::CutTornTail { stream, torn: torn.to_vec(), reply })
    }

    fn refuses_ordinary(&self) -> Option<JournalError> {
        self.room.refuses_ordinary()
    }

    fn poisoned(&self) -> Option<String> {
        self.shared.poisoned()
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let thread = self.writer.lock().expect("no one panics with this lock").take();
        let Some(thread) = thread else { return };
        // The writer has gone already when this fails.
        let _ = self.jobs.send(Job::Stop);
        // A callback may hold the last handle, and then this runs on the writer's thread.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the journal's writer panicked");
        }
    }
}

impl Drop for SledJournal {
    fn drop(&mut self) {
        self.close();
    }
}

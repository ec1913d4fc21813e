//! The journal on sled 0.34.7, which needs care in six places:
//!
//! 1. Its `flush` is not an fsync on Linux, so we `fdatasync` its data file through a handle of our own; see `writer`.
//! 2. A kill while it opens leaves a file that it cannot open again; see `generation`.
//! 3. Large pages go to files that it never syncs, so a value has at most 4 KiB; see `pieces`.
//! 4. After any error or panic what is on disk is unknown: the journal is poisoned and nothing is tried twice; see `writer`.
//! 5. Its file grows well beyond the data; see `compaction`.
//! 6. `flush_async` deadlocks and batches take a lock of the whole process: one thread writes, with the blocking calls.
//!
//! A flush for every small group costs more than anything else a write does. So a group is acknowledged once it lies in a write-ahead
//! file in front of sled (`ahead`, `writer`), and moves into sled with many others (`mover`); until then readers find it in `pending`.
//!
//! Promise and invariant are those of [`Journal`].

mod ahead;
#[cfg(test)]
mod ahead_tests;
mod compaction;
mod generation;
mod mover;
mod pending;
mod pieces;
mod reader;
mod space;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Sender, TrySendError, bounded};

use crate::domain::ids::StreamId;
use crate::priority::{BESIDE_REQUESTS, step_back};
use crate::store::data_dir::DataDir;
use crate::store::disk::Disk;
use crate::store::journal::{Ack, Done, Entry, Journal, JournalError, end_before_hole};
use crate::store::sled_journal::ahead::Ahead;
use crate::store::sled_journal::compaction::CompactionPolicy;
use crate::store::sled_journal::generation::Generation;
pub use crate::store::sled_journal::generation::GenerationError;
use crate::store::sled_journal::mover::{Home, Mover};
use crate::store::sled_journal::pending::{Ask, Pending};
use crate::store::sled_journal::space::{Room, Space};
use crate::store::sled_journal::writer::{Job, Shared, Writer, panic_text};

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
    /// The size of each of the two write-ahead files, in bytes: what may wait to be moved into sled is bounded by both.
    pub ahead_bytes: u64,
    /// How long records gather before they are moved into sled.
    pub move_every: Duration,
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
            ahead_bytes: 8 << 20,
            move_every: Duration::from_millis(200),
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
    mover: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    pending: Arc<Pending>,
    room: Arc<Room>,
    db: sled::Db,
    // Last, so that the directory stays ours until sled has let go of it.
    _dir: Arc<DataDir>,
}

impl SledJournal {
    /// Opens the journal in `<dir>/journal`: removes leftovers of a crash, takes in what it left in the write-ahead files, compacts
    /// when that is due, starts the writer and the mover.
    ///
    /// # Errors
    /// [`GenerationError`], which says what to look at.
    pub fn open(dir: Arc<DataDir>, config: &SledJournalConfig, disk: Arc<dyn Disk>) -> Result<Self, GenerationError> {
        let root = dir.path().join("journal");
        let policy = CompactionPolicy { factor: config.compaction_factor, floor_bytes: config.compaction_floor_bytes };
        let generation = Generation::open(&root, config.cache_bytes, &*disk)?;
        let ahead = take_in(&generation, &root, config.ahead_bytes, &disk)?;
        let generation = compaction::run_if_due(generation, &root, config.cache_bytes, policy, &*disk)?;
        let Generation { db, file, .. } = generation;
        let (jobs, queue) = bounded(config.queued_batches_max.max(1));
        let shared = Arc::new(Shared::default());
        let pending = Arc::new(Pending::new(ahead.last()));
        let room = Arc::new(Room::new(root, config.reserve_bytes, disk.clone()));
        let home = Home { db: db.clone(), file, disk: disk.clone() };
        let mover = Mover { home, shared: shared.clone(), pending: pending.clone(), every: config.move_every };
        let mover = start("journal-mover", move || mover.run())?;
        let space = Space::new(room.clone());
        let writer = Writer::new(db.clone(), ahead, disk, space, shared.clone(), pending.clone());
        let writer = start("journal-writer", move || writer.run(&queue))?;
        let (writer, mover) = (Mutex::new(Some(writer)), Mutex::new(Some(mover)));
        let queued_batches_max = config.queued_batches_max.max(1);
        let closed = AtomicBool::new(false);
        Ok(Self { jobs, queued_batches_max, closed, writer, mover, shared, pending, room, db, _dir: dir })
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

    /// What is pending of `stream` from `from` on, then what `read` finds in sled: in this order nothing is missed that moves meanwhile.
    fn with_pending(
        &self,
        (stream, from): (StreamId, u64),
        max_bytes: usize,
        read: impl FnOnce() -> Result<Vec<Entry>, JournalError>,
    ) -> Result<Vec<Entry>, JournalError> {
        let pending = self.pending.of(stream, from);
        let first = pending.first().map_or(u64::MAX, |entry| entry.first_seq);
        let mut entries = if first <= from { Vec::new() } else { self.shared.reading(read)? };
        entries.retain(|entry| entry.first_seq < first);
        let mut bytes = entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
        for entry in pending {
            if bytes >= max_bytes && !entries.is_empty() {
                break;
            }
            bytes += entry.bytes.len();
            entries.push(Entry::clone(&entry));
        }
        Ok(entries)
    }

    /// Has the writer do `job` between two commits and waits for its answer.
    fn ask<T>(&self, job: impl FnOnce(Sender<Result<T, JournalError>>) -> Job) -> Result<T, JournalError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(JournalError::Closed);
        }
        let (reply, answer) = bounded(1);
        self.jobs.send(job(reply)).map_err(|_| JournalError::Closed)?;
        answer.recv().unwrap_or_else(|_| Err(self.shared.gone()))
    }

    /// One step of a cut; says whether there is more to do.
    fn cut_step(&self, stream: StreamId, through: u64, keys_max: usize) -> Result<bool, JournalError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(JournalError::Closed);
        }
        if let Some(why) = self.shared.poisoned() {
            return Err(JournalError::Poisoned { why });
        }
        let (reply, answer) = bounded(1);
        self.pending.ask(Ask::Cut { stream, through, keys_max, reply });
        answer.recv().unwrap_or_else(|_| Err(self.shared.gone()))
    }

    /// Waits until all that is durable by now is in sled.
    #[cfg(test)]
    fn settle(&self) -> Result<(), JournalError> {
        let (reply, answer) = bounded(1);
        self.pending.ask(Ask::Settle { reply });
        answer.recv().unwrap_or_else(|_| Err(self.shared.gone()))
    }
}

/// Opens the write-ahead files, moves what they hold into sled, and notes that it is there.
fn take_in(
    generation: &Generation,
    root: &Path,
    capacity: u64,
    disk: &Arc<dyn Disk>,
) -> Result<Ahead, GenerationError> {
    let (mut ahead, left) = Ahead::open(root, capacity, &**disk)?;
    let file = generation.file.try_clone()?;
    let home = Home { db: generation.db.clone(), file, disk: disk.clone() };
    home.take_in(&left).map_err(GenerationError::TakeIn)?;
    ahead.mark_all(&**disk)?;
    Ok(ahead)
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, GenerationError> {
    let prioritised = move || {
        step_back(BESIDE_REQUESTS);
        work();
    };
    Ok(std::thread::Builder::new().name(name.into()).spawn(prioritised)?)
}

fn wait_for(thread: &Mutex<Option<JoinHandle<()>>>) {
    let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A callback may hold the last handle, and then this runs on the writer's thread.
    if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id())
        && let Err(panic) = thread.join()
    {
        tracing::error!(why = panic_text(&*panic), "a thread of the journal panicked");
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
        let read = || reader::read(&self.db, stream, from, max_bytes);
        let mut entries = self.with_pending((stream, from), max_bytes, read)?;
        end_before_hole(&mut entries);
        Ok(entries)
    }

    fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        let mut streams = self.pending.streams();
        streams.extend(self.shared.reading(|| reader::streams(&self.db))?);
        streams.sort_unstable();
        streams.dedup();
        Ok(streams)
    }

    fn cut(&self, stream: StreamId, through: u64) -> Result<(), JournalError> {
        while self.cut_step(stream, through, CUT_KEYS_MAX)? {}
        Ok(())
    }

    fn cut_through(&self, stream: StreamId) -> Result<u64, JournalError> {
        self.shared.reading(|| reader::floor(&self.db, stream))
    }

    fn salvage(&self, stream: StreamId, first_seq: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let read = || reader::salvage(&self.db, stream, first_seq, max_bytes);
        let mut entries = self.with_pending((stream, first_seq), max_bytes, read)?;
        entries.retain(|entry| entry.first_seq >= first_seq);
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
        // The writer has gone already when this fails.
        let _ = self.jobs.send(Job::Stop);
        wait_for(&self.writer);
        self.pending.close();
        wait_for(&self.mover);
    }
}

impl Drop for SledJournal {
    fn drop(&mut self) {
        self.close();
    }
}

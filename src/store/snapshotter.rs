//! The snapshotter: makes snapshots beside the live state, and moves what lies behind them from the journal to the archive.
//!
//! Promise: a snapshot is written only when replaying the stored records gives the state that the live one claims to be.
//! Invariant: the journal keeps every record behind the older of the two snapshots until the archive has it and the newer snapshot
//! was read back.
//! Never here: touching a live state, or the path of a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

use crate::domain::ids::StreamId;
use crate::priority::{CAN_WAIT, step_back};
use crate::store::archive::{ArchiveError, History, SEGMENT_BYTES_MAX};
use crate::store::journal::JournalError;
use crate::store::record;
use crate::store::recovery::{Fold, RecoveryError, recover};
use crate::store::snapshots::{Snapshot, SnapshotError, Snapshots};

/// Jobs that may wait; more are refused, and their snapshots are made another time.
pub const QUEUED_JOBS_MAX: usize = 256;

/// Called once with the fate of a job, on the snapshotter's thread or, when it is refused, the caller's.
pub type SnapshotDone = Box<dyn FnOnce(Result<(), SnapshotJobError>) + Send>;

/// What to make a snapshot of.
pub struct SnapshotJob {
    /// The stream.
    pub stream: StreamId,
    /// A durable record of it ends here.
    pub seq: u64,
    /// What the live state's hash was there.
    pub state_hash: [u8; 32],
    /// Now, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Told what became of it.
    pub done: SnapshotDone,
}

/// Why there is no new snapshot, or why the journal was not cut behind it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum SnapshotJobError {
    /// Replay and live state differ, so one of them is wrong: a bug that must not be made permanent.
    #[error(
        "stream {stream}: the stored records give another state at {seq} than the live one; nothing was written or cut"
    )]
    OtherState { stream: StreamId, seq: u64 },
    /// The stored records give no state.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The new snapshot could not be written or read back.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The archive could not be read or written; the journal keeps the records.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The journal could not be read or cut.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A bug that this stream's records bring out; the thread goes on with the next job.
    #[error("stream {stream}: making a snapshot panicked")]
    Panic { stream: StreamId },
    /// Refused at once; the next snapshot of the stream makes up for it.
    #[error("{QUEUED_JOBS_MAX} snapshots are waiting")]
    Busy,
    /// Refused at once: the program is ending.
    #[error("the snapshotter has stopped")]
    Stopped,
}

/// A thread that works off [`SnapshotJob`]s.
pub struct Snapshotter {
    jobs: Mutex<Option<Sender<SnapshotJob>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Snapshotter {
    /// Starts the thread, which folds records into `S`.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start<S: Fold + 'static>(history: History, snapshots: Snapshots) -> std::io::Result<Self> {
        let (jobs, queue) = bounded(QUEUED_JOBS_MAX);
        let thread = std::thread::Builder::new().name("snapshotter".into()).spawn(move || {
            step_back(CAN_WAIT);
            run::<S>(&queue, &history, &snapshots);
        })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues a job. Does not block: its `done` is told [`SnapshotJobError::Busy`] when too many are waiting.
    pub fn submit(&self, job: SnapshotJob) {
        let jobs = self.jobs.lock().expect("no one panics with this lock").clone();
        let Some(jobs) = jobs else { return (job.done)(Err(SnapshotJobError::Stopped)) };
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => (job.done)(Err(SnapshotJobError::Busy)),
            Err(TrySendError::Disconnected(job)) => (job.done)(Err(SnapshotJobError::Stopped)),
        }
    }

    /// Stops after the jobs that were queued. Blocks.
    pub fn stop(&self) {
        drop(self.jobs.lock().expect("no one panics with this lock").take());
        let thread = self.thread.lock().expect("no one panics with this lock").take();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id())
            && thread.join().is_err()
        {
            tracing::error!("the snapshotter panicked");
        }
    }
}

impl Drop for Snapshotter {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run<S: Fold>(queue: &Receiver<SnapshotJob>, history: &History, snapshots: &Snapshots) {
    for SnapshotJob { stream, seq, state_hash, at_ms, done } in queue {
        let work = || make::<S>(history, snapshots, stream, seq, state_hash, at_ms);
        // One stream's poison record must not end the snapshots of all.
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(SnapshotJobError::Panic { stream }));
        if let Err(error) = &result {
            tracing::warn!(%stream, seq, %error, "no snapshot");
        }
        if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
            tracing::error!("the callback of a snapshot panicked");
        }
    }
}

/// Makes the snapshot of `stream` at `seq` and retires what lies behind the one before it. Blocks.
///
/// # Errors
/// [`SnapshotJobError`]; what was stored before is still there.
pub fn make<S: Fold>(
    history: &History,
    snapshots: &Snapshots,
    stream: StreamId,
    seq: u64,
    state_hash: [u8; 32],
    at_ms: i64,
) -> Result<(), SnapshotJobError> {
    let at = recover::<S>(history, snapshots, stream, Some(seq))?;
    if at.state.state_hash() != state_hash {
        return Err(SnapshotJobError::OtherState { stream, seq });
    }
    let body = at.state.to_snapshot();
    drop(at.state);
    snapshots.write(&Snapshot { stream, seq, chain: at.chain, state_hash, at_ms, body })?;
    retire(history, snapshots, stream)
}

/// Archives what lies behind the older of the two snapshots of `stream` and cuts it from the journal. Blocks.
fn retire(history: &History, snapshots: &Snapshots, stream: StreamId) -> Result<(), SnapshotJobError> {
    let generations = snapshots.generations(stream)?;
    let [newer, older, ..] = generations[..] else { return Ok(()) };
    snapshots.load(stream, newer)?;
    loop {
        let from = history.archive.last_seq(stream)? + 1;
        let mut entries = history.journal.read(stream, from, SEGMENT_BYTES_MAX)?;
        entries.retain(|entry| entry.last_seq <= older);
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            // A damaged record must stay where it is found, not be buried in the archive.
            record::open(&entry.bytes).map_err(|error| JournalError::Corrupt {
                stream,
                seq: entry.first_seq,
                why: error.to_string(),
            })?;
        }
        history.archive.add(stream, &entries)?;
    }
    Ok(history.journal.cut(stream, older.min(history.archive.last_seq(stream)?))?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::store::disk::RealDisk;
    use crate::store::disk::testing::FaultyDisk;
    use crate::store::sled_journal::SledJournalConfig;
    use crate::store::testing::{Author, Tally, hash_at, recovered};
    use crate::store::{Store, StoreConfig};

    const STREAM: StreamId = StreamId(1);

    fn snapshot(store: &Store, seq: u64) -> Result<(), SnapshotJobError> {
        let state_hash = hash_at(store, 1, seq);
        make::<Tally>(&store.history, &store.snapshots, STREAM, seq, state_hash, 0)
    }

    fn first_live(store: &Store) -> u64 {
        store.journal.read(STREAM, 1, 1).unwrap()[0].first_seq
    }

    fn forget_snapshots(store: &Store) {
        for seq in store.snapshots.generations(STREAM).unwrap() {
            store.snapshots.remove(STREAM, seq).unwrap();
        }
    }

    #[test]
    fn the_journal_is_cut_behind_the_older_of_two_snapshots() {
        let store = Store::in_memory();
        Author::new(1).append(&store, 30);
        let expected = recovered(&store, 1).unwrap();
        for (seq, first, snapshot_seq) in [(10, 1, 10), (20, 11, 20), (25, 21, 25), (30, 26, 30)] {
            snapshot(&store, seq).unwrap();
            assert_eq!(first_live(&store), first);
            let found = recovered(&store, 1).unwrap();
            assert_eq!(found.snapshot_seq, snapshot_seq);
            assert_eq!((found.state, found.chain), (expected.state.clone(), expected.chain));
        }
    }

    #[test]
    fn deleting_all_snapshots_loses_nothing() {
        let store = Store::in_memory();
        let mut author = Author::new(1);
        author.append(&store, 30);
        let expected = recovered(&store, 1).unwrap().state;
        for seq in [10, 20, 30] {
            snapshot(&store, seq).unwrap();
        }
        assert_eq!(first_live(&store), 21);
        forget_snapshots(&store);
        let found = recovered(&store, 1).unwrap();
        assert_eq!((found.snapshot_seq, found.records_replayed, found.state), (0, 30, expected));
        author.append(&store, 5);
        snapshot(&store, 33).unwrap();
        snapshot(&store, 35).unwrap();
        assert_eq!(recovered(&store, 1).unwrap().last_seq, 35);
    }

    #[test]
    fn another_state_than_the_live_one_is_neither_written_nor_cut_behind() {
        let store = Store::in_memory();
        Author::new(1).append(&store, 30);
        snapshot(&store, 10).unwrap();
        let snapshotter = Snapshotter::start::<Tally>(store.history.clone(), store.snapshots.clone()).unwrap();
        let (told, answer) = mpsc::sync_channel(1);
        let done = Box::new(move |result| told.send(result).unwrap());
        snapshotter.submit(SnapshotJob { stream: STREAM, seq: 20, state_hash: [9; 32], at_ms: 0, done });
        assert!(matches!(answer.recv().unwrap(), Err(SnapshotJobError::OtherState { seq: 20, .. })));
        assert_eq!((store.snapshots.generations(STREAM).unwrap(), first_live(&store)), (vec![10], 1));
    }

    #[test]
    fn without_room_for_a_file_nothing_is_written_or_cut_and_the_reason_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new();
        let journal = SledJournalConfig { reserve_bytes: 1 << 20, ..SledJournalConfig::default() };
        let store = Store::open_on(dir.path(), &StoreConfig { journal }, disk.clone()).unwrap();
        Author::new(1).append(&store, 30);
        snapshot(&store, 10).unwrap();
        disk.free.store(2 << 20, std::sync::atomic::Ordering::SeqCst);
        let refused = snapshot(&store, 20).unwrap_err();
        assert!(matches!(refused, SnapshotJobError::Snapshot(SnapshotError::Full { .. })), "{refused}");
        let entries = store.journal.read(STREAM, 1, 1).unwrap();
        let refused = store.history.archive.add(STREAM, &entries).unwrap_err();
        assert!(matches!(refused, ArchiveError::Full { .. }), "{refused}");
        assert_eq!((store.snapshots.generations(STREAM).unwrap(), first_live(&store)), (vec![10], 1));
    }

    #[test]
    fn the_thread_does_what_was_queued_before_it_stops_and_survives_a_poison_record() {
        let store = Store::in_memory();
        Author::new(1).append(&store, 4);
        let poison = Author::new(2).seal(1, b"poison");
        crate::store::journal_contract::append_now(&*store.journal, vec![poison]).unwrap();
        let state_hash = hash_at(&store, 1, 4);
        let snapshotter = Snapshotter::start::<Tally>(store.history.clone(), store.snapshots.clone()).unwrap();
        let (told, answers) = mpsc::sync_channel(2);
        for (stream, seq) in [(StreamId(2), 1), (STREAM, 4)] {
            let told = told.clone();
            let done = Box::new(move |result: Result<(), _>| told.send((stream, result.is_ok())).unwrap());
            snapshotter.submit(SnapshotJob { stream, seq, state_hash, at_ms: 0, done });
        }
        snapshotter.stop();
        assert_eq!(answers.try_iter().collect::<Vec<_>>(), [(StreamId(2), false), (STREAM, true)]);
        let (told, answer) = mpsc::sync_channel(1);
        let done = Box::new(move |result| told.send(result).unwrap());
        snapshotter.submit(SnapshotJob { stream: STREAM, seq: 4, state_hash, at_ms: 0, done });
        assert!(matches!(answer.recv().unwrap(), Err(SnapshotJobError::Stopped)));
    }

    fn open_on(dir: &Path, disk: Arc<dyn crate::store::disk::Disk>) -> Store {
        let journal = SledJournalConfig { reserve_bytes: 0, ..SledJournalConfig::default() };
        Store::open_on(dir, &StoreConfig { journal }, disk).unwrap()
    }

    #[test]
    fn a_crash_at_any_step_of_a_snapshot_archive_or_cut_gives_the_same_state() {
        let mut step = 0;
        loop {
            let dir = tempfile::tempdir().unwrap();
            let disk = FaultyDisk::new();
            let store = open_on(dir.path(), disk.clone());
            Author::new(1).append(&store, 30);
            snapshot(&store, 10).unwrap();
            snapshot(&store, 20).unwrap();
            let expected = recovered(&store, 1).unwrap();
            let state_hash = hash_at(&store, 1, 30);
            disk.fail_from.store(disk.count() + step, std::sync::atomic::Ordering::SeqCst);
            let made = make::<Tally>(&store.history, &store.snapshots, STREAM, 30, state_hash, 0);
            drop(store);
            let store = open_on(dir.path(), Arc::new(RealDisk));
            let found = recovered(&store, 1).unwrap();
            assert_eq!((found.state, found.chain), (expected.state.clone(), expected.chain), "crash at step {step}");
            snapshot(&store, 30).unwrap();
            assert_eq!(first_live(&store), 21, "crash at step {step}");
            forget_snapshots(&store);
            assert_eq!(recovered(&store, 1).unwrap().state, expected.state, "crash at step {step}");
            if made.is_ok() {
                break;
            }
            step += 1;
        }
        assert!(step > 6, "{step} steps");
    }
}

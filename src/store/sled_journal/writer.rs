//! The one thread that acknowledges: takes what has gathered, appends it to the write-ahead files with one fdatasync, then tells
//! everyone. Moving it into sled is left to the mover.
//!
//! There is no waiting window: while one group is being synced the next one gathers in the queue.
//! Once a write or sync has failed or panicked, what is on disk is unknown: everything is refused from then on.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::domain::ids::StreamId;
use crate::store::disk::Disk;
use crate::store::journal::{Ack, Entry, JournalError, check_entry};
use crate::store::sled_journal::ahead::Ahead;
use crate::store::sled_journal::pending::{Ask, Pending};
use crate::store::sled_journal::reader;
use crate::store::sled_journal::space::Space;

/// The most entries that share one sync.
const GROUP_ENTRIES_MAX: usize = 512;
/// The most bytes that share one sync; a single batch may be larger.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// How often a writer that waits for room looks whether the journal still works.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the writer is asked to do.
pub(super) enum Job {
    Append { entries: Vec<Entry>, urgent: bool, ack: Ack },
    CutTornTail { stream: StreamId, torn: Vec<Entry>, reply: Sender<Result<(), JournalError>> },
    Stop,
}

/// What the writer and the readers both know.
#[derive(Default)]
pub(super) struct Shared {
    poison: OnceLock<String>,
}

impl Shared {
    pub(super) fn poisoned(&self) -> Option<String> {
        self.poison.get().cloned()
    }

    pub(super) fn poison(&self, why: String) -> JournalError {
        tracing::error!(why, "the journal failed; nothing more is accepted until the next start");
        let why = self.poison.get_or_init(|| why).clone();
        JournalError::Poisoned { why }
    }

    /// Why a thread of the journal does not answer.
    pub(super) fn gone(&self) -> JournalError {
        self.poisoned().map_or(JournalError::Closed, |why| JournalError::Poisoned { why })
    }

    /// Runs a read of sled. An error other than damage, or a panic, poisons: the database is in an unknown state.
    pub(super) fn reading<T>(&self, read: impl FnOnce() -> Result<T, JournalError>) -> Result<T, JournalError> {
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Err(JournalError::Io { why })) => {
                self.poison(why.clone());
                Err(JournalError::Io { why })
            }
            Ok(result) => result,
            Err(panic) => {
                let why = format!("sled panicked while reading: {}", panic_text(&*panic));
                self.poison(why.clone());
                Err(JournalError::Io { why })
            }
        }
    }
}

/// The state of the writing thread.
pub(super) struct Writer {
    db: sled::Db,
    ahead: Ahead,
    disk: Arc<dyn Disk>,
    space: Space,
    shared: Arc<Shared>,
    pending: Arc<Pending>,
    /// The last number of each stream, including what is staged; filled in when a stream is first met.
    tails: HashMap<StreamId, u64>,
    group: Group,
}

/// What will share the next sync.
#[derive(Default)]
struct Group {
    entries: Vec<Entry>,
    acks: Vec<Ack>,
    bytes: usize,
}

impl Writer {
    pub(super) fn new(
        db: sled::Db,
        ahead: Ahead,
        disk: Arc<dyn Disk>,
        space: Space,
        shared: Arc<Shared>,
        pending: Arc<Pending>,
    ) -> Self {
        Self { db, ahead, disk, space, shared, pending, tails: HashMap::new(), group: Group::default() }
    }

    /// Works until it is told to stop or nobody can ask any more; what was queued before that is done.
    pub(super) fn run(self, jobs: &Receiver<Job>) {
        let shared = self.shared.clone();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.serve(jobs))) {
            shared.poison(format!("the writer panicked: {}", panic_text(&*panic)));
        }
    }

    fn serve(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut go_on = self.take(first);
            while go_on && self.group.entries.len() < GROUP_ENTRIES_MAX && self.group.bytes < GROUP_BYTES_MAX {
                let Ok(job) = jobs.try_recv() else { break };
                go_on = self.take(job);
            }
            self.commit();
            if !go_on {
                return;
            }
        }
    }

    fn take(&mut self, job: Job) -> bool {
        match job {
            Job::Append { entries, urgent, ack } => match self.stage(entries, urgent) {
                Ok(()) => self.group.acks.push(ack),
                Err(error) => ack.tell(Err(error)),
            },
            Job::CutTornTail { stream, torn, reply } => {
                self.commit();
                // Nobody waits for the answer when this fails.
                let _ = reply.send(self.cut_torn_tail(stream, torn));
            }
            Job::Stop => return false,
        }
        true
    }

    /// Adds the entries to the group, all or none of them.
    fn stage(&mut self, entries: Vec<Entry>, urgent: bool) -> Result<(), JournalError> {
        if let Some(why) = self.shared.poisoned() {
            return Err(JournalError::Poisoned { why });
        }
        let bytes = entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
        let pending = &self.pending;
        self.space.admit(bytes as u64, urgent, || pending.bytes() as u64)?;
        // A repeated record is compared with what is stored, so what is only staged has to be stored first.
        if entries.iter().any(|entry| self.tails.get(&entry.stream).is_some_and(|tail| entry.first_seq <= *tail)) {
            self.commit();
        }
        match self.advance(&entries) {
            Ok(new) => {
                let is_new = new.into_iter().zip(entries).filter_map(|(new, entry)| new.then_some(entry));
                for entry in is_new {
                    self.group.bytes += entry.bytes.len();
                    self.group.entries.push(entry);
                }
                Ok(())
            }
            Err(error) => {
                // The tails are looked up again in what is stored, which has nothing of this group: so the group goes first.
                self.commit();
                for entry in &entries {
                    self.tails.remove(&entry.stream);
                }
                Err(error)
            }
        }
    }

    /// Checks that each entry continues its stream or repeats a record, and moves the tails. Says of each whether it is new.
    fn advance(&mut self, entries: &[Entry]) -> Result<Vec<bool>, JournalError> {
        let mut new = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            check_entry(entry)?;
            let expected = self.tail(entry.stream)? + 1;
            let (stream, found) = (entry.stream, entry.first_seq);
            if found > expected {
                return Err(JournalError::Gap { stream, expected, found });
            }
            if found == expected {
                self.tails.insert(stream, entry.last_seq);
                new.push(true);
                continue;
            }
            let repeats = match entries[..at].iter().find(|other| other.stream == stream && other.first_seq == found) {
                Some(other) => other == entry,
                None => self.is_stored(entry)?,
            };
            if !repeats {
                return Err(JournalError::Conflict { stream, seq: found });
            }
            new.push(false);
        }
        Ok(new)
    }

    /// Whether exactly this record is stored. What is pending is looked at first; see `pending`.
    fn is_stored(&self, entry: &Entry) -> Result<bool, JournalError> {
        let pending = self.pending.of(entry.stream, entry.first_seq);
        if let Some(pending) = pending.first().filter(|pending| pending.first_seq <= entry.first_seq) {
            return Ok(**pending == *entry);
        }
        let stored = self.shared.reading(|| reader::record_at(&self.db, entry.stream, entry.first_seq))?;
        Ok(stored.is_some_and(|stored| stored == *entry))
    }

    fn tail(&mut self, stream: StreamId) -> Result<u64, JournalError> {
        if let Some(tail) = self.tails.get(&stream) {
            return Ok(*tail);
        }
        let tail = match self.pending.last_seq(stream) {
            Some(tail) => tail,
            None => self.shared.reading(|| reader::last_seq(&self.db, stream))?,
        };
        self.tails.insert(stream, tail);
        Ok(tail)
    }

    /// Makes the group durable and tells everyone in it.
    fn commit(&mut self) {
        let entries = std::mem::take(&mut self.group.entries);
        self.group.bytes = 0;
        let result = if entries.is_empty() {
            self.shared.poisoned().map_or(Ok(()), |why| Err(JournalError::Poisoned { why }))
        } else {
            self.write_ahead(&entries).map(|number| self.pending.add(number, entries))
        };
        for ack in self.group.acks.drain(..) {
            ack.tell(result.clone());
        }
    }

    /// The durability point: written and synced, or poisoned. Never tried twice.
    fn write_ahead(&mut self, entries: &[Entry]) -> Result<u64, JournalError> {
        self.make_room(entries)?;
        let moved = self.pending.moved();
        self.or_poisoned(|ahead, disk| ahead.append(entries, moved, disk))
    }

    /// Goes on in the other file when this one is full, once that is in sled: nothing is taken meanwhile, so that what gathers is
    /// bounded.
    fn make_room(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        if self.ahead.has_room_for(entries) {
            return Ok(());
        }
        while !self.pending.wait_moved(self.ahead.wanted(), LOOK_EVERY) {
            if let Some(why) = self.shared.poisoned() {
                return Err(JournalError::Poisoned { why });
            }
        }
        let moved = self.pending.moved();
        self.or_poisoned(|ahead, disk| ahead.switch(moved, disk))
    }

    fn or_poisoned<T>(
        &mut self,
        write: impl FnOnce(&mut Ahead, &dyn Disk) -> io::Result<T>,
    ) -> Result<T, JournalError> {
        if let Some(why) = self.shared.poisoned() {
            return Err(JournalError::Poisoned { why });
        }
        let (ahead, disk) = (&mut self.ahead, &*self.disk);
        let why = match catch_unwind(AssertUnwindSafe(|| write(ahead, disk))) {
            Ok(Ok(written)) => return Ok(written),
            Ok(Err(error)) => format!("writing failed: {error}"),
            Err(panic) => format!("writing panicked: {}", panic_text(&*panic)),
        };
        Err(self.shared.poison(why))
    }

    /// Has the mover cut it, and sees to it that the write-ahead files do not bring it back.
    fn cut_torn_tail(&mut self, stream: StreamId, torn: Vec<Entry>) -> Result<(), JournalError> {
        let (reply, answer) = bounded(1);
        self.pending.ask(Ask::CutTornTail { stream, torn, reply });
        answer.recv().unwrap_or_else(|_| Err(self.shared.gone()))?;
        self.tails.remove(&stream);
        self.write_ahead(&[]).map(drop)
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

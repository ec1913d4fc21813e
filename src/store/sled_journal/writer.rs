//! The one thread that writes: takes what has gathered, makes it durable with one flush and one fdatasync, then tells everyone.
//!
//! There is no waiting window: while one batch is being synced the next one gathers in the queue.
//! Once a write, flush or sync has failed or panicked, what is on disk is unknown: everything is refused from then on.

use std::collections::HashMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crossbeam::channel::{Receiver, Sender};

use crate::domain::ids::StreamId;
use crate::store::disk::Disk;
use crate::store::journal::{Ack, Entry, JournalError, check_entry};
use crate::store::sled_journal::pieces::{floor_key, keys_from, last_seq_of_head, parse_key, split};
use crate::store::sled_journal::reader;
use crate::store::sled_journal::space::Space;

/// The most entries that share one flush.
const GROUP_ENTRIES_MAX: usize = 512;
/// The most bytes that share one flush; a single batch may be larger.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// What the writer is asked to do.
pub(super) enum Job {
    Append {
        entries: Vec<Entry>,
        urgent: bool,
        ack: Ack,
    },
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
    Stop,
}

/// What the writer and the readers both know.
#[derive(Default)]
pub(super) struct Shared {
    poison: OnceLock<String>,
    /// The streams of the batch that is being synced, each with the first number that is not durable yet.
    in_flight: Mutex<HashMap<StreamId, u64>>,
}

impl Shared {
    pub(super) fn poisoned(&self) -> Option<String> {
        self.poison.get().cloned()
    }

    fn poison(&self, why: String) -> JournalError {
        tracing::error!(why, "the journal failed; nothing more is accepted until the next start");
        let why = self.poison.get_or_init(|| why).clone();
        JournalError::Poisoned { why }
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

    /// Sled shows a batch before it is durable, and for ever when its sync failed. Call it after reading: a batch that is not in
    /// flight by then was durable before or not visible.
    pub(super) fn hide_what_is_not_durable(&self, stream: StreamId, entries: &mut Vec<Entry>) {
        let in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&first_hidden) = in_flight.get(&stream) {
            entries.retain(|entry| entry.first_seq < first_hidden);
        }
    }
}

/// The state of the writing thread.
pub(super) struct Writer {
    db: sled::Db,
    file: File,
    disk: Arc<dyn Disk>,
    space: Space,
    shared: Arc<Shared>,
    /// The last number of each stream, including what is staged; filled in when a stream is first met.
    tails: HashMap<StreamId, u64>,
    group: Group,
}

/// What will share the next flush.
#[derive(Default)]
struct Group {
    batch: sled::Batch,
    acks: Vec<Ack>,
    /// Stream and first number of each new entry.
    staged: Vec<(StreamId, u64)>,
    bytes: usize,
    scratch: Vec<u8>,
}

impl Writer {
    pub(super) fn new(db: sled::Db, file: File, disk: Arc<dyn Disk>, space: Space, shared: Arc<Shared>) -> Self {
        Self { db, file, disk, space, shared, tails: HashMap::new(), group: Group::default() }
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
            while go_on && self.group.staged.len() < GROUP_ENTRIES_MAX && self.group.bytes < GROUP_BYTES_MAX {
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
            Job::Append { entries, urgent, ack } => match self.stage(&entries, urgent) {
                Ok(()) => self.group.acks.push(ack),
                Err(error) => ack.tell(Err(error)),
            },
            Job::Cut { stream, through, keys_max, reply } => {
                self.commit();
                // Nobody waits for the answer when this fails.
                let _ = reply.send(self.cut(stream, through, keys_max));
            }
            Job::CutTornTail { stream, torn, reply } => {
                self.commit();
                let _ = reply.send(self.cut_torn_tail(stream, &torn));
            }
            Job::Stop => return false,
        }
        true
    }

    /// Adds the entries to the group, all or none of them.
    fn stage(&mut self, entries: &[Entry], urgent: bool) -> Result<(), JournalError> {
        if let Some(why) = self.shared.poisoned() {
            return Err(JournalError::Poisoned { why });
        }
        let bytes = entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
        self.space.admit(bytes as u64, urgent)?;
        // A repeated record is compared with what is stored, so what is only staged has to be stored first.
        if entries.iter().any(|entry| self.tails.get(&entry.stream).is_some_and(|tail| entry.first_seq <= *tail)) {
            self.commit();
        }
        let staged_before = self.group.staged.len();
        if let Err(error) = self.advance(entries) {
            // The tails are loaded again from sled, which has nothing of this group: so the group goes first.
            self.group.staged.truncate(staged_before);
            self.commit();
            for entry in entries {
                self.tails.remove(&entry.stream);
            }
            return Err(error);
        }
        let new = &self.group.staged[staged_before..];
        let mut new = new.iter().peekable();
        for entry in entries {
            if new.next_if(|staged| **staged == (entry.stream, entry.first_seq)).is_some() {
                let batch = &mut self.group.batch;
                split(entry, &mut self.group.scratch, |key, value| batch.insert(&key[..], value));
                self.group.bytes += entry.bytes.len();
            }
        }
        Ok(())
    }

    /// Checks that each entry continues its stream or repeats a record, and moves the tails.
    fn advance(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        for (at, entry) in entries.iter().enumerate() {
            check_entry(entry)?;
            let expected = self.tail(entry.stream)? + 1;
            let (stream, found) = (entry.stream, entry.first_seq);
            if found > expected {
                return Err(JournalError::Gap { stream, expected, found });
            }
            if found == expected {
                self.tails.insert(stream, entry.last_seq);
                self.group.staged.push((stream, found));
                continue;
            }
            let repeats = match entries[..at].iter().find(|other| other.stream == stream && other.first_seq == found) {
                Some(other) => other == entry,
                None => {
                    let stored = self.shared.reading(|| reader::record_at(&self.db, stream, found))?;
                    stored.is_some_and(|stored| stored == *entry)
                }
            };
            if !repeats {
                return Err(JournalError::Conflict { stream, seq: found });
            }
        }
        Ok(())
    }

    fn tail(&mut self, stream: StreamId) -> Result<u64, JournalError> {
        if let Some(tail) = self.tails.get(&stream) {
            return Ok(*tail);
        }
        let tail = self.shared.reading(|| reader::last_seq(&self.db, stream))?;
        self.tails.insert(stream, tail);
        Ok(tail)
    }

    /// Makes the group durable and tells everyone in it.
    fn commit(&mut self) {
        let batch = std::mem::take(&mut self.group.batch);
        let result = if self.group.staged.is_empty() {
            self.shared.poisoned().map_or(Ok(()), |why| Err(JournalError::Poisoned { why }))
        } else {
            self.make_durable(batch)
        };
        self.group.staged.clear();
        self.group.bytes = 0;
        for ack in self.group.acks.drain(..) {
            ack.tell(result.clone());
        }
    }

    /// The durability point: applied, written out and synced, or poisoned. Never tried twice.
    fn make_durable(&mut self, batch: sled::Batch) -> Result<(), JournalError> {
        if let Some(why) = self.shared.poisoned() {
            return Err(JournalError::Poisoned { why });
        }
        let mut in_flight = self.shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        for &(stream, first_seq) in &self.group.staged {
            in_flight.entry(stream).or_insert(first_seq);
        }
        drop(in_flight);
        let write = || -> std::io::Result<()> {
            self.db.apply_batch(batch)?;
            self.disk.flush(&self.db)?;
            self.disk.sync_data(&self.file)
        };
        let why = match catch_unwind(AssertUnwindSafe(write)) {
            Ok(Ok(())) => {
                self.shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner).clear();
                return Ok(());
            }
            Ok(Err(error)) => format!("writing failed: {error}"),
            Err(panic) => format!("sled panicked while writing: {}", panic_text(&*panic)),
        };
        Err(self.shared.poison(why))
    }

    /// Removes about `keys_max` keys of records up to `through` and moves the floor; says whether there may be more.
    fn cut(&mut self, stream: StreamId, through: u64, keys_max: usize) -> Result<bool, JournalError> {
        let mut batch = sled::Batch::default();
        let (mut keys, mut floor, mut more) = (0, None, false);
        self.shared.reading(|| {
            for item in self.db.range(keys_from(stream, 1)) {
                let (key, value) = item.map_err(|error| reader::sled_error(stream, 0, &error))?;
                let Some((_, first_seq, part)) = parse_key(&key) else { break };
                if part == 0 {
                    let last_seq = last_seq_of_head(&value).filter(|last| *last >= first_seq);
                    let last_seq = last_seq.ok_or(JournalError::Corrupt {
                        stream,
                        seq: first_seq,
                        why: "its first piece is cut off".into(),
                    })?;
                    more = last_seq <= through && keys >= keys_max;
                    if last_seq > through || more {
                        break;
                    }
                    floor = Some(last_seq);
                } else if floor.is_none_or(|floor| floor < first_seq) {
                    let why = "its first piece is missing".into();
                    return Err(JournalError::Corrupt { stream, seq: first_seq, why });
                }
                batch.remove(key);
                keys += 1;
            }
            Ok(())
        })?;
        if let Some(floor) = floor {
            batch.insert(&floor_key(stream)[..], &floor.to_le_bytes());
            self.make_durable(batch)?;
        }
        Ok(more)
    }

    fn cut_torn_tail(&mut self, stream: StreamId, torn: &[Entry]) -> Result<(), JournalError> {
        let Some(first_seq) = torn.first().map(|entry| entry.first_seq) else { return Ok(()) };
        let stored = self.shared.reading(|| reader::salvage(&self.db, stream, first_seq, usize::MAX))?;
        if stored != torn {
            return Err(JournalError::Conflict { stream, seq: first_seq });
        }
        let mut batch = sled::Batch::default();
        self.shared.reading(|| {
            for key in self.db.range(keys_from(stream, first_seq)).keys() {
                batch.remove(key.map_err(|error| reader::sled_error(stream, first_seq, &error))?);
            }
            Ok(())
        })?;
        self.tails.remove(&stream);
        self.make_durable(batch)
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

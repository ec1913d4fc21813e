//! The one thread that writes to sled: moves what has gathered in the write-ahead files, in large batches with one flush and one
//! fdatasync, and cuts. Nobody waits for it unless the files are full.
//!
//! Once a write, flush or sync has failed or panicked, what is in sled is unknown: the journal is poisoned, nothing is tried again, and
//! what was not moved stays in the write-ahead files for the next start.

use std::collections::HashMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::StreamId;
use crate::store::disk::Disk;
use crate::store::journal::{Entry, JournalError};
use crate::store::sled_journal::ahead::Left;
use crate::store::sled_journal::pending::{Ask, Pending, Work};
use crate::store::sled_journal::pieces::{floor_key, keys_from, last_seq_of_head, parse_key, split};
use crate::store::sled_journal::reader;
use crate::store::sled_journal::writer::{Shared, panic_text};

/// What goes into one batch of sled, which readers of sled wait for, in bytes of records.
const BATCH_BYTES: usize = 128 << 10;

/// Sled, as the one that writes to it sees it.
pub(super) struct Home {
    pub(super) db: sled::Db,
    /// Our own handle of its data file.
    pub(super) file: File,
    pub(super) disk: Arc<dyn Disk>,
}

impl Home {
    /// Stores records under their numbers, whatever is there. Not durable yet.
    fn put<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> sled::Result<()> {
        let (mut batch, mut bytes, mut scratch) = (sled::Batch::default(), 0, Vec::new());
        for entry in entries {
            split(entry, &mut scratch, |key, value| batch.insert(&key[..], value));
            bytes += entry.bytes.len();
            if bytes >= BATCH_BYTES {
                self.db.apply_batch(std::mem::take(&mut batch))?;
                bytes = 0;
            }
        }
        self.db.apply_batch(batch)
    }

    /// The durability point: what was put before survives.
    fn make_durable(&self) -> std::io::Result<()> {
        self.disk.flush(&self.db)?;
        self.disk.sync_data(&self.file)
    }

    /// Takes in what a crash left in the write-ahead files. Records that sled has already are stored again as they are, those that
    /// were cut stay away, and a damaged one is stored as it is when there is no whole one: then recovery finds it in its place.
    pub(super) fn take_in(&self, left: &Left) -> Result<(), JournalError> {
        let mut floors = HashMap::new();
        let mut taken = Vec::with_capacity(left.records.len());
        for (entry, whole) in &left.records {
            let floor = match floors.get(&entry.stream) {
                Some(floor) => *floor,
                None => *floors.entry(entry.stream).or_insert(reader::floor(&self.db, entry.stream)?),
            };
            let at = || reader::record_at(&self.db, entry.stream, entry.first_seq);
            if entry.last_seq <= floor || (!whole && at()?.is_some()) {
                continue;
            }
            if !whole {
                let (stream, seq) = (entry.stream, entry.first_seq);
                tracing::error!(%stream, seq, "a record in the write-ahead files is damaged");
            }
            taken.push(entry);
        }
        if taken.is_empty() {
            return Ok(());
        }
        let why = |error: &dyn std::fmt::Display| JournalError::Io { why: error.to_string() };
        self.put(taken.into_iter()).map_err(|error| why(&error))?;
        self.make_durable().map_err(|error| why(&error))
    }
}

/// The state of the moving thread.
pub(super) struct Mover {
    pub(super) home: Home,
    pub(super) shared: Arc<Shared>,
    pub(super) pending: Arc<Pending>,
    /// How long records gather before they are moved.
    pub(super) every: Duration,
}

impl Mover {
    /// Works until it is told to close or the journal is poisoned.
    pub(super) fn run(self) {
        let served = catch_unwind(AssertUnwindSafe(|| {
            while let Some(work) = self.pending.next(self.every) {
                if !self.serve(work) {
                    break;
                }
            }
        }));
        if let Err(panic) = served {
            self.shared.poison(format!("the mover panicked: {}", panic_text(&*panic)));
        }
        self.pending.leave();
    }

    /// False when the journal is poisoned.
    fn serve(&self, mut work: Work) -> bool {
        // What lies side by side in sled goes there together, which saves it an eighth of its work.
        work.entries.sort_by_key(|entry| (entry.stream, entry.first_seq));
        let moved = if work.entries.is_empty() {
            self.shared.poisoned().map_or(Ok(()), |why| Err(JournalError::Poisoned { why }))
        } else {
            self.write(|| Ok(self.home.put(work.entries.iter().map(|entry| &**entry))?))
        };
        if moved.is_ok() {
            self.pending.forget(work.through);
        }
        // Nobody waits for the answer when sending it fails.
        match work.asked {
            None => {}
            Some(Ask::Cut { stream, through, keys_max, reply }) => {
                let _ = reply.send(moved.clone().and_then(|()| self.cut(stream, through, keys_max)));
            }
            Some(Ask::CutTornTail { stream, torn, reply }) => {
                let _ = reply.send(moved.clone().and_then(|()| self.cut_torn_tail(stream, &torn)));
            }
            #[cfg(test)]
            Some(Ask::Settle { reply }) => {
                let _ = reply.send(moved.clone());
            }
        }
        self.shared.poisoned().is_none()
    }

    /// Written, flushed and synced, or poisoned. Never tried twice.
    fn write(&self, put: impl FnOnce() -> std::io::Result<()>) -> Result<(), JournalError> {
        if let Some(why) = self.shared.poisoned() {
            return Err(JournalError::Poisoned { why });
        }
        let write = || -> std::io::Result<()> {
            put()?;
            self.home.make_durable()
        };
        let why = match catch_unwind(AssertUnwindSafe(write)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("writing to sled failed: {error}"),
            Err(panic) => format!("sled panicked while writing: {}", panic_text(&*panic)),
        };
        Err(self.shared.poison(why))
    }

    fn apply(&self, batch: sled::Batch) -> Result<(), JournalError> {
        self.write(|| Ok(self.home.db.apply_batch(batch)?))
    }

    /// Removes about `keys_max` keys of records up to `through` and moves the floor; says whether there may be more.
    fn cut(&self, stream: StreamId, through: u64, keys_max: usize) -> Result<bool, JournalError> {
        let mut batch = sled::Batch::default();
        let (mut keys, mut floor, mut more) = (0, None, false);
        self.shared.reading(|| {
            for item in self.home.db.range(keys_from(stream, 1)) {
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
            self.apply(batch)?;
        }
        Ok(more)
    }

    fn cut_torn_tail(&self, stream: StreamId, torn: &[Entry]) -> Result<(), JournalError> {
        let Some(first_seq) = torn.first().map(|entry| entry.first_seq) else { return Ok(()) };
        let stored = self.shared.reading(|| reader::salvage(&self.home.db, stream, first_seq, usize::MAX))?;
        if stored != torn {
            return Err(JournalError::Conflict { stream, seq: first_seq });
        }
        let mut batch = sled::Batch::default();
        self.shared.reading(|| {
            for key in self.home.db.range(keys_from(stream, first_seq)).keys() {
                batch.remove(key.map_err(|error| reader::sled_error(stream, first_seq, &error))?);
            }
            Ok(())
        })?;
        self.apply(batch)
    }
}

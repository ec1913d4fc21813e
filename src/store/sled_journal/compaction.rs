//! Gives back disk space: sled's file keeps growing while records are cut, so now and then the live records move to a fresh one.
//!
//! Only at open, before anything is served. The copy is written, synced and compared with the original before `CURRENT` names it;
//! a crash before that leaves the original in force, a crash after it the copy, and the other one is removed at the next open.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::store::disk::Disk;
use crate::store::sled_journal::generation::{Generation, GenerationError};

/// What is written to the copy at once, in bytes.
const STEP_BYTES: usize = 1 << 20;

/// When a copy is worth its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct CompactionPolicy {
    /// On disk must be more than this many times the live bytes …
    pub(super) factor: u64,
    /// … and at least this much.
    pub(super) floor_bytes: u64,
}

/// Copies the live records of `generation` into the next one and returns that, if the policy asks for it and there is room.
pub(super) fn run_if_due(
    generation: Generation,
    root: &Path,
    cache_bytes: u64,
    policy: CompactionPolicy,
    disk: &dyn Disk,
) -> Result<Generation, GenerationError> {
    let disk_bytes = bytes_on_disk(&generation.dir)?;
    if disk_bytes < policy.floor_bytes.max(1) {
        return Ok(generation);
    }
    let live_bytes = live_bytes(&generation.db)?;
    if disk_bytes <= live_bytes.max(1).saturating_mul(policy.factor) {
        return Ok(generation);
    }
    let room_bytes = disk.free_bytes(root)?;
    // A copy takes about twice the live bytes for a moment.
    if room_bytes < live_bytes.saturating_mul(3) {
        tracing::warn!(
            disk_bytes,
            live_bytes,
            room_bytes,
            "the journal needs compaction but there is no room for a copy"
        );
        return Ok(generation);
    }
    tracing::info!(disk_bytes, live_bytes, "compacting the journal");
    let copy = Generation::create(root, generation.number + 1, cache_bytes, disk)?;
    copy_all(&generation.db, &copy.db)?;
    disk.flush(&copy.db)?;
    disk.sync_data(&copy.file)?;
    compare(&generation.db, &copy.db)?;
    disk.sync_dir(&copy.dir)?;
    copy.activate(root, disk)?;
    let Generation { dir: old, db, file, .. } = generation;
    drop((db, file));
    disk.remove_dir_all(&old)?;
    disk.sync_dir(root)?;
    Ok(copy)
}

fn copy_all(from: &sled::Db, to: &sled::Db) -> Result<(), GenerationError> {
    let (mut batch, mut bytes) = (sled::Batch::default(), 0);
    for item in from.iter() {
        let (key, value) = item?;
        bytes += key.len() + value.len();
        batch.insert(key, value);
        if bytes >= STEP_BYTES {
            to.apply_batch(std::mem::take(&mut batch))?;
            bytes = 0;
        }
    }
    Ok(to.apply_batch(batch)?)
}

fn compare(one: &sled::Db, other: &sled::Db) -> Result<(), GenerationError> {
    let (mut one, mut other) = (one.iter(), other.iter());
    loop {
        let (left, right) = (one.next().transpose()?, other.next().transpose()?);
        if left != right {
            let key = left.or(right).map_or_else(String::new, |(key, _)| format!("{key:02x?}"));
            return Err(GenerationError::BadCopy { key });
        }
        if left.is_none() {
            return Ok(());
        }
    }
}

fn live_bytes(db: &sled::Db) -> Result<u64, GenerationError> {
    let mut bytes = 0;
    for item in db.iter() {
        let (key, value) = item?;
        bytes += (key.len() + value.len()) as u64;
    }
    Ok(bytes)
}

/// What the files of a directory and of those in it occupy, in bytes.
pub(super) fn bytes_on_disk(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            // Sled removes files of its own in the background.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        bytes += if metadata.is_dir() { bytes_on_disk(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

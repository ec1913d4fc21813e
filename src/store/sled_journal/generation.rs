//! Which sled directory is the journal, and how it is opened.
//!
//! `CURRENT` names the active generation, `gen-<number>`; it is replaced by a rename, so there is always exactly one. It says
//! `none` from before the first generation is made until that is whole. A generation that it does not name is a leftover of a crash
//! and is removed; but when it is missing beside generations, someone else was here, and nothing is touched.

use std::fs::File;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::disk::{Disk, create_dir_durably};
use crate::store::journal::JournalError;
use crate::store::sled_journal::writer::panic_text;

const CURRENT: &str = "CURRENT";
const CURRENT_TEMP: &str = "CURRENT.tmp";
const NONE: &str = "none";
const PREFIX: &str = "gen-";
/// How often sled syncs on its own; its cleaning of the file runs on the same timer.
const FLUSH_EVERY_MS: u64 = 500;
/// Sled's threads may hold its lock for a moment after the last handle is gone; the directory is ours, so waiting is safe.
const LOCK_TRIES: u32 = 100;
const LOCK_WAIT: Duration = Duration::from_millis(20);

/// Why the journal's directory could not be opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum GenerationError {
    /// The operating system refused a step.
    #[error("the journal's directory: {0}")]
    Io(#[from] io::Error),
    /// Sled refused its directory, also when its lock was still taken after two seconds of waiting.
    #[error("sled: {0}")]
    Sled(#[from] sled::Error),
    /// Sled met what it did not expect in its own files.
    #[error("sled panicked while it was opened: {why}")]
    Panic { why: String },
    /// There are generations, and nothing says which of them is the journal.
    #[error("{} is missing beside {found}: restore it, it names the active generation", path.display())]
    MissingCurrent { path: PathBuf, found: String },
    /// The active generation has no data file.
    #[error("{} is named as the journal but is not there", path.display())]
    MissingGeneration { path: PathBuf },
    /// `CURRENT` is damaged.
    #[error("{} says {found:?}, which names no generation", path.display())]
    BadCurrent { path: PathBuf, found: String },
    /// A write-ahead file has lost what was acknowledged, or is not one of this version. Nothing was changed.
    #[error("{} is damaged: {why}", path.display())]
    DamagedAhead { path: PathBuf, why: String },
    /// What was in the write-ahead files could not be moved.
    #[error("the write-ahead files: {0}")]
    TakeIn(JournalError),
    /// Found by comparing before the copy takes over; the old generation stays the active one.
    #[error("a compacted copy of the journal differs from it at key {key}")]
    BadCopy { key: String },
}

/// An open sled directory.
pub(super) struct Generation {
    pub(super) number: u64,
    pub(super) dir: PathBuf,
    pub(super) db: sled::Db,
    /// Our own handle of sled's data file: syncing it makes durable what sled has flushed.
    pub(super) file: File,
}

impl Generation {
    /// Opens the active generation below `root`, making the first one when there never was one, after removing leftovers.
    pub(super) fn open(root: &Path, cache_bytes: u64, disk: &dyn Disk) -> Result<Self, GenerationError> {
        create_dir_durably(disk, root)?;
        let found = generations(root)?;
        let current = match read_current(root)? {
            Some(current) => current,
            None if found.is_empty() => {
                write_current(root, NONE, disk)?;
                0
            }
            None => {
                return Err(GenerationError::MissingCurrent { path: root.join(CURRENT), found: name(found[0]) });
            }
        };
        remove_leftovers(root, &found, current, disk)?;
        if current == 0 {
            let first = Self::create(root, 1, cache_bytes, disk)?;
            write_current(root, &name(1), disk)?;
            return Ok(first);
        }
        let path = root.join(name(current));
        if !path.join("db").is_file() {
            return Err(GenerationError::MissingGeneration { path });
        }
        Self::open_sled(root, current, cache_bytes, disk)
    }

    /// Makes an empty generation that nothing names yet.
    pub(super) fn create(root: &Path, number: u64, cache: u64, disk: &dyn Disk) -> Result<Self, GenerationError> {
        create_dir_durably(disk, &root.join(name(number)))?;
        Self::open_sled(root, number, cache, disk)
    }

    fn open_sled(root: &Path, number: u64, cache_bytes: u64, disk: &dyn Disk) -> Result<Self, GenerationError> {
        let dir = root.join(name(number));
        remove_unfinished_snapshots(&dir, disk)?;
        let config = sled::Config::new().path(&dir).cache_capacity(cache_bytes).flush_every_ms(Some(FLUSH_EVERY_MS));
        let db = open_locked(&config)?;
        // Sled creates its files and names without syncing them.
        let file = File::open(dir.join("db"))?;
        disk.sync_data(&file)?;
        disk.sync_data(&File::open(dir.join("conf"))?)?;
        disk.sync_dir(&dir)?;
        disk.sync_dir(root)?;
        Ok(Self { number, dir, db, file })
    }

    /// Makes this the active generation, once everything in it is durable.
    pub(super) fn activate(&self, root: &Path, disk: &dyn Disk) -> Result<(), GenerationError> {
        write_current(root, &name(self.number), disk)
    }
}

fn open_locked(config: &sled::Config) -> Result<sled::Db, GenerationError> {
    for attempt in 1.. {
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|panic| GenerationError::Panic { why: panic_text(&*panic) })?;
        match opened {
            Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") && attempt < LOCK_TRIES => {
                #[allow(clippy::disallowed_methods, reason = "only while the store is opened, before the first actor")]
                std::thread::sleep(LOCK_WAIT);
            }
            result => return Ok(result?),
        }
    }
    unreachable!("the last attempt returns")
}

/// A kill during sled's open leaves `snap.<lsn>.generating`, and then its next open takes that for the newest snapshot and fails.
fn remove_unfinished_snapshots(dir: &Path, disk: &dyn Disk) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::warn!(file = %name, "removing what a kill during the last start left");
            disk.remove_file(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_leftovers(root: &Path, found: &[u64], current: u64, disk: &dyn Disk) -> io::Result<()> {
    let temp = root.join(CURRENT_TEMP);
    let mut removed = temp.exists();
    if removed {
        disk.remove_file(&temp)?;
    }
    for number in found.iter().filter(|number| **number != current) {
        tracing::warn!(generation = number, "removing a journal generation that a crash left");
        disk.remove_dir_all(&root.join(name(*number)))?;
        removed = true;
    }
    if removed { disk.sync_dir(root) } else { Ok(()) }
}

pub(super) fn name(number: u64) -> String {
    format!("{PREFIX}{number:010}")
}

fn parse_name(text: &str) -> Option<u64> {
    let number = text.strip_prefix(PREFIX)?.parse().ok().filter(|number| *number > 0)?;
    (name(number) == text).then_some(number)
}

fn generations(root: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root)? {
        found.extend(parse_name(&entry?.file_name().to_string_lossy()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The number that `CURRENT` names, 0 for none yet; `None` when the file is missing.
fn read_current(root: &Path) -> Result<Option<u64>, GenerationError> {
    let path = root.join(CURRENT);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    match text.trim_end() {
        NONE => Ok(Some(0)),
        text => match parse_name(text) {
            Some(number) => Ok(Some(number)),
            None => Err(GenerationError::BadCurrent { path, found: text.to_owned() }),
        },
    }
}

fn write_current(root: &Path, text: &str, disk: &dyn Disk) -> Result<(), GenerationError> {
    let temp = root.join(CURRENT_TEMP);
    let mut file = File::create(&temp)?;
    writeln!(file, "{text}")?;
    disk.sync_data(&file)?;
    disk.rename(&temp, &root.join(CURRENT))?;
    Ok(disk.sync_dir(root)?)
}

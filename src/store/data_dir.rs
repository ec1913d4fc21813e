//! The data directory: ours alone, or not touched.
//!
//! The file `LOCK` marks a directory as ours and is locked as long as someone works in it. Nothing is created, removed or opened
//! in a directory before both are certain.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::store::disk::{Disk, create_dir_durably};

/// The name of the file that marks and locks a data directory.
const LOCK_FILE: &str = "LOCK";
/// What the marker says; the number is that of the layout of the directory. Layout 2 has write-ahead files beside sled: a program that
/// does not know them would miss what is only there.
const MARKER: &str = "action-center data directory, layout 2\n";
/// A layout that is taken over: nothing of it has to be changed.
const MARKER_BEFORE: &str = "action-center data directory, layout 1\n";
/// What a fresh file system has in its root.
const NOT_FOREIGN: [&str; 2] = [LOCK_FILE, "lost+found"];

/// Why a data directory was left alone.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum ClaimError {
    /// A running process holds the lock.
    #[error("{} is in use by another process", dir.display())]
    InUse { dir: PathBuf },
    /// There are files but no marker: someone else's directory, or a mistyped path. `found` is the first of them.
    #[error("{} is not a data directory of this program: it holds {found:?} and no marker", dir.display())]
    Foreign { dir: PathBuf, found: String },
    /// The marker is there and says something else, of which `found` holds at most 4 KiB.
    #[error("{} was made by another version of this program: {found:?}", dir.display())]
    OtherLayout { dir: PathBuf, found: String },
    /// The operating system refused a step.
    #[error("{}: {error}", dir.display())]
    Io { dir: PathBuf, error: io::Error },
}

/// A directory that this process alone works in, until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes `dir` for this process, creating and marking it when it is missing or empty.
    ///
    /// # Errors
    /// [`ClaimError`]; then nothing in the directory was touched.
    pub fn claim(dir: &Path, disk: &dyn Disk) -> Result<Self, ClaimError> {
        let failed = |error| ClaimError::Io { dir: dir.to_owned(), error };
        create_dir_durably(disk, dir).map_err(failed)?;
        let ours = dir.join(LOCK_FILE).exists();
        if !ours && let Some(found) = first_foreign(dir).map_err(failed)? {
            return Err(ClaimError::Foreign { dir: dir.to_owned(), found });
        }
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(LOCK_FILE))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ClaimError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut found = String::new();
        (&lock).take(4096).read_to_string(&mut found).map_err(failed)?;
        if found == MARKER_BEFORE {
            // As long as the one before, and other in one byte: no kill leaves half of it.
            lock.rewind().map_err(failed)?;
            lock.write_all(MARKER.as_bytes()).map_err(failed)?;
            disk.sync_data(&lock).map_err(failed)?;
        } else if found != MARKER {
            // A kill between creating and writing the marker leaves a beginning of it, alone in the directory.
            if !MARKER.starts_with(&found) || first_foreign(dir).map_err(failed)?.is_some() {
                return Err(ClaimError::OtherLayout { dir: dir.to_owned(), found });
            }
            lock.write_all(&MARKER.as_bytes()[found.len()..]).map_err(failed)?;
            disk.sync_data(&lock).map_err(failed)?;
            disk.sync_dir(dir).map_err(failed)?;
        }
        Ok(Self { path: dir.to_owned(), _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn first_foreign(dir: &Path) -> io::Result<Option<String>> {
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !NOT_FOREIGN.contains(&name.as_str()) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::RealDisk;

    #[test]
    fn a_directory_in_use_is_refused_and_free_again_after_a_drop() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::claim(dir.path(), &RealDisk).unwrap();
        assert!(matches!(DataDir::claim(dir.path(), &RealDisk), Err(ClaimError::InUse { .. })));
        drop(first);
        DataDir::claim(dir.path(), &RealDisk).unwrap();
    }

    #[test]
    fn a_foreign_directory_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("photos.zip"), "x").unwrap();
        let refused = DataDir::claim(dir.path(), &RealDisk).unwrap_err();
        assert!(refused.to_string().contains("photos.zip"), "{refused}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_layout_before_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK_FILE), MARKER_BEFORE).unwrap();
        std::fs::write(dir.path().join("operator.token"), "x").unwrap();
        drop(DataDir::claim(dir.path(), &RealDisk).unwrap());
        assert_eq!(std::fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap(), MARKER);
    }

    #[test]
    fn another_layout_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK_FILE), "action-center data directory, layout 3\n").unwrap();
        assert!(matches!(DataDir::claim(dir.path(), &RealDisk), Err(ClaimError::OtherLayout { .. })));
    }

    #[test]
    fn a_kill_while_the_marker_was_written_is_no_obstacle() {
        for written in ["", "action-cen"] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(LOCK_FILE), written).unwrap();
            drop(DataDir::claim(dir.path(), &RealDisk).unwrap());
            assert_eq!(std::fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap(), MARKER);
        }
    }

    #[test]
    fn a_missing_directory_is_created_below_missing_ones() {
        let dir = tempfile::tempdir().unwrap();
        DataDir::claim(&dir.path().join("a/b"), &RealDisk).unwrap();
    }
}

//! Immutable files, each written whole or not at all: what the archive and the snapshots are made of.
//!
//! Promise: when [`Files::put`] returns `Ok`, the file is complete under its name after any crash, and was read back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::disk::{Disk, create_dir_durably};

/// What a file that is still being written is called at the end.
const TEMP_SUFFIX: &str = ".tmp";
const COMPARE_BYTES: usize = 64 * 1024;
/// How many times the journal's reserve must stay free beside a file.
const RESERVES_LEFT: u64 = 2;

/// A folder of folders of immutable files.
pub trait Files: Send + Sync + 'static {
    /// Writes `bytes` as `name` in `folder`, replacing what had that name. Blocks.
    ///
    /// # Errors
    /// The operating system's, `StorageFull` also when it would leave too little room for the journal, and `InvalidData` when
    /// other bytes are read back; then the name is as before or, after a failed sync of the folder, unknown.
    fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// All bytes of a file.
    ///
    /// # Errors
    /// `NotFound` and the operating system's.
    fn get(&self, folder: &str, name: &str) -> io::Result<Vec<u8>>;

    /// The names in `folder`, in no order; none when there is no such folder.
    ///
    /// # Errors
    /// The operating system's.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// The folders, in no order.
    ///
    /// # Errors
    /// The operating system's.
    fn folders(&self) -> io::Result<Vec<String>>;

    /// Removes a file; one that is not there is no error. After a crash it may be back.
    ///
    /// # Errors
    /// The operating system's.
    fn remove(&self, folder: &str, name: &str) -> io::Result<()>;
}

/// Whether `error`, met while reading a file, says that the file is not as it was written. Anything else may pass: too many open
/// files, no permission, a disk that did not answer.
pub(super) fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData)
}

/// Files in a directory.
pub struct DiskFiles {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    reserve_bytes: u64,
}

impl DiskFiles {
    /// Works in `root`, creating it and removing what a crash left half-written.
    ///
    /// `reserve_bytes` is what the journal keeps for urgent batches: a file is refused when less than twice that would stay free
    /// beside it, so that no file is what takes the journal's room. 0 turns the check off.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(root: PathBuf, disk: Arc<dyn Disk>, reserve_bytes: u64) -> io::Result<Self> {
        create_dir_durably(&*disk, &root)?;
        let this = Self { root, disk, reserve_bytes };
        for folder in this.folders()? {
            for entry in std::fs::read_dir(this.root.join(&folder))? {
                let path = entry?.path();
                if path.to_string_lossy().ends_with(TEMP_SUFFIX) {
                    tracing::warn!(path = %path.display(), "removing a half-written file that a crash left");
                    this.disk.remove_file(&path)?;
                }
            }
        }
        Ok(this)
    }

    fn check_room(&self, bytes: u64) -> io::Result<()> {
        if self.reserve_bytes == 0 {
            return Ok(());
        }
        let needed_bytes = self.reserve_bytes.saturating_mul(RESERVES_LEFT).saturating_add(bytes);
        let free_bytes = self.disk.free_bytes(&self.root)?;
        if free_bytes < needed_bytes {
            let why =
                format!("{free_bytes} bytes are free where {needed_bytes} are needed to leave the journal its room");
            return Err(io::Error::new(io::ErrorKind::StorageFull, why));
        }
        Ok(())
    }

    /// Writes `temp` whole and gives it its name.
    fn put_through(&self, temp: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(temp)?;
        file.write_all(bytes)?;
        self.disk.sync_data(&file)?;
        read_back(&file, temp, bytes)?;
        self.disk.rename(temp, target)
    }

    /// After a failure: on a full disk the half-written file would hold what the journal needs until the next start.
    fn discard(&self, temp: &Path) {
        match self.disk.remove_file(temp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %temp.display(), %error, "a half-written file stays until the next start");
            }
            _ => {}
        }
    }
}

impl Files for DiskFiles {
    fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.check_room(bytes.len() as u64)?;
        let folder = self.root.join(folder);
        create_dir_durably(&*self.disk, &folder)?;
        let temp = folder.join(format!("{name}{TEMP_SUFFIX}"));
        self.put_through(&temp, &folder.join(name), bytes).inspect_err(|_| self.discard(&temp))?;
        self.disk.sync_dir(&folder)
    }

    fn get(&self, folder: &str, name: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.root.join(folder).join(name))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = names(&self.root.join(folder))?;
        names.retain(|name| !name.ends_with(TEMP_SUFFIX));
        Ok(names)
    }

    fn folders(&self) -> io::Result<Vec<String>> {
        names(&self.root)
    }

    fn remove(&self, folder: &str, name: &str) -> io::Result<()> {
        match self.disk.remove_file(&self.root.join(folder).join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
    }
}

/// Compares what the disk returns with what was written, in small steps: a snapshot may be large.
fn read_back(written: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Without this the answer would come from memory. It is advice: a refusal costs only the quality of the check.
    let _ = rustix::fs::fadvise(written, 0, None, rustix::fs::Advice::DontNeed);
    let mut file = File::open(path)?;
    let mut rest = bytes;
    let mut buffer = vec![0; COMPARE_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 && rest.is_empty() {
            return Ok(());
        }
        match rest.split_at_checked(read) {
            Some((expected, after)) if read > 0 && expected == &buffer[..read] => rest = after,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes were read back")),
        }
    }
}

/// Files in memory, for tests.
#[derive(Default)]
pub struct MemoryFiles {
    files: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    /// The error of the operating system that reading a file meets.
    unreadable: Mutex<Option<i32>>,
}

impl MemoryFiles {
    /// Changes one byte of a file. Says whether there is such a file.
    pub fn damage(&self, folder: &str, name: &str) -> bool {
        let mut files = self.lock();
        let Some(bytes) = files.get_mut(&(folder.to_owned(), name.to_owned())) else { return false };
        let middle = bytes.len() / 2;
        bytes.get_mut(middle).map(|byte| *byte ^= 0x10).is_some()
    }

    /// From now on reading a file fails with the operating system's `error`; with `None` no more.
    pub fn fail_reads(&self, error: Option<i32>) {
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Vec<u8>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for MemoryFiles {
    fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.lock().insert((folder.to_owned(), name.to_owned()), bytes.to_vec());
        Ok(())
    }

    fn get(&self, folder: &str, name: &str) -> io::Result<Vec<u8>> {
        if let Some(error) = *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(io::Error::from_raw_os_error(error));
        }
        let bytes = self.lock().get(&(folder.to_owned(), name.to_owned())).cloned();
        bytes.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        Ok(self.lock().keys().filter(|key| key.0 == folder).map(|key| key.1.clone()).collect())
    }

    fn folders(&self) -> io::Result<Vec<String>> {
        let mut folders: Vec<String> = self.lock().keys().map(|key| key.0.clone()).collect();
        folders.dedup();
        Ok(folders)
    }

    fn remove(&self, folder: &str, name: &str) -> io::Result<()> {
        self.lock().remove(&(folder.to_owned(), name.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::RealDisk;
    use crate::store::disk::testing::FaultyDisk;

    #[test]
    fn a_file_is_synced_then_renamed_then_its_folder_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new();
        let files = DiskFiles::open(dir.path().into(), disk.clone(), 0).unwrap();
        files.put("f", "a", &vec![7; 200_000]).unwrap();
        let calls = disk.calls.lock().unwrap();
        assert!(calls.ends_with(&["sync_data".into(), "rename a".into(), "sync_dir f".into()]), "{calls:?}");
        drop(calls);
        assert_eq!(files.get("f", "a").unwrap(), vec![7; 200_000]);
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_old_file_or_the_new_one() {
        for step in 0..4 {
            let dir = tempfile::tempdir().unwrap();
            DiskFiles::open(dir.path().into(), Arc::new(RealDisk), 0).unwrap().put("f", "a", b"old").unwrap();
            let files = DiskFiles::open(dir.path().into(), FaultyDisk::failing_from(step), 0).unwrap();
            assert_eq!(files.put("f", "a", b"new").is_ok(), step == 3);
            let files = DiskFiles::open(dir.path().into(), Arc::new(RealDisk), 0).unwrap();
            let expected: &[u8] = if step < 2 { b"old" } else { b"new" };
            assert_eq!(files.get("f", "a").unwrap(), expected, "step {step}");
            assert_eq!(std::fs::read_dir(dir.path().join("f")).unwrap().count(), 1, "step {step}");
        }
    }

    #[test]
    fn a_failed_write_or_rename_leaves_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let files = DiskFiles::open(dir.path().into(), Arc::new(RealDisk), 0).unwrap();
        // Writing to the full device is answered as by a full disk; a folder that is not empty cannot be replaced by a file.
        std::fs::create_dir_all(dir.path().join("f/taken/by a folder")).unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join("f/full.tmp")).unwrap();
        assert_eq!(files.put("f", "full", b"new").unwrap_err().kind(), io::ErrorKind::StorageFull);
        files.put("f", "taken", b"new").unwrap_err();
        assert_eq!(names(&dir.path().join("f")).unwrap(), ["taken"]);
    }

    #[test]
    fn a_file_that_would_take_the_journals_room_is_refused_before_it_is_begun() {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new();
        let files = DiskFiles::open(dir.path().into(), disk.clone(), 1000).unwrap();
        disk.free.store(2002, std::sync::atomic::Ordering::SeqCst);
        let refused = files.put("f", "a", b"new").unwrap_err();
        assert_eq!((refused.kind(), disk.count()), (io::ErrorKind::StorageFull, 0), "{refused}");
        disk.free.store(2003, std::sync::atomic::Ordering::SeqCst);
        files.put("f", "a", b"new").unwrap();
    }

    #[test]
    fn what_is_read_back_must_be_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (stored, good) in [("abc", true), ("abd", false), ("ab", false), ("abcd", false)] {
            std::fs::write(&path, stored).unwrap();
            assert_eq!(read_back(&File::open(&path).unwrap(), &path, b"abc").is_ok(), good, "{stored}");
        }
    }
}

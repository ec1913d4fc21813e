//! The few calls to the disk on which durability rests, behind one seam, so that a test can fail each of them.
//!
//! Whatever is not in here (reading, writing bytes into a temporary file) may fail or be lost without harm: it counts only once
//! one of these calls has succeeded.

use std::fs::File;
use std::io;
use std::path::Path;

/// The calls to the disk that decide what survives. The bodies given here are the real ones.
pub trait Disk: Send + Sync + 'static {
    /// Writes out what sled holds in memory. On Linux that is not an fsync; see [`Disk::sync_data`].
    ///
    /// # Errors
    /// Whatever sled met; the database must not be used any more.
    fn flush(&self, db: &sled::Db) -> io::Result<()> {
        db.flush()?;
        Ok(())
    }

    /// Makes the content of `file` durable (`fdatasync`).
    ///
    /// # Errors
    /// After one, what is on disk is unknown; a second try may report success wrongly.
    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Makes the names in `dir` durable.
    ///
    /// # Errors
    /// After one, it is unknown which names are on disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    /// Gives `from` the name `to`, atomically replacing what had it.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// The operating system's.
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    /// Removes a directory with everything in it.
    ///
    /// # Errors
    /// The operating system's.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    /// The bytes that an ordinary user may still write on the file system of `dir`.
    ///
    /// # Errors
    /// The operating system's.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let stats = rustix::fs::statvfs(dir)?;
        Ok(stats.f_bavail.saturating_mul(stats.f_frsize))
    }
}

/// The machine's own disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {}

/// Creates `dir` and the directories above it that are missing, each durable in the one above.
///
/// # Errors
/// The operating system's.
pub(crate) fn create_dir_durably(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_dir_durably(disk, parent)?;
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    disk.sync_dir(parent)
}

#[cfg(test)]
pub(crate) mod testing {
    //! A disk for tests that remembers what was asked of it and fails from a chosen call on, as after a crash.

    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use super::*;

    /// Counts and names the calls; from call `fail_from` on every call fails, so nothing durable happens any more.
    pub(crate) struct FaultyDisk {
        pub(crate) calls: Mutex<Vec<String>>,
        pub(crate) fail_from: AtomicU64,
        pub(crate) panics: std::sync::atomic::AtomicBool,
        pub(crate) free: AtomicU64,
    }

    impl FaultyDisk {
        pub(crate) fn new() -> std::sync::Arc<Self> {
            Self::failing_from(u64::MAX)
        }

        pub(crate) fn failing_from(call: u64) -> std::sync::Arc<Self> {
            std::sync::Arc::new(Self {
                calls: Mutex::new(Vec::new()),
                fail_from: AtomicU64::new(call),
                panics: false.into(),
                free: AtomicU64::new(u64::MAX),
            })
        }

        pub(crate) fn count(&self) -> u64 {
            self.calls.lock().unwrap().len() as u64
        }

        pub(crate) fn note(&self, call: String) {
            self.calls.lock().unwrap().push(call);
        }

        fn step(&self, call: String) -> io::Result<()> {
            let before = self.count();
            self.note(call);
            if before < self.fail_from.load(SeqCst) {
                return Ok(());
            }
            assert!(!self.panics.load(SeqCst), "injected panic");
            Err(io::Error::other("injected"))
        }
    }

    fn name(path: &Path) -> String {
        path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    impl Disk for FaultyDisk {
        fn flush(&self, db: &sled::Db) -> io::Result<()> {
            self.step("flush".into())?;
            RealDisk.flush(db)
        }
        fn sync_data(&self, file: &File) -> io::Result<()> {
            self.step("sync_data".into())?;
            RealDisk.sync_data(file)
        }
        fn sync_dir(&self, dir: &Path) -> io::Result<()> {
            self.step(format!("sync_dir {}", name(dir)))?;
            RealDisk.sync_dir(dir)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.step(format!("rename {}", name(to)))?;
            RealDisk.rename(from, to)
        }
        fn remove_file(&self, path: &Path) -> io::Result<()> {
            self.step(format!("remove_file {}", name(path)))?;
            RealDisk.remove_file(path)
        }
        fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
            self.step(format!("remove_dir_all {}", name(path)))?;
            RealDisk.remove_dir_all(path)
        }
        fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
            Ok(self.free.load(SeqCst))
        }
    }
}

//! The store: what must survive, on one machine's disk.
//!
//! ```text
//! append ─► journal (sled) ─► archive (immutable files)
//!              └──── history: both, read as one ───┐
//! snapshots (a cache) ─────────────────────────────┴─► recovery
//! ```
//! Promise: what was acknowledged is read again after any crash, in order, unchanged, or the stream is reported as damaged.
//! Invariant: a snapshot is a cache; deleting every one of them loses nothing.
//! Never here: what a record means, what time it is, or a second try after the disk failed.

pub mod archive;
pub mod codec;
pub mod data_dir;
pub mod disk;
pub mod files;
pub mod journal;
#[cfg(test)]
pub mod journal_contract;
pub mod memory_journal;
pub mod record;
pub mod recovery;
mod segment;
pub mod sled_journal;
pub mod snapshots;
pub mod snapshotter;
pub mod stored;
#[cfg(test)]
pub(crate) mod testing;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::archive::{Archive, History};
use crate::store::data_dir::{ClaimError, DataDir};
use crate::store::disk::{Disk, RealDisk};
use crate::store::files::{DiskFiles, MemoryFiles};
use crate::store::journal::Journal;
use crate::store::memory_journal::MemoryJournal;
use crate::store::sled_journal::{GenerationError, SledJournal, SledJournalConfig};
use crate::store::snapshots::Snapshots;

/// How the store uses its machine.
#[derive(Clone, Debug, Default)]
pub struct StoreConfig {
    /// The journal's part.
    pub journal: SledJournalConfig,
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum OpenError {
    /// The data directory is not ours to use.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The journal below it cannot be opened.
    #[error("{}: {error}", dir.display())]
    Journal { dir: PathBuf, error: GenerationError },
    /// The folder of the archive or of the snapshots cannot be used.
    #[error("{}: {error}", dir.display())]
    Files { dir: PathBuf, error: io::Error },
}

/// Everything that is kept; cheap to clone. The directory is free again when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    /// Where changes are written.
    pub journal: Arc<dyn Journal>,
    /// Where changes are read: the journal and what was cut from it.
    pub history: History,
    /// Where recovery begins.
    pub snapshots: Snapshots,
}

impl Store {
    /// Opens the store in `dir`, creating it when there is none, after removing what a crash left. Blocks.
    ///
    /// # Errors
    /// [`OpenError`]: someone else's or an in-use directory, or one that cannot be read. What is in it was not harmed.
    pub fn open(dir: &Path, config: &StoreConfig) -> Result<Self, OpenError> {
        Self::open_on(dir, config, Arc::new(RealDisk))
    }

    /// As [`Store::open`], with a disk that a test may fail.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(dir: &Path, config: &StoreConfig, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let claimed = Arc::new(DataDir::claim(dir, &*disk)?);
        let files = |name: &str| -> Result<Arc<DiskFiles>, OpenError> {
            let dir = dir.join(name);
            let files = DiskFiles::open(dir.clone(), disk.clone(), config.journal.reserve_bytes);
            Ok(Arc::new(files.map_err(|error| OpenError::Files { dir, error })?))
        };
        // Before the journal: on a full disk sled cannot open, and what is removed here may be what filled it.
        let (archive, snapshots) = (Archive::new(files("archive")?), Snapshots::new(files("snapshots")?));
        let journal = SledJournal::open(claimed, &config.journal, disk.clone())
            .map_err(|error| OpenError::Journal { dir: dir.join("journal"), error })?;
        Ok(Self::of(Arc::new(journal), archive, snapshots))
    }

    /// A store that is gone with the process, for tests.
    pub fn in_memory() -> Self {
        Self::in_memory_on(Arc::new(MemoryJournal::new()))
    }

    /// A store in memory on a journal that a test may fail or crash.
    pub fn in_memory_on(journal: Arc<dyn Journal>) -> Self {
        let archive = Archive::new(Arc::new(MemoryFiles::default()));
        Self::of(journal, archive, Snapshots::new(Arc::new(MemoryFiles::default())))
    }

    fn of(journal: Arc<dyn Journal>, archive: Archive, snapshots: Snapshots) -> Self {
        let history = History { journal: journal.clone(), archive: Arc::new(archive) };
        Self { journal, history, snapshots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_half_written_is_removed_even_when_the_journal_cannot_be_opened() {
        let dir = tempfile::tempdir().unwrap();
        let config = StoreConfig { journal: SledJournalConfig { reserve_bytes: 0, ..SledJournalConfig::default() } };
        drop(Store::open(dir.path(), &config).unwrap());
        let left = ["archive/1/a.seg.tmp", "snapshots/1/a.snap.tmp"].map(|name| dir.path().join(name));
        for path in &left {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"half").unwrap();
        }
        std::fs::write(dir.path().join("journal/CURRENT"), "latest\n").unwrap();
        assert!(matches!(Store::open(dir.path(), &config), Err(OpenError::Journal { .. })));
        assert!(left.iter().all(|path| !path.exists()));
    }
}

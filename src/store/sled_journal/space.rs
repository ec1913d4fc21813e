//! How much room is left, asked seldom enough not to slow an append.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::store::disk::Disk;
use crate::store::journal::JournalError;

/// The longest that an answer of the operating system is used.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// What a byte of a record may cost on disk until the next answer; measured at about twice, plus sled's segments.
const COST_FACTOR: u64 = 4;

/// Watches the free space of one file system.
pub(super) struct Space {
    dir: PathBuf,
    reserve_bytes: u64,
    free_bytes: u64,
    asked: Option<Instant>,
}

impl Space {
    /// Keeps `reserve_bytes` of the file system of `dir` for urgent batches; 0 accepts everything.
    pub(super) fn new(dir: PathBuf, reserve_bytes: u64) -> Self {
        Self { dir, reserve_bytes, free_bytes: u64::MAX, asked: None }
    }

    /// Whether a batch of `bytes` may be written now.
    ///
    /// An ordinary batch leaves the reserve alone. An urgent one may use it but for an eighth: sled must never meet a full disk,
    /// because after an error from it nothing can be acknowledged any more.
    pub(super) fn admit(&mut self, bytes: u64, urgent: bool, disk: &dyn Disk) -> Result<(), JournalError> {
        if self.reserve_bytes == 0 {
            return Ok(());
        }
        let keep = if urgent { self.reserve_bytes / 8 } else { self.reserve_bytes };
        let cost = bytes.saturating_mul(COST_FACTOR);
        if self.asked.is_none_or(|asked| asked.elapsed() >= ASK_EVERY) {
            self.ask(disk).map_err(|error| JournalError::Io { why: format!("free space: {error}") })?;
        }
        if self.free_bytes.saturating_sub(cost) < keep {
            return Err(JournalError::Full { free_bytes: self.free_bytes, reserve_bytes: self.reserve_bytes });
        }
        self.free_bytes -= cost;
        Ok(())
    }

    fn ask(&mut self, disk: &dyn Disk) -> io::Result<()> {
        self.free_bytes = disk.free_bytes(&self.dir)?;
        self.asked = Some(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::store::disk::testing::FaultyDisk;

    #[test]
    fn the_reserve_is_for_urgent_batches_and_never_used_up() {
        let disk = FaultyDisk::new();
        disk.free.store(900, SeqCst);
        let mut space = Space::new(PathBuf::new(), 800);
        assert!(space.admit(20, false, &*disk).is_ok());
        assert!(matches!(space.admit(20, false, &*disk), Err(JournalError::Full { .. })));
        assert!(space.admit(100, true, &*disk).is_ok());
        assert!(space.admit(100, true, &*disk).is_err());
    }

    #[test]
    fn without_a_reserve_nothing_is_asked() {
        let disk = FaultyDisk::new();
        disk.free.store(0, SeqCst);
        assert!(Space::new(PathBuf::new(), 0).admit(1, false, &*disk).is_ok());
    }

    #[test]
    fn an_answer_is_used_for_a_second_at_most() {
        let disk = FaultyDisk::new();
        disk.free.store(0, SeqCst);
        let mut space = Space::new(PathBuf::new(), 800);
        assert!(space.admit(1, false, &*disk).is_err());
        disk.free.store(10_000, SeqCst);
        space.asked = space.asked.and_then(|asked| asked.checked_sub(ASK_EVERY));
        assert!(space.admit(1, false, &*disk).is_ok());
    }
}

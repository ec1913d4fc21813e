//! How much room is left, asked seldom enough not to slow an append.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::store::disk::Disk;
use crate::store::journal::JournalError;

/// The longest that an answer of the operating system is used.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// What a byte of a record may cost on disk: about twice in sled, plus its segments, and once in a write-ahead file that still grows.
const COST_FACTOR: u64 = 4;

/// What everybody may know of the free space of one file system: the writer's verdict, or a younger answer.
pub(super) struct Room {
    dir: PathBuf,
    reserve_bytes: u64,
    disk: Arc<dyn Disk>,
    born: Instant,
    /// When the operating system was asked last, in milliseconds since `born`, plus one; 0 for never.
    asked_ms: AtomicU64,
    free_bytes: AtomicU64,
    refuses: AtomicBool,
}

impl Room {
    /// Keeps `reserve_bytes` of the file system of `dir` for urgent batches; 0 accepts everything.
    pub(super) fn new(dir: PathBuf, reserve_bytes: u64, disk: Arc<dyn Disk>) -> Self {
        let (asked_ms, free_bytes) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        Self { dir, reserve_bytes, disk, born: Instant::now(), asked_ms, free_bytes, refuses: false.into() }
    }

    /// Why ordinary batches are refused now. Asks the operating system when its last answer is old, which is one call for one of
    /// the callers in a second; the others are told what was known.
    pub(super) fn refuses_ordinary(&self) -> Option<JournalError> {
        if self.reserve_bytes == 0 {
            return None;
        }
        let (asked_ms, now_ms) = (self.asked_ms.load(Ordering::Acquire), self.now_ms());
        let old = asked_ms == 0 || now_ms.saturating_sub(asked_ms) >= ASK_EVERY.as_millis() as u64;
        let mine = old && self.asked_ms.compare_exchange(asked_ms, now_ms, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if mine && let Err(error) = self.ask() {
            tracing::warn!(%error, "the free space is unknown");
        }
        let free_bytes = self.free_bytes.load(Ordering::Relaxed);
        self.refuses
            .load(Ordering::Acquire)
            .then_some(JournalError::Full { free_bytes, reserve_bytes: self.reserve_bytes })
    }

    fn ask(&self) -> io::Result<u64> {
        let free_bytes = self.disk.free_bytes(&self.dir)?;
        self.asked_ms.store(self.now_ms(), Ordering::Release);
        self.publish(free_bytes, free_bytes < self.reserve_bytes);
        Ok(free_bytes)
    }

    fn publish(&self, free_bytes: u64, refuses: bool) {
        self.free_bytes.store(free_bytes, Ordering::Relaxed);
        self.refuses.store(refuses, Ordering::Release);
    }

    fn now_ms(&self) -> u64 {
        self.born.elapsed().as_millis() as u64 + 1
    }
}

/// The writer's account of the free space, from one answer to the next.
pub(super) struct Space {
    room: Arc<Room>,
    free_bytes: u64,
    asked: Option<Instant>,
}

impl Space {
    /// Shows its verdicts in `room`.
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self { room, free_bytes: u64::MAX, asked: None }
    }

    /// Whether a batch of `bytes` may be written now.
    ///
    /// An ordinary batch leaves the reserve alone. An urgent one may use it but for an eighth: sled must never meet a full disk,
    /// because after an error from it nothing can be acknowledged any more. `owed` tells what was admitted before and has not cost
    /// anything in sled yet, in bytes of records.
    pub(super) fn admit(&mut self, bytes: u64, urgent: bool, owed: impl Fn() -> u64) -> Result<(), JournalError> {
        let reserve_bytes = self.room.reserve_bytes;
        if reserve_bytes == 0 {
            return Ok(());
        }
        let keep = if urgent { reserve_bytes / 8 } else { reserve_bytes };
        let cost = bytes.saturating_mul(COST_FACTOR);
        if self.asked.is_none_or(|asked| asked.elapsed() >= ASK_EVERY) {
            let free = self.room.ask().map_err(|error| JournalError::Io { why: format!("free space: {error}") })?;
            self.free_bytes = free.saturating_sub(owed().saturating_mul(COST_FACTOR));
            self.asked = Some(Instant::now());
        }
        if self.free_bytes.saturating_sub(cost) < keep {
            // The next ordinary batch is not built in vain, though it might be small enough; in a second the disk is asked again.
            self.room.publish(self.free_bytes, true);
            return Err(JournalError::Full { free_bytes: self.free_bytes, reserve_bytes });
        }
        self.free_bytes -= cost;
        if self.free_bytes < reserve_bytes {
            self.room.publish(self.free_bytes, true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::store::disk::testing::FaultyDisk;

    fn space(free_bytes: u64, reserve_bytes: u64) -> (Space, Arc<FaultyDisk>) {
        let disk = FaultyDisk::new();
        disk.free.store(free_bytes, SeqCst);
        (Space::new(Arc::new(Room::new(PathBuf::new(), reserve_bytes, disk.clone()))), disk)
    }

    #[test]
    fn the_reserve_is_for_urgent_batches_and_never_used_up() {
        let (mut space, _) = space(900, 800);
        assert!(space.admit(20, false, || 0).is_ok());
        assert!(matches!(space.admit(20, false, || 0), Err(JournalError::Full { .. })));
        assert!(space.admit(100, true, || 0).is_ok());
        assert!(space.admit(100, true, || 0).is_err());
    }

    #[test]
    fn what_is_owed_counts_as_used() {
        let (mut space, _) = space(1000, 800);
        let owed = || 200 / COST_FACTOR;
        assert!(matches!(space.admit(1, false, owed), Err(JournalError::Full { .. })));
    }

    #[test]
    fn without_a_reserve_nothing_is_asked() {
        let (mut space, _) = space(0, 0);
        assert!(space.admit(1, false, || 0).is_ok());
        assert_eq!(space.room.refuses_ordinary(), None);
    }

    #[test]
    fn an_answer_is_used_for_a_second_at_most() {
        let (mut space, disk) = space(0, 800);
        assert!(space.admit(1, false, || 0).is_err());
        disk.free.store(10_000, SeqCst);
        space.asked = space.asked.and_then(|asked| asked.checked_sub(ASK_EVERY));
        assert!(space.admit(1, false, || 0).is_ok());
    }

    #[test]
    fn the_verdict_is_visible_and_renewed_without_an_append() {
        let (mut space, disk) = space(900, 800);
        let room = space.room.clone();
        assert_eq!(room.refuses_ordinary(), None, "the first to look asks");
        let refused = space.admit(26, false, || 0).unwrap_err();
        assert_eq!(room.refuses_ordinary(), Some(refused), "as the writer found");
        disk.free.store(10_000, SeqCst);
        assert!(room.refuses_ordinary().is_some(), "the last answer is still good");
        let age = |room: &mut Room| room.born = room.born.checked_sub(ASK_EVERY).unwrap();
        drop(space);
        let mut room = Arc::into_inner(room).unwrap();
        age(&mut room);
        assert_eq!(room.refuses_ordinary(), None);
        disk.free.store(799, SeqCst);
        assert_eq!(room.refuses_ordinary(), None);
        age(&mut room);
        assert_eq!(room.refuses_ordinary(), Some(JournalError::Full { free_bytes: 799, reserve_bytes: 800 }));
    }
}

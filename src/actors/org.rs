//! What of an organisation is in shared memory: its number, its version, whether it can answer, and how much it has on its hands.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::broadcast;

use crate::domain::ids::{OrgId, StreamId};
use crate::domain::view::feed::FeedItem;

/// Whether an organisation can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its records are being read.
    Starting,
    /// It answers.
    Ready,
    /// Its records are damaged or poisoned: it answers nothing until somebody has looked at them.
    Quarantined,
}

/// An organisation in shared memory. Written by its actor at publish, read by everybody.
#[derive(Debug)]
pub struct Org {
    /// Its id.
    pub org_id: OrgId,
    /// Its stream in the journal.
    pub stream: StreamId,
    version: AtomicU64,
    /// Odd while the block index is being changed: a bulk check that sees the same even number before and after has seen one
    /// version.
    turn: AtomicU64,
    condition: AtomicU8,
    waiting: AtomicUsize,
    feed: OnceLock<broadcast::Sender<Live>>,
}

/// A commit as it is told to live readers.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Its numbers.
    pub first_seq: u64,
    /// Its numbers.
    pub last_seq: u64,
    /// Its events as they go out; `None` when nobody followed as it was made, so that a reader takes them from the journal.
    pub items: Option<Arc<[Arc<FeedItem>]>>,
}

/// A shared organisation.
pub type OrgRef = Arc<Org>;

/// How many live events are kept for a reader that is a little behind; one that is further behind reads the journal.
const FEED_KEPT: usize = 1_024;

impl Org {
    /// An organisation that is starting.
    pub fn starting(org_id: OrgId, stream: StreamId) -> OrgRef {
        Arc::new(Self {
            org_id,
            stream,
            version: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            condition: AtomicU8::new(Condition::Starting as u8),
            waiting: AtomicUsize::new(0),
            feed: OnceLock::new(),
        })
    }

    /// The sequence number of the last event that everybody may see.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether it can answer.
    pub fn condition(&self) -> Condition {
        match self.condition.load(Ordering::Acquire) {
            0 => Condition::Starting,
            1 => Condition::Ready,
            _ => Condition::Quarantined,
        }
    }

    /// Sets whether it can answer.
    pub(super) fn set_condition(&self, condition: Condition) {
        self.condition.store(condition as u8, Ordering::Release);
    }

    /// Runs a change of the block index and then shows the new version. Only the organisation's actor publishes, so there is
    /// one writer at a time.
    pub(super) fn publish(&self, version: u64, change: impl FnOnce()) {
        let _turn = Turn::begin(&self.turn);
        change();
        self.version.store(version, Ordering::Release);
    }

    /// Runs a reading of the block index; `None` when something was published meanwhile, so that it may have seen two versions.
    pub fn at_one_version<T>(&self, read: impl FnOnce(u64) -> T) -> Option<T> {
        let before = self.turn.load(Ordering::Acquire);
        if before % 2 == 1 {
            return None;
        }
        let seen = read(self.version());
        std::sync::atomic::fence(Ordering::SeqCst);
        (self.turn.load(Ordering::Acquire) == before).then_some(seen)
    }

    /// Takes a place among what waits for this organisation; `None` when `at_most` wait already.
    pub(super) fn admit(self: &Arc<Self>, at_most: usize) -> Option<Admitted> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let admitted = Admitted { org: self.clone() };
        (before < at_most).then_some(admitted)
    }

    /// How many commands and reads wait or run.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// The live events from now on.
    pub(super) fn follow(&self) -> broadcast::Receiver<Live> {
        self.feed.get_or_init(|| broadcast::channel(FEED_KEPT).0).subscribe()
    }

    /// Where live events go, when anybody follows.
    pub(super) fn followers(&self) -> Option<&broadcast::Sender<Live>> {
        self.feed.get().filter(|feed| feed.receiver_count() > 0)
    }
}

/// A publication under way; over when dropped, also by a panic, which would otherwise leave bulk checks waiting for ever.
struct Turn<'a>(&'a AtomicU64);

impl<'a> Turn<'a> {
    fn begin(turn: &'a AtomicU64) -> Self {
        turn.fetch_add(1, Ordering::AcqRel);
        Self(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// A place among what waits; given back when dropped.
#[derive(Debug)]
pub struct Admitted {
    org: OrgRef,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.org.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org() -> OrgRef {
        Org::starting(OrgId::parse("org").unwrap(), StreamId(1))
    }

    #[test]
    fn a_reading_across_a_publication_is_not_one_version() {
        let org = org();
        assert_eq!(org.at_one_version(|version| version), Some(0));
        let torn = org.at_one_version(|version| {
            org.publish(5, || ());
            version
        });
        assert_eq!(torn, None);
        assert_eq!(org.at_one_version(|version| version), Some(5));
        org.publish(6, || assert_eq!(org.at_one_version(|version| version), None, "in the middle of a publication"));
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let org = org();
        let first = org.admit(1);
        assert!(first.is_some());
        assert!(org.admit(1).is_none());
        drop(first);
        assert_eq!(org.waiting(), 0);
    }
}

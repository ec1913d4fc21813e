//! Notices that are over: those that were taken, so that they can be told again, and those that were given up.
//!
//! Invariant: of either kind an organisation holds the newest [`SETTLED_MAX`], and [`SETTLED_BYTES_MAX`] of bodies; beyond, the oldest goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Notice;
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The notices of either kind that are kept.
pub const SETTLED_MAX: usize = 1_000;
/// The bytes of their bodies.
pub const SETTLED_BYTES_MAX: usize = 4 << 20;

/// A notice that is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settled {
    /// The notice as it waited.
    pub notice: Notice,
    /// When it was over.
    pub at: Timestamp,
    /// Whether it was taken; else it was given up.
    pub delivered: bool,
    /// What came of the last attempt.
    pub detail: Arc<str>,
}

/// Those of one kind, oldest first.
#[derive(Clone, Debug, Default)]
struct Kept {
    by_seq: BTreeSet<(u64, Uuid)>,
    bytes: usize,
}

/// All notices that are over.
#[derive(Clone, Debug, Default)]
pub struct SettledNotices {
    table: Table<Uuid, Settled>,
    delivered: Kept,
    dead: Kept,
}

impl SettledNotices {
    /// The one of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Settled> {
        self.table.get(id)
    }

    /// Those that were given up, before a sequence number, newest first.
    pub fn dead_before(&self, before: u64) -> impl Iterator<Item = &Settled> {
        self.dead.by_seq.range(..(before, Uuid::nil())).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// All of a webhook, oldest first.
    pub fn of<'a>(&'a self, webhook: &'a Uuid) -> impl Iterator<Item = &'a Settled> {
        let all: BTreeSet<_> = self.delivered.by_seq.iter().chain(&self.dead.by_seq).collect();
        let all = all.into_iter().filter_map(|(_, id)| self.table.get(id));
        all.filter(move |one| one.notice.webhook_id == *webhook)
    }

    /// Every one, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Settled> {
        self.table.values()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, settled: Settled) {
        self.take(&settled.notice.id);
        let (delivered, place) = (settled.delivered, (settled.notice.seq, settled.notice.id));
        let kept = self.kept(delivered);
        kept.by_seq.insert(place);
        kept.bytes += settled.notice.body.len();
        self.table.insert(settled.notice.id, settled);
        while let Some(oldest) = self.kept(delivered).too_many() {
            self.take(&oldest);
        }
    }

    /// Takes one out.
    pub fn take(&mut self, id: &Uuid) -> Option<Settled> {
        let settled = self.table.remove(id)?;
        let kept = self.kept(settled.delivered);
        kept.by_seq.remove(&(settled.notice.seq, settled.notice.id));
        kept.bytes -= settled.notice.body.len();
        Some(settled)
    }

    /// Lets go of those of a webhook.
    pub fn forget(&mut self, webhook: &Uuid) {
        let own: Vec<Uuid> = self.of(webhook).map(|one| one.notice.id).collect();
        own.iter().for_each(|id| drop(self.take(id)));
    }

    fn kept(&mut self, delivered: bool) -> &mut Kept {
        if delivered { &mut self.delivered } else { &mut self.dead }
    }
}

impl Kept {
    /// The oldest, where there are too many.
    fn too_many(&self) -> Option<Uuid> {
        let over = self.by_seq.len() > SETTLED_MAX || self.bytes > SETTLED_BYTES_MAX;
        self.by_seq.first().filter(|_| over).map(|(_, id)| *id)
    }
}

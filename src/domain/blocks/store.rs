//! All blocks of an organisation, and the active ones by what they are asked for.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Block, BlockKey, Lift};
use crate::domain::table::{Digest, Map, Table};
use crate::domain::time::Timestamp;

/// The blocks of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    table: Table<Uuid, Block>,
    standing: Map<BlockKey, Vec<Uuid>>,
    by_seq: BTreeMap<u64, Uuid>,
    expiring: BTreeSet<(Timestamp, Uuid)>,
}

impl Blocks {
    /// The block of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Block> {
        self.table.get(id)
    }

    /// The blocks of this key that were neither lifted nor written down as expired, oldest first.
    pub fn standing(&self, key: &BlockKey) -> impl Iterator<Item = &Block> {
        self.standing.get(key).into_iter().flatten().filter_map(|id| self.table.get(id))
    }

    /// Every key that has a standing block.
    pub fn keys(&self) -> impl Iterator<Item = &BlockKey> {
        self.standing.keys()
    }

    /// Those older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64) -> impl Iterator<Item = &Block> {
        self.by_seq.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// The standing ones whose time has come, first come first.
    pub fn expired_by(&self, now: Timestamp) -> impl Iterator<Item = &Block> {
        self.expiring.iter().take_while(move |(at, _)| *at <= now).filter_map(|(_, id)| self.table.get(id))
    }

    /// When the next standing block expires.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// Every block, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Block> {
        self.table.values()
    }

    /// How many blocks stand.
    pub fn standing_count(&self) -> usize {
        self.standing.values().map(Vec::len).sum()
    }

    /// How many there are in all.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
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
    pub fn add(&mut self, block: Block) {
        self.by_seq.insert(block.seq, block.id);
        if block.lifted.is_none() && !block.expired {
            let ids = self.standing.entry(block.key.clone()).or_default();
            ids.push(block.id);
            ids.sort_unstable(); // ids are in the order of time
            if let Some(at) = block.expires_at {
                self.expiring.insert((at, block.id));
            }
        }
        self.table.insert(block.id, block);
    }

    /// Ends one by a lift.
    pub fn lift(&mut self, id: &Uuid, lift: Lift) {
        self.stand_down(id);
        self.table.update(id, |block| block.lifted = Some(lift));
    }

    /// Writes down that its time was over.
    pub fn expire(&mut self, id: &Uuid) {
        self.stand_down(id);
        self.table.update(id, |block| block.expired = true);
    }

    fn stand_down(&mut self, id: &Uuid) {
        let Some(block) = self.table.get(id) else { return };
        if let Some(at) = block.expires_at {
            self.expiring.remove(&(at, *id));
        }
        if let Some(ids) = self.standing.get_mut(&block.key) {
            ids.retain(|one| one != id);
            if ids.is_empty() {
                self.standing.remove(&block.key);
            }
        }
    }
}

//! All violations of an organisation, and the ways in which they are found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use uuid::Uuid;

use super::{Mark, Repeat, Violation};
use crate::domain::ids::OutsideId;
use crate::domain::table::{Digest, Table};
use crate::domain::time::BusinessDate;

/// A source row: table and id.
pub type Source = (Option<OutsideId>, OutsideId);

/// The violations of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Violations {
    table: Table<Uuid, Violation>,
    open_by_fingerprint: HashMap<Arc<str>, Uuid>,
    open_by_source: HashMap<Source, Vec<Uuid>>,
    open: BTreeMap<u64, Uuid>,
    by_date: BTreeSet<(BusinessDate, u64, Uuid)>,
    /// The youngest resolved violation of a source row, by the hash of the row: 24 bytes for each, and a look at the violation tells.
    /// Where two rows have the same hash the younger one is found.
    settled: HashMap<u64, Uuid>,
    row_hashes: foldhash::fast::RandomState,
}

/// A row of a source: type of the violation, table, id, venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SourceRow<'a> {
    pub violation_type: &'a str,
    pub source_table: Option<&'a str>,
    pub source_id: &'a str,
    pub venue_id: Option<&'a str>,
}

impl<'a> SourceRow<'a> {
    /// The row that a violation came from.
    pub fn of(violation: &'a Violation) -> Option<Self> {
        Some(Self {
            violation_type: violation.violation_type.as_str(),
            source_table: violation.source_table.as_ref().map(OutsideId::as_str),
            source_id: violation.source_id.as_ref()?.as_str(),
            venue_id: violation.venue_id.as_ref().map(OutsideId::as_str),
        })
    }
}

impl Violations {
    /// The violation of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Violation> {
        self.table.get(id)
    }

    /// The open violation of this fingerprint.
    pub fn open_with(&self, fingerprint: &str) -> Option<&Violation> {
        self.open_by_fingerprint.get(fingerprint).and_then(|id| self.table.get(id))
    }

    /// The open violations of this source row.
    pub fn open_of_source(&self, source: &Source) -> &[Uuid] {
        self.open_by_source.get(source).map_or(&[], Vec::as_slice)
    }

    /// The resolved violation of a source row, where the row has none that is open.
    pub fn settled_of(&self, row: &SourceRow<'_>) -> Option<&Violation> {
        let found = self.settled.get(&self.row_hashes.hash_one(row)).and_then(|id| self.table.get(id))?;
        let table = row.source_table.and_then(|text| OutsideId::parse(text).ok());
        let source = (table, OutsideId::parse(row.source_id).ok()?);
        let mut open = self.open_of_source(&source).iter().filter_map(|id| self.table.get(id));
        let is_open = open.any(|one| SourceRow::of(one).as_ref() == Some(row));
        Some(found).filter(|found| !is_open && SourceRow::of(found).as_ref() == Some(row))
    }

    /// The open ones older than `before` (a sequence number), newest first.
    pub fn open_before(&self, before: u64) -> impl Iterator<Item = &Violation> {
        self.open.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// Those of the business dates `from` to `to`, inclusive, that come after `before` in the order newest first.
    pub fn dated(
        &self,
        from: BusinessDate,
        to: BusinessDate,
        before: Option<(BusinessDate, u64)>,
    ) -> impl Iterator<Item = &Violation> {
        let end = match before {
            Some((date, seq)) if date <= to => (date, seq, Uuid::nil()),
            Some(_) | None => (BusinessDate(to.0.saturating_add(1)), 0, Uuid::nil()),
        };
        let start = (from, 0, Uuid::nil()).min(end);
        self.by_date.range(start..end).rev().filter_map(|(_, _, id)| self.table.get(id))
    }

    /// Every violation, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.table.values()
    }

    /// How many are open.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// How many there are in all.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, violation: Violation) {
        self.by_date.insert((violation.business_date, violation.seq, violation.id));
        if violation.is_open() {
            self.open.insert(violation.seq, violation.id);
            self.open_by_fingerprint.insert(violation.fingerprint.clone(), violation.id);
            if let Some(source) = source_of(&violation) {
                self.open_by_source.entry(source).or_default().push(violation.id);
            }
        } else {
            self.settle(&violation);
        }
        self.table.insert(violation.id, violation);
    }

    /// Folds a repeated report in.
    pub fn repeat(&mut self, repeat: &Repeat) {
        self.table.update(&repeat.id, |violation| {
            violation.severity = repeat.severity;
            violation.title = repeat.title.clone();
            violation.description = repeat.description.clone();
            violation.metadata = repeat.metadata.clone();
            violation.last_seen_at = repeat.seen_at;
            violation.occurrences = repeat.occurrences;
        });
    }

    /// Notes who acknowledged it.
    pub fn acknowledge(&mut self, id: &Uuid, mark: Mark) {
        self.table.update(id, |violation| violation.acknowledged = Some(mark));
    }

    /// Ends it.
    pub fn resolve(&mut self, id: &Uuid, mark: Mark, resolution: Option<Arc<str>>) {
        let Some(violation) = self.table.get(id) else { return };
        let (seq, fingerprint, source) = (violation.seq, violation.fingerprint.clone(), source_of(violation));
        self.open.remove(&seq);
        self.open_by_fingerprint.remove(&fingerprint);
        if let Some(source) = source
            && let Some(ids) = self.open_by_source.get_mut(&source)
        {
            ids.retain(|one| one != id);
            if ids.is_empty() {
                self.open_by_source.remove(&source);
            }
        }
        self.table.update(id, |violation| {
            violation.resolved = Some(mark);
            violation.resolution = resolution;
        });
        let Some(violation) = self.table.get(id) else { return };
        if let Some(row) = SourceRow::of(violation) {
            self.settled.insert(self.row_hashes.hash_one(row), *id);
        }
    }

    fn settle(&mut self, violation: &Violation) {
        if let Some(row) = SourceRow::of(violation) {
            self.settled.insert(self.row_hashes.hash_one(row), violation.id);
        }
    }

    /// Notes an action made for it.
    pub fn add_action(&mut self, id: &Uuid, action: Uuid) {
        self.table.update(id, |violation| violation.actions.push(action));
    }

    /// Notes a block placed for it.
    pub fn add_block(&mut self, id: &Uuid, block: Uuid) {
        self.table.update(id, |violation| violation.blocks.push(block));
    }
}

fn source_of(violation: &Violation) -> Option<Source> {
    violation.source_id.as_ref().map(|id| (violation.source_table.clone(), id.clone()))
}

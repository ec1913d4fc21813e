//! All violations of an organisation, and the ways in which they are found.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use uuid::Uuid;

use super::recurrence::Recurrence;
use super::{Ending, Mark, Repeat, Violation, ViolationType};
use crate::domain::ids::{EntityId, OutsideId, VenueId};
use crate::domain::table::{Digest, Map, Table};
use crate::domain::time::{BusinessDate, Timestamp};

/// The most violations above one that are looked at: the one that muted it, the one that muted that one …
const ANCESTORS_MAX: usize = 64;

/// A source row: table and id.
pub type Source = (Option<OutsideId>, OutsideId);

/// The violations of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Violations {
    table: Table<Uuid, Violation>,
    open_by_fingerprint: Map<Arc<str>, Uuid>,
    open_by_source: Map<Source, Vec<Uuid>>,
    open: BTreeMap<u64, Uuid>,
    by_date: BTreeSet<(BusinessDate, u64, Uuid)>,
    /// The open ones, by what a rule of inhibition asks for.
    parents: Map<Place, BTreeSet<(u64, Uuid)>>,
    children: Map<Uuid, BTreeSet<(u64, Uuid)>>,
    /// The open ones by since when they are quiet.
    quiet: Map<ViolationType, BTreeSet<(Timestamp, Uuid)>>,
    /// The last one of a fingerprint, where it ended and not because somebody said so.
    ended: Map<Arc<str>, Uuid>,
    /// How often there was one of a type and entity.
    pub recurrence: Recurrence,
    /// The youngest resolved violation of a source row, by the hash of the row: 24 bytes for each, and a look at the violation tells.
    /// Where two rows have the same hash the younger one is found.
    settled: Map<u64, Uuid>,
    row_hashes: foldhash::fast::RandomState,
}

/// What a rule of inhibition asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Venue(ViolationType, VenueId),
    Entity(ViolationType, EntityId, Option<VenueId>),
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

    /// The oldest open violation of this type at a venue that may be the parent of `child`.
    pub fn open_at(&self, violation_type: &ViolationType, venue: &VenueId, child: &Uuid) -> Option<&Violation> {
        self.parent(&Place::Venue(violation_type.clone(), venue.clone()), child)
    }

    /// The oldest open violation of this type about an entity that may be the parent of `child`, at this venue or without one. One of
    /// another venue is neither shown to whoever is limited to this one, nor does it act here.
    pub fn open_about(
        &self,
        violation_type: &ViolationType,
        entity: &EntityId,
        venue: Option<&VenueId>,
        child: &Uuid,
    ) -> Option<&Violation> {
        let at = |venue| self.parent(&Place::Entity(violation_type.clone(), entity.clone(), venue), child);
        at(None).into_iter().chain(venue.and_then(|venue| at(Some(venue.clone())))).min_by_key(|one| one.seq)
    }

    fn parent(&self, place: &Place, child: &Uuid) -> Option<&Violation> {
        let all = self.parents.get(place)?.iter().filter_map(|(_, id)| self.table.get(id));
        all.into_iter().find(|one| !self.is_muted(one) && !self.descends(one, child))
    }

    /// Whether the parent of a violation is open.
    fn is_muted(&self, violation: &Violation) -> bool {
        violation.parent_id.is_some_and(|id| self.table.get(&id).is_some_and(Violation::is_open))
    }

    /// Whether a violation is this one or was muted by it, directly or through others; what has too many above it counts as such.
    fn descends(&self, violation: &Violation, from: &Uuid) -> bool {
        let mut above = Some(violation.id);
        for _ in 0..ANCESTORS_MAX {
            let Some(id) = above else { return false };
            if id == *from {
                return true;
            }
            above = self.table.get(&id).and_then(|one| one.parent_id);
        }
        above.is_some()
    }

    /// The violations that this one muted, oldest first.
    pub fn children_of(&self, id: &Uuid) -> impl Iterator<Item = Uuid> {
        self.children.get(id).into_iter().flatten().map(|(_, id)| *id)
    }

    /// The last violation of this fingerprint, where its source or the quiet ended it.
    pub fn ended_with(&self, fingerprint: &str) -> Option<&Violation> {
        self.ended.get(fingerprint).and_then(|id| self.table.get(id))
    }

    /// The open ones of these types that have been quiet for as long as is said for each.
    pub fn quiet_by<'a>(
        &self,
        now: Timestamp,
        types: impl Iterator<Item = (&'a ViolationType, i64)>,
    ) -> impl Iterator<Item = &Violation> {
        let timed = types.filter_map(|(of_type, ms)| Some((ms, self.quiet.get(of_type)?)));
        let over = timed.flat_map(move |(ms, ids)| ids.iter().take_while(move |(since, _)| since.plus_ms(ms) <= now));
        over.filter_map(|(_, id)| self.table.get(id))
    }

    /// When the next one of these types has been quiet for long enough.
    pub fn next_quiet<'a>(&self, types: impl Iterator<Item = (&'a ViolationType, i64)>) -> Option<Timestamp> {
        types.filter_map(|(of_type, ms)| Some(self.quiet.get(of_type)?.first()?.0.plus_ms(ms))).min()
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

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, violation: Violation) {
        self.by_date.insert((violation.business_date, violation.seq, violation.id));
        self.ended.remove(&violation.fingerprint);
        self.recurrence.add(&violation);
        if violation.is_open() {
            self.enter(&violation);
        } else {
            self.settle(&violation);
            if matches!(violation.ending, Some(Ending::Cleared | Ending::Quiet)) {
                self.ended.insert(violation.fingerprint.clone(), violation.id);
            }
        }
        if let Some(parent) = violation.parent_id {
            self.children.entry(parent).or_default().insert((violation.seq, violation.id));
        }
        self.table.insert(violation.id, violation);
    }

    /// Puts an open one where open ones are found.
    fn enter(&mut self, violation: &Violation) {
        let (id, seq) = (violation.id, violation.seq);
        self.open.insert(seq, id);
        self.open_by_fingerprint.insert(violation.fingerprint.clone(), id);
        if let Some(source) = source_of(violation) {
            self.open_by_source.entry(source).or_default().push(id);
        }
        for place in places_of(violation) {
            self.parents.entry(place).or_default().insert((seq, id));
        }
        self.quiet.entry(violation.violation_type.clone()).or_default().insert((violation.over_at, id));
    }

    /// Takes one out from where open ones are found.
    fn leave(&mut self, violation: &Violation) {
        let (id, seq) = (violation.id, violation.seq);
        self.open.remove(&seq);
        self.open_by_fingerprint.remove(&violation.fingerprint);
        if let Some(source) = source_of(violation)
            && let Some(ids) = self.open_by_source.get_mut(&source)
        {
            ids.retain(|one| *one != id);
            if ids.is_empty() {
                self.open_by_source.remove(&source);
            }
        }
        for place in places_of(violation) {
            if let Some(ids) = self.parents.get_mut(&place) {
                ids.remove(&(seq, id));
                if ids.is_empty() {
                    self.parents.remove(&place);
                }
            }
        }
        if let Some(ids) = self.quiet.get_mut(&violation.violation_type) {
            ids.remove(&(violation.over_at, id));
            if ids.is_empty() {
                self.quiet.remove(&violation.violation_type);
            }
        }
    }

    /// Folds a repeated report in.
    pub fn repeat(&mut self, repeat: &Repeat) {
        let Some(before) = self.table.get(&repeat.id).cloned() else { return };
        if before.is_open() {
            self.leave(&before);
        }
        if before.parent_id != repeat.parent_id {
            self.change_parent(&before, repeat.parent_id);
        }
        self.table.update(&repeat.id, |violation| {
            violation.parent_id = repeat.parent_id;
            violation.severity = repeat.severity;
            violation.title = repeat.title.clone();
            violation.description = repeat.description.clone();
            violation.metadata = repeat.metadata.clone();
            violation.last_seen_at = repeat.seen_at;
            violation.over_at = repeat.over_at;
            violation.occurrences = repeat.occurrences;
        });
        if let Some(after) = self.table.get(&repeat.id).filter(|after| after.is_open()).cloned() {
            self.enter(&after);
        }
    }

    fn change_parent(&mut self, child: &Violation, to: Option<Uuid>) {
        let place = (child.seq, child.id);
        if let Some(old) = child.parent_id
            && let Some(children) = self.children.get_mut(&old)
        {
            children.remove(&place);
            if children.is_empty() {
                self.children.remove(&old);
            }
        }
        if let Some(parent) = to {
            self.children.entry(parent).or_default().insert(place);
        }
    }

    /// Takes back the end of one that is reported again.
    pub fn reopen(&mut self, repeat: &Repeat) {
        let Some(violation) = self.table.get(&repeat.id) else { return };
        if violation.is_open() {
            return self.repeat(repeat);
        }
        self.ended.remove(&violation.fingerprint);
        self.table.update(&repeat.id, |violation| {
            violation.resolved = None;
            violation.resolution = None;
            violation.ending = None;
        });
        if let Some(violation) = self.table.get(&repeat.id).cloned() {
            self.enter(&violation);
        }
        self.repeat(repeat);
    }

    /// Notes who acknowledged it.
    pub fn acknowledge(&mut self, id: &Uuid, mark: Mark) {
        self.table.update(id, |violation| violation.acknowledged = Some(mark));
    }

    /// Ends it.
    pub fn resolve(&mut self, id: &Uuid, mark: Mark, resolution: Option<Arc<str>>, ending: Ending) {
        let Some(violation) = self.table.get(id).cloned() else { return };
        if violation.is_open() {
            self.leave(&violation);
        }
        self.settle(&violation);
        match ending {
            Ending::Cleared | Ending::Quiet => drop(self.ended.insert(violation.fingerprint, *id)),
            Ending::Resolved => {}
        }
        self.table.update(id, |violation| {
            violation.resolved = Some(mark);
            violation.resolution = resolution;
            violation.ending = Some(ending);
        });
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

/// Where a rule of inhibition finds a violation.
fn places_of(violation: &Violation) -> Vec<Place> {
    let of_type = || violation.violation_type.clone();
    let venue = violation.venue_id.clone().map(|venue| Place::Venue(of_type(), venue));
    let entity = violation.entity_id().cloned().map(|entity| {
        let venue = violation.venue_id.clone();
        Place::Entity(of_type(), entity, venue)
    });
    venue.into_iter().chain(entity).collect()
}

fn source_of(violation: &Violation) -> Option<Source> {
    violation.source_id.as_ref().map(|id| (violation.source_table.clone(), id.clone()))
}

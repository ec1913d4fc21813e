//! What templates on trial would have done. Each keeps its newest records and counts all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::Template;
use super::pace::TrialPace;
use super::plan::Made;
use crate::domain::actions::ActionType;
use crate::domain::ids::{EntityId, VenueId};
use crate::domain::table::{Digest, Table, digest_of};
use crate::domain::time::Timestamp;
use crate::domain::violations::Violation;

/// The most records that are kept of one template.
pub const RECORDS_OF_TEMPLATE_MAX: usize = 200;
/// The most that are kept of all together.
pub const RECORDS_MAX: usize = 10_000;
/// The longest message that is kept, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 2_000;

/// What a template on trial would have done for a violation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowRecord {
    /// The sequence number that made it: the order of lists.
    pub seq: u64,
    pub at: Timestamp,
    pub template_id: Uuid,
    pub template_version: u32,
    pub violation_id: Uuid,
    pub venue_id: Option<VenueId>,
    pub action_type: ActionType,
    /// Which of the template's steps, from 1.
    pub step: Option<u32>,
    pub action_target: Arc<str>,
    /// At most [`MESSAGE_BYTES_MAX`].
    pub message: Arc<str>,
    /// Why the action would have failed.
    pub reason: Option<Arc<str>>,
    pub block: Option<ShadowBlock>,
}

/// The block that would have been placed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowBlock {
    pub block_type: Arc<str>,
    pub entity_id: EntityId,
    pub entity_type: Arc<str>,
    pub override_required: bool,
    pub expires_at: Option<Timestamp>,
}

impl ShadowRecord {
    /// The record of what was made and is not to be.
    pub fn of(template: &Template, violation: &Violation, made: Made) -> Self {
        let Made { action, block } = made;
        let cut = action.message.floor_char_boundary(MESSAGE_BYTES_MAX);
        Self {
            seq: 0, // given when the event is applied
            at: action.created_at,
            template_id: template.id,
            template_version: template.version,
            violation_id: violation.id,
            venue_id: violation.venue_id.clone(),
            action_type: action.action_type,
            step: action.action_data.step,
            action_target: action.action_target,
            message: if cut < action.message.len() { action.message[..cut].into() } else { action.message },
            reason: action.reason,
            block: block.map(|block| ShadowBlock {
                block_type: block.key.block_type,
                entity_id: block.key.entity_id,
                entity_type: block.entity_type,
                override_required: block.override_required,
                expires_at: block.expires_at,
            }),
        }
    }
}

/// All that a template on trial would have done, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowTotals {
    pub alerts: u64,
    pub blocks: u64,
    pub overrides: u64,
    pub escalations: u64,
    /// Of all these, those that would have failed.
    pub failed: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl ShadowTotals {
    /// How often it would have acted.
    pub fn acted(&self) -> u64 {
        self.alerts + self.blocks + self.overrides + self.escalations
    }

    fn count(&mut self, record: &ShadowRecord) {
        if self.acted() == 0 {
            self.first_at = record.at;
        }
        self.last_at = record.at;
        match record.action_type {
            ActionType::Alert => self.alerts += 1,
            ActionType::Block => self.blocks += 1,
            ActionType::RequireOverride => self.overrides += 1,
            ActionType::Escalate => self.escalations += 1,
            ActionType::Notice => {} // no template makes one
        }
        self.failed += u64::from(record.reason.is_some());
    }
}

/// The records of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Shadows {
    totals: Table<Uuid, ShadowTotals>,
    records: Table<u64, ShadowRecord>,
    by_seq: BTreeSet<u64>,
    by_template: HashMap<Uuid, BTreeSet<u64>>,
    last: HashMap<(Uuid, Uuid), BTreeMap<u64, Timestamp>>,
    /// When each last would have acted for an entity; longer than the records are kept.
    pub pace: TrialPace,
}

impl Shadows {
    /// The totals of a template, once it would have acted.
    pub fn totals(&self, template: &Uuid) -> Option<&ShadowTotals> {
        self.totals.get(template)
    }

    /// The records of a template older than `before` (a sequence number), newest first.
    pub fn before(&self, template: &Uuid, before: u64) -> impl Iterator<Item = &ShadowRecord> {
        let seqs = self.by_template.get(template).into_iter();
        seqs.flat_map(move |seqs| seqs.range(..before).rev()).filter_map(|seq| self.records.get(seq))
    }

    /// When a template last would have acted for a violation, as far as that is kept.
    pub fn last(&self, template: &Uuid, violation: &Uuid) -> Option<Timestamp> {
        self.last.get(&(*template, *violation)).and_then(BTreeMap::last_key_value).map(|(_, at)| *at)
    }

    /// Every record, in no order.
    pub fn records(&self) -> impl Iterator<Item = &ShadowRecord> {
        self.records.values()
    }

    /// Every total with its template, in no order.
    pub fn all_totals(&self) -> impl Iterator<Item = (&Uuid, &ShadowTotals)> {
        self.totals.iter()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.totals.catch_up();
        self.records.catch_up();
        self.pace.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        digest_of(&(self.totals.digest(), self.records.digest(), self.pace.digest()))
    }

    /// Folds a new record in.
    pub fn note(&mut self, record: ShadowRecord) {
        let mut totals = self.totals.get(&record.template_id).cloned().unwrap_or_default();
        totals.count(&record);
        self.totals.insert(record.template_id, totals);
        self.put_back(record);
    }

    /// Takes totals in from a snapshot.
    pub fn put_back_totals(&mut self, template: Uuid, totals: ShadowTotals) {
        self.totals.insert(template, totals);
    }

    /// Takes a record in without counting it, as from a snapshot; the oldest one goes where there are too many.
    pub fn put_back(&mut self, record: ShadowRecord) {
        let (seq, template) = (record.seq, record.template_id);
        self.by_seq.insert(seq);
        let of_template = self.by_template.entry(template).or_default();
        of_template.insert(seq);
        let too_many = (of_template.len() > RECORDS_OF_TEMPLATE_MAX).then(|| of_template.first().copied()).flatten();
        self.last.entry((template, record.violation_id)).or_default().insert(seq, record.at);
        self.records.insert(seq, record);
        let too_many =
            too_many.or_else(|| (self.by_seq.len() > RECORDS_MAX).then(|| self.by_seq.first().copied()).flatten());
        if let Some(oldest) = too_many {
            self.drop_record(oldest);
        }
    }

    /// Forgets a template that was deleted.
    pub fn forget(&mut self, template: &Uuid) {
        self.totals.remove(template);
        self.pace.forget(template);
        for seq in self.by_template.get(template).cloned().unwrap_or_default() {
            self.drop_record(seq);
        }
    }

    fn drop_record(&mut self, seq: u64) {
        let Some(record) = self.records.remove(&seq) else { return };
        self.by_seq.remove(&seq);
        if let Some(seqs) = self.by_template.get_mut(&record.template_id) {
            seqs.remove(&seq);
            if seqs.is_empty() {
                self.by_template.remove(&record.template_id);
            }
        }
        let key = (record.template_id, record.violation_id);
        if let Some(seqs) = self.last.get_mut(&key) {
            seqs.remove(&seq);
            if seqs.is_empty() {
                self.last.remove(&key);
            }
        }
    }
}

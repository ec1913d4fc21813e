//! All templates of an organisation, in the order in which they run.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::Template;
use crate::domain::table::{Digest, Table};
use crate::domain::violations::ViolationType;

/// The templates of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    table: Table<Uuid, Template>,
    by_seq: BTreeMap<u64, Uuid>,
    by_type: HashMap<ViolationType, BTreeMap<u64, Uuid>>,
}

impl Templates {
    /// The template of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Template> {
        self.table.get(id)
    }

    /// Those for a type, oldest first.
    pub fn for_type(&self, violation_type: &ViolationType) -> impl Iterator<Item = &Template> {
        self.by_type.get(violation_type).into_iter().flat_map(BTreeMap::values).filter_map(|id| self.table.get(id))
    }

    /// Those younger than `after` (a sequence number), oldest first.
    pub fn after(&self, after: u64) -> impl Iterator<Item = &Template> {
        self.by_seq.range(after.saturating_add(1)..).filter_map(|(_, id)| self.table.get(id))
    }

    /// Every template, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.table.values()
    }

    /// How many there are.
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

    /// Puts one in, in place of its older version.
    pub fn put(&mut self, template: Template) {
        self.remove(&template.id);
        self.by_seq.insert(template.seq, template.id);
        self.by_type.entry(template.violation_type.clone()).or_default().insert(template.seq, template.id);
        self.table.insert(template.id, template);
    }

    /// Takes one out.
    pub fn remove(&mut self, id: &Uuid) {
        let Some(template) = self.table.remove(id) else { return };
        self.by_seq.remove(&template.seq);
        if let Some(of_type) = self.by_type.get_mut(&template.violation_type) {
            of_type.remove(&template.seq);
            if of_type.is_empty() {
                self.by_type.remove(&template.violation_type);
            }
        }
    }
}

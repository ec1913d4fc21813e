//! All templates of an organisation, in the order in which they run, each worked out when it was put in.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Template;
use super::rule::Rule;
use crate::domain::table::{Digest, Map, Table};
use crate::domain::violations::ViolationType;

/// The templates of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    table: Table<Uuid, Arc<Rule>>,
    by_seq: BTreeMap<u64, Arc<Rule>>,
    by_type: Map<ViolationType, BTreeMap<u64, Arc<Rule>>>,
}

impl Templates {
    /// The template of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Template> {
        self.table.get(id).map(|rule| &rule.template)
    }

    /// Those for a type, ready to be matched, oldest first.
    pub fn rules_for(&self, violation_type: &ViolationType) -> impl Iterator<Item = &Rule> {
        self.by_type.get(violation_type).into_iter().flat_map(BTreeMap::values).map(|rule| &**rule)
    }

    /// All, ready to be matched, oldest first.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.by_seq.values().map(|rule| &**rule)
    }

    /// Those for a type, oldest first.
    pub fn for_type(&self, violation_type: &ViolationType) -> impl Iterator<Item = &Template> {
        self.rules_for(violation_type).map(|rule| &rule.template)
    }

    /// Those younger than `after` (a sequence number), oldest first.
    pub fn after(&self, after: u64) -> impl Iterator<Item = &Template> {
        self.by_seq.range(after.saturating_add(1)..).map(|(_, rule)| &rule.template)
    }

    /// Every template, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.table.values().map(|rule| &rule.template)
    }

    /// How many there are.
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

    /// Puts one in, in place of its older version.
    pub fn put(&mut self, template: Template) {
        self.remove(&template.id);
        let rule = Arc::new(Rule::of(template));
        let (id, seq) = (rule.template.id, rule.template.seq);
        self.by_seq.insert(seq, rule.clone());
        self.by_type.entry(rule.template.violation_type.clone()).or_default().insert(seq, rule.clone());
        self.table.insert(id, rule);
    }

    /// Takes one out.
    pub fn remove(&mut self, id: &Uuid) {
        let Some(rule) = self.table.remove(id) else { return };
        let template = &rule.template;
        self.by_seq.remove(&template.seq);
        if let Some(of_type) = self.by_type.get_mut(&template.violation_type) {
            of_type.remove(&template.seq);
            if of_type.is_empty() {
                self.by_type.remove(&template.violation_type);
            }
        }
    }
}

//! The capabilities that an organisation registered, each with its schema ready beside it: read when it enters the state, never stored.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Capability;
use super::schema::Schema;
use crate::domain::table::{Digest, Table};

/// A capability that is ready to check payloads. Two are the same when their descriptors are.
#[derive(Clone, Debug)]
struct Registered {
    capability: Capability,
    /// Nothing where this version reads less than the one that accepted it.
    schema: Option<Arc<Schema>>,
}

impl Hash for Registered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.capability.hash(state);
    }
}

/// The capabilities of one organisation's modules.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    table: Table<Arc<str>, Registered>,
    by_seq: BTreeMap<u64, Arc<str>>,
}

impl Capabilities {
    /// The capability of this name.
    pub fn get(&self, name: &str) -> Option<&Capability> {
        self.table.get(name).map(|one| &one.capability)
    }

    /// What checks its payloads.
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.table.get(name)?.schema.as_deref()
    }

    /// All of them, in the order in which they were registered first.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.by_seq.values().filter_map(|name| self.get(name))
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

    /// Takes one in, new or from a snapshot, in place of an older one of its name.
    pub fn put(&mut self, capability: Capability) {
        self.remove(&capability.name.clone());
        let schema = Schema::compile(&capability.params.value(), "/params").ok().map(Arc::new);
        self.by_seq.insert(capability.seq, capability.name.clone());
        self.table.insert(capability.name.clone(), Registered { capability, schema });
    }

    /// Takes one out.
    pub fn remove(&mut self, name: &Arc<str>) {
        if let Some(old) = self.table.remove(name) {
            self.by_seq.remove(&old.capability.seq);
        }
    }
}

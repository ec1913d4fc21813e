//! All organisations that the directory knows, by id and by stream.

use std::sync::Arc;

use papaya::HashMap;

use super::org::{Org, OrgRef};
use crate::domain::ids::{OrgId, StreamId};

/// The organisations.
#[derive(Debug, Default)]
pub struct Orgs {
    by_id: HashMap<OrgId, OrgRef>,
    by_stream: HashMap<u64, OrgRef>,
}

impl Orgs {
    /// An organisation by its id.
    pub fn by_id(&self, id: &OrgId) -> Option<OrgRef> {
        self.by_id.pin().get(id).cloned()
    }

    /// An organisation by its stream.
    pub fn by_stream(&self, stream: StreamId) -> Option<OrgRef> {
        self.by_stream.pin().get(&stream.0).cloned()
    }

    /// All, in the order of their streams.
    pub fn all(&self) -> Vec<OrgRef> {
        let mut all: Vec<OrgRef> = self.by_stream.pin().values().cloned().collect();
        all.sort_by_key(|org| org.stream);
        all
    }

    /// The organisation of this id and stream, taken in when it is new.
    pub(super) fn know(&self, id: &OrgId, stream: StreamId) -> OrgRef {
        if let Some(known) = self.by_stream(stream) {
            return known;
        }
        let org: OrgRef = Org::starting(id.clone(), stream);
        self.by_id.pin().insert(id.clone(), Arc::clone(&org));
        self.by_stream.pin().insert(stream.0, Arc::clone(&org));
        org
    }
}

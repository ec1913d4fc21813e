//! What snapshots hold besides the objects.

use std::sync::Arc;

use super::organisation::OrganisationV1;
use super::suppression::InhibitionV1;
use crate::domain::idempotency::Known;
use crate::store::stored::error::StoredError;
use crate::store::stored::form::Form;

/// The head of an organisation's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TenantHeadV1 {
    /// The number of the last event that is in it.
    pub last_seq: u64,
    /// The organisation, once it was founded.
    pub organisation: Option<OrganisationV1>,
    /// The rules of inhibition.
    pub inhibitions: Vec<InhibitionV1>,
}

/// The head of the directory's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DirectoryHeadV1 {
    /// The number of the last event that is in it.
    pub last_seq: u64,
    /// The number of the last stream that was given away.
    pub last_stream: u64,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KnownV1 {
    /// The key.
    pub key: String,
    /// What the first request was.
    pub print: [u8; 16],
    /// The first number of the record that holds its answer.
    pub record: u64,
    /// When, in milliseconds since the epoch.
    pub at: i64,
}

impl Form<(Arc<str>, Known)> for KnownV1 {
    fn freeze((key, known): &(Arc<str>, Known)) -> Self {
        let Known { print, record, at } = known;
        Self { key: Form::freeze(key), print: *print, record: *record, at: Form::freeze(at) }
    }

    fn thaw(self) -> Result<(Arc<str>, Known), StoredError> {
        Ok((self.key.thaw()?, Known { print: self.print, record: self.record, at: self.at.thaw()? }))
    }
}

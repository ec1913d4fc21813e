//! Recovery's view of a state: records in, snapshots in and out.

use super::states::StoredState;
use super::{Commit, StoredError, StoredEvent, decode_commit};
use crate::domain::ids::StreamId;
use crate::domain::time::Timestamp;
use crate::store::record::Opened;
use crate::store::recovery::{Fold, FoldError};

/// Folds the payload of a record in: its events, numbered from `first_seq` and decided at `at`, and its idempotency key.
///
/// # Errors
/// When the payload cannot be read or is not the next one; then the state is as before.
pub fn apply_payload<A>(state: &mut A, first_seq: u64, at: Timestamp, payload: &[u8]) -> Result<(), StoredError>
where
    A: StoredState,
    A::Event: StoredEvent,
{
    let commit: Commit<A::Event> = decode_commit(payload)?;
    let expected = state.last_seq().saturating_add(1);
    if first_seq != expected {
        return Err(StoredError::Gap { expected, found: first_seq });
    }
    for (seq, event) in (first_seq..).zip(&commit.events) {
        state.apply(seq, at, event);
    }
    if let Some(request) = &commit.request {
        state.keep_request(request, first_seq, at);
    }
    Ok(())
}

/// A state that recovery can fold.
#[derive(Clone, Debug)]
pub struct Folded<A>(pub A);

impl<A> Fold for Folded<A>
where
    A: StoredState,
    A::Event: StoredEvent,
{
    fn empty(_stream: StreamId) -> Self {
        Self(A::empty())
    }

    fn from_snapshot(_stream: StreamId, body: &[u8]) -> Result<Self, FoldError> {
        Ok(Self(A::from_snapshot(body)?))
    }

    fn to_snapshot(&self) -> Vec<u8> {
        self.0.to_snapshot()
    }

    fn apply_record(&mut self, record: &Opened<'_>) -> Result<(), FoldError> {
        apply_payload(&mut self.0, record.first_seq, Timestamp(record.at_ms), record.payload)?;
        let (expected, found) = (record.last_seq, self.0.last_seq());
        if found == expected { Ok(()) } else { Err(StoredError::Count { expected, found }.into()) }
    }

    fn state_hash(&self) -> [u8; 32] {
        self.0.state_hash()
    }
}

impl From<StoredError> for FoldError {
    fn from(error: StoredError) -> Self {
        Self::new(error.to_string())
    }
}

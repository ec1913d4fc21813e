//! What differs between the streams that take the one path of a change: how their events are shown in shared memory.

use crate::domain::aggregate::Aggregate;
use crate::domain::time::Timestamp;
use crate::store::stored::StoredEvent;
use crate::store::stored::StoredState;

/// A kind of stream: organisations are one, the directory is the other.
pub trait Kind: Send + Unpin + 'static {
    /// Its state.
    type State: Aggregate<Event = Self::Event> + StoredState;
    /// Its events.
    type Event: StoredEvent + Send + Sync + 'static;
    /// What of a commit is to be shown once it is durable.
    type Publication: Send + 'static;

    /// Takes from the state, right after a commit was applied, what is to be shown of it.
    fn prepare(&self, state: &Self::State, first_seq: u64, at: Timestamp, events: &[Self::Event]) -> Self::Publication;

    /// Shows the publications of a batch, in order; `version` is the last sequence number among them.
    fn publish(&self, publications: Vec<Self::Publication>, version: u64);

    /// Shows a whole state that was recovered, and that the stream answers from now on.
    fn publish_all(&self, state: &Self::State);

    /// Says that the stream answers nothing any more.
    fn quarantine(&self);
}

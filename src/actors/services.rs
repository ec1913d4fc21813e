//! What every actor shares: the store, the settings, randomness.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::refusal::Refusal;
use crate::clock::now_ms;
use crate::domain::aggregate::Aggregate;
use crate::domain::ids::StreamId;
use crate::store::Store;
use crate::store::recovery::{Recovered, RecoveryError, recover};
use crate::store::snapshotter::{SnapshotJob, Snapshotter};
use crate::store::stored::StoredEvent;
use crate::store::stored::StoredState;
use crate::store::stored::fold::Folded;

/// Settings of the actors.
#[derive(Clone, Debug)]
pub struct ActorSettings {
    /// Commands and reads that may wait for one organisation; more are refused with 429.
    pub org_waiting_max: usize,
    /// Commands and reads that may wait in all; more are refused with 503.
    pub waiting_max: usize,
    /// Events after which a snapshot is made.
    pub snapshot_every_records: u64,
    /// Events after which a stop, or an organisation that leaves memory, makes a snapshot.
    pub snapshot_at_stop_records: u64,
    /// How long an organisation is unused before it leaves memory, in milliseconds.
    pub passivate_after_ms: i64,
    /// How often an organisation looks whether it is unused, in milliseconds.
    pub idle_check_ms: u64,
}

impl ActorSettings {
    /// Room for everything that was admitted, and for what the server itself sends.
    pub fn mailbox_capacity(&self) -> usize {
        self.org_waiting_max + 256
    }
}

/// What every actor shares.
pub struct Services {
    /// The store.
    pub store: Store,
    /// The settings.
    pub settings: ActorSettings,
}

impl Services {
    /// Fresh randomness.
    pub fn random(&self) -> u64 {
        getrandom::u64().unwrap_or_else(|error| panic!("the operating system gives no randomness: {error}"))
    }

    /// Reads a stream. Blocks.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn recover<S>(&self, stream: StreamId) -> Result<Recovered<S>, RecoveryError>
    where
        S: Aggregate + StoredState,
        S::Event: StoredEvent,
    {
        let read = recover::<Folded<S>>(&self.store.history, &self.store.snapshots, stream, None)?;
        Ok(Recovered {
            state: read.state.0,
            last_seq: read.last_seq,
            chain: read.chain,
            snapshot_seq: read.snapshot_seq,
            records_replayed: read.records_replayed,
        })
    }

    /// Whether a command may write now.
    ///
    /// # Errors
    /// [`Refusal::ReadOnly`].
    pub fn writable(&self, urgent: bool, full_until_ms: i64, now_ms: i64) -> Result<(), Refusal> {
        if let Some(why) = self.store.journal.poisoned() {
            return Err(Refusal::ReadOnly { why });
        }
        if urgent {
            return Ok(());
        }
        if let Some(why) = self.store.journal.refuses_ordinary() {
            return Err(Refusal::ReadOnly { why: why.to_string() });
        }
        if now_ms < full_until_ms {
            return Err(Refusal::ReadOnly { why: "the disk is nearly full".into() });
        }
        Ok(())
    }

    /// Asks for a snapshot of a durable state, and tells when it was made or given up.
    pub fn snapshot(
        &self,
        snapshotter: &Snapshotter,
        stream: StreamId,
        seq: u64,
        state_hash: [u8; 32],
        told: Vec<oneshot::Sender<()>>,
    ) {
        let done = Box::new(move |_result| {
            told.into_iter().for_each(|one| {
                let _ = one.send(()); // whoever waited may be gone
            });
        });
        snapshotter.submit(SnapshotJob { stream, seq, state_hash, at_ms: now_ms(), done });
    }
}

/// Shared services.
pub type ServicesRef = Arc<Services>;

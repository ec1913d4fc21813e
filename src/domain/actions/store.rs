//! All actions of an organisation, and what of them is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{Action, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The actions of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    table: Table<Uuid, Action>,
    by_seq: BTreeMap<u64, Uuid>,
    due: BTreeSet<(Timestamp, u64, Uuid)>,
}

impl Actions {
    /// The action of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Action> {
        self.table.get(id)
    }

    /// Those older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64) -> impl Iterator<Item = &Action> {
        self.by_seq.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// The pending ones, by when they are due.
    pub fn by_due(&self) -> impl Iterator<Item = &Action> {
        self.due.iter().filter_map(|(_, _, id)| self.table.get(id))
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _, _)| *at)
    }

    /// How many are pending.
    pub fn pending_count(&self) -> usize {
        self.due.len()
    }

    /// Every action, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Action> {
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

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, action: Action) {
        self.by_seq.insert(action.seq, action.id);
        if let Some(due) = due_of(&action) {
            self.due.insert(due);
        }
        self.table.insert(action.id, action);
    }

    /// Folds an attempt in.
    pub fn attempted(&mut self, event: &Attempted) {
        self.change(&event.id, |action| {
            action.attempts.push(event.attempt.clone());
            action.status = event.status;
            action.reason = event.reason.clone().or_else(|| action.reason.take());
            action.due_at = event.attempt.next_at;
            if event.attempt.outcome == AttemptOutcome::Delivered {
                action.executed_at = Some(event.attempt.at);
            } else {
                action.failures += 1;
            }
        });
    }

    /// Folds a dismissal in.
    pub fn dismiss(&mut self, id: &Uuid, reason: Arc<str>) {
        self.change(id, |action| {
            action.status = ExecutionStatus::Dismissed;
            action.reason = Some(reason);
            action.due_at = None;
        });
    }

    /// Makes it due again, with a fresh schedule.
    pub fn requeue(&mut self, id: &Uuid, at: Timestamp) {
        self.change(id, |action| {
            action.status = ExecutionStatus::Pending;
            action.reason = None;
            action.failures = 0;
            action.due_at = Some(at);
        });
    }

    fn change(&mut self, id: &Uuid, change: impl FnOnce(&mut Action)) {
        if let Some(due) = self.table.get(id).and_then(due_of) {
            self.due.remove(&due);
        }
        self.table.update(id, change);
        if let Some(due) = self.table.get(id).and_then(due_of) {
            self.due.insert(due);
        }
    }
}

fn due_of(action: &Action) -> Option<(Timestamp, u64, Uuid)> {
    action.is_pending().then(|| (action.due_at.unwrap_or(action.created_at), action.seq, action.id))
}

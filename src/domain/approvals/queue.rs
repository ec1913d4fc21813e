//! What is to run, and what runs. Of requests for the same work only the first is ready: while one of a key runs, or is in doubt, the
//! others of that key stand behind it and are nobody's next, however long they are due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use uuid::Uuid;

use super::{Approval, Status};
use crate::domain::table::Map;
use crate::domain::time::Timestamp;

type Key = [u8; 32];
type Due = (Timestamp, Uuid);

/// How long a finished run stands for the same work, in milliseconds.
pub const SAME_WORK_MS: i64 = crate::domain::time::DAY_MS;

/// Requests of one key.
#[derive(Clone, Debug, Default)]
struct SameWork {
    waiting: BTreeSet<Due>,
    /// How many run or are in doubt.
    busy: usize,
    /// The one that is ready, when none is busy.
    ready: Option<Due>,
    /// Those that did it, by when.
    done: BTreeSet<Due>,
}

/// The queue of an organisation.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    by_key: Map<Key, SameWork>,
    ready: BTreeMap<Arc<str>, BTreeSet<Due>>,
    running: BTreeSet<Uuid>,
    /// Of what runs, what is to be tried again, by when.
    tries: BTreeSet<Due>,
    running_by_capability: HashMap<Arc<str>, usize>,
}

impl Queue {
    /// The capabilities that have something ready, each with its requests in the order in which they are due.
    pub fn ready(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<Due>)> {
        self.ready.iter()
    }

    /// What runs, in the order of ids, which is the order of submission.
    pub fn running(&self) -> impl Iterator<Item = &Uuid> {
        self.running.iter()
    }

    /// When the first of what is to be tried again has its turn, after this moment.
    pub fn next_try(&self, after: Timestamp) -> Option<Timestamp> {
        self.tries.range((Bound::Excluded((after, Uuid::max())), Bound::Unbounded)).next().map(|(at, _)| *at)
    }

    /// How much of a capability runs.
    pub fn running_of(&self, capability: &str) -> usize {
        self.running_by_capability.get(capability).copied().unwrap_or(0)
    }

    /// Whether something of this key runs or is in doubt.
    pub fn is_busy(&self, key: &Key) -> bool {
        self.by_key.get(key).is_some_and(|same| same.busy > 0)
    }

    /// What did the same work last, within the time for which that counts.
    pub fn done_lately(&self, key: &Key, now: Timestamp) -> Option<Uuid> {
        let (at, id) = self.by_key.get(key)?.done.last()?;
        (at.plus_ms(SAME_WORK_MS) > now).then_some(*id)
    }

    /// Enters a request, where it belongs here.
    pub fn enter(&mut self, approval: &Approval) {
        self.change(approval, |same, due| match approval.status {
            Status::Approved | Status::Scheduled => drop(same.waiting.insert(due)),
            Status::Executing | Status::InDoubt => same.busy += 1,
            Status::Executed => drop(same.done.insert(due)),
            _ => {}
        });
        if approval.status == Status::Executing {
            self.running.insert(approval.id);
            self.tries.extend(next_try(approval));
            *self.running_by_capability.entry(approval.capability.clone()).or_default() += 1;
        }
    }

    /// Takes a request away; it is as it was when it was entered.
    pub fn leave(&mut self, approval: &Approval) {
        self.change(approval, |same, due| match approval.status {
            Status::Approved | Status::Scheduled => drop(same.waiting.remove(&due)),
            Status::Executing | Status::InDoubt => same.busy = same.busy.saturating_sub(1),
            Status::Executed => drop(same.done.remove(&due)),
            _ => {}
        });
        if approval.status == Status::Executing && self.running.remove(&approval.id) {
            if let Some(due) = next_try(approval) {
                self.tries.remove(&due);
            }
            let left = self.running_by_capability.get_mut(&approval.capability).map_or(0, |count| {
                *count = count.saturating_sub(1);
                *count
            });
            if left == 0 {
                self.running_by_capability.remove(&approval.capability);
            }
        }
    }

    fn change(&mut self, approval: &Approval, change: impl FnOnce(&mut SameWork, Due)) {
        let Some(at) = moment(approval) else { return };
        let key = approval.key();
        let same = self.by_key.entry(key).or_default();
        change(same, (at, approval.id));
        let ready = if same.busy == 0 { same.waiting.first().copied() } else { None };
        if ready != same.ready {
            let line = self.ready.entry(approval.capability.clone()).or_default();
            if let Some(old) = same.ready.take() {
                line.remove(&old);
            }
            line.extend(ready);
            same.ready = ready;
            if line.is_empty() {
                self.ready.remove(&approval.capability);
            }
        }
        if same.waiting.is_empty() && same.busy == 0 && same.done.is_empty() {
            self.by_key.remove(&key);
        }
    }
}

fn next_try(approval: &Approval) -> Option<Due> {
    Some((approval.execution.as_ref()?.next_at?, approval.id))
}

/// When it is due, or since when it runs, or when it was done; nothing for what has no place in the queue.
fn moment(approval: &Approval) -> Option<Timestamp> {
    let run = approval.execution.as_ref();
    match approval.status {
        Status::Approved | Status::Scheduled => Some(approval.runs_at.unwrap_or(approval.created_at)),
        Status::Executing | Status::InDoubt => Some(approval.created_at),
        Status::Executed => Some(run.and_then(|run| run.finished_at).unwrap_or(approval.created_at)),
        _ => None,
    }
}

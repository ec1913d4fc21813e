//! The orders in which requests are looked for: one entry in each that fits, made and taken away with the request, so that no command
//! and no list goes through all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use uuid::Uuid;

use super::queue::Queue;
use super::{Approval, Assignee, RiskLevel, Status};
use crate::domain::ids::UserId;
use crate::domain::people::Authority;
use crate::domain::risk::History;
use crate::domain::time::Timestamp;

/// Requests by their sequence numbers, oldest first.
pub type Line = BTreeMap<u64, Uuid>;

/// Lines by something; an empty one is let go.
#[derive(Clone, Debug)]
pub struct Lines<K>(HashMap<K, Line>);

impl<K> Default for Lines<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Lines<K> {
    /// Those of this key.
    pub fn of<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&Line>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get(key)
    }

    /// Every key that has some.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    fn put(&mut self, key: K, approval: &Approval) {
        self.0.entry(key).or_default().insert(approval.seq, approval.id);
    }

    fn take<Q: Hash + Eq + ?Sized>(&mut self, key: &Q, approval: &Approval)
    where
        K: std::borrow::Borrow<Q>,
    {
        let Some(line) = self.0.get_mut(key) else { return };
        line.remove(&approval.seq);
        if line.is_empty() {
            self.0.remove(key);
        }
    }
}

/// Every order.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    /// All of them.
    pub all: Line,
    /// All of them, by how they stand.
    pub by_status: Lines<Status>,
    /// All of them, by module.
    pub by_module: Lines<Arc<str>>,
    /// All of them, by who asked.
    pub by_requester: Lines<Arc<str>>,
    /// Pending ones by their risk.
    pub waiting_by_risk: Lines<Option<RiskLevel>>,
    /// Pending ones by module.
    pub waiting_by_module: Lines<Arc<str>>,
    /// Pending ones whose current step waits for a person or a role.
    pub waiting_by_who: Lines<Assignee>,
    /// Pending ones whose current step waits for an authority.
    pub waiting_by_rung: Lines<Authority>,
    /// Pending ones by their owner.
    pub waiting_by_owner: Lines<UserId>,
    /// Pending ones by what they are about.
    pub waiting_about: Lines<Uuid>,
    /// What takes others back, by what it takes back.
    pub undos: Lines<Uuid>,
    /// Until when something must have happened.
    pub deadlines: BTreeSet<(Timestamp, Uuid)>,
    /// What runs or is to run.
    pub queue: Queue,
    requesters: HashMap<Arc<str>, History>,
    capabilities: HashMap<Arc<str>, History>,
}

impl Indexes {
    /// What became of the requests of somebody, by how they are shown.
    pub fn history_of_requester(&self, label: &str) -> History {
        self.requesters.get(label).copied().unwrap_or_default()
    }

    /// What became of the requests for a capability.
    pub fn history_of_capability(&self, name: &str) -> History {
        self.capabilities.get(name).copied().unwrap_or_default()
    }

    /// Enters one everywhere where it belongs.
    pub fn enter(&mut self, approval: &Approval) {
        self.all.insert(approval.seq, approval.id);
        self.by_status.put(approval.status, approval);
        self.by_module.put(approval.module.clone(), approval);
        self.by_requester.put(approval.created_by.clone(), approval);
        if approval.status == Status::Pending {
            self.waiting_by_risk.put(level(approval), approval);
            self.waiting_by_module.put(approval.module.clone(), approval);
            match approval.current_step().map(|(_, step)| &step.who) {
                Some(Assignee::Authority(rung)) => self.waiting_by_rung.put(rung.clone(), approval),
                Some(who) => self.waiting_by_who.put(who.clone(), approval),
                None => {}
            }
            if let Some(owner) = &approval.owner {
                self.waiting_by_owner.put(owner.clone(), approval);
            }
            if let Some(subject) = approval.subject {
                self.waiting_about.put(subject, approval);
            }
        }
        if let Some(original) = approval.undo_of {
            self.undos.put(original, approval);
        }
        if let Some(at) = approval.deadline() {
            self.deadlines.insert((at, approval.id));
        }
        self.queue.enter(approval);
        self.count(approval, |count, by| *count = count.saturating_add(by));
    }

    /// Takes one away from everywhere; it is as it was when it was entered.
    pub fn leave(&mut self, approval: &Approval) {
        self.all.remove(&approval.seq);
        self.by_status.take(&approval.status, approval);
        self.by_module.take(&approval.module, approval);
        self.by_requester.take(&approval.created_by, approval);
        if approval.status == Status::Pending {
            self.waiting_by_risk.take(&level(approval), approval);
            self.waiting_by_module.take(&approval.module, approval);
            match approval.current_step().map(|(_, step)| &step.who) {
                Some(Assignee::Authority(rung)) => self.waiting_by_rung.take(rung, approval),
                Some(who) => self.waiting_by_who.take(who, approval),
                None => {}
            }
            if let Some(owner) = &approval.owner {
                self.waiting_by_owner.take(owner, approval);
            }
            if let Some(subject) = &approval.subject {
                self.waiting_about.take(subject, approval);
            }
        }
        if let Some(original) = &approval.undo_of {
            self.undos.take(original, approval);
        }
        if let Some(at) = approval.deadline() {
            self.deadlines.remove(&(at, approval.id));
        }
        self.queue.leave(approval);
        self.count(approval, |count, by| *count = count.saturating_sub(by));
    }

    fn count(&mut self, approval: &Approval, change: impl Fn(&mut u32, u32)) {
        let counted = counted(approval.status);
        if counted == History::default() {
            return;
        }
        let requester = self.requesters.entry(approval.created_by.clone()).or_default();
        let capability = self.capabilities.entry(approval.capability.clone()).or_default();
        for history in [requester, capability] {
            change(&mut history.executed, counted.executed);
            change(&mut history.rejected, counted.rejected);
            change(&mut history.failed, counted.failed);
            change(&mut history.undone, counted.undone);
        }
    }
}

fn level(approval: &Approval) -> Option<RiskLevel> {
    approval.risk.as_ref().map(|risk| risk.level)
}

/// What one request of this status adds to the histories.
fn counted(status: Status) -> History {
    let none = History::default();
    match status {
        Status::Executed => History { executed: 1, ..none },
        Status::Undone => History { executed: 1, undone: 1, ..none },
        Status::Rejected => History { rejected: 1, ..none },
        Status::Failed | Status::InDoubt => History { failed: 1, ..none },
        Status::Pending
        | Status::Approved
        | Status::Scheduled
        | Status::Executing
        | Status::Cancelled
        | Status::Expired
        | Status::Skipped => none,
    }
}

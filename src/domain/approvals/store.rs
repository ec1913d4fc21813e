//! All requests of an organisation, and those that wait for decisions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::{Approval, AuditLine, Closed, Decided, Executed, Execution, Status, Verdict};
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The most lines of one request's life that are kept with it; the journal has them all.
pub const AUDIT_LINES_MAX: usize = 1_000;

/// The requests of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    table: Table<Uuid, Approval>,
    by_seq: BTreeMap<u64, Uuid>,
    waiting: BTreeMap<u64, Uuid>,
    deadlines: BTreeSet<(Timestamp, Uuid)>,
    about: HashMap<Uuid, BTreeSet<(u64, Uuid)>>,
}

impl Approvals {
    /// The request of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Approval> {
        self.table.get(id)
    }

    /// Those older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64) -> impl Iterator<Item = &Approval> {
        self.by_seq.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// Those that wait for a decision and are older than `before`, newest first.
    pub fn waiting_before(&self, before: u64) -> impl Iterator<Item = &Approval> {
        self.waiting.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// Those that wait and are about this thing, oldest first.
    pub fn waiting_about(&self, subject: &Uuid) -> impl Iterator<Item = &Approval> {
        self.about.get(subject).into_iter().flatten().filter_map(|(_, id)| self.table.get(id))
    }

    /// How many wait for a decision.
    pub fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// Those that nobody decided in time, first come first.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = &Approval> {
        self.deadlines.iter().take_while(move |(at, _)| *at <= now).filter_map(|(_, id)| self.table.get(id))
    }

    /// When the next one is overdue.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Every request, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Approval> {
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

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: from a snapshot, or through [`Approvals::submitted`].
    pub fn add(&mut self, approval: Approval) {
        self.stand_down(&approval.id);
        if let Some(old) = self.table.get(&approval.id) {
            self.by_seq.remove(&old.seq);
        }
        self.by_seq.insert(approval.seq, approval.id);
        self.stand(&approval);
        self.table.insert(approval.id, approval);
    }

    /// Folds a submission in.
    pub fn submitted(&mut self, seq: u64, at: Timestamp, approval: &Approval) {
        let (by, via) = (approval.created_by.clone(), approval.via);
        let line = AuditLine { seq, at, what: "submitted".into(), by, via, note: Some(approval.title.clone()) };
        let mut approval = Approval { seq, ..approval.clone() };
        approval.audit.push(line);
        self.add(approval);
    }

    /// Folds a decision in.
    pub fn decided(&mut self, seq: u64, at: Timestamp, event: &Decided) {
        let what = match event.vote.verdict {
            Verdict::Approved => "approved",
            Verdict::Rejected => "rejected",
        };
        let (by, via, note) = (event.vote.by.as_str().into(), event.vote.via, event.vote.comment.clone());
        let line = AuditLine { seq, at, what: what.into(), by, via, note };
        self.change(&event.id, line, |approval| {
            approval.status = event.status;
            if event.vote.verdict == Verdict::Rejected {
                approval.reason = event.vote.comment.clone();
            }
            if let Some(step) = approval.steps.get_mut(event.step as usize) {
                step.decisions.push(event.vote.clone());
            }
        });
    }

    /// Folds an end in.
    pub fn closed(&mut self, seq: u64, at: Timestamp, event: &Closed) {
        let (by, note) = (event.by.clone(), event.reason.clone());
        let line = AuditLine { seq, at, what: event.status.name().into(), by, via: event.via, note };
        self.change(&event.id, line, |approval| {
            approval.status = event.status;
            approval.reason = event.reason.clone();
        });
    }

    /// Folds an execution in.
    pub fn executed(&mut self, seq: u64, at: Timestamp, event: &Executed) {
        let by = event.by.clone();
        let line = AuditLine { seq, at, what: "executed".into(), by, via: event.via, note: None };
        self.change(&event.id, line, |approval| {
            approval.status = Status::Executed;
            approval.execution = Some(Execution { at, result: event.result.clone() });
        });
    }

    fn change(&mut self, id: &Uuid, line: AuditLine, change: impl FnOnce(&mut Approval)) {
        self.stand_down(id);
        self.table.update(id, |approval| {
            change(approval);
            if approval.audit.len() < AUDIT_LINES_MAX {
                approval.audit.push(line);
            }
        });
        if let Some(approval) = self.table.get(id).cloned() {
            self.stand(&approval);
        }
    }

    /// Enters it among those that wait, where it does.
    fn stand(&mut self, approval: &Approval) {
        if approval.status != Status::Pending {
            return;
        }
        self.waiting.insert(approval.seq, approval.id);
        if let Some(at) = approval.decide_by {
            self.deadlines.insert((at, approval.id));
        }
        if let Some(subject) = approval.subject {
            self.about.entry(subject).or_default().insert((approval.seq, approval.id));
        }
    }

    fn stand_down(&mut self, id: &Uuid) {
        let Some(approval) = self.table.get(id) else { return };
        self.waiting.remove(&approval.seq);
        if let Some(at) = approval.decide_by {
            self.deadlines.remove(&(at, *id));
        }
        if let Some(subject) = approval.subject
            && let Some(waiting) = self.about.get_mut(&subject)
        {
            waiting.remove(&(approval.seq, *id));
            if waiting.is_empty() {
                self.about.remove(&subject);
            }
        }
    }
}

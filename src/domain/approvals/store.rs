//! All requests of an organisation, and how each kind of event changes them.

use std::sync::Arc;

use uuid::Uuid;

use super::facts::{
    Claimed, Cleared, Closed, Decided, Edited, Executed, Failed, Reopened, Retried, Scheduled, Skipped, TriedAgain,
    Undone,
};
use super::index::{Indexes, Line};
use super::queue::Queue;
use super::{Approval, AuditLine, Consent, Execution, RiskLevel, Status, Verdict};
use crate::domain::people::Via;
use crate::domain::risk::History;
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The most lines of one request's life that are kept with it; the journal has them all.
pub const AUDIT_LINES_MAX: usize = 1_000;

/// The requests of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    table: Table<Uuid, Approval>,
    index: Indexes,
}

/// One line of a life, without its time and number.
type Said<'a> = (&'a str, Arc<str>, Via, Option<Arc<str>>);

impl Approvals {
    /// The request of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Approval> {
        self.table.get(id)
    }

    /// Those of a line that are older than `before` (a sequence number), newest first.
    pub fn of_line<'a>(&'a self, line: Option<&'a Line>, before: u64) -> impl Iterator<Item = &'a Approval> {
        line.into_iter().flat_map(move |line| line.range(..before).rev()).filter_map(|(_, id)| self.table.get(id))
    }

    /// Those of several lines, each once, that are older than `before`, newest first.
    pub fn of_lines<'a>(&'a self, lines: &[&'a Line], before: u64) -> impl Iterator<Item = &'a Approval> {
        let mut rests: Vec<_> = lines.iter().map(|line| line.range(..before).rev().peekable()).collect();
        std::iter::from_fn(move || {
            let newest = rests.iter_mut().filter_map(|rest| rest.peek().map(|(seq, _)| **seq)).max()?;
            let same = rests.iter_mut().filter_map(|rest| rest.next_if(|(seq, _)| **seq == newest));
            same.last().map(|(_, id)| id) // every line is drained of it
        })
        .filter_map(|id| self.table.get(id))
    }

    /// The orders in which they are looked for.
    pub fn index(&self) -> &Indexes {
        &self.index
    }

    /// Those older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64) -> impl Iterator<Item = &Approval> {
        self.of_line(Some(&self.index.all), before)
    }

    /// Those that wait for a decision and are older than `before`, newest first.
    pub fn waiting_before(&self, before: u64) -> impl Iterator<Item = &Approval> {
        self.of_line(self.index.by_status.of(&Status::Pending), before)
    }

    /// Those that wait, of one level of risk, and are older than `before`, newest first.
    pub fn waiting_of_risk(&self, level: RiskLevel, before: u64) -> impl Iterator<Item = &Approval> {
        self.of_line(self.index.waiting_by_risk.of(&Some(level)), before)
    }

    /// Those that wait and are about this thing, oldest first.
    pub fn waiting_about(&self, subject: &Uuid) -> impl Iterator<Item = &Approval> {
        let line = self.index.waiting_about.of(subject);
        line.into_iter().flatten().filter_map(|(_, id)| self.table.get(id))
    }

    /// Those that take this one back, oldest first.
    pub fn undos_of(&self, original: &Uuid) -> impl Iterator<Item = &Approval> {
        let line = self.index.undos.of(original);
        line.into_iter().flatten().filter_map(|(_, id)| self.table.get(id))
    }

    /// How many wait for a decision.
    pub fn waiting_count(&self) -> usize {
        self.count_of(Status::Pending)
    }

    /// How many stand so.
    pub fn count_of(&self, status: Status) -> usize {
        self.index.by_status.of(&status).map_or(0, Line::len)
    }

    /// Those whose time is over, first come first.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = &Approval> {
        let over = self.index.deadlines.iter().take_while(move |(at, _)| *at <= now);
        over.filter_map(|(_, id)| self.table.get(id))
    }

    /// When the next one's time is over.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.index.deadlines.first().map(|(at, _)| *at)
    }

    /// What is to run, and what runs.
    pub fn queue(&self) -> &Queue {
        &self.index.queue
    }

    /// What runs, in the order of submission.
    pub fn executing(&self) -> impl Iterator<Item = &Approval> {
        self.index.queue.running().filter_map(|id| self.table.get(id))
    }

    /// What became of the requests of somebody, by how they are shown.
    pub fn history_of_requester(&self, label: &str) -> History {
        self.index.history_of_requester(label)
    }

    /// What became of the requests for a capability.
    pub fn history_of_capability(&self, name: &str) -> History {
        self.index.history_of_capability(name)
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
        if let Some(old) = self.table.get(&approval.id) {
            self.index.leave(old);
        }
        self.index.enter(&approval);
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
        self.change(&event.id, seq, at, (what, by, via, note), |approval| {
            approval.status = event.status;
            if event.vote.verdict == Verdict::Rejected {
                approval.reason = event.vote.comment.clone();
            }
            if let Some(step) = approval.steps.get_mut(event.step as usize) {
                step.decisions.push(event.vote.clone());
            }
            if event.status == Status::Approved {
                approve(approval, at);
            }
        });
    }

    /// Folds in that the policy lets one run.
    pub fn cleared(&mut self, seq: u64, at: Timestamp, event: &Cleared) {
        self.change(&event.id, seq, at, of_itself("cleared", &event.reason), |approval| {
            approval.status = Status::Approved;
            approval.reason = Some(event.reason.clone());
            approve(approval, at);
        });
    }

    /// Folds in that one waits for its time.
    pub fn scheduled(&mut self, seq: u64, at: Timestamp, event: &Scheduled) {
        let note = event.reason.clone().unwrap_or_else(|| format!("runs at {}", event.runs_at).into());
        self.change(&event.id, seq, at, of_itself("scheduled", &note), |approval| {
            approval.status = Status::Scheduled;
            approval.reason = event.reason.clone();
            approval.runs_at = Some(event.runs_at);
        });
    }

    /// Folds in that one waits for decisions again.
    pub fn reopened(&mut self, seq: u64, at: Timestamp, event: &Reopened) {
        self.change(&event.id, seq, at, of_itself("reopened", &event.reason), |approval| {
            approval.status = Status::Pending;
            approval.reason = Some(event.reason.clone());
            (approval.consent, approval.runs_at, approval.decide_by) = (Consent::Votes, None, event.decide_by);
            for step in &mut approval.steps {
                step.decisions.retain(|vote| !event.void.contains(&vote.by));
            }
        });
    }

    /// Folds another payload in.
    pub fn edited(&mut self, seq: u64, at: Timestamp, event: &Edited) {
        self.change(&event.id, seq, at, ("edited", event.by.clone(), event.via, None), |approval| {
            approval.status = Status::Pending;
            approval.reason = None;
            approval.payload = event.payload.clone();
            approval.payload_hash = event.payload_hash;
            approval.preview = event.preview.clone();
            approval.risk = event.risk.clone();
            approval.steps = event.steps.clone();
            approval.beneficiary = event.beneficiary.clone();
            approval.subject = event.subject;
            approval.compensation = event.compensation.clone();
            approval.consent = Consent::Votes;
            if let Some(editor) = event.editor.as_ref().filter(|editor| !approval.editors.contains(editor)) {
                approval.editors.push(editor.clone());
            }
        });
    }

    /// Folds an end in.
    pub fn closed(&mut self, seq: u64, at: Timestamp, event: &Closed) {
        let said = (event.status.name(), event.by.clone(), event.via, event.reason.clone());
        self.change(&event.id, seq, at, said, |approval| {
            approval.status = event.status;
            approval.reason = event.reason.clone();
        });
    }

    /// Folds in that one begins to run.
    pub fn claimed(&mut self, seq: u64, at: Timestamp, event: &Claimed) {
        let said = ("executing", "schedule".into(), Via::Schedule, None);
        self.change(&event.id, seq, at, said, |approval| {
            approval.status = Status::Executing;
            approval.reason = None;
            let run = Execution { key: Some(event.key), task_id: Some(event.task_id), attempt: 1, ..Execution::NONE };
            approval.execution = Some(Execution { started_at: Some(at), ..run });
        });
    }

    /// Folds in that the same was done lately.
    pub fn skipped(&mut self, seq: u64, at: Timestamp, event: &Skipped) {
        let note = format!("{} did the same", event.original).into();
        self.change(&event.id, seq, at, of_itself("skipped", &note), |approval| {
            approval.status = Status::Skipped;
            approval.reason = Some(note.clone());
            let original = Some(event.original);
            approval.execution =
                Some(Execution { key: Some(event.key), finished_at: Some(at), original, ..Execution::NONE });
        });
    }

    /// Folds in that another try will be made.
    pub fn tried_again(&mut self, seq: u64, at: Timestamp, event: &TriedAgain) {
        self.change(&event.id, seq, at, of_itself("tried", &event.error), |approval| {
            let run = approval.execution.get_or_insert(Execution::NONE);
            (run.attempt, run.next_at, run.error) = (event.attempt, Some(event.next_at), Some(event.error.clone()));
        });
    }

    /// Folds an execution in.
    pub fn executed(&mut self, seq: u64, at: Timestamp, event: &Executed) {
        let said = ("executed", event.by.clone(), event.via, event.note.clone());
        self.change(&event.id, seq, at, said, |approval| {
            approval.status = Status::Executed;
            approval.reason = event.note.clone();
            let run = approval.execution.get_or_insert(Execution { started_at: Some(at), ..Execution::NONE });
            if event.task_id.is_some() && event.task_id != run.task_id {
                *run = Execution { started_at: Some(at), attempt: 1, ..Execution::NONE };
            }
            run.key = event.key.or(run.key);
            run.task_id = event.task_id.or(run.task_id);
            (run.finished_at, run.next_at, run.error) = (Some(at), None, None);
            run.result = event.result.clone();
            run.undo_payload = event.undo_payload.clone();
            run.undoable_until = event.undoable_until;
        });
    }

    /// Folds in that one failed, or that nobody knows.
    pub fn failed(&mut self, seq: u64, at: Timestamp, event: &Failed) {
        let said = (event.status.name(), event.by.clone(), event.via, Some(event.error.clone()));
        self.change(&event.id, seq, at, said, |approval| {
            approval.status = event.status;
            approval.reason = Some(event.error.clone());
            let run = approval.execution.get_or_insert(Execution::NONE);
            (run.finished_at, run.next_at, run.error) = (Some(at), None, Some(event.error.clone()));
        });
    }

    /// Folds in that one is to run once more.
    pub fn retried(&mut self, seq: u64, at: Timestamp, event: &Retried) {
        let said = ("retried", event.by.clone(), event.via, event.reason.clone());
        self.change(&event.id, seq, at, said, |approval| {
            approval.status = Status::Approved;
            approval.reason = event.reason.clone();
            approval.runs_at = Some(at);
        });
    }

    /// Folds in that what one did was taken back.
    pub fn undone(&mut self, seq: u64, at: Timestamp, event: &Undone) {
        let note = format!("by {}", event.undo).into();
        self.change(&event.id, seq, at, of_itself("undone", &note), |approval| {
            approval.status = Status::Undone;
            approval.reason = None;
        });
    }

    fn change(
        &mut self,
        id: &Uuid,
        seq: u64,
        at: Timestamp,
        (what, by, via, note): Said<'_>,
        change: impl FnOnce(&mut Approval),
    ) {
        let Some(approval) = self.table.get(id) else { return };
        self.index.leave(approval);
        self.table.update(id, |approval| {
            change(approval);
            if approval.audit.len() < AUDIT_LINES_MAX {
                approval.audit.push(AuditLine { seq, at, what: what.into(), by, via, note });
            }
        });
        if let Some(approval) = self.table.get(id) {
            self.index.enter(approval);
        }
    }
}

impl Execution {
    /// Nothing happened yet.
    pub const NONE: Self = Self {
        key: None,
        task_id: None,
        attempt: 0,
        started_at: None,
        finished_at: None,
        next_at: None,
        result: None,
        undo_payload: None,
        undoable_until: None,
        error: None,
        original: None,
    };
}

/// A line about what the server did of itself.
fn of_itself<'a>(what: &'a str, note: &Arc<str>) -> Said<'a> {
    (what, "schedule".into(), Via::Schedule, Some(note.clone()))
}

/// It may run from now on, or from when it was asked for.
pub(super) fn approve(approval: &mut Approval, at: Timestamp) {
    approval.runs_at = Some(approval.scheduled_for.map_or(at, |wanted| wanted.max(at)));
}

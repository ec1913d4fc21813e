//! All webhooks of an organisation, and what waits to be told.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::care::{Resent, Tested};
use super::log::{CallKind, Line, Log};
use super::settled::{Settled, SettledNotices};
use super::{Notice, NoticeAttempted, WAITING_BYTES_MAX, WAITING_MAX, Webhook};
use crate::domain::actions::{AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The webhooks of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Webhooks {
    table: Table<Uuid, Webhook>,
    by_seq: BTreeMap<u64, Uuid>,
    notices: Table<Uuid, Notice>,
    /// What waits for each, oldest first.
    waiting: BTreeMap<Uuid, BTreeSet<(u64, Uuid)>>,
    due: BTreeSet<(Timestamp, u64, Uuid)>,
    /// What waits for any of them, oldest first, and the bytes of its bodies.
    oldest: BTreeSet<(u64, Uuid)>,
    bytes: usize,
    /// What came of the newest calls.
    pub log: Log,
    /// What was taken or given up.
    pub settled: SettledNotices,
}

/// Why notices of a webhook are given up that waited when it was switched off.
pub const WAS_DISABLED: &str = "the webhook was switched off";

impl Webhooks {
    /// The webhook of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Webhook> {
        self.table.get(id)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Webhook> {
        self.by_seq.values().filter_map(|id| self.table.get(id))
    }

    /// Those that are told what happens, oldest first.
    pub fn enabled(&self) -> impl Iterator<Item = &Webhook> {
        self.iter().filter(|one| one.health.disabled_at.is_none())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The notice of this id, while it waits.
    pub fn notice(&self, id: &Uuid) -> Option<&Notice> {
        self.notices.get(id)
    }

    /// Every notice that waits, in no order.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.notices.values()
    }

    /// How many notices wait for a webhook.
    pub fn waiting_for(&self, id: &Uuid) -> usize {
        self.waiting.get(id).map_or(0, BTreeSet::len)
    }

    /// The notices, by when they are due.
    pub fn by_due(&self) -> impl Iterator<Item = &Notice> {
        self.due.iter().filter_map(|(_, _, id)| self.notices.get(id))
    }

    /// The next notice of each webhook that is told anything: each is told in the order in which it happened.
    pub fn heads(&self) -> impl Iterator<Item = (&Webhook, &Notice)> {
        self.enabled().filter_map(|webhook| {
            let (_, id) = self.waiting.get(&webhook.id)?.first()?;
            Some((webhook, self.notices.get(id)?))
        })
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.heads().map(|(_, notice)| notice.due_at).min()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
        self.notices.catch_up();
        self.log.catch_up();
        self.settled.catch_up();
    }

    /// The digests of webhooks, notices, calls and what is over.
    pub fn digests(&self) -> [Digest; 4] {
        [self.table.digest(), self.notices.digest(), self.log.digest(), self.settled.digest()]
    }

    /// Takes one in: new, or from a snapshot.
    pub fn put(&mut self, webhook: Webhook) {
        if let Some(old) = self.table.get(&webhook.id) {
            self.by_seq.remove(&old.seq);
        }
        self.by_seq.insert(webhook.seq, webhook.id);
        self.table.insert(webhook.id, webhook);
    }

    /// Takes one out, with all that waits for it.
    pub fn remove(&mut self, id: &Uuid) {
        if let Some(webhook) = self.table.remove(id) {
            self.by_seq.remove(&webhook.seq);
        }
        for (_, notice) in self.waiting.get(id).cloned().unwrap_or_default() {
            self.take(&notice);
        }
        self.log.forget(id);
        self.settled.forget(id);
    }

    /// Gives a webhook its next secret.
    pub fn rotate(&mut self, id: &Uuid, at: Timestamp) {
        self.table.update(id, |one| {
            one.generation = one.generation.saturating_add(1);
            one.rotated_at = Some(at);
        });
    }

    /// Switches a webhook on.
    pub fn enable(&mut self, id: &Uuid) {
        self.table.update(id, |one| one.health.enable());
    }

    /// Switches a webhook off; what waits for it is given up.
    pub fn disable(&mut self, id: &Uuid, at: Timestamp) {
        let waiting = self.waiting.get(id).cloned().unwrap_or_default();
        let given_up = waiting.len() as u64;
        self.table.update(id, |one| {
            one.health.disabled_at = Some(at);
            one.failed += given_up;
        });
        for (_, notice) in waiting {
            if let Some(notice) = self.take(&notice) {
                self.settled.add(Settled { notice, at, delivered: false, detail: WAS_DISABLED.into() });
            }
        }
    }

    /// Makes notices that are over due again.
    pub fn resend(&mut self, event: &Resent) {
        for id in &event.ids {
            if let Some(settled) = self.settled.take(id) {
                self.add_notice(Notice { failures: 0, due_at: event.due_at, ..settled.notice });
            }
        }
    }

    /// Counts a call to a webhook that is there and switched on.
    fn called(&mut self, line: Line) {
        let (outcome, at) = (line.outcome, line.at);
        let known = self.table.get(&line.webhook_id).is_some_and(|one| one.health.disabled_at.is_none());
        if known || line.kind == CallKind::Test && self.table.contains(&line.webhook_id) {
            self.table.update(&line.webhook_id, |one| one.health.note(outcome, at));
            self.log.add(line);
        }
    }

    /// Folds an attempt at an action for a webhook in.
    pub fn alerted(&mut self, webhook_id: Uuid, seq: u64, event: &Attempted) {
        let attempt = &event.attempt;
        if attempt.outcome != AttemptOutcome::Delivered {
            self.table.update(&webhook_id, |one| one.last_error = Some(attempt.detail.clone()));
        }
        self.called(Line {
            seq,
            webhook_id,
            kind: CallKind::Alert,
            id: event.id,
            at: attempt.at,
            outcome: attempt.outcome,
            detail: attempt.detail.clone(),
            next_at: attempt.next_at,
        });
    }

    /// Folds a test in.
    pub fn tested(&mut self, seq: u64, at: Timestamp, event: &Tested) {
        self.called(Line {
            seq,
            webhook_id: event.webhook_id,
            kind: CallKind::Test,
            id: event.id,
            at,
            outcome: event.outcome,
            detail: event.detail.clone(),
            next_at: None,
        });
    }

    /// Takes a notice in: new, or from a snapshot. Where too many wait, the oldest is let go.
    pub fn add_notice(&mut self, notice: Notice) {
        self.take(&notice.id);
        let waiting = self.waiting.entry(notice.webhook_id).or_default();
        waiting.insert((notice.seq, notice.id));
        let over = if waiting.len() > WAITING_MAX { waiting.first().map(|(_, id)| *id) } else { None };
        self.due.insert((notice.due_at, notice.seq, notice.id));
        self.oldest.insert((notice.seq, notice.id));
        self.bytes += notice.body.len();
        self.notices.insert(notice.id, notice);
        if let Some(oldest) = over {
            self.miss(&oldest);
        }
        while self.bytes > WAITING_BYTES_MAX
            && let Some((_, oldest)) = self.oldest.first().copied()
        {
            self.miss(&oldest);
        }
    }

    fn miss(&mut self, id: &Uuid) {
        if let Some(notice) = self.take(id) {
            self.table.update(&notice.webhook_id, |one| one.missed += 1);
        }
    }

    /// Folds an attempt in.
    pub fn attempted(&mut self, seq: u64, at: Timestamp, event: &NoticeAttempted) {
        let Some(notice) = self.take(&event.id) else { return };
        self.called(Line {
            seq,
            webhook_id: event.webhook_id,
            kind: CallKind::Notice,
            id: event.id,
            at,
            outcome: event.outcome,
            detail: event.detail.clone(),
            next_at: event.next_at,
        });
        self.table.update(&event.webhook_id, |one| {
            match event.status {
                ExecutionStatus::Delivered => one.delivered += 1,
                ExecutionStatus::Failed => one.failed += 1,
                ExecutionStatus::Pending | ExecutionStatus::Dismissed => {}
            }
            if event.status != ExecutionStatus::Delivered {
                one.last_error = Some(event.detail.clone());
            }
        });
        if let Some(due_at) = event.next_at {
            self.add_notice(Notice { failures: notice.failures.saturating_add(1), due_at, ..notice });
        } else {
            let delivered = event.status == ExecutionStatus::Delivered;
            self.settled.add(Settled { notice, at, delivered, detail: event.detail.clone() });
        }
    }

    fn take(&mut self, id: &Uuid) -> Option<Notice> {
        let notice = self.notices.remove(id)?;
        self.oldest.remove(&(notice.seq, notice.id));
        self.bytes -= notice.body.len();
        self.due.remove(&(notice.due_at, notice.seq, notice.id));
        if let Some(waiting) = self.waiting.get_mut(&notice.webhook_id) {
            waiting.remove(&(notice.seq, notice.id));
            if waiting.is_empty() {
                self.waiting.remove(&notice.webhook_id);
            }
        }
        Some(notice)
    }
}

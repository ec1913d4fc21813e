//! All webhooks of an organisation, and what waits to be told.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Notice, NoticeAttempted, WAITING_BYTES_MAX, WAITING_MAX, Webhook};
use crate::domain::actions::ExecutionStatus;
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
}

impl Webhooks {
    /// The webhook of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Webhook> {
        self.table.get(id)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Webhook> {
        self.by_seq.values().filter_map(|id| self.table.get(id))
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

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _, _)| *at)
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
        self.notices.catch_up();
    }

    /// The digests of webhooks and notices.
    pub fn digests(&self) -> [Digest; 2] {
        [self.table.digest(), self.notices.digest()]
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
    pub fn attempted(&mut self, event: &NoticeAttempted) {
        let Some(notice) = self.take(&event.id) else { return };
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

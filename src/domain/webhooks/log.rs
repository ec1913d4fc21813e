//! What came of the newest calls to each webhook, whatever they were about.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::actions::AttemptOutcome;
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The calls that are kept of each webhook.
pub const LINES_MAX: usize = 200;

/// What a call was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum CallKind {
    /// What happened.
    Notice,
    /// What a template asked for.
    Alert,
    /// Somebody tried it.
    Test,
}

/// What came of one call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Line {
    /// The sequence number of its event: the order of lists.
    pub seq: u64,
    pub webhook_id: Uuid,
    pub kind: CallKind,
    /// The `webhook-id` of the call: of the notice, the action or the test.
    pub id: Uuid,
    pub at: Timestamp,
    pub outcome: AttemptOutcome,
    /// The status and the beginning of the answer, or why there was none.
    pub detail: Arc<str>,
    pub next_at: Option<Timestamp>,
}

/// The status that a detail begins with, where there was an answer, and the rest.
pub fn answered(detail: &str) -> (Option<u16>, &str) {
    let (first, rest) = detail.split_once(' ').unwrap_or((detail, ""));
    let status = Some(first).filter(|text| text.len() == 3).and_then(|text| text.parse::<u16>().ok());
    match status.filter(|status| (100..600).contains(status)) {
        Some(status) => (Some(status), rest),
        None => (None, detail),
    }
}

/// The lines of all webhooks.
#[derive(Clone, Debug, Default)]
pub struct Log {
    table: Table<u64, Line>,
    of: BTreeMap<Uuid, VecDeque<u64>>,
}

impl Log {
    /// Takes a line in: new, or from a snapshot. Beyond the most that are kept the oldest of its webhook goes.
    pub fn add(&mut self, line: Line) {
        let own = self.of.entry(line.webhook_id).or_default();
        own.push_back(line.seq);
        let over = if own.len() > LINES_MAX { own.pop_front() } else { None };
        self.table.insert(line.seq, line);
        over.map(|seq| self.table.remove(&seq));
    }

    /// Lets go of the lines of a webhook.
    pub fn forget(&mut self, webhook: &Uuid) {
        for seq in self.of.remove(webhook).unwrap_or_default() {
            self.table.remove(&seq);
        }
    }

    /// The lines of a webhook before `before` (a sequence number), newest first.
    pub fn of(&self, webhook: &Uuid, before: u64) -> impl Iterator<Item = &Line> {
        let own = self.of.get(webhook).into_iter().flat_map(|own| own.iter().rev());
        own.filter(move |seq| **seq < before).filter_map(|seq| self.table.get(seq))
    }

    /// Every line, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.table.values()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_tells_its_status_where_there_was_an_answer() {
        assert_eq!(answered("500 sorry, not now"), (Some(500), "sorry, not now"));
        assert_eq!(answered("204"), (Some(204), ""));
        assert_eq!(answered("no answer in time"), (None, "no answer in time"));
        assert_eq!(answered("999 x"), (None, "999 x"));
        assert_eq!(answered(""), (None, ""));
    }
}

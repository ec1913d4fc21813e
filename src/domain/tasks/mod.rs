//! Tasks: the runs of approved requests, with their progress and what they said on the way. Every execution has one; a retry makes
//! another.

pub mod store;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ids::VenueId;
use super::time::Timestamp;

/// The most lines that are kept of what a task said: the last ones.
pub const LOG_LINES_MAX: usize = 1_000;
/// The longest line, in characters.
pub const LINE_CHARS_MAX: usize = 500;
/// A whole, in the thousandths in which progress is kept.
pub const PROGRESS_WHOLE: u16 = 1_000;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum TaskStatus {
    Running,
    Succeeded,
    Failed,
    InDoubt,
}

impl TaskStatus {
    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// Something that a task said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct LogLine {
    pub at: Timestamp,
    pub message: Arc<str>,
    /// In thousandths of the whole.
    pub progress: Option<u16>,
}

impl LogLine {
    /// A line of something that was said: one line of bounded length, whatever it was.
    pub fn of(at: Timestamp, message: &str, progress: Option<u16>) -> Self {
        let plain = message.chars().take(LINE_CHARS_MAX).map(|one| if one.is_control() { ' ' } else { one });
        Self { at, message: plain.collect::<String>().into(), progress: progress.map(|part| part.min(PROGRESS_WHOLE)) }
    }
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Task {
    pub id: Uuid,
    /// The sequence number that made it.
    pub seq: u64,
    pub approval_id: Uuid,
    pub venue_id: Option<VenueId>,
    pub capability: Arc<str>,
    pub status: TaskStatus,
    /// In thousandths of the whole.
    pub progress: u16,
    /// Oldest first.
    pub log: VecDeque<LogLine>,
    /// How many lines were let go.
    pub dropped: u64,
    /// Which try it is, 1 the first.
    pub attempt: u32,
    /// When it is tried again, where it waits for that.
    pub next_at: Option<Timestamp>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Task {
    /// A task that begins now.
    pub fn begun(id: Uuid, approval_id: Uuid, venue_id: Option<VenueId>, capability: Arc<str>, now: Timestamp) -> Self {
        Self {
            id,
            seq: 0, // given when the event is applied
            approval_id,
            venue_id,
            capability,
            status: TaskStatus::Running,
            progress: 0,
            log: VecDeque::new(),
            dropped: 0,
            attempt: 1,
            next_at: None,
            started_at: now,
            finished_at: None,
        }
    }

    /// The task of an effect that was there at once.
    #[must_use]
    pub fn done(self) -> Self {
        let finished_at = Some(self.started_at);
        Self { status: TaskStatus::Succeeded, progress: PROGRESS_WHOLE, finished_at, ..self }
    }

    /// Takes lines in.
    pub fn say(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        for line in lines {
            if let Some(progress) = line.progress {
                self.progress = progress;
            }
            if self.log.len() == LOG_LINES_MAX {
                self.log.pop_front();
                self.dropped += 1;
            }
            self.log.push_back(line);
        }
    }
}

/// What a task said since the last time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TaskProgressed {
    pub id: Uuid,
    pub approval_id: Uuid,
    pub venue_id: Option<VenueId>,
    pub lines: Vec<LogLine>,
}

/// How a task ended, or was settled later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TaskFinished {
    pub id: Uuid,
    pub approval_id: Uuid,
    pub venue_id: Option<VenueId>,
    pub status: TaskStatus,
    /// Its last line.
    pub line: Option<LogLine>,
}

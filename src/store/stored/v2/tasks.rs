//! Runs of requests.

use std::collections::VecDeque;

use crate::domain::tasks::{LogLine, Task, TaskFinished, TaskProgressed};
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen};

frozen! {
    /// Something that a run said.
    LogLineV2 of LogLine {
        at: i64,
        message: String,
        progress: Option<u16>,
    }

    /// A run as it stands. In an event the number is not its own yet.
    TaskV2 of Task {
        id: [u8; 16],
        seq: u64,
        approval_id: [u8; 16],
        venue_id: Option<String>,
        capability: String,
        status: u8,
        progress: u16,
        log: Vec<LogLineV2>,
        dropped: u64,
        attempt: u32,
        next_at: Option<i64>,
        started_at: i64,
        finished_at: Option<i64>,
    }

    /// What a run said since the last time.
    TaskProgressedV2 of TaskProgressed {
        id: [u8; 16],
        approval_id: [u8; 16],
        venue_id: Option<String>,
        lines: Vec<LogLineV2>,
    }

    /// How a run ended.
    TaskFinishedV2 of TaskFinished {
        id: [u8; 16],
        approval_id: [u8; 16],
        venue_id: Option<String>,
        status: u8,
        line: Option<LogLineV2>,
    }
}

impl Form<VecDeque<LogLine>> for Vec<LogLineV2> {
    fn freeze(value: &VecDeque<LogLine>) -> Self {
        value.iter().map(Form::freeze).collect()
    }

    fn thaw(self) -> Result<VecDeque<LogLine>, StoredError> {
        self.into_iter().map(Form::thaw).collect()
    }
}

//! What a run says on its way, written down one command after the other. Lines that come while one is being written go into the next;
//! while both are full the module waits.

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::actors::engine::Engine;
use crate::actors::org::OrgRef;
use crate::clock::now_ms;
use crate::delivery::modules::Progress;
use crate::domain::approvals::progress::ProgressTask;
use crate::domain::command::Command;
use crate::domain::people::Caller;
use crate::domain::tasks::{LOG_LINES_MAX, LogLine};
use crate::domain::time::Timestamp;

/// Lines that wait to be written down; a module that says more waits.
pub const WAITING_MAX: usize = 64;

/// Writes down what comes until whoever says it is done. What cannot be written down is let go: it is no part of the outcome.
pub async fn write_down(engine: &Engine, org: &OrgRef, task: Uuid, mut said: mpsc::Receiver<Progress>) {
    let mut left = LOG_LINES_MAX;
    let mut let_go = 0_usize;
    let mut come = Vec::with_capacity(WAITING_MAX);
    while said.recv_many(&mut come, WAITING_MAX).await > 0 {
        let lines = merged(come.drain(..));
        let kept = lines.len().min(left);
        (left, let_go) = (left - kept, let_go + lines.len() - kept);
        note(engine, org, task, lines.into_iter().take(kept).collect()).await;
    }
    if let_go > 0 {
        // A module that never stops talking must not fill the disk.
        let line = format!("{let_go} more lines were let go");
        note(engine, org, task, vec![LogLine::of(Timestamp(now_ms()), &line, None)]).await;
    }
}

async fn note(engine: &Engine, org: &OrgRef, task: Uuid, lines: Vec<LogLine>) {
    if lines.is_empty() {
        return;
    }
    let command = Command::ProgressTask(ProgressTask { task, lines });
    if let Err(refusal) = engine.command_unlimited(org, command, Caller::schedule()).await {
        tracing::debug!(org = %org.org_id, %task, %refusal, "progress was not written down");
    }
}

/// As lines of a log. Of several without a word the last one counts.
fn merged(said: impl Iterator<Item = Progress>) -> Vec<LogLine> {
    let at = Timestamp(now_ms());
    let mut lines: Vec<LogLine> = Vec::new();
    for one in said {
        let line = LogLine::of(at, one.message.as_deref().unwrap_or_default(), one.per_mille);
        if lines.last().is_some_and(|last| last.message.is_empty()) {
            lines.pop();
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_lines_without_a_word_the_last_one_counts() {
        let said = |per_mille, message: &str| Progress {
            per_mille,
            message: Some(message.to_owned()).filter(|text| !text.is_empty()),
        };
        let all = [said(Some(1), ""), said(Some(2), ""), said(Some(3), "three"), said(None, "word"), said(Some(4), "")];
        let lines = merged(all.into_iter());
        let shown: Vec<(&str, Option<u16>)> = lines.iter().map(|line| (&*line.message, line.progress)).collect();
        assert_eq!(shown, [("three", Some(3)), ("word", None), ("", Some(4))]);
    }
}

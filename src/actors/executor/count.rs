//! What the executor counts.

use metrics::{counter, gauge};

use crate::domain::approvals::finish::Outcome;

/// Tries of executions, by how they ended.
pub const EXECUTIONS: &str = "action_center_executions_total";
/// Executions that are on their way.
pub const RUNNING: &str = "action_center_executions_running";

/// Counts the end of a try.
pub fn ended(outcome: &Outcome) {
    let name = match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Failed { .. } => "failed",
        Outcome::Doubt { .. } => "in_doubt",
        Outcome::Again { .. } => "again",
    };
    counter!(EXECUTIONS, "outcome" => name).increment(1);
}

/// Counts those that are on their way.
pub fn running(more: f64) {
    gauge!(RUNNING).increment(more);
}

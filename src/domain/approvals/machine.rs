//! The machine: every status that a request can have, and every move between two of them, as one table.
//!
//! ```text
//!  submitted ─► pending ─► approved ─► scheduled ─► executing ─► executed ─► undone
//!                 │ │          │                       │ │
//!                 │ └► expired └► cancelled            │ └► in_doubt ─► executed | failed
//!                 └► rejected | cancelled              └► failed ─► (retry) approved
//!  a duplicate of a finished execution ─► skipped
//! ```
//! A built-in capability whose effect is a record of the same commit goes from approved to executed in one move: no crash can come
//! between the effect and its record. A retry leads back to approved, so that every run goes through the claim with all it checks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::rejection::Rejection;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Status {
    Pending,
    Approved,
    Scheduled,
    Executing,
    Executed,
    Undone,
    Rejected,
    Cancelled,
    Expired,
    Failed,
    InDoubt,
    Skipped,
}

use Status::{
    Approved, Cancelled, Executed, Executing, Expired, Failed, InDoubt, Pending, Rejected, Scheduled, Skipped, Undone,
};

impl Status {
    /// Every status.
    pub const ALL: [Self; 12] = [
        Pending, Approved, Scheduled, Executing, Executed, Undone, Rejected, Cancelled, Expired, Failed, InDoubt,
        Skipped,
    ];

    /// The name outside.
    pub fn name(self) -> &'static str {
        match self {
            Pending => "pending",
            Approved => "approved",
            Scheduled => "scheduled",
            Executing => "executing",
            Executed => "executed",
            Undone => "undone",
            Rejected => "rejected",
            Cancelled => "cancelled",
            Expired => "expired",
            Failed => "failed",
            InDoubt => "in_doubt",
            Skipped => "skipped",
        }
    }
}

/// What moves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// A decision after which somebody is still waited for.
    Vote,
    /// The decision that completes the last step.
    Approve,
    /// A decision against it.
    Reject,
    /// Somebody takes it back, or what it is about is gone.
    Cancel,
    /// Its time is over.
    Expire,
    /// Its steps begin again: an edit, or a decision that became void.
    Restart,
    /// It waits for its time.
    Schedule,
    /// Its execution begins.
    Claim,
    /// Its effect is a record of the same commit.
    Apply,
    /// A try of its execution came to nothing, and another will be made.
    Again,
    /// Its execution did it.
    Finish,
    /// Its execution did not do it, or may be run again without harm.
    Fail,
    /// Nobody knows whether its execution did it.
    Doubt,
    /// It is to run once more.
    Retry,
    /// A finished execution of the same is linked instead.
    Skip,
    /// Its undo was executed.
    Undo,
}

/// From, by, to. What has no row cannot happen.
pub const TABLE: &[(Status, Move, Status)] = &[
    (Pending, Move::Vote, Pending),
    (Pending, Move::Approve, Approved),
    (Pending, Move::Reject, Rejected),
    (Pending, Move::Cancel, Cancelled),
    (Pending, Move::Expire, Expired),
    (Pending, Move::Restart, Pending),
    (Approved, Move::Restart, Pending),
    (Approved, Move::Cancel, Cancelled),
    (Approved, Move::Expire, Expired),
    (Approved, Move::Schedule, Scheduled),
    (Approved, Move::Claim, Executing),
    (Approved, Move::Apply, Executed),
    (Approved, Move::Skip, Skipped),
    (Approved, Move::Fail, Failed),
    // somebody objects while it is held for that
    (Scheduled, Move::Reject, Rejected),
    (Scheduled, Move::Restart, Pending),
    (Scheduled, Move::Cancel, Cancelled),
    (Scheduled, Move::Expire, Expired),
    (Scheduled, Move::Schedule, Scheduled),
    (Scheduled, Move::Claim, Executing),
    (Scheduled, Move::Apply, Executed),
    (Scheduled, Move::Skip, Skipped),
    (Scheduled, Move::Fail, Failed),
    (Executing, Move::Again, Executing),
    (Executing, Move::Finish, Executed),
    (Executing, Move::Fail, Failed),
    (Executing, Move::Doubt, InDoubt),
    (Failed, Move::Retry, Approved),
    (InDoubt, Move::Finish, Executed),
    (InDoubt, Move::Fail, Failed),
    (Executed, Move::Undo, Undone),
];

/// Where a move leads from here; `None` when it cannot happen.
pub fn next(from: Status, by: Move) -> Option<Status> {
    TABLE.iter().find(|(own, of, _)| *own == from && *of == by).map(|(_, _, to)| *to)
}

/// Where a move leads from here.
///
/// # Errors
/// [`Rejection::AlreadyRunning`], [`Rejection::WrongStatus`].
pub fn moved(from: Status, by: Move) -> Result<Status, Rejection> {
    next(from, by).ok_or(match from {
        Executing => Rejection::AlreadyRunning,
        from => Rejection::WrongStatus { status: from.name() },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_status_is_reached_from_pending_and_the_ends_are_ends() {
        let mut reached = vec![Pending];
        let mut at = 0;
        while at < reached.len() {
            let from = reached[at];
            for (_, _, to) in TABLE.iter().filter(|(own, _, _)| *own == from) {
                if !reached.contains(to) {
                    reached.push(*to);
                }
            }
            at += 1;
        }
        assert_eq!(reached.len(), Status::ALL.len(), "{reached:?}");
        let ends: BTreeSet<&str> = Status::ALL
            .iter()
            .filter(|one| !TABLE.iter().any(|(from, _, _)| from == *one))
            .map(|one| one.name())
            .collect();
        assert_eq!(ends, BTreeSet::from(["cancelled", "expired", "rejected", "skipped", "undone"]));
    }

    #[test]
    fn a_move_leads_to_one_place_and_nothing_runs_that_was_not_approved() {
        for (at, (from, by, _)) in TABLE.iter().enumerate() {
            assert!(TABLE[..at].iter().all(|(own, of, _)| (own, of) != (from, by)), "{from:?} {by:?}");
        }
        let runs = |by: &Move| matches!(by, Move::Claim | Move::Apply | Move::Finish);
        let from: BTreeSet<&str> = TABLE.iter().filter(|(_, by, _)| runs(by)).map(|(from, _, _)| from.name()).collect();
        assert_eq!(from, BTreeSet::from(["approved", "executing", "in_doubt", "scheduled"]));
        assert_eq!(next(Pending, Move::Claim), None);
        assert_eq!(next(Rejected, Move::Approve), None);
    }
}

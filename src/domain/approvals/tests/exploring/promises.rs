//! The promises, told once more without the machine: what a person would look for who reads the record.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Act, person};
use crate::domain::approvals::machine::{Move, next};
use crate::domain::approvals::{Approval, Assignee, Consent, Status, Verdict, Vote};
use crate::domain::event::Event;
use crate::domain::state::TenantState;

type Changed = BTreeMap<&'static str, Option<&'static str>>;

/// What really happened, whatever was written down.
#[derive(Clone)]
pub struct Ghost {
    idempotent: bool,
    /// The hash of each request when it was submitted.
    first: Vec<[u8; 32]>,
    /// The hash that somebody saw who voted.
    saw: BTreeMap<(Uuid, String), [u8; 32]>,
    /// How often a module did what a key stands for.
    effects: BTreeMap<[u8; 32], usize>,
    /// The requests whose runs did it.
    did: BTreeSet<Uuid>,
    /// Where requests ended for good.
    ended: BTreeMap<Uuid, Status>,
}

impl Ghost {
    pub fn of(state: &TenantState, requests: &[Uuid], idempotent: bool) -> Self {
        let first = requests.iter().map(|id| state.approvals.get(id).expect("a request").payload_hash).collect();
        let (saw, effects, did, ended) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { idempotent, first, saw, effects, did, ended }
    }

    pub fn first_hash(&self, on: usize) -> [u8; 32] {
        self.first[on]
    }

    pub fn submitted(&mut self, approval: &Approval) {
        self.first.push(approval.payload_hash);
    }

    /// The module does it; one that knows its keys does it once.
    pub fn effect(&mut self, approval: &Approval) {
        let times = self.effects.entry(approval.key()).or_default();
        *times = if self.idempotent { 1 } else { *times + 1 };
        self.did.insert(approval.id);
    }

    /// Whether a run of this request did it.
    pub fn did(&self, approval: &Approval) -> bool {
        self.did.contains(&approval.id)
    }

    /// A vote, and whether it is on what stands there now.
    pub fn shown(&self, approval: &Approval, vote: &Vote) -> (String, bool) {
        let name = vote.by.as_str().to_owned();
        let saw = self.saw.get(&(approval.id, name.clone()));
        let current = saw.is_none_or(|hash| *hash == approval.payload_hash);
        (name, current)
    }

    /// What must hold at an event.
    pub fn check(
        &mut self,
        before: &TenantState,
        after: &TenantState,
        event: &Event,
        moves: &[(Uuid, Move)],
        changed: &Changed,
        act: &Act,
    ) {
        for (id, by) in moves {
            let (was, is) = (before.approvals.get(id).expect("a request"), after.approvals.get(id).expect("a request"));
            assert_eq!(next(was.status, *by), Some(is.status), "{act:?}: {:?} {by:?}", was.status);
            if matches!(by, Move::Claim | Move::Apply) {
                self.agreed(was, after, changed, act);
            }
        }
        if let Event::ApprovalDecided(decided) = event {
            let approval = before.approvals.get(&decided.id).expect("a request");
            let voter = decided.vote.by.as_str().to_owned();
            assert!(!approval.is_of(&decided.vote.by), "{act:?}: their own request");
            self.saw.insert((decided.id, voter), approval.payload_hash);
        }
    }

    /// Nothing runs but with the quorum of distinct other people on exactly this payload, as they are now.
    fn agreed(&self, approval: &Approval, state: &TenantState, changed: &Changed, act: &Act) {
        if approval.consent != Consent::Votes {
            let left = approval.requester.as_ref().is_some_and(|id| person(id.as_str(), changed).is_none());
            assert!(!left, "{act:?}: in the name of somebody who left");
            return;
        }
        let mut people = BTreeSet::new();
        for step in &approval.steps {
            let mut enough = 0;
            for vote in &step.decisions {
                let name = vote.by.as_str();
                assert_eq!(vote.verdict, Verdict::Approved, "{act:?}");
                assert!(people.insert(name.to_owned()), "{act:?}: {name} twice");
                assert!(
                    Some(&vote.by) != approval.requester.as_ref() && !approval.editors.contains(&vote.by),
                    "{act:?}"
                );
                // What was decided before the world began is not on record here.
                let seen = self.saw.get(&(approval.id, name.to_owned()));
                assert_eq!(
                    *seen.unwrap_or(&approval.payload_hash),
                    approval.payload_hash,
                    "{act:?}: {name} saw another"
                );
                let now = person(name, changed).unwrap_or_else(|| panic!("{act:?}: {name} left"));
                let may = match &step.who {
                    Assignee::User(id) => id.as_str() == name,
                    Assignee::Role(role) => now.role == Some(*role),
                    Assignee::Authority(rung) => state.organisation().is_enough(&now.held, rung),
                };
                assert!(may, "{act:?}: {name} may not decide this any more");
                enough += 1;
            }
            assert!(enough >= step.quorum, "{act:?}: the quorum of {}", step.name);
        }
    }

    /// What must hold in every state.
    pub fn holds(&mut self, state: &TenantState, requests: &[Uuid], act: &Act) {
        for id in requests {
            let one = state.approvals.get(id).expect("a request");
            let times = self.effects.get(&one.key()).copied().unwrap_or(0);
            assert!(times <= 1, "{act:?}: done {times} times");
            let of_module = one.execution.as_ref().is_some_and(|run| run.key.is_some()) && &*one.module == "till";
            match one.status {
                Status::Executed if of_module => assert!(self.did(one), "{act:?}: written down and not done"),
                Status::Failed if !self.idempotent => assert!(!self.did(one), "{act:?}: done, and may be run again"),
                _ => {}
            }
            if let Some(end) = self.ended.get(id) {
                assert_eq!(one.status, *end, "{act:?}: an end is an end");
            }
            use Status::{Cancelled, Expired, Rejected, Skipped, Undone};
            if matches!(one.status, Rejected | Cancelled | Expired | Skipped | Undone) {
                self.ended.insert(*id, one.status);
            }
        }
    }
}

/// The moves of an event.
pub fn moves(before: &TenantState, event: &Event) -> Vec<(Uuid, Move)> {
    let status = |id: &Uuid| before.approvals.get(id).expect("a request").status;
    let one = match event {
        Event::ApprovalDecided(it) => {
            let by = match it.status {
                Status::Approved => Move::Approve,
                Status::Rejected => Move::Reject,
                _ => Move::Vote,
            };
            (it.id, by)
        }
        Event::ApprovalClosed(it) => (it.id, if it.status == Status::Expired { Move::Expire } else { Move::Cancel }),
        Event::ApprovalCleared(it) => (it.id, Move::Approve),
        Event::ApprovalScheduled(it) => (it.id, Move::Schedule),
        Event::ApprovalReopened(it) => (it.id, Move::Restart),
        Event::ApprovalEdited(it) => (it.id, Move::Restart),
        Event::ApprovalClaimed(it) => (it.id, Move::Claim),
        Event::ApprovalSkipped(it) => (it.id, Move::Skip),
        Event::ApprovalTriedAgain(it) => (it.id, Move::Again),
        Event::ApprovalExecuted(it) => {
            let ran = matches!(status(&it.id), Status::Executing | Status::InDoubt);
            (it.id, if ran { Move::Finish } else { Move::Apply })
        }
        Event::ApprovalFailed(it) => (it.id, if it.status == Status::InDoubt { Move::Doubt } else { Move::Fail }),
        Event::ApprovalRetried(it) => (it.id, Move::Retry),
        Event::ApprovalUndone(it) => (it.id, Move::Undo),
        _ => return Vec::new(),
    };
    vec![one]
}

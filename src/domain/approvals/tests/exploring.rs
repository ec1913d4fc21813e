//! Every history within small bounds, on the real decide and apply: breadth first, each state once, every command by everybody in every
//! state, so that duplicates, late and reordered ones are among them. After every step the promises hold; in the end every status, every
//! row of the table and every refusal was met, and the number of states is what it was.

mod promises;
mod worlds;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::json;
use uuid::Uuid;

use self::promises::Ghost;
use crate::domain::aggregate::Aggregate;
use crate::domain::approvals::claim::ClaimApproval;
use crate::domain::approvals::decide::DecideApproval;
use crate::domain::approvals::finish::{FinishExecution, Outcome};
use crate::domain::approvals::machine::{Move, TABLE};
use crate::domain::approvals::{Approval, Status, Verdict, hex};
use crate::domain::blocks::place::Tick;
use crate::domain::capabilities::commands::DeleteCapability;
use crate::domain::command::Command;
use crate::domain::decision::Context;
use crate::domain::ids::IdSource;
use crate::domain::people::{Caller, Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::tasks::{Task, TaskStatus};
use crate::domain::testing::{cancelling, editing, key, key_of, retrying, settling, staff, undoing};
use crate::domain::time::{HOUR_MS, Timestamp};

/// What somebody, or the world, may do next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// On the payload as it stands, or as it was submitted.
    Decide {
        who: &'static str,
        on: usize,
        verdict: bool,
        stale: bool,
    },
    Edit {
        who: &'static str,
        on: usize,
    },
    Cancel {
        who: &'static str,
        on: usize,
    },
    Claim {
        on: usize,
    },
    /// Somebody gets another role, or leaves.
    Change {
        who: &'static str,
        to: Option<&'static str>,
    },
    Later,
    Tick,
    /// A try ends: whether the module did it, and what is known of that.
    Finish {
        on: usize,
        did: bool,
        known: Known,
    },
    /// A report about a task that is over.
    Late {
        on: usize,
    },
    Retry {
        who: &'static str,
        on: usize,
    },
    /// Says how it really was.
    Settle {
        who: &'static str,
        on: usize,
    },
    Undo {
        who: &'static str,
        on: usize,
    },
    /// The module takes its capability out.
    Remove,
}

/// What is known of the end of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// How it was.
    All,
    /// Nothing: there was no answer.
    Nothing,
    /// Nothing: the process stopped between the effect and its record, and a new one found the run.
    Stopped,
}

/// Where it all begins, and what may happen.
struct World {
    name: &'static str,
    start: TenantState,
    now: Timestamp,
    requests: Vec<Uuid>,
    /// How many hours the clock goes on at most.
    hours: i64,
    /// Whether the module knows a repetition by its key.
    idempotent: bool,
    acts: fn(&State) -> Vec<Act>,
}

/// A state of it.
#[derive(Clone)]
struct State {
    state: TenantState,
    hour: i64,
    /// Who has another role, or none.
    changed: BTreeMap<&'static str, Option<&'static str>>,
    /// In the order of submission.
    requests: Vec<Uuid>,
    ghost: Ghost,
}

/// Somebody, as they are now.
fn person(name: &str, changed: &BTreeMap<&'static str, Option<&'static str>>) -> Option<Caller> {
    let role = match changed.get(name) {
        Some(None) => return None,
        Some(Some(role)) => Role::named(role).expect("a role"),
        None => match name {
            "olga" | "otto" | "oda" => Role::Owner,
            "mia" => Role::Manager,
            "gus" => Role::Gm,
            _ => Role::Staff,
        },
    };
    Some(staff(name, role))
}

/// A caller: a person, the key of one (`mia's key`), or a key of nobody.
fn caller(who: &str, state: &State) -> Option<Caller> {
    match who {
        "key" => Some(key(Held::Top)),
        other => match other.strip_suffix("'s key") {
            Some(name) => person(name, &state.changed).map(|one| key_of(name, one.held)),
            None => person(other, &state.changed),
        },
    }
}

impl State {
    fn approval(&self, on: usize) -> &Approval {
        self.state.approvals.get(&self.requests[on]).expect("a request")
    }

    fn task(&self, on: usize) -> Option<&Task> {
        let task = self.approval(on).execution.as_ref()?.task_id?;
        self.state.tasks.get(&task)
    }

    /// The command of an act and who gives it; nothing where the act has none here.
    fn command(&self, act: &Act) -> Option<(Command, Caller)> {
        let server = Caller::schedule();
        let of = |on: usize| self.requests.get(on).copied();
        Some(match act {
            Act::Decide { who, on, verdict, stale } => {
                let (id, approval) = (of(*on)?, self.approval(*on));
                let hash = if *stale { self.ghost.first_hash(*on) } else { approval.payload_hash };
                let verdict = if *verdict { Verdict::Approved } else { Verdict::Rejected };
                let decide = DecideApproval { id, verdict, payload_hash: Some(hex(&hash)), comment: None };
                (decide.into(), caller(who, self)?)
            }
            Act::Edit { who, on } => (editing(of(*on)?, json!({ "amount": 81 })).into(), caller(who, self)?),
            Act::Cancel { who, on } => (cancelling(of(*on)?).into(), caller(who, self)?),
            Act::Claim { on } => {
                let people =
                    ["mia", "olga", "otto", "oda", "gus"].iter().filter_map(|name| person(name, &self.changed));
                (ClaimApproval { id: of(*on)?, people: people.collect() }.into(), server)
            }
            Act::Tick => (Tick { at_most: 10 }.into(), server),
            Act::Finish { on, did, known } => {
                let task = self.task(*on).filter(|task| task.status == TaskStatus::Running)?;
                (FinishExecution { task: task.id, outcome: outcome(*did, *known) }.into(), server)
            }
            Act::Late { on } => {
                let current = self.task(*on).filter(|task| task.status == TaskStatus::Running).map(|task| task.id);
                let id = of(*on)?;
                let over = self.state.tasks.iter().find(|task| task.approval_id == id && Some(task.id) != current)?;
                (FinishExecution { task: over.id, outcome: outcome(true, Known::All) }.into(), server)
            }
            Act::Retry { who, on } => (retrying(of(*on)?).into(), caller(who, self)?),
            Act::Settle { who, on } => {
                let did = self.ghost.did(self.approval(*on));
                let outcome = if did { Status::Executed } else { Status::Failed };
                (settling(of(*on)?, outcome).into(), caller(who, self)?)
            }
            Act::Undo { who, on } => (undoing(of(*on)?).into(), caller(who, self)?),
            Act::Remove => (DeleteCapability { name: "till.refund".into(), of_others: true }.into(), key(Held::Top)),
            Act::Change { .. } | Act::Later => return None,
        })
    }
}

fn outcome(did: bool, known: Known) -> Outcome {
    match (known, did) {
        (Known::All, true) => {
            Outcome::Done { result: json!({ "ok": true }), undo_payload: Some(json!({ "amount": -1 })) }
        }
        (Known::All, false) => Outcome::Failed { error: "refused".into() },
        (Known::Nothing, _) => Outcome::Doubt { error: "no answer".into() },
        (Known::Stopped, _) => Outcome::Again { error: "stopped in the middle".into(), after_ms: Some(0) },
    }
}

/// What was met on the way.
#[derive(Default)]
struct Met {
    statuses: BTreeSet<&'static str>,
    rows: BTreeSet<(&'static str, String)>,
    refusals: BTreeSet<String>,
}

/// Goes through everything; gives the number of states.
fn explore(world: &World, met: &mut Met) -> usize {
    let first = State {
        state: world.start.clone(),
        hour: 0,
        changed: BTreeMap::new(),
        requests: world.requests.clone(),
        ghost: Ghost::of(&world.start, &world.requests, world.idempotent),
    };
    let mut seen = BTreeSet::from([first.shown()]);
    let mut open = VecDeque::from([first]);
    let mut seed = 1_000;
    while let Some(state) = open.pop_front() {
        for on in 0..state.requests.len() {
            met.statuses.insert(state.approval(on).status.name());
        }
        for act in (world.acts)(&state) {
            seed += 1;
            let Some(next) = step(&state, &act, world, seed, met) else { continue };
            if seen.insert(next.shown()) {
                open.push_back(next);
            }
        }
    }
    seen.len()
}

/// The state after an act; nothing where it changes nothing.
fn step(state: &State, act: &Act, world: &World, seed: u64, met: &mut Met) -> Option<State> {
    match act {
        Act::Later if state.hour < world.hours => return Some(State { hour: state.hour + 1, ..state.clone() }),
        Act::Later => return None,
        Act::Change { who, to } => {
            let mut next = state.clone();
            return (next.changed.insert(*who, *to) != Some(*to)).then_some(next);
        }
        _ => {}
    }
    let (command, caller) = state.command(act)?;
    let now = world.now.plus_ms(state.hour * HOUR_MS);
    let mut context = Context { now, ids: IdSource::new(now.0, seed), caller: &caller };
    let decision = match state.state.decide(command, &mut context) {
        Ok(decision) if decision.events.is_empty() => return None,
        Ok(decision) => decision,
        Err(refusal) => {
            met.refusals.insert(name_of(&refusal));
            return None;
        }
    };
    let mut next = state.clone();
    if let Act::Finish { on, did: true, .. } = act {
        next.ghost.effect(state.approval(*on)); // before anything was written down
    }
    for event in &decision.events {
        let before = next.state.clone();
        next.state.apply(before.last_seq() + 1, now, event);
        let moves = promises::moves(&before, event);
        for (id, by) in &moves {
            let from = before.approvals.get(id).expect("a request").status;
            met.rows.insert((from.name(), format!("{by:?}")));
        }
        next.ghost.check(&before, &next.state, event, &moves, &state.changed, act);
        if let crate::domain::event::Event::ApprovalSubmitted(approval) = event {
            next.requests.push(approval.id);
            next.ghost.submitted(approval);
        }
    }
    next.ghost.holds(&next.state, &next.requests, act);
    Some(next)
}

fn name_of(refusal: &Rejection) -> String {
    let whole = format!("{refusal:?}");
    whole.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

impl State {
    /// What tells it from others: no ids, no order of what has none, nothing that only tells how it came to be.
    fn shown(&self) -> String {
        let index = |id: &Uuid| self.requests.iter().position(|one| one == id);
        let requests: Vec<String> = (0..self.requests.len())
            .map(|on| {
                let one = self.approval(on);
                let votes: Vec<BTreeSet<_>> = one
                    .steps
                    .iter()
                    .map(|step| step.decisions.iter().map(|vote| self.ghost.shown(one, vote)).collect())
                    .collect();
                let run = one.execution.as_ref();
                let task = self.task(on).map(|task| (task.status, task.attempt, task.next_at));
                format!(
                    "{:?} {:?} {votes:?} {:?} {} {:?} {:?} {:?} {task:?} {:?} {:?} {} {}",
                    one.status,
                    one.consent,
                    one.editors,
                    one.payload.as_str(),
                    one.runs_at,
                    one.decide_by,
                    run.map(|run| (run.undo_payload.is_some(), run.undoable_until)),
                    one.undo_of.as_ref().and_then(index),
                    run.and_then(|run| run.original.as_ref()).and_then(index),
                    self.state.tasks.iter().filter(|task| task.approval_id == one.id).count().min(2),
                    self.ghost.did(one),
                )
            })
            .collect();
        format!("{} {:?} {} {requests:?}", self.hour, self.changed, self.state.capabilities.len())
    }
}

#[test]
fn every_history_within_the_bounds_keeps_the_promises() {
    let mut met = Met::default();
    let mut count = |make: &fn() -> World| {
        let world = make();
        (world.name, explore(&world, &mut met))
    };
    let counts: Vec<(&str, usize)> = worlds::ALL.iter().map(&mut count).collect();
    assert_eq!(met.statuses.len(), Status::ALL.len(), "{:?}", met.statuses);
    let rows: BTreeSet<(&str, String)> =
        TABLE.iter().map(|(from, by, _): &(Status, Move, Status)| (from.name(), format!("{by:?}"))).collect();
    let missing: Vec<_> = rows.difference(&met.rows).collect();
    let refusals: Vec<&str> = met.refusals.iter().map(String::as_str).collect();
    assert_eq!(
        (counts.as_slice(), refusals.as_slice(), missing),
        (&worlds::COUNTS[..], &worlds::REFUSALS[..], Vec::new())
    );
    assert_eq!(met.rows, rows, "and no others");
}

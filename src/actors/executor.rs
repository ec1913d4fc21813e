//! The executor: has approved work carried out, and reports back with a command. What it does is derived from durable state, as the
//! courier's work is: after a restart the same derivation finds what is due, what runs, and what was cut off.
//!
//! ```text
//! look ─┬─ due ──────► claim ─► an effect of our own, in that commit
//!       │                └────► a call ─► progress … ─► finish
//!       ├─ to be tried again ─► a call ─► progress … ─► finish
//!       └─ cut off ───────────────────────────────────► finish: again where that does no harm, else in doubt
//! ```
//! Promise: a claim is on record before anything is called, and how a call went before another is made; what is not idempotent is called at
//! most once for each claim; nothing that was approved is forgotten. Never here: deciding whether something may run.

mod count;
mod effect;
mod look;
mod places;
mod progress;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

pub use self::count::{EXECUTIONS, RUNNING};
pub use self::effect::Outside;
use self::look::{Claimed, What, Work, claimed, look};
use self::places::{Place, Places};
use super::agenda::Chore;
use super::engine::Engine;
use super::org::OrgRef;
use super::refusal::Refusal;
use crate::clock::now_ms;
use crate::domain::approvals::claim::ClaimApproval;
use crate::domain::approvals::due::Run;
use crate::domain::approvals::finish::{FinishExecution, Outcome};
use crate::domain::command::Command;
use crate::domain::ids::UserId;
use crate::domain::people::Caller;
use crate::domain::time::Timestamp;

/// How long to wait before looking again when an organisation could not be asked, or a claim came to nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Waits between tries to write down how a run went, in milliseconds; the last one repeats for as long as the process lives.
const RECORD_AGAIN_MS: [u64; 5] = [100, 500, 2_000, 5_000, 10_000];

/// The executor.
pub struct Executor {
    outside: Outside,
    places: Arc<Places>,
}

impl Executor {
    /// An executor that reaches the outside in these ways.
    pub fn new(outside: Outside) -> Self {
        Self { outside, places: Arc::new(Places::new()) }
    }

    /// Begins what there is to do in an organisation, as far as it has places free. Whatever ends has it looked at again.
    pub async fn dispatch(self: &Arc<Self>, engine: &Engine, org: &OrgRef) {
        if engine.is_stopping() {
            return;
        }
        match self.begin(engine, org).await {
            Ok(None) | Err(Refusal::Quarantined | Refusal::Stopping) => {}
            Ok(Some(next)) => engine.agenda().no_later_than(Chore::Execute, org.stream, next.0),
            Err(refusal) => {
                tracing::debug!(org = %org.org_id, %refusal, "what is approved could not be looked at");
                let again = Timestamp(now_ms()).plus_ms(LOOK_AGAIN.as_millis().try_into().unwrap_or(i64::MAX));
                engine.agenda().no_later_than(Chore::Execute, org.stream, again.0);
            }
        }
    }

    /// Waits until nothing is on its way any more; nothing new begins once the engine is stopping.
    pub async fn idle(&self) {
        self.places.all_free().await;
    }

    async fn begin(self: &Arc<Self>, engine: &Engine, org: &OrgRef) -> Result<Option<Timestamp>, Refusal> {
        let room = self.places.room(org.stream);
        if room.calls == 0 && room.records == 0 {
            return Ok(None);
        }
        engine.services().writable(true, 0, now_ms())?; // nothing is called whose end could not be written down
        let now = Timestamp(now_ms());
        let (found, _) = engine.read_unlimited(org, move |state| look(state, now, &room)).await?;
        for work in found.work {
            let Some(place) = self.places.take(engine, org.stream, work.id, work.kind) else { continue };
            let (executor, engine, org) = (self.clone(), engine.clone(), org.clone());
            tokio::spawn(async move { executor.carry(&engine, &org, work, place).await });
        }
        Ok(found.next)
    }

    /// Does one thing, and keeps its place until that is on record.
    async fn carry(&self, engine: &Engine, org: &OrgRef, work: Work, _place: Place) {
        match work.what {
            What::Claim(_) if engine.is_stopping() => {}
            What::Claim(people) => {
                if let Some(run) = self.claim(engine, org, work.id, people).await {
                    self.run(engine, org, &run).await;
                }
            }
            What::Try(run) if !engine.is_stopping() => self.run(engine, org, &run).await,
            What::Try(_) => {}
            What::CutOff(run) => {
                let error = "the server stopped before it knew how this went".into();
                finish(engine, org, &run, Outcome::Again { error, after_ms: Some(0) }).await;
            }
        }
    }

    /// Lets the rules decide whether a request runs; gives what is to be carried out.
    async fn claim(&self, engine: &Engine, org: &OrgRef, id: Uuid, people: Vec<UserId>) -> Option<Box<Run>> {
        let people = match standing(engine, org, people).await {
            Ok(people) => people,
            Err(refusal) => {
                tracing::debug!(org = %org.org_id, approval = %id, %refusal, "nobody's standing could be looked up");
                hold(engine).await;
                return None;
            }
        };
        let command = Command::ClaimApproval(ClaimApproval { id, people });
        let answered = engine.command_unlimited(org, command, Caller::schedule()).await;
        if let Err(refusal) = &answered {
            tracing::warn!(org = %org.org_id, approval = %id, %refusal, "a claim was refused");
        }
        // Also after a refusal: a claim that was not confirmed may be there, and nobody else carries it out.
        match became(engine, org, id).await? {
            Claimed::Runs(run) => Some(run),
            Claimed::Moved => None,
            Claimed::Stays => {
                hold(engine).await;
                None
            }
        }
    }

    async fn run(&self, engine: &Engine, org: &OrgRef, run: &Run) {
        let outcome = self.outside.carry_out(engine, org, run).await;
        finish(engine, org, run, outcome).await;
    }
}

/// Keeps a place for a moment, so that what cannot go on now is not asked for again and again.
async fn hold(engine: &Engine) {
    tokio::select! {
        () = tokio::time::sleep(LOOK_AGAIN) => {}
        () = engine.stopping() => {}
    }
}

/// These people as they are now; who is not there is left out.
async fn standing(engine: &Engine, org: &OrgRef, people: Vec<UserId>) -> Result<Vec<Caller>, Refusal> {
    let org = org.org_id.clone();
    let found = engine.directory_read(move |directory| {
        let there = people.iter().filter_map(|id| directory.user(&org, id));
        there.map(|user| user.standing()).collect()
    });
    found.await
}

/// What a claim made of a request; nothing when nobody can say any more.
async fn became(engine: &Engine, org: &OrgRef, id: Uuid) -> Option<Claimed> {
    let now = Timestamp(now_ms());
    for tried in 0_usize.. {
        match engine.read_unlimited(org, move |state| claimed(state, &id, now)).await {
            Ok((became, _)) => return Some(became),
            Err(Refusal::Quarantined | Refusal::Stopping) => return None,
            Err(refusal) => tracing::debug!(org = %org.org_id, approval = %id, %refusal, "a claim could not be read"),
        }
        wait(tried).await;
    }
    None
}

/// Writes down how a try ended, for as long as it takes: whoever comes after us would only know that it was cut off.
async fn finish(engine: &Engine, org: &OrgRef, run: &Run, outcome: Outcome) {
    count::ended(&outcome);
    let command = Box::new(FinishExecution { task: run.task_id, outcome });
    for tried in 0_usize.. {
        let order = Command::FinishExecution(command.clone());
        match engine.command_unlimited(org, order, Caller::schedule()).await {
            Ok(_) | Err(Refusal::Quarantined | Refusal::Stopping) => return,
            Err(Refusal::Rejected(why)) => {
                tracing::warn!(org = %org.org_id, task = %run.task_id, %why, "the end of a run was refused");
                hold(engine).await;
                return;
            }
            Err(refusal) => {
                tracing::warn!(org = %org.org_id, task = %run.task_id, %refusal, "the end of a run is not on record yet");
            }
        }
        wait(tried).await;
    }
}

async fn wait(tried: usize) {
    let wait_ms = RECORD_AGAIN_MS[tried.min(RECORD_AGAIN_MS.len() - 1)];
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
}

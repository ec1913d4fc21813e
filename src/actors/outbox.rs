//! What the courier and the notifier have in common: taking what is due, sending it, writing down what came of it.
//!
//! What they do is derived from durable state, so after a restart the same derivation finds the same unfinished work: that is the outbox.
//! Promise: at least once, with a stable id; an attempt is on record before the next one is made; a receiver that hangs or fails takes no
//! place from the others, see [`super::receivers`].

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::agenda::Chore;
use super::engine::Engine;
use super::org::OrgRef;
use super::receivers::{Look, Receivers};
use super::refusal::{Accepted, Refusal};
use crate::clock::now_ms;
use crate::delivery::channel::Outcome;
use crate::domain::actions::AttemptOutcome;
use crate::domain::command::Command;
use crate::domain::ids::StreamId;
use crate::domain::people::Caller;
use crate::domain::state::TenantState;

/// Deliveries that one organisation has on their way at most. Few, so that one whose receivers hang leaves the channels to others.
const ON_THEIR_WAY_MAX: usize = 8;
/// How long to wait before looking again when an organisation could not be asked, in milliseconds.
const LOOK_AGAIN_MS: i64 = 1_000;
/// Rounds that one `process` makes at most.
const ROUNDS_MAX: usize = 2_500;
/// Waits between tries to write down an attempt that was made, in milliseconds; the last one repeats.
const RECORD_AGAIN_MS: [u64; 5] = [100, 500, 2_000, 5_000, 10_000];
/// Tries to write down an attempt; after them the same is sent again under the same id.
const RECORD_TRIES_MAX: usize = 60;

/// How one attempt went, as it is written down.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Made {
    pub outcome: AttemptOutcome,
    pub detail: String,
    /// How long the receiver asked us to wait, in milliseconds.
    pub asked_ms: Option<i64>,
}

impl From<Outcome> for Made {
    fn from(outcome: Outcome) -> Self {
        let made = |outcome, detail, asked_ms| Self { outcome, detail, asked_ms };
        match outcome {
            Outcome::Delivered { detail } => made(AttemptOutcome::Delivered, detail, None),
            Outcome::Retry { detail, after_ms } => made(AttemptOutcome::Retry, detail, after_ms),
            Outcome::Refused { detail } => made(AttemptOutcome::Refused, detail, None),
        }
    }
}

/// Something to send.
pub trait Due: Send + 'static {
    /// Its id among what is on its way.
    fn id(&self) -> Uuid;
    /// For whom it is: those of one name share their places and their failures.
    fn receiver(&self) -> Arc<str>;
}

/// What is due and not on its way, and when to look again for the rest.
#[derive(Clone, Debug)]
pub struct Found<D> {
    /// The deliveries.
    pub due: Vec<D>,
    /// When the first of the others is due, in milliseconds since the epoch.
    pub next_ms: Option<i64>,
    /// How many are pending in all.
    pub pending: usize,
}

/// Whoever sends a kind of thing.
pub trait Outbox: Send + Sync + Sized + 'static {
    /// What is sent.
    type Due: Due;
    /// Its place on the agenda.
    const CHORE: Chore;

    /// What is on its way, and how receivers fare.
    fn desk(&self) -> &Desk;
    /// Takes what is due and may be sent; a look at the state, taken in its actor.
    fn due_now(state: &TenantState, look: &mut Look) -> Found<Self::Due>;
    /// Makes one attempt.
    fn attempt<'a>(&'a self, engine: &'a Engine, org: &'a OrgRef, due: &'a Self::Due) -> BoxFuture<'a, Made>;
    /// The order that writes it down.
    fn record(due: &Self::Due, made: &Made) -> Command;
}

/// What is on its way, and how receivers fare.
#[derive(Default)]
pub struct Desk {
    on_their_way: Mutex<HashMap<StreamId, HashSet<Uuid>>>,
    receivers: Receivers,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, HashSet<Uuid>>> {
        self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is on its way.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

/// Something that is on its way; free again when dropped, and then what is due beside it and waited for this place is looked for: however
/// the attempt went, nobody else would.
struct Claim<'a> {
    engine: &'a Engine,
    desk: &'a Desk,
    chore: Chore,
    stream: StreamId,
    id: Uuid,
    receiver: Arc<str>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.desk.receivers.leave(self.stream, &self.receiver);
        let mut all = self.desk.lock();
        if let Some(own) = all.get_mut(&self.stream) {
            own.remove(&self.id);
            if own.is_empty() {
                all.remove(&self.stream);
            }
        }
        drop(all);
        if !self.engine.is_stopping() {
            self.engine.agenda().no_later_than(self.chore, self.stream, now_ms());
        }
    }
}

/// Starts what is due in an organisation, as far as it has places free. Each attempt that is written down has the organisation looked at
/// again.
pub async fn dispatch<O: Outbox>(outbox: &Arc<O>, engine: &Engine, org: &OrgRef) {
    let next_ms = match claim(&**outbox, engine, org).await {
        Ok(found) => {
            for due in found.due {
                let (outbox, engine, org) = (outbox.clone(), engine.clone(), org.clone());
                tokio::spawn(async move { carry(&*outbox, &engine, &org, due).await });
            }
            found.next_ms.filter(|next| *next > now_ms())
        }
        Err(refusal) => {
            tracing::debug!(org = %org.org_id, chore = ?O::CHORE, %refusal, "what is due could not be looked at");
            Some(now_ms() + LOOK_AGAIN_MS)
        }
    };
    if let Some(next) = next_ms {
        engine.agenda().no_later_than(O::CHORE, org.stream, next);
    }
}

/// Sends what is due in an organisation, and waits for it. Each attempt that was written down is told, and how many are pending at the end
/// is given.
///
/// # Errors
/// When the organisation does not answer.
pub async fn work_off<O: Outbox>(
    outbox: &O,
    engine: &Engine,
    org: &OrgRef,
    mut told: impl FnMut(&O::Due, &Accepted) + Send,
) -> Result<usize, Refusal> {
    let mut pending = 0;
    for _ in 0..ROUNDS_MAX {
        let found = claim(outbox, engine, org).await?;
        pending = found.pending;
        if found.due.is_empty() {
            break;
        }
        let carried = found.due.into_iter().map(|due| carry(outbox, engine, org, due));
        for (due, accepted) in futures_util::future::join_all(carried).await.into_iter().flatten() {
            told(&due, &accepted);
        }
    }
    Ok(pending)
}

/// Takes what is due, so that nobody else sends it meanwhile, and says when to look again for the rest.
pub(super) async fn claim<O: Outbox>(outbox: &O, engine: &Engine, org: &OrgRef) -> Result<Found<O::Due>, Refusal> {
    engine.services().writable(true, 0, now_ms())?; // an attempt that cannot be written down is not made
    let desk = outbox.desk();
    let busy = desk.lock().get(&org.stream).cloned().unwrap_or_default();
    let free = ON_THEIR_WAY_MAX.saturating_sub(busy.len());
    let mut look = desk.receivers.look(org.stream, now_ms(), free, busy);
    let (mut found, _) = engine.read_unlimited(org, move |state| O::due_now(state, &mut look)).await?;
    let mut all = desk.lock();
    let own = all.entry(org.stream).or_default();
    found.due.retain(|due| own.insert(due.id()));
    if own.is_empty() {
        all.remove(&org.stream);
    }
    drop(all);
    found.due.iter().for_each(|due| desk.receivers.enter(org.stream, &due.receiver()));
    Ok(found)
}

/// Makes one attempt and has it written down. Gives what was answered to that.
pub(super) async fn carry<O: Outbox>(
    outbox: &O,
    engine: &Engine,
    org: &OrgRef,
    due: O::Due,
) -> Option<(O::Due, Accepted)> {
    let (desk, receiver) = (outbox.desk(), due.receiver());
    let _claim = Claim { engine, desk, chore: O::CHORE, stream: org.stream, id: due.id(), receiver: receiver.clone() };
    if engine.is_stopping() {
        return None;
    }
    let made = outbox.attempt(engine, org, &due).await;
    desk.receivers.note(org.stream, &receiver, made.outcome, now_ms());
    for tried in 0..RECORD_TRIES_MAX {
        match engine.command_unlimited(org, O::record(&due, &made), Caller::schedule()).await {
            Ok(accepted) => return Some((due, accepted)),
            Err(Refusal::Rejected(_) | Refusal::Quarantined | Refusal::Stopping) => return None,
            Err(refusal) => {
                tracing::warn!(org = %org.org_id, id = %due.id(), %refusal, "an attempt could not be written down yet");
            }
        }
        let wait_ms = RECORD_AGAIN_MS[tried.min(RECORD_AGAIN_MS.len() - 1)];
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            () = engine.stopping() => return None,
        }
    }
    None
}

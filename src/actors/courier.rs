//! The courier: delivers what is due, and reports back with a command. What it does is derived from durable state, so after a
//! restart the same derivation finds the same unfinished work: that is the outbox.
//!
//! Promise: at least once, with a stable id; an attempt is on record before the next one is made.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use super::agenda::Chore;
use super::due::{Due, DueNow, Step, due_now};
use super::engine::Engine;
use super::herald::people;
use super::org::OrgRef;
use super::refusal::Refusal;
use crate::clock::now_ms;
use crate::delivery::channel::{Channel, Message, Outcome, Recipient};
use crate::domain::actions::queue::RecordAttempt;
use crate::domain::actions::{AttemptOutcome, ExecutionStatus};
use crate::domain::command::Command;
use crate::domain::directory::User;
use crate::domain::directory::state::Directory;
use crate::domain::ids::{OrgId, StreamId, UserId, VenueId};
use crate::domain::notifications::commands::Source;
use crate::domain::notifications::{Audience, policy};
use crate::domain::people::Caller;
use crate::domain::templates::target::Target;

/// Deliveries that one organisation has on their way at most. Few, so that one whose receivers hang leaves the channels to others.
const ON_THEIR_WAY_MAX: usize = 4;
/// How long to wait before looking again when an organisation could not be asked, in milliseconds.
const LOOK_AGAIN_MS: i64 = 1_000;
/// Rounds that one `process` makes at most.
const ROUNDS_MAX: usize = 2_500;
/// Waits between tries to write down an attempt that was made, in milliseconds; the last one repeats.
const RECORD_AGAIN_MS: [u64; 5] = [100, 500, 2_000, 5_000, 10_000];
/// Tries to write down an attempt; after them the action is delivered again under the same id.
const RECORD_TRIES_MAX: usize = 60;

/// What a round of deliveries came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Attempts that were made and recorded.
    pub attempts: u64,
    /// Actions that are delivered now.
    pub delivered: u64,
    /// Actions that failed for good.
    pub failed: u64,
    /// Actions that are still pending.
    pub pending: u64,
    /// Rungs that had their turn because the one below could not be told.
    pub escalated: u64,
}

/// The courier.
pub struct Courier {
    email: Arc<dyn Channel>,
    on_their_way: Mutex<HashMap<StreamId, HashSet<Uuid>>>,
}

/// An action that is on its way; free again when dropped, and then what is due beside it and waited for this place is looked for: however
/// the attempt went, nobody else would.
struct Claim<'a> {
    engine: &'a Engine,
    courier: &'a Courier,
    stream: StreamId,
    action: Uuid,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.courier.release(self.stream, &self.action);
        if !self.engine.is_stopping() {
            self.engine.agenda().no_later_than(Chore::Deliver, self.stream, now_ms());
        }
    }
}

impl Courier {
    /// A courier that sends mail through this channel.
    pub fn new(email: Arc<dyn Channel>) -> Self {
        Self { email, on_their_way: Mutex::default() }
    }

    /// Starts what is due in an organisation, as far as it has places free. Each attempt that is written down has the organisation
    /// looked at again.
    pub async fn dispatch(self: &Arc<Self>, engine: &Engine, org: &OrgRef) {
        let next_ms = match self.claim(engine, org).await {
            Ok(found) => {
                for due in found.due {
                    let (courier, engine, org) = (self.clone(), engine.clone(), org.clone());
                    tokio::spawn(async move { courier.carry(&engine, &org, due).await });
                }
                found.next_ms.filter(|next| *next > now_ms())
            }
            Err(refusal) => {
                tracing::debug!(org = %org.org_id, %refusal, "the queue could not be looked at");
                Some(now_ms() + LOOK_AGAIN_MS)
            }
        };
        if let Some(next) = next_ms {
            engine.agenda().no_later_than(Chore::Deliver, org.stream, next);
        }
    }

    /// Delivers what is due in an organisation, and waits for it.
    ///
    /// # Errors
    /// When the organisation does not answer.
    pub async fn work_off(self: &Arc<Self>, engine: &Engine, org: &OrgRef) -> Result<Delivered, Refusal> {
        let mut sum = Delivered::default();
        for _ in 0..ROUNDS_MAX {
            let found = self.claim(engine, org).await?;
            sum.pending = found.pending as u64;
            if found.due.is_empty() {
                break;
            }
            let carried = found.due.into_iter().map(|due| self.carry(engine, org, due));
            for made in futures_util::future::join_all(carried).await.into_iter().flatten() {
                sum.attempts += 1;
                sum.escalated += u64::from(made.escalated);
                match made.status {
                    ExecutionStatus::Delivered => sum.delivered += 1,
                    ExecutionStatus::Failed => sum.failed += 1,
                    ExecutionStatus::Pending | ExecutionStatus::Dismissed => {}
                }
            }
        }
        Ok(sum)
    }

    /// Takes what is due, so that nobody else sends it meanwhile.
    async fn claim(&self, engine: &Engine, org: &OrgRef) -> Result<DueNow, Refusal> {
        engine.services().writable(true, 0, now_ms())?; // an attempt that cannot be written down is not made
        let busy = self.lock().get(&org.stream).cloned().unwrap_or_default();
        let (now, free) = (now_ms(), ON_THEIR_WAY_MAX.saturating_sub(busy.len()));
        let (mut found, _) = engine.read_unlimited(org, move |state| due_now(state, now, &busy, free)).await?;
        let mut all = self.lock();
        let own = all.entry(org.stream).or_default();
        found.due.retain(|due| own.insert(due.action));
        if own.is_empty() {
            all.remove(&org.stream);
        }
        Ok(found)
    }

    /// Makes one attempt and has it written down. Gives what the action is after it.
    async fn carry(&self, engine: &Engine, org: &OrgRef, due: Due) -> Option<Carried> {
        let _claim = Claim { engine, courier: self, stream: org.stream, action: due.action };
        if engine.is_stopping() {
            return None;
        }
        let (id, step) = (due.action, due.step);
        let (outcome, detail, asked_ms) = self.attempt(engine, org, due).await;
        let command = RecordAttempt { id, step: step.map(|step| step.id), outcome, detail, asked_ms };
        for tried in 0..RECORD_TRIES_MAX {
            let order = Command::RecordAttempt(command.clone());
            match engine.command_unlimited(org, order, Caller::schedule()).await {
                Ok(accepted) => return carried(&accepted.body, step),
                Err(Refusal::Rejected(_) | Refusal::Quarantined | Refusal::Stopping) => return None,
                Err(refusal) => {
                    tracing::warn!(org = %org.org_id, action = %id, %refusal, "an attempt could not be written down yet");
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

    async fn attempt(&self, engine: &Engine, org: &OrgRef, due: Due) -> (AttemptOutcome, String, Option<i64>) {
        let refused = |why: String| (AttemptOutcome::Refused, why, None);
        let target = match due.target {
            Ok(target) => target,
            Err(why) => return refused(format!("bad-target: {why}")),
        };
        let to = match receivers(engine, &org.org_id, &target, due.venue_id).await {
            Ok(to) => to,
            Err(Unreachable::Never(why)) => return refused(why),
            Err(Unreachable::Now(why)) => return (AttemptOutcome::Retry, why, None),
        };
        let people: Vec<UserId> = to.iter().filter_map(|one| one.person.clone()).collect();
        if !people.is_empty() {
            let source = Source::Action { id: due.action, step: due.step.map(|step| step.id) };
            if let Err(why) = engine.herald().tell(engine, org, source, people).await {
                return (AttemptOutcome::Retry, format!("not told in the app yet: {why}"), None);
            }
        }
        let message = Message {
            id: due.step.map_or(due.action, |step| step.id),
            to: to.into_iter().map(|one| one.at).collect(),
            subject: due.subject,
            text: due.text,
            html: Some(due.html),
            dated_ms: due.dated_ms,
            signing: None,
        };
        match self.email.deliver(&message).await {
            Outcome::Delivered { detail } => (AttemptOutcome::Delivered, detail, None),
            Outcome::Retry { detail, after_ms } => (AttemptOutcome::Retry, detail, after_ms),
            Outcome::Refused { detail } => refused(detail),
        }
    }

    fn release(&self, stream: StreamId, id: &Uuid) {
        let mut all = self.lock();
        if let Some(own) = all.get_mut(&stream) {
            own.remove(id);
            if own.is_empty() {
                all.remove(&stream);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, HashSet<Uuid>>> {
        self.on_their_way.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Somebody who is told, and where.
struct Receiver {
    /// The person of the organisation; none for an address that a template names.
    person: Option<UserId>,
    at: Recipient,
}

enum Unreachable {
    Never(String),
    Now(String),
}

/// The addresses behind a target.
async fn receivers(
    engine: &Engine,
    org: &OrgId,
    target: &Target,
    venue: Option<VenueId>,
) -> Result<Vec<Receiver>, Unreachable> {
    let (org, wanted) = (org.clone(), target.clone());
    let nobody = match target {
        Target::Email(address) => {
            return Ok(vec![Receiver { person: None, at: Recipient { address: address.clone(), name: None } }]);
        }
        Target::Slack(channel) => return Err(Unreachable::Never(format!("slack-not-configured: {channel}"))),
        Target::Webhook(id) => return Err(Unreachable::Never(format!("unknown-webhook: {id}"))),
        Target::System(name) => return Err(Unreachable::Never(format!("unknown-system: {name} is not registered"))),
        Target::User(id) => format!("unknown-person: {id}"),
        Target::Role(role) => format!("nobody-found: no {} at this venue", role.name()),
        Target::Authority(rung) => format!("nobody-found: nobody with the authority {rung} at this venue"),
    };
    let found = engine.directory_read(move |state| found(state, &org, &wanted, venue.as_ref())).await;
    match found {
        Ok(to) if to.is_empty() => Err(Unreachable::Never(nobody)),
        Ok(to) => Ok(to),
        Err(refusal) => Err(Unreachable::Now(refusal.to_string())),
    }
}

fn found(state: &Directory, org: &OrgId, target: &Target, venue: Option<&VenueId>) -> Vec<Receiver> {
    let Some(audience) = policy::audience(target) else { return Vec::new() };
    let reaches = |user: &User| match (&user.venues, venue) {
        (None, _) | (_, None) => true,
        // A person who is named is told wherever it happened.
        (Some(_), Some(_)) if matches!(audience, Audience::User(_)) => true,
        (Some(venues), Some(venue)) => venues.contains(venue),
    };
    let found = people(state, org, &audience, &reaches);
    let each = found.into_iter().map(|user| Receiver {
        person: Some(user.id.clone()),
        at: Recipient { address: user.email.to_string(), name: Some(user.name.to_string()) },
    });
    each.collect()
}

/// What an action is after an attempt.
struct Carried {
    status: ExecutionStatus,
    /// Whether the attempt made the next rung have its turn.
    escalated: bool,
}

fn carried(body: &[u8], step: Option<Step>) -> Option<Carried> {
    #[derive(serde::Deserialize)]
    struct Escalation {
        rung: usize,
    }
    #[derive(serde::Deserialize)]
    struct Shown {
        execution_status: ExecutionStatus,
        escalation: Option<Escalation>,
    }
    let shown = serde_json::from_slice::<Shown>(body).ok()?;
    let higher = shown.escalation.zip(step).is_some_and(|(now, before)| now.rung > before.rung);
    Some(Carried { status: shown.execution_status, escalated: higher })
}

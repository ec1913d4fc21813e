//! The notifier: tells webhooks what waits for them, and reports back with a command, as the courier does for actions.
//!
//! Promise: at least once, with a stable id; an attempt is on record before the next one is made.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::agenda::Chore;
use super::engine::Engine;
use super::org::OrgRef;
use super::refusal::Refusal;
use crate::clock::now_ms;
use crate::delivery::channel::{Channel, Message, Outcome, Recipient, Signing};
use crate::delivery::egress::Egress;
use crate::delivery::signing::{capability_key, webhook_key};
use crate::domain::actions::AttemptOutcome;
use crate::domain::command::Command;
use crate::domain::ids::StreamId;
use crate::domain::people::Caller;
use crate::domain::state::TenantState;
use crate::domain::webhooks::commands::RecordNotice;

/// Calls that one organisation has on their way at most.
const ON_THEIR_WAY_MAX: usize = 4;
/// How long to wait before looking again when an organisation could not be asked, in milliseconds.
const LOOK_AGAIN_MS: i64 = 1_000;
/// Rounds that one `process` makes at most.
const ROUNDS_MAX: usize = 2_500;
/// The wait between tries to write down an attempt that was made.
const RECORD_AGAIN: Duration = Duration::from_secs(1);
/// Tries to write down an attempt; after them the notice is sent again under the same id.
const RECORD_TRIES_MAX: usize = 60;

/// The notifier.
pub struct Notifier {
    channel: Arc<dyn Channel>,
    egress: Egress,
    server_key: [u8; 32],
    on_their_way: Mutex<HashMap<StreamId, HashSet<Uuid>>>,
}

/// A notice to send.
struct Due {
    id: Uuid,
    webhook_id: Uuid,
    generation: u32,
    url: String,
    body: String,
    made_at_ms: i64,
}

/// A notice that is on its way; free again when dropped, and then what is due beside it and waited for this place is looked for: however
/// the attempt went, nobody else would.
struct Claim<'a> {
    engine: &'a Engine,
    notifier: &'a Notifier,
    stream: StreamId,
    id: Uuid,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.notifier.release(self.stream, &self.id);
        if !self.engine.is_stopping() {
            self.engine.agenda().no_later_than(Chore::Notify, self.stream, now_ms());
        }
    }
}

impl Notifier {
    /// A notifier that calls through this channel, as far as these rules open, and signs with keys of this server.
    pub fn new(channel: Arc<dyn Channel>, egress: Egress, server_key: [u8; 32]) -> Self {
        Self { channel, egress, server_key, on_their_way: Mutex::default() }
    }

    /// What may be called.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The key that signs for a webhook.
    pub fn key(&self, org: &OrgRef, webhook: &Uuid, generation: u32) -> [u8; 32] {
        webhook_key(&self.server_key, org.org_id.as_str(), webhook, generation)
    }

    /// The key that signs the calls to a capability.
    pub fn capability_key(&self, org: &OrgRef, name: &str, generation: u32) -> [u8; 32] {
        capability_key(&self.server_key, org.org_id.as_str(), name, generation)
    }

    /// Starts what is due in an organisation, as far as it has places free.
    pub async fn dispatch(self: &Arc<Self>, engine: &Engine, org: &OrgRef) {
        let next_ms = match self.claim(engine, org).await {
            Ok((due, next_ms)) => {
                for one in due {
                    let (notifier, engine, org) = (self.clone(), engine.clone(), org.clone());
                    tokio::spawn(async move { notifier.carry(&engine, &org, one).await });
                }
                next_ms.filter(|next| *next > now_ms())
            }
            Err(refusal) => {
                tracing::debug!(org = %org.org_id, %refusal, "the notices could not be looked at");
                Some(now_ms() + LOOK_AGAIN_MS)
            }
        };
        if let Some(next) = next_ms {
            engine.agenda().no_later_than(Chore::Notify, org.stream, next);
        }
    }

    /// Sends what is due in an organisation, and waits for it.
    ///
    /// # Errors
    /// When the organisation does not answer.
    pub async fn work_off(self: &Arc<Self>, engine: &Engine, org: &OrgRef) -> Result<(), Refusal> {
        for _ in 0..ROUNDS_MAX {
            let (due, _) = self.claim(engine, org).await?;
            if due.is_empty() {
                break;
            }
            futures_util::future::join_all(due.into_iter().map(|one| self.carry(engine, org, one))).await;
        }
        Ok(())
    }

    /// Takes what is due, so that nobody else sends it meanwhile, and says when to look again for the rest.
    async fn claim(&self, engine: &Engine, org: &OrgRef) -> Result<(Vec<Due>, Option<i64>), Refusal> {
        engine.services().writable(true, 0, now_ms())?; // an attempt that cannot be written down is not made
        let busy = self.lock().get(&org.stream).cloned().unwrap_or_default();
        let (now, free) = (now_ms(), ON_THEIR_WAY_MAX.saturating_sub(busy.len()));
        let ((mut due, next_ms), _) = engine.read_unlimited(org, move |state| due_now(state, now, &busy, free)).await?;
        let mut all = self.lock();
        let own = all.entry(org.stream).or_default();
        due.retain(|one| own.insert(one.id));
        if own.is_empty() {
            all.remove(&org.stream);
        }
        Ok((due, next_ms))
    }

    /// Makes one attempt and has it written down.
    async fn carry(&self, engine: &Engine, org: &OrgRef, due: Due) {
        let _claim = Claim { engine, notifier: self, stream: org.stream, id: due.id };
        if engine.is_stopping() {
            return;
        }
        let id = due.id;
        let (outcome, detail, asked_ms) = match self.channel.deliver(&self.message(org, due)).await {
            Outcome::Delivered { detail } => (AttemptOutcome::Delivered, detail, None),
            Outcome::Retry { detail, after_ms } => (AttemptOutcome::Retry, detail, after_ms),
            Outcome::Refused { detail } => (AttemptOutcome::Refused, detail, None),
        };
        for _ in 0..RECORD_TRIES_MAX {
            let command = RecordNotice { id, outcome, detail: detail.clone(), asked_ms };
            match engine.command_unlimited(org, Command::RecordNotice(command), Caller::schedule()).await {
                Ok(_) | Err(Refusal::Rejected(_) | Refusal::Quarantined | Refusal::Stopping) => return,
                Err(refusal) => {
                    tracing::warn!(org = %org.org_id, notice = %id, %refusal, "an attempt could not be written down yet");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RECORD_AGAIN) => {}
                () = engine.stopping() => return,
            }
        }
    }

    fn message(&self, org: &OrgRef, due: Due) -> Message {
        let key = self.key(org, &due.webhook_id, due.generation);
        Message {
            id: due.id,
            to: vec![Recipient { address: due.url, name: None }],
            subject: String::new(),
            text: due.body,
            html: None,
            dated_ms: due.made_at_ms,
            signing: Some(Signing { key, at_ms: now_ms() }),
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

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, HashSet<Uuid>>> {
        self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn due_now(state: &TenantState, now_ms: i64, busy: &HashSet<Uuid>, at_most: usize) -> (Vec<Due>, Option<i64>) {
    let mut due = Vec::new();
    for notice in state.webhooks.by_due().filter(|notice| !busy.contains(&notice.id)) {
        if notice.due_at.0 > now_ms || due.len() == at_most {
            return (due, Some(notice.due_at.0));
        }
        let Some(webhook) = state.webhooks.get(&notice.webhook_id) else { continue };
        due.push(Due {
            id: notice.id,
            webhook_id: webhook.id,
            generation: webhook.generation,
            url: webhook.url.to_string(),
            body: notice.body.to_string(),
            made_at_ms: notice.made_at.0,
        });
    }
    (due, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::testing::{Bench, json, place, settings, start};
    use crate::domain::webhooks::commands::{CreateWebhook, DeleteWebhook};
    use crate::store::Store;

    async fn told(bench: &Bench) -> (OrgRef, Uuid) {
        let org = bench.organisation("org").await;
        let hook =
            CreateWebhook { url: "https://till.example/".into(), events: vec!["blocks".into()], description: None };
        let made = bench.run(&org, Command::CreateWebhook(hook)).await.unwrap();
        bench.run(&org, place("ana")).await.unwrap();
        (org, json(&made)["id"].as_str().unwrap().parse().unwrap())
    }

    #[actix_web::test]
    async fn a_place_that_is_free_again_is_made_known_also_when_the_notice_is_gone() {
        let bench = start(Store::in_memory(), settings()).await;
        let (org, webhook) = told(&bench).await;
        let notifier = Notifier::new(bench.kept.clone(), Egress::default(), [7; 32]);
        let (mut due, _) = notifier.claim(&bench.engine, &org).await.unwrap();
        bench.run(&org, Command::DeleteWebhook(DeleteWebhook { id: webhook })).await.unwrap();
        bench.engine.agenda().set(Chore::Notify, org.stream, None);
        notifier.carry(&bench.engine, &org, due.remove(0)).await;
        let (entries, _) = bench.engine.agenda().take_due(now_ms(), 10);
        assert!(entries.contains(&(Chore::Notify, org.stream)), "{entries:?}");
        assert!(notifier.lock().is_empty());
    }
}

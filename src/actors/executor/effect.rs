//! One run of a capability outside: a module's, or a message or call of our own.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::progress::{WAITING_MAX, write_down};
use crate::actors::engine::Engine;
use crate::actors::org::OrgRef;
use crate::clock::now_ms;
use crate::delivery::channel::{Message, Recipient, Signing};
use crate::delivery::effect::{EffectChannel, EffectOutcome};
use crate::delivery::modules::{self, ModuleCall, ModuleCaller};
use crate::delivery::signing::{capability_key, webhook_key};
use crate::domain::approvals::due::Run;
use crate::domain::approvals::finish::Outcome;
use crate::domain::capabilities::built_in::{CALL_WEBHOOK, POST_SLACK, SEND_EMAIL};

/// How much longer than a capability's own time a call may take: for those that watch their time themselves to say how far they came.
const GRACE: Duration = Duration::from_secs(2);

/// The ways to the outside.
pub struct Outside {
    /// Remote modules.
    pub modules: Arc<dyn ModuleCaller>,
    /// Mail.
    pub email: Arc<dyn EffectChannel>,
    /// Calls to webhooks.
    pub webhooks: Arc<dyn EffectChannel>,
    /// What the keys are derived from that sign calls.
    pub server_key: [u8; 32],
}

impl Outside {
    /// Has a run carried out, in bounded time, and writes down what it says on its way.
    pub async fn carry_out(&self, engine: &Engine, org: &OrgRef, run: &Run) -> Outcome {
        let Some(capability) = &run.capability else {
            return outcome_of(not_sent("its capability is not there any more"), run);
        };
        let within = Duration::from_secs(u64::from(capability.timeout_s));
        let (progress, said) = mpsc::channel(WAITING_MAX);
        let call = AssertUnwindSafe(self.perform(engine, org, run, within, progress)).catch_unwind();
        // The other end of the progress is dropped with the call, so that this ends with it.
        let (made, ()) = tokio::join!(timeout(within + GRACE, call), write_down(engine, org, run.task_id, said));
        let unknown = |error: &str| EffectOutcome::Unknown { error: error.into(), retry_after_ms: None };
        let made = match made {
            Ok(Ok(made)) => made,
            Ok(Err(_)) => unknown("a fault of this server"),
            Err(_) => unknown("it did not end in time"),
        };
        outcome_of(made, run)
    }

    async fn perform(
        &self,
        engine: &Engine,
        org: &OrgRef,
        run: &Run,
        within: Duration,
        progress: mpsc::Sender<modules::Progress>,
    ) -> EffectOutcome {
        if let Some(endpoint) = run.endpoint() {
            let how = modules::Run { idempotency_key: run.key.clone(), within, progress };
            return self.modules.run(&self.module_call(org, run, endpoint), how).await;
        }
        match &*run.name {
            SEND_EMAIL => self.email.perform(&mail(run), within).await,
            CALL_WEBHOOK => match self.webhook_call(engine, org, run).await {
                Ok(message) => self.webhooks.perform(&message, within).await,
                Err(why) => not_sent(&why),
            },
            POST_SLACK => not_sent("slack-not-configured: the organisation has no Slack webhook"),
            other => not_sent(&format!("nobody carries out {other}")),
        }
    }

    fn module_call(&self, org: &OrgRef, run: &Run, endpoint: &str) -> ModuleCall {
        let generation = run.capability.as_ref().map_or(0, |one| one.generation);
        let key = capability_key(&self.server_key, org.org_id.as_str(), &run.name, generation);
        ModuleCall {
            org_id: org.org_id.to_string(),
            endpoint: endpoint.to_owned(),
            capability: run.name.to_string(),
            payload: run.payload.clone(),
            undo: run.undo,
            execution_id: run.task_id,
            signing: Signing { key, at_ms: now_ms() },
        }
    }

    /// The call to a webhook as it is now; an error says why it cannot be made.
    async fn webhook_call(&self, engine: &Engine, org: &OrgRef, run: &Run) -> Result<Message, String> {
        let payload = run.payload.value();
        let id: Uuid = text_in(&payload, "webhook_id").parse().map_err(|_| "unknown-webhook: that is no id")?;
        let found = engine.read_unlimited(org, move |state| {
            state.webhooks.get(&id).map(|webhook| (webhook.url.to_string(), webhook.generation))
        });
        let (found, _) = found.await.map_err(|refusal| refusal.to_string())?;
        let (url, generation) = found.ok_or_else(|| format!("unknown-webhook: {id}"))?;
        let key = webhook_key(&self.server_key, org.org_id.as_str(), &id, generation);
        Ok(Message {
            signing: Some(Signing { key, at_ms: now_ms() }),
            ..message(run, vec![url], String::new(), payload["body"].to_string())
        })
    }
}

fn mail(run: &Run) -> Message {
    let payload = run.payload.value();
    let to = match &payload["to"] {
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    };
    message(run, to, text_in(&payload, "subject").to_owned(), text_in(&payload, "text").to_owned())
}

/// A message under the id of the request, so that a receiver can tell it when somebody has it sent once more.
fn message(run: &Run, to: Vec<String>, subject: String, text: String) -> Message {
    Message {
        id: run.approval_id,
        to: to.into_iter().map(|address| Recipient { address, name: None }).collect(),
        subject,
        text,
        html: None,
        dated_ms: run.started_at.0,
        signing: None,
    }
}

fn text_in<'a>(payload: &'a Value, name: &str) -> &'a str {
    payload[name].as_str().unwrap_or_default()
}

fn not_sent(error: &str) -> EffectOutcome {
    EffectOutcome::NotSent { error: error.into() }
}

/// What a try came to, as it is written down. What never left is tried again only where nothing can go wrong by that; else it failed, and
/// somebody may have it run once more.
fn outcome_of(made: EffectOutcome, run: &Run) -> Outcome {
    match made {
        EffectOutcome::Done { result, undo_payload } => {
            Outcome::Done { result: result.value(), undo_payload: undo_payload.map(|payload| payload.value()) }
        }
        EffectOutcome::Failed { error } => Outcome::Failed { error },
        EffectOutcome::NotSent { error } if run.is_idempotent() => Outcome::Again { error, after_ms: None },
        EffectOutcome::NotSent { error } => Outcome::Failed { error: format!("it was not sent: {error}") },
        EffectOutcome::Unknown { error, retry_after_ms } => Outcome::Again { error, after_ms: retry_after_ms },
    }
}

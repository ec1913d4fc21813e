//! Signed calls to systems of the organisation, after Standard Webhooks.
//!
//! Promise: one POST per attempt with `webhook-id`, `webhook-timestamp` and `webhook-signature`; the same id and body at every attempt; no
//! redirect is followed, of an answer no more is read than people are shown, and nothing is called that the rules of egress do not open.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::{Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::delivery::channel::{Channel, Message, Outcome, detail};
use crate::delivery::effect::{EffectChannel, EffectOutcome};
use crate::delivery::outbound::{self, Outbound, Unanswered};

/// How long one call may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Calls at the same time; more wait.
const CALLS_MAX: usize = 16;

/// The webhook channel.
pub struct WebhookChannel {
    outbound: Outbound,
    places: Arc<Semaphore>,
}

/// Why there is no answer to look at.
enum NoAnswer {
    /// It cannot be called, now or later.
    Refused(String),
    Unanswered(Unanswered),
}

impl WebhookChannel {
    /// A channel that calls through these clients.
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, places: Arc::new(Semaphore::new(CALLS_MAX)) }
    }

    /// Makes one attempt and says whether it had its effect: for a call that somebody asked for, and that must not be made twice.
    pub async fn call(&self, message: &Message) -> EffectOutcome {
        match self.answer(message).await {
            Ok(answer) => EffectOutcome::of_receipt(answer).await,
            Err(NoAnswer::Refused(why)) => EffectOutcome::NotSent { error: detail(&why, &[]) },
            Err(NoAnswer::Unanswered(unanswered)) => unanswered.into(),
        }
    }

    async fn attempt(&self, message: &Message) -> Outcome {
        match self.answer(message).await {
            Ok(answer) => outcome_of(answer).await,
            Err(NoAnswer::Refused(why)) => Outcome::Refused { detail: detail(&why, &[]) },
            Err(NoAnswer::Unanswered(Unanswered { why, .. })) => Outcome::Retry { detail: why, after_ms: None },
        }
    }

    async fn answer(&self, message: &Message) -> Result<Response, NoAnswer> {
        let ([to], Some(signing)) = (&message.to[..], &message.signing) else {
            return Err(NoAnswer::Refused("a call has one receiver and a key".into()));
        };
        let closing = || Unanswered { maybe_received: false, why: "the calls are closing down".into() };
        let _place = self.places.acquire().await.map_err(|_| NoAnswer::Unanswered(closing()))?;
        let body = message.text.clone();
        let call = self.outbound.signed(&to.address, &message.id, signing, body, TIMEOUT).map_err(NoAnswer::Refused)?;
        outbound::send(call).await.map_err(NoAnswer::Unanswered)
    }
}

async fn outcome_of(answer: Response) -> Outcome {
    let status = answer.status();
    if status.is_success() {
        return Outcome::Delivered { detail: status.as_u16().to_string() };
    }
    let after_ms = outbound::retry_after_ms(&answer);
    let detail = outbound::shown(answer).await;
    match status {
        StatusCode::GONE => Outcome::Refused { detail },
        _ => Outcome::Retry { detail, after_ms },
    }
}

impl Channel for WebhookChannel {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome> {
        self.attempt(message).boxed()
    }
}

impl EffectChannel for WebhookChannel {
    fn perform<'a>(&'a self, message: &'a Message, within: Duration) -> BoxFuture<'a, EffectOutcome> {
        let late = move |_| EffectOutcome::Unknown {
            error: format!("no answer within {} ms", within.as_millis()),
            retry_after_ms: None,
        };
        timeout(within, self.call(message)).map(move |made| made.unwrap_or_else(late)).boxed()
    }
}

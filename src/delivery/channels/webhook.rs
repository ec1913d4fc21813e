//! Signed calls to systems of the organisation, after Standard Webhooks.
//!
//! Promise: one POST per attempt with `webhook-id`, `webhook-timestamp` and `webhook-signature`; the same id and body at every attempt; no
//! redirect is followed, of an answer no more is read than people are shown, and nothing is called that [`Egress`] does not open.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::delivery::channel::{Channel, Message, Outcome, detail};
use crate::delivery::egress::{Egress, Resolver};
use crate::delivery::signing::signature;

/// How long one call may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is told to people, in characters.
const ANSWER_SHOWN_CHARS: usize = 200;
/// Calls at the same time; more wait.
const CALLS_MAX: usize = 16;

/// The webhook channel.
pub struct WebhookChannel {
    egress: Egress,
    secure: Client,
    plain: Client,
    places: Arc<Semaphore>,
}

impl WebhookChannel {
    /// A channel that calls what the rules open.
    ///
    /// # Errors
    /// When the system has no certificates to check others by.
    pub fn new(egress: Egress) -> Result<Self, String> {
        let client = |plain: bool| {
            Client::builder()
                .timeout(TIMEOUT)
                .redirect(Policy::none())
                .no_proxy()
                .https_only(!plain)
                .pool_max_idle_per_host(0)
                .user_agent(concat!("action-center/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Resolver { egress: egress.clone(), plain }))
                .build()
                .map_err(|error| error.to_string())
        };
        let (secure, plain) = (client(false)?, client(true)?);
        Ok(Self { egress, secure, plain, places: Arc::new(Semaphore::new(CALLS_MAX)) })
    }

    async fn attempt(&self, message: &Message) -> Outcome {
        let refused = |why: &str| Outcome::Refused { detail: detail(why, &[]) };
        let ([to], Some(signing)) = (&message.to[..], &message.signing) else {
            return refused("a call has one receiver and a key");
        };
        // Looked at again: the rules may have changed since it was saved, and an address is looked up by nobody.
        let url = match self.egress.check(&to.address) {
            Ok(url) => url,
            Err(why) => return refused(&format!("the URL {why}")),
        };
        let Ok(_place) = self.places.acquire().await else {
            return Outcome::Retry { detail: "the calls are closing down".into(), after_ms: None };
        };
        let timestamp_s = signing.at_ms.div_euclid(1_000);
        let client = if url.scheme() == "http" { &self.plain } else { &self.secure };
        let call = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id.to_string())
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", signature(&signing.key, &message.id, timestamp_s, &message.text))
            .body(message.text.clone());
        match call.send().await {
            Ok(answer) => outcome_of(answer).await,
            Err(error) => Outcome::Retry { detail: detail(&why(&error), &[]), after_ms: None },
        }
    }
}

/// Why there was no answer. Without the URL, which may hold a secret of the receiver.
fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() { "no answer in time" } else { "no connection" };
    let mut inner = std::error::Error::source(error);
    let mut last = None;
    while let Some(one) = inner {
        last = Some(one.to_string());
        inner = one.source();
    }
    last.map_or_else(|| what.to_owned(), |last| format!("{what}: {last}"))
}

async fn outcome_of(answer: Response) -> Outcome {
    let status = answer.status();
    if status.is_success() {
        return Outcome::Delivered { detail: status.as_u16().to_string() };
    }
    let asked_s = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    let said = beginning(answer).await;
    let detail = detail(&format!("{} {said}", status.as_u16()), &[]);
    match status {
        StatusCode::GONE => Outcome::Refused { detail },
        _ => Outcome::Retry { detail, after_ms: asked_s.map(|seconds| seconds.max(0).saturating_mul(1_000)) },
    }
}

/// The beginning of an answer, for people.
async fn beginning(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= 4 * ANSWER_SHOWN_CHARS {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).chars().take(ANSWER_SHOWN_CHARS).collect()
}

impl Channel for WebhookChannel {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome> {
        self.attempt(message).boxed()
    }
}

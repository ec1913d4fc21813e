//! Web Push: short messages to the browsers of a person, through the push service that each browser chose.
//!
//! Promise: one POST per attempt; the service reads nothing of the message; the same message takes the place of its repetition, because both
//! carry one topic. A subscription that is over is told apart, so that it can be let go. Nothing is called that the rules of egress do not open.
//! Never here: which subscriptions a person has.

pub mod sealed;
pub mod vapid;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use uuid::Uuid;

use crate::delivery::channel::{Outcome, detail};
use crate::delivery::outbound::{self, Outbound};
use sealed::Keys;
use vapid::Vapid;

/// How long one call may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a service keeps a message for a browser that is off, in seconds: a day.
const KEPT_S: i64 = 86_400;

/// Where a browser is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The URL that its push service gave it: whoever knows it can ring the browser.
    pub endpoint: String,
    /// What seals messages to it.
    pub keys: Keys,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Stable over attempts.
    pub id: Uuid,
    /// What the page's worker shows, as JSON, at most [`sealed::TEXT_BYTES_MAX`] bytes.
    pub text: String,
    /// Whether it may wake a device that saves power.
    pub urgent: bool,
    /// When the attempt is made: milliseconds since the epoch, UTC.
    pub at_ms: i64,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// As with every channel.
    Ended(Outcome),
    /// The browser is no longer there: its subscription is to be let go.
    Gone,
}

/// The push channel.
#[derive(Clone)]
pub struct PushChannel {
    outbound: Outbound,
    vapid: Arc<Vapid>,
}

impl PushChannel {
    /// A channel that calls through these clients and signs with this key.
    pub fn new(outbound: Outbound, vapid: Arc<Vapid>) -> Self {
        Self { outbound, vapid }
    }

    /// Makes one attempt.
    pub async fn push(&self, to: &Subscription, push: &Push) -> PushOutcome {
        match self.answer(to, push).await {
            Ok(answer) => outcome_of(answer).await,
            Err(outcome) => PushOutcome::Ended(outcome),
        }
    }

    async fn answer(&self, to: &Subscription, push: &Push) -> Result<Response, Outcome> {
        let refused = |why: &str| Outcome::Refused { detail: detail(why, &[]) };
        let service = Url::parse(&to.endpoint).map_err(|_| refused("the endpoint is not a URL"))?;
        let body = sealed::seal(&to.keys, push.text.as_bytes()).ok_or_else(|| refused("it cannot be sealed"))?;
        let now_s = push.at_ms.div_euclid(1_000);
        let signed = self.vapid.authorization(&service.origin().ascii_serialization(), now_s);
        let headers = signed.and_then(|signed| headers(&signed, push)).ok_or_else(|| refused("it cannot be signed"))?;
        let call = self.outbound.post(&to.endpoint, String::new(), TIMEOUT).map_err(|why| refused(&why))?;
        let sent = outbound::send(call.headers(headers).body(body)).await;
        sent.map_err(|unanswered| Outcome::Retry { detail: unanswered.why, after_ms: None })
    }
}

fn headers(signed: &str, push: &Push) -> Option<HeaderMap> {
    let text = |value: &str| HeaderValue::from_str(value).ok();
    let topic = URL_SAFE_NO_PAD.encode(push.id.as_bytes());
    let named = HeaderName::from_static;
    Some(HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
        (AUTHORIZATION, text(signed)?),
        (named("ttl"), HeaderValue::from(KEPT_S)),
        (named("urgency"), HeaderValue::from_static(if push.urgent { "high" } else { "normal" })),
        (named("topic"), text(&topic)?),
    ]))
}

async fn outcome_of(answer: Response) -> PushOutcome {
    let (status, after_ms) = (answer.status(), outbound::retry_after_ms(&answer));
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        return PushOutcome::Gone;
    }
    // Of an answer only the status is told: its body may repeat the endpoint.
    let detail = status.as_u16().to_string();
    let later = status.is_server_error()
        || status.is_redirection()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    PushOutcome::Ended(if status.is_success() {
        Outcome::Delivered { detail }
    } else if later {
        Outcome::Retry { detail, after_ms }
    } else {
        Outcome::Refused { detail }
    })
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

    use super::*;
    use crate::delivery::testing::http::{HttpSink, Step, outbound};

    fn channel() -> PushChannel {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        PushChannel::new(outbound(), Arc::new(Vapid::new(key.as_ref(), "mailto:a@b.example").unwrap()))
    }

    fn subscription(endpoint: String) -> Subscription {
        let public = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        Subscription { endpoint, keys: Keys::parse(public, "BTBZMqHH6r4Tts7J_aSIgg").unwrap() }
    }

    #[tokio::test]
    async fn every_answer_has_its_outcome_and_one_that_is_gone_is_told_apart() {
        let empty = |status| vec![Step::answer(status, "text/plain", "push-SECRET")];
        let sink = HttpSink::start([
            vec![Step::Close],
            vec![Step::answer_with(429, &[("retry-after", "30")], "slow down")],
            empty(500),
            empty(403),
            empty(404),
            empty(410),
        ]);
        let (channel, to) = (channel(), subscription(sink.url("/push/SECRET")));
        let push = Push { id: Uuid::nil(), text: "{}".into(), urgent: true, at_ms: 1_700_000_000_000 };
        let broken = channel.push(&to, &push).await;
        assert!(matches!(&broken, PushOutcome::Ended(Outcome::Retry { detail, .. }) if !detail.contains("SECRET")));
        let ended = |outcome| PushOutcome::Ended(outcome);
        let retry = |detail: &str, after_ms| ended(Outcome::Retry { detail: detail.into(), after_ms });
        assert_eq!(channel.push(&to, &push).await, retry("429", Some(30_000)));
        assert_eq!(channel.push(&to, &push).await, retry("500", None));
        assert_eq!(channel.push(&to, &push).await, ended(Outcome::Refused { detail: "403".into() }));
        assert_eq!(channel.push(&to, &push).await, PushOutcome::Gone);
        assert_eq!(channel.push(&to, &push).await, PushOutcome::Gone);
    }

    #[tokio::test]
    async fn what_may_not_be_called_is_refused() {
        let to = subscription("https://10.0.0.7/push".into());
        let push = Push { id: Uuid::nil(), text: "{}".into(), urgent: false, at_ms: 0 };
        assert!(matches!(channel().push(&to, &push).await, PushOutcome::Ended(Outcome::Refused { .. })));
        let headers = headers("vapid t=a, k=b", &push).unwrap();
        assert_eq!(
            (&headers["ttl"], &headers["urgency"]),
            (&HeaderValue::from(KEPT_S), &HeaderValue::from_static("normal"))
        );
        assert_eq!(headers["content-type"], "application/octet-stream");
    }
}

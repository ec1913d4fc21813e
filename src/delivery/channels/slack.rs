//! Messages to Slack through an incoming webhook.
//!
//! Promise: one POST per attempt; no word of a message becomes a mention, a link or a format of ours: what Slack reads as markup is escaped, and
//! it is told to look for nothing else. `Retry-After` is told to whoever waits. The URL is the secret, and is named nowhere.
//! Never here: which webhook and channel an organisation posts to.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Response;
use serde_json::{Value, json};

use crate::delivery::channel::{Channel, Message, Outcome, detail};
use crate::delivery::effect::EffectOutcome;
use crate::delivery::outbound::{self, Outbound, Unanswered};
use crate::delivery::wording::one_line;

/// How long one call may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest text of a section, in characters, which Slack refuses beyond 3,000.
const SECTION_CHARS_MAX: usize = 2_900;
/// The longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 250;

/// The Slack channel. A message's one address is the URL of the incoming webhook.
pub struct SlackChannel {
    outbound: Outbound,
}

impl SlackChannel {
    /// A channel that calls through these clients.
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    /// Posts once and says whether it had its effect: for a message that somebody asked for, and that must not come twice.
    pub async fn post(&self, message: &Message) -> EffectOutcome {
        match self.answer(message).await {
            Ok(Ok(answer)) => EffectOutcome::of_receipt(answer).await,
            Ok(Err(unanswered)) => unanswered.into(),
            Err(why) => EffectOutcome::NotSent { error: detail(&why, &[]) },
        }
    }

    async fn attempt(&self, message: &Message) -> Outcome {
        let outcome = match self.answer(message).await {
            Ok(Ok(answer)) => EffectOutcome::of_receipt(answer).await,
            Ok(Err(unanswered)) => return Outcome::Retry { detail: unanswered.why, after_ms: None },
            Err(why) => return Outcome::Refused { detail: detail(&why, &[]) },
        };
        match outcome {
            EffectOutcome::Done { .. } => Outcome::Delivered { detail: "200".into() },
            EffectOutcome::Failed { error } | EffectOutcome::NotSent { error } => Outcome::Refused { detail: error },
            EffectOutcome::Unknown { error, retry_after_ms } => {
                Outcome::Retry { detail: error, after_ms: retry_after_ms }
            }
        }
    }

    /// What Slack answered, or why there is no answer; an error when it cannot be asked at all.
    async fn answer(&self, message: &Message) -> Result<Result<Response, Unanswered>, String> {
        let [to] = &message.to[..] else { return Err("a message to Slack has one webhook".into()) };
        let call = self.outbound.post(&to.address, body(message).to_string(), TIMEOUT)?;
        Ok(outbound::send(call).await)
    }
}

impl Channel for SlackChannel {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome> {
        self.attempt(message).boxed()
    }
}

fn body(message: &Message) -> Value {
    let section =
        |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } });
    let subject = escaped(&one_line(&message.subject), SUBJECT_CHARS_MAX);
    let text = escaped(message.text.trim(), SECTION_CHARS_MAX);
    let mut blocks = Vec::new();
    if !subject.is_empty() {
        // An asterisk of the subject would end the bold part.
        blocks.push(section(format!("*{}*", subject.replace('*', "∗"))));
    }
    if !text.is_empty() {
        blocks.push(section(text.clone()));
    }
    // What a notification shows, where there is no place for blocks.
    let short = if subject.is_empty() { escaped(&one_line(&message.text), SUBJECT_CHARS_MAX) } else { subject };
    json!({ "text": short, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

/// `text` with what Slack reads as markup escaped, at most so many characters with the escapes, none of which is cut.
fn escaped(text: &str, chars_max: usize) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut left = chars_max.saturating_sub(1);
    for c in text.chars() {
        let mut plain = [0; 4];
        let one: &str = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            other => other.encode_utf8(&mut plain),
        };
        let Some(rest) = left.checked_sub(one.chars().count()) else {
            safe.push('…');
            break;
        };
        left = rest;
        safe.push_str(one);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::egress::Egress;
    use crate::delivery::testing::http::{HttpSink, Step, outbound};
    use crate::delivery::testing::message;

    fn channel() -> SlackChannel {
        SlackChannel::new(outbound())
    }

    fn saying(url: String, subject: &str, text: &str) -> Message {
        Message { subject: subject.into(), text: text.into(), ..message(&url) }
    }

    #[tokio::test]
    async fn nothing_in_a_message_is_markup() {
        let sink = HttpSink::start([vec![Step::answer(200, "text/html", "ok")]]);
        let url = sink.url("/services/T0/B0/SECRET");
        let nasty = "Table 9 <!channel> & <@U012> <https://evil.example|here>\n> next";
        let outcome = channel().deliver(&saying(url, "[high]\nCo*m*ps", nasty)).await;
        assert_eq!(outcome, Outcome::Delivered { detail: "200".into() });
        let request = sink.requests().remove(0);
        assert_eq!(
            (request.path.as_str(), request.header("content-type")),
            ("/services/T0/B0/SECRET", "application/json")
        );
        assert!(!request.body.contains(['<', '>']), "{}", request.body);
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["text"], "[high] Co*m*ps");
        let texts: Vec<&str> = (0..2).filter_map(|at| body["blocks"][at]["text"]["text"].as_str()).collect();
        let safe = "Table 9 &lt;!channel&gt; &amp; &lt;@U012&gt; &lt;https://evil.example|here&gt;\n&gt; next";
        assert_eq!(texts, ["*[high] Co∗m∗ps*", safe]);
        assert!((0..2).all(|at| body["blocks"][at]["text"]["verbatim"] == true), "{body}");
        assert!(body["blocks"].as_array().is_some_and(|blocks| blocks.len() == 2));
    }

    #[test]
    fn a_long_text_is_cut_where_no_escape_is() {
        assert_eq!(escaped("a<b", 100), "a&lt;b");
        for chars_max in 2..12 {
            let cut = escaped("&&&&&&", chars_max);
            assert!(
                cut.chars().count() <= chars_max && cut.trim_end_matches('…').replace("&amp;", "").is_empty(),
                "{cut}"
            );
        }
        let body = body(&saying("x".into(), "", &"é&".repeat(5_000)));
        let text = body["blocks"][0]["text"]["text"].as_str().unwrap();
        assert!(text.chars().count() <= 3_000 && text.ends_with('…'));
        assert_eq!(body["blocks"].as_array().map(Vec::len), Some(1));
    }

    #[tokio::test]
    async fn every_answer_has_its_outcome() {
        let sink = HttpSink::start([
            vec![Step::answer_with(429, &[("retry-after", "30")], "slow down")],
            vec![Step::answer(500, "text/plain", "rollup_error")],
            vec![Step::answer(404, "text/plain", "no_team")],
            vec![Step::Close],
            vec![Step::answer_with(302, &[("location", "http://127.0.0.1:1/")], "")],
        ]);
        let (channel, message) = (channel(), saying(sink.url("/services/SECRET"), "Comps", "Table 9"));
        let retry = |detail: &str, after_ms| Outcome::Retry { detail: detail.into(), after_ms };
        assert_eq!(channel.deliver(&message).await, retry("429 slow down", Some(30_000)));
        assert_eq!(channel.deliver(&message).await, retry("500 rollup_error", None));
        assert_eq!(channel.deliver(&message).await, Outcome::Refused { detail: "404 no_team".into() });
        let broken = channel.deliver(&message).await;
        assert!(matches!(&broken, Outcome::Retry { detail, .. } if !detail.contains("SECRET")), "{broken:?}");
        assert_eq!(channel.deliver(&message).await, retry("302", None));
    }

    #[tokio::test]
    async fn a_post_that_must_not_come_twice_says_whether_it_may_have_come() {
        let sink = HttpSink::start([
            vec![Step::answer(200, "text/plain", "ok")],
            vec![Step::answer(400, "text/plain", "invalid_payload")],
            vec![Step::Close],
        ]);
        let (channel, message) = (channel(), saying(sink.url("/services/SECRET"), "Comps", "Table 9"));
        assert!(matches!(channel.post(&message).await, EffectOutcome::Done { .. }));
        assert!(matches!(channel.post(&message).await, EffectOutcome::Failed { .. }));
        assert!(matches!(channel.post(&message).await, EffectOutcome::Unknown { .. }));
        drop(sink);
        assert!(matches!(channel.post(&message).await, EffectOutcome::NotSent { .. }));
        let closed = SlackChannel::new(Outbound::new(Egress::default()).unwrap());
        assert!(matches!(closed.post(&message).await, EffectOutcome::NotSent { .. }));
        assert!(matches!(closed.deliver(&message).await, Outcome::Refused { .. }));
    }
}

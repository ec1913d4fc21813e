//! What every channel takes and what it answers.

use futures_util::future::BoxFuture;
use uuid::Uuid;

/// The longest `detail` of an [`Outcome`], in bytes of UTF-8.
pub const DETAIL_BYTES_MAX: usize = 500;

/// One finished message. The same value gives the same bytes on every attempt, apart from what signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stable over attempts; receivers deduplicate by it.
    pub id: Uuid,
    /// At least one; all are named in the one message.
    pub to: Vec<Recipient>,
    /// One line, whatever it holds here; an e-mail takes at most its first 250 characters.
    pub subject: String,
    /// The whole message in plain text, for those who cannot show `html`.
    pub text: String,
    /// The same message as a page; without it the text goes out alone.
    pub html: Option<String>,
    /// When the message was made, not when it is sent: milliseconds since the epoch, UTC.
    pub dated_ms: i64,
    /// What signs this attempt, for a channel that signs.
    pub signing: Option<Signing>,
}

/// What signs one attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct Signing {
    /// The receiver's key.
    pub key: [u8; 32],
    /// The key before it, while both sign.
    pub previous: Option<[u8; 32]>,
    /// When the attempt is made: milliseconds since the epoch, UTC.
    pub at_ms: i64,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signing {{ at_ms: {} }}", self.at_ms)
    }
}

/// Who gets a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// What the channel calls an address, such as `gm@group.example`.
    pub address: String,
    /// Shown beside the address.
    pub name: Option<String>,
}

/// How one attempt ended. `detail` is for people: at most [`DETAIL_BYTES_MAX`] bytes, one line, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained with the variants")]
pub enum Outcome {
    /// The receiver took responsibility for the message.
    Delivered { detail: String },
    /// It may work later; `after_ms` is for how many milliseconds the receiver asked to be left alone, if it did.
    Retry { detail: String, after_ms: Option<i64> },
    /// The same message will not be taken later either.
    Refused { detail: String },
}

/// A way to the outside.
pub trait Channel: Send + Sync + 'static {
    /// The name in settings, attempts and metrics, such as `email`.
    fn name(&self) -> &'static str;

    /// Makes one attempt and ends within the channel's time limit, counted from when it got a free connection. Dropping the
    /// future ends the attempt; whether the receiver took the message is then unknown.
    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome>;
}

/// `text` as the detail of an outcome: `secrets` masked, on one line, cut to [`DETAIL_BYTES_MAX`] bytes.
pub(super) fn detail(text: &str, secrets: &[String]) -> String {
    let masked =
        secrets.iter().filter(|secret| !secret.is_empty()).fold(text.to_owned(), |text, s| text.replace(s, "***"));
    cut(&super::wording::one_line(&masked), DETAIL_BYTES_MAX)
}

/// The longest beginning of `text` that fits in `bytes_max`, with an ellipsis where something is missing.
fn cut(text: &str, bytes_max: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max.saturating_sub(ELLIPSIS.len()));
    format!("{}{ELLIPSIS}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_one_short_line_without_secrets() {
        let secrets = ["hunter2".to_owned(), String::new()];
        assert_eq!(detail("535 no\r\nhunter2\tis wrong", &secrets), "535 no *** is wrong");
        let long = detail(&"é".repeat(400), &[]);
        assert!(long.len() <= DETAIL_BYTES_MAX && long.ends_with('…'), "{} bytes", long.len());
    }
}

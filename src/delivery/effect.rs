//! Effects outside that must not happen twice: the ways to have one, and how it ended.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{Response, StatusCode};

use super::channel::Message;
use super::outbound::{Unanswered, retry_after_ms, shown};
use crate::domain::json::JsonText;

/// A way to the outside for a message that must not come twice.
pub trait EffectChannel: Send + Sync + 'static {
    /// Makes the one attempt and ends within this time. Dropping the future ends the attempt; whether the receiver took the message is
    /// then unknown.
    fn perform<'a>(&'a self, message: &'a Message, within: Duration) -> BoxFuture<'a, EffectOutcome>;
}

/// How one run ended. An `error` is for people: one line of at most [`super::channel::DETAIL_BYTES_MAX`] bytes, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained with the variants")]
pub enum EffectOutcome {
    /// It was done. `undo_payload` is what takes it back.
    Done { result: JsonText, undo_payload: Option<JsonText> },
    /// The other side says that it did nothing and will not do it.
    Failed { error: String },
    /// Nobody knows whether it was done. `retry_after_ms` is for how many milliseconds the other side asked to be left alone, if it did.
    Unknown { error: String, retry_after_ms: Option<i64> },
    /// It never left: nothing was done, and trying again doubles nothing.
    NotSent { error: String },
}

impl EffectOutcome {
    /// What an answer means that is no success and says `error`: a client's error is a no, anything else leaves it open.
    pub fn of_status(status: StatusCode, error: String, retry_after_ms: Option<i64>) -> Self {
        let later = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if status.is_client_error() && !later {
            Self::Failed { error }
        } else {
            Self::Unknown { error, retry_after_ms }
        }
    }

    /// What the answer of a receiver means that only takes: done when it says so.
    pub async fn of_receipt(answer: Response) -> Self {
        let (status, retry_after_ms) = (answer.status(), retry_after_ms(&answer));
        if status.is_success() {
            let result = JsonText::of(&serde_json::json!({ "status": status.as_u16() }));
            return Self::Done { result, undo_payload: None };
        }
        Self::of_status(status, shown(answer).await, retry_after_ms)
    }
}

impl From<Unanswered> for EffectOutcome {
    fn from(unanswered: Unanswered) -> Self {
        if unanswered.maybe_received {
            Self::Unknown { error: unanswered.why, retry_after_ms: None }
        } else {
            Self::NotSent { error: unanswered.why }
        }
    }
}

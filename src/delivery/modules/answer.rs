//! The answer to a run: JSON, or lines of it (NDJSON) with progress and at the end a result.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Progress;
use super::lines::{LINE_BYTES_MAX, Lines};
use crate::delivery::channel::detail;
use crate::delivery::effect::EffectOutcome;
use crate::delivery::outbound::{beginning, retry_after_ms, why};
use crate::domain::json::{JsonText, depth};

/// The longest line of progress.
const PROGRESS_BYTES_MAX: usize = 16 * 1024;
/// The largest result and the largest undo payload, as JSON text.
pub const RESULT_BYTES_MAX: usize = 32 * 1024;
/// How deeply they may be nested.
pub const RESULT_DEPTH_MAX: usize = 16;
/// How much of an answer is looked into that is no success.
const ERROR_BYTES: usize = 4 * 1024;
/// How much of what a module says is wrong is told, in characters.
const ERROR_CHARS_MAX: usize = 200;

/// What a line, or a whole answer, says.
enum Line {
    Progress(Progress),
    Done { result: Value, undo_payload: Option<Value> },
    Failed(String),
}

/// Reads an answer to its result.
pub async fn outcome(answer: Response, progress: &mpsc::Sender<Progress>, silent_for: Duration) -> EffectOutcome {
    let status = answer.status();
    if !status.is_success() {
        let retry_after_ms = retry_after_ms(&answer);
        return EffectOutcome::of_status(status, error_of(answer).await, retry_after_ms);
    }
    let unknown = |error: String| EffectOutcome::Unknown { error: detail(&error, &[]), retry_after_ms: None };
    match last_line(answer, progress, silent_for).await {
        Ok(Line::Done { result, undo_payload }) => done(result, undo_payload, progress).await,
        Ok(Line::Failed(error)) => EffectOutcome::Failed { error },
        Ok(Line::Progress(_)) => unknown("the answer ended without a result".into()),
        Err(why) => unknown(why),
    }
}

/// Hands progress on until there is a line of another kind.
async fn last_line(
    mut answer: Response,
    progress: &mpsc::Sender<Progress>,
    silent_for: Duration,
) -> Result<Line, String> {
    let in_lines = says_lines(&answer);
    let mut begun = false;
    let mut lines = Lines::default();
    loop {
        let mut whole = None;
        while let Some(line) = lines.next_line()? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match Line::read(line) {
                Ok(Line::Progress(one)) => {
                    begun = true;
                    // Nobody listening is no reason to end what the module is doing.
                    drop(progress.send(one).await);
                }
                Ok(last) => return Ok(last),
                // A first line that is no JSON may be the beginning of JSON in several lines.
                Err(_) if !begun && !in_lines => {
                    whole = Some([line, b"\n"].concat());
                    break;
                }
                Err(why) => return Err(why),
            }
        }
        if let Some(mut whole) = whole {
            whole.extend_from_slice(lines.rest());
            return read_whole(answer, whole, silent_for).await;
        }
        let Some(piece) = next_piece(&mut answer, silent_for).await? else { break };
        lines.feed(piece.as_ref())?;
    }
    if lines.rest().trim_ascii().is_empty() {
        return Err("the answer ended without a result".into());
    }
    Line::read(lines.rest())
}

async fn read_whole(mut answer: Response, mut read: Vec<u8>, silent_for: Duration) -> Result<Line, String> {
    while read.len() <= LINE_BYTES_MAX {
        let Some(piece) = next_piece(&mut answer, silent_for).await? else { return Line::read(&read) };
        read.extend_from_slice(piece.as_ref());
    }
    Err(format!("the answer is longer than {LINE_BYTES_MAX} bytes"))
}

async fn next_piece(answer: &mut Response, silent_for: Duration) -> Result<Option<impl AsRef<[u8]> + use<>>, String> {
    match timeout(silent_for, answer.chunk()).await {
        Ok(piece) => piece.map_err(|error| why(&error)),
        Err(_) => Err(format!("the answer was silent for {} ms", silent_for.as_millis())),
    }
}

fn says_lines(answer: &Response) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["application/x-ndjson", "application/ndjson", "application/jsonl"].iter().any(|lines| kind.starts_with(lines))
}

impl Line {
    fn read(text: &[u8]) -> Result<Self, String> {
        let fields: Map<String, Value> = serde_json::from_slice(text).map_err(|_| {
            let said: String = String::from_utf8_lossy(text).trim().chars().take(ERROR_CHARS_MAX).collect();
            format!("the answer is no JSON object: {said}")
        })?;
        if let Some(error) = fields.get("error").filter(|error| !error.is_null()) {
            return Ok(Self::Failed(error_text(error)));
        }
        if let Some(result) = fields.get("result") {
            let undo_payload = fields.get("undo_payload").filter(|payload| !payload.is_null()).cloned();
            return Ok(Self::Done { result: result.clone(), undo_payload });
        }
        if !fields.contains_key("progress") && !fields.contains_key("message") {
            return Err("the answer has neither a result nor an error nor progress".into());
        }
        if text.len() > PROGRESS_BYTES_MAX {
            return Err(format!("a line of progress is longer than {PROGRESS_BYTES_MAX} bytes"));
        }
        let share = fields.get("progress").and_then(Value::as_f64);
        let message = fields.get("message").and_then(Value::as_str).map(|text| detail(text, &[]));
        Ok(Self::Progress(Progress {
            per_mille: share.map(per_mille),
            message: message.filter(|text| !text.is_empty()),
        }))
    }
}

/// A share of one, of a thousand.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
fn per_mille(share: f64) -> u16 {
    (share.clamp(0.0, 1.0) * 1_000.0).round() as u16
}

/// What was done counts as done although what it gave is too large to keep; the log says what is missing.
async fn done(result: Value, undo_payload: Option<Value>, progress: &mpsc::Sender<Progress>) -> EffectOutcome {
    let missing =
        |what: &str, why: String| Progress { per_mille: None, message: Some(format!("{what} was left out: {why}")) };
    let result = match kept(&result) {
        Ok(result) => result,
        Err(why) => {
            drop(progress.send(missing("the result", why.clone())).await);
            JsonText::of(&json!({ "left_out": why }))
        }
    };
    let undo_payload = match undo_payload.map(|payload| kept(&payload)).transpose() {
        Ok(payload) => payload,
        Err(why) => {
            drop(progress.send(missing("the undo payload", why)).await);
            None
        }
    };
    EffectOutcome::Done { result, undo_payload }
}

/// A value as text, if it is not too large to keep.
pub fn kept(value: &Value) -> Result<JsonText, String> {
    let text = JsonText::of(value);
    match (text.as_str().len(), depth(value)) {
        (bytes, _) if bytes > RESULT_BYTES_MAX => Err(format!("it has {bytes} bytes, and {RESULT_BYTES_MAX} are kept")),
        (_, depth) if depth > RESULT_DEPTH_MAX => {
            Err(format!("it is nested {depth} deep, and {RESULT_DEPTH_MAX} are kept"))
        }
        _ => Ok(text),
    }
}

/// What an answer that is no success says is wrong: its `error`, the `detail` or `title` of a problem, or how it begins.
pub async fn error_of(answer: Response) -> String {
    let status = answer.status().as_u16();
    let read = beginning(answer, ERROR_BYTES).await;
    let fields: Map<String, Value> = serde_json::from_slice(&read).unwrap_or_default();
    let said = ["error", "detail", "title"].iter().find_map(|name| fields.get(*name).filter(|said| !said.is_null()));
    let said = said.map_or_else(|| String::from_utf8_lossy(&read).chars().take(ERROR_CHARS_MAX).collect(), error_text);
    detail(&format!("{status} {said}"), &[])
}

fn error_text(error: &Value) -> String {
    let said = error.as_str().or_else(|| error.get("message")?.as_str());
    detail(&said.map_or_else(|| error.to_string(), str::to_owned), &[])
}

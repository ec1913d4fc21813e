//! Bodies: bounded in size, time and depth, then read into a type that names every field it knows.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::idempotency;
use super::problem::{Problem, invalid, problem};
use super::site::HttpSettings;
use crate::domain::idempotency::Request;

/// The deepest body.
pub const DEPTH_MAX: usize = 32;
/// How much of a body that is too large is read and thrown away, so that the caller gets to read the answer.
const DRAINED_BYTES_MAX: usize = 1024 * 1024;

/// What a caller sent.
#[derive(Debug, Default)]
pub struct Sent {
    bytes: Bytes,
    /// The request as one that may be repeated, where it carries an idempotency key.
    pub request: Option<Request>,
}

impl Sent {
    /// Reads the body and the idempotency key.
    ///
    /// # Errors
    /// `body-too-large`, `body-too-slow`, `unsupported-media-type`, `bad-idempotency-key`.
    pub async fn read(req: &HttpRequest, payload: Payload, settings: &HttpSettings) -> Result<Self, Problem> {
        Self::read_up_to(req, payload, settings, settings.body_bytes_max).await
    }

    /// The same with a limit of its own, in bytes.
    ///
    /// # Errors
    /// Those of [`Sent::read`].
    pub async fn read_up_to(
        req: &HttpRequest,
        payload: Payload,
        settings: &HttpSettings,
        bytes_max: usize,
    ) -> Result<Self, Problem> {
        let limit = Duration::from_millis(settings.client_timeout_ms);
        let read = collect(req, payload, bytes_max);
        let bytes = tokio::time::timeout(limit, read)
            .await
            .map_err(|_| problem!("body-too-slow", "the body did not come within {} ms", limit.as_millis()))??;
        if !bytes.is_empty() && !is_json(req) {
            return Err(problem!("unsupported-media-type", "a body is application/json"));
        }
        let request = idempotency::request(req, &bytes, &settings.server_key)?;
        Ok(Self { bytes, request })
    }

    /// Nothing: for methods that take no body.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Checks that the body, if there is one, is an empty object.
    ///
    /// # Errors
    /// Those of [`Sent::json`].
    pub fn expect_nothing(&self) -> Result<(), Problem> {
        self.json::<Nothing>().map(|Nothing {}| ())
    }

    /// The body as a value; no body is an empty object.
    ///
    /// # Errors
    /// `malformed-json`, `too-deep`, `invalid-body`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        parse(if self.bytes.is_empty() { b"{}" } else { &self.bytes })
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn collect(req: &HttpRequest, mut payload: Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    let declared = req.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut too_large = declared.is_some_and(|length| length > bytes_max);
    if declared.is_some_and(|length| length > DRAINED_BYTES_MAX) {
        return Err(body_too_large(bytes_max));
    }
    let (mut bytes, mut drained) = (BytesMut::new(), 0);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| problem!("malformed-json", "the body broke off"))?;
        too_large |= bytes.len() + chunk.len() > bytes_max;
        if too_large {
            drained += chunk.len();
            if drained > DRAINED_BYTES_MAX {
                break;
            }
        } else {
            bytes.extend_from_slice(&chunk);
        }
    }
    if too_large {
        return Err(body_too_large(bytes_max));
    }
    Ok(bytes.freeze())
}

fn body_too_large(bytes_max: usize) -> Problem {
    problem!("body-too-large", "a body is at most {bytes_max} bytes")
}

fn is_json(req: &HttpRequest) -> bool {
    let kind = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads JSON into a type, and says where it does not fit.
///
/// # Errors
/// `malformed-json`, `too-deep`, `invalid-body`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| problem!("malformed-json", "the body is not UTF-8"))?;
    if depth(text) > DEPTH_MAX {
        return Err(problem!("too-deep", "the body is nested deeper than {DEPTH_MAX}"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| fault(&error))?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    problem!("malformed-json", "{error}")
}

fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    match error.inner().classify() {
        Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
        Category::Data => {
            let said = error.inner().to_string();
            let detail = said.split(" at line ").next().unwrap_or_default();
            invalid(pointer(error.path(), detail), plain(detail))
        }
    }
}

/// What is wrong, as a sentence whose subject is the place.
fn plain(detail: &str) -> String {
    if detail.starts_with("missing field") {
        return "is missing".into();
    }
    match detail.strip_prefix("unknown field").and_then(|rest| rest.split_once(", expected ")) {
        Some((_, known)) => format!("is not known here; known are {}", known.trim_start_matches("one of ")),
        None if detail.starts_with("unknown field") => "is not known here".into(),
        None => format!("does not fit: {}", without_our_names(detail)),
    }
}

/// `expected struct KeyBody` names a type of this program, which tells a caller nothing.
fn without_our_names(detail: &str) -> String {
    match detail.rsplit_once("expected struct ") {
        Some((said, _)) => format!("{said}expected an object"),
        None => detail.to_owned(),
    }
}

/// The JSON Pointer of a fault. A field that is unknown or missing is named in the message, and not always in the path.
fn pointer(path: &serde_path_to_error::Path, detail: &str) -> String {
    let mut steps: Vec<String> = path
        .iter()
        .filter_map(|step| match step {
            serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
        })
        .collect();
    let named =
        ["unknown field `", "missing field `"].iter().find_map(|start| detail.strip_prefix(start)?.split('`').next());
    if let Some(name) = named.filter(|name| steps.last().is_none_or(|last| last != name)) {
        steps.push(name.to_owned());
    }
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

/// How deeply arrays and objects are nested; looks at brackets outside of strings only, so it holds for broken JSON as well.
fn depth(text: &str) -> usize {
    let (mut here, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                here += 1;
                deepest = deepest.max(here);
            }
            b']' | b'}' if !in_string => here = here.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A field that may be absent, null or there: `None`, `Some(None)`, `Some(Some(…))`.
///
/// # Errors
/// Those of the field's type.
pub fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;

    use super::*;
    use crate::domain::violations::Severity;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Sample {
        title: String,
        severity: Option<Severity>,
        inner: Option<Vec<Inner>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Inner {
        amount: f64,
    }

    fn wrong(text: &str) -> (u16, String) {
        let problem = parse::<Sample>(text.as_bytes()).unwrap_err();
        let pointer = problem.document()["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
        (problem.status_code().as_u16(), pointer)
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_place() {
        assert_eq!(wrong(r#"{"title": "a", "colour": 1}"#), (422, "/colour".into()));
        assert_eq!(wrong("{}"), (422, "/title".into()));
        assert_eq!(wrong(r#"{"title": 5}"#), (422, "/title".into()));
        assert_eq!(wrong(r#"{"title": "a", "severity": "awful"}"#), (422, "/severity".into()));
        assert_eq!(
            wrong(r#"{"title": "a", "inner": [{"amount": 1}, {"amount": "x"}]}"#),
            (422, "/inner/1/amount".into())
        );
        assert_eq!(wrong(r#"{"title": "a", "inner": [{"amount": 1, "b/~": 2}]}"#), (422, "/inner/0/b~1~0".into()));
        assert_eq!(wrong("[]").0, 422);
    }

    #[test]
    fn what_is_wrong_is_said_about_its_place() {
        let said = |text: &str| parse::<Sample>(text.as_bytes()).unwrap_err().document()["detail"].clone();
        assert_eq!(said("{}"), "/title is missing");
        assert_eq!(said(r#"{"colour": 1}"#), "/colour is not known here; known are `title`, `severity`, `inner`");
        assert_eq!(said(r#"{"title": 5}"#), "/title does not fit: invalid type: integer `5`, expected a string");
        assert_eq!(
            said(r#"{"title": "a", "inner": ["x"]}"#),
            "/inner/0 does not fit: invalid type: string \"x\", expected an object"
        );
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in [r#"{"title": "#, "", "{} {}", r#"{"title": "a"} x"#, "nul"] {
            let problem = parse::<serde_json::Value>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), "malformed-json", "{text}");
        }
        assert_eq!(parse::<Sample>(b"{\"title\": \"\xff\"}").unwrap_err().code(), "malformed-json");
    }

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        assert_eq!(depth(r#"{"a": ["[[[[", "\"[[", {}]}"#), 3);
        let deep = "[".repeat(33);
        assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().code(), "too-deep");
        let fits = format!("{}{}", "[".repeat(32), "]".repeat(32));
        assert!(parse::<serde_json::Value>(fits.as_bytes()).is_ok());
    }
}

//! A caller of the HTTP API, for commands and the demo: one credential, JSON both ways, problems as readable lines.
//!
//! Limits: an answer takes at most 30 s and 16 MiB, a list 1,000 pages; no proxy is asked and no redirect followed.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::output::plain;

const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
const PAGES_MAX: usize = 1_000;
const COOKIE_NAME: &str = "ac_session";

/// A caller with one credential. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    credential: Credential,
}

#[derive(Clone)]
enum Credential {
    Bearer(String),
    Session { cookie: String, csrf: String },
}

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing came back.
    #[error("no answer from {url}")]
    NoAnswer {
        /// Where it was sent.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server said no.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Something came that no Action Center says.
    #[error("{url} answered {status}, but not as the Action Center does")]
    Unreadable {
        /// Where it was sent.
        url: String,
        /// What came.
        status: StatusCode,
    },
}

/// A problem document (RFC 9457).
#[derive(Debug, Deserialize)]
pub struct Problem {
    /// What kind of problem, for a person.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    #[serde(default)]
    pub detail: Option<String>,
    /// What kind of problem, for a program.
    #[serde(default)]
    pub code: String,
    /// The places in the body that are wrong.
    #[serde(default)]
    pub errors: Vec<Fault>,
}

/// One place that is wrong.
#[derive(Debug, Deserialize)]
pub struct Fault {
    /// JSON pointer.
    #[serde(default)]
    pub pointer: String,
    /// What is wrong there.
    #[serde(default)]
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.title.clone();
        if let Some(detail) = self.detail.as_ref().filter(|detail| **detail != self.title) {
            line = format!("{line}: {detail}");
        }
        let mut faults = String::new();
        for fault in &self.errors {
            let place = format!("{} {}", fault.pointer, fault.detail);
            if !line.contains(&place) {
                faults = format!("{faults}; {place}");
            }
        }
        line = format!("{line} ({} {}){faults}", self.status, self.code);
        f.write_str(&plain(&line))
    }
}

impl CallError {
    /// The status that the server answered, if it did.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NoAnswer { .. } => None,
            Self::Refused(problem) => Some(problem.status),
            Self::Unreadable { status, .. } => Some(status.as_u16()),
        }
    }
}

impl Client {
    /// A caller with a key or an operator token.
    ///
    /// # Errors
    /// An address that is none, a token that no header can carry.
    pub fn new(url: &str, token: &str) -> anyhow::Result<Self> {
        let parsed = reqwest::Url::parse(url).with_context(|| format!("{url} is not a URL"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            bail!("{url} is neither http nor https");
        }
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("the token is not one word of plain characters");
        }
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .build()
            .context("no HTTP client")?;
        let base = url.trim_end_matches('/').to_owned();
        Ok(Self { http, base, credential: Credential::Bearer(token.to_owned()) })
    }

    /// A caller with the token in `ACTION_CENTER_TOKEN`; a flag would stay in the shell's history.
    ///
    /// # Errors
    /// There is none, and those of [`Client::new`].
    pub fn from_environment(url: &str) -> anyhow::Result<Self> {
        let Ok(token) = std::env::var("ACTION_CENTER_TOKEN") else {
            bail!("set ACTION_CENTER_TOKEN to the operator token or an API key");
        };
        Self::new(url, token.trim())
    }

    /// The same server with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { credential: Credential::Bearer(key.to_owned()), ..self.clone() }
    }

    /// A person who logs in to the same server.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn log_in(&self, org_id: &str, email: &str, password: &str) -> Result<Self, CallError> {
        let url = format!("{}/api/session", self.base);
        let body = json!({ "org_id": org_id, "email": email, "password": password });
        let sent = self.http.post(&url).json(&body).send().await;
        let response = sent.map_err(|error| no_answer(&url, error))?;
        let status = response.status();
        let cookie =
            response.headers().get_all("set-cookie").iter().find_map(|value| session_cookie(value.to_str().ok()?));
        let answer = read(&url, response).await?;
        match (cookie, answer["csrf_token"].as_str()) {
            (Some(cookie), Some(csrf)) => {
                Ok(Self { credential: Credential::Session { cookie, csrf: csrf.to_owned() }, ..self.clone() })
            }
            (None, _) | (_, None) => Err(CallError::Unreadable { url, status }),
        }
    }

    /// GET.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.call(Method::GET, path, None).await
    }

    /// Every item of a list, page by page.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn all(&self, path: &str) -> Result<Vec<Value>, CallError> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let mark = if path.contains('?') { '&' } else { '?' };
            let mut page = self.get(&format!("{path}{mark}limit=500{cursor}")).await?;
            if let Some(found) = page["items"].as_array_mut() {
                items.append(found);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", segment(next)),
                None => break,
            }
        }
        Ok(items)
    }

    /// POST.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PUT.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn delete(&self, path: &str) -> Result<Value, CallError> {
        self.call(Method::DELETE, path, None).await
    }

    /// POST of JSON that is written already, which may be sent again: the same key and body give the same answer. Tells whether this
    /// one was given before.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post_keyed(&self, path: &str, body: &str, key: &str) -> Result<(Value, bool), CallError> {
        let url = format!("{}{path}", self.base);
        let request = self.request(Method::POST, &url).header("Idempotency-Key", key);
        let sent = request.header("Content-Type", "application/json").body(body.to_owned()).send().await;
        let response = sent.map_err(|error| no_answer(&url, error))?;
        let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        Ok((read(&url, response).await?, replayed))
    }

    fn request(&self, method: Method, url: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, url);
        match &self.credential {
            Credential::Bearer(token) => request.bearer_auth(token),
            Credential::Session { cookie, csrf } => request
                .header("Cookie", format!("{COOKIE_NAME}={cookie}"))
                .header("Origin", &self.base)
                .header("X-CSRF-Token", csrf),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CallError> {
        let url = format!("{}{path}", self.base);
        let mut request = self.request(method, &url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| no_answer(&url, error))?;
        read(&url, response).await
    }
}

/// One segment of a path or a value of a query, percent-encoded.
pub fn segment(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// The JSON of a good answer; a body that is empty is null.
async fn read(url: &str, mut response: Response) -> Result<Value, CallError> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(url, error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::Unreadable { url: url.to_owned(), status });
        }
        body.extend_from_slice(&chunk);
    }
    understood(url, status, &body)
}

fn no_answer(url: &str, error: reqwest::Error) -> CallError {
    CallError::NoAnswer { url: url.to_owned(), source: error.without_url() }
}

fn understood(url: &str, status: StatusCode, body: &[u8]) -> Result<Value, CallError> {
    let unreadable = || CallError::Unreadable { url: url.to_owned(), status };
    if !status.is_success() {
        let problem = serde_json::from_slice(body).map_err(|_| unreadable())?;
        return Err(CallError::Refused(Box::new(problem)));
    }
    if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body).map_err(|_| unreadable()) }
}

fn session_cookie(header: &str) -> Option<String> {
    let (pair, _) = header.split_once(';').unwrap_or((header, ""));
    let value = pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('=')?;
    Some(value.to_owned())
}

#[cfg(test)]
mod tests;

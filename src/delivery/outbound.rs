//! HTTP to other systems: what webhooks, modules, Slack and the writer of summaries share.
//!
//! Promise: nothing is called that [`Egress`] does not open, neither by its address nor by the addresses of its name when it is called; no
//! redirect is followed, no proxy asked, no connection kept; a call ends within the limit that it was given, and of an answer no more is read
//! than was asked for. What failed before anything was sent is told apart from what may have arrived.
//! Never here: trying again, or knowing what an answer means.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use uuid::Uuid;

use super::channel::{Signing, detail};
use super::egress::{Egress, Resolver};
use super::signing::signature;

/// How long making a connection may take, so that most hosts that hear nothing are known not to have heard.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How much of an answer is told to people, in characters.
const SHOWN_CHARS: usize = 200;

/// The guarded clients. Cheap to clone; one for the whole server.
#[derive(Clone)]
pub struct Outbound {
    egress: Egress,
    secure: Client,
    plain: Client,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Whether the other side may have got the request; if not, nothing was done.
    pub maybe_received: bool,
    /// Why, for people, without the URL, which may hold a secret of the receiver.
    pub why: String,
}

impl Outbound {
    /// Clients that call what these rules open.
    ///
    /// # Errors
    /// When the system has no certificates to check others by.
    pub fn new(egress: Egress) -> Result<Self, String> {
        let client = |plain: bool| {
            Client::builder()
                .connect_timeout(CONNECT_WITHIN)
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
        Ok(Self { egress, secure, plain })
    }

    /// What may be called.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// A POST of JSON that ends `within` this time, its answer's last byte included.
    ///
    /// # Errors
    /// Why the URL may not be called. It is looked at here whoever saved it: the rules may have changed, and an address that is
    /// written out is looked up by nobody.
    pub fn post(&self, url: &str, body: String, within: Duration) -> Result<RequestBuilder, String> {
        let url = self.egress.check(url).map_err(|why| format!("the URL {why}"))?;
        let client = if url.scheme() == "http" { &self.plain } else { &self.secure };
        Ok(client.post(url).timeout(within).header(CONTENT_TYPE, "application/json").body(body))
    }

    /// The same, signed after Standard Webhooks.
    ///
    /// # Errors
    /// As [`Outbound::post`].
    pub fn signed(
        &self,
        url: &str,
        id: &Uuid,
        signing: &Signing,
        body: String,
        within: Duration,
    ) -> Result<RequestBuilder, String> {
        let timestamp_s = signing.at_ms.div_euclid(1_000);
        let signature = signature(&signing.key, id, timestamp_s, &body);
        Ok(self
            .post(url, body, within)?
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", timestamp_s)
            .header("webhook-signature", signature))
    }
}

/// Sends a request and waits for the head of its answer.
///
/// # Errors
/// [`Unanswered`].
pub async fn send(request: RequestBuilder) -> Result<Response, Unanswered> {
    request
        .send()
        .await
        .map_err(|error| Unanswered { maybe_received: !error.is_connect() && !error.is_builder(), why: why(&error) })
}

/// Why a call broke off, in one line without the URL.
pub fn why(error: &reqwest::Error) -> String {
    let what = match (error.is_timeout(), error.is_body() || error.is_decode()) {
        (true, _) => "no answer in time",
        (false, true) => "the answer broke off",
        (false, false) => "no connection",
    };
    let mut inner = std::error::Error::source(error);
    let mut last = None;
    while let Some(one) = inner {
        last = Some(one.to_string());
        inner = one.source();
    }
    detail(&last.map_or_else(|| what.to_owned(), |last| format!("{what}: {last}")), &[])
}

/// For how many milliseconds the other side asks to be left alone.
pub fn retry_after_ms(answer: &Response) -> Option<i64> {
    let asked_s = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse::<i64>().ok()?;
    Some(asked_s.max(0).saturating_mul(1_000))
}

/// The status of an answer and the beginning of its body, for people: one line.
pub async fn shown(answer: Response) -> String {
    let status = answer.status().as_u16();
    let bytes = beginning(answer, 4 * SHOWN_CHARS).await;
    let said: String = String::from_utf8_lossy(&bytes).chars().take(SHOWN_CHARS).collect();
    detail(&format!("{status} {said}"), &[])
}

/// At least this many bytes of a body, or what there is of it, however it ends.
pub async fn beginning(mut answer: Response, bytes: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < bytes {
        match answer.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    read
}

/// A whole body of at most this many bytes.
///
/// # Errors
/// When it is longer or breaks off, as a sentence.
pub async fn whole(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| why(&error))? {
        if read.len() + chunk.len() > bytes_max {
            return Err(format!("the answer is longer than {bytes_max} bytes"));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

/// How many calls of a kind may be on their way, in all and for one organisation, when nobody wants to wait for a place: what one
/// organisation calls cannot use up what the others need.
pub struct Places {
    all_max: usize,
    each_max: usize,
    taken: Mutex<HashMap<String, usize>>,
}

/// A place that was taken; free again when dropped.
pub struct Place<'a> {
    places: &'a Places,
    org_id: String,
}

impl Places {
    /// This many in all, and for each organisation.
    pub fn new(all_max: usize, each_max: usize) -> Self {
        Self { all_max, each_max, taken: Mutex::default() }
    }

    /// Takes a place, if there is one.
    pub fn take(&self, org_id: &str) -> Option<Place<'_>> {
        let mut taken = self.lock();
        let own = taken.get(org_id).copied().unwrap_or(0);
        if own >= self.each_max || taken.values().sum::<usize>() >= self.all_max {
            return None;
        }
        taken.insert(org_id.to_owned(), own + 1);
        Some(Place { places: self, org_id: org_id.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        let left = taken.get(&self.org_id).map_or(0, |own| own.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.org_id);
        } else {
            taken.insert(self.org_id.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::http::{HttpSink, Step, outbound};

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn an_organisation_takes_no_more_than_its_share() {
        let places = Places::new(3, 2);
        let (one, two) = (places.take("harbour"), places.take("harbour"));
        assert!(one.is_some() && two.is_some() && places.take("harbour").is_none());
        let other = places.take("pier");
        assert!(other.is_some() && places.take("quay").is_none(), "no place is left for anybody");
        drop((one, two, other));
        assert!(places.take("harbour").is_some() && places.lock().is_empty());
    }

    #[tokio::test]
    async fn what_was_never_sent_is_told_apart_from_what_may_have_arrived() {
        let outbound = outbound();
        let gone = HttpSink::start([]);
        let url = gone.url("/hook");
        drop(gone);
        let post = |url: &str| outbound.post(url, "{}".into(), LIMIT).unwrap();
        let refused = send(post(&url)).await.unwrap_err();
        assert!(!refused.maybe_received && refused.why.starts_with("no connection"), "{refused:?}");
        let closing = HttpSink::start([vec![Step::Close]]);
        let broken = send(post(&closing.url("/secret-path"))).await.unwrap_err();
        assert!(broken.maybe_received && !broken.why.contains("secret-path"), "{broken:?}");
    }

    #[tokio::test]
    async fn a_name_is_refused_by_its_addresses_before_anything_is_sent() {
        crate::delivery::testing::http::certificates();
        let outbound = Outbound::new(Egress::allowing(&["10.0.0.0/8".to_owned()])).unwrap();
        let sink = HttpSink::start([]);
        let named = sink.url("/").replace("127.0.0.1", "localhost");
        let refused = send(outbound.post(&named, "{}".into(), LIMIT).unwrap()).await.unwrap_err();
        assert!(!refused.maybe_received && refused.why.contains("no address that may be called"), "{refused:?}");
        assert!(outbound.post(&sink.url("/"), "{}".into(), LIMIT).unwrap_err().contains("delivery.egress.allow"));
        assert_eq!(sink.requests().len(), 0);
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let answer = || vec![Step::answer(200, "text/plain", &"x".repeat(1_000))];
        let sink = HttpSink::start([answer(), answer(), answer()]);
        let outbound = outbound();
        let post = || send(outbound.post(&sink.url("/"), "{}".into(), LIMIT).unwrap());
        assert_eq!(whole(post().await.unwrap(), 1_000).await.unwrap().len(), 1_000);
        assert!(whole(post().await.unwrap(), 999).await.unwrap_err().contains("longer than 999 bytes"));
        assert_eq!(shown(post().await.unwrap()).await, format!("200 {}", "x".repeat(200)));
    }
}

//! `Idempotency-Key`: what makes a repeated request the same request.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;

use super::problem::{Problem, problem};
use crate::domain::idempotency::Request;

/// The header.
pub const HEADER: &str = "idempotency-key";
/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 128;
/// Whose requests the operator's are. Every organisation has an id, so none is called this.
pub const OPERATOR: &str = "";
const CONTEXT: &str = "action-center 2026-11 what a request with an Idempotency-Key was, in the journal";

/// The request as one that may be repeated; `None` without a key, and for methods that are safe to repeat as they are.
///
/// # Errors
/// `bad-idempotency-key`.
pub fn request(req: &HttpRequest, body: &[u8], server_key: &[u8; 32]) -> Result<Option<Request>, Problem> {
    if req.method() != Method::POST {
        return Ok(None);
    }
    let Some(value) = req.headers().get(HEADER) else { return Ok(None) };
    let key = checked(value)?;
    let parts = [req.method().as_str(), req.path(), req.query_string()];
    let print = print(server_key, parts, body);
    Ok(Some(Request { key: key.into(), print }))
}

/// The same request under a key of its organisation, for the directory, which all organisations share.
#[must_use]
pub fn within(request: Option<Request>, owner: &str) -> Option<Request> {
    request.map(|request| Request { key: format!("{owner}\n{}", request.key).into(), ..request })
}

fn checked(value: &HeaderValue) -> Result<&str, Problem> {
    let visible = |text: &&str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let fits = |text: &&str| (1..=KEY_BYTES_MAX).contains(&text.len());
    let text = value.to_str().ok().filter(visible).filter(fits);
    text.ok_or_else(|| problem!("bad-idempotency-key", "an Idempotency-Key is 1 to {KEY_BYTES_MAX} visible characters"))
}

/// Bodies hold passwords, and the print is stored: without the server's key it must tell nothing about a guess. The length of a
/// part stands before it, so the parts cannot run into each other.
fn print(server_key: &[u8; 32], head: [&str; 3], body: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key(CONTEXT, server_key));
    for part in head.map(str::as_bytes).into_iter().chain([body]) {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut print = [0; 16];
    hasher.finalize_xof().fill(&mut print);
    print
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::domain::ids::OutsideId;

    fn keyed(method: Method, key: &str, uri: &str, body: &[u8]) -> Result<Option<Request>, Problem> {
        let req = TestRequest::with_uri(uri).method(method).insert_header((HEADER, key)).to_http_request();
        request(&req, body, &[3; 32])
    }

    #[test]
    fn the_same_path_query_and_body_are_the_same_request() {
        let first = keyed(Method::POST, "k", "/a?b=1", b"{}").unwrap().unwrap();
        assert_eq!(keyed(Method::POST, "k", "/a?b=1", b"{}").unwrap(), Some(first.clone()));
        for (uri, body) in [("/a?b=2", "{}"), ("/b?b=1", "{}"), ("/a?b=1", "{ }")] {
            assert_ne!(keyed(Method::POST, "k", uri, body.as_bytes()).unwrap().unwrap().print, first.print);
        }
        assert_eq!(&*within(Some(first.clone()), "org").unwrap().key, "org\nk");
        assert!(OutsideId::parse(OPERATOR).is_err(), "no organisation has the operator's keys");
        assert_eq!(&*within(Some(first), OPERATOR).unwrap().key, "\nk");
    }

    #[test]
    fn whoever_reads_the_journal_cannot_try_passwords_without_the_servers_key() {
        let head = ["POST", "/api/users", ""];
        assert_ne!(print(&[3; 32], head, b"{}"), print(&[4; 32], head, b"{}"));
        assert_ne!(print(&[3; 32], ["POST", "/a", "b"], b""), print(&[3; 32], ["POST", "/ab", ""], b""));
        assert_ne!(print(&[3; 32], ["POST", "/a", "b"], b""), print(&[3; 32], ["POST", "/a", ""], b"b"));
    }

    #[test]
    fn a_key_is_short_and_visible() {
        assert!(keyed(Method::POST, &"k".repeat(128), "/", b"").is_ok());
        for key in ["", &"k".repeat(129), "a\tb"] {
            assert_eq!(keyed(Method::POST, key, "/", b"").unwrap_err().code(), "bad-idempotency-key", "{key:?}");
        }
        assert_eq!(keyed(Method::PUT, "", "/", b"").unwrap(), None, "a PUT is safe to repeat as it is");
    }
}

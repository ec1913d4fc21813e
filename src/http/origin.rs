//! A session does not act for another site: where a mutation comes from, and the token that only our own pages know.

use actix_web::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::credential::is_secret;
use super::problem::{Problem, problem};

/// The header that carries the token.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The token of a session: nobody who cannot read the cookie can make it.
pub fn csrf_token(server_key: &[u8; 32], session: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_keyed(server_key);
    hasher.update(b"csrf").update(session);
    URL_SAFE_NO_PAD.encode(hasher.finalize().as_bytes())
}

/// Checks a mutation by session: it must name our own origin and carry the session's token.
///
/// # Errors
/// `bad-origin`, `bad-csrf-token`.
pub fn expect_own_page(
    headers: &HeaderMap,
    session: &[u8],
    server_key: &[u8; 32],
    https_only: bool,
) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Err(problem!("bad-origin", "a change in a session needs an Origin header"));
    };
    expect_origin(origin.as_bytes(), headers, https_only)?;
    let shown = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if is_secret(shown, csrf_token(server_key, session).as_bytes()) {
        Ok(())
    } else {
        Err(problem!("bad-csrf-token", "X-CSRF-Token is missing or not the token of this session"))
    }
}

/// Checks the origin where one is sent: a login needs none, but never comes from another site.
///
/// # Errors
/// `bad-origin`.
pub fn expect_origin_if_sent(headers: &HeaderMap, https_only: bool) -> Result<(), Problem> {
    headers.get(ORIGIN).map_or(Ok(()), |origin| expect_origin(origin.as_bytes(), headers, https_only))
}

/// Behind a proxy that ends TLS we do not see the scheme, so host and port decide, and `https` is asked for where the cookie is.
fn expect_origin(origin: &[u8], headers: &HeaderMap, https_only: bool) -> Result<(), Problem> {
    let authority = match origin.strip_prefix(b"https://") {
        Some(authority) => Some(authority),
        None if https_only => None,
        None => origin.strip_prefix(b"http://"),
    };
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    match authority {
        Some(authority) if !host.is_empty() && authority.eq_ignore_ascii_case(host) => Ok(()),
        Some(_) | None => Err(problem!("bad-origin", "the request comes from another origin")),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn asked(origin: Option<&'static str>, token: Option<&str>, https_only: bool) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("center.example:8080"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        if let Some(token) = token {
            headers.insert(HeaderName::from_static(CSRF_HEADER), HeaderValue::from_str(token).unwrap());
        }
        expect_own_page(&headers, b"session", &KEY, https_only).map_err(|problem| problem.code())
    }

    #[test]
    fn only_our_own_origin_with_the_sessions_token_changes_anything() {
        let token = csrf_token(&KEY, b"session");
        assert_eq!(asked(Some("http://center.example:8080"), Some(&token), false), Ok(()));
        assert_eq!(asked(Some("https://Center.example:8080"), Some(&token), true), Ok(()));
        for origin in
            ["https://evil.example", "null", "http://center.example", "http://center.example:8080.evil.example"]
        {
            assert_eq!(asked(Some(origin), Some(&token), false), Err("bad-origin"), "{origin}");
        }
        assert_eq!(asked(Some("http://center.example:8080"), Some(&token), true), Err("bad-origin"));
        assert_eq!(asked(None, Some(&token), false), Err("bad-origin"));
    }

    #[test]
    fn a_token_of_another_session_is_no_token() {
        let other = csrf_token(&KEY, b"other");
        assert_eq!(asked(Some("http://center.example:8080"), Some(&other), false), Err("bad-csrf-token"));
        assert_eq!(asked(Some("http://center.example:8080"), None, false), Err("bad-csrf-token"));
    }
}

//! Answers: bodies that are rendered already, with the version that they show.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};

use super::problem::Problem;
use crate::actors::refusal::Accepted;
use crate::domain::decision::Done;

/// What a handler gives.
pub type Answer = Result<HttpResponse, Problem>;

/// The organisation's sequence number, on every answer to a mutation or a read.
pub const VERSION: HeaderName = HeaderName::from_static("x-org-version");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// JSON that is rendered already.
pub fn json(status: StatusCode, body: impl Into<Vec<u8>>, version: Option<u64>) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    answer.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    if let Some(version) = version {
        answer.insert_header((VERSION, HeaderValue::from(version)));
    }
    answer.body(body.into())
}

/// The answer to a command.
pub fn accepted(accepted: Accepted, version: Option<u64>) -> HttpResponse {
    let status = match accepted.done {
        Done::Created => StatusCode::CREATED,
        Done::Done => StatusCode::OK,
    };
    let mut answer = json(status, accepted.body, version);
    if accepted.replayed {
        answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_its_version_and_whether_it_is_a_replay() {
        let made = Accepted { done: Done::Created, body: b"{}".to_vec(), version: 5, replayed: true };
        let answer = accepted(made, Some(5));
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(answer.headers().get(VERSION).unwrap(), "5");
        assert_eq!(answer.headers().get(REPLAYED).unwrap(), "true");
        assert!(json(StatusCode::OK, "{}", None).headers().get(REPLAYED).is_none());
    }
}

//! Problems: every error as `application/problem+json` (RFC 9457). This file alone knows statuses and codes.
//!
//! Promise: a code keeps its meaning and its status; what its page says is at `/docs/problems/<code>`. An answer about a foreign
//! id is, byte for byte, the answer about an id that does not exist.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::actors::refusal::Refusal;
use crate::domain::rejection::{Fault, Rejection};

/// One kind of problem.
#[derive(Debug)]
pub struct ProblemCode {
    /// What programs compare; also the name of its page.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What people read; the same for every occurrence.
    pub title: &'static str,
}

/// Every kind there is.
pub const CODES: &[ProblemCode] = &[
    // the request itself
    ProblemCode { code: "malformed-json", status: 400, title: "Malformed JSON" },
    ProblemCode { code: "too-deep", status: 400, title: "JSON nested too deeply" },
    ProblemCode { code: "missing-parameter", status: 400, title: "Missing query parameter" },
    ProblemCode { code: "bad-parameter", status: 400, title: "Bad query parameter" },
    ProblemCode { code: "unknown-parameter", status: 400, title: "Unknown query parameter" },
    ProblemCode { code: "bad-cursor", status: 400, title: "Bad cursor" },
    ProblemCode { code: "no-such-route", status: 404, title: "No such route" },
    ProblemCode { code: "method-not-allowed", status: 405, title: "Method not allowed" },
    ProblemCode { code: "body-too-slow", status: 408, title: "Body too slow" },
    ProblemCode { code: "body-too-large", status: 413, title: "Body too large" },
    ProblemCode { code: "bulk-full", status: 413, title: "Bulk full" },
    ProblemCode { code: "too-much-at-once", status: 422, title: "Too much at once" },
    ProblemCode { code: "unsupported-media-type", status: 415, title: "Unsupported media type" },
    ProblemCode { code: "invalid-body", status: 422, title: "Invalid body" },
    ProblemCode { code: "bad-idempotency-key", status: 422, title: "Bad Idempotency-Key" },
    ProblemCode { code: "idempotency-key-reused", status: 422, title: "Idempotency-Key reused" },
    // who asks
    ProblemCode { code: "no-credential", status: 401, title: "No credential" },
    ProblemCode { code: "bad-credential", status: 401, title: "Bad credential" },
    ProblemCode { code: "bad-login", status: 401, title: "Bad login" },
    ProblemCode { code: "bad-origin", status: 403, title: "Bad origin" },
    ProblemCode { code: "bad-csrf-token", status: 403, title: "Bad CSRF token" },
    ProblemCode { code: "not-allowed", status: 403, title: "Not allowed" },
    ProblemCode { code: "venue-not-allowed", status: 403, title: "Venue not allowed" },
    ProblemCode { code: "insufficient-authority", status: 403, title: "Insufficient authority" },
    ProblemCode { code: "own-block", status: 403, title: "Own block" },
    ProblemCode { code: "own-role", status: 403, title: "Own role" },
    ProblemCode { code: "owners-only", status: 403, title: "Owners only" },
    ProblemCode { code: "people-only", status: 403, title: "People only" },
    ProblemCode { code: "own-request", status: 403, title: "Own request" },
    ProblemCode { code: "own-benefit", status: 403, title: "Own benefit" },
    ProblemCode { code: "not-your-step", status: 403, title: "Not your step" },
    ProblemCode { code: "not-your-capability", status: 403, title: "Not your capability" },
    ProblemCode { code: "not-your-request", status: 403, title: "Not your request" },
    // what is asked
    ProblemCode { code: "not-found", status: 404, title: "Not found" },
    ProblemCode { code: "unknown-venue", status: 422, title: "Unknown venue" },
    ProblemCode { code: "venue-in-use", status: 409, title: "Venue in use" },
    ProblemCode { code: "already-lifted", status: 409, title: "Already lifted" },
    ProblemCode { code: "block-expired", status: 409, title: "Block expired" },
    ProblemCode { code: "already-resolved", status: 409, title: "Already resolved" },
    ProblemCode { code: "action-not-open", status: 409, title: "Action not open" },
    ProblemCode { code: "already-exists", status: 409, title: "Already exists" },
    ProblemCode { code: "limit-reached", status: 409, title: "Limit reached" },
    ProblemCode { code: "last-administrator", status: 409, title: "Last administrator" },
    ProblemCode { code: "secret-not-yours", status: 409, title: "Secret not yours" },
    ProblemCode { code: "not-overridable", status: 409, title: "Not overridable" },
    ProblemCode { code: "built-in-capability", status: 409, title: "Built-in capability" },
    ProblemCode { code: "already-decided", status: 409, title: "Already decided" },
    ProblemCode { code: "approval-expired", status: 409, title: "Approval expired" },
    ProblemCode { code: "unknown-capability", status: 422, title: "Unknown capability" },
    ProblemCode { code: "already-running", status: 409, title: "Already running" },
    ProblemCode { code: "wrong-status", status: 409, title: "Wrong status" },
    ProblemCode { code: "not-undoable", status: 409, title: "Not undoable" },
    ProblemCode { code: "payload-changed", status: 412, title: "Payload changed" },
    ProblemCode { code: "grant-used-up", status: 409, title: "Grant used up" },
    ProblemCode { code: "grant-expired", status: 409, title: "Grant expired" },
    ProblemCode { code: "grant-ended", status: 409, title: "Grant ended" },
    ProblemCode { code: "amount-above-grant", status: 409, title: "Amount above grant" },
    // the server
    ProblemCode { code: "organisation-busy", status: 429, title: "Organisation busy" },
    ProblemCode { code: "too-many-streams", status: 429, title: "Too many streams" },
    ProblemCode { code: "internal-error", status: 500, title: "Internal error" },
    ProblemCode { code: "server-busy", status: 503, title: "Server busy" },
    ProblemCode { code: "starting", status: 503, title: "Starting" },
    ProblemCode { code: "stopping", status: 503, title: "Stopping" },
    ProblemCode { code: "quarantined", status: 503, title: "Quarantined" },
    ProblemCode { code: "read-only", status: 503, title: "Read only" },
    ProblemCode { code: "unconfirmed", status: 503, title: "Write not confirmed" },
    ProblemCode { code: "version-not-reached", status: 503, title: "Version not reached" },
    ProblemCode { code: "decision-unknown", status: 503, title: "Decision unknown" },
];

/// The row of a code; a code without a row does not compile.
pub const fn row(code: &str) -> &'static ProblemCode {
    let mut at = 0;
    while at < CODES.len() {
        if same(CODES[at].code.as_bytes(), code.as_bytes()) {
            return &CODES[at];
        }
        at += 1;
    }
    panic!("this code has no row in CODES")
}

const fn same(one: &[u8], two: &[u8]) -> bool {
    if one.len() != two.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != two[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A problem of this code, with a detail where given; the code is looked up when the program is compiled.
macro_rules! problem {
    ($code:literal) => {
        $crate::http::problem::Problem::of(const { $crate::http::problem::row($code) })
    };
    ($code:literal, $($detail:tt)+) => {
        $crate::http::problem::problem!($code).detail(format!($($detail)+))
    };
}
pub(crate) use problem;

/// One occurrence of a problem.
#[derive(Debug)]
pub struct Problem(Box<Occurrence>);

#[derive(Debug)]
struct Occurrence {
    code: &'static ProblemCode,
    detail: Option<Cow<'static, str>>,
    errors: Vec<Fault>,
    members: Map<String, Value>,
    allow: Option<&'static str>,
}

impl Problem {
    /// An occurrence of this kind.
    pub fn of(code: &'static ProblemCode) -> Self {
        Self(Box::new(Occurrence { code, detail: None, errors: Vec::new(), members: Map::new(), allow: None }))
    }

    /// What is special about this occurrence, as a sentence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// What is wrong with the body, and where.
    #[must_use]
    pub fn errors(mut self, errors: Vec<Fault>) -> Self {
        self.0.errors = errors;
        self
    }

    /// A further member of the document.
    #[must_use]
    pub fn member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.into(), value.into());
        self
    }

    /// The methods that the route knows, as the `Allow` header lists them.
    #[must_use]
    pub fn allow(mut self, methods: &'static str) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Its code.
    pub fn code(&self) -> &'static str {
        self.0.code.code
    }

    /// The document.
    pub fn document(&self) -> Value {
        let Occurrence { code, detail, errors, members, .. } = &*self.0;
        let mut document = members.clone();
        document.insert("type".into(), json!(format!("/docs/problems/{}", code.code)));
        document.insert("title".into(), json!(code.title));
        document.insert("status".into(), json!(code.status));
        document.insert("code".into(), json!(code.code));
        if let Some(detail) = detail {
            document.insert("detail".into(), json!(detail));
        }
        if !errors.is_empty() {
            let shown = |fault: &Fault| json!({ "pointer": fault.pointer, "detail": fault.detail });
            document.insert("errors".into(), errors.iter().map(shown).collect());
        }
        Value::Object(document)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.code, self.0.detail.as_deref().unwrap_or(self.0.code.title))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut answer = HttpResponse::build(status);
        answer.content_type("application/problem+json");
        match status {
            StatusCode::UNAUTHORIZED => {
                answer.insert_header((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                answer.insert_header((RETRY_AFTER, HeaderValue::from_static("1")));
            }
            _ => {}
        }
        if let Some(allow) = self.0.allow {
            answer.insert_header((ALLOW, HeaderValue::from_static(allow)));
        }
        answer.body(self.document().to_string())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let said = rejection.to_string();
        let problem = match rejection {
            Rejection::NotFound => problem!("not-found"),
            Rejection::Invalid(faults) => {
                return problem!("invalid-body").detail(summary(&faults)).errors(faults);
            }
            Rejection::UnknownVenue { pointer } => {
                problem!("unknown-venue").errors(vec![Fault::new(pointer, "is no venue of this organisation")])
            }
            Rejection::VenueNotAllowed => problem!("venue-not-allowed"),
            Rejection::VenueInUse => problem!("venue-in-use"),
            Rejection::AlreadyLifted { .. } => problem!("already-lifted"),
            Rejection::BlockExpired { .. } => problem!("block-expired"),
            Rejection::AlreadyResolved { .. } => problem!("already-resolved"),
            Rejection::InsufficientAuthority { .. } => problem!("insufficient-authority"),
            Rejection::OwnBlock => problem!("own-block"),
            Rejection::ActionNotOpen { .. } => problem!("action-not-open"),
            Rejection::NotOverridable => problem!("not-overridable"),
            Rejection::PeopleOnly => problem!("people-only"),
            Rejection::OwnRequest => problem!("own-request"),
            Rejection::OwnBenefit => problem!("own-benefit"),
            Rejection::NotYourStep { .. } => problem!("not-your-step"),
            Rejection::NotYourRequest => problem!("not-your-request"),
            Rejection::AlreadyDecided { .. } => problem!("already-decided"),
            Rejection::ApprovalExpired => problem!("approval-expired"),
            Rejection::PayloadChanged => problem!("payload-changed"),
            Rejection::UnknownCapability => {
                problem!("unknown-capability").errors(vec![Fault::new("/capability", "is not there")])
            }
            Rejection::AlreadyRunning => problem!("already-running"),
            Rejection::WrongStatus { .. } => problem!("wrong-status"),
            Rejection::NotUndoable { .. } => problem!("not-undoable"),
            Rejection::BuiltInCapability => problem!("built-in-capability"),
            Rejection::NotYourCapability => problem!("not-your-capability"),
            Rejection::GrantUsedUp => problem!("grant-used-up"),
            Rejection::GrantExpired { .. } => problem!("grant-expired"),
            Rejection::GrantEnded { .. } => problem!("grant-ended"),
            Rejection::AmountAboveGrant { .. } => problem!("amount-above-grant"),
            Rejection::AlreadyExists { .. } => problem!("already-exists"),
            Rejection::IdempotencyKeyReused => problem!("idempotency-key-reused"),
            Rejection::LimitReached { .. } => problem!("limit-reached"),
            Rejection::LastAdministrator => problem!("last-administrator"),
            Rejection::BulkFull => problem!("bulk-full"),
            Rejection::TooMuchAtOnce => problem!("too-much-at-once"),
            Rejection::OwnRole => problem!("own-role"),
            Rejection::OwnersOnly => problem!("owners-only"),
        };
        problem.detail(said)
    }
}

/// The faults as one text: `/title is empty; /severity …`.
fn summary(faults: &[Fault]) -> String {
    let one = |fault: &Fault| match fault.pointer.as_str() {
        "" => format!("the body {}", fault.detail),
        pointer => format!("{pointer} {}", fault.detail),
    };
    faults.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let said = refusal.to_string();
        let problem = match refusal {
            Refusal::Rejected(rejection) => return rejection.into(),
            Refusal::OrganisationBusy { .. } => problem!("organisation-busy"),
            Refusal::ServerBusy => problem!("server-busy"),
            Refusal::Starting => problem!("starting"),
            Refusal::Quarantined => problem!("quarantined"),
            Refusal::ReadOnly { why } => {
                // Paths and sizes of our disk are for whoever runs the server.
                tracing::warn!(why, "a write was refused");
                return problem!("read-only", "nothing can be written at the moment");
            }
            Refusal::Unconfirmed => problem!("unconfirmed"),
            Refusal::Behind { version } => problem!("version-not-reached").member("version", version),
            Refusal::Failed => problem!("internal-error"),
            Refusal::Stopping => problem!("stopping"),
        };
        problem.detail(said)
    }
}

/// A value of the body that cannot be taken.
pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Problem {
    Rejection::invalid(pointer, detail).into()
}

/// No such thing, or none of the caller's.
pub fn not_found() -> Problem {
    Rejection::NotFound.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_is_a_problem_of_its_own_code_and_status() {
        let problem = Problem::from(Rejection::invalid("/title", "is empty"));
        let document = problem.document();
        assert_eq!(problem.status_code(), 422);
        assert_eq!(document["code"], "invalid-body");
        assert_eq!(document["type"], "/docs/problems/invalid-body");
        assert_eq!(document["status"], 422);
        assert_eq!(document["errors"], json!([{ "pointer": "/title", "detail": "is empty" }]));
        assert_eq!(document["detail"], "/title is empty");
    }

    #[test]
    fn nothing_in_a_not_found_tells_what_was_asked_for() {
        let document = not_found().document();
        let names: Vec<&String> = document.as_object().unwrap().keys().collect();
        assert_eq!(names, ["code", "detail", "status", "title", "type"]);
        assert_eq!(document["detail"], "there is nothing of this id");
    }

    #[test]
    fn a_refusal_that_passes_says_when_to_come_again() {
        for refusal in [Refusal::ServerBusy, Refusal::Starting, Refusal::OrganisationBusy { waiting: 3 }] {
            let answer = Problem::from(refusal).error_response();
            assert_eq!(answer.headers().get(RETRY_AFTER).unwrap(), "1");
            assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
        }
        let answer = problem!("no-credential").error_response();
        assert_eq!(answer.headers().get(WWW_AUTHENTICATE).unwrap(), "Bearer");
        let behind = Problem::from(Refusal::Behind { version: 7 });
        assert_eq!((behind.code(), &behind.document()["version"]), ("version-not-reached", &json!(7)));
    }

    #[test]
    fn why_nothing_is_written_stays_inside() {
        let problem = Problem::from(Refusal::ReadOnly { why: "/var/lib/center/db: 12345 bytes left".into() });
        assert_eq!(problem.code(), "read-only");
        assert_eq!(problem.document()["detail"], "nothing can be written at the moment");
    }

    #[test]
    fn every_row_is_an_error_and_no_code_is_there_twice() {
        for (at, one) in CODES.iter().enumerate() {
            assert!((400..600).contains(&one.status), "{}", one.code);
            assert!(CODES[..at].iter().all(|other| other.code != one.code), "{}", one.code);
        }
    }
}

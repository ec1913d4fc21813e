//! Ids in paths. What is no id is answered like an id that does not exist.

use actix_web::HttpRequest;
use uuid::Uuid;

use super::percent::{Plus, decode};
use super::problem::{Problem, not_found};

/// The id of ours in the path.
///
/// # Errors
/// `not-found` when it is none.
pub fn uuid(req: &HttpRequest) -> Result<Uuid, Problem> {
    req.match_info().get("id").and_then(parse_uuid).ok_or_else(not_found)
}

/// The outside id that ends the path.
///
/// # Errors
/// `not-found` when it is broken.
pub fn last(req: &HttpRequest) -> Result<String, Problem> {
    // Read from the path as it was sent: what the router matched has broken bytes replaced.
    let raw = req.path().rsplit('/').next().unwrap_or_default();
    decode(raw, Plus::Itself).map(std::borrow::Cow::into_owned).ok_or_else(not_found)
}

/// Reads a UUID in its usual form, with hyphens.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

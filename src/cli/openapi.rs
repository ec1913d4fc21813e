//! `openapi`: the document of the HTTP API, from the program itself.

use super::output;

/// Prints it.
pub fn run() {
    output::say(crate::http::openapi::text());
}

//! A stand-in for the OpenAPI document.

/// The document as JSON.
pub fn text() -> &'static str {
    "{}"
}

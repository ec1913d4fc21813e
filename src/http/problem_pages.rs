//! The pages of the problems, as they are served.

/// A page by the name of its code.
macro_rules! pages {
    ($($code:literal,)+) => {
        /// Every page: code and text.
        pub const PAGES: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../../docs/problems/", $code, ".md")))),+];
    };
}

pages! {
    "action-not-open",
    "already-decided",
    "already-exists",
    "already-lifted",
    "already-resolved",
    "already-running",
    "amount-above-grant",
    "approval-expired",
    "bad-credential",
    "bad-csrf-token",
    "bad-cursor",
    "bad-idempotency-key",
    "bad-login",
    "bad-origin",
    "bad-parameter",
    "block-expired",
    "body-too-large",
    "body-too-slow",
    "built-in-capability",
    "bulk-full",
    "decision-unknown",
    "grant-ended",
    "grant-expired",
    "grant-used-up",
    "idempotency-key-reused",
    "insufficient-authority",
    "internal-error",
    "invalid-body",
    "last-administrator",
    "limit-reached",
    "malformed-json",
    "method-not-allowed",
    "missing-parameter",
    "no-credential",
    "no-such-route",
    "not-allowed",
    "not-found",
    "not-overridable",
    "not-undoable",
    "not-your-capability",
    "not-your-request",
    "not-your-step",
    "organisation-busy",
    "own-benefit",
    "own-block",
    "own-request",
    "own-role",
    "owners-only",
    "payload-changed",
    "people-only",
    "quarantined",
    "read-only",
    "secret-not-yours",
    "server-busy",
    "starting",
    "stopping",
    "too-deep",
    "too-many-streams",
    "too-much-at-once",
    "unconfirmed",
    "unknown-capability",
    "unknown-parameter",
    "unknown-venue",
    "unsupported-media-type",
    "venue-in-use",
    "venue-not-allowed",
    "version-not-reached",
    "wrong-status",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::CODES;

    #[test]
    fn every_code_has_its_page_and_every_page_its_code() {
        let mut codes: Vec<&str> = CODES.iter().map(|one| one.code).collect();
        codes.sort_unstable();
        assert_eq!(codes, PAGES.iter().map(|(code, _)| *code).collect::<Vec<_>>());
    }

    #[test]
    fn a_page_says_title_status_meaning_and_what_to_do() {
        for one in CODES {
            let (_, page) = PAGES.iter().find(|(code, _)| *code == one.code).unwrap();
            assert!(page.starts_with(&format!("# {}\n\n`{}` · {}\n", one.title, one.code, one.status)), "{}", one.code);
            for part in ["## What it means", "## Why it happens", "## What to do", "## Example"] {
                assert!(page.contains(part), "{part} in {}", one.code);
            }
        }
    }
}

//! Every message, word for word.

use super::*;
use crate::domain::ids::OutsideId;
use crate::domain::testing::at;

fn names() -> BTreeMap<UserId, Arc<str>> {
    [(OutsideId::parse("mia").unwrap(), "Mia Lindqvist".into())].into()
}

fn announcement(kind: NotificationType, critical: bool, facts: Facts) -> Announcement {
    Announcement {
        id: uuid::Uuid::nil(),
        seq: 1,
        kind,
        critical,
        audience: Vec::new(),
        except: Vec::new(),
        venue_id: None,
        about: None,
        facts,
        made_at: at("2025-02-14T18:00:00Z"),
    }
}

fn said(kind: NotificationType, critical: bool, facts: Facts) -> (String, String) {
    let names = names();
    let place = Place { venue: Some("Pier"), zone: Zone::named("Europe/Berlin").unwrap(), names: &names };
    let Words { title, text } = words(&announcement(kind, critical, facts), &place);
    (title.to_string(), text.to_string())
}

fn facts(what: &str, by: &str, outcome: &str, detail: &str, until: Option<&str>) -> Facts {
    let text = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    Facts { what: what.into(), by: text(by), outcome: text(outcome), detail: text(detail), until: until.map(at) }
}

#[test]
fn every_message_names_who_where_what_and_until_when() {
    use NotificationType as T;
    let until = Some("2025-02-14T19:30:00Z");
    let rows = [
        (
            T::ViolationAlert,
            true,
            facts("Comps above 5 %", "", "", "Table 9", None),
            "Critical: Comps above 5 % · Pier",
            "Table 9",
        ),
        (T::ViolationAlert, false, facts("Slow", "", "", "Table 9", None), "Slow · Pier", "Table 9"),
        (
            T::ViolationEnded,
            false,
            facts("Resolved: Slow", "", "", "Resolved by ana", None),
            "Resolved: Slow · Pier",
            "Resolved by ana",
        ),
        (
            T::Escalation,
            true,
            facts("Slow", "", "", "Table 9", until),
            "Please act: Slow · Pier",
            "Table 9\n\nPlease acknowledge it by 2025-02-14 20:30; then the next rung is asked.",
        ),
        (
            T::Escalation,
            true,
            facts("Slow", "", "", "Table 9", None),
            "Please act: Slow · Pier",
            "Table 9\n\nPlease acknowledge it.",
        ),
        (
            T::ApprovalAssigned,
            false,
            facts("Refund", "mia", "", "Refund 80", until),
            "Please decide: Refund · Pier",
            "Mia Lindqvist asks: Refund 80\n\nPlease approve or reject it by 2025-02-14 20:30.",
        ),
        (
            T::ApprovalAssigned,
            false,
            facts("Refund", "key:k1", "scheduled", "", until),
            "May run: Refund · Pier",
            "The API key k1 asks: Refund\n\nIt runs at 2025-02-14 20:30 unless you or somebody else objects.",
        ),
        (
            T::ApprovalDecided,
            false,
            facts("Refund", "mia", "rejected", "too much", None),
            "Rejected: Refund · Pier",
            "Mia Lindqvist rejected what you asked for. “too much”",
        ),
        (
            T::ApprovalDecided,
            false,
            facts("Refund", "otto", "approved", "", None),
            "Approved: Refund · Pier",
            "otto approved what you asked for.",
        ),
        (
            T::ApprovalDecided,
            false,
            facts("Refund", "schedule", "expired", "nobody decided in time", None),
            "Expired: Refund · Pier",
            "What you asked for is over: nobody decided in time. Ask again if you still need it.",
        ),
        (
            T::ApprovalDecided,
            false,
            facts("Refund", "schedule", "cancelled", "the block was lifted", None),
            "Cancelled: Refund · Pier",
            "The schedule took back what you asked for. “the block was lifted”",
        ),
        (
            T::ExecutionResult,
            false,
            facts("Refund", "", "executed", "", None),
            "Done: Refund · Pier",
            "It was carried out.",
        ),
        (
            T::ExecutionResult,
            false,
            facts("Refund", "", "failed", "the till is closed", None),
            "Failed: Refund · Pier",
            "It was not carried out: the till is closed. It can be tried again.",
        ),
        (
            T::ExecutionResult,
            false,
            facts("Refund", "", "skipped", "", None),
            "Already done: Refund · Pier",
            "The same was carried out lately, so it did not run again.",
        ),
        (
            T::ApprovalInDoubt,
            true,
            facts("Refund", "", "", "the till did not answer", None),
            "In doubt: Refund · Pier",
            "It may or may not have taken effect: the till did not answer. Please look, and say how it was; it does not run again by itself.",
        ),
        (
            T::DeadLetter,
            false,
            facts("Slow", "", "", "For gm@x: 550 no", None),
            "Not delivered: Slow · Pier",
            "For gm@x: 550 no. It is not tried again by itself; send it again once the reason is gone.",
        ),
        (
            T::EndpointDisabled,
            false,
            facts("https://till.example", "", "", "410 gone", until),
            "Webhook switched off: https://till.example · Pier",
            "It has taken nothing since 2025-02-14 20:30, so it is not called any more. The last answer: 410 gone. Switch it on again once it works, and replay what it missed.",
        ),
    ];
    for (kind, critical, facts, title, text) in rows {
        assert_eq!(said(kind, critical, facts), (title.into(), text.into()));
    }
}

#[test]
fn what_comes_from_outside_stays_on_its_line_and_within_its_bounds() {
    let nasty = format!("a\r\nBcc: x\u{202E}{}", "é".repeat(1_000));
    let (title, text) = said(NotificationType::ViolationAlert, true, facts(&nasty, "", "", &"x".repeat(5_000), None));
    assert_eq!(title.chars().count(), TITLE_CHARS_MAX);
    assert!(title.starts_with("Critical: a Bcc: x é") && title.ends_with("… · Pier"), "{title}");
    assert!(!title.contains(['\n', '\r', '\u{202E}']));
    assert_eq!(text.chars().count(), TEXT_CHARS_MAX);
}

//! How notifications are worded: all of it is here, as pure functions. Each names who, where, what happened, what is asked, until when.
//!
//! What comes from outside stays text: a title is one line without marks that change the direction of writing, and what a medium takes as
//! markup is escaped where that medium is spoken.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::{
    Announcement, Facts, Notification, NotificationType, TEXT_CHARS_MAX, TITLE_CHARS_MAX, person_of, shortened,
};
use crate::domain::ids::UserId;
use crate::domain::time::{Timestamp, Zone};

/// The most lines of a digest.
pub const DIGEST_LINES_MAX: usize = 30;
/// The longest line of a digest, in characters.
const LINE_CHARS_MAX: usize = 60;

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub title: Arc<str>,
    /// A few lines.
    pub text: Arc<str>,
}

/// What wording looks up.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The name of the venue.
    pub venue: Option<&'a str>,
    /// The zone of its clock.
    pub zone: Zone,
    /// The names of people, as far as they are known.
    pub names: &'a BTreeMap<UserId, Arc<str>>,
}

impl Place<'_> {
    /// A person's name, or what a label stands for.
    fn who(&self, label: &str) -> String {
        let name = person_of(label).and_then(|id| self.names.get(&id));
        match (name, label) {
            (Some(name), _) => one_line(name),
            (None, "schedule") => "The schedule".into(),
            (None, "operator") => "The operator".into(),
            (None, key) if key.starts_with("key:") => format!("The API {}", key.replacen(':', " ", 1)),
            (None, other) => one_line(other),
        }
    }

    fn until(&self, facts: &Facts) -> Option<String> {
        facts.until.map(|at| self.zone.local_text(at))
    }
}

/// The words of an announcement.
pub fn words(announcement: &Announcement, place: &Place<'_>) -> Words {
    let facts = &announcement.facts;
    let (head, text) = match announcement.kind {
        NotificationType::ViolationAlert => (alert_head(announcement), detail(facts)),
        NotificationType::ViolationEnded | NotificationType::Digest => ("", detail(facts)),
        NotificationType::Escalation => ("Please act: ", escalation(facts, place)),
        NotificationType::ApprovalAssigned => assigned(facts, place),
        NotificationType::ApprovalDecided => decided(facts, place),
        NotificationType::ExecutionResult => result(facts),
        NotificationType::ApprovalInDoubt => ("In doubt: ", in_doubt(facts)),
        NotificationType::DeadLetter => ("Not delivered: ", dead_letter(facts)),
        NotificationType::EndpointDisabled => ("Webhook switched off: ", endpoint_disabled(facts, place)),
    };
    let venue = place.venue.map(|venue| format!(" · {}", one_line(venue))).unwrap_or_default();
    // The name of the venue is never what is cut off.
    let room = TITLE_CHARS_MAX.saturating_sub(head.chars().count() + venue.chars().count());
    let title = format!("{head}{}{venue}", shortened(&one_line(&facts.what), room));
    Words { title: shortened(&title, TITLE_CHARS_MAX), text: shortened(&text, TEXT_CHARS_MAX) }
}

fn alert_head(announcement: &Announcement) -> &'static str {
    if announcement.critical { "Critical: " } else { "" }
}

fn detail(facts: &Facts) -> String {
    facts.detail.as_deref().unwrap_or_default().to_owned()
}

fn escalation(facts: &Facts, place: &Place<'_>) -> String {
    let mut text = detail(facts);
    match place.until(facts) {
        Some(until) => {
            let _ = write!(text, "\n\nPlease acknowledge it by {until}; then the next rung is asked.");
        }
        None => text.push_str("\n\nPlease acknowledge it."),
    }
    text
}

fn assigned(facts: &Facts, place: &Place<'_>) -> (&'static str, String) {
    let by = facts.by.as_deref().map_or_else(|| "Somebody".into(), |by| place.who(by));
    let what = facts.detail.as_deref().unwrap_or(&facts.what);
    let mut text = format!("{by} asks: {what}");
    let held = facts.outcome.as_deref() == Some("scheduled");
    match (held, place.until(facts)) {
        (true, Some(until)) => {
            let _ = write!(text, "\n\nIt runs at {until} unless you or somebody else objects.");
        }
        (true, None) => text.push_str("\n\nIt runs unless you or somebody else objects."),
        (false, Some(until)) => {
            let _ = write!(text, "\n\nPlease approve or reject it by {until}.");
        }
        (false, None) => text.push_str("\n\nPlease approve or reject it."),
    }
    (if held { "May run: " } else { "Please decide: " }, text)
}

fn decided(facts: &Facts, place: &Place<'_>) -> (&'static str, String) {
    let by = facts.by.as_deref().map_or_else(|| "Somebody".into(), |by| place.who(by));
    let said = facts.detail.as_deref().map(|said| format!(" “{said}”")).unwrap_or_default();
    match facts.outcome.as_deref() {
        Some("approved") => ("Approved: ", format!("{by} approved what you asked for.{said}")),
        Some("rejected") => ("Rejected: ", format!("{by} rejected what you asked for.{said}")),
        Some("expired") => {
            let why = facts.detail.as_deref().unwrap_or("nobody decided in time");
            ("Expired: ", format!("What you asked for is over: {why}. Ask again if you still need it."))
        }
        _ => ("Cancelled: ", format!("{by} took back what you asked for.{said}")),
    }
}

fn result(facts: &Facts) -> (&'static str, String) {
    let said = facts.detail.as_deref().map(|said| format!(" {said}")).unwrap_or_default();
    match facts.outcome.as_deref() {
        Some("executed") => ("Done: ", format!("It was carried out.{said}")),
        Some("skipped") => {
            ("Already done: ", format!("The same was carried out lately, so it did not run again.{said}"))
        }
        _ => ("Failed: ", format!("It was not carried out:{said}. It can be tried again.")),
    }
}

fn in_doubt(facts: &Facts) -> String {
    let said = facts.detail.as_deref().unwrap_or("its end was not seen");
    format!(
        "It may or may not have taken effect: {said}. Please look, and say how it was; it does not run again by itself."
    )
}

fn dead_letter(facts: &Facts) -> String {
    let said = facts.detail.as_deref().unwrap_or("its receiver did not take it");
    format!("{said}. It is not tried again by itself; send it again once the reason is gone.")
}

fn endpoint_disabled(facts: &Facts, place: &Place<'_>) -> String {
    let since = place.until(facts).map(|at| format!(" since {at}")).unwrap_or_default();
    let said = facts.detail.as_deref().map(|said| format!(" The last answer: {said}.")).unwrap_or_default();
    format!(
        "It has taken nothing{since}, so it is not called any more.{said} Switch it on again once it works, and replay what it missed."
    )
}

/// The words of a digest of these notifications, oldest first, of which there are `count`.
pub fn digest<'a>(parts: impl Iterator<Item = &'a Notification>, count: usize, since: Timestamp, zone: &Zone) -> Words {
    let things = if count == 1 { "notification" } else { "notifications" };
    let title = format!("{count} {things} since {}", zone.local_text(since));
    let mut text = String::new();
    let mut shown = 0;
    for one in parts.take(DIGEST_LINES_MAX) {
        let at = zone.local_text(one.created_at);
        let _ = writeln!(text, "{at} {}", shortened(&one.title, LINE_CHARS_MAX));
        shown += 1;
    }
    if count > shown {
        let _ = writeln!(text, "… and {} more in the app", count - shown);
    }
    Words { title: title.into(), text: text.trim_end().into() }
}

/// A text on one line, without marks that change the direction of writing.
fn one_line(text: &str) -> String {
    let breaks_out = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.split(breaks_out).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

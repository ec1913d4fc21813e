//! Reporting: a new violation, or one more occurrence of an open one, with what the templates make of it in the same step.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::{Entity, Repeat, Severity, Violation, ViolationType, quiet, reopen};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, VenueId};
use crate::domain::json::{self, JsonText};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::suppression::inhibition;
use crate::domain::templates::conditions::facts::Occasion;
use crate::domain::templates::plan;
use crate::domain::time::{BusinessDate, Timestamp};

/// The longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// The longest other text, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// The largest metadata, in bytes of JSON.
pub const METADATA_BYTES_MAX: usize = 32 * 1024;
/// The deepest metadata.
pub const METADATA_DEPTH_MAX: usize = 16;
/// The longest fingerprint, in bytes.
pub const FINGERPRINT_BYTES_MAX: usize = 512;

/// What a source says.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Report {
    pub venue_id: Option<String>,
    pub violation_type: String,
    pub severity: Severity,
    pub title: String,
    pub description: Option<String>,
    pub metadata: Option<Value>,
    pub source_table: Option<String>,
    pub source_id: Option<String>,
    pub fingerprint: Option<String>,
    pub detected_at: Option<Timestamp>,
    pub business_date: Option<BusinessDate>,
}

/// Reports a violation.
#[derive(Clone, Debug)]
pub struct ReportViolation {
    /// What happened.
    pub report: Report,
    /// Whether the templates run.
    pub apply_templates: bool,
}

/// A report whose values were checked.
pub struct CheckedReport {
    /// The violation as it would be if it were new; its id is fresh.
    pub violation: Violation,
    /// Its metadata, parsed.
    pub metadata: Value,
}

impl ReportViolation {
    /// Decides a report.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let checked = check(self.report, state, context)?;
        match state.violations.open_with(&checked.violation.fingerprint) {
            Some(open) if !context.caller.reaches(open.venue_id.as_ref()) => Err(Rejection::VenueNotAllowed),
            Some(open) => Ok(repeat(open, &checked, self.apply_templates, state, context)),
            None => match reopen::candidate(&checked.violation.fingerprint, state, context) {
                Some(ended) if !context.caller.reaches(ended.venue_id.as_ref()) => Err(Rejection::VenueNotAllowed),
                Some(ended) => Ok(repeat(ended, &checked, self.apply_templates, state, context)),
                None => Ok(first(checked, self.apply_templates, state, context)),
            },
        }
    }
}

fn first(checked: CheckedReport, apply: bool, state: &TenantState, context: &mut Context<'_>) -> Decision {
    let id = checked.violation.id;
    let mut events = vec![Event::ViolationReported(Box::new(checked.violation.clone()))];
    if apply {
        events.extend(plan::events_for(&checked.violation, &checked.metadata, Occasion::New, &[], state, context));
    }
    Decision { events, answer: Answer::Reported { id, new: true } }
}

/// One more occurrence of a violation that is open, or that its end did not outlive.
fn repeat(
    open: &Violation,
    checked: &CheckedReport,
    apply: bool,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Decision {
    let repeat = repeat_of(open, &checked.violation, state, context.now);
    let again = Again::of(open, &repeat);
    let mut events = if open.is_open() {
        vec![Event::ViolationRepeated(Box::new(repeat))]
    } else {
        let reopened = Event::ViolationReopened(Box::new(repeat));
        std::iter::once(reopened).chain(reopen::brought_back(open, &again.violation, state, context)).collect()
    };
    if apply {
        let made = plan::events_for(&again.violation, &again.metadata, again.occasion, &events, state, context);
        events.extend(made);
    }
    Decision { events, answer: Answer::Reported { id: open.id, new: false } }
}

/// What one more report changes of a violation that is open, or that its end did not outlive.
pub fn repeat_of(open: &Violation, said: &Violation, state: &TenantState, now: Timestamp) -> Repeat {
    let metadata = said.metadata.clone().or_else(|| open.metadata.clone());
    let value = metadata.as_ref().map_or(Value::Null, JsonText::value);
    let parent = open.parent_id.filter(|id| state.violations.get(id).is_some_and(Violation::is_open));
    Repeat {
        id: open.id,
        venue_id: open.venue_id.clone(),
        parent_id: parent.or_else(|| inhibition::parent_of(open, state)).or(open.parent_id),
        severity: open.severity.max(said.severity),
        title: said.title.clone(),
        description: said.description.clone().or_else(|| open.description.clone()),
        metadata,
        seen_at: now,
        over_at: if open.is_open() { quiet::over_at(open, &value, state, now) } else { now },
        occurrences: open.occurrences.saturating_add(1),
    }
}

/// A violation as it is after one more report: open, also where it had ended.
pub struct Again {
    /// The violation.
    pub violation: Violation,
    /// Its metadata, parsed.
    pub metadata: Value,
    /// Why templates run.
    pub occasion: Occasion,
}

impl Again {
    /// The violation after a repeat.
    pub fn of(open: &Violation, repeat: &Repeat) -> Self {
        let mut violation = open.clone();
        violation.parent_id = repeat.parent_id;
        violation.severity = repeat.severity;
        violation.title = repeat.title.clone();
        violation.description = repeat.description.clone();
        violation.metadata = repeat.metadata.clone();
        violation.occurrences = repeat.occurrences;
        violation.last_seen_at = repeat.seen_at;
        violation.over_at = repeat.over_at;
        (violation.resolved, violation.resolution, violation.ending) = (None, None, None);
        let metadata = violation.metadata.as_ref().map_or(Value::Null, JsonText::value);
        let occasion = Occasion::Again { rises: repeat.severity > open.severity, back: !open.is_open() };
        Self { violation, metadata, occasion }
    }
}

/// Checks a report and makes the violation that it would be.
///
/// # Errors
/// [`Rejection::Invalid`], [`Rejection::UnknownVenue`], [`Rejection::VenueNotAllowed`].
pub fn check(report: Report, state: &TenantState, context: &mut Context<'_>) -> Result<CheckedReport, Rejection> {
    let mut faults = Faults::default();
    let violation_type = faults.take("/violation_type", ViolationType::parse(&report.violation_type));
    check_texts(&mut faults, &report);
    let metadata_text = check_metadata(&mut faults, report.metadata.as_ref());
    let id_of = |faults: &mut Faults, pointer, text: Option<&String>| {
        text.and_then(|text| faults.take(pointer, OutsideId::parse(text)))
    };
    let venue_id = id_of(&mut faults, "/venue_id", report.venue_id.as_ref());
    let source_table = id_of(&mut faults, "/source_table", report.source_table.as_ref());
    let source_id = id_of(&mut faults, "/source_id", report.source_id.as_ref());
    faults.done()?;
    let Some(violation_type) = violation_type else { return Err(Rejection::invalid("/violation_type", "is missing")) };
    state.expect_venue("/venue_id", venue_id.as_ref(), context)?;
    let id = context.ids.next_id();
    let detected_at = report.detected_at.unwrap_or(context.now);
    let fingerprint = report.fingerprint.map_or_else(
        || fingerprint_of(&violation_type, source_table.as_ref(), source_id.as_ref(), venue_id.as_ref(), id),
        Into::into,
    );
    let metadata = report.metadata.unwrap_or(Value::Null);
    let entity = state.profile(&violation_type).entity_of(&metadata, venue_id.as_ref());
    let mut violation = Violation {
        id,
        seq: 0, // given when the event is applied
        business_date: report.business_date.unwrap_or_else(|| state.business_date(venue_id.as_ref(), detected_at)),
        venue_id,
        parent_id: None,
        violation_type,
        severity: report.severity,
        title: report.title.into(),
        description: report.description.map(Into::into),
        metadata: metadata_text,
        source_table,
        source_id,
        fingerprint,
        detected_at,
        occurrences: 1,
        last_seen_at: context.now,
        over_at: context.now,
        acknowledged: None,
        resolved: None,
        resolution: None,
        ending: None,
        actions: Vec::new(),
        blocks: Vec::new(),
        entity: entity.map(|(id, entity_type)| Entity { id, entity_type }),
    };
    violation.parent_id = inhibition::parent_of(&violation, state);
    Ok(CheckedReport { violation, metadata })
}

fn check_texts(faults: &mut Faults, report: &Report) {
    faults.expect(!report.title.trim().is_empty(), "/title", "is empty");
    faults.text("/title", Some(&report.title), TITLE_CHARS_MAX);
    faults.text("/description", report.description.as_deref(), TEXT_CHARS_MAX);
    if let Some(fingerprint) = &report.fingerprint {
        let fits = !fingerprint.is_empty() && fingerprint.len() <= FINGERPRINT_BYTES_MAX;
        faults.expect(fits, "/fingerprint", "is empty or longer than 512 bytes");
        faults.expect(!fingerprint.chars().any(char::is_control), "/fingerprint", "contains a control character");
    }
}

fn check_metadata(faults: &mut Faults, metadata: Option<&Value>) -> Option<JsonText> {
    let metadata = metadata?;
    faults.expect(metadata.is_object(), "/metadata", "is not an object");
    faults.expect(json::depth(metadata) <= METADATA_DEPTH_MAX, "/metadata", "is nested deeper than 16");
    let text = JsonText::of(metadata);
    faults.expect(text.as_str().len() <= METADATA_BYTES_MAX, "/metadata", "is larger than 32 KiB");
    Some(text)
}

/// The fingerprint of a report that brought none: `type|source_table|source_id|venue` when there is a source id, else unique.
/// A `|` or `%` inside a part is written `%7C` or `%25`, so that parts cannot run into each other.
fn fingerprint_of(
    violation_type: &ViolationType,
    source_table: Option<&OutsideId>,
    source_id: Option<&OutsideId>,
    venue_id: Option<&VenueId>,
    id: Uuid,
) -> Arc<str> {
    let Some(source_id) = source_id else { return id.to_string().into() };
    let part = |text: Option<&OutsideId>| text.map_or_else(String::new, |text| fingerprint_part(text.as_str()));
    format!("{violation_type}|{}|{}|{}", part(source_table), part(Some(source_id)), part(venue_id)).into()
}

/// A part of a fingerprint that stands between two `|`.
pub fn fingerprint_part(text: &str) -> String {
    text.replace('%', "%25").replace('|', "%7C")
}

#[cfg(test)]
mod tests;

//! What becomes of a violation after its report: acknowledged, resolved by somebody, cleared by its source.

use std::sync::Arc;

use uuid::Uuid;

use super::reopen::LIFTED_WITH_IT;
use super::report::{FINGERPRINT_BYTES_MAX, TEXT_CHARS_MAX};
use super::{Ending, Status, Violation, quiet};
use crate::domain::actions::notice::{self, End};
use crate::domain::actions::{ActionType, escalation};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::json::JsonText;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::templates::conditions::facts::Occasion;
use crate::domain::templates::plan;

/// Says that somebody has seen it and takes care.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AcknowledgeViolation {
    pub id: Uuid,
    pub note: Option<String>,
}

impl AcknowledgeViolation {
    /// Decides; a second acknowledgement stops what has begun to escalate since then, where its severity rose, and else changes
    /// nothing.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        check_note("/note", self.note.as_deref())?;
        let violation = state.violation_for(&self.id, context.caller)?;
        let events = match violation.status() {
            Status::Resolved => return Err(already_resolved(violation)),
            Status::Acknowledged => escalation::acknowledged(violation, false, state, context),
            Status::Active => {
                let stopped = escalation::acknowledged(violation, true, state, context);
                let acknowledged = Event::ViolationAcknowledged {
                    id: self.id,
                    venue_id: violation.venue_id.clone(),
                    by: context.label(),
                    note: self.note.map(Into::into),
                };
                std::iter::once(acknowledged).chain(stopped).collect()
            }
        };
        Ok(Decision { events, answer: Answer::Violation(self.id) })
    }
}

/// Ends a violation.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ResolveViolation {
    pub id: Uuid,
    pub resolution: Option<String>,
}

impl ResolveViolation {
    /// Decides; a second resolve is refused.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        check_note("/resolution", self.resolution.as_deref())?;
        let violation = state.violation_for(&self.id, context.caller)?;
        if !violation.is_open() {
            return Err(already_resolved(violation));
        }
        let events = ended(violation, self.resolution.map(Into::into), Ending::Resolved, state, context)?;
        Ok(Decision { events, answer: Answer::Violation(self.id) })
    }
}

/// Ends whatever a source row or a fingerprint has open.
#[derive(Clone, Debug)]
pub enum ClearViolations {
    /// By the row that reported it.
    Source {
        /// Table of the source.
        source_table: Option<String>,
        /// Row of the source.
        source_id: String,
    },
    /// By the fingerprint.
    Fingerprint(String),
}

impl ClearViolations {
    /// Decides; nothing open is no error.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let open: Vec<&Violation> = match self {
            Self::Fingerprint(fingerprint) => {
                let fits = !fingerprint.is_empty() && fingerprint.len() <= FINGERPRINT_BYTES_MAX;
                if !fits {
                    return Err(Rejection::invalid("/fingerprint", "is empty or longer than 512 bytes"));
                }
                state.violations.open_with(&fingerprint).into_iter().collect()
            }
            Self::Source { source_table, source_id } => {
                let id = |pointer: &str, text: &str| {
                    OutsideId::parse(text).map_err(|detail| Rejection::invalid(pointer, detail))
                };
                let table = source_table.as_deref().map(|text| id("/source_table", text)).transpose()?;
                let source = (table, id("/source_id", &source_id)?);
                let ids = state.violations.open_of_source(&source);
                ids.iter().filter_map(|id| state.violations.get(id)).collect()
            }
        };
        let reached: Vec<&Violation> =
            open.into_iter().filter(|violation| context.caller.reaches(violation.venue_id.as_ref())).collect();
        let note: Arc<str> = "Cleared by its source".into();
        let mut events = Vec::new();
        for one in &reached {
            events.extend(ended(one, Some(note.clone()), Ending::Cleared, state, context)?);
        }
        Ok(Decision { events, answer: Answer::Resolved(reached.iter().map(|violation| violation.id).collect()) })
    }
}

/// Makes the actions that templates ask for and that are not there yet.
#[derive(Clone, Debug)]
pub struct RunTemplates {
    /// The violation.
    pub id: Uuid,
}

impl RunTemplates {
    /// Decides; when nothing is missing, nothing happens.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let violation = state.violation_for(&self.id, context.caller)?;
        if !violation.is_open() {
            return Err(already_resolved(violation));
        }
        let metadata = violation.metadata.as_ref().map_or(serde_json::Value::Null, JsonText::value);
        let events = plan::events_for(violation, &metadata, Occasion::Asked, &[], state, context);
        Ok(Decision { events, answer: Answer::ActionsOf(self.id) })
    }
}

/// The events that end a violation: itself, its pending actions, the blocks that go with it, and the notices to whoever was told of it;
/// refused to the person whose own block would go.
///
/// # Errors
/// [`Rejection::OwnBlock`].
pub fn ended(
    violation: &Violation,
    resolution: Option<Arc<str>>,
    ending: Ending,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    let held_until = quiet::notice_held_until(violation, ending, state, context.now);
    let by = context.label();
    let end = End { by: &by, resolution: resolution.as_deref(), held_until };
    let notices = notice::of_end(violation, &end, state, context);
    let mut events = vec![Event::ViolationResolved {
        id: violation.id,
        venue_id: violation.venue_id.clone(),
        by: by.clone(),
        resolution: resolution.clone(),
        ending,
    }];
    let pending = violation.actions.iter().filter_map(|id| state.actions.get(id)).filter(|action| action.is_pending());
    events.extend(pending.map(|action| match (&action.escalation, action.action_type) {
        (Some(escalation), ActionType::Escalate) => escalation::resolved(action, escalation),
        _ => action.dismissed(notice::ENDED.into(), &by),
    }));
    let blocks = violation.blocks.iter().filter_map(|id| state.blocks.get(id));
    let lifted = blocks.filter(|block| block.auto_lift_on_resolve && block.is_active(context.now));
    for block in lifted {
        if context.caller.cause.who.person() == Some(&block.key.entity_id) {
            return Err(Rejection::OwnBlock);
        }
        events.push(block.lifted(by.clone(), LIFTED_WITH_IT.into()));
    }
    events.extend(notices);
    Ok(events)
}

fn check_note(pointer: &str, note: Option<&str>) -> Result<(), Rejection> {
    let mut faults = Faults::default();
    faults.text(pointer, note, TEXT_CHARS_MAX);
    faults.done()
}

fn already_resolved(violation: &Violation) -> Rejection {
    match &violation.resolved {
        Some(mark) => Rejection::AlreadyResolved { at: mark.at },
        None => Rejection::NotFound,
    }
}

#[cfg(test)]
mod tests;

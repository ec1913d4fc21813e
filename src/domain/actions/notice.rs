//! Notices: what those hear who were told of a violation: that it ended, that it came back, that it was forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Action, ActionType, ExecutionStatus};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::violations::Violation;

/// Why an action was dismissed that the end of its violation found undone.
pub const ENDED: &str = "the violation was resolved";

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum NoticeKind {
    Resolved,
    Reopened,
    Reminder,
}

/// The end of a violation in the words of those who hear of it.
pub struct End<'a> {
    /// Who ended it.
    pub by: &'a str,
    /// What was said.
    pub resolution: Option<&'a str>,
    /// When the notice goes out, where not at once.
    pub held_until: Option<Timestamp>,
}

/// The notices of an end: one for each target that was told of the violation.
pub fn of_end(violation: &Violation, end: &End<'_>, state: &TenantState, context: &mut Context<'_>) -> Vec<Event> {
    let own = violation.actions.iter().filter_map(|id| state.actions.get(id));
    let targets: BTreeSet<Arc<str>> = own.flat_map(told).collect();
    let made = targets.iter().map(|to| of_end_to(violation, end, to, context));
    made.collect()
}

/// The notice for somebody whose message arrived after the end: nobody hears of a violation without hearing of its end.
pub fn of_end_after_all(
    violation: &Violation,
    action: &Action,
    step: Option<uuid::Uuid>,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Option<Event> {
    let mark = violation.resolved.as_ref()?;
    let to = match (action.action_type, &action.escalation) {
        (ActionType::Alert, _) => action.action_target.clone(),
        (ActionType::Escalate, Some(escalation)) => {
            let rung = escalation.steps.iter().find(|one| step.is_none_or(|step| step == one.id))?;
            authority(&rung.authority)
        }
        _ => return None,
    };
    let own = violation.actions.iter().filter_map(|id| state.actions.get(id));
    let mut since = own.filter(|one| one.notice == Some(NoticeKind::Resolved) && one.created_at >= mark.at);
    if since.any(|one| one.action_target == to) {
        return None;
    }
    let end = End { by: &mark.by, resolution: violation.resolution.as_deref(), held_until: None };
    Some(of_end_to(violation, &end, &to, context))
}

/// What a return of a violation does with the notices of its end: those that still wait are dropped, and who got one hears of the return.
pub fn of_return(violation: &Violation, state: &TenantState, context: &mut Context<'_>) -> Vec<Event> {
    let Some(mark) = &violation.resolved else { return Vec::new() };
    let own = violation.actions.iter().filter_map(|id| state.actions.get(id));
    let of_this_end: Vec<&Action> =
        own.filter(|one| one.notice == Some(NoticeKind::Resolved) && one.created_at >= mark.at).collect();
    let mut events = Vec::new();
    for one in of_this_end {
        match one.status {
            ExecutionStatus::Pending => events.push(one.dismissed("the violation came back".into(), &context.label())),
            ExecutionStatus::Delivered => {
                events.push(made(NoticeKind::Reopened, violation, &one.action_target, None, context));
            }
            ExecutionStatus::Failed | ExecutionStatus::Dismissed => {}
        }
    }
    events
}

/// The notice for somebody who hears of an end that was taken back while the message was on its way.
pub fn of_return_after_all(violation: &Violation, action: &Action, context: &mut Context<'_>) -> Option<Event> {
    let of_end = action.notice == Some(NoticeKind::Resolved) && action.status != ExecutionStatus::Delivered;
    (of_end && violation.is_open()).then(|| made(NoticeKind::Reopened, violation, &action.action_target, None, context))
}

/// The targets that an action has told.
fn told(action: &Action) -> Vec<Arc<str>> {
    match (action.action_type, &action.escalation) {
        (ActionType::Alert, _) if action.was_delivered() => vec![action.action_target.clone()],
        (ActionType::Escalate, Some(escalation)) => escalation.told().map(authority).collect(),
        _ => Vec::new(),
    }
}

fn authority(rung: &crate::domain::people::Authority) -> Arc<str> {
    format!("authority:{rung}").into()
}

fn of_end_to(violation: &Violation, end: &End<'_>, to: &Arc<str>, context: &mut Context<'_>) -> Event {
    let said = end.resolution.map_or_else(String::new, |text| format!(": {text}"));
    let text = format!("Resolved by {}{said}", end.by);
    action(NoticeKind::Resolved, violation, to, text, end.held_until, context)
}

/// A notice that says the same of every violation.
pub fn made(
    kind: NoticeKind,
    violation: &Violation,
    to: &Arc<str>,
    at: Option<Timestamp>,
    context: &mut Context<'_>,
) -> Event {
    let text = match kind {
        NoticeKind::Resolved => "Resolved".into(),
        NoticeKind::Reopened => "It is reported again, shortly after its end; what stood before stands again.".into(),
        NoticeKind::Reminder => {
            let by = violation.acknowledged.as_ref().map_or("somebody", |mark| &*mark.by);
            format!("Acknowledged by {by} and still open. Please resolve it, or say what is missing.")
        }
    };
    action(kind, violation, to, text, at, context)
}

fn action(
    kind: NoticeKind,
    violation: &Violation,
    to: &Arc<str>,
    message: String,
    at: Option<Timestamp>,
    context: &mut Context<'_>,
) -> Event {
    let word = match kind {
        NoticeKind::Resolved => "Resolved",
        NoticeKind::Reopened => "Open again",
        NoticeKind::Reminder => "Reminder",
    };
    Event::ActionCreated(Box::new(Action {
        id: context.ids.next_id(),
        seq: 0, // given when the event is applied
        violation_id: violation.id,
        venue_id: violation.venue_id.clone(),
        severity: violation.severity,
        title: format!("{word}: {}", violation.title).into(),
        template_id: None,
        template_version: None,
        action_type: ActionType::Notice,
        action_target: to.clone(),
        message: message.into(),
        missing: Vec::new(),
        action_data: Arc::default(),
        created_at: context.now,
        scheduled_for: at,
        executed_at: None,
        status: ExecutionStatus::Pending,
        reason: None,
        attempts: Vec::new(),
        failures: 0,
        due_at: Some(at.unwrap_or(context.now)),
        escalation: None,
        suppressed: None,
        notice: Some(kind),
    }))
}

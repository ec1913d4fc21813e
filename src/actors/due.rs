//! What is due in an organisation, as messages ready to be sent: a look at its state, taken in its actor.

use std::borrow::Cow;
use std::collections::HashSet;

use uuid::Uuid;

use crate::delivery::wording::{AlertParts, alert_mail};
use crate::domain::actions::Action;
use crate::domain::ids::VenueId;
use crate::domain::state::TenantState;
use crate::domain::templates::target::Target;
use crate::domain::time::Zone;

/// A delivery to make.
#[derive(Clone, Debug)]
pub struct Due {
    /// The action.
    pub action: Uuid,
    /// The step of an escalation.
    pub step: Option<Step>,
    /// Where it happened.
    pub venue_id: Option<VenueId>,
    /// For whom; an error says why it is for nobody.
    pub target: Result<Target, String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// When the action was made, in milliseconds since the epoch: the date of its message.
    pub dated_ms: i64,
}

/// The step of an escalation that a delivery is for.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its id, which is the id of its message.
    pub id: Uuid,
    /// Its number, 0 the first.
    pub rung: usize,
}

/// What is due and not on its way, and when to look again for the rest.
#[derive(Clone, Debug, Default)]
pub struct DueNow {
    /// The deliveries.
    pub due: Vec<Due>,
    /// When the first of the others is due, in milliseconds since the epoch.
    pub next_ms: Option<i64>,
    /// How many are pending in all.
    pub pending: usize,
}

/// Takes what is due at `now_ms`, at most `at_most`, leaving out what is on its way.
pub fn due_now(state: &TenantState, now_ms: i64, on_its_way: &HashSet<Uuid>, at_most: usize) -> DueNow {
    let mut found = DueNow { pending: state.actions.pending_count(), ..DueNow::default() };
    for action in state.actions.by_due().filter(|action| !on_its_way.contains(&action.id)) {
        let at = action.due().unwrap_or(action.created_at).0;
        if at > now_ms || found.due.len() == at_most {
            found.next_ms = Some(at);
            break;
        }
        found.due.push(prepared(state, action));
    }
    found
}

fn prepared(state: &TenantState, action: &Action) -> Due {
    let organisation = state.organisation();
    let violation = state.violations.get(&action.violation_id);
    let venue = action.venue_id.as_ref().and_then(|id| state.venue(id));
    let zone = Zone::named_or_utc(venue.map_or(&organisation.time_zone, |venue| &venue.time_zone));
    let detected_at = violation.map_or_else(String::new, |one| zone.local_text(one.detected_at));
    let (step, target, message) = wanted(action, state);
    let (subject, text, html) = alert_mail(&AlertParts {
        organisation: &organisation.name,
        venue: venue.map(|venue| &*venue.name),
        severity: action.severity.name(),
        title: &action.title,
        message: &message,
        detected_at: &detected_at,
        occurrences: 1, // later ones would change the message between two attempts
        link: None,
    });
    Due {
        action: action.id,
        step,
        venue_id: action.venue_id.clone(),
        target,
        subject,
        text,
        html,
        dated_ms: action.created_at.0,
    }
}

/// For whom the next message of an action is, and what it says: of an escalation the current rung, told what was tried before.
fn wanted<'a>(action: &'a Action, state: &TenantState) -> (Option<Step>, Result<Target, String>, Cow<'a, str>) {
    let current = action.escalation.as_ref().and_then(|all| Some((all, all.current()?)));
    let Some((escalation, step)) = current else {
        let target = Target::parse(action.action_type, &action.action_target, state.organisation());
        return (None, target, Cow::Borrowed(&action.message));
    };
    let rung = escalation.rung();
    let before: Vec<&str> = escalation.steps.iter().take(rung).map(|step| &*step.authority.0).collect();
    let message = if before.is_empty() {
        Cow::Borrowed(&*action.message)
    } else {
        let text =
            format!("{}\n\nNobody has acknowledged this yet. Asked before: {}.", action.message, before.join(", "));
        Cow::Owned(text)
    };
    (Some(Step { id: step.id, rung }), Ok(Target::Authority(step.authority.clone())), message)
}

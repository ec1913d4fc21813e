//! What is due in an organisation, as messages ready to be sent: a look at its state, taken in its actor.

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
        let at = action.due_at.unwrap_or(action.created_at).0;
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
    let (subject, text, html) = alert_mail(&AlertParts {
        organisation: &organisation.name,
        venue: venue.map(|venue| &*venue.name),
        severity: action.severity.name(),
        title: &action.title,
        message: &action.message,
        detected_at: &detected_at,
        occurrences: 1, // later ones would change the message between two attempts
        link: None,
    });
    Due {
        action: action.id,
        venue_id: action.venue_id.clone(),
        target: Target::parse(action.action_type, &action.action_target, organisation),
        subject,
        text,
        html,
        dated_ms: action.created_at.0,
    }
}

//! The end of what is no longer reported, without flapping: see decision 8.
//!
//! A violation is quiet since its last report that was not well below the thresholds that it had reached. Quiet for as long as its
//! type's profile says, it is over. A value that dances around its threshold is never quiet.

use serde_json::Value;

use super::lifecycle::ended;
use super::{Ending, Violation, ViolationType};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::time::{MINUTE_MS, Timestamp};
use uuid::Uuid;

/// How far below its threshold a measure must be to count as quiet, as a part of the threshold.
pub const MARGIN: f64 = 0.1;
/// The longest time for which the notice of an end is held back, in case that the violation comes back.
pub const NOTICE_HELD_MS_MAX: i64 = 15 * MINUTE_MS;
/// Violations that one tick ends; each may bring many events.
pub const QUIET_AT_ONCE_MAX: usize = 20;

/// Since when a violation that is reported again is quiet: since now, unless its measure is well below every threshold of the
/// templates that acted on it.
pub fn over_at(open: &Violation, metadata: &Value, state: &TenantState, now: Timestamp) -> Timestamp {
    let profile = state.profile(&open.violation_type);
    let Some(measure) = profile.measured(metadata) else { return now };
    let own = open.actions.iter().filter_map(|id| state.actions.get(id));
    let templates = own.filter_map(|action| state.templates.get(&action.template_id?));
    let lowest = templates.map(|template| template.conditions.min_threshold).try_fold(f64::INFINITY, |lowest, one| {
        one.map(|one| lowest.min(one)) // one without a threshold acts at any measure
    });
    match lowest {
        Some(lowest) if lowest.is_finite() && measure < lowest - lowest.abs() * MARGIN => open.over_at,
        Some(_) | None => now,
    }
}

/// When the notice of an end goes out: later, where the violation may come back and be the same.
pub fn notice_held_until(
    violation: &Violation,
    ending: Ending,
    state: &TenantState,
    now: Timestamp,
) -> Option<Timestamp> {
    let quiet_ms = state.quiet_ms(&violation.violation_type)?;
    match ending {
        Ending::Resolved => None,
        Ending::Cleared | Ending::Quiet => Some(now.plus_ms(quiet_ms.min(NOTICE_HELD_MS_MAX))),
    }
}

/// The events that end what has been quiet for long enough, at most a few, and which those are.
pub fn over(state: &TenantState, context: &mut Context<'_>) -> Result<(Vec<Event>, Vec<Uuid>), Rejection> {
    let mut types: Vec<(&ViolationType, i64)> = state.quiet_types().collect();
    types.sort_unstable();
    let quiet = state.violations.quiet_by(context.now, types.into_iter());
    let found: Vec<&Violation> = quiet.take(QUIET_AT_ONCE_MAX).collect();
    let mut events = Vec::new();
    for violation in &found {
        let minutes = state.quiet_ms(&violation.violation_type).unwrap_or(0) / MINUTE_MS;
        let said = format!("Not reported for {minutes} minutes");
        events.extend(ended(violation, Some(said.into()), Ending::Quiet, state, context)?);
    }
    Ok((events, found.iter().map(|violation| violation.id).collect()))
}

#[cfg(test)]
mod tests;

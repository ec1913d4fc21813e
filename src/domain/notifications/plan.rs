//! When a notification leaves by each medium: at once, or held until it becomes part of a digest.
//!
//! ```text
//!  off by the person ─► never · digest wanted ─► its time · rush ─► its end · quiet hours at that time ─► their end
//!  else too many single messages lately ─► when the window has room again · else now
//! ```
//! What is critical passes digests, rush and quiet hours; it does not pass the person's own "off", and it is counted like the rest, with
//! some places for itself.

use super::preferences::Preferences;
use super::{
    Delivery, DeliveryState, Medium, NotificationType, Person, SINGLES_FOR_CRITICAL, SINGLES_MAX, SINGLES_WINDOW_MS,
};
use crate::domain::time::{Timestamp, Zone};

/// What a plan depends on besides the person.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Moment {
    pub now: Timestamp,
    /// When the rush of the venue ends, while there is one.
    pub rush_until: Option<Timestamp>,
    /// When the business day of the venue ends.
    pub service_ends: Timestamp,
    /// The venue's.
    pub zone: Zone,
}

/// The deliveries of a notification to a person.
pub fn plan(kind: NotificationType, critical: bool, person: Option<&Person>, moment: &Moment) -> Vec<Delivery> {
    let shipped = Preferences::default();
    let preferences = person.map_or(&shipped, |person| &person.preferences);
    let wanted = preferences.channels(kind);
    let reached = |medium: Medium| medium != Medium::Push || person.is_some_and(|one| !one.subscriptions.is_empty());
    let held_until = if critical { None } else { held_until(kind, preferences, moment) };
    let ways = Medium::ALL.into_iter().filter(|medium| wanted.has(*medium) && reached(*medium));
    ways.map(|medium| {
        let held = held_until.or_else(|| person.and_then(|person| capped_until(person, medium, critical, moment.now)));
        let state = if held.is_some() { DeliveryState::Held } else { DeliveryState::Pending };
        Delivery { medium, state, due_at: held.unwrap_or(moment.now), failures: 0, last_error: None }
    })
    .collect()
}

/// Until when what is not critical is held back, whatever the medium.
fn held_until(kind: NotificationType, preferences: &Preferences, moment: &Moment) -> Option<Timestamp> {
    let digest = preferences.digest_at(kind, moment.now, moment.service_ends, &moment.zone);
    let free = [digest, moment.rush_until].into_iter().flatten().max().unwrap_or(moment.now).max(moment.now);
    let quiet = preferences.quiet_hours.as_ref().and_then(|quiet| quiet.until(free));
    Some(quiet.unwrap_or(free)).filter(|at| *at > moment.now)
}

/// When the window has room again for a single message; none while it has.
fn capped_until(person: &Person, medium: Medium, critical: bool, now: Timestamp) -> Option<Timestamp> {
    let places = if critical { SINGLES_MAX } else { SINGLES_MAX - SINGLES_FOR_CRITICAL };
    let begins = now.plus_ms(-SINGLES_WINDOW_MS);
    let mut lately = person.singles.iter().filter(|(own, at)| *own == medium && *at > begins).map(|(_, at)| *at);
    let count = lately.clone().count();
    if count < places { None } else { lately.next().map(|oldest| oldest.plus_ms(SINGLES_WINDOW_MS)) }
}

#[cfg(test)]
mod tests;

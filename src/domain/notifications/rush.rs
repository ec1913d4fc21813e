//! Rush mode: in the hours that an organisation has declared its busiest, only what is critical reaches people; the rest arrives as one
//! digest when the rush is over.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::VenueId;
use crate::domain::rejection::Faults;
use crate::domain::state::TenantState;
use crate::domain::templates::conditions::during::Windows;
use crate::domain::time::{DAY_MS, MINUTE_MS, Timestamp};

/// How long one rush lasts at most: windows that never end hold nothing back for longer.
const RUSH_MS_MAX: i64 = DAY_MS;

/// Declares when the houses are at their busiest, by the clock of each venue; the organisation's where there is none.
#[derive(Clone, Debug)]
pub struct ChangeRush {
    /// The windows; none for never.
    pub windows: Option<Windows>,
}

/// The busiest hours as they are read and saved.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RushDraft {
    /// A window `{ days, from, to }`, or a list of them, by the venue's clock, as in the conditions of a template; never when absent.
    #[schema(value_type = Option<Vec<crate::domain::templates::conditions::during::During>>)]
    pub peak_windows: Option<Windows>,
}

impl ChangeRush {
    /// Decides; the same again changes nothing.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let mut faults = Faults::default();
        if let Some(windows) = &self.windows {
            windows.check(&mut faults, "/peak_windows");
        }
        faults.done()?;
        let same = self.windows == state.rush;
        let changed = Event::RushChanged { windows: self.windows, by: context.label() };
        Ok(Decision { events: if same { Vec::new() } else { vec![changed] }, answer: Answer::Rush })
    }
}

/// When the rush ends that there is at a venue at this moment; none when there is none.
pub fn until(state: &TenantState, venue: Option<&VenueId>, now: Timestamp) -> Option<Timestamp> {
    let windows = state.rush.as_ref()?;
    let zone = state.zone(venue);
    if !windows.hold(zone.local(now)) {
        return None;
    }
    // Minute by minute, because the clock on the wall is what counts: it jumps, and comes back.
    let mut at = Timestamp(now.0.div_euclid(MINUTE_MS).saturating_add(1).saturating_mul(MINUTE_MS));
    let last = now.plus_ms(RUSH_MS_MAX);
    while at < last && windows.hold(zone.local(at)) {
        at = at.plus_ms(MINUTE_MS);
    }
    Some(at)
}

//! Reporters: what a source says in its own shape, and what that means. One file each, a line each in [`Source`].
//!
//! Promise: severity, fingerprint and what clears it follow from the shape alone; what becomes of the violation is decided like that
//! of any other report.

pub mod comp_exception;
pub mod facts;
pub mod greeting_delay;
pub mod sales_pace;
pub mod staffing_gap;

use uuid::Uuid;

use super::lifecycle::ended;
use super::report::{Report, ReportViolation};
use super::store::SourceRow;
use super::{Ending, Violation};
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, VenueId};
use crate::domain::organisation::BUSINESS_DAY_STARTS;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::time::{BusinessDate, Timestamp, Zone};
use comp_exception::CompException;
use greeting_delay::GreetingDelay;
use sales_pace::SalesPace;
use staffing_gap::StaffingGap;

/// What a source says, in its own shape.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is documented at its type")]
pub enum Source {
    CompException(CompException),
    SalesPace(SalesPace),
    GreetingDelay(GreetingDelay),
    StaffingGap(StaffingGap),
}

impl Source {
    fn venue_id(&self) -> &str {
        match self {
            Self::CompException(said) => &said.venue_id,
            Self::SalesPace(said) => &said.venue_id,
            Self::GreetingDelay(said) => &said.venue_id,
            Self::StaffingGap(said) => &said.venue_id,
        }
    }

    /// The row that it is, where a row is a fact that does not change; pace and gaps are readings of something that does.
    pub fn row(&self) -> Option<SourceRow<'_>> {
        let row = |violation_type, source_id, venue_id| SourceRow {
            violation_type,
            source_table: Some(violation_type),
            source_id,
            venue_id: Some(venue_id),
        };
        match self {
            Self::CompException(said) => Some(row(comp_exception::TYPE, &said.id, &said.venue_id)),
            Self::GreetingDelay(said) => Some(row(greeting_delay::TYPE, &said.id, &said.venue_id)),
            Self::SalesPace(_) | Self::StaffingGap(_) => None,
        }
    }

    fn finding(self, place: &Place) -> Result<Finding, Rejection> {
        match self {
            Self::CompException(said) => said.finding(place),
            Self::SalesPace(said) => said.finding(place),
            Self::GreetingDelay(said) => said.finding(place),
            Self::StaffingGap(said) => said.finding(place),
        }
    }
}

/// What a source's words mean.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A violation.
    Violation(Box<Report>),
    /// What is open under these fingerprints is over; the one that it is about comes first.
    Over(Vec<String>),
    /// Nothing that anybody needs to know.
    Nothing,
}

/// Where it is said: the venue's clock and calendar.
#[derive(Clone, Debug)]
pub struct Place {
    /// The time of the decision.
    pub now: Timestamp,
    /// The venue.
    pub venue_id: VenueId,
    /// Its time zone.
    pub zone: Zone,
    /// The hour at which its business day starts.
    pub business_day_starts: u8,
}

impl Place {
    fn of(state: &TenantState, venue_id: VenueId, now: Timestamp) -> Self {
        let (zone, starts) = state.venue(&venue_id).map_or_else(
            || (state.organisation().time_zone.as_ref(), BUSINESS_DAY_STARTS),
            |venue| (venue.time_zone.as_ref(), venue.business_day_starts),
        );
        Self { now, zone: Zone::named_or_utc(zone), business_day_starts: starts, venue_id }
    }

    /// The business date of a moment.
    pub fn date_of(&self, moment: Timestamp) -> BusinessDate {
        BusinessDate::at(moment, &self.zone, self.business_day_starts)
    }

    /// A time as sources write it: RFC 3339, or the venue's own clock with a date (`2025-02-14 19:05`), or without one (`19:05`) where
    /// the business date is known.
    pub fn moment(&self, text: &str, date: Option<BusinessDate>) -> Option<Timestamp> {
        let text = text.trim();
        Timestamp::parse(text)
            .ok()
            .or_else(|| self.zone.local_moment(text))
            .or_else(|| self.zone.moment_of_day(text, date?, self.business_day_starts))
    }
}

/// Reports what a source says.
#[derive(Clone, Debug)]
pub struct ReportSource {
    /// What it says.
    pub source: Source,
    /// Whether the templates run.
    pub apply_templates: bool,
}

impl ReportSource {
    /// Decides: a report, the end of what is open, or nothing.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        let venue_id = OutsideId::parse(self.source.venue_id());
        let venue_id = venue_id.map_err(|detail| Rejection::invalid("/venue_id", detail))?;
        state.expect_venue("/venue_id", Some(&venue_id), context)?;
        let place = Place::of(state, venue_id, context.now);
        match self.source.finding(&place)? {
            Finding::Violation(report) => {
                ReportViolation { report: *report, apply_templates: self.apply_templates }.decide(state, context)
            }
            Finding::Over(fingerprints) => over(&fingerprints, state, context),
            Finding::Nothing => Ok(Decision { events: Vec::new(), answer: Answer::Ended(Vec::new()) }),
        }
    }
}

fn over(fingerprints: &[String], state: &TenantState, context: &mut Context<'_>) -> Decided {
    let open = fingerprints.iter().filter_map(|fingerprint| state.violations.open_with(fingerprint));
    let reached: Vec<&Violation> = open.filter(|one| context.caller.reaches(one.venue_id.as_ref())).collect();
    let mut events: Vec<Event> = Vec::new();
    for violation in &reached {
        events.extend(ended(violation, Some("Cleared by its source".into()), Ending::Cleared, state, context)?);
    }
    let ids: Vec<Uuid> = reached.iter().map(|violation| violation.id).collect();
    Ok(Decision { events, answer: Answer::Ended(ids) })
}

#[cfg(test)]
mod tests;

//! How a venue's sales run against their plan.

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::facts::{Facts, expect_not_negative, float, rounded, text, title};
use super::{Finding, Place};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::time::BusinessDate;
use crate::domain::violations::Severity;
use crate::domain::violations::report::{Report, fingerprint_part};

/// The type of the violation, and the table of its source.
const TYPE: &str = "sales_pace";
/// A pace on plan ends what was left open on this many business dates before.
const DAYS_BACK: i32 = 31;

/// Where the pace stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the source's words")]
pub enum PaceStatus {
    OnPace,
    Warning,
    Critical,
}

/// A reading of a venue's pace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the field names are the source's words")]
pub struct SalesPace {
    /// The reading; the violation is the venue's of that business date, whichever reading tells of it.
    #[serde(deserialize_with = "text")]
    pub id: String,
    pub venue_id: String,
    #[schema(value_type = Option<String>, format = Date)]
    pub business_date: Option<BusinessDate>,
    pub pace_status: PaceStatus,
    #[schema(value_type = f64)]
    pub actual: Number,
    #[schema(value_type = f64)]
    pub expected: Number,
    /// What else the source knows.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

impl SalesPace {
    /// As severe as the source says; on pace ends what the venue has open.
    ///
    /// # Errors
    /// Sales below 0.
    pub fn finding(self, place: &Place) -> Result<Finding, Rejection> {
        let mut faults = Faults::default();
        expect_not_negative(&mut faults, "/actual", Some(&self.actual));
        expect_not_negative(&mut faults, "/expected", Some(&self.expected));
        faults.done()?;
        let date = self.business_date.unwrap_or_else(|| place.date_of(place.now));
        let fingerprint_on = |days_before: i32| {
            let date = BusinessDate(date.0.saturating_sub(days_before));
            format!("{TYPE}|||{}||{date}", fingerprint_part(&self.venue_id))
        };
        let severity = match self.pace_status {
            PaceStatus::OnPace => return Ok(Finding::Over((0..=DAYS_BACK).map(fingerprint_on).collect())),
            PaceStatus::Warning => Severity::Warning,
            PaceStatus::Critical => Severity::Critical,
        };
        let fingerprint = fingerprint_on(0);
        let gap_pct = gap_pct(float(&self.actual), float(&self.expected));
        let title = match &gap_pct {
            Some(gap) => title(&format!("Sales {gap} % below plan: {} of {}", self.actual, self.expected)),
            None => title(&format!("Sales below plan: {} of {}", self.actual, self.expected)),
        };
        let facts = Facts::beside(self.metadata)
            .with("gap_pct", gap_pct)
            .with("actual", Some(self.actual))
            .with("expected", Some(self.expected));
        Ok(Finding::Violation(Box::new(Report {
            venue_id: Some(self.venue_id),
            violation_type: TYPE.into(),
            severity,
            title,
            description: None,
            metadata: Some(facts.value()),
            source_table: Some(TYPE.into()),
            source_id: Some(self.id),
            fingerprint: Some(fingerprint),
            detected_at: None,
            business_date: Some(date),
        })))
    }
}

/// How far below plan, in per cent of the plan; none without a plan.
fn gap_pct(actual: f64, expected: f64) -> Option<Value> {
    (expected > 0.0).then(|| rounded((expected - actual) / expected * 100.0))
}

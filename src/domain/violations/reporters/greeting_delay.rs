//! How long a table waited for its first greeting.

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::facts::{Facts, expect_not_negative, float, optional_text, text, title};
use super::{Finding, Place};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::time::BusinessDate;
use crate::domain::violations::Severity;
use crate::domain::violations::report::Report;

/// The type of the violation, and the table of its source.
pub const TYPE: &str = "greeting_delay";
/// So many times the threshold is still a warning.
const WARNING_TIMES: f64 = 2.0;

/// A table that was greeted, or is still waiting.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the field names are the source's words")]
pub struct GreetingDelay {
    /// The seating; the same one again is the same violation.
    #[serde(deserialize_with = "text")]
    pub id: String,
    pub venue_id: String,
    #[schema(value_type = Option<String>, format = Date)]
    pub business_date: Option<BusinessDate>,
    #[serde(deserialize_with = "text")]
    pub table_number: String,
    /// RFC 3339, or the venue's own clock.
    pub seated_at: String,
    #[schema(value_type = f64)]
    pub delay_seconds: Number,
    #[schema(value_type = f64)]
    pub threshold_seconds: Number,
    #[serde(default, deserialize_with = "optional_text")]
    pub server_id: Option<String>,
    /// What else the source knows, such as `section`.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

impl GreetingDelay {
    /// A warning over the threshold, critical over twice of it, nothing at or below.
    ///
    /// # Errors
    /// Seconds below 0, a time that is none.
    pub fn finding(self, place: &Place) -> Result<Finding, Rejection> {
        let mut faults = Faults::default();
        expect_not_negative(&mut faults, "/delay_seconds", Some(&self.delay_seconds));
        expect_not_negative(&mut faults, "/threshold_seconds", Some(&self.threshold_seconds));
        let seated_at = place.moment(&self.seated_at, self.business_date);
        faults.expect(seated_at.is_some(), "/seated_at", "is neither an RFC 3339 time nor one of the venue's clock");
        faults.done()?;
        let (delay, threshold) = (float(&self.delay_seconds), float(&self.threshold_seconds));
        if delay <= threshold {
            return Ok(Finding::Nothing);
        }
        let severity = if delay > WARNING_TIMES * threshold { Severity::Critical } else { Severity::Warning };
        let title = title(&format!(
            "Table {} waited {} s for a greeting, {} s are allowed",
            self.table_number, self.delay_seconds, self.threshold_seconds
        ));
        let facts = Facts::beside(self.metadata)
            .with("table_number", Some(self.table_number))
            .with("seated_at", Some(self.seated_at))
            .with("delay_seconds", Some(self.delay_seconds))
            .with("threshold_seconds", Some(self.threshold_seconds))
            .with("server_id", self.server_id);
        Ok(Finding::Violation(Box::new(Report {
            venue_id: Some(self.venue_id),
            violation_type: TYPE.into(),
            severity,
            title,
            description: None,
            metadata: Some(facts.value()),
            source_table: Some(TYPE.into()),
            source_id: Some(self.id),
            fingerprint: None,
            detected_at: seated_at,
            business_date: self.business_date,
        })))
    }
}

//! How many people a schedule lacks.

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::facts::{Facts, expect_not_negative, float, optional_text, text, title};
use super::{Finding, Place};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::time::BusinessDate;
use crate::domain::violations::Severity;
use crate::domain::violations::report::{Report, fingerprint_part};

/// The type of the violation, and the table of its source.
const TYPE: &str = "staffing_gap";
/// A gap from here on is critical, in full-time equivalents.
const CRITICAL_FROM: f64 = 0.5;

/// A schedule against what the venue needs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the field names are the source's words")]
pub struct StaffingGap {
    /// The reading; the violation is that of venue, role and business date, whichever reading tells of it.
    #[serde(deserialize_with = "text")]
    pub id: String,
    pub venue_id: String,
    #[schema(value_type = Option<String>, format = Date)]
    pub business_date: Option<BusinessDate>,
    pub role: Option<String>,
    /// 0 or less says that nobody is missing.
    #[schema(value_type = f64)]
    pub gap_fte: Number,
    #[schema(value_type = f64)]
    pub required_fte: Number,
    #[schema(value_type = f64)]
    pub scheduled_fte: Number,
    #[serde(default, deserialize_with = "optional_text")]
    pub manager_id: Option<String>,
    /// What else the source knows.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

impl StaffingGap {
    /// A warning above 0, critical from 0.5; 0 or less ends the open one.
    ///
    /// # Errors
    /// A requirement or schedule below 0.
    pub fn finding(self, place: &Place) -> Result<Finding, Rejection> {
        let mut faults = Faults::default();
        expect_not_negative(&mut faults, "/required_fte", Some(&self.required_fte));
        expect_not_negative(&mut faults, "/scheduled_fte", Some(&self.scheduled_fte));
        faults.text("/role", self.role.as_deref(), 64);
        faults.done()?;
        let date = self.business_date.unwrap_or_else(|| place.date_of(place.now));
        let role = fingerprint_part(self.role.as_deref().unwrap_or_default());
        let fingerprint = format!("{TYPE}|||{}|{role}|{date}", fingerprint_part(&self.venue_id));
        let gap = float(&self.gap_fte);
        if gap <= 0.0 {
            return Ok(Finding::Over(vec![fingerprint]));
        }
        let severity = if gap >= CRITICAL_FROM { Severity::Critical } else { Severity::Warning };
        let whom = self.role.as_deref().map_or_else(String::new, |role| format!(" ({role})"));
        let title = title(&format!("Understaffed by {} FTE{whom}", self.gap_fte));
        let facts = Facts::beside(self.metadata)
            .with("role", self.role)
            .with("gap_fte", Some(self.gap_fte))
            .with("required_fte", Some(self.required_fte))
            .with("scheduled_fte", Some(self.scheduled_fte))
            .with("manager_id", self.manager_id);
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

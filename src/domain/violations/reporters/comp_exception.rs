//! A comp, as point-of-sale scans report it.

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
pub const TYPE: &str = "comp_exception";
/// A comp above this is critical.
const CRITICAL_ABOVE: f64 = 200.0;
/// A comp above this is a warning.
const WARNING_ABOVE: f64 = 50.0;

/// A comp that was given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the field names are the source's words")]
pub struct CompException {
    /// The row of the source; the same one again is the same violation.
    #[serde(deserialize_with = "text")]
    pub id: String,
    pub venue_id: String,
    #[schema(value_type = Option<String>, format = Date)]
    pub business_date: Option<BusinessDate>,
    #[serde(default, deserialize_with = "optional_text")]
    pub server_id: Option<String>,
    pub server_name: String,
    /// 0 or more.
    #[schema(value_type = f64)]
    pub comp_amount: Number,
    pub comp_reason: Option<String>,
    /// Not said counts as not approved.
    pub approved: Option<bool>,
    pub manager_name: Option<String>,
    /// RFC 3339, or the venue's own clock.
    pub time: Option<String>,
    #[schema(value_type = Option<f64>)]
    pub check_total: Option<Number>,
    /// What else the source knows.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

impl CompException {
    /// Critical over 200 or when not approved, a warning over 50, else info.
    ///
    /// # Errors
    /// An amount below 0.
    pub fn finding(self, place: &Place) -> Result<Finding, Rejection> {
        let mut faults = Faults::default();
        expect_not_negative(&mut faults, "/comp_amount", Some(&self.comp_amount));
        faults.done()?;
        let amount = float(&self.comp_amount);
        let approved = self.approved.unwrap_or(false);
        let severity = match amount {
            _ if amount > CRITICAL_ABOVE || !approved => Severity::Critical,
            _ if amount > WARNING_ABOVE => Severity::Warning,
            _ => Severity::Info,
        };
        let approval = if approved { "" } else { ", not approved" };
        let title = title(&format!("Comp of {} by {}{approval}", self.comp_amount, self.server_name.trim()));
        let detected_at = self.time.as_deref().and_then(|time| place.moment(time, self.business_date));
        let facts = Facts::beside(self.metadata)
            .with("comp_amount", Some(self.comp_amount))
            .with("server_id", self.server_id)
            .with("server_name", Some(self.server_name))
            .with("comp_reason", self.comp_reason)
            .with("approved", Some(approved))
            .with("manager_name", self.manager_name)
            .with("time", self.time)
            .with("check_total", self.check_total);
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
            detected_at,
            business_date: self.business_date,
        })))
    }
}

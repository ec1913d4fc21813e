//! What tests report.

use serde_json::{Value, json};

use crate::domain::violations::Severity;
use crate::domain::violations::report::Report;

/// A comp of 250 by Ana, without venue or source.
pub fn comp() -> Report {
    Report {
        venue_id: None,
        violation_type: "comp_exception".into(),
        severity: Severity::Warning,
        title: "A comp".into(),
        description: None,
        metadata: Some(json!({ "server_id": "ana", "comp_amount": 250 })),
        source_table: None,
        source_id: None,
        fingerprint: None,
        detected_at: None,
        business_date: None,
    }
}

/// The comp of a source row.
pub fn comp_of(source: &str) -> Report {
    Report { source_id: Some(source.into()), ..comp() }
}

impl Report {
    pub(crate) fn of_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    pub(crate) fn at_venue(self, venue: &str) -> Self {
        Self { venue_id: Some(venue.into()), ..self }
    }

    pub(crate) fn with_metadata(self, metadata: Value) -> Self {
        Self { metadata: Some(metadata), ..self }
    }
}

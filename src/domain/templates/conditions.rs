//! When a template matches. Adding a condition is a field, a check and a line in `Conditions::unmet`.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Template;
use crate::domain::json;
use crate::domain::rejection::Faults;
use crate::domain::violations::Violation;
use crate::domain::violations::profile::Profile;

/// What must hold, all of it. Unknown names are refused when a template is saved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// The measure is at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_threshold: Option<f64>,
    /// The measure is at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_threshold: Option<f64>,
    /// The violation is at one of these venues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue_ids: Option<Vec<String>>,
    /// Path in the metadata → the value there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<BTreeMap<String, Value>>,
}

impl Eq for Conditions {}

impl Hash for Conditions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.min_threshold.map(f64::to_bits).hash(state);
        self.max_threshold.map(f64::to_bits).hash(state);
        self.venue_ids.hash(state);
        self.metadata.as_ref().map(|fields| serde_json::to_string(fields).unwrap_or_default()).hash(state);
    }
}

impl Conditions {
    /// Notes what cannot be meant.
    pub fn check(&self, faults: &mut Faults) {
        let bounds =
            [("/conditions/min_threshold", self.min_threshold), ("/conditions/max_threshold", self.max_threshold)];
        for (pointer, bound) in bounds {
            faults.expect(bound.is_none_or(f64::is_finite), pointer, "is not a finite number");
        }
        if let (Some(min), Some(max)) = (self.min_threshold, self.max_threshold) {
            faults.expect(min <= max, "/conditions/max_threshold", "is below min_threshold, so nothing can match");
        }
        if let Some(venues) = &self.venue_ids {
            faults.expect(
                (1..=1_000).contains(&venues.len()),
                "/conditions/venue_ids",
                "does not have 1 to 1,000 entries",
            );
        }
        if let Some(fields) = &self.metadata {
            faults.expect(fields.len() <= 50, "/conditions/metadata", "has more than 50 entries");
        }
    }

    /// Why they do not hold for a violation; `None` when they do.
    fn unmet(&self, violation: &Violation, metadata: &Value, profile: &Profile) -> Option<String> {
        let measure = profile.measured(metadata);
        let bounded = self.min_threshold.is_some() || self.max_threshold.is_some();
        if bounded && measure.is_none() {
            let path = profile.measure.as_deref().unwrap_or("none: its type has no profile");
            return Some(format!("min_threshold or max_threshold: the violation has no measure ({path})"));
        }
        if let (Some(min), Some(measure)) = (self.min_threshold, measure)
            && measure < min
        {
            return Some(format!("min_threshold: {measure} is below {min}"));
        }
        if let (Some(max), Some(measure)) = (self.max_threshold, measure)
            && measure > max
        {
            return Some(format!("max_threshold: {measure} is above {max}"));
        }
        if let Some(venues) = &self.venue_ids {
            let here = violation.venue_id.as_ref().is_some_and(|venue| venues.iter().any(|one| one == venue.as_str()));
            if !here {
                return Some("venue_ids: the violation is at none of these venues".into());
            }
        }
        let differs = |(path, wanted): (&String, &Value)| {
            let found = json::at_path(metadata, path).unwrap_or(&Value::Null);
            (!json::same(found, wanted)).then(|| format!("metadata: {path} is {found}, not {wanted}"))
        };
        self.metadata.as_ref().and_then(|fields| fields.iter().find_map(differs))
    }
}

/// Why a template does not match a violation; `None` when it does.
pub fn mismatch(template: &Template, violation: &Violation, metadata: &Value, profile: &Profile) -> Option<String> {
    if !template.enabled {
        return Some("enabled: the template is switched off".into());
    }
    if template.violation_type != violation.violation_type {
        return Some(format!("violation_type: it is for {}", template.violation_type));
    }
    if let Some(wanted) = template.severity
        && wanted != violation.severity
    {
        return Some(format!("severity: it is for {}, this is {}", wanted.name(), violation.severity.name()));
    }
    template.conditions.unmet(violation, metadata, profile)
}

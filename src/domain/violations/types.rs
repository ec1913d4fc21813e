//! The violation types that ship with a profile: one file each, one line each in the list.

mod comp_exception;
mod generic;
mod greeting_delay;
mod sales_pace;
mod staffing_gap;

use super::ViolationType;
use super::profile::Profile;

/// Makes the profile of one type.
type MakeProfile = fn() -> Profile;

/// Name and profile of every shipped type.
pub const SHIPPED: &[(&str, MakeProfile)] = &[
    ("comp_exception", comp_exception::profile),
    ("sales_pace", sales_pace::profile),
    ("greeting_delay", greeting_delay::profile),
    ("staffing_gap", staffing_gap::profile),
    ("generic", generic::profile),
];

/// Whether a type ships with a profile.
pub fn is_shipped(violation_type: &ViolationType) -> bool {
    SHIPPED.iter().any(|(name, _)| *name == violation_type.as_str())
}

//! The violation types that ship with a profile: one file each, one line each in the list.

mod comp_exception;
mod generic;
mod greeting_delay;
mod sales_pace;
mod staffing_gap;

use std::sync::LazyLock;

use super::ViolationType;
use super::profile::Profile;
use crate::domain::time::MINUTE_MS;

/// Name and profile of every shipped type.
pub static SHIPPED: LazyLock<[(&str, Profile); 5]> = LazyLock::new(|| {
    [
        ("comp_exception", comp_exception::profile()),
        ("sales_pace", sales_pace::profile()),
        ("greeting_delay", greeting_delay::profile()),
        ("staffing_gap", staffing_gap::profile()),
        ("generic", generic::profile()),
    ]
});

/// The profile of a type that nobody gave one.
pub static EMPTY: LazyLock<Profile> = LazyLock::new(Profile::default);

/// The shipped types whose violations end by themselves, and after how many milliseconds without a report.
pub static SHIPPED_QUIET: LazyLock<Vec<(ViolationType, i64)>> = LazyLock::new(|| {
    let ms = |profile: &Profile| Some(i64::from(profile.resolve_after_quiet_minutes?) * MINUTE_MS);
    SHIPPED.iter().filter_map(|(name, profile)| Some((ViolationType::parse(name).ok()?, ms(profile)?))).collect()
});

/// Whether a type ships with a profile.
pub fn is_shipped(violation_type: &ViolationType) -> bool {
    SHIPPED.iter().any(|(name, _)| *name == violation_type.as_str())
}

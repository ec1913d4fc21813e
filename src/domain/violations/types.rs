//! The violation types that ship with a profile: one file each, one line each in the list.

mod comp_exception;
mod generic;
mod greeting_delay;
mod sales_pace;
mod staffing_gap;

use super::profile::Profile;

/// Name and profile of every shipped type.
pub const SHIPPED: &[(&str, fn() -> Profile)] = &[
    ("comp_exception", comp_exception::profile),
    ("sales_pace", sales_pace::profile),
    ("greeting_delay", greeting_delay::profile),
    ("staffing_gap", staffing_gap::profile),
    ("generic", generic::profile),
];

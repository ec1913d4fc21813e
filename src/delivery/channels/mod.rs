//! The channels, a file each.

pub mod email;

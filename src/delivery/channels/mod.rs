//! The channels, a file each.

pub mod email;
pub mod slack;
pub mod webhook;

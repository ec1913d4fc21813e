//! What the product is about, as plain functions over values: no async, no I/O, no clock, no randomness.
//!
//! A command is decided against the state and gives events; an event is folded into the state; a view shows it. One room per
//! noun, each with its commands, events and rules.

pub mod actions;
pub mod aggregate;
pub mod approvals;
pub mod blocks;
pub mod capabilities;
pub mod channels;
pub mod command;
pub mod decision;
pub mod directory;
pub mod event;
pub mod idempotency;
pub mod ids;
pub mod json;
pub mod notifications;
pub mod organisation;
pub mod people;
pub mod permission;
pub mod rejection;
pub mod risk;
pub mod settings;
pub mod size;
pub mod state;
pub mod suppression;
pub mod table;
pub mod tasks;
pub mod templates;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod trends;
pub mod view;
pub mod violations;
pub mod webhooks;

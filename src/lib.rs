//! The Action Center: violations, templates, blocks and checks of hospitality groups, each organisation's on a record of its own.
//!
//! Dependencies point down only; `tests/it/layers.rs` fails when an arrow points up:
//!
//! ```text
//! main → cli → app → http → actors → delivery → store → domain
//! ```
//! `clock`, `config`, `priority`, `secrets` and `telemetry` are leaves: they know none of the layers.

pub mod actors;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod http;
pub mod priority;
pub mod secrets;
pub mod store;
pub mod telemetry;

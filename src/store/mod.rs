//! The store: what must survive, on one machine's disk.
//!
//! ```text
//! append ─► journal (sled) ─► archive (immutable files)
//!              └──── history: both, read as one ───┐
//! snapshots (a cache) ─────────────────────────────┴─► recovery
//! ```
//! Promise: what was acknowledged is read again after any crash, in order, unchanged, or the stream is reported as damaged.
//! Invariant: a snapshot is a cache; deleting every one of them loses nothing.
//! Never here: what a record means, what time it is, or a second try after the disk failed.

pub mod codec;
pub mod data_dir;
pub mod disk;
pub mod journal;
#[cfg(test)]
pub mod journal_contract;
pub mod memory_journal;
pub mod record;
pub mod sled_journal;

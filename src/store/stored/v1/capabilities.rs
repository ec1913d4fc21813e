//! Capabilities of modules.

use std::sync::Arc;

use crate::domain::capabilities::Capability;
use crate::domain::event::Event;
use crate::store::stored::form::{frozen, frozen_event};

frozen! {
    /// A capability that an organisation registered. In an event the number is not its own yet.
    CapabilityV1 of Capability {
        name: String,
        seq: u64,
        version: String,
        module: String,
        params: String,
        sensitivity: u8,
        connectors: Vec<String>,
        reversible: bool,
        idempotent: bool,
        auto_approvable: bool,
        undo_window_s: u32,
        timeout_s: u32,
        concurrency: u32,
        preview_template: String,
        endpoint: Option<String>,
        generation: u32,
        created_by: String,
        created_at: i64,
    }
}

frozen_event! {
    /// That a capability was taken out.
    CapabilityDeletedV1 of Event::CapabilityDeleted {
        name: Arc<str> => String,
        by: Arc<str> => String,
    }
}

//! The samples, as values.

use serde_json::{Value, json};

use crate::domain::time::Timestamp;

/// How far a sample goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nobody has decided yet.
    Waits,
    /// It is approved and waits for its time.
    Scheduled,
    /// It was carried out.
    Executed,
    /// It was carried out and taken back.
    Undone,
    /// The same was carried out before.
    Skipped,
    /// What it asks for could not be done any more when everybody had agreed.
    Failed,
    /// Somebody said no.
    Rejected,
    /// Who asked took it back.
    Cancelled,
    /// Nobody decided in time.
    Expires,
}

/// After how long the block of the failing sample would be over, in milliseconds.
pub const PAYLOAD_ENDS_MS: u64 = 1_500;
/// Until when the expiring sample waits, in milliseconds.
const DECIDE_MS: i64 = 1_500;
const DAY_MS: i64 = 24 * 3_600_000;

/// One request. They place blocks of an operation that no till asks about.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sample {
    pub item: &'static str,
    pub title: &'static str,
    /// Whom the block is for; the same makes it the same work.
    pub entity: &'static str,
    pub ending: Ending,
}

const fn sample(item: &'static str, title: &'static str, entity: &'static str, ending: Ending) -> Sample {
    Sample { item, title, entity, ending }
}

/// All of them, in the order in which they are made.
pub const SAMPLES: [Sample; 10] = [
    sample("seed-waits-1", "No wine orders by the new hire", "sample-zoe", Ending::Waits),
    sample("seed-waits-2", "No discounts on the terrace", "sample-terrace", Ending::Waits),
    sample("seed-scheduled", "No voids from tomorrow on", "sample-ben", Ending::Scheduled),
    sample("seed-executed", "No comps during the stocktaking", "sample-ana", Ending::Executed),
    sample("seed-skipped", "No comps during the stocktaking, asked twice", "sample-ana", Ending::Skipped),
    sample("seed-undone", "No refunds by the wrong person", "sample-cleo", Ending::Undone),
    sample("seed-failed", "A block that was over before everybody had agreed", "sample-dan", Ending::Failed),
    sample("seed-rejected", "No breaks on Friday", "sample-eve", Ending::Rejected),
    sample("seed-cancelled", "No early closing", "sample-finn", Ending::Cancelled),
    sample("seed-expired", "Something that nobody looked at", "sample-gil", Ending::Expires),
];

impl Sample {
    /// What is submitted.
    pub fn body(&self, now_ms: i64) -> Value {
        let after = |ms: i64| json!(Timestamp(now_ms.saturating_add(ms)).to_string());
        let mut body = json!({
            "source": "user", "module": "blocks", "capability": "blocks.place", "title": self.title,
            "action_item_id": self.item, "dedupe_key": self.entity,
            "payload": {
                "block_type": "sample_operation", "entity_id": self.entity, "entity_type": "employee", "reason": self.title,
            },
        });
        match self.ending {
            Ending::Scheduled => body["scheduled_for"] = after(DAY_MS),
            Ending::Expires => body["decide_by"] = after(DECIDE_MS),
            Ending::Failed => body["payload"]["expires_at"] = after(1_000),
            Ending::Skipped => body["payload"]["reason"] = json!("No comps during the stocktaking"),
            Ending::Waits | Ending::Executed | Ending::Undone | Ending::Rejected | Ending::Cancelled => {}
        }
        body
    }
}

//! Submitting: what a module, a board or a person wants done.

use std::sync::Arc;

use serde_json::Value;

use super::Source;
use super::compose::{self, Draft, TITLE_CHARS_MAX};
use crate::domain::capabilities::{self, PAYLOAD_BYTES_MAX, Preview};
use crate::domain::decision::{Context, Decision};
use crate::domain::ids::{OutsideId, UserId};
use crate::domain::json::JsonText;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::{DAY_MS, Timestamp};

/// How long decisions are waited for when nobody says until when, in milliseconds.
pub const DECIDE_MS: i64 = 7 * DAY_MS;
/// How far ahead a time may be, in milliseconds.
pub const AHEAD_MS_MAX: i64 = 366 * DAY_MS;
/// The longest key of the same work, in characters.
pub const DEDUPE_KEY_CHARS_MAX: usize = 200;

/// Submits a request.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SubmitApproval {
    /// A module, a board or a person.
    pub source: Source,
    pub module: String,
    pub capability: String,
    pub title: Option<String>,
    pub payload: Value,
    pub action_item_id: Option<String>,
    pub dedupe_key: Option<String>,
    pub allow_repeat: bool,
    pub scheduled_for: Option<Timestamp>,
    pub decide_by: Option<Timestamp>,
    pub run_by: Option<Timestamp>,
    /// A person of the organisation.
    pub owner: Option<UserId>,
    pub venue_id: Option<String>,
    /// What the module said it would do, where it was asked.
    pub preview: Option<Preview>,
    /// How its effect could be put right, as the module said.
    pub compensation: Option<Value>,
}

impl SubmitApproval {
    /// Decides: the capability is there, the payload fits it, the times are in their order.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let mut faults = Faults::default();
        let own = matches!(self.source, Source::Module | Source::Board | Source::User);
        faults.expect(own, "/source", "is none of `module`, `board` and `user`");
        check_title(&mut faults, self.title.as_deref());
        faults.text("/dedupe_key", self.dedupe_key.as_deref(), DEDUPE_KEY_CHARS_MAX);
        let item = self.action_item_id.as_ref();
        let action_item_id = item.and_then(|text| faults.take("/action_item_id", OutsideId::parse(text)));
        let venue = self.venue_id.as_ref();
        let venue_id = venue.and_then(|text| faults.take("/venue_id", OutsideId::parse(text)));
        self.check_times(&mut faults, context.now);
        let compensation = self.compensation.as_ref().map(JsonText::of);
        let fits = compensation.as_ref().is_none_or(|text| text.as_str().len() <= PAYLOAD_BYTES_MAX);
        faults.expect(fits, "/compensation", "is too large");
        let capability = capabilities::find(state, &self.capability);
        if let Some(capability) = capability {
            faults.expect(*capability.module == *self.module, "/module", "is not the module of the capability");
        }
        faults.done()?;
        let capability = capability.ok_or(Rejection::UnknownCapability)?;
        state.expect_venue("/venue_id", venue_id.as_ref(), context)?;
        let draft = Draft {
            title: self.title,
            preview: self.preview,
            compensation,
            venue_id,
            owner: self.owner,
            action_item_id,
            dedupe_key: self.dedupe_key.map(Arc::from),
            allow_repeat: self.allow_repeat,
            scheduled_for: self.scheduled_for,
            decide_by: self.decide_by,
            run_by: self.run_by,
            ..Draft::new(self.source, capability, self.payload)
        };
        compose::submitted(draft, state, context)
    }

    fn check_times(&self, faults: &mut Faults, now: Timestamp) {
        let latest = now.plus_ms(AHEAD_MS_MAX);
        let times = [("/scheduled_for", self.scheduled_for), ("/decide_by", self.decide_by), ("/run_by", self.run_by)];
        for (pointer, at) in times {
            faults.expect(at.is_none_or(|at| at > now), pointer, "is not in the future");
            faults.expect(at.is_none_or(|at| at <= latest), pointer, "is more than a year ahead");
        }
        let Some(run_by) = self.run_by else { return };
        faults.expect(self.scheduled_for.is_none_or(|at| at < run_by), "/run_by", "is not after `scheduled_for`");
        faults.expect(self.decide_by.is_none_or(|at| at <= run_by), "/decide_by", "is after `run_by`");
    }
}

fn check_title(faults: &mut Faults, title: Option<&str>) {
    let Some(title) = title else { return };
    faults.expect(!title.trim().is_empty(), "/title", "is empty");
    faults.expect(!title.chars().any(char::is_control), "/title", "contains a control character");
    faults.text("/title", Some(title), TITLE_CHARS_MAX);
}

/// Until when decisions are waited for when nobody says: a week, and no longer than it may run.
pub fn decide_by(now: Timestamp, run_by: Option<Timestamp>) -> Timestamp {
    let week = now.plus_ms(DECIDE_MS);
    run_by.map_or(week, |at| at.min(week))
}

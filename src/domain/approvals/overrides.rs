//! Overrides: the request to let somebody do a blocked operation all the same, and what its approval grants. Only what is special about
//! them is here: one step for the authority that outranks what stands, the end of the business date, and the grant.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::compose::{self, Draft};
use super::consent::Asked;
use super::{Approval, Assignee, Consent, Source, Step};
use crate::domain::blocks::Block;
use crate::domain::blocks::check::parse_amount;
use crate::domain::blocks::grants::{Grant, MINUTES_DEFAULT, MINUTES_MAX, USES_MAX};
use crate::domain::blocks::lift::expect_active;
use crate::domain::capabilities;
use crate::domain::capabilities::built_in::{About, Done};
use crate::domain::decision::{Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::people::Authority;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// The capability that an override asks for.
pub const CAPABILITY: &str = "overrides.grant";
/// The most requests that may wait about one block.
pub const WAITING_PER_BLOCK_MAX: usize = 20;
/// The most grants of one operation and entity that may be open when another is asked for.
pub const OPEN_PER_KEY_MAX: usize = 50;
/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 4_000;

/// Asks to override a block.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RequestOverride {
    pub block_id: Uuid,
    pub reason: String,
    pub amount: Option<Decimal>,
    pub uses: Option<u32>,
    pub minutes: Option<u32>,
}

impl RequestOverride {
    /// Decides: the block holds, can be overridden, and the request is bounded. The step is for whoever outranks all that stands.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        state.block_for(&self.block_id, context.caller)?;
        let (uses, minutes) = self.checked()?;
        let capability = capabilities::find(state, CAPABILITY).ok_or(Rejection::UnknownCapability)?;
        let payload = json!({
            "block_id": self.block_id, "reason": self.reason, "amount": self.amount.map(shown), "uses": uses,
            "minutes": minutes,
        });
        compose::submitted(Draft::new(Source::Override, capability, payload), state, context)
    }

    fn checked(&self) -> Result<(u32, u32), Rejection> {
        let (uses, minutes) = (self.uses.unwrap_or(1), self.minutes.unwrap_or(MINUTES_DEFAULT));
        let mut faults = Faults::default();
        faults.expect(!self.reason.trim().is_empty(), "/reason", "is empty");
        faults.text("/reason", Some(&self.reason), REASON_CHARS_MAX);
        faults.expect(self.amount.is_none_or(|amount| !amount.is_sign_negative()), "/amount", "is below 0");
        if !(1..=USES_MAX).contains(&uses) {
            faults.add("/uses", format!("is not between 1 and {USES_MAX}"));
        }
        if !(1..=MINUTES_MAX).contains(&minutes) {
            faults.add("/minutes", format!("is not between 1 and {MINUTES_MAX}"));
        }
        faults.done()?;
        Ok((uses, minutes))
    }
}

/// What is special about the request for an override.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Special {
    /// With what the block says of itself.
    pub payload: Value,
    pub title: String,
    pub about: About,
    /// The latest time to decide.
    pub ends_at: Timestamp,
    authority: Authority,
}

impl Special {
    /// One decision by whoever outranks all that stands there, whatever the policy asks of other work.
    pub fn asked(&self) -> Asked {
        let step = Step::new("authority", Assignee::Authority(self.authority.clone()), 1);
        Asked { consent: Consent::Votes, steps: vec![step], hold_minutes: 0 }
    }
}

/// Frames the payload of an override, which was checked by the schema of its capability.
///
/// # Errors
/// [`Rejection::NotFound`] and what keeps the block from being overridden; [`Rejection::LimitReached`].
pub fn framed(payload: &Value, state: &TenantState, context: &Context<'_>) -> Result<Special, Rejection> {
    let id = payload["block_id"].as_str().and_then(|text| text.parse().ok());
    let id: Uuid = id.ok_or_else(|| Rejection::invalid("/payload/block_id", "is not the id of a block"))?;
    let block = state.block_for(&id, context.caller)?;
    expect_active(block, context.now)?;
    let authority = needed(block, state, context.now)?;
    expect_room(state, block)?;
    let mut whole = payload.as_object().cloned().unwrap_or_else(Map::new);
    whole.entry("uses").or_insert_with(|| json!(1));
    whole.entry("minutes").or_insert_with(|| json!(MINUTES_DEFAULT));
    whole.entry("amount").or_insert(Value::Null);
    whole.insert("block_type".into(), json!(block.key.block_type));
    whole.insert("entity_id".into(), json!(block.key.entity_id.as_str()));
    whole.insert("venue_id".into(), json!(block.venue_id.as_ref().map(OutsideId::as_str)));
    Ok(Special {
        payload: Value::Object(whole),
        title: format!("Override {} for {}", block.key.block_type, block.key.entity_id),
        about: About {
            authority: Some(authority.clone()),
            beneficiary: Some(block.key.entity_id.clone()),
            subject: Some(block.id),
            venue_id: block.venue_id.clone(),
        },
        ends_at: latest_end(block, state, context.now),
        authority,
    })
}

fn expect_room(state: &TenantState, block: &Block) -> Result<(), Rejection> {
    if state.grants.of_key(&block.key).count() >= OPEN_PER_KEY_MAX {
        return Err(Rejection::LimitReached {
            what: "open grants of one operation and entity",
            limit: OPEN_PER_KEY_MAX,
        });
    }
    if state.approvals.waiting_about(&block.id).count() >= WAITING_PER_BLOCK_MAX {
        return Err(Rejection::LimitReached {
            what: "requests that wait about one block",
            limit: WAITING_PER_BLOCK_MAX,
        });
    }
    Ok(())
}

/// The authority that outranks every block that a grant would open: it opens the operation, not one block.
fn needed(block: &Block, state: &TenantState, now: Timestamp) -> Result<Authority, Rejection> {
    let organisation = state.organisation();
    let mut highest = block.authority(organisation);
    for other in state.blocks.standing(&block.key).filter(|other| other.is_active(now) && meets(block, other)) {
        if !other.override_required {
            return Err(Rejection::NotOverridable);
        }
        let theirs = other.authority(organisation);
        if organisation.strictness(&theirs) > organisation.strictness(&highest) {
            highest = theirs;
        }
    }
    Ok(highest)
}

/// Whether two blocks hold at a venue in common.
fn meets(one: &Block, other: &Block) -> bool {
    one.venue_id.is_none() || other.venue_id.is_none() || one.venue_id == other.venue_id
}

/// What a decision about an override needs now; nothing for other requests.
pub fn needed_now(approval: &Approval, state: &TenantState, now: Timestamp) -> Result<Option<Authority>, Rejection> {
    match block_of(approval, state) {
        Some(block) => {
            expect_active(block, now)?;
            needed(block, state, now).map(Some)
        }
        None => Ok(None),
    }
}

fn block_of<'a>(approval: &Approval, state: &'a TenantState) -> Option<&'a Block> {
    approval.subject.filter(|_| &*approval.capability == CAPABILITY).and_then(|id| state.blocks.get(&id))
}

/// The end of the business date at the block's venue, or of the block where that is sooner.
fn latest_end(block: &Block, state: &TenantState, now: Timestamp) -> Timestamp {
    let end = state.business_day_end(block.venue_id.as_ref(), now);
    block.expires_at.map_or(end, |at| at.min(end))
}

/// What an approved override does: it gives a grant.
///
/// # Errors
/// What keeps the block from being overridden now.
pub fn granted(approval: &Approval, state: &TenantState, context: &mut Context<'_>) -> Result<Done, Rejection> {
    let block = block_of(approval, state).ok_or(Rejection::NotFound)?;
    expect_active(block, context.now)?;
    let asked = approval.payload.value();
    let number = |name: &str, default: u32| {
        asked[name].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
    };
    let grant = Grant {
        id: context.ids.next_id(),
        seq: 0, // given when the event is applied
        approval_id: approval.id,
        block_id: block.id,
        key: block.key.clone(),
        venue_id: block.venue_id.clone(),
        authority: needed(block, state, context.now)?,
        uses: number("uses", 1),
        minutes: number("minutes", MINUTES_DEFAULT),
        amount_max: asked["amount"].as_number().and_then(|number| parse_amount(&number.to_string()).ok()),
        granted_by: context.label(),
        granted_at: context.now,
        ends_at: latest_end(block, state, context.now),
        used: Vec::new(),
        ended: None,
    };
    let result = json!({ "grant_id": grant.id });
    Ok(Done { events: vec![Event::GrantGiven(Box::new(grant))], result, undo_payload: None })
}

/// An amount as it stands in a payload: a JSON number, exact to 15 digits like every amount that comes in.
fn shown(amount: Decimal) -> Value {
    serde_json::from_str(&amount.to_string()).unwrap_or(Value::Null)
}

//! Overrides: the request to let somebody do a blocked operation all the same, and what its approval grants.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Approval, Assignee, Executed, Source, Status, Step, payload_hash};
use crate::domain::blocks::Block;
use crate::domain::blocks::check::parse_amount;
use crate::domain::blocks::grants::{Grant, MINUTES_DEFAULT, MINUTES_MAX, USES_MAX};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::json::JsonText;
use crate::domain::people::Authority;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// The capability that an override asks for.
pub const CAPABILITY: &str = "overrides.grant";
/// Its module.
pub const MODULE: &str = "overrides";
/// The most requests that may wait for decisions in one organisation.
pub const WAITING_MAX: usize = 10_000;
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
        let block = state.block_for(&self.block_id, context.caller)?;
        let (uses, minutes) = self.checked()?;
        expect_active(block, context.now)?;
        let authority = needed(block, state, context.now)?;
        expect_room(state, block)?;
        let payload = JsonText::of(&json!({
            "block_id": block.id, "block_type": block.key.block_type, "entity_id": block.key.entity_id.as_str(),
            "venue_id": block.venue_id.as_ref().map(OutsideId::as_str), "reason": self.reason, "amount": self.amount.map(shown),
            "uses": uses, "minutes": minutes,
        }));
        let who = &context.caller.cause.who;
        let approval = Approval {
            id: context.ids.next_id(),
            seq: 0, // given when the event is applied
            venue_id: block.venue_id.clone(),
            source: Source::Override,
            module: MODULE.into(),
            capability: CAPABILITY.into(),
            title: format!("Override {} for {}", block.key.block_type, block.key.entity_id).into(),
            payload_hash: payload_hash(CAPABILITY, &payload),
            payload,
            preview: preview(block, self.amount, uses, minutes),
            risk: None,
            status: Status::Pending,
            reason: None,
            steps: vec![Step::new("authority", Assignee::Authority(authority), 1)],
            created_by: who.person().map_or_else(|| who.label().into(), |person| person.as_str().into()),
            via: context.caller.cause.via,
            requester: who.person().cloned(),
            beneficiary: Some(block.key.entity_id.clone()),
            subject: Some(block.id),
            created_at: context.now,
            decide_by: Some(latest_end(block, state, context.now)),
            run_by: None,
            execution: None,
            audit: Vec::new(),
        };
        let id = approval.id;
        Ok(Decision { events: vec![Event::ApprovalSubmitted(Box::new(approval))], answer: Answer::ApprovalMade(id) })
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

/// That a block holds.
fn expect_active(block: &Block, now: Timestamp) -> Result<(), Rejection> {
    if let Some(lift) = &block.lifted {
        return Err(Rejection::AlreadyLifted { at: lift.at });
    }
    match block.expires_at.filter(|at| block.expired || *at <= now) {
        Some(at) => Err(Rejection::BlockExpired { at }),
        None => Ok(()),
    }
}

fn expect_room(state: &TenantState, block: &Block) -> Result<(), Rejection> {
    if state.approvals.waiting_count() >= WAITING_MAX {
        return Err(Rejection::LimitReached { what: "requests that wait for a decision", limit: WAITING_MAX });
    }
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

/// The events of an approved override: the grant, and that the request was carried out.
pub fn granted(approval: &Approval, state: &TenantState, context: &mut Context<'_>) -> Result<Vec<Event>, Rejection> {
    let block = block_of(approval, state).ok_or(Rejection::NotFound)?;
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
    let result = JsonText::of(&json!({ "grant_id": grant.id }));
    let executed = Executed {
        id: approval.id,
        venue_id: approval.venue_id.clone(),
        by: context.label(),
        via: context.caller.cause.via,
        result,
    };
    Ok(vec![Event::GrantGiven(Box::new(grant)), Event::ApprovalExecuted(Box::new(executed))])
}

/// An amount as it stands in a payload: a JSON number, exact to 15 digits like every amount that comes in.
fn shown(amount: Decimal) -> Value {
    serde_json::from_str(&amount.to_string()).unwrap_or(Value::Null)
}

fn preview(block: &Block, amount: Option<Decimal>, uses: u32, minutes: u32) -> JsonText {
    let (operation, entity) = (&block.key.block_type, &block.key.entity_id);
    let times = if uses == 1 { "once".to_owned() } else { format!("{uses} times") };
    let up_to = amount.map(|amount| format!(", up to {amount} each time")).unwrap_or_default();
    let venue = block.venue_id.as_ref().map(|venue| format!(" at {venue}")).unwrap_or_default();
    let summary = format!(
        "{entity} may do {operation}{venue} {times} within {minutes} minutes of the first use{up_to}, although blocked: {}",
        block.reason
    );
    JsonText::of(&json!({ "summary": summary, "before": "blocked", "after": "allowed", "amount": amount.map(shown) }))
}

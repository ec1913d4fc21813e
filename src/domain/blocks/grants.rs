//! Grants: an operation that is blocked may be done all the same, so often, so long, up to an amount.
//!
//! Promise: a use is counted once per operation id; the minutes start with the first use; nothing outlasts the business date, the block,
//! or a stricter block that is placed later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::BlockKey;
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, VenueId};
use crate::domain::people::Authority;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::table::{Digest, Map, Table};
use crate::domain::time::{MINUTE_MS, Timestamp};

/// The most uses of one grant.
pub const USES_MAX: u32 = 100;
/// The longest time from the first use, in minutes.
pub const MINUTES_MAX: u32 = 1_440;
/// The time from the first use when nobody says how long, in minutes.
pub const MINUTES_DEFAULT: u32 = 15;

/// Why a grant ended that nobody ended.
pub const TIME_OVER: &str = "its time was over";

/// One use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Use {
    pub operation_id: OutsideId,
    pub amount: Option<Decimal>,
    pub at: Timestamp,
    pub by: Arc<str>,
}

/// How a grant ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct GrantEnd {
    pub at: Timestamp,
    pub reason: Arc<str>,
}

/// A grant as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Grant {
    pub id: Uuid,
    /// The sequence number that gave it: the order of lists.
    pub seq: u64,
    pub approval_id: Uuid,
    pub block_id: Uuid,
    pub key: BlockKey,
    /// Where it holds; everywhere without one.
    pub venue_id: Option<VenueId>,
    /// The authority that it took to give it.
    pub authority: Authority,
    pub uses: u32,
    pub minutes: u32,
    pub amount_max: Option<Decimal>,
    pub granted_by: Arc<str>,
    pub granted_at: Timestamp,
    /// The latest end, whether it is used or not.
    pub ends_at: Timestamp,
    pub used: Vec<Use>,
    pub ended: Option<GrantEnd>,
}

impl Grant {
    /// What is left.
    pub fn uses_left(&self) -> u32 {
        self.uses.saturating_sub(u32::try_from(self.used.len()).unwrap_or(u32::MAX))
    }

    /// When it is over: so many minutes after the first use, and at its latest end.
    pub fn expires_at(&self) -> Timestamp {
        let first = self.used.first().map(|used| used.at.plus_ms(i64::from(self.minutes) * MINUTE_MS));
        first.map_or(self.ends_at, |at| at.min(self.ends_at))
    }

    /// Whether it lets something through now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.uses_left() > 0 && self.expires_at() > now
    }

    /// The event that ends it.
    pub fn ended(&self, reason: Arc<str>) -> Event {
        let (key, venue_id) = (self.key.clone(), self.venue_id.clone());
        Event::GrantEnded { id: self.id, venue_id, key, reason }
    }
}

/// A use as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct GrantUsed {
    pub id: Uuid,
    pub venue_id: Option<VenueId>,
    pub key: BlockKey,
    pub used: Use,
    /// What is left after it, and until when.
    pub uses_left: u32,
    pub expires_at: Timestamp,
}

/// Uses a grant for one operation.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ConsumeGrant {
    pub id: Uuid,
    pub operation_id: String,
    pub amount: Option<Decimal>,
}

impl ConsumeGrant {
    /// Decides; the same operation counts once, and is answered the same also when the grant is over.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let grant = state.grant_for(&self.id, context.caller)?;
        let mut faults = Faults::default();
        let operation_id = faults.take("/operation_id", OutsideId::parse(&self.operation_id));
        faults.expect(self.amount.is_none_or(|amount| !amount.is_sign_negative()), "/amount", "is below 0");
        faults.done()?;
        let Some(operation_id) = operation_id else { return Err(Rejection::invalid("/operation_id", "is missing")) };
        let answer = Answer::Grant(self.id);
        if grant.used.iter().any(|used| used.operation_id == operation_id) {
            return Ok(Decision { events: Vec::new(), answer });
        }
        self.expect_room(grant, context.now)?;
        let used = Use { operation_id, amount: self.amount, at: context.now, by: context.label() };
        let mut after = grant.clone();
        after.used.push(used.clone());
        let event = GrantUsed {
            id: grant.id,
            venue_id: grant.venue_id.clone(),
            key: grant.key.clone(),
            used,
            uses_left: after.uses_left(),
            expires_at: after.expires_at(),
        };
        Ok(Decision { events: vec![Event::GrantUsed(Box::new(event))], answer })
    }

    fn expect_room(&self, grant: &Grant, now: Timestamp) -> Result<(), Rejection> {
        if grant.uses_left() == 0 {
            return Err(Rejection::GrantUsedUp);
        }
        if grant.expires_at() <= now {
            return Err(Rejection::GrantExpired { at: grant.expires_at() });
        }
        if let Some(end) = &grant.ended {
            return Err(Rejection::GrantEnded { why: end.reason.clone() });
        }
        match (grant.amount_max, self.amount) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Rejection::invalid("/amount", "is missing: the grant has an amount_max")),
            (Some(most), Some(amount)) if amount <= most => Ok(()),
            (Some(most), Some(_)) => Err(Rejection::AmountAboveGrant { most }),
        }
    }
}

/// The grants of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    table: Table<Uuid, Grant>,
    by_seq: BTreeMap<u64, Uuid>,
    /// Those with uses left that were not ended, by what they let through, oldest first.
    by_key: Map<BlockKey, Vec<(u64, Uuid)>>,
    expiring: BTreeSet<(Timestamp, Uuid)>,
}

impl Grants {
    /// The grant of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Grant> {
        self.table.get(id)
    }

    /// Those of a key that have uses left and were not ended, oldest first; some may be over by their time.
    pub fn of_key(&self, key: &BlockKey) -> impl Iterator<Item = &Grant> {
        self.by_key.get(key).into_iter().flatten().filter_map(|(_, id)| self.table.get(id))
    }

    /// Those older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64) -> impl Iterator<Item = &Grant> {
        self.by_seq.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// Those whose time has come, first come first.
    pub fn over(&self, now: Timestamp) -> impl Iterator<Item = &Grant> {
        self.expiring.iter().take_while(move |(at, _)| *at <= now).filter_map(|(_, id)| self.table.get(id))
    }

    /// When the next one is over.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// Every grant, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.table.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, grant: Grant) {
        self.forget(&grant.id);
        if let Some(old) = self.table.get(&grant.id) {
            self.by_seq.remove(&old.seq);
        }
        self.by_seq.insert(grant.seq, grant.id);
        self.remember(&grant);
        self.table.insert(grant.id, grant);
    }

    /// Folds a use in.
    pub fn consume(&mut self, event: &GrantUsed) {
        self.change(&event.id, |grant| grant.used.push(event.used.clone()));
    }

    /// Ends one.
    pub fn end(&mut self, id: &Uuid, end: GrantEnd) {
        self.change(id, |grant| grant.ended = Some(end));
    }

    fn change(&mut self, id: &Uuid, change: impl FnOnce(&mut Grant)) {
        self.forget(id);
        self.table.update(id, change);
        if let Some(grant) = self.table.get(id).cloned() {
            self.remember(&grant);
        }
    }

    fn remember(&mut self, grant: &Grant) {
        if grant.ended.is_none() && grant.uses_left() > 0 {
            let ids = self.by_key.entry(grant.key.clone()).or_default();
            ids.push((grant.seq, grant.id));
            ids.sort_unstable();
            self.expiring.insert((grant.expires_at(), grant.id));
        }
    }

    fn forget(&mut self, id: &Uuid) {
        let Some(grant) = self.table.get(id) else { return };
        self.expiring.remove(&(grant.expires_at(), *id));
        if let Some(ids) = self.by_key.get_mut(&grant.key) {
            ids.retain(|(_, one)| one != id);
            if ids.is_empty() {
                self.by_key.remove(&grant.key);
            }
        }
    }
}

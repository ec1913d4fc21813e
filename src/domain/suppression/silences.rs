//! Silences: for a while, what is known and wanted alerts nobody. Who, why and until when are part of them.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, OutsideId, UserId, VenueId};
use crate::domain::people::{Caller, Held};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::table::{Digest, Table};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::violations::{Violation, ViolationType};

/// The most silences of an organisation that are not over.
pub const SILENCES_MAX: usize = 1_000;
/// The longest silence.
pub const SILENCE_MS_MAX: i64 = 90 * DAY_MS;
/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// A silence. What it does not name it does not ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Silence {
    pub id: Uuid,
    /// The sequence number that made it: the order of lists.
    pub seq: u64,
    pub violation_type: Option<ViolationType>,
    pub venue_id: Option<VenueId>,
    pub entity_id: Option<EntityId>,
    pub until: Timestamp,
    pub reason: Arc<str>,
    pub by: Arc<str>,
    /// The person behind it, who never silences blocks of their own.
    pub person: Option<UserId>,
    /// Their authority then: it keeps away what they could have lifted.
    pub held: Held,
    pub created_at: Timestamp,
}

impl Silence {
    fn matches(&self, violation: &Violation) -> bool {
        self.violation_type.as_ref().is_none_or(|wanted| *wanted == violation.violation_type)
            && self.venue_id.as_ref().is_none_or(|wanted| Some(wanted) == violation.venue_id.as_ref())
            && self.entity_id.as_ref().is_none_or(|wanted| Some(wanted) == violation.entity_id())
    }
}

/// The silences of an organisation. Those that are over leave with the next one that comes.
#[derive(Clone, Debug, Default)]
pub struct Silences(Table<Uuid, Silence>);

impl Silences {
    /// The silence of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Silence> {
        self.0.get(id)
    }

    /// Those that hold for a violation now, oldest first.
    pub fn over(&self, violation: &Violation, now: Timestamp) -> Vec<&Silence> {
        let holds = |one: &&Silence| one.until > now && one.matches(violation);
        let mut found: Vec<&Silence> = self.0.values().filter(holds).collect();
        found.sort_unstable_by_key(|one| (one.seq, one.id));
        found
    }

    /// Those that are not over and older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64, now: Timestamp) -> Vec<&Silence> {
        let mut found: Vec<&Silence> = self.0.values().filter(|one| one.until > now && one.seq < before).collect();
        found.sort_unstable_by_key(|one| (std::cmp::Reverse(one.seq), one.id));
        found
    }

    /// Every silence, in no order; also those that are over and still here.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.0.values()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.0.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// Takes a new one in, and lets go of those that are over at `at`.
    pub fn begin(&mut self, silence: Silence, at: Timestamp) {
        let over: Vec<Uuid> = self.0.values().filter(|one| one.until <= at).map(|one| one.id).collect();
        over.iter().for_each(|id| drop(self.0.remove(id)));
        self.put_back(silence);
    }

    /// Takes one in from a snapshot.
    pub fn put_back(&mut self, silence: Silence) {
        self.0.insert(silence.id, silence);
    }

    /// Ends one.
    pub fn end(&mut self, id: &Uuid) {
        self.0.remove(id);
    }
}

/// Sets a silence.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AddSilence {
    pub violation_type: Option<String>,
    pub venue_id: Option<String>,
    pub entity_id: Option<String>,
    pub until: Timestamp,
    pub reason: String,
}

impl AddSilence {
    /// Decides; whoever is limited to venues names one of them.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let mut faults = Faults::default();
        let named = [&self.violation_type, &self.venue_id, &self.entity_id];
        faults.expect(
            named.iter().any(|one| one.is_some()),
            "",
            "names none of violation_type, venue_id and entity_id: it would silence everything",
        );
        let of_type = self.violation_type.as_deref();
        let violation_type = of_type.and_then(|text| faults.take("/violation_type", ViolationType::parse(text)));
        let id = |faults: &mut Faults, pointer: &str, text: Option<&String>| {
            text.and_then(|text| faults.take(pointer, OutsideId::parse(text)))
        };
        let venue_id = id(&mut faults, "/venue_id", self.venue_id.as_ref());
        let entity_id = id(&mut faults, "/entity_id", self.entity_id.as_ref());
        faults.expect(self.until > context.now, "/until", "is not in the future");
        faults.expect(self.until <= context.now.plus_ms(SILENCE_MS_MAX), "/until", "is more than 90 days away");
        faults.expect(!self.reason.trim().is_empty(), "/reason", "is empty");
        faults.text("/reason", Some(&self.reason), REASON_CHARS_MAX);
        faults.done()?;
        state.expect_venue("/venue_id", venue_id.as_ref(), context)?;
        expect_cover(venue_id.as_ref(), context.caller)?;
        if state.silences.iter().filter(|one| one.until > context.now).count() >= SILENCES_MAX {
            return Err(Rejection::LimitReached { what: "silences", limit: SILENCES_MAX });
        }
        let silence = Silence {
            id: context.ids.next_id(),
            seq: 0, // given when the event is applied
            violation_type,
            venue_id,
            entity_id,
            until: self.until,
            reason: self.reason.into(),
            by: context.label(),
            person: context.caller.cause.who.person().cloned(),
            held: context.caller.held.clone(),
            created_at: context.now,
        };
        let id = silence.id;
        Ok(Decision { events: vec![Event::SilenceAdded(Box::new(silence))], answer: Answer::SilenceMade(id) })
    }
}

/// Ends a silence before its time.
#[derive(Clone, Debug)]
pub struct EndSilence {
    /// The silence.
    pub id: Uuid,
}

impl EndSilence {
    /// Decides; one that is over, or of venues that the caller does not see, is not there.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let silence = state.silences.get(&self.id).filter(|one| one.until > context.now).ok_or(Rejection::NotFound)?;
        if !context.caller.reaches(silence.venue_id.as_ref()) {
            return Err(Rejection::NotFound);
        }
        expect_cover(silence.venue_id.as_ref(), context.caller)?;
        let event = Event::SilenceEnded { id: self.id, venue_id: silence.venue_id.clone(), by: context.label() };
        Ok(Decision { events: vec![event], answer: Answer::Nothing })
    }
}

/// A silence without a venue is for all of them, and so for nobody who is limited to some.
fn expect_cover(venue: Option<&VenueId>, caller: &Caller) -> Result<(), Rejection> {
    if caller.covers(venue) { Ok(()) } else { Err(Rejection::VenueNotAllowed) }
}

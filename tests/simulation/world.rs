//! A world of two organisations on one journal that fails, crashes and comes back, with a clock that jumps.
//!
//! It takes the path of a change as `actors/tenant.rs` does: decide, write ahead, apply, announce when durable; one batch of an
//! organisation on its way, the next one collected behind it; a refused batch throws the working state away.

use std::sync::{Arc, Mutex};

use action_center::actors::block_index::BlockIndex;
use action_center::domain::aggregate::Aggregate;
use action_center::domain::blocks::BlockKey;
use action_center::domain::blocks::check::verdicts;
use action_center::domain::blocks::verdict::Verdict as Shown;
use action_center::domain::decision::Context;
use action_center::domain::event::Event;
use action_center::domain::idempotency::Request;
use action_center::domain::ids::{IdSource, StreamId};
use action_center::domain::state::TenantState;
use action_center::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use action_center::store::Store;
use action_center::store::archive::History;
use action_center::store::journal::{Entry, Journal, JournalError};
use action_center::store::memory_journal::{Faults, MemoryJournal};
use action_center::store::record::{self, GENESIS};
use action_center::store::recovery::recover;
use action_center::store::snapshotter;
use action_center::store::stored::fold::Folded;
use action_center::store::stored::{decode_commit, encode_commit};
use uuid::Uuid;

use crate::dice::Dice;
use crate::judge::{Intent, Judge, Sent, Verdict, hold};
use crate::orders::{self, Order};
use crate::planted::Planted;

const MARKS: [&str; 2] = ["harbour-group", "island-house"];
const BIRTH_MS: i64 = 1_739_559_600_000;
/// Requests that a caller may repeat.
const REPEATABLE: usize = 30;

/// One commit on its way.
struct Commit {
    entry: Entry,
    blocks: Vec<(BlockKey, Vec<Shown>)>,
}

/// A batch that the journal has, and its answer.
struct Flight {
    commits: Vec<Commit>,
    told: Arc<Mutex<Option<Result<(), JournalError>>>>,
}

struct Org {
    stream: StreamId,
    mark: &'static str,
    state: TenantState,
    chain: [u8; 32],
    last_at_ms: i64,
    in_flight: Option<Flight>,
    next: Vec<Commit>,
    urgent: bool,
    judge: Judge,
    asked: Vec<(Request, Order)>,
}

/// What became of all, for comparing and for a look at what was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub hash: [u8; 32],
    pub acknowledged: usize,
    pub rejected: usize,
    pub repeated: usize,
    pub refused_batches: usize,
    pub restarts: usize,
    pub snapshots: usize,
}

/// The world.
pub struct World {
    dice: Dice,
    planted: Planted,
    clock_ms: i64,
    journal: Arc<MemoryJournal>,
    store: Store,
    index: BlockIndex,
    /// Two.
    orgs: Vec<Org>,
    must_restart: bool,
    requests: u64,
    trace: Trace,
    hasher: blake3::Hasher,
}

impl World {
    pub fn new(seed: u64, planted: Planted) -> Self {
        let mut dice = Dice::new(seed);
        let per_mille = |dice: &mut Dice, most: u64| u16::try_from(dice.below(most)).unwrap_or(0);
        let faults = Faults {
            seed: dice.next(),
            fail_append_per_mille: per_mille(&mut dice, 30),
            delay_per_mille: per_mille(&mut dice, 500),
            full_per_mille: per_mille(&mut dice, 60),
            tear_tail_per_mille: per_mille(&mut dice, 1_000),
        };
        let journal = Arc::new(MemoryJournal::with_faults(faults));
        let org = |at: usize| Org {
            stream: StreamId(at as u64 + 1),
            mark: MARKS[at],
            state: TenantState::empty(),
            chain: GENESIS,
            last_at_ms: 0,
            in_flight: None,
            next: Vec::new(),
            urgent: true,
            judge: Judge::new(StreamId(at as u64 + 1), MARKS[1 - at]),
            asked: Vec::new(),
        };
        Self {
            dice,
            planted,
            clock_ms: BIRTH_MS,
            store: Store::in_memory_on(journal.clone()),
            journal,
            index: BlockIndex::default(),
            orgs: vec![org(0), org(1)],
            must_restart: false,
            requests: 0,
            trace: Trace::default(),
            hasher: blake3::Hasher::new(),
        }
    }

    /// Lives for so many steps.
    ///
    /// # Errors
    /// What was broken, and in which step.
    pub fn live(mut self, steps: usize) -> Result<Trace, String> {
        for step in 0..steps {
            self.step().and_then(|()| self.examine()).map_err(|why| format!("step {step}: {why}"))?;
        }
        self.journal.sync();
        self.settle()
            .and_then(|()| self.restart())
            .and_then(|()| self.examine())
            .map_err(|why| format!("at the end: {why}"))?;
        let [one, two] = &self.orgs[..] else { unreachable!("there are two") };
        one.judge.is_apart_from(&two.judge)?;
        self.trace.acknowledged = one.judge.acknowledged_count() + two.judge.acknowledged_count();
        self.trace.hash = *self.hasher.finalize().as_bytes();
        Ok(self.trace)
    }

    fn step(&mut self) -> Verdict {
        self.clock_ms += i64::try_from(self.dice.below(30_000)).unwrap_or(0);
        let roll = self.dice.below(1_000);
        self.note(&format!("{roll} {}", self.clock_ms));
        match roll {
            _ if self.must_restart => self.restart(),
            0..=14 => self.restart(),
            15..=34 => {
                self.clock_ms += i64::try_from(self.dice.below(3 * DAY_MS as u64)).unwrap_or(0);
                Ok(())
            }
            35..=49 => {
                self.clock_ms -= i64::try_from(self.dice.below(30 * HOUR_MS as u64)).unwrap_or(0);
                Ok(())
            }
            50..=79 => self.snapshot(),
            80..=249 => {
                self.journal.sync();
                self.settle()
            }
            _ => {
                let org = usize::from(self.dice.chance(50));
                self.order(org)
            }
        }
    }

    /// One order to an organisation: a new one, or one that was given before.
    fn order(&mut self, at: usize) -> Verdict {
        let again = if self.dice.chance(15) { self.dice.one_of(&self.orgs[at].asked).cloned() } else { None };
        let (request, order, expect) = match again {
            Some((request, order)) if self.dice.chance(90) => (Some(request), order, None),
            Some((request, order)) => {
                let other = Request { print: [request.print[0] ^ 1; 16], ..request };
                (Some(other), order, Some("another request"))
            }
            None => {
                let now = Timestamp(self.clock_ms);
                let foreign = ids_of(&self.orgs[1 - at].state);
                let Org { state, mark, .. } = &self.orgs[at];
                let order = orders::next(&mut self.dice, state, &foreign, mark, now);
                (self.fresh_request(), order, None)
            }
        };
        let outcome = self.decide(at, request.clone(), order.clone())?;
        self.note(&format!("{at} {outcome}"));
        if expect.is_none()
            && let Some(request) = request
        {
            let asked = &mut self.orgs[at].asked;
            if asked.len() == REPEATABLE {
                asked.remove(0);
            }
            if !asked.iter().any(|(known, _)| known.key == request.key) {
                asked.push((request, order));
            }
        }
        self.flush(at)
    }

    fn fresh_request(&mut self) -> Option<Request> {
        self.requests += 1;
        let key = format!("request-{}", self.requests).into();
        self.dice.chance(40).then(|| Request { key, print: [(self.requests * 2 % 256) as u8; 16] })
    }

    /// Decide, write ahead, apply; as the actor does.
    fn decide(&mut self, at: usize, request: Option<Request>, order: Order) -> Result<String, String> {
        let seed = self.dice.next();
        let mixes = self.planted == Planted::MixesStreams && self.dice.chance(3);
        let now = Timestamp(self.clock_ms.max(self.orgs[at].last_at_ms));
        if let Some(request) = &request
            && self.planted != Planted::ForgetsKeys
        {
            match self.orgs[at].state.seen(request, now) {
                Err(rejection) => return Ok(format!("{rejection:?}")),
                Ok(Some(record)) => return self.repeated(at, request, record),
                Ok(None) => {}
            }
        }
        let urgent = order.command.is_urgent();
        let mut context = Context { now, ids: IdSource::new(now.0, seed), caller: &order.caller };
        let judged = if mixes { 1 - at } else { at };
        let decision = match order.command.clone().decide(&self.orgs[judged].state, &mut context) {
            Ok(decision) => decision,
            Err(rejection) => {
                self.trace.rejected += 1;
                return Ok(format!("{rejection:?}"));
            }
        };
        let mut events = self.planted.distorts(decision.events);
        if events.is_empty() {
            if request.is_none() {
                return Ok("unchanged".into());
            }
            events.push(Event::Answered);
        }
        let org = &mut self.orgs[at];
        let first_seq = org.state.last_seq() + 1;
        for event in &events {
            org.state.apply(org.state.last_seq() + 1, now, event);
        }
        let last_seq = org.state.last_seq();
        let reply = org.state.reply(&decision.answer);
        if let Some(request) = &request {
            org.state.keep_request(request, first_seq, now);
        }
        let stored = request.as_ref().map(|_| (reply.done, reply.body.as_slice()));
        let payload = encode_commit(&order.caller.cause, request.as_ref(), stored, &events);
        let sealed = record::seal(org.stream, first_seq, last_seq, now.0, &org.chain, &payload);
        org.chain = sealed.hash;
        org.last_at_ms = now.0;
        org.urgent &= urgent;
        let intent = Intent::of(&order.command, &decision.answer);
        org.judge.sends(first_seq, Sent { bytes: sealed.bytes.clone(), state_hash: org.state.state_hash(), intent });
        let blocks = changed_keys(&org.state, &events).into_iter().map(|key| (key.clone(), verdicts(&org.state, &key)));
        let blocks = blocks.collect();
        org.next.push(Commit { entry: Entry { stream: org.stream, first_seq, last_seq, bytes: sealed.bytes }, blocks });
        Ok(format!("{first_seq}-{last_seq} {:?}", org.state.state_hash()))
    }

    /// A repeated request gets the answer of its first record, on its way or stored, and nothing is done.
    fn repeated(&mut self, at: usize, request: &Request, record: u64) -> Result<String, String> {
        self.trace.repeated += 1;
        let org = &self.orgs[at];
        let on_its_way = org.in_flight.iter().flat_map(|flight| &flight.commits).chain(&org.next);
        let entry = match on_its_way.map(|commit| &commit.entry).find(|entry| entry.first_seq == record) {
            Some(entry) => entry.clone(),
            None => {
                let found = self.store.history.read(org.stream, record, 1).map_err(|error| error.to_string())?;
                found.into_iter().next().ok_or_else(|| format!("the answer at {record} is not there"))?
            }
        };
        let opened = record::open(&entry.bytes).map_err(|error| error.to_string())?;
        let commit = decode_commit::<Event>(opened.payload).map_err(|error| error.to_string())?;
        hold!(commit.request.as_ref() == Some(request), "{} got the answer of {:?}", request.key, commit.request);
        hold!(commit.reply.is_some(), "the record {record} has no answer");
        Ok(format!("repeated {record}"))
    }

    /// Sends the next batch of an organisation when none is on its way.
    fn flush(&mut self, at: usize) -> Verdict {
        let org = &mut self.orgs[at];
        if org.in_flight.is_some() || org.next.is_empty() {
            return Ok(());
        }
        let commits = std::mem::take(&mut org.next);
        let entries = commits.iter().map(|commit| commit.entry.clone()).collect();
        let told = Arc::new(Mutex::new(None));
        let done = {
            let told = told.clone();
            Box::new(move |result| *told.lock().expect("nobody panics here") = Some(result))
        };
        let urgent = std::mem::replace(&mut org.urgent, true);
        org.in_flight = Some(Flight { commits, told });
        if urgent {
            self.journal.append_urgent(entries, done);
        } else {
            self.journal.append(entries, done);
        }
        self.settle()
    }

    /// Hears what the journal has to say, and goes on with what was collected meanwhile.
    fn settle(&mut self) -> Verdict {
        for at in 0..self.orgs.len() {
            let org = &mut self.orgs[at];
            let Some(flight) = org.in_flight.take() else { continue };
            let told = flight.told.lock().expect("nobody panics here").take();
            match told {
                None if self.planted == Planted::AcknowledgesEarly => {
                    self.announce(at, flight.commits);
                }
                None => org.in_flight = Some(flight),
                Some(Ok(())) => {
                    self.announce(at, flight.commits);
                    self.flush(at)?;
                }
                Some(Err(_)) if self.planted == Planted::AcknowledgesRefused => self.announce(at, flight.commits),
                Some(Err(JournalError::Full { .. })) => {
                    self.trace.refused_batches += 1;
                    self.reload(at)?;
                }
                Some(Err(JournalError::Poisoned { .. })) => {
                    self.trace.refused_batches += 1;
                    self.must_restart = true;
                }
                Some(Err(error)) => return Err(format!("the journal refused: {error}")),
            }
        }
        Ok(())
    }

    /// Tells the callers of what became durable, after it was shown.
    fn announce(&mut self, at: usize, commits: Vec<Commit>) {
        let shown_at = if self.planted == Planted::MixesIndexes { 1 - at } else { at };
        let stream = self.orgs[shown_at].stream;
        for commit in commits {
            for (key, blocks) in commit.blocks {
                self.index.put(stream, &key, blocks);
            }
            self.orgs[at].judge.acknowledges(commit.entry.first_seq, &commit.entry.bytes);
        }
    }

    /// Throws the working state of an organisation away and reads it again.
    fn reload(&mut self, at: usize) -> Verdict {
        let stream = self.orgs[at].stream;
        let recovered = recover::<Folded<TenantState>>(&self.store.history, &self.store.snapshots, stream, None);
        let recovered = recovered.map_err(|error| error.to_string())?;
        let org = &mut self.orgs[at];
        org.in_flight = None;
        org.next.clear();
        org.urgent = true;
        if self.planted != Planted::KeepsMemory {
            org.state = recovered.state.0;
            org.last_at_ms = 0;
        }
        org.chain = recovered.chain;
        let keys: Vec<BlockKey> = org.state.blocks.keys().cloned().collect();
        for key in keys {
            self.index.put(stream, &key, verdicts(&org.state, &key));
        }
        Ok(())
    }

    /// The process dies, the next one finds what the disk kept, with its snapshots or without.
    fn restart(&mut self) -> Verdict {
        self.trace.restarts += 1;
        self.must_restart = false;
        if self.planted == Planted::DropsLastRecord {
            for org in &self.orgs {
                let last = self.journal.read(org.stream, 1, usize::MAX).unwrap_or_default().pop();
                if let Some(entry) = last.filter(|_| self.dice.chance(50)) {
                    self.journal.lose(org.stream, entry.first_seq);
                }
            }
        }
        self.journal = Arc::new(self.journal.crash());
        let history = History { journal: self.journal.clone(), archive: self.store.history.archive.clone() };
        self.store = Store { journal: self.journal.clone(), history, snapshots: self.store.snapshots.clone() };
        self.index = BlockIndex::default();
        let forgets = self.dice.chance(40);
        for at in 0..self.orgs.len() {
            let stream = self.orgs[at].stream;
            if forgets {
                for seq in self.store.snapshots.generations(stream).map_err(|error| error.to_string())? {
                    self.store.snapshots.remove(stream, seq).map_err(|error| error.to_string())?;
                }
            }
            self.reload(at)?;
            let org = &mut self.orgs[at];
            org.judge.reread(&self.store.history)?;
        }
        Ok(())
    }

    /// A snapshot of what is durable of one organisation, with what follows from it: the archive and the cut.
    fn snapshot(&mut self) -> Verdict {
        let durable = self.orgs[usize::from(self.dice.chance(50))].judge.durable();
        let seq = durable.last_seq();
        if seq == 0 || self.must_restart {
            return Ok(());
        }
        let stream = self.orgs.iter().find(|org| std::ptr::eq(org.judge.durable(), durable)).map(|org| org.stream);
        let Some(stream) = stream else { return Ok(()) };
        let Store { history, snapshots, .. } = &self.store;
        let made = snapshotter::make::<Folded<TenantState>>(
            history,
            snapshots,
            stream,
            seq,
            durable.state_hash(),
            self.clock_ms,
        );
        self.trace.snapshots += 1;
        made.map_err(|error| error.to_string())
    }

    /// Everything that must hold between two steps.
    fn examine(&mut self) -> Verdict {
        for org in &mut self.orgs {
            org.judge.read_on(&self.store.history)?;
            let now = Timestamp(self.clock_ms);
            org.judge.examine(&self.index, now).map_err(|why| format!("{}: {why}", org.mark))?;
            let quiet = org.in_flight.is_none() && org.next.is_empty() && !self.must_restart;
            let same = org.state.state_hash() == org.judge.durable().state_hash();
            hold!(!quiet || same, "{}: the journal says another state than memory", org.mark);
        }
        let hashes = [0, 1].map(|at: usize| self.orgs[at].judge.durable().state_hash());
        self.note(&format!("{hashes:?}"));
        Ok(())
    }

    fn note(&mut self, what: &str) {
        self.hasher.update(what.as_bytes());
        self.hasher.update(b"\n");
    }
}

/// Ids of an organisation that another one may try.
fn ids_of(state: &TenantState) -> Vec<Uuid> {
    let violations = state.violations.open_before(u64::MAX).take(5).map(|one| one.id);
    let actions = state.actions.before(u64::MAX).take(5).map(|one| one.id);
    violations.chain(actions).chain(state.blocks.before(u64::MAX).take(5).map(|one| one.id)).collect()
}

/// The keys whose blocks are shown anew.
fn changed_keys(state: &TenantState, events: &[Event]) -> Vec<BlockKey> {
    let mut keys = Vec::new();
    for event in events {
        match event {
            Event::BlockPlaced(block) => keys.push(block.key.clone()),
            Event::BlockLifted { key, .. } | Event::BlockExpired { key, .. } => keys.push(key.clone()),
            Event::SettingsChanged(_) => keys.extend(state.blocks.keys().cloned()),
            _ => {}
        }
    }
    keys
}

//! The judge: knows what was asked and what was answered, reads the journal like a stranger, and compares.
//!
//! Never here: looking into the state under test for what it should be.

use std::collections::{BTreeMap, BTreeSet};

use action_center::actors::block_index::{BlockIndex, Question};
use action_center::domain::actions::ExecutionStatus;
use action_center::domain::blocks::check::verdicts;
use action_center::domain::blocks::{Block, BlockKey};
use action_center::domain::command::Command;
use action_center::domain::decision::Answer;
use action_center::domain::event::Event;
use action_center::domain::idempotency::KEPT_MS;
use action_center::domain::ids::StreamId;
use action_center::domain::state::TenantState;
use action_center::domain::time::{MINUTE_MS, Timestamp};
use action_center::domain::violations::lifecycle::ClearViolations;
use action_center::store::archive::History;
use action_center::store::record::Chain;
use action_center::store::stored::decode_commit;
use action_center::store::stored::fold::apply_payload;
use uuid::Uuid;

/// What was broken.
pub type Verdict = Result<(), String>;

macro_rules! hold {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}
pub(crate) use hold;

/// What a commit was meant to do, in the words of its caller.
#[derive(Clone, Debug)]
pub enum Intent {
    /// A report, which gives one violation one occurrence.
    Report {
        fingerprint: Option<String>,
        source: Option<Source>,
        of_type: String,
        id: Uuid,
        new: bool,
    },
    /// What was no longer reported.
    Quiet {
        ids: Vec<Uuid>,
    },
    Resolve {
        id: Uuid,
    },
    ClearSource {
        source: Source,
        ids: Vec<Uuid>,
    },
    ClearFingerprint {
        fingerprint: String,
        ids: Vec<Uuid>,
    },
    Other,
}

type Source = (Option<String>, String);

impl Intent {
    pub fn of(command: &Command, answer: &Answer) -> Self {
        match (command, answer) {
            (Command::ReportViolation(command), Answer::Reported { id, new }) => {
                let report = &command.report;
                let source = report.source_id.clone().map(|id| (report.source_table.clone(), id));
                let derived = source.as_ref().map(|(table, id)| {
                    let (table, venue) = (table.as_deref().unwrap_or(""), report.venue_id.as_deref().unwrap_or(""));
                    format!("{}|{table}|{id}|{venue}", report.violation_type)
                });
                Self::Report {
                    fingerprint: report.fingerprint.clone().or(derived),
                    source,
                    of_type: report.violation_type.clone(),
                    id: *id,
                    new: *new,
                }
            }
            (Command::Tick(_), Answer::Ticked { resolved, .. }) => Self::Quiet { ids: resolved.clone() },
            (Command::ResolveViolation(command), _) => Self::Resolve { id: command.id },
            (Command::ClearViolations(ClearViolations::Source { source_table, source_id }), Answer::Resolved(ids)) => {
                Self::ClearSource { source: (source_table.clone(), source_id.clone()), ids: ids.clone() }
            }
            (Command::ClearViolations(ClearViolations::Fingerprint(fingerprint)), Answer::Resolved(ids)) => {
                Self::ClearFingerprint { fingerprint: fingerprint.clone(), ids: ids.clone() }
            }
            _ => Self::Other,
        }
    }
}

/// A commit that was sent to the journal.
pub struct Sent {
    pub bytes: Vec<u8>,
    pub state_hash: [u8; 32],
    pub intent: Intent,
}

/// How long a type is quiet before it is over, and for how long it then comes back as the same.
fn quiet_ms(of_type: &str) -> Option<i64> {
    (of_type == "sales_pace").then_some(120 * MINUTE_MS)
}

/// An open violation as the judge counts it.
#[derive(Clone)]
struct Open {
    fingerprint: Option<String>,
    source: Option<Source>,
    of_type: String,
    reports: u32,
    /// When it was reported last, and, where it ended of itself, when that was.
    at_ms: i64,
}

/// What the journal says, read from its first record.
struct Reading {
    state: TenantState,
    chain: Chain,
    /// First number and hash of every record.
    records: BTreeMap<u64, [u8; 32]>,
    open: BTreeMap<Uuid, Open>,
    /// What its source or the quiet has ended, the last of each fingerprint.
    ended: BTreeMap<Uuid, Open>,
    ended_blocks: BTreeSet<Uuid>,
    keys: BTreeMap<String, i64>,
    latest_ms: i64,
}

/// The judge of one organisation.
pub struct Judge {
    stream: StreamId,
    foreign_mark: &'static str,
    sent: BTreeMap<u64, Vec<Sent>>,
    acknowledged: Vec<(u64, [u8; 32])>,
    checked: usize,
    reading: Reading,
}

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

impl Reading {
    fn from_the_start(stream: StreamId) -> Self {
        Self {
            state: TenantState::empty(),
            chain: Chain::start(stream),
            records: BTreeMap::new(),
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            ended_blocks: BTreeSet::new(),
            keys: BTreeMap::new(),
            latest_ms: i64::MIN,
        }
    }
}

impl Judge {
    pub fn new(stream: StreamId, foreign_mark: &'static str) -> Self {
        Self {
            stream,
            foreign_mark,
            sent: BTreeMap::new(),
            acknowledged: Vec::new(),
            checked: 0,
            reading: Reading::from_the_start(stream),
        }
    }

    /// Hears of a commit that is sent to the journal.
    pub fn sends(&mut self, first_seq: u64, sent: Sent) {
        self.sent.entry(first_seq).or_default().push(sent);
    }

    /// Hears of a commit that its caller was told of.
    pub fn acknowledges(&mut self, first_seq: u64, bytes: &[u8]) {
        self.acknowledged.push((first_seq, hash_of(bytes)));
    }

    pub fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    /// What is durable.
    pub fn durable(&self) -> &TenantState {
        &self.reading.state
    }

    /// Begins again with the first record.
    pub fn reread(&mut self, history: &History) -> Verdict {
        self.reading = Reading::from_the_start(self.stream);
        self.checked = 0;
        self.read_on(history)
    }

    /// Reads what is new and checks that what was acknowledged is there, once and unchanged.
    pub fn read_on(&mut self, history: &History) -> Verdict {
        loop {
            let next = self.reading.chain.last_seq() + 1;
            let entries = history.read(self.stream, next, usize::MAX).map_err(|error| error.to_string())?;
            if entries.is_empty() {
                break;
            }
            for entry in entries {
                self.read(&entry.bytes)?;
            }
        }
        for (first_seq, hash) in &self.acknowledged[self.checked..] {
            hold!(
                self.reading.records.get(first_seq) == Some(hash),
                "what was acknowledged at {first_seq} is not in the journal"
            );
        }
        self.checked = self.acknowledged.len();
        Ok(())
    }

    fn read(&mut self, bytes: &[u8]) -> Verdict {
        let reading = &mut self.reading;
        let record = reading.chain.take(bytes).map_err(|error| error.to_string())?;
        let (seq, at) = (record.first_seq, Timestamp(record.at_ms));
        let sent = self.sent.get(&seq).and_then(|sent| sent.iter().find(|one| one.bytes == bytes));
        let sent = sent.ok_or_else(|| format!("nobody decided the record at {seq}"))?;
        apply_payload(&mut reading.state, seq, at, record.payload).map_err(|error| error.to_string())?;
        hold!(reading.state.state_hash() == sent.state_hash, "replaying {seq} gives another state");
        let mark = self.foreign_mark.as_bytes();
        let leaks = bytes.windows(mark.len()).any(|window| window == mark);
        hold!(!leaks, "the record at {seq} speaks of {}", self.foreign_mark);
        let commit = decode_commit::<Event>(record.payload).map_err(|error| error.to_string())?;
        reading.latest_ms = reading.latest_ms.max(record.at_ms);
        if let Some(request) = &commit.request {
            let before = reading.keys.insert(request.key.to_string(), record.at_ms);
            let free = before.is_none_or(|before| before + KEPT_MS <= reading.latest_ms);
            hold!(free, "the request {} was done twice", request.key);
        }
        for event in &commit.events {
            if let Event::BlockLifted { id, .. } | Event::BlockExpired { id, .. } = event {
                hold!(reading.ended_blocks.insert(*id), "the block {id} ended twice");
            }
        }
        reading.records.insert(seq, hash_of(bytes));
        reading.counts(&sent.intent, record.at_ms)
    }

    /// Checks everything that must hold between two steps.
    pub fn examine(&self, index: &BlockIndex, now: Timestamp) -> Verdict {
        let state = &self.reading.state;
        self.examine_violations(now)?;
        self.examine_escalations()?;
        let mut by_key: BTreeMap<&BlockKey, Vec<&Block>> = BTreeMap::new();
        for block in state.blocks.iter() {
            by_key.entry(&block.key).or_default().push(block);
        }
        for (key, blocks) in &by_key {
            self.examine_key(key, blocks, index, now)?;
        }
        for entity in ["ana", "bob", "cem", "pier"] {
            for block_type in ["comp_approval", "section_opening"] {
                let unknown =
                    !by_key.keys().any(|key| key.entity_id.as_str() == entity && &*key.block_type == block_type);
                let question = Question { block_type, entity_id: entity, venue_id: None, amount: None };
                let blocked = index.check(self.stream, &question, now.0, 0, &mut Vec::new());
                hold!(!(unknown && blocked), "{entity} is blocked by nothing");
            }
        }
        Ok(())
    }

    fn examine_violations(&self, now: Timestamp) -> Verdict {
        let (state, open) = (&self.reading.state, &self.reading.open);
        hold!(
            state.violations.open_count() == open.len(),
            "{} are open, not {}",
            state.violations.open_count(),
            open.len()
        );
        for violation in state.violations.iter() {
            let id = violation.id;
            if let Some(mark) = &violation.resolved {
                let pending = violation
                    .actions
                    .iter()
                    .filter_map(|id| state.actions.get(id))
                    .any(|one| one.is_pending() && one.notice.is_none());
                hold!(!pending, "the resolved violation {id} has a pending action");
                let blocks = violation.blocks.iter().filter_map(|id| state.blocks.get(id));
                let holds = blocks.filter(|one| one.auto_lift_on_resolve).any(|one| one.is_active(now.max(mark.at)));
                hold!(!holds, "the resolved violation {id} holds a block");
            } else {
                let reports = open.get(&id).map(|open| open.reports);
                hold!(
                    reports == Some(violation.occurrences),
                    "{id} was reported {reports:?} times and says {}",
                    violation.occurrences
                );
            }
        }
        Ok(())
    }

    /// One rung after the other, the last one only still to be told, and nothing of it once somebody acted.
    fn examine_escalations(&self) -> Verdict {
        let state = &self.reading.state;
        for action in state.actions.iter() {
            let Some(escalation) = &action.escalation else { continue };
            let (id, steps) = (action.id, &escalation.steps);
            hold!((1..=escalation.ladder.len()).contains(&steps.len()), "{id} has {} steps", steps.len());
            let climbs = steps.iter().zip(&escalation.ladder).all(|(step, rung)| step.authority == *rung);
            hold!(climbs, "{id} does not climb its ladder rung by rung");
            let waiting = steps.iter().filter(|step| step.status == ExecutionStatus::Pending).count();
            let last = steps.last().is_some_and(|step| step.status == ExecutionStatus::Pending);
            hold!(waiting == usize::from(last), "{id} tells two rungs at once");
            let ended = !action.is_pending();
            hold!(!(ended && (last || escalation.next_at.is_some())), "{id} has ended and still escalates");
            let violation = state.violations.get(&action.violation_id);
            let over = violation.is_some_and(|one| !one.is_open());
            hold!(!(over && escalation.reminder.is_some()), "{id} reminds of what is resolved");
        }
        Ok(())
    }

    /// The blocks of a key: those that hold, strictest first, are what `verdicts` says and what the index answers.
    fn examine_key(&self, key: &BlockKey, blocks: &[&Block], index: &BlockIndex, now: Timestamp) -> Verdict {
        let state = &self.reading.state;
        let rank = |block: &Block| {
            let rung = block.override_authority.as_ref()?;
            Some(state.organisation().rank(rung).unwrap_or(usize::MAX)) // a lost rung asks for the top
        };
        let mut holding: Vec<&&Block> = blocks
            .iter()
            .filter(|one| one.lifted.is_none() && !one.expired && one.expires_at.is_none_or(|at| at > now))
            .collect();
        holding.sort_by_key(|one| (one.override_required, std::cmp::Reverse(rank(one)), one.seq));
        let said: Vec<String> = verdicts(state, key)
            .into_iter()
            .filter(|verdict| verdict.applies(None, None, now.0))
            .map(|verdict| {
                let mut answer = Vec::new();
                verdict.write(b"1", &mut answer);
                String::from_utf8_lossy(&answer).into_owned()
            })
            .collect();
        let names = |answer: &str, id: Uuid| answer.contains(&format!("\"block_id\":\"{id}\""));
        let same = said.len() == holding.len() && said.iter().zip(&holding).all(|(answer, one)| names(answer, one.id));
        hold!(same, "{key:?}: {} blocks hold and {} are said to", holding.len(), said.len());
        for venue_id in [None, Some("pier"), Some("quay")] {
            let question =
                Question { block_type: &key.block_type, entity_id: key.entity_id.as_str(), venue_id, amount: None };
            let here = |one: &&&&Block| match (&one.venue_id, venue_id) {
                (Some(own), Some(asked)) => own.as_str() == asked,
                _ => true,
            };
            let expected = holding.iter().find(here).map(|one| one.id);
            let mut answer = Vec::new();
            let blocked = index.check(self.stream, &question, now.0, 1, &mut answer);
            let answer = String::from_utf8(answer).map_err(|error| error.to_string())?;
            let right = expected.map_or(!blocked, |id| blocked && names(&answer, id));
            hold!(right, "{key:?} at {venue_id:?}: {answer} instead of {expected:?}");
        }
        Ok(())
    }

    /// Checks that the two organisations share nothing.
    pub fn is_apart_from(&self, other: &Self) -> Verdict {
        let ids = |state: &TenantState| -> BTreeSet<Uuid> {
            let violations = state.violations.iter().map(|one| one.id);
            violations
                .chain(state.actions.iter().map(|one| one.id))
                .chain(state.blocks.iter().map(|one| one.id))
                .collect()
        };
        let shared = ids(self.durable()).intersection(&ids(other.durable())).next().copied();
        hold!(shared.is_none(), "{shared:?} is in both organisations");
        Ok(())
    }
}

impl Reading {
    fn counts(&mut self, intent: &Intent, at_ms: i64) -> Verdict {
        let Self { open, ended, .. } = self;
        match intent {
            Intent::Report { fingerprint, source, of_type, id, new } => {
                let known = fingerprint
                    .as_ref()
                    .and_then(|wanted| open.iter_mut().find(|(_, one)| one.fingerprint.as_ref() == Some(wanted)));
                match known {
                    Some((own, one)) => {
                        hold!(!new && own == id, "{fingerprint:?} is open as {own} and was reported as {id}");
                        one.reports += 1;
                        one.at_ms = at_ms;
                    }
                    None => {
                        let same = |one: &Open| one.fingerprint.is_some() && one.fingerprint == *fingerprint;
                        let back = ended.iter().find(|(_, one)| same(one)).map(|(id, one)| (*id, one.clone()));
                        ended.retain(|_, one| !same(one));
                        let in_time = |one: &Open| quiet_ms(&one.of_type).is_some_and(|ms| at_ms <= one.at_ms + ms);
                        if let Some((own, one)) = back.filter(|(_, one)| in_time(one)) {
                            hold!(!new && own == *id, "{own} is not open and should have come back instead of {id}");
                            open.insert(own, Open { reports: one.reports + 1, at_ms, ..one });
                            return Ok(());
                        }
                        hold!(*new, "{fingerprint:?} is not open and was repeated as {id}");
                        open.insert(
                            *id,
                            Open {
                                fingerprint: fingerprint.clone(),
                                source: source.clone(),
                                of_type: of_type.clone(),
                                reports: 1,
                                at_ms,
                            },
                        );
                    }
                }
            }
            Intent::Resolve { id } => hold!(open.remove(id).is_some(), "{id} was resolved and not open"),
            Intent::Quiet { ids } => {
                for id in ids {
                    let one = open.remove(id).ok_or_else(|| format!("{id} was quiet and is not open"))?;
                    let since = quiet_ms(&one.of_type).map(|ms| one.at_ms + ms);
                    hold!(since.is_some_and(|since| since <= at_ms), "{id} was not quiet for long enough");
                    ended.insert(*id, Open { at_ms, ..one });
                }
            }
            Intent::ClearSource { source, ids } => {
                let cleared = |one: &Open| one.source.as_ref() == Some(source);
                clear(open, ended, at_ms, cleared, ids)?;
            }
            Intent::ClearFingerprint { fingerprint, ids } => {
                let cleared = |one: &Open| one.fingerprint.as_ref() == Some(fingerprint);
                clear(open, ended, at_ms, cleared, ids)?;
            }
            Intent::Other => {}
        }
        Ok(())
    }
}

fn clear(
    open: &mut BTreeMap<Uuid, Open>,
    ended: &mut BTreeMap<Uuid, Open>,
    at_ms: i64,
    cleared: impl Fn(&Open) -> bool,
    said: &[Uuid],
) -> Verdict {
    let expected: BTreeSet<Uuid> = open.iter().filter(|(_, one)| cleared(one)).map(|(id, _)| *id).collect();
    hold!(said.iter().copied().collect::<BTreeSet<_>>() == expected, "{said:?} were cleared instead of {expected:?}");
    for (id, one) in open.extract_if(.., |_, one| cleared(one)) {
        ended.insert(id, Open { at_ms, ..one });
    }
    Ok(())
}

//! Writers that go on until the server is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use serde_json::json;

use crate::chance::Chance;
use crate::oracle::{DATE, End, MadeKey, Oracle, Subject, Told};
use crate::support::{CENTER, Client};

/// Writers at the same time.
const WRITERS: usize = 6;

/// Writers at work.
pub struct Load {
    acknowledged: Arc<AtomicUsize>,
    writers: Vec<JoinHandle<Oracle>>,
}

impl Load {
    /// Starts the writers of a round; each takes turns between the organisations.
    pub fn start(round: u64, clients: &[Client], chance: &mut Chance) -> Self {
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writers = (0..WRITERS).map(|writer| {
            let writer = Writer {
                name: format!("r{round}-w{writer}"),
                clients: clients.to_vec(),
                chance: Chance::new(chance.number()),
                acknowledged: acknowledged.clone(),
                done: Oracle::default(),
            };
            std::thread::spawn(move || writer.write())
        });
        Self { writers: writers.collect(), acknowledged }
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Waits for the writers, which end when the server does, and gives the oracle what they know. Says how many writes were
    /// cut off.
    pub fn end(self, oracle: &mut Oracle) -> usize {
        let mut cut_off = 0;
        for writer in self.writers {
            let done = match writer.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            let is_open = |subject: &Subject| {
                subject.report.answer.is_none() || subject.end.as_ref().is_some_and(|(_, told)| told.answer.is_none())
            };
            cut_off += done.subjects.iter().filter(|subject| is_open(subject)).count();
            oracle.subjects.extend(done.subjects);
            oracle.keys.extend(done.keys);
        }
        cut_off
    }
}

struct Writer {
    name: String,
    clients: Vec<Client>,
    chance: Chance,
    acknowledged: Arc<AtomicUsize>,
    done: Oracle,
}

impl Writer {
    fn write(mut self) -> Oracle {
        for number in 0.. {
            let org = usize::try_from(self.chance.below(self.clients.len() as u64)).unwrap_or(0);
            if number == 0 && self.name.ends_with("w0") && !self.make_key(org) {
                break;
            }
            let mut subject = self.report(org, format!("{}-{number}", self.name));
            let goes_on = subject.report.answer.is_some() && self.end(&mut subject);
            self.done.subjects.push(subject);
            if !goes_on {
                break;
            }
        }
        self.done
    }

    fn report(&mut self, org: usize, name: String) -> Subject {
        let blocks = !self.chance.one_in(3);
        let report = json!({
            "violation_type": "comp_exception", "severity": "critical", "title": "Comp without approval",
            "source_table": "comps", "source_id": name, "business_date": DATE,
            "metadata": { "server_id": name, "comp_amount": if blocks { 250 } else { 100 } },
        });
        let report = self.send(org, &name, format!("{CENTER}/violations"), report.to_string());
        Subject { name, org, blocks, report, end: None }
    }

    /// Lifts the block or resolves the violation, now and then. False when that was not acknowledged.
    fn end(&mut self, subject: &mut Subject) -> bool {
        let (end, path, body) = match (self.chance.below(6), subject.block_id(), subject.violation_id()) {
            (0, Some(block), _) => {
                (End::Lift, format!("{CENTER}/blocks/{block}/lift"), json!({ "lift_reason": "Reviewed" }))
            }
            (1, _, Some(violation)) => {
                (End::Resolve, format!("{CENTER}/violations/{violation}/resolve"), json!({ "resolution": "Talked" }))
            }
            _ => return true,
        };
        let told = self.send(subject.org, &format!("{}-end", subject.name), path, body.to_string());
        let acknowledged = told.answer.is_some();
        subject.end = Some((end, told));
        acknowledged
    }

    fn make_key(&mut self, org: usize) -> bool {
        let key = json!({ "name": self.name, "scopes": ["blocks:read"] });
        let told = self.send(org, &format!("{}-key", self.name), "/api/keys".into(), key.to_string());
        let acknowledged = told.answer.is_some();
        self.done.keys.push(MadeKey { org, told });
        acknowledged
    }

    fn send(&self, org: usize, key: &str, path: String, body: String) -> Told {
        let told = Told::send(&self.clients[org], key.to_owned(), path, body);
        if told.answer.is_some() {
            self.acknowledged.fetch_add(1, Ordering::AcqRel);
        }
        told
    }
}

//! What the server has acknowledged, and the comparison with what it says after it was killed.
//!
//! The comparison looks before it repeats any request: a repeated request would make good what was lost.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::support::{Answer, CENTER, Client};

/// A request under its own `Idempotency-Key`, and what came back.
#[derive(Clone, Debug)]
pub struct Told {
    pub key: String,
    pub path: String,
    pub body: String,
    /// `None`: it is not known whether the server has done it.
    pub answer: Option<Answer>,
}

impl Told {
    /// Sends it; an answer other than success is as good as none.
    pub fn send(client: &Client, key: String, path: String, body: String) -> Self {
        let answer = client.call("POST", &path, Some(&body), &[("idempotency-key", &key)]).ok();
        let answer = answer.filter(|answer| {
            let (status, known) = (answer.status, [200, 201, 429, 503].contains(&answer.status));
            assert!(known, "{path}: {}", answer.shown());
            status < 300
        });
        Self { key, path, body, answer }
    }

    /// Sends it again and says what is wrong: an acknowledged one is replayed to the byte, any other succeeds now.
    fn repeat(&mut self, client: &Client, status: u16) -> Result<(), String> {
        let again = client.call("POST", &self.path, Some(&self.body), &[("idempotency-key", &self.key)]);
        let again = again.map_err(|error| format!("the repetition was not answered: {error}"))?;
        if again.status != status {
            return Err(format!("the repetition was answered {}", again.shown()));
        }
        match &self.answer {
            Some(first) if !again.is_replayed() => {
                Err(format!("done twice: first {}, then {}", first.shown(), again.shown()))
            }
            Some(first) if first.body != again.body => {
                Err(format!("another answer: first {}, then {}", first.shown(), again.shown()))
            }
            Some(_) => Ok(()),
            None => {
                self.answer = Some(again);
                Ok(())
            }
        }
    }
}

/// What was asked for after a violation was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Lift,
    Resolve,
}

/// A reported violation, with all that was done about it. Source, server and key all have its name.
#[derive(Clone, Debug)]
pub struct Subject {
    pub name: String,
    pub org: usize,
    /// Whether the report is one that blocks.
    pub blocks: bool,
    pub report: Told,
    pub end: Option<(End, Told)>,
}

impl Subject {
    /// The violation's id, once it is known.
    pub fn violation_id(&self) -> Option<String> {
        let body = self.report.answer.as_ref()?.json();
        Some(body["violation"]["id"].as_str()?.to_owned())
    }

    /// The block's id, once it is known and if there is one.
    pub fn block_id(&self) -> Option<String> {
        let body = self.report.answer.as_ref()?.json();
        Some(body["blocks"][0]["id"].as_str()?.to_owned())
    }

    /// The highest version that an answer has named.
    pub fn version(&self) -> u64 {
        let end = self.end.as_ref().and_then(|(_, told)| told.answer.as_ref()?.version());
        let report = self.report.answer.as_ref().and_then(Answer::version);
        end.max(report).unwrap_or(0)
    }

    /// Everything about this subject that is not as it was acknowledged.
    fn compare(&mut self, client: &Client, wrong: &mut Vec<String>) {
        let mut complain = |what: String| wrong.push(format!("{}: {what}", self.name));
        if self.report.answer.is_some()
            && let Err(what) = self.look(client)
        {
            complain(what);
        }
        if let Err(what) = self.report.repeat(client, 201) {
            complain(format!("report: {what}"));
        }
        if let Some((end, told)) = &mut self.end
            && let Err(what) = told.repeat(client, 200)
        {
            complain(format!("{end:?}: {what}"));
        }
        // By now everything was asked for and acknowledged.
        if let Err(what) = self.look(client) {
            complain(format!("afterwards {what}"));
        }
    }

    fn look(&self, client: &Client) -> Result<(), String> {
        let id = self.violation_id().ok_or("no id in the answer to the report")?;
        let found = ask(client, &format!("{CENTER}/violations/{id}"))?;
        let is = |field: &str| found[field].as_str().unwrap_or_default();
        let blocks = found["blocks"].as_array().map_or(0, Vec::len);
        if is("source_id") != self.name || found["occurrences"] != 1 || blocks != usize::from(self.blocks) {
            return Err(format!("not what was reported once: {found}"));
        }
        let (lifted, resolved) = match &self.end {
            None => (Some(false), Some(false)),
            Some((end, told)) if told.answer.is_some() => (Some(true), Some(*end == End::Resolve)),
            Some((End::Lift, _)) => (None, Some(false)),
            Some((End::Resolve, _)) => (None, None),
        };
        if resolved.is_some_and(|resolved| resolved != (is("status") == "resolved")) {
            return Err(format!(
                "status {}, where the end is {:?}",
                is("status"),
                self.end.as_ref().map(|(end, _)| end)
            ));
        }
        let check = ask(client, &crate::support::app::check_path(&self.name))?;
        let blocked = lifted.map(|lifted| self.blocks && !lifted);
        if blocked.is_some_and(|blocked| check["blocked"] != blocked) {
            return Err(format!("blocked should be {blocked:?} and the check says {check}"));
        }
        Ok(())
    }
}

/// An API key that was made under fire.
#[derive(Clone, Debug)]
pub struct MadeKey {
    pub org: usize,
    pub told: Told,
}

/// Everything that was acknowledged, and everything that was tried.
#[derive(Debug, Default)]
pub struct Oracle {
    pub subjects: Vec<Subject>,
    pub keys: Vec<MadeKey>,
}

impl Oracle {
    /// How many writes were acknowledged.
    pub fn acknowledged(&self) -> usize {
        let ends = self.subjects.iter().filter_map(|subject| subject.end.as_ref());
        let told = self.subjects.iter().map(|subject| &subject.report).chain(ends.map(|(_, told)| told));
        told.chain(self.keys.iter().map(|key| &key.told)).filter(|told| told.answer.is_some()).count()
    }

    /// Compares these subjects, and the keys from `first_key` on; gives every difference.
    pub fn compare(&mut self, clients: &[Client], subjects: &[usize], first_key: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        self.compare_versions(clients, &mut wrong);
        for &index in subjects {
            let subject = &mut self.subjects[index];
            subject.compare(&clients[subject.org], &mut wrong);
        }
        for made in &mut self.keys[first_key..] {
            if let Err(what) = compare_key(made, &clients[made.org]) {
                wrong.push(format!("{}: {what}", made.told.key));
            }
        }
        wrong
    }

    /// A version that was told once is never taken back.
    fn compare_versions(&self, clients: &[Client], wrong: &mut Vec<String>) {
        for (org, client) in clients.iter().enumerate() {
            let told = self.subjects.iter().filter(|subject| subject.org == org).map(Subject::version).max();
            match ask(client, &crate::support::app::check_path("nobody")) {
                Ok(check) if check["version"].as_u64() < told => {
                    wrong.push(format!("organisation {org}: version {} after {told:?} was told", check["version"]));
                }
                Ok(_) => {}
                Err(what) => wrong.push(format!("organisation {org}: {what}")),
            }
        }
    }

    /// Pages through everything that is stored: each source once, none lost, none invented, at most one block for each.
    pub fn compare_whole(&self, clients: &[Client]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (org, client) in clients.iter().enumerate() {
            let mine = || self.subjects.iter().filter(|subject| subject.org == org);
            let acknowledged = mine().filter(|subject| subject.report.answer.is_some());
            let attempted: HashSet<&str> = mine().map(|subject| subject.name.as_str()).collect();
            let path = format!("{CENTER}/violations?mode=range&start_date={DATE}&end_date={DATE}&limit=500");
            let stored = counted(client, &path, "source_id", &mut wrong);
            for subject in acknowledged {
                if !stored.contains_key(&subject.name) {
                    wrong.push(format!("{}: lost", subject.name));
                }
            }
            for (name, times) in &stored {
                if *times != 1 {
                    wrong.push(format!("{name}: stored {times} times"));
                }
                if !attempted.contains(name.as_str()) {
                    wrong.push(format!("{name}: invented"));
                }
            }
            let blocks =
                counted(client, &format!("{CENTER}/blocks?mode=list&limit=500"), "blocked_entity_id", &mut wrong);
            let doubled = blocks.iter().filter(|(_, times)| **times != 1);
            wrong.extend(doubled.map(|(name, times)| format!("{name}: {times} blocks")));
        }
        wrong
    }
}

/// The business date of every report.
pub const DATE: &str = "2025-01-15";

fn compare_key(made: &mut MadeKey, admin: &Client) -> Result<(), String> {
    let opens = |told: &Told| -> Result<(), String> {
        let Some(answer) = &told.answer else { return Ok(()) };
        let key = answer.json();
        let till = admin.bearer(key["key"].as_str().ok_or("no key in the answer")?);
        ask(&till, &crate::support::app::check_path("nobody")).map(drop)
    };
    opens(&made.told)?;
    made.told.repeat(admin, 201)?;
    opens(&made.told)
}

/// How often each value of a field is in the pages of a list.
fn counted(client: &Client, path: &str, field: &str, wrong: &mut Vec<String>) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    let mut next = path.to_owned();
    loop {
        let page = match ask(client, &next) {
            Ok(page) => page,
            Err(what) => {
                wrong.push(what);
                return times;
            }
        };
        for item in page["items"].as_array().into_iter().flatten() {
            *times.entry(item[field].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return times };
        next = format!("{path}&cursor={cursor}");
    }
}

fn ask(client: &Client, path: &str) -> Result<Value, String> {
    match client.call("GET", path, None, &[]) {
        Ok(answer) if answer.status == 200 => Ok(answer.json()),
        Ok(answer) => Err(format!("GET {path}: {}", answer.shown())),
        Err(error) => Err(format!("GET {path}: {error}")),
    }
}

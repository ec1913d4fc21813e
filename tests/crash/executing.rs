//! The server is killed at the moments that a module chooses: before it has read a call, before and after it has done its work, after it has
//! answered. What is not idempotent is never done twice, and nothing is forgotten whose approval was acknowledged.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::number_from_environment;
use crate::support::{Client, Organisation, TestApp, pause, wait_for};
use crate::till::{Moment, Till};

/// Kills in one run.
const KILLS: u64 = 24;
/// Requests of a round.
const REQUESTS: u64 = 5;
const WITHIN: Duration = Duration::from_secs(30);
const LOCAL: (&str, &str) = ("DELIVERY__EGRESS__ALLOW", "127.0.0.0/8");

/// A request that was made.
struct Asked {
    id: String,
    hash: String,
    /// What its work is known by outside.
    name: String,
    capability: &'static str,
    /// Whether its approval was acknowledged.
    approved: bool,
}

/// A server, whoever asks and decides, and the module.
struct House {
    app: TestApp,
    org: Organisation,
    owner: Client,
    till: Till,
    chance: Chance,
    asked: Vec<Asked>,
}

#[test]
fn however_often_the_server_is_killed_nothing_is_done_twice_and_nothing_approved_is_forgotten() {
    let seed = number_from_environment("CRASH_SEED").unwrap_or_else(|| getrandom::u64().expect("randomness"));
    println!("CRASH_SEED={seed}");
    let mut house = House::new(seed);
    for round in 0..KILLS {
        house.round(round);
    }
    let tally = house.settled();
    println!("CRASH_SEED={seed}: {tally:?}, {} calls were repeated", house.till.repeated());
    let number = |status: &str| tally.get(status).copied().unwrap_or(0);
    assert!(number("in_doubt") > 0 && number("executed") > 0 && house.till.repeated() > 0, "{tally:?}");
    assert!(house.app.stop().success());
}

impl House {
    fn new(seed: u64) -> Self {
        let app = TestApp::started(&[LOCAL]);
        let org = app.organisation("harbour");
        let owner = app.person(&org, "owner");
        let till = Till::start();
        for (name, idempotent) in [("till.refund", false), ("till.note", true)] {
            let capability = json!({
                "name": name, "version": "1", "module": "till", "endpoint": till.url(), "params": { "type": "object" },
                "sensitivity": "personal", "connectors": ["till"], "reversible": false, "idempotent": idempotent,
                "auto_approvable": false, "undo_window": 0, "timeout": 20, "preview_template": "At the till",
            });
            org.admin.post("/api/capabilities", &capability).expect(201);
        }
        Self { app, org, owner, till, chance: Chance::new(seed), asked: Vec::new() }
    }

    /// Asks for work, has it approved, and kills the server in the middle of that.
    fn round(&mut self, round: u64) {
        let first = self.asked.len();
        for number in 0..REQUESTS {
            self.ask(round, number);
        }
        let moment = Moment::ALL[usize::try_from(round).unwrap_or(0) % Moment::ALL.len()];
        let call = 1 + self.chance.below(3);
        let armed = self.till.arm(moment, call);
        let (owner, asked) = (self.owner.clone(), self.approvals(first));
        let approver = std::thread::spawn(move || {
            asked.into_iter().map(|(at, path, body)| (at, acknowledged(&owner, &path, &body))).collect::<Vec<_>>()
        });
        if moment == Moment::Whenever {
            pause(Duration::from_micros(self.chance.below(60_000)));
        } else {
            armed.reached(WITHIN);
        }
        self.app.kill();
        armed.killed();
        for (at, approved) in approver.join().expect("the approver") {
            self.asked[at].approved |= approved;
        }
        self.start();
    }

    fn ask(&mut self, round: u64, number: u64) {
        let capability = if self.chance.one_in(2) { "till.refund" } else { "till.note" };
        let name = format!("{round}-{number}");
        let request = json!({
            "source": "module", "module": "till", "capability": capability, "title": name, "payload": { "name": name },
        });
        let made = self.org.admin.post("/api/actions/submit", &request).expect(201);
        let text = |field: &str| made[field].as_str().expect(field).to_owned();
        let (id, hash) = (text("id"), text("payload_hash"));
        self.asked.push(Asked { id, hash, name, capability, approved: false });
    }

    /// What approves the requests from the `first` on that nobody is known to have approved.
    fn approvals(&self, first: usize) -> Vec<(usize, String, String)> {
        let open = self.asked.iter().enumerate().skip(first).filter(|(_, asked)| !asked.approved);
        let order = |(at, asked): (usize, &Asked)| {
            (at, format!("/api/actions/{}/approve", asked.id), json!({ "payload_hash": asked.hash }).to_string())
        };
        open.map(order).collect()
    }

    fn start(&mut self) {
        self.app.start();
        self.org = self.app.again(&self.org);
        let address = self.app.address();
        self.owner = self.owner.moved_to(address).with("origin", &format!("http://{address}"));
    }

    /// Waits until everything that was approved is over, and says what became of it.
    fn settled(&self) -> HashMap<String, usize> {
        let mut tally = HashMap::new();
        for asked in self.asked.iter().filter(|asked| asked.approved) {
            let over = || Some(self.shown(asked)).filter(|shown| is_over(shown));
            let shown = wait_for(WITHIN, over).unwrap_or_else(|| panic!("forgotten: {}", self.shown(asked)));
            let status = shown["status"].as_str().expect("a status").to_owned();
            let done = self.till.done(&asked.name);
            let right = match status.as_str() {
                "executed" => done == 1,
                "in_doubt" => asked.capability == "till.refund" && done <= 1,
                _ => false,
            };
            assert!(right, "done {done} times: {shown}");
            *tally.entry(status).or_default() += 1;
        }
        let twice: HashSet<&str> =
            self.asked.iter().map(|asked| asked.name.as_str()).filter(|name| self.till.done(name) > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        tally
    }

    fn shown(&self, asked: &Asked) -> Value {
        self.org.admin.get(&format!("/api/actions/{}", asked.id)).expect(200)
    }
}

fn is_over(shown: &Value) -> bool {
    !["pending", "approved", "scheduled", "executing"].contains(&shown["status"].as_str().unwrap_or_default())
}

fn acknowledged(owner: &Client, path: &str, body: &str) -> bool {
    owner.call("POST", path, Some(body), &[]).is_ok_and(|answer| answer.status == 200)
}

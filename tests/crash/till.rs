//! A module on loopback that says when the server is to be killed, and keeps account of what it has done.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// When the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The module does not even read what was sent.
    Unread,
    /// The module has read the call, and does its work when the server is gone.
    BeforeTheEffect,
    /// The work is done, and nobody was told.
    AfterTheEffect,
    /// The first lines of the answer are on their way.
    InTheAnswer,
    /// The answer was given a moment ago.
    AfterTheAnswer,
    /// The module has no say in it.
    Whenever,
}

impl Moment {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Unread,
        Self::BeforeTheEffect,
        Self::AfterTheEffect,
        Self::InTheAnswer,
        Self::AfterTheAnswer,
        Self::Whenever,
    ];
}

/// The module.
pub struct Till {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    account: Mutex<Account>,
    turned: Condvar,
}

#[derive(Default)]
struct Account {
    /// How often something was done, by its name.
    done: HashMap<String, usize>,
    /// The keys of what is idempotent and was done.
    keys: HashSet<String>,
    /// How often such a key came again.
    repeated: usize,
    /// When the server is killed, and at which call from now.
    plan: Option<(Moment, u64)>,
    /// Counts the kills that were planned; a call belongs to the one in whose time it came.
    round: u64,
    reached: bool,
    killed: bool,
}

/// A kill that is planned.
pub struct Armed(Arc<Shared>);

impl Till {
    /// Listens on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/run", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let served = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = served.clone();
                // Whoever called may be gone at any time.
                std::thread::spawn(move || drop(shared.serve(&stream)));
            }
        });
        Self { url, shared }
    }

    /// Where it is called.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Plans a kill at this moment of the so-manyth call from now.
    pub fn arm(&self, moment: Moment, call: u64) -> Armed {
        let mut account = self.shared.lock();
        account.round += 1;
        account.plan = (moment != Moment::Whenever).then_some((moment, call));
        (account.reached, account.killed) = (false, false);
        Armed(self.shared.clone())
    }

    /// How often the work of this name was done.
    pub fn done(&self, name: &str) -> usize {
        self.shared.lock().done.get(name).copied().unwrap_or(0)
    }

    /// How often it was asked to do again what it had done.
    pub fn repeated(&self) -> usize {
        self.shared.lock().repeated
    }
}

impl Armed {
    /// Waits until the moment has come.
    pub fn reached(&self, within: Duration) {
        let account = self.0.lock();
        let wait = self.0.turned.wait_timeout_while(account, within, |account| !account.reached);
        let (account, _) = wait.unwrap_or_else(PoisonError::into_inner);
        assert!(account.reached, "the moment of the kill never came: {:?}", account.plan);
    }

    /// Says that the server was killed.
    pub fn killed(&self) {
        self.0.lock().killed = true;
        self.0.turned.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let (moment, round) = self.planned();
        if moment == Some(Moment::Unread) {
            self.wait_for_the_kill(round);
            return Ok(());
        }
        let (key, body) = read_call(stream)?;
        if body["dry_run"] == true {
            return answer(stream, &json!({ "preview": { "summary": "At the till" } }));
        }
        if moment == Some(Moment::BeforeTheEffect) {
            self.wait_for_the_kill(round);
        }
        self.happens(&key, &body);
        if moment == Some(Moment::AfterTheEffect) {
            self.wait_for_the_kill(round);
        }
        if moment == Some(Moment::InTheAnswer) {
            let mut to = stream;
            to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n")?;
            to.write_all(b"{\"progress\":0.5,\"message\":\"half way\"}\n")?;
            self.wait_for_the_kill(round);
        }
        let answered = answer(stream, &json!({ "result": { "done": true } }));
        if moment == Some(Moment::AfterTheAnswer) {
            self.reach();
        }
        answered
    }

    /// The moment of the kill, when this is the call that it was planned for, and which kill that is.
    fn planned(&self) -> (Option<Moment>, u64) {
        let mut account = self.lock();
        let round = account.round;
        let Some((moment, left)) = account.plan.as_mut() else { return (None, round) };
        *left -= 1;
        let (moment, is_now) = (*moment, *left == 0);
        if is_now {
            account.plan = None;
        }
        (is_now.then_some(moment), round)
    }

    fn reach(&self) {
        self.lock().reached = true;
        self.turned.notify_all();
    }

    fn wait_for_the_kill(&self, round: u64) {
        self.reach();
        let account = self.lock();
        let alive = |account: &mut Account| account.round == round && !account.killed;
        drop(self.turned.wait_while(account, alive));
    }

    fn happens(&self, key: &str, body: &Value) {
        let mut account = self.lock();
        if body["capability"] == "till.note" && !account.keys.insert(key.to_owned()) {
            account.repeated += 1;
            return;
        }
        let name = body["payload"]["name"].as_str().expect("a name").to_owned();
        *account.done.entry(name).or_default() += 1;
    }
}

/// The key of a call, and its body.
fn read_call(stream: &TcpStream) -> std::io::Result<(String, Value)> {
    let mut from = BufReader::new(stream);
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => value.clone_into(&mut key),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok((key, serde_json::from_slice(&body)?))
}

fn answer(mut to: &TcpStream, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    to.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

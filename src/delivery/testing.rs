//! Servers for tests. Here an SMTP server: takes every mail, unless the script of a connection says otherwise, and keeps what it was given.
//!
//! Runs on threads of its own, so that it answers whatever the runtime under test is doing.

pub mod http;
pub mod modules;

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use uuid::Uuid;

use super::channel::{Message, Recipient};

/// How one connection goes. A stalled connection says nothing more until the other side hangs up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    Accept,
    /// This greeting, such as `421 busy`, and hangs up.
    Greet(&'static str),
    /// Reads EHLO and never answers.
    StallAfterEhlo,
    /// Takes DATA and never answers its end.
    StallAfterData,
    /// Takes the mail and never answers QUIT.
    StallAtQuit,
    /// This answer to AUTH, with what the client sent in both its forms.
    Login(&'static str),
    /// This answer to RCPT TO.
    Recipient(&'static str),
    /// This answer to the end of DATA.
    AfterData(&'static str),
    /// Hangs up after the first line of the mail.
    DropInData,
    /// Waits before every answer.
    Slow(Duration),
}

/// A mail whose last byte arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which connection brought it, counted from 0.
    pub connection: usize,
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body, dots unstuffed.
    pub bytes: Vec<u8>,
    /// Whether the end of DATA was answered with 250.
    pub accepted: bool,
}

impl Received {
    /// The first header of this name; of a folded one only the first line.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let (headers, _) = text.split_once("\r\n\r\n")?;
        let found = headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.map(str::to_owned)
    }
}

#[derive(Default)]
struct Seen {
    scripts: VecDeque<Script>,
    mails: Vec<Received>,
    connections: usize,
    open: usize,
    open_max: usize,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    closing: AtomicBool,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server; stops listening when dropped.
pub struct SmtpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl SmtpSink {
    /// Listens on a free port of the loopback interface. `scripts` are used up connection by connection; then all is accepted.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let shared = Arc::new(Shared::default());
        shared.seen().scripts = scripts.into_iter().collect();
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.closing.load(Ordering::Acquire) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (shared, (number, script)) = (Arc::clone(&served), begin(&served));
                thread::spawn(move || {
                    // A client that vanishes is part of the tests.
                    let end = converse(&stream, number, &script, &shared).unwrap_or(End::HungUp);
                    // Before the goodbye: whoever has heard it may open the next connection at once.
                    shared.seen().open -= 1;
                    if end == End::Quit {
                        let _ = say(&stream, &script, "221 bye");
                    }
                });
            }
        });
        Self { address, shared }
    }

    /// `smtp://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The same with a user and a password, both already percent-encoded.
    pub fn url_with_login(&self, user: &str, password: &str) -> String {
        format!("smtp://{user}:{password}@{}", self.address)
    }

    /// Every mail so far whose last byte arrived, in order.
    pub fn mails(&self) -> Vec<Received> {
        self.shared.seen().mails.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.seen().connections
    }

    /// How many connections are open now. One ends when the client has said QUIT, just before that is answered.
    pub fn open(&self) -> usize {
        self.shared.seen().open
    }

    /// How many connections were open at the same time at most.
    pub fn open_max(&self) -> usize {
        self.shared.seen().open_max
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        // Wakes the listener, which then stops.
        let _ = TcpStream::connect(self.address);
    }
}

/// A message to `address` that is the same on every call.
pub fn message(address: &str) -> Message {
    Message {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
        to: vec![Recipient { address: address.into(), name: Some("Zoë Gram".into()) }],
        subject: "[critical] Comps · Quay House".into(),
        text: "Zoë comped 250 at Quay House\n.\nend".into(),
        html: Some("<p>Zoë comped 250 at Quay House</p>".into()),
        dated_ms: 1_700_000_000_000,
        signing: None,
    }
}

fn begin(shared: &Shared) -> (usize, Script) {
    let mut seen = shared.seen();
    let number = seen.connections;
    seen.connections += 1;
    seen.open += 1;
    seen.open_max = seen.open_max.max(seen.open);
    (number, seen.scripts.pop_front().unwrap_or(Script::Accept))
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With QUIT, which is not answered yet.
    Quit,
    /// One of the two has nothing more to say.
    HungUp,
}

/// One conversation, until QUIT, the script's end, or the client's.
fn converse(stream: &TcpStream, connection: usize, script: &Script, shared: &Shared) -> io::Result<End> {
    let mut lines = BufReader::new(stream);
    let say = |text: &str| say(stream, script, text);
    if let Script::Greet(greeting) = script {
        say(greeting)?;
        return Ok(End::HungUp);
    }
    say("220 sink ready")?;
    let (mut from, mut to) = (String::new(), Vec::new());
    while let Some(line) = next_line(&mut lines)? {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
        match (verb.as_str(), script) {
            ("EHLO", Script::StallAfterEhlo) | ("QUIT", Script::StallAtQuit) => return wait_for_the_end(&mut lines),
            ("EHLO", _) => say("250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN")?,
            ("AUTH", Script::Login(reply)) => say(&format!("{reply} {line} {}", decoded_login(&line)))?,
            ("AUTH", _) => say("235 welcome")?,
            ("MAIL", _) => {
                (from, to) = (in_brackets(&line), Vec::new());
                say("250 ok")?;
            }
            ("RCPT", Script::Recipient(reply)) => say(reply)?,
            ("RCPT", _) => {
                to.push(in_brackets(&line));
                say("250 ok")?;
            }
            ("DATA", _) => {
                say("354 go on")?;
                if *script == Script::DropInData {
                    return next_line(&mut lines).map(|_| End::HungUp);
                }
                let Some(bytes) = read_data(&mut lines)? else { return Ok(End::HungUp) };
                let reply = if let Script::AfterData(reply) = script { reply } else { "250 taken" };
                let accepted = reply.starts_with("250");
                shared.seen().mails.push(Received { connection, from: from.clone(), to: to.clone(), bytes, accepted });
                if *script == Script::StallAfterData {
                    return wait_for_the_end(&mut lines);
                }
                say(reply)?;
            }
            ("QUIT", _) => return Ok(End::Quit),
            _ => say("502 unknown")?,
        }
    }
    Ok(End::HungUp)
}

/// One answer, after the pause of a slow server.
fn say(mut stream: &TcpStream, script: &Script, text: &str) -> io::Result<()> {
    if let Script::Slow(pause) = script {
        #[allow(clippy::disallowed_methods, reason = "a slow server; the sink's threads carry no actor")]
        thread::sleep(*pause);
    }
    stream.write_all(format!("{text}\r\n").as_bytes())
}

/// The next line with its end, or None when the client hung up.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line)?;
    Ok(line.ends_with(b"\n").then_some(line))
}

/// The mail up to the lone dot, or None when the client hung up before it.
fn read_data(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while let Some(line) = next_line(lines)? {
        if line == b".\r\n" {
            return Ok(Some(bytes));
        }
        bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
    Ok(None)
}

fn wait_for_the_end(lines: &mut impl BufRead) -> io::Result<End> {
    while next_line(lines)?.is_some() {}
    Ok(End::HungUp)
}

fn in_brackets(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address).to_owned()
}

/// User and password of `AUTH PLAIN BASE64`.
fn decoded_login(line: &str) -> String {
    use base64::Engine as _;
    let coded = line.rsplit(' ').next().unwrap_or("");
    let plain = base64::prelude::BASE64_STANDARD.decode(coded).unwrap_or_default();
    String::from_utf8_lossy(&plain).replace('\0', " ")
}

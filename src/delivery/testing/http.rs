//! An HTTP server for tests: keeps every request, and answers by script, connection by connection.
//!
//! Runs on threads of its own, so that it answers whatever the runtime under test is doing. Where a script waits, the test says when it goes on;
//! no test needs to guess a time.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::egress::Egress;
use super::super::outbound::Outbound;

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// One step of an answer. After the last one the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes.
    Send(String),
    /// Waits until [`HttpSink::go_on`] was called once more.
    Wait,
    /// Says nothing more until the other side hangs up.
    Hang,
    /// Ends the connection here.
    Close,
}

impl Step {
    /// A whole answer.
    pub fn answer(status: u16, content_type: &str, body: &str) -> Self {
        Self::answer_with(status, &[("content-type", content_type)], body)
    }

    /// A whole answer with these headers beside its length.
    pub fn answer_with(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self::Send(format!("{head}\r\n{body}"))
    }

    /// The head of an answer in chunks.
    pub fn chunked(content_type: &str) -> Self {
        Self::Send(format!(
            "HTTP/1.1 200 x\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        ))
    }

    /// One chunk; an empty one ends the answer.
    pub fn chunk(text: &str) -> Self {
        Self::Send(format!("{:x}\r\n{text}\r\n", text.len()))
    }
}

/// A request that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// The first header of this name (small letters), or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

#[derive(Default)]
struct Seen {
    scripts: VecDeque<Vec<Step>>,
    requests: Vec<Request>,
    hung_up: usize,
    go: usize,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    closing: AtomicBool,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen());
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&mut Seen) -> bool) {
        let seen = self.seen();
        drop(self.changed.wait_while(seen, |seen| !until(seen) && !self.closing.load(Ordering::Acquire)));
    }
}

/// The server; stops listening when dropped.
pub struct HttpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl HttpSink {
    /// Listens on a free port of the loopback interface. `scripts` are used up request by request; then all is answered with 200 and `{}`.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let shared = Arc::new(Shared::default());
        shared.seen().scripts = scripts.into_iter().collect();
        let served = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if served.closing.load(Ordering::Acquire) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&served);
                // A client that vanishes is part of the tests.
                thread::spawn(move || {
                    if serve(&stream, &shared).is_err() {
                        shared.change(|seen| seen.hung_up += 1);
                    }
                });
            }
        });
        Self { address, shared, listening: Some(listening) }
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.seen().requests.clone()
    }

    /// Lets one more [`Step::Wait`] go on.
    pub fn go_on(&self) {
        self.shared.change(|seen| seen.go += 1);
    }

    /// Waits until this many clients hung up, on a script that hangs or before they had all of their answer. Blocks nothing: what hangs up
    /// may be a task of the same thread.
    pub async fn hung_up(&self, count: usize) {
        while self.shared.seen().hung_up < count {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.changed.notify_all();
        // Wakes the listener, which then stops.
        let _ = TcpStream::connect(self.address);
        // From now on the port is closed.
        drop(self.listening.take().map(JoinHandle::join));
    }
}

/// Makes TLS usable, as `main` does for the program.
pub fn certificates() {
    drop(rustls::crypto::ring::default_provider().install_default()); // another test may have done it
}

/// Clients that may call this machine.
///
/// # Panics
/// When the system has no certificates.
pub fn outbound() -> Outbound {
    certificates();
    Outbound::new(Egress::allowing(&["127.0.0.0/8".to_owned()])).expect("certificates")
}

fn serve(mut stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut from = BufReader::new(stream);
    let request = read_request(&mut from)?;
    let mut script = Vec::new();
    shared.change(|seen| {
        script = seen.scripts.pop_front().unwrap_or_else(|| vec![Step::answer(200, "application/json", "{}")]);
        seen.requests.push(request);
    });
    for step in script {
        match step {
            Step::Send(text) => stream.write_all(text.as_bytes())?,
            Step::Wait => {
                shared.wait(|seen| seen.go > 0);
                shared.change(|seen| seen.go = seen.go.saturating_sub(1));
            }
            Step::Hang => {
                while from.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
                shared.change(|seen| seen.hung_up += 1);
            }
            Step::Close => break,
        }
    }
    Ok(())
}

fn read_request(from: &mut impl BufRead) -> io::Result<Request> {
    let broken = || io::Error::from(io::ErrorKind::InvalidData);
    let mut lines = from.by_ref().lines();
    let first = lines.next().ok_or_else(broken)??;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().ok_or_else(broken)?, words.next().ok_or_else(broken)?);
    let mut headers = Vec::new();
    loop {
        let line = lines.next().ok_or_else(broken)??;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body)?;
    Ok(Request { method, path, headers, body: String::from_utf8(body).map_err(|_| broken())? })
}

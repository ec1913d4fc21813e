//! A reader of server-sent events that blocks for a bounded time.

use std::io::{self, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Client, read_chunk, read_line};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: Value,
}

/// An open stream.
#[derive(Debug)]
pub struct Events {
    from: BufReader<TcpStream>,
    text: String,
}

impl Events {
    /// Opens a stream, after an event when one is named.
    #[track_caller]
    pub fn open(client: &Client, path: &str, after: Option<&str>) -> Self {
        let last = after.map(|id| [("last-event-id", id)]);
        let stream = client.open(path, last.as_ref().map_or(&[], |one| one.as_slice())).expect("a connection");
        let mut from = BufReader::new(stream);
        let status = read_line(&mut from).expect("a status");
        assert!(status.contains(" 200 "), "{status}");
        while !read_line(&mut from).expect("a header").is_empty() {}
        Self { from, text: String::new() }
    }

    /// The next event; `None` when the stream ended, or nothing came in time.
    pub fn next(&mut self, within: Duration) -> Option<Event> {
        let deadline = Instant::now() + within;
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = read(&block) {
                    return Some(event);
                }
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            match self.more(left) {
                Ok(Some(chunk)) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The events up to the first that is wanted, which is the last of them.
    #[track_caller]
    pub fn until(&mut self, within: Duration, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let deadline = Instant::now() + within;
        let mut seen = Vec::new();
        loop {
            let Some(event) = self.next(deadline.saturating_duration_since(Instant::now())) else {
                panic!("it did not come; what came: {seen:?}");
            };
            let found = wanted(&event);
            seen.push(event);
            if found {
                return seen;
            }
        }
    }

    fn more(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>> {
        self.from.get_ref().set_read_timeout(Some(within))?;
        read_chunk(&mut self.from)
    }
}

/// An event without data, such as a heartbeat, is none.
fn read(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).ok()?;
    Some(Event {
        id: field("id").unwrap_or_default().to_owned(),
        name: field("event").unwrap_or_default().to_owned(),
        data,
    })
}

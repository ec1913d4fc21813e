//! A system outside that is called.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use action_center::delivery::signing::signature;
use base64::Engine as _;
use serde_json::Value;

use super::wait_for;

/// How long is waited for a call.
pub const SOON: Duration = Duration::from_secs(20);

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).expect(name)
    }

    /// Whether one of its signatures is by this key.
    pub fn is_signed_by(&self, key: &[u8; 32]) -> bool {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let right = signature(key, &id.parse().expect("an id"), at.parse().expect("a time"), &self.body);
        self.header("webhook-signature").split(' ').any(|own| own == right)
    }
}

/// A system that keeps every call, and answers with these statuses, then with 204.
pub struct Receiver {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Receiver {
    pub fn answering(statuses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let kept = calls.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut from = BufReader::new(stream);
                let mut lines = (&mut from).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                let request = lines.next().unwrap_or_default();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let header =
                    |line: String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
                let headers: Vec<_> = lines.filter_map(header).collect();
                let length = headers.iter().find(|(name, _)| name == "content-length");
                let mut body = vec![0; length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)];
                from.read_exact(&mut body).expect("a body");
                let mut calls = kept.lock().expect("the calls");
                let status = statuses.get(calls.len()).copied().unwrap_or("204 No Content");
                calls.push(Call { path, headers, body: String::from_utf8(body).expect("text") });
                drop(calls);
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = from.get_mut().write_all(answer.as_bytes());
            }
        });
        Self { url, calls }
    }

    pub fn calls(&self, at_least: usize) -> Vec<Call> {
        let enough = || Some(self.calls.lock().expect("the calls").clone()).filter(|calls| calls.len() >= at_least);
        wait_for(SOON, enough).unwrap_or_else(|| panic!("{at_least} calls"))
    }
}

/// The key behind the secret in an answer.
pub fn key_of(made: &Value) -> [u8; 32] {
    let text = made["secret"].as_str().and_then(|text| text.strip_prefix("whsec_")).expect("a secret");
    let key = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    key.try_into().expect("32 bytes")
}

//! A plain HTTP client that blocks: one connection, one request at a time, nothing is ever sent twice on its own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; the name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body; null when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Status and body in one line, for messages.
    pub fn shown(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }

    /// The body, of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.shown());
        self.json()
    }

    /// A problem that must have this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.shown());
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    /// Whether it is an answer that was given before.
    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The version of the organisation.
    pub fn version(&self) -> Option<u64> {
        self.header("x-org-version")?.parse().ok()
    }
}

/// A caller with its own headers, its credential among them.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    headers: Vec<(String, String)>,
    connection: Mutex<Option<BufReader<TcpStream>>>,
}

impl Clone for Client {
    fn clone(&self) -> Self {
        Self { address: self.address, headers: self.headers.clone(), connection: Mutex::default() }
    }
}

impl Client {
    /// A caller without a credential.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, headers: Vec::new(), connection: Mutex::default() }
    }

    /// The same caller at another address, after a restart.
    pub fn moved_to(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The same caller with this header on every request.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut same = self.clone();
        same.headers.retain(|(known, _)| known != name);
        same.headers.push((name.to_owned(), value.to_owned()));
        same
    }

    /// The same caller without this header.
    pub fn without(&self, name: &str) -> Self {
        let mut same = self.clone();
        same.headers.retain(|(known, _)| known != name);
        same
    }

    /// The same caller with this bearer token.
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// Sends a request and gives the answer, whatever its status. An error says that it is not known whether it was served.
    pub fn call(&self, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => BufReader::new(connect(self.address)?),
        };
        connection.get_mut().write_all(self.request(method, path, body, headers).as_bytes())?;
        let (answer, stays_open) = read_answer(&mut connection)?;
        if stays_open {
            *kept = Some(connection);
        }
        Ok(answer)
    }

    /// Sends a request that must be answered.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string);
        match self.call(method, path, body.as_deref(), &[]) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(body))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// Opens a connection of its own, sends a request without a body, and gives the connection to read from.
    pub fn open(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<TcpStream> {
        let mut stream = connect(self.address)?;
        stream.write_all(self.request("GET", path, None, headers).as_bytes())?;
        Ok(stream)
    }

    /// Sends a request and hangs up before the answer.
    pub fn send_and_vanish(&self, method: &str, path: &str, body: &str) -> io::Result<()> {
        let mut stream = connect(self.address)?;
        stream.write_all(self.request(method, path, Some(body), &[]).as_bytes())
    }

    fn request(&self, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> String {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        } else {
            text.push_str("content-length: 0\r\n\r\n");
        }
        text
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    Ok(stream)
}

/// The answer, and whether the connection can be used again.
fn read_answer(from: &mut impl BufRead) -> io::Result<(Answer, bool)> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let line = read_line(from)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| broken(&format!("no status in {line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(from)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header without a colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    let mut stays_open = !answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse().map_err(|_| broken("a length that is no number"))?;
        answer.body = vec![0; length];
        from.read_exact(&mut answer.body)?;
    } else if answer.header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = read_chunk(from)? {
            answer.body.extend(chunk);
        }
    } else if status != 204 {
        stays_open = false;
        from.read_to_end(&mut answer.body)?;
    }
    Ok((answer, stays_open))
}

/// A line without its end. The end of the connection is an error.
pub fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// A chunk of a chunked body; `None` after the last one.
pub fn read_chunk(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let size = read_line(from)?;
    let size = usize::from_str_radix(&size, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let mut chunk = vec![0; size];
    from.read_exact(&mut chunk)?;
    read_line(from)?;
    Ok((size > 0).then_some(chunk))
}

//! One HTTP/1.1 keep-alive connection, written by hand so that the client costs as little as possible of the machine it shares.
//!
//! Promise: an [`Answer`] is the whole response; what cannot be read as one is an error, never a success.
//! Never here: redirects, chunked bodies, pipelining, retries.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest response that is read, in bytes.
const RESPONSE_BYTES_MAX: usize = 4 << 20;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    closing: bool,
}

#[derive(Debug)]
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 8 << 10], filled: 0, closing: false })
    }

    /// The server said that it closes this connection after the answer.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Sends one request and reads its whole answer.
    ///
    /// # Errors
    /// `InvalidData` for what is not a plain response with a content length, `UnexpectedEof` when the server hangs up.
    pub async fn call(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.filled = 0;
        self.stream.write_all(request).await?;
        let head = loop {
            self.fill().await?;
            if let Some(head) = parse_head(&self.buffer[..self.filled])? {
                break head;
            }
        };
        let end = head.body_start + head.body_bytes;
        if end > RESPONSE_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "response too large"));
        }
        while self.filled < end {
            self.fill().await?;
        }
        if self.filled > end {
            return Err(io::Error::new(ErrorKind::InvalidData, "bytes after the response"));
        }
        self.closing = head.closing;
        Ok(Answer { status: head.status, body: &self.buffer[head.body_start..end] })
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            if self.filled >= RESPONSE_BYTES_MAX {
                return Err(io::Error::new(ErrorKind::InvalidData, "response too large"));
            }
            self.buffer.resize(self.filled * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.filled += read;
                Ok(())
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    body_start: usize,
    body_bytes: usize,
    closing: bool,
}

/// `None` until the blank line has arrived.
fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let bad = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
    let Some(head_end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let status = match bytes.get(..12) {
        Some([b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', digits @ ..]) => number(digits),
        _ => None,
    };
    let status = status.ok_or_else(|| bad("not an HTTP/1 status line"))? as u16;
    let mut body_bytes = if status == 204 || status == 304 { Some(0) } else { None };
    let mut closing = false;
    for line in bytes[..head_end].split(|&byte| byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            body_bytes = Some(number(value).ok_or_else(|| bad("bad content-length"))?);
        } else if name.eq_ignore_ascii_case(b"connection") {
            closing = value.eq_ignore_ascii_case(b"close");
        }
    }
    let body_bytes = body_bytes.ok_or_else(|| bad("response without a content-length"))?;
    Ok(Some(Head { status, body_start: head_end + 4, body_bytes, closing }))
}

fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + usize::from(digit - b'0')))
}

/// Where `needle` (not empty) begins in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle[0];
    let last_start = hay.len().checked_sub(needle.len())?;
    let mut at = 0;
    while at <= last_start {
        at += hay[at..=last_start].iter().position(|&byte| byte == first)?;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_whatever_the_case_of_its_names() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-LENGTH: 3\r\nConnection: close\r\n\r\nabc";
        let head = parse_head(bytes).unwrap().unwrap();
        assert_eq!(head, Head { status: 201, body_start: bytes.len() - 3, body_bytes: 3, closing: true });
    }

    #[test]
    fn half_a_head_waits_for_the_rest() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n").unwrap().is_none());
    }

    #[test]
    fn what_is_no_plain_response_is_an_error() {
        for bytes in [
            &b"SSH-2.0-x\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        ] {
            assert!(parse_head(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_needle_is_found_at_both_ends_and_not_beyond() {
        assert_eq!(find(b"abcabd", b"abd"), Some(3));
        assert_eq!(find(b"abd", b"abd"), Some(0));
        assert_eq!(find(b"ab", b"abd"), None);
    }
}

//! A mail server for the demo: takes every mail on loopback, tells who got what, and keeps nothing.
//!
//! Limits: 8 connections, 50 recipients, 256 KiB a mail, a minute of silence. It runs on threads of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const CONNECTIONS_MAX: usize = 8;
const RECIPIENTS_MAX: usize = 50;
const LINE_BYTES_MAX: u64 = 8 * 1024;
const MAIL_BYTES_MAX: usize = 256 * 1024;
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What is told about a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Mail {
    pub to: Vec<String>,
    pub subject: String,
}

/// The mail server; stops listening when dropped.
pub struct Mailbox {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
}

impl Mailbox {
    /// Listens on a free port of loopback; `on_mail` is called on the connection's thread.
    ///
    /// # Errors
    /// There is no port or no thread.
    pub fn start(on_mail: impl Fn(&Mail) + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let closing = Arc::new(AtomicBool::new(false));
        let (closed, on_mail) = (Arc::clone(&closing), Arc::new(on_mail));
        let open = Arc::new(AtomicUsize::new(0));
        let accept = move || {
            for stream in listener.incoming() {
                if closed.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(stream) = stream {
                    serve(stream, &open, &on_mail);
                }
            }
        };
        thread::Builder::new().name("mailbox".into()).spawn(accept)?;
        Ok(Self { address, closing })
    }

    /// `smtp://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        drop(TcpStream::connect_timeout(&self.address, Duration::from_secs(1))); // wakes the one who accepts
    }
}

fn serve<F: Fn(&Mail) + Send + Sync + 'static>(mut stream: TcpStream, open: &Arc<AtomicUsize>, on_mail: &Arc<F>) {
    if open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
        open.fetch_sub(1, Ordering::AcqRel);
        drop(stream.write_all(b"421 busy\r\n"));
        return;
    }
    let (counted, on_mail) = (Arc::clone(open), Arc::clone(on_mail));
    let talk = move || {
        let silence =
            stream.set_read_timeout(Some(SILENCE_MAX)).and_then(|()| stream.set_write_timeout(Some(SILENCE_MAX)));
        // Whoever hangs up has said all there was.
        drop(silence.and_then(|()| converse(BufReader::new(&stream), &stream, &*on_mail)));
        counted.fetch_sub(1, Ordering::AcqRel);
    };
    if thread::Builder::new().name("mail".into()).spawn(talk).is_err() {
        open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One conversation, from greeting to QUIT.
fn converse(mut from: impl BufRead, mut to: impl Write, on_mail: &dyn Fn(&Mail)) -> io::Result<()> {
    to.write_all(b"220 the demo's mailbox\r\n")?;
    let mut recipients: Vec<String> = Vec::new();
    while let Some(line) = line(&mut from)? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let verb = line.split([' ', ':', '\r', '\n']).next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-demo\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "MAIL" | "RSET" => {
                recipients.clear();
                b"250 OK\r\n"
            }
            "RCPT" if recipients.len() >= RECIPIENTS_MAX => b"452 too many recipients\r\n",
            "RCPT" => {
                recipients.push(address(&line));
                b"250 OK\r\n"
            }
            "DATA" if recipients.is_empty() => b"503 nobody to give it to\r\n",
            "DATA" => {
                to.write_all(b"354 go ahead\r\n")?;
                match data(&mut from)? {
                    Some(mail) => {
                        on_mail(&Mail { to: std::mem::take(&mut recipients), subject: subject(&mail) });
                        b"250 taken\r\n"
                    }
                    None => b"552 too large\r\n",
                }
            }
            "HELO" | "NOOP" => b"250 OK\r\n",
            "QUIT" => return to.write_all(b"221 bye\r\n"),
            _ => b"502 not here\r\n",
        };
        to.write_all(answer)?;
    }
    Ok(())
}

/// A line with its end; `None` when the other side is gone. A longer one comes in pieces.
fn line(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok((!line.is_empty()).then_some(line))
}

/// The mail up to the lone dot; `None` when it is too large.
fn data(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut mail = Some(Vec::new());
    let mut at_start = true;
    while let Some(line) = line(from)? {
        if at_start && (line == b".\r\n" || line == b".\n") {
            return Ok(mail);
        }
        at_start = line.ends_with(b"\n");
        mail = mail.filter(|kept| kept.len() + line.len() <= MAIL_BYTES_MAX);
        if let Some(kept) = &mut mail {
            kept.extend_from_slice(&line);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("?", |(address, _)| address).to_owned()
}

/// The subject, unfolded and decoded.
fn subject(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    let mut found: Option<String> = None;
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match &mut found {
            Some(subject) if line.starts_with([' ', '\t']) => {
                subject.push(' ');
                subject.push_str(line.trim());
            }
            Some(_) => break,
            None if line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case("subject:")) => {
                found = Some(line[8..].trim().to_owned());
            }
            None => {}
        }
    }
    found.map_or_else(|| "(no subject)".into(), |subject| decoded(&subject))
}

/// Encoded words (RFC 2047, the B form in UTF-8, which is what we send) as text; blanks between two of them do not count.
fn decoded(subject: &str) -> String {
    let mut text = String::new();
    let mut after_encoded = true;
    for word in subject.split(' ').filter(|word| !word.is_empty()) {
        let bytes = encoded_word(word);
        if !(text.is_empty() || after_encoded && bytes.is_some()) {
            text.push(' ');
        }
        after_encoded = bytes.is_some();
        match bytes {
            Some(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            None => text.push_str(word),
        }
    }
    text
}

fn encoded_word(word: &str) -> Option<Vec<u8>> {
    let (charset, rest) = word.strip_prefix("=?")?.strip_suffix("?=")?.split_once('?')?;
    let (form, payload) = rest.split_once('?')?;
    let readable = charset.eq_ignore_ascii_case("utf-8") && form.eq_ignore_ascii_case("b");
    STANDARD.decode(payload).ok().filter(|_| readable)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn said(conversation: &str) -> (String, Vec<Mail>) {
        let (mut answers, mails) = (Vec::new(), RefCell::new(Vec::new()));
        // A conversation that breaks off is part of the tests.
        drop(converse(conversation.as_bytes(), &mut answers, &|mail: &Mail| mails.borrow_mut().push(mail.clone())));
        (String::from_utf8(answers).unwrap(), mails.into_inner())
    }

    const START: &str = "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<gm@pier-nine.example>\r\nDATA\r\n";

    #[test]
    fn a_mail_is_told_with_recipient_and_subject() {
        let (answers, mails) =
            said(&format!("{START}From: a\r\nSubject: Comp\r\n of 250\r\nTo: x\r\n\r\nHi\r\n..\r\n.\r\nQUIT\r\n"));
        assert_eq!(mails, [Mail { to: vec!["gm@pier-nine.example".into()], subject: "Comp of 250".into() }]);
        assert!(answers.ends_with("250 taken\r\n221 bye\r\n"), "{answers}");
    }

    #[test]
    fn a_mail_that_breaks_off_is_not_told() {
        assert_eq!(said(&format!("{START}Subject: x\r\n\r\nHi\r\n")).1, []);
    }

    #[test]
    fn a_mail_over_the_limit_is_refused_and_the_next_one_taken() {
        let large = "x".repeat(MAIL_BYTES_MAX + 1);
        let (answers, mails) = said(&format!("{START}{large}\r\n.\r\n{START}Subject: y\r\n\r\n.\r\n"));
        assert!(answers.contains("552 too large"), "{answers}");
        assert_eq!(mails.len(), 1);
    }

    #[test]
    fn a_subject_in_base64_is_readable() {
        let encoded = format!("=?utf-8?b?{}?=", STANDARD.encode("[critical] Inês · "));
        let more = format!("=?utf-8?b?{}?=", STANDARD.encode("Pier"));
        assert_eq!(decoded(&format!("{encoded} {more}")), "[critical] Inês · Pier");
        assert_eq!(decoded("[critical] =?utf-8?b?w6k=?= x"), "[critical] é x");
        assert_eq!(decoded("plain =?koi8-r?b?AA==?="), "plain =?koi8-r?b?AA==?=");
    }

    #[test]
    fn it_listens_on_loopback_until_it_is_dropped() {
        let mailbox = Mailbox::start(|_| {}).unwrap();
        let address = mailbox.url().strip_prefix("smtp://").unwrap().to_owned();
        let mut greeting = String::new();
        BufReader::new(TcpStream::connect(&address).unwrap()).read_line(&mut greeting).unwrap();
        assert!(address.starts_with("127.0.0.1:") && greeting.starts_with("220 "), "{greeting}");
    }
}

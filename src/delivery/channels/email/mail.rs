//! A message as the bytes of a mail: a function of its arguments, so that every attempt sends the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::delivery::channel::{Message, Recipient};
use crate::delivery::wording::one_line;

const NAME_CHARS_MAX: usize = 100;
const SUBJECT_CHARS_MAX: usize = 250;
/// The last second of the year 9999; `Date` headers know no later one.
const DATED_MS_MAX: i64 = 253_402_300_799_000;

/// A mail that is ready to be handed over.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

impl Mail {
    /// # Errors
    /// Why this message can never become a mail.
    pub(super) fn write(message: &Message, from: &Mailbox) -> Result<Self, String> {
        // lettre 0.11.23 panics on some display names (RUSTSEC-2026-0564); what is known is cleaned below, this is for the rest.
        catch_unwind(AssertUnwindSafe(|| Self::build(message, from))).unwrap_or_else(|_| {
            tracing::error!(message = %message.id, "the mail builder panicked");
            Err("the mail could not be built".into())
        })
    }

    fn build(message: &Message, from: &Mailbox) -> Result<Self, String> {
        let dated_ms = u64::try_from(message.dated_ms.clamp(0, DATED_MS_MAX)).unwrap_or(0);
        let subject: String = one_line(&message.subject).chars().take(SUBJECT_CHARS_MAX).collect();
        let mut mail = lettre::Message::builder()
            .from(from.clone())
            .subject(subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(dated_ms))
            .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
            // Keeps out-of-office replies away (RFC 3834).
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()));
        for recipient in &message.to {
            mail = mail.to(mailbox(recipient)?);
        }
        let text = body(&message.text);
        let mail = match message.html.as_deref().map(body) {
            Some(html) => {
                let parts = MultiPart::alternative().boundary(boundary(message, &text, &html));
                mail.multipart(parts.singlepart(SinglePart::plain(text)).singlepart(SinglePart::html(html)))
            }
            None => mail.singlepart(SinglePart::plain(text)),
        };
        let mail = mail.map_err(|error| format!("the mail could not be built: {error}"))?;
        Ok(Self { envelope: mail.envelope().clone(), bytes: mail.formatted() })
    }
}

/// The sender of the settings: an address, or `Name <address>`.
pub(super) fn sender(text: &str) -> Option<Mailbox> {
    let mailbox: Mailbox = one_line(text).parse().ok()?;
    Some(Mailbox::new(mailbox.name.as_deref().and_then(display_name), mailbox.email))
}

fn mailbox(recipient: &Recipient) -> Result<Mailbox, String> {
    let text = recipient.address.trim();
    let parsed = if text.chars().any(char::is_control) { None } else { text.parse::<Address>().ok() };
    let address = parsed.ok_or_else(|| format!("not an e-mail address: {text}"))?;
    Ok(Mailbox::new(recipient.name.as_deref().and_then(display_name), address))
}

fn display_name(text: &str) -> Option<String> {
    let name: String = one_line(text).chars().take(NAME_CHARS_MAX).collect();
    (!name.is_empty()).then_some(name)
}

/// Line breaks of every kind as one, other control characters but the tab gone: a bare CR before a dot could end the mail early
/// for a server that takes it for a line break.
fn body(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// A boundary that is the same for the same mail and that nobody can place in a text, since it is a hash over that text.
fn boundary(message: &Message, text: &str, html: &str) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(message.id.as_bytes());
    for part in [text, html] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex()[..40].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::message;

    fn from() -> Mailbox {
        sender("Action Center <action-center@group.example>").expect("a sender")
    }

    fn written(message: &Message) -> String {
        let mail = Mail::write(message, &from()).unwrap_or_else(|why| panic!("{why}"));
        String::from_utf8(mail.bytes).expect("ASCII")
    }

    #[test]
    fn the_same_message_gives_the_same_bytes() {
        let with_both = Message { html: Some("<p>Zoë</p>".into()), ..message("gm@group.example") };
        let text_only = Message { html: None, ..with_both.clone() };
        for message in [&with_both, &text_only] {
            assert_eq!(written(message), written(message));
        }
        let other = Message { text: "other".into(), ..with_both.clone() };
        assert_ne!(boundary(&with_both, &with_both.text, ""), boundary(&other, &other.text, ""));
    }

    #[test]
    fn id_and_date_come_from_the_message() {
        let message = message("gm@group.example");
        let mail = written(&message);
        assert!(mail.contains(&format!("Message-ID: <{}@group.example>\r\n", message.id)), "{mail}");
        assert!(mail.contains("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"), "{mail}");
        for dated_ms in [i64::MIN, -1, i64::MAX] {
            assert!(written(&Message { dated_ms, ..message.clone() }).contains("Date: "));
        }
    }

    #[test]
    fn a_line_break_in_name_or_subject_becomes_no_header() {
        for nasty in [
            "Bob\nX",
            "Bob\r\nBcc: all@group.example",
            "Zoë\nBcc: x",
            "\u{0}",
            "\r",
            "Bob\u{85}Bcc: x",
            "\"\\",
            "a,b;c:<d@e>",
        ] {
            let mut message = message("gm@group.example");
            message.to[0].name = Some(nasty.into());
            message.subject = nasty.into();
            let mail = written(&message);
            let (headers, _) = mail.split_once("\r\n\r\n").expect("headers end");
            assert!(!headers.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{headers}");
            let envelope = Mail::write(&message, &from()).expect("a mail").envelope;
            assert_eq!(envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>(), ["gm@group.example"]);
        }
    }

    #[test]
    fn a_panic_of_the_builder_ends_as_an_error() {
        let uncleaned = Mailbox::new(Some("Bob\nX".into()), from().email);
        let why = Mail::write(&message("gm@group.example"), &uncleaned)
            .expect_err("lettre took it; is the guard still needed?");
        assert_eq!(why, "the mail could not be built");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in [
            "",
            "gm",
            "gm@",
            "@group.example",
            "gm@group.example\r\nRCPT TO:<x@y.example>",
            "a@b.example,c@d.example",
            "gm@group.example>",
            "\"a\nb\"@c.example",
        ] {
            assert!(Mail::write(&message(address), &from()).is_err(), "{address:?} was taken");
        }
        assert!(Mail::write(&Message { to: Vec::new(), ..message("gm@group.example") }, &from()).is_err());
        assert!(sender("nobody").is_none());
    }

    #[test]
    fn no_bare_line_break_reaches_the_wire() {
        let message = Message { text: "a\r.\r\nb\n.\nc\u{0}\u{b}d".into(), html: None, ..message("gm@group.example") };
        let mail = written(&message);
        assert!(!mail.replace("\r\n", "").contains(['\r', '\n', '\0', '\u{b}']), "{mail:?}");
    }
}

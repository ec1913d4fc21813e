//! A block and a grant as the check needs them: what decides whether they apply, and what their answers are composed of.
//!
//! Promise: all of one lies in one piece, so that a check that meets it among millions waits for memory once. What every answer
//! repeats is not kept but written anew: about three quarters of the answer.

use rust_decimal::Decimal;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::OnError;
use crate::domain::time::Timestamp;

/// What a block says, for a verdict to be made of.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The block.
    pub id: Uuid,
    /// Where it holds; everywhere without one.
    pub venue_id: Option<&'a str>,
    /// Amounts up to this are free.
    pub limit: Option<Decimal>,
    /// When it is over; never without one.
    pub expires_at: Option<Timestamp>,
    /// What a till does that cannot ask.
    pub on_error: OnError,
    /// Why it stands.
    pub reason: &'a str,
    /// Whether it can be overridden.
    pub override_required: bool,
    /// Whether the block names the authority itself.
    pub names_authority: bool,
    /// The least authority that can override or lift it.
    pub authority: &'a str,
}

/// A block as the check needs it.
// The order is that of reading, which is why the compiler may not choose it: the text last, of which only the used part is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Verdict {
    /// Milliseconds since the epoch at which it is over; `i64::MAX` for never.
    expires_at_ms: i64,
    /// Amounts up to this are free.
    limit: Option<Decimal>,
    id: Uuid,
    /// How long the answer is without its version, so that writing it asks for memory once.
    length: u32,
    /// Where the venue, the authority, the limit and the time end in the text; the reason goes on to its end.
    ends: [u16; 4],
    on_error: OnError,
    override_required: bool,
    names_authority: bool,
    text: Text,
}

/// So many bytes are kept beside the verdict: most reasons are a sentence, and a verdict then makes 192 bytes with its name in the
/// index, which the allocator hands out without a rest.
const BESIDE: usize = 109;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Beside { len: u8, bytes: [u8; BESIDE] },
    Apart(Box<[u8]>),
}

impl Text {
    fn of(bytes: &[u8]) -> Self {
        let mut beside = [0; BESIDE];
        match (beside.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(bytes);
                Self::Beside { len, bytes: beside }
            }
            _ => Self::Apart(bytes.into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Beside { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Apart(bytes) => bytes,
        }
    }
}

/// The pieces of the text: empty for what there is not. Venue as it is, the others as inside a JSON string.
struct Pieces<'a> {
    venue_id: &'a [u8],
    authority: &'a [u8],
    limit: &'a [u8],
    expires_at: &'a [u8],
    reason: &'a [u8],
}

/// What a grant says, for a pass to be made of.
#[derive(Clone, Copy, Debug)]
pub struct PassTerms<'a> {
    /// The grant.
    pub id: Uuid,
    /// Where it holds; everywhere without one.
    pub venue_id: Option<&'a str>,
    /// Amounts above this are not let through; with it, a question without an amount is not either.
    pub amount_max: Option<Decimal>,
    /// When it is over.
    pub expires_at: Timestamp,
    /// What is left of it.
    pub uses_left: u32,
}

/// A grant as the check needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Milliseconds since the epoch at which it is over.
    expires_at_ms: i64,
    amount_max: Option<Decimal>,
    /// Where the venue ends in the text; the grant as JSON, without its braces, goes on to its end.
    venue_end: u16,
    text: Text,
}

/// Writes pieces one after the other into room for exactly these.
macro_rules! write_all {
    ($out:expr, $($piece:expr),+ $(,)?) => {{
        let out: &mut Vec<u8> = $out;
        out.reserve_exact(0 $(+ $piece.len())+);
        $(out.extend_from_slice($piece);)+
    }};
}

impl Verdict {
    /// Prepares the answer of a block.
    pub fn new(terms: &Terms<'_>) -> Self {
        let mut text = Vec::with_capacity(BESIDE);
        let limit = terms.limit.map(|amount| amount.to_string()).unwrap_or_default();
        let expires_at = terms.expires_at.map(|at| at.to_string()).unwrap_or_default();
        let (authority, reason) = (escaped(terms.authority), escaped(terms.reason));
        let ends = [terms.venue_id.unwrap_or_default(), &authority, &limit, &expires_at].map(|piece| {
            text.extend_from_slice(piece.as_bytes());
            short(text.len())
        });
        text.extend_from_slice(reason.as_bytes());
        let mut made = Self {
            expires_at_ms: terms.expires_at.map_or(i64::MAX, |at| at.0),
            limit: terms.limit,
            id: terms.id,
            ends,
            on_error: terms.on_error,
            override_required: terms.override_required,
            names_authority: terms.names_authority,
            length: 0,
            text: Text::of(&text),
        };
        let mut answer = Vec::new();
        made.write(b"", &mut answer);
        made.length = u32::try_from(answer.len()).unwrap_or(0); // what is missing then is room that is made while writing
        made
    }

    /// Whether the block applies to a question. No venue in the question counts as any, no amount as above any limit.
    pub fn applies(&self, venue: Option<&str>, amount: Option<Decimal>, now_ms: i64) -> bool {
        let here = venue.is_none_or(|asked| {
            let own = self.pieces().venue_id;
            own.is_empty() || own == asked.as_bytes()
        });
        let above = match (self.limit, amount) {
            (None, _) | (_, None) => true,
            (Some(limit), Some(amount)) => amount > limit,
        };
        here && above && self.expires_at_ms > now_ms
    }

    /// Writes the answer as JSON, with the digits of a version in it.
    // Branches around constants rather than constants from branches: of a known length they are copied without a call.
    pub fn write(&self, version: &[u8], out: &mut Vec<u8>) {
        let Pieces { venue_id: _, authority, limit, expires_at, reason } = self.pieces();
        let mut id = [0; Hyphenated::LENGTH];
        self.id.hyphenated().encode_lower(&mut id);
        out.reserve_exact(self.length as usize + version.len());
        out.extend_from_slice(b"{\"blocked\":true,\"decision\":\"block\",\"reason\":\"");
        out.extend_from_slice(reason);
        if self.override_required {
            out.extend_from_slice(b"\",\"override_required\":true,\"override_authority\":");
        } else {
            out.extend_from_slice(b"\",\"override_required\":false,\"override_authority\":");
        }
        if self.names_authority {
            out.push(b'"');
            out.extend_from_slice(authority);
            out.extend_from_slice(b"\",\"block_id\":\"");
        } else {
            out.extend_from_slice(b"null,\"block_id\":\"");
        }
        out.extend_from_slice(&id);
        if limit.is_empty() && expires_at.is_empty() {
            out.extend_from_slice(b"\",\"limit\":null,\"expires_at\":null,\"on_error\":\"");
        } else {
            write_bounds(limit, expires_at, out);
        }
        out.extend_from_slice(self.on_error.name().as_bytes());
        if self.override_required {
            out.extend_from_slice(b"\",\"override_by\":\"");
            out.extend_from_slice(authority);
            out.extend_from_slice(b"\",\"override_url\":\"/api/action-center/blocks/");
            out.extend_from_slice(&id);
            out.extend_from_slice(b"/overrides\",\"help\":\"");
            write_free(limit, out);
            out.extend_from_slice(authority);
            out.extend_from_slice(b" or above can approve an override: POST reason to override_url.\",\"version\":");
        } else {
            out.extend_from_slice(b"\",\"override_by\":null,\"override_url\":null,\"help\":\"");
            write_free(limit, out);
            out.extend_from_slice(b"It cannot be overridden; ");
            out.extend_from_slice(authority);
            out.extend_from_slice(b" or above can lift it.\",\"version\":");
        }
        out.extend_from_slice(version);
        out.push(b'}');
    }

    fn pieces(&self) -> Pieces<'_> {
        let text = self.text.bytes();
        let [venue, authority, limit, time] = self.ends.map(usize::from);
        let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        Pieces {
            venue_id: piece(0, venue),
            authority: piece(venue, authority),
            limit: piece(authority, limit),
            expires_at: piece(limit, time),
            reason: piece(time, text.len()),
        }
    }
}

impl Pass {
    /// Prepares the answer under a grant.
    pub fn new(terms: &PassTerms<'_>) -> Self {
        let PassTerms { id, venue_id, amount_max, expires_at, uses_left } = *terms;
        let venue = venue_id.unwrap_or_default();
        let most = amount_max.map_or_else(|| "null".into(), |amount| amount.to_string());
        let text =
            format!(r#"{venue}"id":"{id}","uses_left":{uses_left},"expires_at":"{expires_at}","amount_max":{most}"#);
        let venue_end = short(venue.len());
        Self { expires_at_ms: expires_at.0, amount_max, venue_end, text: Text::of(text.as_bytes()) }
    }

    /// Whether the grant lets a question through. One for a venue needs the venue in the question, which else is about all of them.
    pub fn applies(&self, venue: Option<&str>, amount: Option<Decimal>, now_ms: i64) -> bool {
        let (own, _) = self.pieces();
        let here = own.is_empty() || venue.is_some_and(|asked| own == asked.as_bytes());
        let within = self.amount_max.is_none_or(|most| amount.is_some_and(|amount| amount <= most));
        here && within && self.expires_at_ms > now_ms
    }

    /// Writes the answer as JSON, with the digits of a version in it.
    pub fn write(&self, version: &[u8], out: &mut Vec<u8>) {
        let (_, grant) = self.pieces();
        let opens = b"{\"blocked\":false,\"decision\":\"allow\",\"grant\":{";
        write_all!(out, opens, grant, b"},\"version\":", version, b"}");
    }

    fn pieces(&self) -> (&[u8], &[u8]) {
        self.text.bytes().split_at_checked(usize::from(self.venue_end)).unwrap_or_default()
    }
}

fn write_bounds(limit: &[u8], expires_at: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\",\"limit\":");
    if limit.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        out.extend_from_slice(b"{\"amount\":");
        out.extend_from_slice(limit);
        out.push(b'}');
    }
    out.extend_from_slice(b",\"expires_at\":");
    if expires_at.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        out.push(b'"');
        out.extend_from_slice(expires_at);
        out.push(b'"');
    }
    out.extend_from_slice(b",\"on_error\":\"");
}

fn write_free(limit: &[u8], out: &mut Vec<u8>) {
    if !limit.is_empty() {
        out.extend_from_slice(b"Amounts up to ");
        out.extend_from_slice(limit);
        out.extend_from_slice(b" are free. ");
    }
}

/// Writes the answer where nothing applies as JSON, with the digits of a version in it.
pub fn write_allowed(version: &[u8], out: &mut Vec<u8>) {
    write_all!(out, b"{\"blocked\":false,\"decision\":\"allow\",\"version\":", version, b"}");
}

/// A place in a text among ids, rungs, numbers and times, which are bounded where they come in.
fn short(length: usize) -> u16 {
    debug_assert!(u16::try_from(length).is_ok(), "none of these is that long");
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// A text as it stands inside the quotes of JSON.
fn escaped(text: &str) -> String {
    let mut json = serde_json::Value::from(text).to_string();
    json.pop();
    json.split_off(1)
}

#[cfg(test)]
mod tests;

//! The stored form of events and states.
//!
//! A record's payload is one commit: everything that one command decided. Its frame is written by hand, so that no library decides
//! its layout; all integers are little-endian:
//!
//! ```text
//! version u8 = 1 · header_len u32 · header (v1::HeaderV1) · events u32 · for each: type u16 · schema u16 · len u32 · bytes
//! ```
//! Promise: what was stored by any released version is read, through the frozen struct of its type and schema; what is unknown is
//! refused with its number, never guessed at. What comes back is what was stored.
//! Invariant: a number of [`kinds`] or `numbers` and a struct of [`v1`] never change; `tests/golden` holds bytes of each.
//! Never here: finding damaged bytes. A flipped bit may well give another value; the record's checksum and chain find it first.
//!
//! To add an event: a number in `kinds`, a struct in the newest version, a line in `events` each way, a sample in `tests`, and a
//! golden file (`UPDATE_GOLDEN=1 cargo nextest run golden` writes the missing ones).

mod bytes;
pub mod error;
mod events;
pub mod fold;
mod form;
pub mod kinds;
mod numbers;
pub mod states;
#[cfg(test)]
mod tests;
pub mod v1;
pub mod v2;

use crate::domain::decision::Done;
pub use crate::domain::decision::Reply as StoredReply;
use crate::domain::idempotency::Request;
use crate::domain::people::Cause;
use crate::store::journal::RECORD_BYTES_MAX;
use crate::store::record::ENVELOPE_BYTES;
use bytes::{Reader, put_piece, try_bytes_of, value_of};
pub use error::StoredError;
use form::Form;
pub use states::StoredState;
use v1::{HeaderV1, ReplyV1};

/// The version of payloads that [`encode_commit`] writes.
pub const PAYLOAD_VERSION: u8 = 1;

/// The most bytes that a payload may have, so that the journal takes its record.
pub const PAYLOAD_BYTES_MAX: usize = RECORD_BYTES_MAX - ENVELOPE_BYTES;

/// The fewest bytes that an event takes in a payload.
const EVENT_BYTES_MIN: usize = 8;

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit<E> {
    /// Who caused it.
    pub cause: Cause,
    /// The idempotency key that it was asked for with.
    pub request: Option<Request>,
    /// What the caller was told, so that a repeated request gets the same answer.
    pub reply: Option<StoredReply>,
    /// What happened, in order; at least one.
    pub events: Vec<E>,
}

/// The bytes of an event, with what tells how to read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// Its type, of [`kinds`].
    pub event_type: u16,
    /// The version of its struct.
    pub schema: u16,
    /// The bytes of its struct.
    pub bytes: Vec<u8>,
}

/// An event that can be stored.
pub trait StoredEvent: Sized {
    /// Its bytes in the newest schema of its type.
    ///
    /// # Errors
    /// [`StoredError::TooLarge`].
    fn try_encode(&self) -> Result<EncodedEvent, StoredError>;

    /// As [`StoredEvent::try_encode`], for an event that is known to be small.
    ///
    /// # Panics
    /// When it is not.
    fn encode(&self) -> EncodedEvent {
        self.try_encode().expect("an event is bounded")
    }

    /// The event that was stored, in any schema that ever was.
    ///
    /// # Errors
    /// [`StoredError::UnknownEvent`]; or what is wrong with the bytes.
    fn decode(event_type: u16, schema: u16, bytes: &[u8]) -> Result<Self, StoredError>;
}

/// The payload of a record, as [`try_encode_commit`], for a commit that is known to be small.
///
/// # Panics
/// When there is no event or it is too large: both are bugs of the caller, who bounds what it decides.
pub fn encode_commit<E: StoredEvent>(
    cause: &Cause,
    request: Option<&Request>,
    reply: Option<(Done, &[u8])>,
    events: &[E],
) -> Vec<u8> {
    try_encode_commit(cause, request, reply, events).expect("a commit is bounded and says something")
}

/// The payload of a record, at most [`PAYLOAD_BYTES_MAX`].
///
/// # Errors
/// [`StoredError::TooLarge`] for the whole or a part of it, [`StoredError::NoEvents`]: it could not be stored or not be read again.
pub fn try_encode_commit<E: StoredEvent>(
    cause: &Cause,
    request: Option<&Request>,
    reply: Option<(Done, &[u8])>,
    events: &[E],
) -> Result<Vec<u8>, StoredError> {
    let too_large = |why: String| StoredError::TooLarge { what: "a commit", why };
    if events.is_empty() {
        return Err(StoredError::NoEvents);
    }
    let count = u32::try_from(events.len()).map_err(|error| too_large(error.to_string()))?;
    let header = HeaderV1 {
        cause: Form::freeze(cause),
        request: request.map(Form::freeze),
        reply: reply.map(|(done, body)| ReplyV1 { done: Form::freeze(&done), body: body.to_vec() }),
    };
    let mut out = vec![PAYLOAD_VERSION];
    put_piece(&mut out, &try_bytes_of(&header)?);
    out.extend_from_slice(&count.to_le_bytes());
    for event in events {
        let EncodedEvent { event_type, schema, bytes } = event.try_encode()?;
        out.extend_from_slice(&event_type.to_le_bytes());
        out.extend_from_slice(&schema.to_le_bytes());
        put_piece(&mut out, &bytes);
        if out.len() > PAYLOAD_BYTES_MAX {
            return Err(too_large(format!("more than {PAYLOAD_BYTES_MAX} bytes")));
        }
    }
    Ok(out)
}

/// What a record's payload says.
///
/// # Errors
/// [`StoredError`]: an unknown version, type or schema; bytes that end early or go on; values that cannot be.
pub fn decode_commit<E: StoredEvent>(payload: &[u8]) -> Result<Commit<E>, StoredError> {
    let mut reader = Reader::new(payload);
    let version = reader.u8()?;
    if version != PAYLOAD_VERSION {
        return Err(StoredError::UnknownPayload { version });
    }
    let header: HeaderV1 = value_of(reader.piece()?)?;
    let count = usize::try_from(reader.u32()?).map_err(|_| StoredError::Short)?;
    if count == 0 {
        return Err(StoredError::NoEvents);
    }
    let mut events = Vec::with_capacity(count.min(payload.len() / EVENT_BYTES_MIN));
    for _ in 0..count {
        let (event_type, schema) = (reader.u16()?, reader.u16()?);
        events.push(E::decode(event_type, schema, reader.piece()?)?);
    }
    reader.done()?;
    Ok(Commit { cause: header.cause.thaw()?, request: header.request.thaw()?, reply: header.reply.thaw()?, events })
}

//! The envelope of a record: who, which numbers, when, what, chained to the record before and checksummed.
//!
//! Written by hand, so that no library decides its layout. All integers are little-endian:
//!
//! ```text
//! version u8 = 1 · flags u8 = 0 · stream u64 · first_seq u64 · last_seq u64 · at_ms i64 · payload_len u32
//! payload · previous [32] · hash [32] = blake3(previous ‖ everything before previous) · crc32 of everything above
//! ```
//! The checksum finds accidents cheaply; the hash chain finds a changed, removed or reordered record.
//! Never here: what a payload means. An unknown version is refused with its number, never guessed at.

use crate::domain::ids::StreamId;

/// The version that [`seal`] writes.
pub const ENVELOPE_VERSION: u8 = 1;
/// The hash before the first record of a stream.
pub const GENESIS: [u8; 32] = [0; 32];

const HEADER_BYTES: usize = 38;
const TRAILER_BYTES: usize = 32 + 32 + 4;
/// What the envelope adds to a payload, in bytes.
pub const ENVELOPE_BYTES: usize = HEADER_BYTES + TRAILER_BYTES;

/// A sealed record and its hash, which the next record of the stream names as its previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The whole envelope.
    pub bytes: Vec<u8>,
    /// The link of the chain that the next record continues.
    pub hash: [u8; 32],
}

/// A record whose checksum and hash were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The stream that it was sealed for.
    pub stream: StreamId,
    /// The number of its first event.
    pub first_seq: u64,
    /// The number of its last event.
    pub last_seq: u64,
    /// When it was decided, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The hash of the record before it.
    pub previous: [u8; 32],
    /// Its own hash.
    pub hash: [u8; 32],
    /// What was sealed.
    pub payload: &'a [u8],
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum RecordError {
    /// Fewer bytes than an envelope without a payload has.
    #[error("{found} bytes are too few for a record")]
    Short { found: usize },
    /// Written by a newer version of this program; nothing else in it was looked at.
    #[error("envelope version {version} is unknown to this program")]
    UnknownVersion { version: u8 },
    /// A flag is set, and this version knows none.
    #[error("envelope flags {flags:#04x} are unknown to this program")]
    UnknownFlags { flags: u8 },
    /// Bytes of payload, in the header and in fact.
    #[error("the payload is said to have {said} bytes but has {found}")]
    Length { said: usize, found: usize },
    /// Damaged by chance: the CRC-32 over everything before it differs.
    #[error("the checksum is wrong")]
    Checksum,
    /// The checksum is right and the hash is not: changed by someone, or by a bug.
    #[error("the hash is wrong")]
    Hash,
    /// A record of another stream.
    #[error("it belongs to stream {found}, not {expected}")]
    Stream { expected: StreamId, found: StreamId },
    /// A hole or a repetition: event numbers of a stream are consecutive.
    #[error("it starts at {found} where {expected} is next")]
    Sequence { expected: u64, found: u64 },
    /// No event is in it.
    #[error("it ends at {last} before it starts at {first}")]
    Range { first: u64, last: u64 },
    /// The hash that it names as the previous record's is not that record's.
    #[error("it does not follow the record before it: the hash chain is broken")]
    Chain,
}

/// Seals `payload` as the record `first_seq..=last_seq` of `stream`, following the record with the hash `previous`.
///
/// One allocation of exactly the record's size.
///
/// # Panics
/// When the payload has 4 GiB or more; the journal refuses far smaller ones.
pub fn seal(
    stream: StreamId,
    first_seq: u64,
    last_seq: u64,
    at_ms: i64,
    previous: &[u8; 32],
    payload: &[u8],
) -> Sealed {
    let payload_len = u32::try_from(payload.len()).expect("a payload is far below 4 GiB");
    let mut bytes = Vec::with_capacity(ENVELOPE_BYTES + payload.len());
    bytes.push(ENVELOPE_VERSION);
    bytes.push(0);
    bytes.extend_from_slice(&stream.0.to_le_bytes());
    bytes.extend_from_slice(&first_seq.to_le_bytes());
    bytes.extend_from_slice(&last_seq.to_le_bytes());
    bytes.extend_from_slice(&at_ms.to_le_bytes());
    bytes.extend_from_slice(&payload_len.to_le_bytes());
    bytes.extend_from_slice(payload);
    let hash = chain_hash(previous, &bytes);
    bytes.extend_from_slice(previous);
    bytes.extend_from_slice(&hash);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Sealed { bytes, hash }
}

/// Opens a sealed record after checking its length, version, checksum and hash.
///
/// # Errors
/// Any [`RecordError`] except those about the neighbours, which [`Chain`] finds.
pub fn open(bytes: &[u8]) -> Result<Opened<'_>, RecordError> {
    let version = *bytes.first().ok_or(RecordError::Short { found: 0 })?;
    if version != ENVELOPE_VERSION {
        return Err(RecordError::UnknownVersion { version });
    }
    if bytes.len() < ENVELOPE_BYTES {
        return Err(RecordError::Short { found: bytes.len() });
    }
    let (checked, crc) = bytes.split_at(bytes.len() - 4);
    if crc32fast::hash(checked).to_le_bytes() != crc {
        return Err(RecordError::Checksum);
    }
    if bytes[1] != 0 {
        return Err(RecordError::UnknownFlags { flags: bytes[1] });
    }
    let (sealed, links) = checked.split_at(checked.len() - 64);
    let payload = &sealed[HEADER_BYTES..];
    let said = u32::from_le_bytes(field(sealed, 34)) as usize;
    if said != payload.len() {
        return Err(RecordError::Length { said, found: payload.len() });
    }
    let (previous, hash) = (field(links, 0), field(links, 32));
    if chain_hash(&previous, sealed) != hash {
        return Err(RecordError::Hash);
    }
    Ok(Opened {
        stream: StreamId(u64::from_le_bytes(field(sealed, 2))),
        first_seq: u64::from_le_bytes(field(sealed, 10)),
        last_seq: u64::from_le_bytes(field(sealed, 18)),
        at_ms: i64::from_le_bytes(field(sealed, 26)),
        previous,
        hash,
        payload,
    })
}

/// Takes the records of one stream in order and says which one does not belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    stream: StreamId,
    last_seq: u64,
    hash: [u8; 32],
}

impl Chain {
    /// Before the first record of `stream`.
    pub fn start(stream: StreamId) -> Self {
        Self { stream, last_seq: 0, hash: GENESIS }
    }

    /// After the record of `stream` that ends at `last_seq` and has the hash `hash`.
    pub fn after(stream: StreamId, last_seq: u64, hash: [u8; 32]) -> Self {
        Self { stream, last_seq, hash }
    }

    /// The number of the last event taken; 0 at the start.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The hash of the last record taken.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Opens the next record and takes it.
    ///
    /// # Errors
    /// What is wrong with the record itself or with its place; then the chain is as before.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<Opened<'a>, RecordError> {
        let record = open(bytes)?;
        if record.stream != self.stream {
            return Err(RecordError::Stream { expected: self.stream, found: record.stream });
        }
        let expected = self.last_seq + 1;
        if record.first_seq != expected {
            return Err(RecordError::Sequence { expected, found: record.first_seq });
        }
        if record.last_seq < record.first_seq {
            return Err(RecordError::Range { first: record.first_seq, last: record.last_seq });
        }
        if record.previous != self.hash {
            return Err(RecordError::Chain);
        }
        self.last_seq = record.last_seq;
        self.hash = record.hash;
        Ok(record)
    }
}

fn chain_hash(previous: &[u8; 32], sealed: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(previous).update(sealed).finalize().as_bytes()
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the length was checked")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: StreamId = StreamId(7);

    #[test]
    fn the_layout_is_what_the_module_says() {
        let sealed = seal(STREAM, 3, 4, -1, &[9; 32], b"ab");
        assert_eq!(&sealed.bytes[..2], [1, 0]);
        assert_eq!(&sealed.bytes[2..10], 7u64.to_le_bytes());
        assert_eq!(&sealed.bytes[10..18], 3u64.to_le_bytes());
        assert_eq!(&sealed.bytes[18..26], 4u64.to_le_bytes());
        assert_eq!(&sealed.bytes[26..34], (-1i64).to_le_bytes());
        assert_eq!(&sealed.bytes[34..38], 2u32.to_le_bytes());
        assert_eq!(&sealed.bytes[38..40], b"ab");
        assert_eq!(&sealed.bytes[40..72], [9; 32]);
        let mut hashed = vec![9; 32];
        hashed.extend_from_slice(&sealed.bytes[..40]);
        assert_eq!(&sealed.bytes[72..104], blake3::hash(&hashed).as_bytes());
        assert_eq!(sealed.bytes.len(), ENVELOPE_BYTES + 2);
    }

    #[test]
    fn an_unknown_version_is_refused_with_its_number() {
        let mut sealed = seal(STREAM, 1, 1, 0, &GENESIS, b"x");
        sealed.bytes[0] = 9;
        assert_eq!(open(&sealed.bytes), Err(RecordError::UnknownVersion { version: 9 }));
    }

    #[test]
    fn a_chain_takes_records_in_order_and_nothing_else() {
        let one = seal(STREAM, 1, 3, 0, &GENESIS, b"one");
        let two = seal(STREAM, 4, 4, 0, &one.hash, b"two");
        let forged = seal(STREAM, 4, 4, 0, &[1; 32], b"two");
        let mut chain = Chain::start(STREAM);
        assert_eq!(chain.take(&two.bytes), Err(RecordError::Sequence { expected: 1, found: 4 }));
        chain.take(&one.bytes).unwrap();
        assert_eq!(chain.take(&forged.bytes), Err(RecordError::Chain));
        assert_eq!(chain.take(&two.bytes).unwrap().payload, b"two");
        assert_eq!((chain.last_seq(), chain.hash()), (4, two.hash));
        let foreign = seal(StreamId(8), 5, 5, 0, &two.hash, b"");
        assert!(matches!(chain.take(&foreign.bytes), Err(RecordError::Stream { .. })));
        let backwards = seal(STREAM, 5, 4, 0, &two.hash, b"");
        assert!(matches!(chain.take(&backwards.bytes), Err(RecordError::Range { .. })));
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_what_is_opened(first in 1u64.., at_ms: i64, previous: [u8; 32], payload: Vec<u8>) {
            let sealed = seal(STREAM, first, first, at_ms, &previous, &payload);
            let opened = open(&sealed.bytes).unwrap();
            prop_assert_eq!((opened.first_seq, opened.at_ms, opened.previous), (first, at_ms, previous));
            prop_assert_eq!((opened.payload, opened.hash), (&payload[..], sealed.hash));
        }

        #[test]
        fn a_flipped_bit_or_a_lost_end_is_always_found(payload: Vec<u8>, at: prop::sample::Index, bit in 0u8..8) {
            let sealed = seal(STREAM, 1, 1, 0, &GENESIS, &payload);
            let mut flipped = sealed.bytes.clone();
            let at = at.index(flipped.len());
            flipped[at] ^= 1 << bit;
            prop_assert!(open(&flipped).is_err());
            prop_assert!(open(&sealed.bytes[..at]).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = open(&bytes);
        }
    }
}

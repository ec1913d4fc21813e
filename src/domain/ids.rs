//! Identifiers: ours are UUIDv7, those from outside are bounded text, and a stream is the journal's number of an organisation.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// The journal's number of one sequence of records: 0 is the directory, every organisation has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl StreamId {
    /// The stream of the directory: organisations, people, keys and sessions.
    pub const DIRECTORY: Self = Self(0);
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The longest outside id, in bytes of UTF-8.
pub const OUTSIDE_ID_BYTES_MAX: usize = 128;

/// An id that comes from outside (`org_id`, `venue_id`, `entity_id`, `source_id`, user ids): 1–128 bytes of UTF-8 without
/// control characters, compared exactly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutsideId(Arc<str>);

impl OutsideId {
    /// Checks and keeps `text`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a subject, such as "is empty".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Self::check(text).map(|()| Self(text.into()))
    }

    /// Checks `text` alone.
    ///
    /// # Errors
    /// As [`OutsideId::parse`].
    pub fn check(text: &str) -> Result<(), &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if text.len() > OUTSIDE_ID_BYTES_MAX {
            return Err("is longer than 128 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("contains a control character");
        }
        Ok(())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OutsideId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for OutsideId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::borrow::Borrow<str> for OutsideId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl serde::Serialize for OutsideId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An organisation's id, chosen outside.
pub type OrgId = OutsideId;
/// A venue's id, chosen outside.
pub type VenueId = OutsideId;
/// A person's id, chosen outside or made by us.
pub type UserId = OutsideId;
/// The id of what a block is about: an employee, a section, a venue.
pub type EntityId = OutsideId;

/// Makes the ids of one decision: UUIDv7 (RFC 9562, section 5.7) from a time and a seed that are both given, so that the same
/// arguments give the same ids. The first 4,096 ids of one source are in ascending order; no two of it are the same.
#[derive(Clone, Debug)]
pub struct IdSource {
    at_ms: i64,
    seed: u64,
    made: u32,
}

impl IdSource {
    /// A source for a decision at `at_ms` (milliseconds since the epoch); `seed` must be fresh randomness for each decision.
    pub fn new(at_ms: i64, seed: u64) -> Self {
        Self { at_ms, seed, made: 0 }
    }

    /// The next id. The 12 bits after the version count up within this source, the rest comes from the seed.
    pub fn next_id(&mut self) -> Uuid {
        let ms = u64::try_from(self.at_ms).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
        let random = split_mix(self.seed.wrapping_add(u64::from(self.made).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let high = (ms << 16) | 0x7000 | u64::from(self.made & 0x0FFF);
        let low = (random & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
        self.made = self.made.wrapping_add(1);
        Uuid::from_u64_pair(high, low)
    }

    /// A number from the seed that differs from those in the ids; for jitter.
    pub fn jitter(&self) -> u64 {
        split_mix(self.seed ^ 0xD1B5_4A32_D192_ED03)
    }
}

/// One step of the SplitMix64 generator (Steele, Lea, Flood, OOPSLA 2014).
fn split_mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_version_seven_and_repeatable() {
        let mut one = IdSource::new(1_700_000_000_000, 7);
        let mut two = IdSource::new(1_700_000_000_000, 7);
        let made: Vec<Uuid> = (0..10).map(|_| one.next_id()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        assert_eq!(made, (0..10).map(|_| two.next_id()).collect::<Vec<_>>());
        assert_ne!(made[0], IdSource::new(1_700_000_000_000, 8).next_id());
    }

    #[test]
    fn an_outside_id_is_bounded_text_without_control_characters() {
        assert_eq!(OutsideId::parse(""), Err("is empty"));
        assert!(OutsideId::parse(&"é".repeat(64)).is_ok());
        assert_eq!(OutsideId::parse(&"é".repeat(65)), Err("is longer than 128 bytes"));
        assert_eq!(OutsideId::parse("a\nb"), Err("contains a control character"));
    }
}

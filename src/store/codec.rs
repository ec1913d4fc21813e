//! The one bincode codec. Whoever needs bytes of a stored type comes here, so that no two places can differ in an option.
//!
//! Positional: a changed struct decodes into nonsense without an error, so only frozen, versioned types go through it, always
//! inside an envelope that names the version.

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes that one value may have, in both directions.
pub const VALUE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a value could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct CodecError {
    why: String,
}

impl From<bincode::Error> for CodecError {
    fn from(error: bincode::Error) -> Self {
        Self { why: error.to_string() }
    }
}

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_varint_encoding()
        .with_little_endian()
        .reject_trailing_bytes()
        .with_limit(VALUE_BYTES_MAX)
}

/// The bytes of `value`.
///
/// # Panics
/// When `value` is larger than [`VALUE_BYTES_MAX`] or of a type that bincode cannot write: both are bugs of the caller, who
/// bounds what it stores. [`try_encode`] returns the error instead.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    try_encode(value).expect("a stored type is bounded and encodable")
}

/// The bytes of `value`.
///
/// # Errors
/// When it is larger than [`VALUE_BYTES_MAX`] or of a type that bincode cannot write.
pub fn try_encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    Ok(options().serialize(value)?)
}

/// The value whose bytes these are, all of them.
///
/// # Errors
/// When they are short, have a rest, are larger than [`VALUE_BYTES_MAX`] or do not fit the type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    Ok(options().deserialize(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_as_short_as_they_can_be_and_little_endian() {
        assert_eq!(encode(&(1u16, 250u64)), [1, 250]);
        assert_eq!(encode(&(251u16, 65_536u64, -1i64)), [251, 251, 0, 252, 0, 0, 1, 0, 1]);
        assert_eq!(decode::<(u16, u64)>(&[1, 251, 0, 1]).unwrap(), (1, 256));
    }

    #[test]
    fn a_rest_or_a_lack_of_bytes_is_refused() {
        assert!(decode::<u16>(&[1, 0]).is_err());
        assert!(decode::<u16>(&[251, 1]).is_err());
    }

    #[test]
    fn a_huge_length_is_refused_without_reserving_memory() {
        assert!(decode::<Vec<u8>>(&[&[253][..], &[0xff; 8]].concat()).is_err());
        assert!(try_encode(&vec![0u8; 17 * 1024 * 1024]).is_err());
    }
}

//! The hand-written frames: little-endian integers and pieces of bytes behind their length.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoredError;
use crate::store::codec;

/// Reads a frame from its front. Nothing is copied or reserved before it is known to be there.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`StoredError::Short`], as every other read.
    pub fn u8(&mut self) -> Result<u8, StoredError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// The next two bytes as a number.
    ///
    /// # Errors
    /// [`StoredError::Short`].
    pub fn u16(&mut self) -> Result<u16, StoredError> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes as a number.
    ///
    /// # Errors
    /// [`StoredError::Short`].
    pub fn u32(&mut self) -> Result<u32, StoredError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes as a number.
    ///
    /// # Errors
    /// [`StoredError::Short`].
    pub fn u64(&mut self) -> Result<u64, StoredError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next piece: a length of four bytes, and that many bytes.
    ///
    /// # Errors
    /// [`StoredError::Short`].
    pub fn piece(&mut self) -> Result<&'a [u8], StoredError> {
        let length = usize::try_from(self.u32()?).map_err(|_| StoredError::Short)?;
        let (piece, rest) = self.rest.split_at_checked(length).ok_or(StoredError::Short)?;
        self.rest = rest;
        Ok(piece)
    }

    /// That everything was read.
    ///
    /// # Errors
    /// [`StoredError::Rest`].
    pub fn done(self) -> Result<(), StoredError> {
        if self.rest.is_empty() { Ok(()) } else { Err(StoredError::Rest { bytes: self.rest.len() }) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoredError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(StoredError::Short)?;
        self.rest = rest;
        Ok(*array)
    }
}

/// Writes a piece: its length in four bytes, and its bytes.
///
/// # Panics
/// When the piece has 4 GiB or more; the codec bounds it far below.
pub fn put_piece(out: &mut Vec<u8>, piece: &[u8]) {
    let length = u32::try_from(piece.len()).expect("a piece is far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(piece);
}

/// Writes a frozen value as a piece.
///
/// # Panics
/// When it is larger than the codec allows.
pub fn put_value<S: Serialize>(out: &mut Vec<u8>, value: &S) {
    put_piece(out, &codec::encode(value));
}

/// The bytes of a frozen value.
///
/// # Errors
/// [`StoredError::TooLarge`], which names the frozen type.
pub fn try_bytes_of<S: Serialize>(value: &S) -> Result<Vec<u8>, StoredError> {
    let what = std::any::type_name::<S>();
    codec::try_encode(value).map_err(|error| StoredError::TooLarge { what, why: error.to_string() })
}

/// The frozen value whose bytes these are, all of them.
///
/// # Errors
/// [`StoredError::Malformed`], which names the frozen type.
pub fn value_of<S: DeserializeOwned>(bytes: &[u8]) -> Result<S, StoredError> {
    codec::decode(bytes).map_err(|error| StoredError::malformed(std::any::type_name::<S>(), error))
}

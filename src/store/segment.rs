//! What is in an archive file: a header, the records compressed with zstd, and a BLAKE3 checksum of everything before it.
//! All integers are little-endian:
//!
//! ```text
//! "ACSG" · version u16 = 1 · flags u16 = 0 · stream u64 · first_seq u64 · last_seq u64 · records u32 · raw_bytes u64
//! zstd( first_seq u64 · last_seq u64 · len u32 · bytes, … ) · checksum [32]
//! ```

use crate::domain::ids::StreamId;
use crate::store::journal::Entry;

const MAGIC: &[u8; 4] = b"ACSG";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 4 + 2 + 2 + 8 + 8 + 8 + 4 + 8;
const CHECKSUM_BYTES: usize = 32;
const ENTRY_HEAD_BYTES: usize = 20;
/// Records of ours compress to about a quarter at this level, which costs little.
const ZSTD_LEVEL: i32 = 3;

/// A file of `entries`, which are the records of `range`.
pub(super) fn encode(stream: StreamId, range: (u64, u64), entries: &[Entry]) -> std::io::Result<Vec<u8>> {
    let raw_bytes = entries.iter().map(|entry| ENTRY_HEAD_BYTES + entry.bytes.len()).sum();
    let mut raw = Vec::with_capacity(raw_bytes);
    for entry in entries {
        raw.extend_from_slice(&entry.first_seq.to_le_bytes());
        raw.extend_from_slice(&entry.last_seq.to_le_bytes());
        raw.extend_from_slice(&(entry.bytes.len() as u32).to_le_bytes());
        raw.extend_from_slice(&entry.bytes);
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + raw_bytes / 2);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&stream.0.to_le_bytes());
    bytes.extend_from_slice(&range.0.to_le_bytes());
    bytes.extend_from_slice(&range.1.to_le_bytes());
    bytes.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(raw.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&zstd::bulk::compress(&raw, ZSTD_LEVEL)?);
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    Ok(bytes)
}

/// The records in a file of `stream` that is named after `range`.
///
/// # Errors
/// What is wrong with the file, for a person.
pub(super) fn decode(stream: StreamId, range: (u64, u64), bytes: &[u8]) -> Result<Vec<Entry>, String> {
    if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES || &bytes[..4] != MAGIC {
        return Err("it is no archive file".into());
    }
    let version = u16::from_le_bytes([bytes[4], bytes[5]]);
    if version != VERSION {
        return Err(format!("format version {version} is unknown to this program"));
    }
    let (checked, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
    if blake3::hash(checked).as_bytes() != checksum {
        return Err("the checksum is wrong".into());
    }
    let number = |at: usize| u64::from_le_bytes(checked[at..at + 8].try_into().expect("eight bytes"));
    if (number(8), number(16), number(24)) != (stream.0, range.0, range.1) {
        return Err("it is the file of another stream or range".into());
    }
    let raw_bytes = usize::try_from(number(36)).map_err(|error| error.to_string())?;
    let raw = zstd::bulk::decompress(&checked[HEADER_BYTES..], raw_bytes).map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    let mut rest = &raw[..];
    while !rest.is_empty() {
        let (head, after) = rest.split_at_checked(ENTRY_HEAD_BYTES).ok_or("a record is cut off")?;
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        let len = u32::from_le_bytes(head[16..].try_into().expect("four bytes")) as usize;
        let (record, after) = after.split_at_checked(len).ok_or("a record is cut off")?;
        entries.push(Entry { stream, first_seq: number(0), last_seq: number(8), bytes: record.to_vec() });
        rest = after;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal_contract::entry;

    #[test]
    fn every_flipped_byte_and_every_lost_end_of_a_file_is_found() {
        let entries = [entry(1, 1, 2), entry(1, 3, 4)];
        let bytes = encode(StreamId(1), (1, 4), &entries).unwrap();
        assert_eq!(decode(StreamId(1), (1, 4), &bytes).unwrap(), entries);
        assert!(decode(StreamId(2), (1, 4), &bytes).is_err() && decode(StreamId(1), (1, 3), &bytes).is_err());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(decode(StreamId(1), (1, 4), &flipped).is_err(), "byte {at}");
            assert!(decode(StreamId(1), (1, 4), &bytes[..at]).is_err(), "end {at}");
        }
    }
}

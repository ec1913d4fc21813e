//! How a group of records lies in a file of [`super::Ahead`]. All integers are little-endian:
//!
//! ```text
//! mark u64 · number u64 · moved u64 · count u32
//! count × (stream u64 · first_seq u64 · last_seq u64 · len u32 · crc32 of the record u32)
//! crc32 of everything above · the records, one after the other · zeros up to a multiple of 16
//! ```
//! The mark is a random number of the file, so that no record can contain what looks like a frame. Numbers go up by one from frame to
//! frame, over all files. `moved` says that the frames up to that number are in sled, flushed and synced. The head has a checksum of its
//! own, so that damage to a record tells whose record it is.

use crate::domain::ids::StreamId;
use crate::store::journal::{Entry, RECORD_BYTES_MAX};

/// Frames start at multiples of this.
pub(super) const ALIGN: usize = 16;
const FIXED_BYTES: usize = 28;
const ROW_BYTES: usize = 32;
const CRC_BYTES: usize = 4;

/// A frame whose head is as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) number: u64,
    /// The frames up to this number are in sled.
    pub(super) moved: u64,
    /// Each record and whether it is as it was written; one that the end of the file cut off is short.
    pub(super) records: Vec<(Entry, bool)>,
    /// How much room it takes.
    pub(super) bytes: usize,
}

impl Frame {
    /// Whether every record of it is as it was written.
    pub(super) fn is_whole(&self) -> bool {
        self.records.iter().all(|(_, whole)| *whole)
    }
}

/// The bytes that a frame of these records takes.
pub(super) fn frame_bytes(entries: &[Entry]) -> usize {
    let records = entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
    (FIXED_BYTES + entries.len() * ROW_BYTES + CRC_BYTES + records).next_multiple_of(ALIGN)
}

/// Replaces what is in `buffer` by a frame.
pub(super) fn encode(mark: u64, number: u64, moved: u64, entries: &[Entry], buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.reserve(frame_bytes(entries));
    for number in [mark, number, moved] {
        buffer.extend_from_slice(&number.to_le_bytes());
    }
    let count = u32::try_from(entries.len()).expect("a group has far fewer records");
    buffer.extend_from_slice(&count.to_le_bytes());
    for entry in entries {
        for number in [entry.stream.0, entry.first_seq, entry.last_seq] {
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        let len = u32::try_from(entry.bytes.len()).expect("the size of a record was checked");
        buffer.extend_from_slice(&len.to_le_bytes());
        buffer.extend_from_slice(&crc32fast::hash(&entry.bytes).to_le_bytes());
    }
    buffer.extend_from_slice(&crc32fast::hash(buffer).to_le_bytes());
    for entry in entries {
        buffer.extend_from_slice(&entry.bytes);
    }
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
}

/// The frame that starts at the beginning of `bytes`; `None` when its head is not that of a frame.
pub(super) fn decode(mark: u64, bytes: &[u8]) -> Option<Frame> {
    if number(bytes, 0)? != mark {
        return None;
    }
    let count = half(bytes, 24)? as usize;
    let head = FIXED_BYTES.checked_add(count.checked_mul(ROW_BYTES)?)?;
    if half(bytes, head)? != crc32fast::hash(&bytes[..head]) {
        return None;
    }
    let mut records = Vec::with_capacity(count);
    let mut at = head + CRC_BYTES;
    for row in bytes[FIXED_BYTES..head].chunks_exact(ROW_BYTES) {
        let (len, crc) = (half(row, 24)? as usize, half(row, 28)?);
        let end = at.saturating_add(len.min(RECORD_BYTES_MAX));
        let record = &bytes[at.min(bytes.len())..end.min(bytes.len())];
        at = end;
        let (stream, first_seq, last_seq) = (StreamId(number(row, 0)?), number(row, 8)?, number(row, 16)?);
        let whole = record.len() == len && crc32fast::hash(record) == crc;
        records.push((Entry { stream, first_seq, last_seq, bytes: record.to_vec() }, whole));
    }
    let (number, moved) = (number(bytes, 8)?, number(bytes, 16)?);
    Some(Frame { number, moved, records, bytes: at.next_multiple_of(ALIGN) })
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(sizes: &[usize]) -> (Vec<Entry>, Vec<u8>) {
        let of = |(at, size): (usize, &usize)| {
            let seq = at as u64 + 1;
            Entry { stream: StreamId(seq % 2), first_seq: seq, last_seq: seq + 1, bytes: vec![at as u8; *size] }
        };
        let entries: Vec<Entry> = sizes.iter().enumerate().map(of).collect();
        let mut bytes = Vec::new();
        encode(7, 41, 40, &entries, &mut bytes);
        assert_eq!(bytes.len(), frame_bytes(&entries));
        (entries, bytes)
    }

    #[test]
    fn a_frame_comes_back_and_another_files_mark_is_none() {
        for sizes in [&[][..], &[0], &[1, 600, 0, 5000]] {
            let (entries, bytes) = frame(sizes);
            let found = decode(7, &bytes).unwrap();
            assert_eq!((found.number, found.moved, found.bytes, found.is_whole()), (41, 40, bytes.len(), true));
            assert_eq!(found.records.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>(), entries);
            assert_eq!(decode(8, &bytes), None);
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_or_a_lost_end_is_always_found(at: prop::sample::Index, bit in 0u8..8) {
            let (_, bytes) = frame(&[30, 600]);
            let padding = bytes.len() - (FIXED_BYTES + 2 * ROW_BYTES + CRC_BYTES + 630);
            let at = at.index(bytes.len() - padding);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            prop_assert!(decode(7, &flipped).is_none_or(|found| !found.is_whole()));
            prop_assert!(decode(7, &bytes[..at]).is_none_or(|found| !found.is_whole()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decode(7, &bytes);
            let _ = decode(7, &[&7u64.to_le_bytes()[..], &bytes].concat());
        }
    }
}

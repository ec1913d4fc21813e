//! How a record lies in sled: in pieces of at most 4 KiB under the keys `stream ‖ first_seq ‖ part`, big-endian.
//!
//! sled writes pages above about 128 KiB to files of their own, which it never syncs, and splits a page by the number of its items
//! and not by their size; small values keep every page far below that.
//!
//! Part 0 begins with `last_seq u64 · total_len u32` (little-endian), so that a missing piece is noticed. Sequence 0 is no record
//! but the stream's floor: the number through which it has been cut.

use std::ops::Range;

use crate::domain::ids::StreamId;
use crate::store::journal::Entry;

/// The most bytes of one value.
pub(super) const VALUE_BYTES_MAX: usize = 4096;
const HEAD_BYTES: usize = 12;

pub(super) const KEY_BYTES: usize = 18;
pub(super) type Key = [u8; KEY_BYTES];

pub(super) fn key(stream: StreamId, first_seq: u64, part: u16) -> Key {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&stream.0.to_be_bytes());
    key[8..16].copy_from_slice(&first_seq.to_be_bytes());
    key[16..].copy_from_slice(&part.to_be_bytes());
    key
}

pub(super) fn floor_key(stream: StreamId) -> Key {
    key(stream, 0, 0)
}

/// The keys of the records of `stream` that start at `first_seq` or later. No record starts at `u64::MAX`.
pub(super) fn keys_from(stream: StreamId, first_seq: u64) -> Range<Key> {
    key(stream, first_seq, 0)..key(stream, u64::MAX, 0)
}

/// The stream, first sequence number and part that a key names; `None` for a key that is not ours.
pub(super) fn parse_key(key: &[u8]) -> Option<(StreamId, u64, u16)> {
    let key: &Key = key.try_into().ok()?;
    let number = |range: Range<usize>| u64::from_be_bytes(key[range].try_into().expect("eight bytes"));
    Some((StreamId(number(0..8)), number(8..16), u16::from_be_bytes([key[16], key[17]])))
}

/// Gives the pieces of `entry` to `put`, in order; `scratch` saves an allocation.
pub(super) fn split(entry: &Entry, scratch: &mut Vec<u8>, mut put: impl FnMut(Key, &[u8])) {
    let first = entry.bytes.len().min(VALUE_BYTES_MAX - HEAD_BYTES);
    let total_len = u32::try_from(entry.bytes.len()).expect("the size of a record was checked");
    scratch.clear();
    scratch.extend_from_slice(&entry.last_seq.to_le_bytes());
    scratch.extend_from_slice(&total_len.to_le_bytes());
    scratch.extend_from_slice(&entry.bytes[..first]);
    put(key(entry.stream, entry.first_seq, 0), scratch);
    for (piece, part) in entry.bytes[first..].chunks(VALUE_BYTES_MAX).zip(1u16..) {
        put(key(entry.stream, entry.first_seq, part), piece);
    }
}

/// The last sequence number that part 0 of a record names.
pub(super) fn last_seq_of_head(value: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(value.get(..8)?.try_into().expect("eight bytes")))
}

/// One record while its pieces come in.
pub(super) struct Assembly {
    stream: StreamId,
    first_seq: u64,
    last_seq: u64,
    total_len: usize,
    bytes: Vec<u8>,
    next_part: u16,
    flaw: Option<&'static str>,
}

impl Assembly {
    /// Begins with whatever piece comes first, which should be part 0.
    pub(super) fn begin(stream: StreamId, first_seq: u64, part: u16, value: &[u8]) -> Self {
        let mut this = Self {
            stream,
            first_seq,
            last_seq: first_seq,
            total_len: 0,
            bytes: Vec::new(),
            next_part: part.wrapping_add(1),
            flaw: None,
        };
        if part != 0 {
            this.flaw = Some("its first piece is missing");
            this.bytes.extend_from_slice(value);
        } else if value.len() < HEAD_BYTES {
            this.flaw = Some("its first piece is cut off");
        } else {
            let (head, rest) = value.split_at(HEAD_BYTES);
            this.last_seq = u64::from_le_bytes(head[..8].try_into().expect("eight bytes"));
            this.total_len = u32::from_le_bytes(head[8..].try_into().expect("four bytes")) as usize;
            // A damaged length must not reserve gigabytes.
            this.bytes.reserve(this.total_len.min(VALUE_BYTES_MAX * 16));
            this.bytes.extend_from_slice(rest);
        }
        this
    }

    pub(super) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// Takes the next piece of the same record.
    pub(super) fn add(&mut self, part: u16, value: &[u8]) {
        if part != self.next_part {
            self.flaw = self.flaw.or(Some("a piece of it is missing"));
        }
        self.next_part = part.wrapping_add(1);
        self.bytes.extend_from_slice(value);
    }

    /// The record, and what is wrong with it if anything.
    pub(super) fn finish(self) -> (Entry, Option<&'static str>) {
        let Self { stream, first_seq, last_seq, total_len, bytes, flaw, .. } = self;
        let flaw = flaw
            .or((bytes.len() != total_len).then_some("its length is wrong: a piece is missing or cut off"))
            .or((last_seq < first_seq).then_some("its range of sequence numbers is empty"));
        (Entry { stream, first_seq, last_seq, bytes }, flaw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(entry: &Entry) -> Vec<(Key, Vec<u8>)> {
        let mut pieces = Vec::new();
        split(entry, &mut Vec::new(), |key, value| pieces.push((key, value.to_vec())));
        pieces
    }

    fn join(pieces: &[(Key, Vec<u8>)]) -> (Entry, Option<&'static str>) {
        let mut pieces = pieces.iter().map(|(key, value)| (parse_key(key).unwrap(), value));
        let ((stream, first, part), value) = pieces.next().unwrap();
        let mut assembly = Assembly::begin(stream, first, part, value);
        pieces.for_each(|((_, _, part), value)| assembly.add(part, value));
        assembly.finish()
    }

    #[test]
    fn a_record_of_any_size_comes_back_whole_from_small_pieces() {
        for len in [0, 1, 4083, 4084, 4085, 8180, 8181, 40 * 1024] {
            let bytes = (0..len).map(|at| at as u8).collect();
            let entry = Entry { stream: StreamId(3), first_seq: 5, last_seq: 9, bytes };
            let pieces = pieces(&entry);
            assert!(pieces.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
            assert!(pieces.is_sorted());
            assert_eq!(join(&pieces), (entry, None));
        }
    }

    #[test]
    fn a_missing_piece_is_noticed_wherever_it_was() {
        let entry = Entry { stream: StreamId(3), first_seq: 5, last_seq: 9, bytes: vec![7; 20_000] };
        for missing in 0..pieces(&entry).len() {
            let mut pieces = pieces(&entry);
            pieces.remove(missing);
            assert!(join(&pieces).1.is_some(), "piece {missing}");
        }
    }
}

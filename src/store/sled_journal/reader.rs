//! Reading records out of sled: for recovery and history, never on the path of a request.

use std::ops::Range;

use crate::domain::ids::StreamId;
use crate::store::journal::{Entry, JournalError};
use crate::store::sled_journal::pieces::{Assembly, Key, floor_key, key, keys_from, last_seq_of_head, parse_key};

/// What sled said, as a journal error. Damage found by sled belongs to the stream that was read.
pub(super) fn sled_error(stream: StreamId, seq: u64, error: &sled::Error) -> JournalError {
    match error {
        sled::Error::Corruption { .. } => JournalError::Corrupt { stream, seq, why: format!("sled: {error}") },
        _ => JournalError::Io { why: format!("sled: {error}") },
    }
}

/// The records of `stream` with `last_seq >= from`; see [`crate::store::journal::Journal::read`].
pub(super) fn read(db: &sled::Tree, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
    let start = first_seq_of_record_with(db, stream, from.max(1))?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut damaged = None;
    each_record(db, stream, keys_from(stream, start), |entry, flaw| {
        // The iterator is no snapshot: a cut beside it can take records from under it.
        if entries.last().is_some_and(|last: &Entry| entry.first_seq != last.last_seq + 1) {
            return false;
        }
        if let Some(why) = flaw {
            damaged = Some(JournalError::Corrupt { stream, seq: entry.first_seq, why: why.into() });
            return false;
        }
        if entry.last_seq >= from {
            bytes += entry.bytes.len();
            entries.push(entry);
        }
        entries.is_empty() || bytes < max_bytes
    })?;
    match damaged {
        Some(error) if entries.is_empty() => Err(error),
        _ => Ok(entries),
    }
}

/// Whatever lies at `first_seq` and behind it; see [`crate::store::journal::Journal::salvage`].
pub(super) fn salvage(
    db: &sled::Tree,
    stream: StreamId,
    first_seq: u64,
    max_bytes: usize,
) -> Result<Vec<Entry>, JournalError> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    each_record(db, stream, keys_from(stream, first_seq.max(1)), |entry, _| {
        bytes += entry.bytes.len();
        entries.push(entry);
        bytes < max_bytes
    })?;
    Ok(entries)
}

/// All streams that hold records or a floor: one look-up each, not a scan.
pub(super) fn streams(db: &sled::Tree) -> Result<Vec<StreamId>, JournalError> {
    let mut streams = Vec::new();
    let mut next = Some(StreamId(0));
    while let Some(stream) = next {
        let found = db.range(floor_key(stream)..).next().transpose();
        let found = found.map_err(|error| sled_error(stream, 0, &error))?;
        next = None;
        if let Some((stream, _, _)) = found.as_ref().and_then(|(found, _)| parse_key(found)) {
            streams.push(stream);
            next = stream.0.checked_add(1).map(StreamId);
        }
    }
    Ok(streams)
}

/// The number through which `stream` has been cut.
pub(super) fn floor(db: &sled::Tree, stream: StreamId) -> Result<u64, JournalError> {
    let Some(value) = db.get(floor_key(stream)).map_err(|error| sled_error(stream, 0, &error))? else { return Ok(0) };
    let why = "the number through which it was cut is cut off";
    last_seq_of_head(&value).ok_or_else(|| JournalError::Corrupt { stream, seq: 0, why: why.into() })
}

/// The number of the last event of `stream`, whether its record is still here or cut; 0 for an unknown stream.
pub(super) fn last_seq(db: &sled::Tree, stream: StreamId) -> Result<u64, JournalError> {
    let fail = |seq| move |error: sled::Error| sled_error(stream, seq, &error);
    let Some((last, _)) =
        db.range(floor_key(stream)..key(stream, u64::MAX, 0)).next_back().transpose().map_err(fail(0))?
    else {
        return Ok(0);
    };
    let Some((_, first_seq, _)) = parse_key(&last) else {
        return Err(JournalError::Corrupt { stream, seq: 0, why: "a key has a wrong length".into() });
    };
    let head = db.get(key(stream, first_seq, 0)).map_err(fail(first_seq))?;
    head.and_then(|head| last_seq_of_head(&head)).ok_or_else(|| JournalError::Corrupt {
        stream,
        seq: first_seq,
        why: "its first piece is missing".into(),
    })
}

/// The record that starts at exactly `first_seq`, if it is there and whole.
pub(super) fn record_at(db: &sled::Tree, stream: StreamId, first_seq: u64) -> Result<Option<Entry>, JournalError> {
    let mut found = None;
    let keys = key(stream, first_seq, 0)..key(stream, first_seq + 1, 0);
    each_record(db, stream, keys, |entry, flaw| {
        found = flaw.is_none().then_some(entry);
        false
    })?;
    Ok(found)
}

/// Where to start so that the record that covers `seq` is met, though it may have begun before.
fn first_seq_of_record_with(db: &sled::Tree, stream: StreamId, seq: u64) -> Result<u64, JournalError> {
    let before = key(stream, 1, 0)..key(stream, seq.saturating_add(1), 0);
    let found = db.range(before).next_back().transpose().map_err(|error| sled_error(stream, seq, &error))?;
    let Some((_, first_seq, _)) = found.as_ref().and_then(|(found, _)| parse_key(found)) else { return Ok(seq) };
    Ok(first_seq)
}

/// Gives every record of `keys` to `take`, with its flaw if it has one, until `take` answers false.
pub(super) fn each_record(
    db: &sled::Tree,
    stream: StreamId,
    keys: Range<Key>,
    mut take: impl FnMut(Entry, Option<&'static str>) -> bool,
) -> Result<(), JournalError> {
    let mut open: Option<Assembly> = None;
    for item in db.range(keys) {
        let (key, value) = item.map_err(|error| {
            let seq = open.as_ref().map_or(0, Assembly::first_seq);
            sled_error(stream, seq, &error)
        })?;
        let Some((_, first_seq, part)) = parse_key(&key) else {
            return Err(JournalError::Corrupt { stream, seq: 0, why: "a key has a wrong length".into() });
        };
        if let Some(assembly) = open.as_mut().filter(|assembly| assembly.first_seq() == first_seq) {
            assembly.add(part, &value);
            continue;
        }
        if let Some(done) = open.replace(Assembly::begin(stream, first_seq, part, &value)) {
            let (entry, flaw) = done.finish();
            if !take(entry, flaw) {
                return Ok(());
            }
        }
    }
    if let Some(done) = open {
        let (entry, flaw) = done.finish();
        take(entry, flaw);
    }
    Ok(())
}

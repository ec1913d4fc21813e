//! Reading the write-ahead files at the start, and judging what is found in them.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use super::frame::{self, ALIGN, Frame};
use super::{FILE_VERSION, HEAD_BYTES, open_file};
use crate::store::journal::Entry;
use crate::store::sled_journal::generation::GenerationError;

/// What may not be in sled yet.
pub(in crate::store::sled_journal) struct Left {
    /// The records in the order in which they were acknowledged, each with whether it is as it was written.
    pub(in crate::store::sled_journal) records: Vec<(Entry, bool)>,
    /// The frames up to this number are in sled.
    pub(super) moved: u64,
}

/// What is in one file.
pub(super) struct Scan {
    path: PathBuf,
    pub(super) file: File,
    pub(super) mark: u64,
    pub(super) bytes: u64,
    /// Where the newest whole frame ends.
    pub(super) end: u64,
    /// The number of the newest frame, whole or not.
    pub(super) last: u64,
    frames: Vec<Frame>,
}

/// Reads one file: every frame in it whose head is as it was written, wherever it lies.
pub(super) fn scan(path: PathBuf) -> Result<Scan, GenerationError> {
    let mut file = open_file(&path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let head_bytes = usize::try_from(HEAD_BYTES).expect("a small number");
    let known = bytes.len() >= head_bytes
        && bytes.starts_with(FILE_VERSION)
        && bytes[16..20] == crc32fast::hash(&bytes[..16]).to_le_bytes();
    if !known {
        return Err(damaged(path, "it does not begin as a write-ahead file of this version".into()));
    }
    let mark = u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes"));
    let (mut at, mut frames, mut end, mut newest_whole, mut last) = (head_bytes, Vec::new(), head_bytes, 0, 0);
    while at < bytes.len() {
        let Some(frame) = frame::decode(mark, &bytes[at..]) else {
            at += ALIGN;
            continue;
        };
        at += frame.bytes;
        last = last.max(frame.number);
        if frame.is_whole() && frame.number > newest_whole {
            (newest_whole, end) = (frame.number, at);
        }
        frames.push(frame);
    }
    let (bytes, end) = (bytes.len() as u64, end as u64);
    Ok(Scan { path, file, mark, bytes, end, last, frames })
}

/// What all files together say.
pub(super) struct Judged {
    pub(super) left: Left,
    /// The number of the newest frame, whole or not.
    pub(super) last: u64,
    /// The file with the newest whole frame.
    pub(super) newest: usize,
}

/// Finds what may not be in sled yet. A torn last frame is left out: its group was never acknowledged.
pub(super) fn judge(scans: &[Scan]) -> Result<Judged, GenerationError> {
    let mut frames: Vec<(usize, &Frame)> = Vec::new();
    for (index, scan) in scans.iter().enumerate() {
        frames.extend(scan.frames.iter().map(|frame| (index, frame)));
    }
    frames.sort_by_key(|(_, frame)| frame.number);
    let moved = frames.iter().map(|(_, frame)| frame.moved).max().unwrap_or(0);
    let last = frames.last().map_or(0, |(_, frame)| frame.number.max(moved));
    let newest = frames.iter().rev().find(|(_, frame)| frame.is_whole()).map_or(0, |(index, _)| *index);
    let (mut records, mut before) = (Vec::new(), moved);
    for (index, frame) in frames.into_iter().filter(|(_, frame)| frame.number > moved) {
        let path = &scans[index].path;
        if frame.number != before + 1 {
            let why = format!("frame {} is there and frame {} before it is not", frame.number, before + 1);
            return Err(damaged(path.clone(), why));
        }
        before = frame.number;
        if frame.number == last && !frame.is_whole() {
            tracing::warn!(file = %path.display(), number = last, "leaving out a torn frame: a write that was never acknowledged");
            break;
        }
        records.extend(frame.records.iter().cloned());
    }
    Ok(Judged { left: Left { records, moved }, last, newest })
}

fn damaged(path: PathBuf, why: String) -> GenerationError {
    GenerationError::DamagedAhead { path, why }
}

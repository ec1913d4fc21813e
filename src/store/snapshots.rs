//! Snapshots: the state of a stream at some record, so that recovery need not begin at the beginning. A cache: it may be deleted.
//!
//! `<stream>/<seq>.snap`, integers little-endian:
//!
//! ```text
//! "ACSN" · version u16 = 1 · flags u16 = 0 · stream u64 · seq u64 · chain [32] · state_hash [32] · at_ms i64 · raw_bytes u64
//! zstd(body) · checksum [32] of everything above
//! ```
//! Two generations are kept, because the newer one may turn out to be damaged.
//! Never here: knowing what the body means, or whether the state in it is right.

use std::io;
use std::sync::Arc;

use crate::domain::ids::StreamId;
use crate::store::files::{Files, is_damage};

/// How many snapshots of a stream are kept.
pub const GENERATIONS: usize = 2;
const MAGIC: &[u8; 4] = b"ACSN";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 4 + 2 + 2 + 8 + 8 + 32 + 32 + 8 + 8;
const CHECKSUM_BYTES: usize = 32;
/// The fastest level: a snapshot is written far more often than it is read, beside live traffic.
const ZSTD_LEVEL: i32 = 1;

/// The state of a stream after the record that ends at `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The number of the last event in it.
    pub seq: u64,
    /// The hash of the record that ends at `seq`, which the next one continues.
    pub chain: [u8; 32],
    /// What the state says its hash is.
    pub state_hash: [u8; 32],
    /// When it was asked for, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The state, as its owner wrote it.
    pub body: Vec<u8>,
}

/// Why a snapshot could not be written or read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum SnapshotError {
    /// The operating system refused a step; a snapshot that was to be written may be there or not.
    #[error("snapshots of stream {stream}: {error}")]
    Io { stream: StreamId, error: io::Error },
    /// The disk has no room for it beside what the journal keeps.
    #[error("snapshots of stream {stream}: no room: {error}")]
    Full { stream: StreamId, error: io::Error },
    /// It is missing, or not as it was written: recovery takes an older one, or none.
    #[error("snapshot {seq} of stream {stream}: {why}")]
    Damaged { stream: StreamId, seq: u64, why: String },
}

/// The snapshots of all streams.
#[derive(Clone)]
pub struct Snapshots {
    files: Arc<dyn Files>,
}

impl Snapshots {
    /// The snapshots in `files`.
    pub fn new(files: Arc<dyn Files>) -> Self {
        Self { files }
    }

    /// Writes a snapshot, durable and read back when this returns, and forgets those older than the newest two. Blocks.
    ///
    /// # Errors
    /// [`SnapshotError::Full`], [`SnapshotError::Io`]; then the older ones are still there.
    pub fn write(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let stream = snapshot.stream;
        let failed = |error| SnapshotError::Io { stream, error };
        let bytes = encode(snapshot).map_err(failed)?;
        let put = self.files.put(&stream.to_string(), &file_name(snapshot.seq), &bytes);
        put.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => SnapshotError::Full { stream, error },
            _ => failed(error),
        })?;
        for old in self.generations(stream)?.into_iter().skip(GENERATIONS) {
            self.files.remove(&stream.to_string(), &file_name(old)).map_err(failed)?;
        }
        Ok(())
    }

    /// The sequence numbers of the snapshots of `stream`, newest first, whether they are readable or not. Blocks.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn generations(&self, stream: StreamId) -> Result<Vec<u64>, SnapshotError> {
        let names = self.files.list(&stream.to_string()).map_err(|error| SnapshotError::Io { stream, error })?;
        let mut found: Vec<u64> = names.iter().filter_map(|name| parse_file_name(name)).collect();
        found.sort_unstable_by(|left, right| right.cmp(left));
        Ok(found)
    }

    /// The snapshot of `stream` at `seq`, checked. Blocks.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`], also when it is missing; [`SnapshotError::Io`] when it could not be looked at, which says
    /// nothing about it.
    pub fn load(&self, stream: StreamId, seq: u64) -> Result<Snapshot, SnapshotError> {
        let damaged = |why: String| SnapshotError::Damaged { stream, seq, why };
        let bytes = self.files.get(&stream.to_string(), &file_name(seq)).map_err(|error| match is_damage(&error) {
            true => damaged(error.to_string()),
            false => SnapshotError::Io { stream, error },
        })?;
        let snapshot = decode(&bytes).map_err(damaged)?;
        if (snapshot.stream, snapshot.seq) != (stream, seq) {
            return Err(damaged("it is the snapshot of another stream or record".into()));
        }
        Ok(snapshot)
    }

    /// The newest snapshot of `stream` that is whole; a damaged one is passed over with a warning. Blocks.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] when the names cannot be listed or a file not be looked at.
    pub fn newest_valid(&self, stream: StreamId) -> Result<Option<Snapshot>, SnapshotError> {
        for seq in self.generations(stream)? {
            match self.load(stream, seq) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(error @ SnapshotError::Damaged { .. }) => tracing::warn!(%error, "passing over a snapshot"),
                Err(error @ (SnapshotError::Io { .. } | SnapshotError::Full { .. })) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Removes the snapshot at `seq`; used for one whose state is wrong. Blocks.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn remove(&self, stream: StreamId, seq: u64) -> Result<(), SnapshotError> {
        self.files.remove(&stream.to_string(), &file_name(seq)).map_err(|error| SnapshotError::Io { stream, error })
    }
}

pub(crate) fn file_name(seq: u64) -> String {
    format!("{seq:020}.snap")
}

fn parse_file_name(name: &str) -> Option<u64> {
    let seq = name.strip_suffix(".snap")?.parse().ok()?;
    (file_name(seq) == name).then_some(seq)
}

fn encode(snapshot: &Snapshot) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + snapshot.body.len() / 3 + CHECKSUM_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&snapshot.stream.0.to_le_bytes());
    bytes.extend_from_slice(&snapshot.seq.to_le_bytes());
    bytes.extend_from_slice(&snapshot.chain);
    bytes.extend_from_slice(&snapshot.state_hash);
    bytes.extend_from_slice(&snapshot.at_ms.to_le_bytes());
    bytes.extend_from_slice(&(snapshot.body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&zstd::bulk::compress(&snapshot.body, ZSTD_LEVEL)?);
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<Snapshot, String> {
    if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES || &bytes[..4] != MAGIC {
        return Err("it is no snapshot".into());
    }
    let version = u16::from_le_bytes([bytes[4], bytes[5]]);
    if version != VERSION {
        return Err(format!("format version {version} is unknown to this program"));
    }
    let (checked, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
    if blake3::hash(checked).as_bytes() != checksum {
        return Err("the checksum is wrong".into());
    }
    let raw_bytes = usize::try_from(u64::from_le_bytes(field(checked, 96))).map_err(|error| error.to_string())?;
    Ok(Snapshot {
        stream: StreamId(u64::from_le_bytes(field(checked, 8))),
        seq: u64::from_le_bytes(field(checked, 16)),
        chain: field(checked, 24),
        state_hash: field(checked, 56),
        at_ms: i64::from_le_bytes(field(checked, 88)),
        body: zstd::bulk::decompress(&checked[HEADER_BYTES..], raw_bytes).map_err(|error| error.to_string())?,
    })
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the length was checked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::MemoryFiles;

    fn snapshot(seq: u64) -> Snapshot {
        let body = vec![seq as u8; 300];
        Snapshot { stream: StreamId(5), seq, chain: [1; 32], state_hash: [2; 32], at_ms: -7, body }
    }

    #[test]
    fn the_two_newest_are_kept() {
        let snapshots = Snapshots::new(Arc::new(MemoryFiles::default()));
        for seq in [3, 8, 20] {
            snapshots.write(&snapshot(seq)).unwrap();
        }
        assert_eq!(snapshots.generations(StreamId(5)).unwrap(), [20, 8]);
        assert_eq!(snapshots.newest_valid(StreamId(5)).unwrap(), Some(snapshot(20)));
        assert_eq!(snapshots.newest_valid(StreamId(6)).unwrap(), None);
    }

    #[test]
    fn a_damaged_one_is_passed_over() {
        let files = Arc::new(MemoryFiles::default());
        let snapshots = Snapshots::new(files.clone());
        snapshots.write(&snapshot(3)).unwrap();
        snapshots.write(&snapshot(8)).unwrap();
        assert!(files.damage(&StreamId(5).to_string(), &file_name(8)));
        assert_eq!(snapshots.newest_valid(StreamId(5)).unwrap(), Some(snapshot(3)));
    }

    #[test]
    fn one_that_cannot_be_looked_at_is_neither_damaged_nor_passed_over() {
        let files = Arc::new(MemoryFiles::default());
        let snapshots = Snapshots::new(files.clone());
        snapshots.write(&snapshot(3)).unwrap();
        snapshots.write(&snapshot(8)).unwrap();
        for error in [rustix::io::Errno::MFILE, rustix::io::Errno::ACCESS, rustix::io::Errno::IO] {
            files.fail_reads(Some(error.raw_os_error()));
            assert!(matches!(snapshots.load(StreamId(5), 8), Err(SnapshotError::Io { .. })), "{error}");
            assert!(matches!(snapshots.newest_valid(StreamId(5)), Err(SnapshotError::Io { .. })), "{error}");
        }
        files.fail_reads(None);
        assert!(matches!(snapshots.load(StreamId(5), 9), Err(SnapshotError::Damaged { .. })));
        assert_eq!(snapshots.newest_valid(StreamId(5)).unwrap(), Some(snapshot(8)));
    }

    #[test]
    fn every_flipped_byte_and_every_lost_end_is_found() {
        let bytes = encode(&snapshot(3)).unwrap();
        assert_eq!(decode(&bytes).unwrap(), snapshot(3));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(decode(&flipped).is_err() && decode(&bytes[..at]).is_err(), "byte {at}");
        }
    }
}

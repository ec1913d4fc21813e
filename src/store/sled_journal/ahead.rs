//! The write-ahead files in front of sled: a group is acknowledged when it lies in one of them and that file is synced. What has
//! gathered moves into sled in large steps (`mover`), and only then its room is used again.
//!
//! There are two files of a fixed size, `<journal>/ahead/0` and `1`, each with a head (what it is, and its mark) and frames behind it.
//! One is written to while the other one is emptied. Room is filled with zeros before it is first used, so that a sync has no
//! change of size to write down.
//!
//! Invariant: a frame is overwritten only once a durable frame says that it is in sled. A frame is written only after the one before it
//! was synced; so damage before a frame that is there is damage, and only the last one can be torn.

mod frame;
mod read;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::store::disk::{Disk, create_dir_durably};
use crate::store::journal::Entry;
use crate::store::sled_journal::generation::GenerationError;
pub(super) use read::Left;

const DIR: &str = "ahead";
const NAMES: [&str; 2] = ["0", "1"];
/// How much room is filled at once: little enough to delay nobody, and enough that it happens seldom.
const FILL_BYTES: u64 = 256 << 10;
const FILE_VERSION: &[u8; 8] = b"ac-wal-1";
/// Version, mark, checksum, and room to the first frame.
const HEAD_BYTES: u64 = 64;

/// One of the files.
struct Segment {
    file: File,
    mark: u64,
    /// Where the next frame goes.
    at: u64,
    /// How far it is filled.
    filled: u64,
    /// The number of the newest frame in it.
    last: u64,
}

/// The writer's end of the files.
pub(super) struct Ahead {
    segments: [Segment; 2],
    current: usize,
    capacity: u64,
    last: u64,
    /// A durable frame says that the frames up to this number are in sled.
    marked: u64,
    buffer: Vec<u8>,
}

impl Ahead {
    /// Opens the files below `root`, making those that are missing, and gives what may not be in sled yet.
    pub(super) fn open(root: &Path, capacity: u64, disk: &dyn Disk) -> Result<(Self, Left), GenerationError> {
        let dir = root.join(DIR);
        create_dir_durably(disk, &dir)?;
        let mut scans = Vec::new();
        for name in NAMES {
            let path = dir.join(name);
            if !path.exists() {
                create(&path, disk)?;
            }
            scans.push(read::scan(path)?);
        }
        let read::Judged { left, last, newest } = read::judge(&scans)?;
        let mut segments = scans.into_iter().map(|scan| Segment {
            file: scan.file,
            mark: scan.mark,
            at: scan.end,
            filled: scan.bytes,
            last: scan.last,
        });
        let segments = [segments.next(), segments.next()].map(|segment| segment.expect("there are two names"));
        let marked = left.moved;
        Ok((Self { segments, current: newest, capacity, last, marked, buffer: Vec::new() }, left))
    }

    /// Whether a frame of `entries` fits behind the others.
    pub(super) fn has_room_for(&self, entries: &[Entry]) -> bool {
        let segment = &self.segments[self.current];
        // A frame that is larger than a file still has to go somewhere.
        segment.at == HEAD_BYTES || segment.at + frame::frame_bytes(entries) as u64 <= self.capacity
    }

    /// The number that the mover has to reach before [`Ahead::switch`].
    pub(super) fn wanted(&self) -> u64 {
        self.segments[1 - self.current].last
    }

    /// Goes on in the other file, all of which is in sled.
    pub(super) fn switch(&mut self, moved: u64, disk: &dyn Disk) -> io::Result<()> {
        assert!(moved >= self.wanted(), "a file is used again only when it was moved");
        if self.marked < self.wanted() {
            self.append(&[], moved, disk)?;
        }
        self.current = 1 - self.current;
        let segment = &mut self.segments[self.current];
        if segment.filled > self.capacity.max(HEAD_BYTES) {
            segment.filled = self.capacity.max(HEAD_BYTES);
            segment.file.set_len(segment.filled)?;
        }
        segment.at = HEAD_BYTES;
        Ok(())
    }

    /// Writes one frame and syncs it; gives its number. After an error nothing may be written any more.
    pub(super) fn append(&mut self, entries: &[Entry], moved: u64, disk: &dyn Disk) -> io::Result<u64> {
        let segment = &mut self.segments[self.current];
        let number = self.last + 1;
        frame::encode(segment.mark, number, moved, entries, &mut self.buffer);
        let end = segment.at + self.buffer.len() as u64;
        if end > segment.filled {
            let filled = end.next_multiple_of(FILL_BYTES);
            let zeros = vec![0; usize::try_from(filled - end).expect("less than what is filled at once")];
            segment.file.write_all_at(&zeros, end)?;
            segment.filled = filled;
        }
        segment.file.write_all_at(&self.buffer, segment.at)?;
        disk.sync_data(&segment.file)?;
        segment.at = end;
        segment.last = number;
        self.last = number;
        self.marked = moved;
        Ok(number)
    }

    /// Notes durably that all frames are in sled.
    pub(super) fn mark_all(&mut self, disk: &dyn Disk) -> io::Result<()> {
        if self.marked < self.last {
            self.append(&[], self.last, disk)?;
        }
        Ok(())
    }

    /// The number of the newest frame.
    pub(super) fn last(&self) -> u64 {
        self.last
    }
}

/// Makes an empty file with a mark of its own, whole or not at all.
fn create(path: &Path, disk: &dyn Disk) -> io::Result<()> {
    let temp = path.with_extension("tmp");
    let mark = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let mut head = FILE_VERSION.to_vec();
    head.extend_from_slice(&mark.to_le_bytes());
    head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
    head.resize(usize::try_from(HEAD_BYTES).expect("a small number"), 0);
    let file = File::create(&temp)?;
    file.write_all_at(&head, 0)?;
    disk.sync_data(&file)?;
    disk.rename(&temp, path)?;
    disk.sync_dir(path.parent().unwrap_or(path))
}

fn open_file(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

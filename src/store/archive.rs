//! The archive: records that were cut from the journal, in immutable files, for ever; and the history, which is both read as one.
//!
//! `<stream>/<first>-<last>.seg`; what is in a file is described in `segment`.
//! Never here: deciding what may be cut.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::StreamId;
use crate::store::files::{Files, is_damage};
use crate::store::journal::{Entry, Journal, JournalError, end_before_hole};
use crate::store::segment::{decode, encode};

/// The most bytes of records in one file, before compression; a single record may be larger.
pub const SEGMENT_BYTES_MAX: usize = 4 << 20;

/// Why the archive did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is explained, and its message names the fields")]
pub enum ArchiveError {
    /// A folder could not be listed, a file not be looked at, which says nothing about it, or not be written; then whether it is
    /// there is unknown.
    #[error("archive of stream {stream}: {why}")]
    Io { stream: StreamId, why: String },
    /// The disk has no room for a file beside what the journal keeps.
    #[error("archive of stream {stream}: no room: {why}")]
    Full { stream: StreamId, why: String },
    /// A file is missing or does not hold the records that its name promises.
    #[error("archive of stream {stream}, file {name}: {why}")]
    Damaged { stream: StreamId, name: String, why: String },
    /// The records do not continue what is archived, or are another stream's; nothing was written.
    #[error("archive of stream {stream}: a record starts at {found} where {expected} is next")]
    Gap { stream: StreamId, expected: u64, found: u64 },
}

impl ArchiveError {
    /// What it means for who reads the history from `seq` on: only damage is damage.
    fn at(self, seq: u64) -> JournalError {
        let why = self.to_string();
        match self {
            Self::Damaged { stream, .. } => JournalError::Corrupt { stream, seq, why },
            Self::Io { .. } | Self::Full { .. } | Self::Gap { .. } => JournalError::Io { why },
        }
    }
}

/// The archive files of all streams.
pub struct Archive {
    files: Arc<dyn Files>,
    /// The ranges of each stream that was asked for, in order.
    known: Mutex<HashMap<StreamId, Vec<(u64, u64)>>>,
    /// The file that was read last: who pages through a file should not unpack it for every page.
    last_read: Mutex<Option<LastRead>>,
}

/// An unpacked file.
struct LastRead {
    stream: StreamId,
    first_seq: u64,
    entries: Arc<Vec<Entry>>,
}

impl Archive {
    /// The archive in `files`.
    pub fn new(files: Arc<dyn Files>) -> Self {
        Self { files, known: Mutex::default(), last_read: Mutex::default() }
    }

    /// The last archived number of `stream`, 0 for none. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn last_seq(&self, stream: StreamId) -> Result<u64, ArchiveError> {
        Ok(self.ranges(stream)?.last().map_or(0, |(_, last)| *last))
    }

    /// All streams that have files. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn streams(&self) -> Result<Vec<StreamId>, ArchiveError> {
        let folders = self.files.folders().map_err(|error| io_error(StreamId::DIRECTORY, &error))?;
        Ok(folders.iter().filter_map(|name| parse_stream(name)).collect())
    }

    /// Adds `entries`, which continue what is archived, as one file; those that are archived already are passed over. Blocks; the
    /// file is durable and was read back when this returns.
    ///
    /// # Errors
    /// [`ArchiveError::Gap`] when they do not continue it; then nothing was written. [`ArchiveError::Full`], [`ArchiveError::Io`].
    pub fn add(&self, stream: StreamId, entries: &[Entry]) -> Result<(), ArchiveError> {
        let last = self.last_seq(stream)?;
        let new = &entries[entries.partition_point(|entry| entry.last_seq <= last)..];
        let mut expected = last + 1;
        for entry in new {
            // An archive that was begun late, after older files were moved away, starts where its first file starts.
            if entry.first_seq != expected && last > 0 || entry.stream != stream {
                return Err(ArchiveError::Gap { stream, expected, found: entry.first_seq });
            }
            expected = entry.last_seq + 1;
        }
        let (Some(first), Some(end)) = (new.first(), new.last()) else { return Ok(()) };
        let range = (first.first_seq, end.last_seq);
        let bytes = encode(stream, range, new).map_err(|error| io_error(stream, &error))?;
        let put = self.files.put(&stream.to_string(), &file_name(range), &bytes);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match put {
            Ok(()) => known.entry(stream).or_default().push(range),
            // The file may be there or not: look again before the next one.
            Err(_) => drop(known.remove(&stream)),
        }
        put.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => ArchiveError::Full { stream, why: error.to_string() },
            _ => io_error(stream, &error),
        })
    }

    /// The archived records of `stream` with `last_seq >= from`, in order, up to about `max_bytes` and not beyond one file, at
    /// least one if there is any; none when `from` is not archived. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`], [`ArchiveError::Io`].
    pub fn read(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, ArchiveError> {
        let ranges = self.ranges(stream)?;
        let Some(&range) = ranges.get(ranges.partition_point(|(_, last)| *last < from)) else { return Ok(Vec::new()) };
        let entries = self.file(stream, range)?;
        let start = entries.partition_point(|entry| entry.last_seq < from);
        let mut bytes = 0;
        let within = entries[start..].iter().take_while(|entry| {
            let taken = bytes == 0 || bytes < max_bytes;
            bytes += entry.bytes.len().max(1);
            taken
        });
        Ok(within.cloned().collect())
    }

    fn ranges(&self, stream: StreamId) -> Result<Vec<(u64, u64)>, ArchiveError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ranges) = known.get(&stream) {
            return Ok(ranges.clone());
        }
        let names = self.files.list(&stream.to_string()).map_err(|error| io_error(stream, &error))?;
        let mut ranges: Vec<_> = names.iter().filter_map(|name| parse_file_name(name)).collect();
        ranges.sort_unstable();
        known.insert(stream, ranges.clone());
        Ok(ranges)
    }

    fn file(&self, stream: StreamId, range: (u64, u64)) -> Result<Arc<Vec<Entry>>, ArchiveError> {
        let mut last_read = self.last_read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = last_read.as_ref().filter(|read| (read.stream, read.first_seq) == (stream, range.0)) {
            return Ok(read.entries.clone());
        }
        let name = file_name(range);
        let damaged = |why: String| ArchiveError::Damaged { stream, name: name.clone(), why };
        let bytes = self.files.get(&stream.to_string(), &name).map_err(|error| match is_damage(&error) {
            true => damaged(error.to_string()),
            false => io_error(stream, &error),
        })?;
        let entries = Arc::new(decode(stream, range, &bytes).map_err(damaged)?);
        *last_read = Some(LastRead { stream, first_seq: range.0, entries: entries.clone() });
        Ok(entries)
    }
}

/// Everything that a stream ever recorded: archive and journal as one.
#[derive(Clone)]
pub struct History {
    /// Where the newest records are, and the only place that is appended to.
    pub journal: Arc<dyn Journal>,
    /// Where those are that were cut.
    pub archive: Arc<Archive>,
}

impl History {
    /// The records of `stream` with `last_seq >= from`, in order, up to about `max_bytes`, at least one if there is any. Blocks.
    ///
    /// The first one starts at `from` or holds it, and each continues the one before: a hole is never passed over.
    ///
    /// # Errors
    /// `Corrupt` for a record that is damaged wherever it is stored, or missing though later ones are there; `Io`.
    pub fn read(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let mut entries = self.find(stream, from.max(1), max_bytes)?;
        end_before_hole(&mut entries);
        Ok(entries)
    }

    fn find(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
        let reaches = |entries: &Vec<Entry>| entries.first().is_some_and(|entry| entry.first_seq <= from);
        let archived = || self.archive.read(stream, from, max_bytes).map_err(|error| error.at(from));
        let look = archived();
        if look.as_ref().is_ok_and(reaches) {
            return look;
        }
        // A record may be in both places for a while, and then one good copy is enough.
        let live = self.journal.read(stream, from, max_bytes);
        if live.as_ref().is_ok_and(reaches) {
            return live;
        }
        // What was archived and cut between the two looks was seen in neither; now it is in the archive.
        let look = archived();
        if look.as_ref().is_ok_and(reaches) {
            return look;
        }
        match (look, live) {
            // Where one place could not be looked at, the other's damage proves nothing.
            (Err(error @ JournalError::Io { .. }), _) | (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
            (Ok(archived), Ok(live)) => {
                let later = archived.first().into_iter().chain(live.first());
                let Some(next) = later.map(|entry| entry.first_seq).min() else { return Ok(Vec::new()) };
                let why = format!("it is missing: the next record that is stored starts at {next}");
                Err(JournalError::Corrupt { stream, seq: from, why })
            }
        }
    }

    /// All streams that ever had a record, in order. Blocks.
    ///
    /// # Errors
    /// `Io`.
    pub fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
        let mut streams = self.journal.streams()?;
        streams.extend(self.archive.streams().map_err(|error| JournalError::Io { why: error.to_string() })?);
        streams.sort_unstable();
        streams.dedup();
        Ok(streams)
    }
}

fn io_error(stream: StreamId, error: &io::Error) -> ArchiveError {
    ArchiveError::Io { stream, why: error.to_string() }
}

fn file_name((first, last): (u64, u64)) -> String {
    format!("{first:020}-{last:020}.seg")
}

fn parse_file_name(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(".seg")?.split_once('-')?;
    let range = (first.parse().ok()?, last.parse().ok()?);
    (file_name(range) == name).then_some(range)
}

/// The stream whose folder this is.
pub(crate) fn parse_stream(folder: &str) -> Option<StreamId> {
    let stream = StreamId(u64::from_str_radix(folder, 16).ok()?);
    (stream.to_string() == folder).then_some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::files::MemoryFiles;
    use crate::store::journal::Done;
    use crate::store::journal_contract::{append_now, entry};
    use crate::store::memory_journal::MemoryJournal;

    fn history() -> (History, Arc<MemoryFiles>) {
        let files = Arc::new(MemoryFiles::default());
        let journal = MemoryJournal::new();
        append_now(&journal, (1..=10).map(|at| entry(1, at * 2 - 1, at * 2)).collect()).unwrap();
        (History { journal: Arc::new(journal), archive: Arc::new(Archive::new(files.clone())) }, files)
    }

    fn all(history: &History, max_bytes: usize) -> Vec<u64> {
        let (mut from, mut firsts) = (1, Vec::new());
        loop {
            let entries = history.read(StreamId(1), from, max_bytes).unwrap();
            let Some(last) = entries.last() else { return firsts };
            from = last.last_seq + 1;
            firsts.extend(entries.iter().map(|entry| entry.first_seq));
        }
    }

    #[test]
    fn archive_and_journal_read_as_one_before_between_and_after_archiving_and_cutting() {
        let (history, files) = history();
        let expected: Vec<u64> = (0..10).map(|at| at * 2 + 1).collect();
        for (from, to, cut) in [(1, 6, 0), (1, 6, 6), (1, 14, 8), (7, 14, 14), (15, 20, 20)] {
            let entries = (from..=to).step_by(2).map(|seq| entry(1, seq, seq + 1)).collect::<Vec<_>>();
            history.archive.add(StreamId(1), &entries).unwrap();
            history.journal.cut(StreamId(1), cut).unwrap();
            for max_bytes in [0, 20, usize::MAX] {
                assert_eq!(all(&history, max_bytes), expected);
            }
            let reopened = History { archive: Arc::new(Archive::new(files.clone())), ..history.clone() };
            assert_eq!(all(&reopened, 9), expected);
            assert_eq!(reopened.read(StreamId(1), 4, 1).unwrap(), [entry(1, 3, 4)]);
        }
        assert_eq!(history.streams().unwrap(), [StreamId(1)]);
    }

    /// A journal in which `before_read` happens just before each read.
    struct Beside<F> {
        journal: Arc<MemoryJournal>,
        before_read: F,
    }

    impl<F: Fn(&MemoryJournal) + Send + Sync + 'static> Journal for Beside<F> {
        fn append(&self, batch: Vec<Entry>, done: Done) {
            self.journal.append(batch, done);
        }
        fn read(&self, stream: StreamId, from: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
            (self.before_read)(&self.journal);
            self.journal.read(stream, from, max_bytes)
        }
        fn streams(&self) -> Result<Vec<StreamId>, JournalError> {
            self.journal.streams()
        }
        fn cut(&self, stream: StreamId, through: u64) -> Result<(), JournalError> {
            self.journal.cut(stream, through)
        }
        fn cut_through(&self, stream: StreamId) -> Result<u64, JournalError> {
            self.journal.cut_through(stream)
        }
        fn salvage(&self, stream: StreamId, first_seq: u64, max_bytes: usize) -> Result<Vec<Entry>, JournalError> {
            self.journal.salvage(stream, first_seq, max_bytes)
        }
        fn cut_torn_tail(&self, stream: StreamId, torn: &[Entry]) -> Result<(), JournalError> {
            self.journal.cut_torn_tail(stream, torn)
        }
        fn poisoned(&self) -> Option<String> {
            self.journal.poisoned()
        }
    }

    #[test]
    fn what_is_archived_and_cut_while_it_is_read_is_found() {
        for through in [6, 20] {
            let (journal, archive) = (Arc::new(MemoryJournal::new()), Archive::new(Arc::new(MemoryFiles::default())));
            let (all, archive) = ((1..=20).map(|seq| entry(1, seq, seq)).collect::<Vec<_>>(), Arc::new(archive));
            append_now(&*journal, all.clone()).unwrap();
            let (old, kept) = (all[..through as usize].to_vec(), archive.clone());
            let before_read = move |journal: &MemoryJournal| {
                kept.add(StreamId(1), &old).unwrap();
                journal.cut(StreamId(1), through).unwrap();
            };
            let history = History { journal: Arc::new(Beside { journal, before_read }), archive };
            assert_eq!(history.read(StreamId(1), 3, usize::MAX).unwrap(), all[2..through as usize]);
        }
    }

    #[test]
    fn a_hole_is_never_passed_over() {
        let journal = Arc::new(MemoryJournal::new());
        append_now(&*journal, (1..=9).map(|seq| entry(1, seq, seq)).collect()).unwrap();
        let archive = Arc::new(Archive::new(Arc::new(MemoryFiles::default())));
        let history = History { journal: journal.clone(), archive };
        assert!(journal.lose(StreamId(1), 4));
        let before: Vec<Entry> = (1..4).map(|seq| entry(1, seq, seq)).collect();
        assert_eq!(history.read(StreamId(1), 1, usize::MAX).unwrap(), before);
        assert!(matches!(history.read(StreamId(1), 4, usize::MAX), Err(JournalError::Corrupt { seq: 4, .. })));
        assert_eq!(history.read(StreamId(1), 5, 1).unwrap(), [entry(1, 5, 5)]);
        assert_eq!(history.read(StreamId(1), 10, 1).unwrap(), []);
        // The archive may have been begun late, after older files were moved away.
        history.archive.add(StreamId(1), &(5..8).map(|seq| entry(1, seq, seq)).collect::<Vec<_>>()).unwrap();
        journal.cut(StreamId(1), 9).unwrap();
        assert!(matches!(history.read(StreamId(1), 1, usize::MAX), Err(JournalError::Corrupt { seq: 1, .. })));
    }

    #[test]
    fn a_gap_is_not_archived() {
        let (history, _) = history();
        history.archive.add(StreamId(1), &[entry(1, 1, 2)]).unwrap();
        assert!(matches!(history.archive.add(StreamId(1), &[entry(1, 5, 6)]), Err(ArchiveError::Gap { .. })));
        assert!(matches!(history.archive.add(StreamId(1), &[entry(2, 3, 4)]), Err(ArchiveError::Gap { .. })));
    }

    #[test]
    fn a_damaged_file_is_an_error_unless_the_journal_still_has_the_records() {
        let (history, files) = history();
        let entries = [entry(1, 1, 2), entry(1, 3, 4)];
        history.archive.add(StreamId(1), &entries).unwrap();
        assert!(files.damage(&StreamId(1).to_string(), &file_name((1, 4))));
        assert_eq!(history.read(StreamId(1), 1, 1).unwrap(), entries[..1]);
        history.journal.cut(StreamId(1), 4).unwrap();
        assert!(matches!(history.read(StreamId(1), 1, 1), Err(JournalError::Corrupt { seq: 1, .. })));
        files.fail_reads(Some(rustix::io::Errno::MFILE.raw_os_error()));
        assert!(
            matches!(history.read(StreamId(1), 1, 1), Err(JournalError::Io { .. })),
            "not looked at is not damaged"
        );
        files.fail_reads(None);
        assert_eq!(history.read(StreamId(1), 5, 1).unwrap(), [entry(1, 5, 6)]);
    }
}

//! What the write-ahead files in front of sled must answer: kills between every two steps, torn and damaged frames, a full file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;

use super::tests::{config, image, open, open_on};
use super::*;
use crate::store::disk::RealDisk;
use crate::store::disk::testing::FaultyDisk;
use crate::store::journal_contract::{append_now, entry};

const ONE: StreamId = StreamId(1);

fn all(journal: &SledJournal, stream: StreamId) -> Vec<Entry> {
    journal.read(stream, 1, usize::MAX).unwrap()
}

fn entries(numbers: impl Iterator<Item = u64>) -> Vec<Entry> {
    numbers.map(|seq| entry(1, seq, seq)).collect()
}

/// Small files that are emptied as soon as the writer waits.
fn tiny() -> SledJournalConfig {
    SledJournalConfig { ahead_bytes: 2048, ..config() }
}

/// Where each frame starts, and its number: file by file, in the order of the numbers.
fn frames(dir: &Path) -> Vec<(u64, PathBuf, usize)> {
    let mut found = Vec::new();
    for name in ["0", "1"] {
        let path = dir.join("journal/ahead").join(name);
        let bytes = std::fs::read(&path).unwrap();
        for at in (64..bytes.len()).step_by(16).filter(|at| bytes[*at..].starts_with(&bytes[8..16])) {
            found.push((u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()), path.clone(), at));
        }
    }
    found.sort();
    found
}

fn flip((_, path, at): &(u64, PathBuf, usize), offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at + offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// Inside the head of a frame, and inside the first record of one with a single record.
const IN_HEAD: usize = 9;
const IN_RECORD: usize = 28 + 32 + 4 + 1;

#[test]
fn what_is_only_in_a_write_ahead_file_survives_a_kill_and_is_in_sled_after_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, entries(1..=3)).unwrap();
    assert!(journal.db.is_empty(), "nothing has moved");
    let killed = image(dir.path());
    let found = open(killed.path());
    assert_eq!(all(&found, ONE), entries(1..=3));
    assert_eq!(found.db.len(), 3);
    append_now(&found, entries(4..=4)).unwrap();
    assert_eq!(all(&open(image(killed.path()).path()), ONE), entries(1..=4));
}

#[test]
fn a_kill_after_sled_has_it_and_before_the_room_is_used_again_doubles_nothing_and_brings_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, entries(1..=6)).unwrap();
    journal.settle().unwrap();
    journal.cut(ONE, 4).unwrap();
    append_now(&journal, vec![entry(2, 1, 1)]).unwrap();
    let killed = image(dir.path());
    let found = open(killed.path());
    assert_eq!((all(&found, ONE), found.cut_through(ONE).unwrap()), (entries(5..=6), 4));
    assert_eq!(all(&found, StreamId(2)), [entry(2, 1, 1)]);
    append_now(&found, entries(7..=7)).unwrap();
    assert_eq!(all(&found, ONE), entries(5..=7));
}

#[test]
fn a_kill_at_any_time_finds_all_that_was_acknowledged_however_often_the_files_were_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_on(dir.path(), Arc::new(RealDisk), &tiny()).unwrap();
    for seq in 1..=120 {
        append_now(&journal, entries(seq..=seq)).unwrap();
        if seq % 7 == 0 {
            let killed = image(dir.path());
            // Once as it is, and once as if the kill had torn the last write.
            assert_eq!(all(&open_on(killed.path(), Arc::new(RealDisk), &tiny()).unwrap(), ONE), entries(1..=seq));
            let torn = image(dir.path());
            flip(frames(torn.path()).last().unwrap(), if seq % 2 == 0 { IN_HEAD } else { IN_RECORD });
            let found = open_on(torn.path(), Arc::new(RealDisk), &tiny()).unwrap();
            assert_eq!(all(&found, ONE), entries(1..=seq - 1));
            append_now(&found, entries(seq..=seq)).unwrap();
            let again = image(torn.path());
            assert_eq!(all(&open_on(again.path(), Arc::new(RealDisk), &tiny()).unwrap(), ONE), entries(1..=seq));
        }
    }
    let largest = ["0", "1"].map(|name| std::fs::metadata(dir.path().join("journal/ahead").join(name)).unwrap().len());
    assert!(largest.iter().all(|bytes| *bytes <= 512 << 10), "{largest:?}");
}

#[test]
fn a_torn_last_frame_is_left_out_with_all_of_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, entries(1..=1)).unwrap();
    append_now(&journal, vec![entry(1, 2, 2), entry(2, 1, 1)]).unwrap();
    let killed = image(dir.path());
    let (_, path, at) = frames(killed.path()).pop().unwrap();
    // What lies behind it in the file was never written: it ends in the middle of the second record.
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..at + 28 + 64 + 4 + entry(1, 2, 2).bytes.len() + 2]).unwrap();
    let found = open(killed.path());
    assert_eq!((all(&found, ONE), all(&found, StreamId(2))), (entries(1..=1), vec![]));
    append_now(&found, entries(2..=2)).unwrap();
    assert_eq!(all(&open(image(killed.path()).path()), ONE), entries(1..=2));
}

#[test]
fn a_damaged_record_before_others_keeps_its_place_and_harms_no_other_stream() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, entries(1..=1)).unwrap();
    append_now(&journal, entries(2..=2)).unwrap();
    append_now(&journal, vec![entry(1, 3, 3), entry(2, 1, 1)]).unwrap();
    let killed = image(dir.path());
    flip(&frames(killed.path())[1], IN_RECORD);
    let found = open(killed.path());
    let numbers: Vec<u64> = all(&found, ONE).iter().map(|entry| entry.first_seq).collect();
    assert_eq!(numbers, [1, 2, 3], "for recovery to judge");
    assert_ne!(all(&found, ONE)[1], entry(1, 2, 2));
    assert_eq!(all(&found, StreamId(2)), [entry(2, 1, 1)]);
    // When sled had it already, sled's is the good one.
    journal.settle().unwrap();
    let killed = image(dir.path());
    flip(&frames(killed.path())[1], IN_RECORD);
    assert_eq!(all(&open(killed.path()), ONE), entries(1..=3));
}

#[test]
fn a_frame_that_is_gone_before_another_one_stops_the_start_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    (1..=3).for_each(|seq| append_now(&journal, entries(seq..=seq)).unwrap());
    let killed = image(dir.path());
    let middle = frames(killed.path()).swap_remove(1);
    flip(&middle, IN_HEAD);
    for _ in 0..2 {
        let refused = open_on(killed.path(), Arc::new(RealDisk), &config()).err().unwrap();
        assert!(matches!(refused, GenerationError::DamagedAhead { .. }), "{refused}");
    }
    flip(&middle, IN_HEAD);
    assert_eq!(all(&open(killed.path()), ONE), entries(1..=3));
    let head = (0, killed.path().join("journal/ahead/1"), 0);
    flip(&head, IN_HEAD);
    let refused = open_on(killed.path(), Arc::new(RealDisk), &config()).err().unwrap();
    assert!(matches!(refused, GenerationError::DamagedAhead { .. }), "{refused}");
}

#[test]
fn after_sled_failed_nothing_is_accepted_and_what_was_acknowledged_is_shown_and_found_again() {
    for (panics, call) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new();
        let journal = open_on(dir.path(), disk.clone(), &config()).unwrap();
        append_now(&journal, entries(1..=2)).unwrap();
        disk.panics.store(panics, SeqCst);
        disk.fail_from.store(disk.count() + call, SeqCst);
        assert!(matches!(journal.settle(), Err(JournalError::Poisoned { .. })));
        let calls = disk.count();
        assert!(matches!(append_now(&journal, entries(3..=3)), Err(JournalError::Poisoned { .. })));
        assert!(matches!(journal.cut(ONE, 1), Err(JournalError::Poisoned { .. })));
        assert_eq!(all(&journal, ONE), entries(1..=2));
        journal.close();
        assert_eq!(disk.count(), calls, "nothing is tried again");
        drop(journal);
        assert_eq!(all(&open(dir.path()), ONE), entries(1..=2));
    }
}

#[test]
fn a_cut_torn_tail_does_not_come_back_out_of_the_write_ahead_files() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, entries(1..=5)).unwrap();
    let torn = journal.salvage(ONE, 3, usize::MAX).unwrap();
    assert_eq!(torn, entries(3..=5));
    journal.cut_torn_tail(ONE, &torn).unwrap();
    assert_eq!(all(&open(image(dir.path()).path()), ONE), entries(1..=2));
    append_now(&journal, vec![entry(1, 3, 9)]).unwrap();
    assert_eq!(all(&open(image(dir.path()).path()), ONE), [entry(1, 1, 1), entry(1, 2, 2), entry(1, 3, 9)]);
}

#[test]
fn a_record_that_is_larger_than_a_file_has_its_place_and_the_file_shrinks_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_on(dir.path(), Arc::new(RealDisk), &tiny()).unwrap();
    let large = |seq| Entry { bytes: vec![seq as u8; 1 << 20], ..entry(1, seq, seq) };
    append_now(&journal, vec![large(1)]).unwrap();
    append_now(&journal, vec![large(2), large(3)]).unwrap();
    assert_eq!(all(&open(image(dir.path()).path()), ONE), [large(1), large(2), large(3)]);
    (4..=30).for_each(|seq| append_now(&journal, entries(seq..=seq)).unwrap());
    let bytes = ["0", "1"].map(|name| std::fs::metadata(dir.path().join("journal/ahead").join(name)).unwrap().len());
    assert!(bytes.iter().sum::<u64>() < 1 << 20, "{bytes:?}");
}

/// A disk on which sled's flush waits until it is let go.
struct Gate(Mutex<mpsc::Receiver<()>>);

impl Disk for Gate {
    fn flush(&self, db: &sled::Db) -> io::Result<()> {
        let _ = self.0.lock().unwrap().recv(); // ends when the other side is dropped
        RealDisk.flush(db)
    }
}

#[test]
fn when_both_files_are_full_the_writer_waits_for_sled_and_callers_are_told_that_it_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let (open_gate, gate) = mpsc::sync_channel(8);
    let config = SledJournalConfig { ahead_bytes: 4096, queued_batches_max: 1, ..config() };
    let journal = open_on(dir.path(), Arc::new(Gate(Mutex::new(gate))), &config).unwrap();
    let large = |seq| vec![Entry { bytes: vec![1; 1000], ..entry(1, seq, seq) }];
    // Three fit into each file.
    (1..=6).for_each(|seq| append_now(&journal, large(seq)).unwrap());
    let (told, answers) = mpsc::sync_channel(8);
    let tell = |seq| {
        let told = told.clone();
        Box::new(move |result| told.send((seq, result)).unwrap())
    };
    journal.append(large(7), tell(7));
    while !journal.jobs.is_empty() {
        std::thread::yield_now();
    }
    journal.append(large(8), tell(8));
    assert_eq!(append_now(&journal, large(9)), Err(JournalError::Busy { queued_max: 1 }));
    drop(open_gate);
    assert_eq!([answers.recv().unwrap(), answers.recv().unwrap()], [(7, Ok(())), (8, Ok(()))]);
    assert_eq!(all(&journal, ONE).len(), 8);
}

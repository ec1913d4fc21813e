//! The contract, and each fact about sled that the journal must answer.

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;

use super::*;
use crate::store::disk::RealDisk;
use crate::store::disk::testing::FaultyDisk;
use crate::store::journal_contract::{self as contract, append_now, entry};
use crate::store::sled_journal::pieces::key;

/// Nothing moves into sled by itself, so that a test says when.
pub(super) fn config() -> SledJournalConfig {
    SledJournalConfig { reserve_bytes: 0, move_every: Duration::from_secs(3600), ..SledJournalConfig::default() }
}

pub(super) fn open_on(
    dir: &Path,
    disk: Arc<dyn Disk>,
    config: &SledJournalConfig,
) -> Result<SledJournal, GenerationError> {
    let dir = Arc::new(DataDir::claim(dir, &RealDisk).unwrap());
    SledJournal::open(dir, config, disk)
}

pub(super) fn open(dir: &Path) -> SledJournal {
    open_on(dir, Arc::new(RealDisk), &config()).unwrap()
}

/// What a kill leaves: the files as they are now, without a lock.
pub(super) fn image(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("cp").arg("-a").arg(dir.join(".")).arg(copy.path()).status();
    assert!(status.unwrap().success());
    copy
}

fn generation(dir: &Path, number: u64) -> std::path::PathBuf {
    dir.join("journal").join(generation::name(number))
}

#[test]
fn the_sled_journal_keeps_the_contract() {
    let mut dirs = Vec::new();
    contract::check(&mut || {
        dirs.push(tempfile::tempdir().unwrap());
        Box::new(open(dirs.last().unwrap().path()))
    });
}

#[test]
fn the_contract_is_kept_while_everything_moves_at_once_through_tiny_files() {
    let config = SledJournalConfig { move_every: Duration::ZERO, ahead_bytes: 2048, ..config() };
    let mut dirs = Vec::new();
    contract::check(&mut || {
        dirs.push(tempfile::tempdir().unwrap());
        Box::new(open_on(dirs.last().unwrap().path(), Arc::new(RealDisk), &config).unwrap())
    });
}

#[test]
fn nothing_is_acknowledged_before_the_write_ahead_file_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let journal = open_on(dir.path(), disk.clone(), &config()).unwrap();
    disk.calls.lock().unwrap().clear();
    let (told, answer) = mpsc::sync_channel(1);
    let noting = disk.clone();
    let done = move |result: Result<(), JournalError>| {
        noting.note("done".into());
        told.send(result).unwrap();
    };
    journal.append(vec![entry(1, 1, 1)], Box::new(done));
    answer.recv().unwrap().unwrap();
    assert_eq!(*disk.calls.lock().unwrap(), ["sync_data", "done"]);
}

#[test]
fn the_directories_are_synced_before_the_first_append() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let _journal = open_on(dir.path(), disk.clone(), &config()).unwrap();
    let calls = disk.calls.lock().unwrap().clone();
    let position =
        |call: &str| calls.iter().rposition(|made| made == call).unwrap_or_else(|| panic!("{call}: {calls:?}"));
    assert!(position("sync_dir gen-0000000001") < position("rename CURRENT"));
    assert!(position("rename CURRENT") < position("sync_dir journal"));
}

#[test]
fn what_a_kill_during_sleds_open_left_does_not_stop_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    append_now(&open(dir.path()), vec![entry(1, 1, 1)]).unwrap();
    let leftover = generation(dir.path(), 1).join("snap.FFFFFFFFFFFFFF00.generating");
    std::fs::write(&leftover, b"half a snap").unwrap();
    let journal = open(dir.path());
    assert_eq!(journal.read(StreamId(1), 1, 9).unwrap(), [entry(1, 1, 1)]);
    assert!(!leftover.exists());
}

#[test]
fn a_large_record_is_stored_in_small_values_and_makes_no_blob_file() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let large = |seq| Entry { bytes: vec![seq as u8; 40 * 1024], ..entry(1, seq, seq) };
    for seq in 1..=100 {
        append_now(&journal, vec![large(seq)]).unwrap();
    }
    journal.settle().unwrap();
    assert!(journal.db.iter().values().all(|value| value.unwrap().len() <= 4096));
    assert_eq!(journal.read(StreamId(1), 100, 1).unwrap(), [large(100)]);
    drop(journal);
    let blobs = generation(dir.path(), 1).join("blobs");
    assert_eq!(std::fs::read_dir(blobs).map_or(0, Iterator::count), 0);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for seq in 1..=50 {
        append_now(&journal, vec![entry(1, seq, seq), Entry { bytes: vec![1; 9000], ..entry(2, seq, seq) }]).unwrap();
    }
    journal.cut(StreamId(1), 10).unwrap();
    let killed = image(dir.path());
    let found = open(killed.path());
    for stream in [1, 2] {
        let (left, right) =
            (found.read(StreamId(stream), 1, usize::MAX), journal.read(StreamId(stream), 1, usize::MAX));
        assert_eq!(left, right);
    }
    assert_eq!(found.read(StreamId(1), 1, 1).unwrap()[0].first_seq, 11);
}

#[test]
fn after_a_failed_or_panicking_sync_nothing_is_acknowledged_shown_or_tried_again() {
    for panics in [false, true] {
        for in_sled in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let disk = FaultyDisk::new();
            let journal = open_on(dir.path(), disk.clone(), &config()).unwrap();
            append_now(&journal, vec![entry(1, 1, 1)]).unwrap();
            if in_sled {
                journal.settle().unwrap();
            }
            disk.panics.store(panics, SeqCst);
            disk.fail_from.store(disk.count(), SeqCst);
            let poisoned = |result| matches!(result, Err(JournalError::Poisoned { .. }));
            assert!(poisoned(append_now(&journal, vec![entry(1, 2, 2)])));
            let calls = disk.count();
            disk.fail_from.store(u64::MAX, SeqCst);
            assert!(poisoned(append_now(&journal, vec![entry(1, 2, 2)])));
            assert!(poisoned(append_now(&journal, vec![entry(2, 1, 1)])));
            assert!(poisoned(journal.cut(StreamId(1), 1)));
            assert_eq!(disk.count(), calls, "nothing is tried again");
            assert!(journal.poisoned().is_some());
            assert_eq!(journal.read(StreamId(1), 1, usize::MAX).unwrap(), [entry(1, 1, 1)]);
            assert_eq!(journal.read(StreamId(2), 1, usize::MAX).unwrap(), []);
        }
    }
}

#[test]
fn a_nearly_full_disk_refuses_ordinary_batches_and_takes_urgent_ones() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    disk.free.store(1 << 20, SeqCst);
    let config = SledJournalConfig { reserve_bytes: 2 << 20, ..config() };
    let journal = open_on(dir.path(), disk, &config).unwrap();
    let refuses = Some(JournalError::Full { free_bytes: 1 << 20, reserve_bytes: 2 << 20 });
    assert_eq!(journal.refuses_ordinary(), refuses, "known before the first batch");
    assert_eq!(append_now(&journal, vec![entry(1, 1, 1)]).err(), refuses);
    let (told, answer) = mpsc::sync_channel(1);
    journal.append_urgent(vec![entry(1, 1, 1)], Box::new(move |result| told.send(result).unwrap()));
    assert_eq!(answer.recv().unwrap(), Ok(()));
    assert!(journal.poisoned().is_none());
}

#[test]
fn a_full_queue_is_answered_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal =
        open_on(dir.path(), Arc::new(RealDisk), &SledJournalConfig { queued_batches_max: 1, ..config() }).unwrap();
    let (enter, entered) = mpsc::sync_channel(1);
    let (leave, left) = mpsc::sync_channel::<()>(1);
    let hold = move |_| {
        enter.send(()).unwrap();
        left.recv().unwrap();
    };
    journal.append(vec![entry(1, 1, 1)], Box::new(hold));
    entered.recv().unwrap();
    journal.append(vec![entry(1, 2, 2)], Box::new(|_| {}));
    assert_eq!(append_now(&journal, vec![entry(1, 3, 3)]), Err(JournalError::Busy { queued_max: 1 }));
    leave.send(()).unwrap();
}

#[test]
fn a_callback_that_panics_harms_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.append(vec![entry(1, 1, 1)], Box::new(|_| panic!("a bug of the caller")));
    append_now(&journal, vec![entry(1, 2, 2)]).unwrap();
}

#[test]
fn a_missing_piece_is_damage_and_a_torn_tail_can_be_cut() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let large = |seq| Entry { bytes: vec![7; 10_000], ..entry(1, seq, seq) };
    append_now(&journal, vec![large(1), large(2), large(3)]).unwrap();
    journal.settle().unwrap();
    journal.db.remove(key(StreamId(1), 3, 1)).unwrap();
    assert_eq!(journal.read(StreamId(1), 1, usize::MAX).unwrap(), [large(1), large(2)]);
    assert!(matches!(journal.read(StreamId(1), 3, 1), Err(JournalError::Corrupt { seq: 3, .. })));
    let torn = journal.salvage(StreamId(1), 3, usize::MAX).unwrap();
    assert_eq!(torn.len(), 1);
    let wrong = [entry(1, 3, 3)];
    assert!(matches!(journal.cut_torn_tail(StreamId(1), &wrong), Err(JournalError::Conflict { .. })));
    journal.cut_torn_tail(StreamId(1), &torn).unwrap();
    append_now(&journal, vec![large(3)]).unwrap();
    assert_eq!(journal.read(StreamId(1), 1, usize::MAX).unwrap(), [large(1), large(2), large(3)]);
}

#[test]
fn a_read_ends_before_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, (1..=4).map(|seq| entry(1, seq, seq)).collect()).unwrap();
    journal.settle().unwrap();
    journal.db.remove(key(StreamId(1), 3, 0)).unwrap();
    assert_eq!(journal.read(StreamId(1), 1, usize::MAX).unwrap(), [entry(1, 1, 1), entry(1, 2, 2)]);
    assert_eq!(journal.read(StreamId(1), 3, usize::MAX).unwrap(), [entry(1, 4, 4)]);
}

#[test]
fn a_long_cut_is_done_in_steps_and_goes_on_after_a_kill_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    append_now(&journal, (1..=1000).map(|seq| entry(1, seq, seq)).collect()).unwrap();
    assert!(journal.cut_step(StreamId(1), 900, 100).unwrap());
    let killed = image(dir.path());
    let found = open(killed.path());
    assert_eq!(found.read(StreamId(1), 1, 1).unwrap()[0].first_seq, 101);
    found.cut(StreamId(1), 900).unwrap();
    assert_eq!(found.read(StreamId(1), 1, 1).unwrap()[0].first_seq, 901);
    append_now(&found, vec![entry(1, 1001, 1001)]).unwrap();
}

#[test]
fn a_missing_name_of_the_generation_is_never_taken_for_an_empty_journal() {
    let dir = tempfile::tempdir().unwrap();
    append_now(&open(dir.path()), vec![entry(1, 1, 1)]).unwrap();
    let current = dir.path().join("journal/CURRENT");
    let reopen = || open_on(dir.path(), Arc::new(RealDisk), &config()).err().unwrap();
    std::fs::write(&current, "gen-0000000007\n").unwrap();
    let copy = image(dir.path());
    let missing = open_on(copy.path(), Arc::new(RealDisk), &config()).err().unwrap();
    assert!(matches!(missing, GenerationError::MissingGeneration { .. }), "{missing}");
    std::fs::write(&current, "latest\n").unwrap();
    assert!(matches!(reopen(), GenerationError::BadCurrent { .. }));
    std::fs::remove_file(&current).unwrap();
    assert!(matches!(reopen(), GenerationError::MissingCurrent { .. }));
    std::fs::write(&current, "gen-0000000001\n").unwrap();
    assert_eq!(open(dir.path()).read(StreamId(1), 1, 9).unwrap(), [entry(1, 1, 1)]);
}

/// A journal whose file is much larger than its records, and what it must hold.
fn grown() -> (tempfile::TempDir, Vec<Entry>) {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for seq in 1..=300 {
        append_now(&journal, vec![Entry { bytes: vec![seq as u8; 20_000], ..entry(1, seq, seq) }]).unwrap();
    }
    journal.cut(StreamId(1), 290).unwrap();
    let live = journal.read(StreamId(1), 1, usize::MAX).unwrap();
    assert_eq!(live.len(), 10);
    drop(journal);
    (dir, live)
}

fn compacting() -> SledJournalConfig {
    SledJournalConfig { compaction_floor_bytes: 1 << 20, ..config() }
}

#[test]
fn a_grown_journal_is_compacted_at_open_and_goes_on() {
    let (dir, live) = grown();
    let before = compaction::bytes_on_disk(&generation(dir.path(), 1)).unwrap();
    let journal = open_on(dir.path(), Arc::new(RealDisk), &compacting()).unwrap();
    assert_eq!(journal.read(StreamId(1), 1, usize::MAX).unwrap(), live);
    append_now(&journal, vec![entry(1, 301, 301)]).unwrap();
    journal.settle().unwrap();
    let after = compaction::bytes_on_disk(&generation(dir.path(), 2)).unwrap();
    assert!(after * 3 < before, "{before} -> {after}");
    assert!(!generation(dir.path(), 1).exists() && generation(dir.path(), 2).exists());
    drop(journal);
    open(dir.path());
    assert!(generation(dir.path(), 2).exists());
}

#[test]
fn a_crash_at_any_step_of_a_compaction_or_of_the_first_open_loses_nothing() {
    let (dir, live) = grown();
    for (start, expected) in [(image(dir.path()), live), (tempfile::tempdir().unwrap(), vec![])] {
        let mut steps = 0;
        loop {
            let dir = image(start.path());
            let crashed = open_on(dir.path(), FaultyDisk::failing_from(steps), &compacting());
            let finished = crashed.is_ok();
            drop(crashed);
            // Twice: also what the next start does may be cut short.
            drop(open_on(dir.path(), FaultyDisk::failing_from(steps / 2), &compacting()));
            let journal = open_on(dir.path(), Arc::new(RealDisk), &compacting()).unwrap();
            assert_eq!(journal.read(StreamId(1), 1, usize::MAX).unwrap(), expected, "crash at step {steps}");
            drop(journal);
            let left = std::fs::read_dir(dir.path().join("journal")).unwrap().count();
            assert_eq!(left, 3, "CURRENT, one generation and the write-ahead files, crash at step {steps}");
            if finished {
                break;
            }
            steps += 1;
        }
        assert!(steps > 5, "{steps} steps");
    }
}

use std::sync::Arc;

use super::*;
use crate::store::Store;
use crate::store::archive::Archive;
use crate::store::files::MemoryFiles;
use crate::store::journal::Journal;
use crate::store::journal_contract::append_now;
use crate::store::memory_journal::{Faults, MemoryJournal};
use crate::store::testing::{Author, Tally, hash_at, recovered};

const STREAM: StreamId = StreamId(1);

/// A store whose journal, snapshot and archive files can be damaged, with ten records.
struct Rig {
    store: Store,
    journal: Arc<MemoryJournal>,
    snapshot_files: Arc<MemoryFiles>,
    archive_files: Arc<MemoryFiles>,
    author: Author,
}

fn rig() -> Rig {
    let journal = Arc::new(MemoryJournal::new());
    let snapshot_files = Arc::new(MemoryFiles::default());
    let archive_files = Arc::new(MemoryFiles::default());
    let store = store_on(journal.clone(), snapshot_files.clone(), archive_files.clone());
    let mut author = Author::new(1);
    author.append(&store, 10);
    Rig { store, journal, snapshot_files, archive_files, author }
}

fn store_on(journal: Arc<MemoryJournal>, snapshot_files: Arc<MemoryFiles>, archive_files: Arc<MemoryFiles>) -> Store {
    let archive = Arc::new(Archive::new(archive_files));
    let history = History { journal: journal.clone(), archive };
    Store { journal, history, snapshots: Snapshots::new(snapshot_files) }
}

impl Rig {
    fn snapshot(&self, seq: u64) -> Snapshot {
        let at: Recovered<Tally> = recover(&self.store.history, &self.store.snapshots, STREAM, Some(seq)).unwrap();
        let (state_hash, body) = (at.state.state_hash(), at.state.to_snapshot());
        Snapshot { stream: STREAM, seq, chain: at.chain, state_hash, at_ms: 0, body }
    }
    fn write(&self, snapshot: &Snapshot) {
        self.store.snapshots.write(snapshot).unwrap();
    }
    fn damaged_at(&self) -> u64 {
        match recovered(&self.store, 1) {
            Err(RecoveryError::Damaged { seq, .. }) => seq,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn recovery_with_and_without_a_snapshot_gives_the_same_state() {
    let rig = rig();
    let without = recovered(&rig.store, 1).unwrap();
    assert_eq!((without.snapshot_seq, without.records_replayed, without.last_seq), (0, 10, 10));
    assert_eq!(without.chain, rig.author.hash);
    rig.write(&rig.snapshot(6));
    let with = recovered(&rig.store, 1).unwrap();
    assert_eq!((with.snapshot_seq, with.records_replayed), (6, 4));
    assert_eq!((with.state, with.chain), (without.state, without.chain));
}

#[test]
fn an_empty_stream_is_an_empty_state() {
    let empty = recovered(&rig().store, 9).unwrap();
    assert_eq!((empty.state, empty.last_seq, empty.chain), (Tally::empty(StreamId(9)), 0, record::GENESIS));
}

#[test]
fn a_snapshot_that_is_damaged_wrong_or_unreadable_is_passed_over() {
    let rig = rig();
    let good = rig.snapshot(4);
    let expected = recovered(&rig.store, 1).unwrap().state;
    let newer = rig.snapshot(8);
    let wrong = [
        Snapshot { state_hash: [9; 32], ..newer.clone() },
        Snapshot { body: vec![1], ..newer.clone() },
        Snapshot { chain: [9; 32], ..newer.clone() },
    ];
    for wrong in wrong {
        rig.write(&good);
        rig.write(&wrong);
        let found = recovered(&rig.store, 1).unwrap();
        assert_eq!((found.snapshot_seq, &found.state), (4, &expected));
    }
    rig.write(&newer);
    assert!(rig.snapshot_files.damage(&STREAM.to_string(), &crate::store::snapshots::file_name(8)));
    assert_eq!(recovered(&rig.store, 1).unwrap().snapshot_seq, 4);
    assert!(rig.snapshot_files.damage(&STREAM.to_string(), &crate::store::snapshots::file_name(4)));
    let found = recovered(&rig.store, 1).unwrap();
    assert_eq!((found.snapshot_seq, found.state), (0, expected));
}

#[test]
fn a_state_can_be_had_at_the_end_of_any_record_and_nowhere_else() {
    let mut rig = rig();
    let wide = rig.author.seal(3, b"three events");
    append_now(&*rig.store.journal, vec![wide]).unwrap();
    rig.author.append(&rig.store, 1);
    for (seq, records) in [(1, 1), (10, 10), (13, 11), (14, 12)] {
        let at: Recovered<Tally> = recover(&rig.store.history, &rig.store.snapshots, STREAM, Some(seq)).unwrap();
        assert_eq!((at.last_seq, at.state.records), (seq, records));
    }
    for seq in [11, 12, 15] {
        let none = recover::<Tally>(&rig.store.history, &rig.store.snapshots, STREAM, Some(seq));
        assert_eq!(none.unwrap_err(), RecoveryError::NoSuchEnd { stream: STREAM, up_to: seq });
    }
}

#[test]
fn damage_or_a_hole_in_the_middle_is_reported_and_never_cut() {
    for seq in [1, 5, 9] {
        let rig = rig();
        assert!(rig.journal.damage(STREAM, seq));
        assert_eq!((rig.damaged_at(), rig.damaged_at()), (seq, seq));
        assert_eq!(rig.journal.salvage(STREAM, 1, usize::MAX).unwrap().len(), 10);
        let rig = self::rig();
        assert!(rig.journal.lose(STREAM, seq));
        assert_eq!((rig.damaged_at(), rig.damaged_at()), (seq, seq));
        assert_eq!(rig.journal.salvage(STREAM, 1, usize::MAX).unwrap().len(), 9);
    }
}

#[test]
fn damage_of_one_stream_leaves_the_others_alone() {
    let rig = rig();
    Author::new(2).append(&rig.store, 3);
    assert!(rig.journal.damage(STREAM, 5));
    rig.damaged_at();
    assert_eq!(recovered(&rig.store, 2).unwrap().last_seq, 3);
}

#[test]
fn a_torn_tail_is_cut_and_the_stream_goes_on() {
    let mut rig = rig();
    assert!(rig.journal.damage(STREAM, 10) && rig.journal.damage(STREAM, 9));
    let found = recovered(&rig.store, 1).unwrap();
    assert_eq!(found.last_seq, 8);
    rig.author = Author { last_seq: 8, hash: found.chain, ..rig.author };
    rig.author.append(&rig.store, 2);
    assert_eq!(recovered(&rig.store, 1).unwrap().last_seq, 10);
}

#[test]
fn a_torn_tail_is_not_cut_for_anyone_but_the_owner() {
    let rig = rig();
    assert!(rig.journal.damage(STREAM, 10));
    let looked = recover::<Tally>(&rig.store.history, &rig.store.snapshots, STREAM, Some(10));
    assert!(matches!(looked, Err(RecoveryError::Damaged { seq: 10, .. })));
    assert_eq!(rig.journal.salvage(STREAM, 1, usize::MAX).unwrap().len(), 10);
}

#[test]
fn what_a_snapshot_knows_is_never_cut_or_forgotten() {
    let rig = rig();
    // The snapshot itself cannot be used, but its checksum proves that the records existed.
    rig.write(&Snapshot { body: vec![1], ..rig.snapshot(10) });
    assert!(rig.journal.damage(STREAM, 10));
    assert_eq!(rig.damaged_at(), 10);
    assert!(rig.journal.lose(STREAM, 10));
    assert_eq!(rig.damaged_at(), 10);
}

#[test]
fn a_whole_record_that_breaks_the_chain_is_damage_even_at_the_end() {
    let mut rig = rig();
    let mut forger = Author { hash: [7; 32], ..rig.author.clone() };
    append_now(&*rig.store.journal, vec![forger.seal(1, b"forged")]).unwrap();
    assert_eq!(rig.damaged_at(), 11);
    rig.author.last_seq = 0;
    assert_eq!(rig.journal.salvage(STREAM, 1, usize::MAX).unwrap().len(), 11);
}

#[test]
fn an_unknown_format_is_refused_with_its_version_and_never_cut() {
    let mut rig = rig();
    let mut entry = rig.author.seal(1, b"from the future");
    entry.bytes[0] = 2;
    append_now(&*rig.store.journal, vec![entry]).unwrap();
    let expected = RecoveryError::UnknownFormat { stream: STREAM, seq: 11, version: 2 };
    assert_eq!(recovered(&rig.store, 1).unwrap_err(), expected);
    assert_eq!(recovered(&rig.store, 1).unwrap_err(), expected);
}

#[test]
fn a_record_that_does_not_fold_is_named_and_a_panic_passes_through() {
    let mut rig = rig();
    let entry = rig.author.seal(1, b"unreadable");
    append_now(&*rig.store.journal, vec![entry]).unwrap();
    assert!(matches!(recovered(&rig.store, 1), Err(RecoveryError::Fold { seq: 11, .. })));
    let mut poison = Author::new(2);
    append_now(&*rig.store.journal, vec![poison.seal(1, b"poison")]).unwrap();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| recovered(&rig.store, 2))).is_err());
}

#[test]
fn a_history_of_many_reads_is_replayed_in_order_and_checked_to_its_end() {
    let Rig { store, journal, mut author, .. } = rig();
    let (mut expected, payload) = (recovered(&store, 1).unwrap().state, vec![5; 1 << 20]);
    for _ in 0..20 {
        let entry = author.seal(1, &payload);
        expected.apply_record(&record::open(&entry.bytes).unwrap()).unwrap();
        append_now(&*store.journal, vec![entry]).unwrap();
    }
    assert_eq!(recovered(&store, 1).unwrap().state, expected);
    for seq in [16, 23, 29] {
        assert!(journal.damage(STREAM, seq));
        assert!(matches!(recovered(&store, 1), Err(RecoveryError::Damaged { seq: found, .. }) if found == seq));
        assert!(journal.damage(STREAM, seq), "the same again makes it good");
    }
    assert_eq!(recovered(&store, 1).unwrap().last_seq, 30);
}

#[test]
fn what_could_not_be_looked_at_is_no_damage_and_the_next_try_finds_it() {
    let rig = rig();
    let expected = recovered(&rig.store, 1).unwrap().state;
    rig.write(&rig.snapshot(4));
    rig.write(&rig.snapshot(8));
    let error = Some(rustix::io::Errno::MFILE.raw_os_error());
    rig.snapshot_files.fail_reads(error);
    let unseen = recovered(&rig.store, 1).unwrap_err();
    assert!(matches!(unseen, RecoveryError::Snapshots { .. }) && !unseen.is_damage(), "{unseen}");
    rig.snapshot_files.fail_reads(None);
    assert_eq!(recovered(&rig.store, 1).unwrap().snapshot_seq, 8);

    let entries = rig.journal.read(STREAM, 1, usize::MAX).unwrap();
    rig.store.history.archive.add(STREAM, &entries[..9]).unwrap();
    rig.journal.cut(STREAM, 9).unwrap();
    // One read for the record of the snapshot, one for the records after it.
    for snapshot in [8, 4] {
        rig.archive_files.fail_reads(error);
        let unseen = recovered(&rig.store, 1).unwrap_err();
        assert!(matches!(unseen, RecoveryError::Journal(JournalError::Io { .. })) && !unseen.is_damage(), "{unseen}");
        rig.archive_files.fail_reads(None);
        rig.store.snapshots.remove(STREAM, snapshot).unwrap();
    }
    rig.archive_files.fail_reads(error);
    assert!(!recovered(&rig.store, 1).unwrap_err().is_damage());
    rig.archive_files.fail_reads(None);
    assert_eq!(recovered(&rig.store, 1).unwrap().state, expected);
}

#[test]
fn what_is_stored_wrongly_is_damage() {
    let seq = 1;
    let damage = [
        RecoveryError::Damaged { stream: STREAM, seq, why: String::new() },
        RecoveryError::UnknownFormat { stream: STREAM, seq, version: 9 },
        RecoveryError::Fold { stream: STREAM, seq, error: FoldError::new("") },
        RecoveryError::NoSuchEnd { stream: STREAM, up_to: seq },
        RecoveryError::Journal(JournalError::Corrupt { stream: STREAM, seq, why: String::new() }),
    ];
    assert!(damage.iter().all(RecoveryError::is_damage));
    let passing = [
        RecoveryError::Snapshots { why: String::new() },
        RecoveryError::Journal(JournalError::Io { why: String::new() }),
        RecoveryError::Journal(JournalError::Poisoned { why: String::new() }),
        RecoveryError::Journal(JournalError::Busy { queued_max: 1 }),
        RecoveryError::Journal(JournalError::Closed),
    ];
    assert!(!passing.iter().any(RecoveryError::is_damage));
}

#[test]
fn records_that_were_cut_without_an_archive_are_missed() {
    let rig = rig();
    rig.journal.cut(STREAM, 3).unwrap();
    assert_eq!(rig.damaged_at(), 1);
    rig.journal.cut(STREAM, 10).unwrap();
    assert_eq!(rig.damaged_at(), 1);
}

#[test]
fn after_any_seeded_crash_the_acknowledged_prefix_is_recovered() {
    for seed in 0..300 {
        let faults = Faults { seed, delay_per_mille: 400, tear_tail_per_mille: 700, ..Faults::default() };
        let mut journal = Arc::new(MemoryJournal::with_faults(faults));
        let mut author = Author::new(1);
        for _ in 0..3 {
            let acknowledged = Arc::new(std::sync::atomic::AtomicU64::new(author.last_seq));
            for _ in 0..10 {
                let entry = author.seal(2, b"x");
                let (last_seq, acknowledged) = (entry.last_seq, acknowledged.clone());
                let note = move |result: Result<(), JournalError>| {
                    if result.is_ok() {
                        acknowledged.store(last_seq, std::sync::atomic::Ordering::SeqCst);
                    }
                };
                journal.append(vec![entry], Box::new(note));
            }
            let acknowledged = acknowledged.load(std::sync::atomic::Ordering::SeqCst);
            journal = Arc::new(journal.crash());
            let store = store_on(journal.clone(), Arc::default(), Arc::default());
            let found = recovered(&store, 1).unwrap();
            assert!(found.last_seq >= acknowledged, "seed {seed}");
            assert_eq!(hash_at(&store, 1, found.last_seq), found.state.state_hash());
            author = Author { last_seq: found.last_seq, hash: found.chain, ..author };
        }
    }
}

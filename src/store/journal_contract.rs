//! What every implementation of [`Journal`] must do; each one's tests call [`check`].

use std::sync::mpsc;
use std::time::Duration;

use crate::domain::ids::StreamId;
use crate::store::journal::{Entry, Journal, JournalError};

/// Longer than any append in a test may take; reached only when `done` is never called.
const PATIENCE: Duration = Duration::from_secs(60);

/// One promise, checked on an empty journal.
type Part = fn(&dyn Journal);

/// An entry with bytes that follow from its numbers.
pub fn entry(stream: u64, first_seq: u64, last_seq: u64) -> Entry {
    let bytes = format!("{stream}:{first_seq}-{last_seq}").into_bytes();
    Entry { stream: StreamId(stream), first_seq, last_seq, bytes }
}

/// Appends and waits for the answer.
pub fn append_now(journal: &dyn Journal, batch: Vec<Entry>) -> Result<(), JournalError> {
    let (told, answer) = mpsc::sync_channel(1);
    journal.append(batch, Box::new(move |result| told.send(result).expect("the test waits")));
    let result = answer.recv_timeout(PATIENCE).expect("done is called");
    assert!(answer.recv().is_err(), "done is called once");
    result
}

/// Runs the whole contract, each part on a fresh and empty journal.
///
/// # Panics
/// With the promise that was broken.
pub fn check(fresh: &mut dyn FnMut() -> Box<dyn Journal>) {
    let parts: [(&str, Part); 8] = [
        ("what was appended is read in order", reads_in_order),
        ("a gap is refused and nothing of its batch is written", refuses_gaps),
        ("a record twice is accepted once", accepts_repeats),
        ("a cut removes a prefix and the numbers go on", cuts),
        ("reads are bounded but never empty-handed", bounds_reads),
        ("streams are listed, also when cut", lists_streams),
        ("many appends are acknowledged in order", acknowledges_in_order),
        ("a closed journal refuses", closes),
    ];
    for (promise, part) in parts {
        let journal = fresh();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| part(&*journal)));
        assert!(outcome.is_ok(), "broken promise: {promise}");
    }
}

fn firsts(journal: &dyn Journal, stream: u64, from: u64) -> Vec<u64> {
    let entries = journal.read(StreamId(stream), from, usize::MAX).expect("readable");
    entries.iter().map(|entry| entry.first_seq).collect()
}

fn reads_in_order(journal: &dyn Journal) {
    append_now(journal, vec![entry(1, 1, 3), entry(2, 1, 1)]).unwrap();
    append_now(journal, vec![entry(1, 4, 4), entry(1, 5, 300)]).unwrap();
    append_now(journal, vec![]).unwrap();
    let all = [entry(1, 1, 3), entry(1, 4, 4), entry(1, 5, 300)];
    assert_eq!(journal.read(StreamId(1), 0, usize::MAX).unwrap(), all);
    assert_eq!(journal.read(StreamId(1), 3, usize::MAX).unwrap(), all);
    assert_eq!(journal.read(StreamId(1), 4, usize::MAX).unwrap(), all[1..]);
    assert_eq!(journal.read(StreamId(1), 200, usize::MAX).unwrap(), all[2..]);
    assert_eq!(journal.read(StreamId(1), 301, usize::MAX).unwrap(), []);
    assert_eq!(journal.read(StreamId(3), 1, usize::MAX).unwrap(), []);
    let mut large = entry(2, 2, 2);
    large.bytes = (0..100_000u32).map(|at| at as u8).collect();
    append_now(journal, vec![large.clone()]).unwrap();
    assert_eq!(journal.read(StreamId(2), 2, 1).unwrap(), [large]);
}

fn refuses_gaps(journal: &dyn Journal) {
    let gap = |expected, found| Err(JournalError::Gap { stream: StreamId(1), expected, found });
    assert_eq!(append_now(journal, vec![entry(1, 2, 2)]), gap(1, 2));
    assert_eq!(append_now(journal, vec![entry(2, 1, 1), entry(1, 1, 1), entry(1, 3, 3)]), gap(2, 3));
    assert_eq!(journal.streams().unwrap(), []);
    append_now(journal, vec![entry(1, 1, 2)]).unwrap();
    assert_eq!(append_now(journal, vec![entry(1, 4, 4)]), gap(3, 4));
    for bad in [entry(1, 0, 0), entry(1, 3, 2)] {
        assert!(matches!(append_now(journal, vec![bad]), Err(JournalError::Refused { .. })));
    }
    append_now(journal, vec![entry(1, 3, 3)]).unwrap();
    assert!(journal.poisoned().is_none(), "a refusal is no failure of the disk");
}

fn accepts_repeats(journal: &dyn Journal) {
    append_now(journal, vec![entry(1, 1, 2)]).unwrap();
    append_now(journal, vec![entry(1, 1, 2)]).unwrap();
    append_now(journal, vec![entry(1, 1, 2), entry(1, 3, 3), entry(1, 3, 3)]).unwrap();
    assert_eq!(firsts(journal, 1, 1), [1, 3]);
    let mut other = entry(1, 3, 3);
    other.bytes.push(0);
    let conflict = Err(JournalError::Conflict { stream: StreamId(1), seq: 3 });
    assert_eq!(append_now(journal, vec![other.clone()]), conflict);
    assert_eq!(append_now(journal, vec![entry(1, 4, 4), other]), conflict);
    assert_eq!(firsts(journal, 1, 1), [1, 3]);
    append_now(journal, vec![entry(1, 4, 4)]).unwrap();
}

fn cuts(journal: &dyn Journal) {
    append_now(journal, vec![entry(1, 1, 2), entry(1, 3, 5), entry(1, 6, 6), entry(2, 1, 1)]).unwrap();
    assert_eq!(journal.cut_through(StreamId(1)).unwrap(), 0);
    journal.cut(StreamId(1), 4).unwrap();
    assert_eq!((firsts(journal, 1, 1), journal.cut_through(StreamId(1)).unwrap()), (vec![3, 6], 2));
    journal.cut(StreamId(1), 4).unwrap();
    journal.cut(StreamId(9), 4).unwrap();
    journal.cut(StreamId(1), 6).unwrap();
    assert_eq!((firsts(journal, 1, 1), firsts(journal, 2, 1)), (vec![], vec![1]));
    assert!(matches!(append_now(journal, vec![entry(1, 1, 2)]), Err(JournalError::Conflict { .. })));
    append_now(journal, vec![entry(1, 7, 7)]).unwrap();
    assert_eq!(firsts(journal, 1, 1), [7]);
}

fn bounds_reads(journal: &dyn Journal) {
    for seq in 1..=10 {
        append_now(journal, vec![entry(1, seq, seq)]).unwrap();
    }
    assert_eq!(journal.read(StreamId(1), 1, 0).unwrap().len(), 1);
    let some = journal.read(StreamId(1), 1, 12).unwrap().len();
    assert!((2..=4).contains(&some), "{some}");
}

fn lists_streams(journal: &dyn Journal) {
    append_now(journal, vec![entry(0, 1, 1), entry(7, 1, 1), entry(u64::MAX, 1, 1)]).unwrap();
    journal.cut(StreamId(7), 1).unwrap();
    assert_eq!(journal.streams().unwrap(), [StreamId(0), StreamId(7), StreamId(u64::MAX)]);
    assert_eq!(firsts(journal, u64::MAX, 1), [1]);
}

fn acknowledges_in_order(journal: &dyn Journal) {
    let (told, answers) = mpsc::sync_channel(2000);
    for seq in 1..=2000u64 {
        let told = told.clone();
        let note = move |result| told.send((seq, result)).expect("the test waits");
        journal.append(vec![entry(seq % 2, seq.div_ceil(2), seq.div_ceil(2))], Box::new(note));
    }
    for expected in 1..=2000 {
        let (seq, result) = answers.recv_timeout(PATIENCE).expect("done is called");
        assert_eq!((seq, result), (expected, Ok(())));
    }
    assert_eq!(firsts(journal, 1, 1), (1..=1000).collect::<Vec<_>>());
}

fn closes(journal: &dyn Journal) {
    let (told, answer) = mpsc::sync_channel(1);
    journal.append(vec![entry(1, 1, 1)], Box::new(move |result| told.send(result).expect("the test waits")));
    journal.close();
    assert_eq!(answer.try_recv().expect("what was queued is told before the end"), Ok(()));
    assert_eq!(append_now(journal, vec![entry(1, 2, 2)]), Err(JournalError::Closed));
    assert_eq!(journal.cut(StreamId(1), 1), Err(JournalError::Closed));
    assert_eq!(firsts(journal, 1, 1), [1]);
    journal.close();
}

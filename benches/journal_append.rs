//! Durable appends by records per batch, on the same disk in one run: a plain file with fdatasync, sled with a flush and an fdatasync
//! for every batch, and the journal, which acknowledges from its write-ahead files and moves into sled beside that.
//!
//! `cargo bench --bench journal_append`; one writer that waits for each batch, records of 600 bytes. `TMPDIR` chooses the disk. A run of
//! the journal is much longer than its write-ahead files are large, so that what sled cannot keep up with is in the figure.

use std::fs::File;
use std::io::Write;
use std::sync::mpsc;

use action_center::domain::ids::StreamId;
use action_center::store::journal::{Entry, Journal};
use action_center::store::{Store, StoreConfig};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const RECORD_BYTES: usize = 600;

fn append_and_wait(journal: &dyn Journal, batch: Vec<Entry>) {
    let (told, answer) = mpsc::sync_channel(1);
    journal.append(batch, Box::new(move |result| drop(told.send(result))));
    answer.recv().expect("done is called").expect("the batch is durable");
}

/// Bytes that do not compress, different for each record.
fn record(seq: u64) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_BYTES];
    blake3::Hasher::new().update(&seq.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn appends(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(dir.path(), &StoreConfig::default()).expect("an empty store opens");
    let mut file = File::create(dir.path().join("plain")).expect("a file");
    let sled = sled::open(dir.path().join("sled")).expect("an empty database opens");
    let sled_file = File::open(dir.path().join("sled/db")).expect("its data file");
    let (mut last_seq, mut last_key) = (0, 0u64);
    let mut group = criterion.benchmark_group("journal_append");
    for records in [1u64, 16, 64, 256] {
        group.throughput(Throughput::Elements(records));
        group.bench_with_input(BenchmarkId::new("append file + fdatasync", records), &records, |bench, records| {
            bench.iter(|| {
                let batch: Vec<u8> = (0..*records).flat_map(record).collect();
                file.write_all(&batch).expect("writable");
                file.sync_data().expect("syncable");
            });
        });
        group.bench_with_input(
            BenchmarkId::new("sled batch + flush + fdatasync", records),
            &records,
            |bench, records| {
                bench.iter(|| {
                    let mut batch = sled::Batch::default();
                    for _ in 0..*records {
                        last_key += 1;
                        batch.insert(&last_key.to_be_bytes()[..], record(last_key));
                    }
                    sled.apply_batch(batch).expect("writable");
                    sled.flush().expect("writable");
                    sled_file.sync_data().expect("syncable");
                });
            },
        );
        group.bench_with_input(BenchmarkId::new("journal", records), &records, |bench, records| {
            bench.iter(|| {
                let entry = |seq| Entry { stream: StreamId(1), first_seq: seq, last_seq: seq, bytes: record(seq) };
                let batch = (last_seq + 1..=last_seq + records).map(entry).collect();
                append_and_wait(&*store.journal, batch);
                last_seq += records;
            });
        });
    }
    group.finish();
}

criterion_group!(benches, appends);
criterion_main!(benches);

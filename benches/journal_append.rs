//! Durable appends by records per batch: the journal on sled against a plain file with fdatasync, on the same disk in one run.
//!
//! `cargo bench --bench journal_append`; one writer that waits for each batch, records of 600 bytes. `TMPDIR` chooses the disk.

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
    let mut last_seq = 0;
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
        group.bench_with_input(BenchmarkId::new("sled journal", records), &records, |bench, records| {
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

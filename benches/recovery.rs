//! Recovery of one long stream behind no snapshot: opening the store, and replaying every record with all checks.
//!
//! `RECORDS=1000000 cargo bench --bench recovery`; 100,000 records of 600 bytes by default.

use std::hint::black_box;
use std::sync::mpsc;
use std::time::Instant;

use action_center::domain::ids::StreamId;
use action_center::store::journal::Entry;
use action_center::store::record::{GENESIS, Opened, seal};
use action_center::store::recovery::{Fold, FoldError, Recovered, recover};
use action_center::store::{Store, StoreConfig};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const PAYLOAD_BYTES: usize = 494;
const BATCH_RECORDS: u64 = 256;
const STREAM: StreamId = StreamId(1);

/// The cheapest state, so that only the store is measured.
struct Count(u64);

impl Fold for Count {
    fn empty(_: StreamId) -> Self {
        Self(0)
    }
    fn from_snapshot(_: StreamId, _: &[u8]) -> Result<Self, FoldError> {
        Err(FoldError::new("there is no snapshot"))
    }
    fn to_snapshot(&self) -> Vec<u8> {
        Vec::new()
    }
    fn apply_record(&mut self, record: &Opened<'_>) -> Result<(), FoldError> {
        self.0 += u64::from(black_box(record.payload)[0] < 255);
        Ok(())
    }
    fn state_hash(&self) -> [u8; 32] {
        [0; 32]
    }
}

fn fill(store: &Store, records: u64) {
    let mut chain = GENESIS;
    let mut payload = vec![0; PAYLOAD_BYTES];
    let mut seq = 0;
    while seq < records {
        let until = records.min(seq + BATCH_RECORDS);
        let batch = (seq + 1..=until).map(|seq| {
            blake3::Hasher::new().update(&seq.to_le_bytes()).finalize_xof().fill(&mut payload);
            let sealed = seal(STREAM, seq, seq, 0, &chain, &payload);
            chain = sealed.hash;
            Entry { stream: STREAM, first_seq: seq, last_seq: seq, bytes: sealed.bytes }
        });
        let (told, answer) = mpsc::sync_channel(1);
        store.journal.append(batch.collect(), Box::new(move |result| drop(told.send(result))));
        answer.recv().expect("done is called").expect("the batch is durable");
        seq = until;
    }
}

#[allow(clippy::print_stdout, reason = "a figure that criterion does not measure, beside the ones it does")]
fn recovery(criterion: &mut Criterion) {
    let records = std::env::var("RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let config = StoreConfig::default();
    let begun = Instant::now();
    fill(&Store::open(dir.path(), &config).expect("an empty store opens"), records);
    println!("{records} records written in {:?}", begun.elapsed());
    let mut group = criterion.benchmark_group("recovery");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(records));
    group.bench_function("open", |bench| {
        bench.iter_with_large_drop(|| Store::open(dir.path(), &config).expect("it opens again"));
    });
    let store = Store::open(dir.path(), &config).expect("it opens again");
    group.bench_function("replay", |bench| {
        bench.iter(|| {
            let found: Recovered<Count> = recover(&store.history, &store.snapshots, STREAM, None).expect("undamaged");
            assert_eq!((found.last_seq, found.state.0 > 0), (records, true));
        });
    });
    group.finish();
}

criterion_group!(benches, recovery);
criterion_main!(benches);

//! The check in process, key look-up, block look-up and answer together, against a bare papaya look-up of the same key in the same
//! run; at 10³ and 10⁶ blocks: hits, misses, and hits that a grant opens.

use std::hint::black_box;

use action_center::actors::block_index::{BlockIndex, Question};
use action_center::domain::blocks::check::Ruling;
use action_center::domain::blocks::verdict::{Pass, PassTerms, Terms, Verdict};
use action_center::domain::blocks::{BlockKey, OnError};
use action_center::domain::ids::{EntityId, StreamId};
use action_center::domain::time::Timestamp;
use criterion::{Criterion, criterion_group, criterion_main};
use uuid::Uuid;

/// The one of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ORGANISATIONS: u64 = 1_000;

fn entity(number: usize) -> String {
    format!("server-{number}")
}

fn stream(number: usize) -> StreamId {
    StreamId(number as u64 % ORGANISATIONS + 1)
}

fn filled(blocks: usize, granted: bool) -> BlockIndex {
    let index = BlockIndex::with_capacity(blocks);
    for number in 0..blocks {
        let entity_id = EntityId::parse(&entity(number)).expect("a made id is well formed");
        let id = Uuid::from_u128(0x0192_d3f0_0000_7000_8000_0000_0000_0000 + number as u128);
        let verdict = Verdict::new(&Terms {
            id,
            venue_id: None,
            limit: None,
            expires_at: None,
            on_error: OnError::Closed,
            reason: "Comps wait for review",
            override_required: true,
            names_authority: true,
            authority: "gm",
        });
        let expires_at = Timestamp(1_739_588_400_000);
        let pass = Pass::new(&PassTerms { id, venue_id: None, amount_max: None, expires_at, uses_left: 1 });
        let passes = if granted { vec![pass] } else { Vec::new() };
        let key = BlockKey { block_type: "comp_approval".into(), entity_id };
        index.put(stream(number), &key, Ruling { verdicts: vec![verdict], passes });
    }
    index
}

fn reference(blocks: usize) -> papaya::HashMap<String, usize> {
    let map = papaya::HashMap::with_capacity(blocks);
    for number in 0..blocks {
        map.pin().insert(format!("{}comp_approval{}", stream(number).0, entity(number)), number);
    }
    map
}

fn check(criterion: &mut Criterion) {
    for blocks in [1_000, 1_000_000] {
        let mut group = criterion.benchmark_group(format!("check_{blocks}"));
        let index = filled(blocks, false);
        let opened = filled(blocks, true);
        let plain = reference(blocks);
        let names: Vec<(StreamId, String, String)> = (0..10_000)
            .map(|number| number * 7_919 % blocks)
            .map(|number| {
                let name = entity(number);
                (stream(number), format!("{}comp_approval{name}", stream(number).0), name)
            })
            .collect();
        let mut turn = 0;
        let mut next = move || {
            turn = (turn + 1) % 10_000;
            turn
        };
        group.bench_function("papaya_get", |bencher| {
            bencher.iter(|| black_box(plain.pin().get(&names[next()].1).copied()));
        });
        let mut out = Vec::with_capacity(512);
        for (name, index, known) in [("hit", &index, true), ("miss", &index, false), ("grant", &opened, true)] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    out.clear();
                    let (stream, _, entity) = &names[next()];
                    let block_type = if known { "comp_approval" } else { "section_opening" };
                    let question = Question { block_type, entity_id: entity, venue_id: None, amount: None };
                    black_box(index.check(*stream, &question, 0, 812, &mut out))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, check);
criterion_main!(benches);

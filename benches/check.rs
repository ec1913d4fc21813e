//! The check in process, key look-up, block look-up and answer together, against a bare papaya look-up of the same key in the same
//! run; at 10³ and 10⁶ blocks: hits, misses, and hits that a grant opens.

use std::hint::black_box;

use action_center::actors::block_index::{BlockIndex, Question};
use action_center::domain::blocks::BlockKey;
use action_center::domain::blocks::check::{Pass, Ruling, Verdict};
use action_center::domain::ids::{EntityId, StreamId};
use criterion::{Criterion, criterion_group, criterion_main};

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
        let answer = format!(
            r#"{{"blocked":true,"decision":"block","reason":"Comps wait for review","override_required":true,"override_authority":"gm","block_id":"0192d3f0-0000-7000-8000-{number:012}","limit":null,"expires_at":null,"on_error":"closed","version":"#
        );
        let verdict = Verdict { venue_id: None, limit: None, expires_at_ms: i64::MAX, answer: answer.into() };
        let pass = Pass {
            venue_id: None,
            amount_max: None,
            expires_at_ms: i64::MAX,
            answer: format!(
                r#"{{"blocked":false,"decision":"allow","grant":{{"id":"0192d3f0-0000-7000-8000-{number:012}","uses_left":1,"expires_at":"2025-02-15T03:00:00.000Z","amount_max":null}},"version":"#
            )
            .into(),
        };
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

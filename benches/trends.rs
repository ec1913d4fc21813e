//! What trends cost: a year of 1,000,000 violations at 50 venues, asked for in every way; and what counting adds to an event.
//!
//! `VIOLATIONS=100000 cargo bench --bench trends` for less.

use std::hint::black_box;
use std::time::Instant;

use action_center::domain::event::Event;
use action_center::domain::ids::{IdSource, VenueId};
use action_center::domain::people::Caller;
use action_center::domain::state::TenantState;
use action_center::domain::time::{BusinessDate, Timestamp};
use action_center::domain::trends::Dimension;
use action_center::domain::trends::series::{Group, Question, answer};
use action_center::domain::violations::{Ending, Severity, Violation, ViolationType};
use criterion::{Criterion, criterion_group, criterion_main};

/// The one of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DAY_ONE: i32 = 20_089; // 2025-01-01
const DAYS: u64 = 365;
const VENUES: u64 = 50;
const TYPES: [&str; 6] =
    ["comp_exception", "sales_pace", "greeting_delay", "staffing_gap", "late_delivery", "void_after_close"];
const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

/// Numbers that look like chance and are the same every time.
fn chance(number: u64, of: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) % of
}

fn violation(number: u64, day: u64, at: Timestamp) -> Violation {
    let venue = format!("venue-{}", chance(number * 7, VENUES));
    Violation {
        id: IdSource::new(at.0, number).next_id(),
        seq: 0,
        venue_id: VenueId::parse(&venue).ok(),
        parent_id: None,
        entity: None,
        violation_type: ViolationType::parse(TYPES[chance(number * 11, 6) as usize]).expect("a type"),
        severity: SEVERITIES[chance(number * 13, 3) as usize],
        title: "Something happened".into(),
        description: None,
        metadata: None,
        source_table: None,
        source_id: None,
        fingerprint: number.to_string().into(),
        detected_at: at,
        business_date: BusinessDate(DAY_ONE + i32::try_from(day).expect("a day of a year")),
        occurrences: 1,
        last_seen_at: at,
        over_at: at,
        acknowledged: None,
        resolved: None,
        resolution: None,
        ending: None,
        actions: Vec::new(),
        blocks: Vec::new(),
    }
}

/// A year: four of five are acknowledged within three hours, all are resolved within a day.
fn year(violations: u64) -> TenantState {
    let mut state = TenantState::empty();
    for number in 0..violations {
        let day = number * DAYS / violations;
        let at = Timestamp((i64::from(DAY_ONE) + day as i64) * 86_400_000 + 64_000_000);
        let violation = violation(number, day, at);
        let (id, venue_id) = (violation.id, violation.venue_id.clone());
        let mut apply = |later_ms: u64, event: Event| {
            let seq = state.last_seq() + 1;
            state.apply(seq, at.plus_ms(later_ms as i64), &event);
        };
        apply(0, Event::ViolationReported(Box::new(violation)));
        if chance(number * 17, 5) > 0 {
            let event = Event::ViolationAcknowledged { id, venue_id: venue_id.clone(), by: "gm".into(), note: None };
            apply(chance(number * 19, 10_800_000), event);
        }
        let event =
            Event::ViolationResolved { id, venue_id, by: "gm".into(), resolution: None, ending: Ending::Resolved };
        apply(chance(number * 23, 86_400_000), event);
    }
    state
}

/// How long this thread was on a processor, in milliseconds; on a machine with other work it says more than a clock. Linux only.
fn on_processor_ms() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    said.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

#[allow(clippy::print_stdout, reason = "figures that criterion does not measure, beside the ones it does")]
fn trends(criterion: &mut Criterion) {
    let violations = std::env::var("VIOLATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let begun = Instant::now();
    let state = year(violations);
    let counters = state.trends.len();
    println!("{violations} violations applied in {:?}; {counters} counters", begun.elapsed());
    let everybody = Caller::schedule();
    let mut group = criterion.benchmark_group("trends");
    group.sample_size(20);
    for by in [Dimension::Venue, Dimension::Type, Dimension::Severity] {
        for each in [Group::Day, Group::Week] {
            let to = BusinessDate(DAY_ONE + 364);
            let question = Question { from: BusinessDate(DAY_ONE), to, group: each, by };
            let shown = || serde_json::to_vec(&answer(&state, &everybody, &question)).expect("JSON");
            let (bytes, before) = (shown().len(), on_processor_ms());
            (0..10).for_each(|_| drop(black_box(shown())));
            let each_ms = (on_processor_ms() - before) / 10.0;
            println!("by {by:?} and {each:?}: {bytes} bytes, {each_ms:.1} ms on the processor");
            group.bench_function(format!("a_year_by_{by:?}_and_{each:?}").to_lowercase(), |bench| {
                bench.iter(|| black_box(shown()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, trends);
criterion_main!(benches);

//! What requests cost among 10,000 that wait: a page by risk, by module, of what a person may decide, and one decision.

use std::hint::black_box;
use std::time::{Duration, Instant};

use action_center::domain::aggregate::Aggregate;
use action_center::domain::approvals::cancel::CancelApproval;
use action_center::domain::approvals::decide::DecideApproval;
use action_center::domain::approvals::submit::SubmitApproval;
use action_center::domain::approvals::{RiskLevel, Source, Status, Verdict, hex};
use action_center::domain::capabilities::Sensitivity;
use action_center::domain::capabilities::commands::RegisterCapability;
use action_center::domain::command::Command;
use action_center::domain::decision::Context;
use action_center::domain::ids::{IdSource, OrgId, UserId};
use action_center::domain::people::{Caller, Cause, Held, Role, Via, Who};
use action_center::domain::settings::Found;
use action_center::domain::state::TenantState;
use action_center::domain::time::Timestamp;
use action_center::domain::view::approvals::{ApprovalFilter, Decider, page_of_approvals};
use action_center::domain::view::list::Paging;
use criterion::{Criterion, criterion_group, criterion_main};

/// The one of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: Timestamp = Timestamp(1_760_000_000_000);
/// One below the most, so that there is room for the one that is decided.
const WAITING: u64 = 9_999;

fn person(name: &str, role: Role) -> Caller {
    let id = UserId::parse(name).expect("a constant id is well formed");
    let cause = Cause { who: Who::Person(id), via: Via::Api, request: None };
    Caller { cause, held: Held::of(role), role: Some(role), venues: None }
}

fn run(state: &mut TenantState, command: Command, by: &Caller, seed: u64) {
    let mut context = Context { now: NOW, ids: IdSource::new(NOW.0, seed), caller: by };
    let decision = Aggregate::decide(state, command, &mut context).expect("the command is taken");
    for event in &decision.events {
        let seq = state.last_seq() + 1;
        state.apply(seq, NOW, event);
    }
}

/// Refunds at ten modules: every tenth touches four systems and is of high risk.
fn organisation() -> TenantState {
    let mut state = TenantState::empty();
    let owner = person("olga", Role::Owner);
    let org_id = OrgId::parse("bench").expect("a constant id is well formed");
    run(&mut state, Command::Found(Found { org_id, name: "Bench".into(), time_zone: "UTC".into() }), &owner, 0);
    for module in 0..10 {
        let systems: &[&str] = if module == 0 { &["till", "bank", "mail", "payroll"] } else { &["till"] };
        let capability = RegisterCapability {
            name: format!("till{module}.refund"),
            version: "1".into(),
            module: None,
            params: serde_json::json!({ "type": "object", "properties": { "amount": { "type": "number" } } }),
            sensitivity: Sensitivity::Financial,
            connectors: systems.iter().map(ToString::to_string).collect(),
            reversible: false,
            idempotent: false,
            auto_approvable: false,
            undo_window_s: None,
            timeout_s: None,
            concurrency: None,
            preview_template: Some("Refund {{amount}} to a guest".into()),
            endpoint: "https://till.example/run".into(),
            of_others: true,
        };
        run(&mut state, Command::RegisterCapability(Box::new(capability)), &owner, 1 + module);
    }
    let manager = person("mia", Role::Manager);
    for number in 0..WAITING {
        run(&mut state, submit(number), &manager, 1_000 + number);
    }
    assert_eq!(state.approvals.waiting_count() as u64, WAITING);
    state
}

fn submit(number: u64) -> Command {
    let module = format!("till{}", number % 10);
    Command::SubmitApproval(Box::new(SubmitApproval {
        source: Source::Module,
        capability: format!("{module}.refund"),
        module,
        title: Some("Refund a guest".into()),
        payload: serde_json::json!({ "amount": number % 100, "note": format!("bill {number}"), "items": ["soup", "bread", "water"] }),
        action_item_id: Some(format!("item-{number}")),
        dedupe_key: None,
        allow_repeat: false,
        scheduled_for: None,
        decide_by: None,
        run_by: None,
        owner: None,
        venue_id: None,
        preview: None,
        compensation: None,
    }))
}

fn filter() -> ApprovalFilter {
    ApprovalFilter {
        waiting: Some(NOW),
        status: None,
        module: None,
        created_by: None,
        risk: None,
        owner: None,
        paging: Paging { limit: 50, cursor: None },
    }
}

fn listing(criterion: &mut Criterion) {
    let state = organisation();
    let owner = person("olga", Role::Owner);
    let pages = [
        ("risk_common", ApprovalFilter { risk: Some(RiskLevel::Medium), ..filter() }),
        ("risk_rare", ApprovalFilter { risk: Some(RiskLevel::High), ..filter() }),
        ("risk_none", ApprovalFilter { risk: Some(RiskLevel::Low), ..filter() }),
        ("module", ApprovalFilter { module: Some("till3".into()), ..filter() }),
        ("owner", ApprovalFilter { owner: Some(Decider(owner.clone())), ..filter() }),
        ("owner_of_nothing", ApprovalFilter { owner: Some(Decider(person("rae", Role::Reviewer))), ..filter() }),
        ("status", ApprovalFilter { waiting: None, status: Some(Status::Pending), ..filter() }),
    ];
    let mut group = criterion.benchmark_group("approvals_10000_waiting");
    for (name, filter) in pages {
        group.bench_function(format!("page_by_{name}"), |bencher| {
            bencher.iter(|| black_box(page_of_approvals(&state, &owner, &filter).len()));
        });
    }
    group.finish();
}

fn deciding(criterion: &mut Criterion) {
    let mut state = organisation();
    let (owner, manager) = (person("olga", Role::Owner), person("mia", Role::Manager));
    let mut seed = 1_000_000;
    let mut group = criterion.benchmark_group("approvals_10000_waiting");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    group.bench_function("decide_one", |bencher| {
        bencher.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                seed += 1;
                run(&mut state, submit(seed), &manager, seed);
                let newest = state.approvals.waiting_before(u64::MAX).next().expect("one that waits");
                let (id, hash) = (newest.id, Some(hex(&newest.payload_hash)));
                let decide = DecideApproval { id, verdict: Verdict::Approved, payload_hash: hash, comment: None };
                let begun = Instant::now();
                run(&mut state, Command::DecideApproval(decide), &owner, seed);
                spent += begun.elapsed();
                let cancel = CancelApproval { id, reason: None };
                run(&mut state, Command::CancelApproval(cancel), &owner, seed);
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, listing, deciding);
criterion_main!(benches);

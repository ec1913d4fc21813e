//! What one report costs in the domain: decide and apply against 200 templates of which 20 match, and against one.

use std::hint::black_box;

use action_center::domain::actions::ActionType;
use action_center::domain::aggregate::Aggregate;
use action_center::domain::command::Command;
use action_center::domain::decision::Context;
use action_center::domain::ids::{IdSource, OrgId};
use action_center::domain::people::Caller;
use action_center::domain::settings::Found;
use action_center::domain::state::TenantState;
use action_center::domain::templates::ActionData;
use action_center::domain::templates::conditions::Conditions;
use action_center::domain::templates::save::{CreateTemplate, TemplateDraft};
use action_center::domain::time::Timestamp;
use action_center::domain::violations::Severity;
use action_center::domain::violations::report::{Report, ReportViolation};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const NOW: Timestamp = Timestamp(1_760_000_000_000);

fn run(state: &mut TenantState, command: Command, seed: u64) -> usize {
    let caller = Caller::schedule();
    let mut context = Context { now: NOW, ids: IdSource::new(NOW.0, seed), caller: &caller };
    let decision = Aggregate::decide(state, command, &mut context).expect("the command is taken");
    for event in &decision.events {
        let seq = state.last_seq() + 1;
        state.apply(seq, NOW, event);
    }
    decision.events.len()
}

/// An organisation with `templates` templates, of which those up to `matching` match a comp of 250.
fn organisation(templates: usize, matching: usize) -> TenantState {
    let mut state = TenantState::empty();
    let org_id = OrgId::parse("bench").expect("a constant id is well formed");
    run(&mut state, Command::Found(Found { org_id, name: "Bench".into(), time_zone: "UTC".into() }), 0);
    for number in 0..templates {
        let conditions = Conditions {
            min_threshold: Some(if number < matching { 200.0 } else { 1_000.0 }),
            ..Conditions::default()
        };
        let draft = TemplateDraft {
            name: None,
            violation_type: "comp_exception".into(),
            severity: Some(Severity::Critical),
            action_type: ActionType::Block,
            action_target: "system".into(),
            message_template: "{{metadata.server_name}} comped {{metadata.comp_amount}} at {{org_name}}".into(),
            enabled: true,
            conditions,
            action_data: ActionData { block_type: Some(format!("comp_{number}")), ..ActionData::default() },
        };
        run(&mut state, Command::CreateTemplate(Box::new(CreateTemplate { draft })), number as u64 + 1);
    }
    state
}

fn report(number: u64) -> Command {
    let report = Report {
        venue_id: None,
        violation_type: "comp_exception".into(),
        severity: Severity::Critical,
        title: "Comp without approval".into(),
        description: None,
        metadata: Some(serde_json::json!({
            "server_id": format!("server-{number}"), "server_name": "Ana", "comp_amount": 250,
        })),
        source_table: Some("comps".into()),
        source_id: Some(number.to_string()),
        fingerprint: None,
        detected_at: None,
        business_date: None,
    };
    Command::ReportViolation(Box::new(ReportViolation { report, apply_templates: true }))
}

fn decide_and_apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide_and_apply");
    for (templates, matching) in [(1, 1), (200, 20)] {
        let mut state = organisation(templates, matching);
        let mut number = 0;
        group.bench_function(format!("report_{templates}_templates_{matching}_match"), |bencher| {
            bencher.iter_batched(
                || {
                    number += 1;
                    (report(number), number)
                },
                |(command, seed)| black_box(run(&mut state, command, seed)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decide_and_apply);
criterion_main!(benches);

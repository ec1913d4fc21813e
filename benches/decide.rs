//! What one report costs in the domain: decide and apply against 200 templates of which 20 match, and against one; with a threshold
//! alone, and with every kind of condition. And the digests that it leaves for later, when the disk writes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use action_center::domain::actions::ActionType;
use action_center::domain::aggregate::Aggregate;
use action_center::domain::command::Command;
use action_center::domain::decision::Context;
use action_center::domain::ids::{IdSource, OrgId};
use action_center::domain::organisation::VenueDraft;
use action_center::domain::people::Caller;
use action_center::domain::settings::{Found, SaveVenue};
use action_center::domain::state::TenantState;
use action_center::domain::templates::conditions::Conditions;
use action_center::domain::templates::conditions::during::{Day, During, Windows};
use action_center::domain::templates::save::{CreateTemplate, TemplateDraft};
use action_center::domain::templates::{ActionData, Mode};
use action_center::domain::time::Timestamp;
use action_center::domain::violations::Severity;
use action_center::domain::violations::report::{Report, ReportViolation};
use criterion::{Criterion, criterion_group, criterion_main};

/// The one of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// What the conditions of the templates are made of.
#[derive(Clone, Copy)]
enum Kind {
    /// A threshold.
    Threshold,
    /// Every kind of condition, an expression in each: half of what does not match fails by its expression alone.
    Everything,
}

fn conditions(kind: Kind, number: usize, matches: bool) -> Conditions {
    let threshold = Conditions { min_threshold: Some(if matches { 200.0 } else { 1_000.0 }), ..Conditions::default() };
    match kind {
        Kind::Threshold => threshold,
        Kind::Everything => {
            let by_expression = !matches && number.is_multiple_of(2);
            let (least, vip) = if by_expression { (1_000, "true") } else { (200, "false") };
            Conditions {
                min_threshold: Some(if matches || by_expression { 200.0 } else { 1_000.0 }),
                venue_ids: Some((0..20).map(|venue| format!("venue-{venue}")).collect()),
                metadata: Some([("guest.vip".to_owned(), serde_json::json!(false))].into()),
                occurrences_at_least: Some(1),
                within_days: Some(28),
                during: Some(Windows::One(During { days: Some(vec![Day::Thu]), from: None, to: None })),
                when: Some(format!(
                    "severity in ['warning', 'critical'] && measure >= {least} && metadata.guest.vip == {vip} && venue.name != 'x'"
                )),
                cooldown_minutes: Some(1),
                ..Conditions::default()
            }
        }
    }
}

/// An organisation with `templates` templates, of which those up to `matching` match a comp of 250.
fn organisation(kind: Kind, templates: usize, matching: usize) -> TenantState {
    let mut state = TenantState::empty();
    let org_id = OrgId::parse("bench").expect("a constant id is well formed");
    run(&mut state, Command::Found(Found { org_id, name: "Bench".into(), time_zone: "UTC".into() }), 0);
    for venue in 0..20 {
        let draft = VenueDraft {
            name: format!("Venue {venue}"),
            time_zone: "Europe/Berlin".into(),
            business_day_starts: None,
            contacts: None,
        };
        run(&mut state, Command::SaveVenue(SaveVenue { venue_id: format!("venue-{venue}"), draft }), 1_000 + venue);
    }
    for number in 0..templates {
        let draft = TemplateDraft {
            name: None,
            violation_type: "comp_exception".into(),
            severity: Some(Severity::Critical),
            action_type: ActionType::Block,
            action_target: "system".into(),
            message_template: "{{metadata.server_name}} comped {{metadata.comp_amount}} at {{org_name}}".into(),
            enabled: true,
            mode: Mode::Live,
            conditions: conditions(kind, number, number < matching),
            action_data: ActionData { block_type: Some(format!("comp_{number}")), ..ActionData::default() },
        };
        run(&mut state, Command::CreateTemplate(Box::new(CreateTemplate { draft })), number as u64 + 1);
    }
    state
}

fn report(number: u64) -> Command {
    let report = Report {
        venue_id: Some("venue-7".into()),
        violation_type: "comp_exception".into(),
        severity: Severity::Critical,
        title: "Comp without approval".into(),
        description: None,
        metadata: Some(serde_json::json!({
            "server_id": format!("server-{number}"), "server_name": "Ana", "comp_amount": 250, "guest": { "vip": false },
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
    for (kind, name, templates, matching) in [
        (Kind::Threshold, "report", 1, 1),
        (Kind::Threshold, "report", 200, 20),
        (Kind::Everything, "report_all_conditions", 200, 20),
        (Kind::Everything, "report_all_conditions", 200, 0),
    ] {
        let mut state = organisation(kind, templates, matching);
        let mut number = 0;
        let made = run(&mut state, report(1_000_000_000), 1_000_000_000);
        assert_eq!(made, 1 + 2 * matching, "the violation, and an action and a block of every template that matches");
        for (what, is_timed) in [("", [true, false]), ("_digests", [false, true])] {
            group.bench_function(format!("{name}_{templates}_templates_{matching}_match{what}"), |bencher| {
                bencher.iter_custom(|rounds| {
                    let mut spent = Duration::ZERO;
                    for _ in 0..rounds {
                        number += 1;
                        let command = report(number);
                        let begun = Instant::now();
                        black_box(run(&mut state, command, number));
                        let decided = Instant::now();
                        state.catch_up();
                        let parts = [decided - begun, decided.elapsed()];
                        spent += parts
                            .into_iter()
                            .zip(is_timed)
                            .filter(|(_, timed)| *timed)
                            .map(|(part, _)| part)
                            .sum::<Duration>();
                    }
                    spent
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decide_and_apply);
criterion_main!(benches);

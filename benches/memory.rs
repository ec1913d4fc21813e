//! What things weigh, counted at the allocator: the check index and the whole organisation for each block and for each report,
//! and an organisation that does nothing, at growing sizes.
//!
//! Prints bytes as they were asked for; the allocator's own rounding comes on top, an eighth at most. Nothing here is a time.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use action_center::actors::block_index::BlockIndex;
use action_center::domain::actions::ActionType;
use action_center::domain::aggregate::Aggregate;
use action_center::domain::blocks::check::ruling;
use action_center::domain::blocks::place::PlaceBlock;
use action_center::domain::command::Command;
use action_center::domain::decision::Context;
use action_center::domain::ids::{IdSource, OrgId, StreamId};
use action_center::domain::people::Caller;
use action_center::domain::settings::Found;
use action_center::domain::state::TenantState;
use action_center::domain::templates::conditions::Conditions;
use action_center::domain::templates::save::{CreateTemplate, TemplateDraft};
use action_center::domain::templates::{ActionData, Mode};
use action_center::domain::time::Timestamp;
use action_center::domain::violations::Severity;
use action_center::domain::violations::report::{Report, ReportViolation};

const NOW: Timestamp = Timestamp(1_760_000_000_000);
const STREAM: StreamId = StreamId(1);

fn run(state: &mut TenantState, command: Command, seed: u64) {
    let caller = Caller::schedule();
    let mut context = Context { now: NOW, ids: IdSource::new(NOW.0, seed), caller: &caller };
    let decision = Aggregate::decide(state, command, &mut context).expect("the command is taken");
    for event in &decision.events {
        let seq = state.last_seq() + 1;
        state.apply(seq, NOW, event);
    }
}

fn organisation() -> TenantState {
    let mut state = TenantState::empty();
    let org_id = OrgId::parse("bench").expect("a constant id is well formed");
    run(&mut state, Command::Found(Found { org_id, name: "Bench".into(), time_zone: "UTC".into() }), 1);
    let draft = TemplateDraft {
        name: None,
        violation_type: "comp_exception".into(),
        severity: None,
        action_type: ActionType::Block,
        action_target: "system".into(),
        message_template: "{{metadata.server_name}} comped {{metadata.comp_amount}} at {{org_name}}".into(),
        enabled: true,
        mode: Mode::Live,
        conditions: Conditions::default(),
        action_data: ActionData::default(),
    };
    run(&mut state, Command::CreateTemplate(Box::new(CreateTemplate { draft })), 2);
    state
}

fn block(number: u64) -> Command {
    Command::PlaceBlock(Box::new(PlaceBlock {
        block_type: "comp_approval".into(),
        entity_id: format!("server-{number}"),
        entity_type: "employee".into(),
        reason: "Comps wait for review".into(),
        venue_id: None,
        override_required: Some(true),
        override_authority: Some("gm".into()),
        limit: None,
        on_error: None,
        expires_at: None,
        violation_id: None,
    }))
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

fn filled(number: u64, command: impl Fn(u64) -> Command) -> TenantState {
    let mut state = organisation();
    for one in 0..number {
        run(&mut state, command(one), one + 10);
    }
    state
}

fn index(state: &TenantState) -> BlockIndex {
    let index = BlockIndex::default();
    for key in state.blocks.keys() {
        index.put(STREAM, key, ruling(state, key));
    }
    index
}

/// The bytes that the result of this occupies on the heap, without the result itself.
fn weight<T>(make: impl FnOnce() -> T) -> (i64, T) {
    let mut made = None;
    let counted = allocation_counter::measure(|| made = Some(make()));
    (counted.bytes_current, made.expect("it was made"))
}

fn main() {
    let (empty, _organisation) = weight(organisation);
    println!("an organisation with one template: {} bytes", empty + size_of::<TenantState>() as i64);
    println!(
        "{:>10}  {:>22}  {:>24}  {:>24}",
        "number", "check index, B/block", "organisation, B/block", "organisation, B/report"
    );
    for number in [1_000, 10_000, 100_000, 1_000_000_u64] {
        let (with_blocks, state) = weight(|| filled(number, block));
        let (indexed, _index) = weight(|| index(&state));
        drop(state);
        // A report makes a violation, an action and a block.
        let with_reports = if number <= 100_000 { weight(|| filled(number, report)).0 } else { 0 };
        let each = |bytes: i64| bytes / i64::try_from(number).unwrap_or(i64::MAX);
        let reports = if with_reports > 0 { each(with_reports - empty).to_string() } else { "-".into() };
        println!("{number:>10}  {:>22}  {:>24}  {reports:>24}", each(indexed), each(with_blocks - empty));
    }
}

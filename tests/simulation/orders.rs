//! What callers come up with: commands that are likely, some that must be refused, ids of their own and of others.

use action_center::domain::actions::escalation::Escalate;
use action_center::domain::actions::queue::{DismissAction, RecordAttempt, RetryAction};
use action_center::domain::actions::{ActionType, AttemptOutcome};
use action_center::domain::blocks::lift::LiftBlock;
use action_center::domain::blocks::place::{PlaceBlock, Tick};
use action_center::domain::command::Command;
use action_center::domain::ids::{OutsideId, VenueId};
use action_center::domain::organisation::{SettingsDraft, VenueDraft};
use action_center::domain::people::{Authority, Caller, Cause, Held, Via, Who};
use action_center::domain::settings::{ChangeSettings, DeleteVenue, Found, SaveVenue};
use action_center::domain::state::TenantState;
use action_center::domain::suppression::inhibition::{ChangeInhibitions, InhibitionDraft, InhibitionScope};
use action_center::domain::suppression::silences::{AddSilence, EndSilence};
use action_center::domain::templates::conditions::Conditions;
use action_center::domain::templates::save::{CreateTemplate, DeleteTemplate, ReplaceTemplate, TemplateDraft};
use action_center::domain::templates::steps::Step;
use action_center::domain::templates::{ActionData, Limit, Mode};
use action_center::domain::time::{MINUTE_MS, Timestamp};
use action_center::domain::violations::Severity;
use action_center::domain::violations::lifecycle::{
    AcknowledgeViolation, ClearViolations, ResolveViolation, RunTemplates,
};
use action_center::domain::violations::report::{Report, ReportViolation};
use serde_json::json;
use uuid::Uuid;

use crate::dice::Dice;

/// Both organisations have the same venues and people, so that nothing but the stream keeps them apart.
const VENUES: [&str; 2] = ["pier", "quay"];
const ENTITIES: [&str; 3] = ["ana", "bob", "cem"];
const TYPES: [&str; 3] = ["comp_exception", "sales_pace", "cold_fries"];
const RUNGS: [&str; 4] = ["manager", "gm", "vp_ops", "owner"];
/// How many of each kind a caller chooses from: the youngest.
const CHOICE: usize = 40;

/// A command and who gives it.
#[derive(Clone, Debug)]
pub struct Order {
    pub command: Command,
    pub caller: Caller,
}

/// The next order to an organisation whose texts all carry `mark`. `foreign` are ids of the other organisation.
pub fn next(dice: &mut Dice, state: &TenantState, foreign: &[Uuid], mark: &str, now: Timestamp) -> Order {
    if !state.is_founded() {
        return Order { command: Command::Found(found(mark)), caller: Caller::schedule() };
    }
    let mut maker = Maker { dice, state, foreign, mark, now };
    let command = maker.command();
    let caller = maker.caller(&command);
    Order { command, caller }
}

fn found(mark: &str) -> Found {
    let org_id = OutsideId::parse(mark).expect("a mark is an id");
    Found { org_id, name: mark.into(), time_zone: "Europe/Berlin".into() }
}

struct Maker<'a> {
    dice: &'a mut Dice,
    state: &'a TenantState,
    foreign: &'a [Uuid],
    mark: &'a str,
    now: Timestamp,
}

impl Maker<'_> {
    fn command(&mut self) -> Command {
        match self.dice.below(100) {
            0..=27 => self.report(),
            28..=31 => Command::AcknowledgeViolation(AcknowledgeViolation { id: self.violation(), note: None }),
            32..=38 => {
                Command::ResolveViolation(ResolveViolation { id: self.violation(), resolution: self.maybe_text() })
            }
            39..=42 => Command::ClearViolations(self.clear()),
            43..=45 => Command::RunTemplates(RunTemplates { id: self.violation() }),
            46..=50 => Command::CreateTemplate(Box::new(CreateTemplate { draft: self.template() })),
            51..=52 => {
                Command::ReplaceTemplate(Box::new(ReplaceTemplate { id: self.template_id(), draft: self.template() }))
            }
            53 => Command::DeleteTemplate(DeleteTemplate { id: self.template_id() }),
            54..=61 => self.attempt(),
            62..=63 => Command::DismissAction(DismissAction { id: self.action(), reason: None }),
            64..=66 => Command::RetryAction(RetryAction { id: self.action() }),
            67..=76 => Command::PlaceBlock(Box::new(self.place())),
            77..=86 => Command::LiftBlock(LiftBlock { id: self.block(), lift_reason: self.text() }),
            87..=88 => Command::Escalate(Escalate { at_most: 3 }),
            89 => self.suppression(),
            90..=93 => Command::Tick(Tick { at_most: 3 }),
            94..=96 => Command::SaveVenue(self.venue()),
            97 => Command::DeleteVenue(DeleteVenue { venue_id: self.dice.pick(&VENUES).into() }),
            _ => Command::ChangeSettings(self.settings()),
        }
    }

    fn caller(&mut self, command: &Command) -> Caller {
        if matches!(command, Command::Tick(_) | Command::Escalate(_) | Command::RecordAttempt(_)) {
            return Caller::schedule();
        }
        let held = match self.dice.below(7) {
            0 => Held::Nothing,
            1..=3 => Held::Rung(Authority::named(self.dice.pick(&RUNGS))),
            _ => Held::Top,
        };
        let entity = OutsideId::parse(self.dice.pick(&ENTITIES)).expect("an id");
        let who = match self.dice.below(3) {
            0 => Who::Person(entity),
            1 => Who::Key { id: "till".into(), person: None },
            _ => Who::Key { id: "till".into(), person: Some(entity) },
        };
        // What is cleared is foreseen by the judge, who knows no venues.
        let limited = self.dice.chance(20) && !matches!(command, Command::ClearViolations(_));
        let venues = limited.then(|| {
            let venue = VenueId::parse(self.dice.pick(&VENUES)).expect("an id");
            [venue].into()
        });
        Caller { cause: Cause { who, via: Via::Api, request: None }, held, role: None, venues }
    }

    fn report(&mut self) -> Command {
        let given = self.dice.chance(30);
        let report = Report {
            venue_id: self.maybe_venue(),
            violation_type: self.dice.pick(&["comp_exception", "comp_exception", "sales_pace", "cold_fries"]).into(),
            severity: self.dice.pick(&[Severity::Info, Severity::Warning, Severity::Critical]),
            title: self.text(),
            description: self.maybe_text(),
            metadata: self.dice.chance(80).then(|| {
                json!({ "server_id": self.dice.pick(&ENTITIES), "comp_amount": self.dice.below(300), "approver": self.dice.pick(&RUNGS) })
            }),
            source_table: self.dice.chance(50).then(|| "checks".into()),
            source_id: self.dice.chance(80).then(|| format!("row-{}", self.dice.below(6))),
            fingerprint: given.then(|| format!("given-{}", self.dice.below(4))),
            detected_at: self.dice.chance(20).then(|| self.now.plus_ms(-MINUTE_MS)),
            business_date: None,
        };
        Command::ReportViolation(Box::new(ReportViolation { report, apply_templates: self.dice.chance(90) }))
    }

    fn clear(&mut self) -> ClearViolations {
        if self.dice.chance(40) {
            return ClearViolations::Fingerprint(format!("given-{}", self.dice.below(4)));
        }
        ClearViolations::Source {
            source_table: self.dice.chance(50).then(|| "checks".into()),
            source_id: format!("row-{}", self.dice.below(6)),
        }
    }

    fn template(&mut self) -> TemplateDraft {
        let (action_type, targets): (_, &[&str]) = match self.dice.below(5) {
            4 => (ActionType::Escalate, &["manager", "gm", "{{approver}}"]),
            0 => (ActionType::Alert, &["gm@harbour.example", "user:{{server_id}}", "{{nobody}}", "role:gm"]),
            1 | 2 => (ActionType::Block, &["system", "pos", "webhook:e1"]),
            _ => (ActionType::RequireOverride, &["gm", "owner", "{{approver}}"]),
        };
        let (counts, steps) = (self.dice.chance(20), self.dice.chance(15));
        TemplateDraft {
            name: None,
            violation_type: self.dice.pick(&["comp_exception", "comp_exception", "sales_pace"]).into(),
            severity: self.dice.chance(20).then_some(Severity::Critical),
            action_type,
            action_target: self.dice.pick(targets).into(),
            message_template: format!("{{{{title}}}} {} {{{{org_name}}}}", self.text()),
            enabled: self.dice.chance(90),
            mode: if self.dice.chance(15) { Mode::Shadow } else { Mode::Live },
            conditions: Conditions {
                min_threshold: self.dice.chance(30).then_some(100.0),
                venue_ids: self.dice.chance(20).then(|| vec![self.dice.pick(&VENUES).into()]),
                occurrences_at_least: counts.then_some(2),
                within_days: counts.then_some(7),
                when: self.dice.chance(20).then(|| "severity != 'info' && measure > 50".into()),
                repeat_after_minutes: self.dice.chance(20).then_some(5),
                cooldown_minutes: self.dice.chance(15).then_some(30),
                ..Conditions::default()
            },
            action_data: ActionData {
                steps: steps.then(|| vec![told(), told()]),
                within_days: steps.then_some(3),
                limit: self.dice.chance(20).then(|| Limit { amount: self.dice.below(100).into() }),
                expires_after_minutes: self.dice.chance(30).then(|| self.dice.pick(&[1, 30, 600])),
                auto_lift_on_resolve: self.dice.chance(20).then_some(false),
                after_minutes: self.dice.chance(60).then(|| self.dice.pick(&[1, 30])),
                remind_after_minutes: self.dice.chance(50).then_some(1),
                ladder: self.dice.chance(20).then(|| ["gm", "owner"].map(Authority::named).to_vec()),
                ..ActionData::default()
            },
        }
    }

    fn suppression(&mut self) -> Command {
        match self.dice.below(4) {
            0 => {
                let drafts = (0..self.dice.below(3)).map(|_| self.inhibition()).collect();
                Command::ChangeInhibitions(ChangeInhibitions { drafts })
            }
            1 => {
                let silences: Vec<Uuid> =
                    self.state.silences.before(u64::MAX, self.now).iter().map(|one| one.id).collect();
                Command::EndSilence(EndSilence { id: self.own_or_foreign(&silences) })
            }
            _ => Command::AddSilence(Box::new(AddSilence {
                violation_type: self.dice.chance(50).then(|| self.dice.pick(&TYPES).into()),
                venue_id: self.maybe_venue(),
                entity_id: self.dice.chance(30).then(|| self.dice.pick(&ENTITIES).into()),
                until: self.now.plus_ms(self.dice.pick(&[1, 30, 600, -5]) * MINUTE_MS),
                reason: self.text(),
            })),
        }
    }

    fn inhibition(&mut self) -> InhibitionDraft {
        InhibitionDraft {
            source_type: self.dice.pick(&TYPES).into(),
            target_types: vec![self.dice.pick(&TYPES).into()],
            scope: self.dice.pick(&[InhibitionScope::Venue, InhibitionScope::Entity]),
        }
    }

    fn attempt(&mut self) -> Command {
        let due: Vec<Uuid> = self.state.actions.by_due().take(CHOICE).map(|action| action.id).collect();
        let id = match self.dice.one_of(&due) {
            Some(id) if self.dice.chance(80) => *id,
            _ => self.action(),
        };
        let outcome = self.dice.pick(&[AttemptOutcome::Delivered, AttemptOutcome::Retry, AttemptOutcome::Refused]);
        Command::RecordAttempt(RecordAttempt { id, step: None, outcome, detail: self.text(), asked_ms: None })
    }

    fn place(&mut self) -> PlaceBlock {
        PlaceBlock {
            block_type: self.dice.pick(&["comp_approval", "section_opening"]).into(),
            entity_id: self.dice.pick(&ENTITIES).into(),
            entity_type: "employee".into(),
            reason: self.text(),
            venue_id: self.maybe_venue(),
            override_required: self.dice.chance(30).then(|| self.dice.chance(50)),
            override_authority: self.dice.chance(50).then(|| self.dice.pick(&RUNGS).into()),
            limit: self.dice.chance(20).then(|| self.dice.below(100).into()),
            on_error: None,
            expires_at: self.dice.chance(40).then(|| self.now.plus_ms(self.dice.pick(&[1, 30, 600, -5]) * MINUTE_MS)),
            violation_id: self.dice.chance(40).then(|| self.violation()),
        }
    }

    fn venue(&mut self) -> SaveVenue {
        let draft = VenueDraft {
            name: self.text(),
            time_zone: self.dice.pick(&["Europe/Berlin", "America/Los_Angeles"]).into(),
            business_day_starts: None,
            contacts: None,
        };
        SaveVenue { venue_id: self.dice.pick(&VENUES).into(), draft }
    }

    fn settings(&mut self) -> ChangeSettings {
        let ladder = self.dice.pick(&[&RUNGS[..], &["owner", "gm", "manager", "vp_ops"], &["gm", "owner"]]);
        let ladder = ladder.iter().map(ToString::to_string).collect();
        ChangeSettings { draft: SettingsDraft { authority_ladder: Some(ladder), ..SettingsDraft::default() } }
    }

    fn text(&mut self) -> String {
        format!("{} says {}", self.mark, self.dice.below(1_000))
    }

    fn maybe_text(&mut self) -> Option<String> {
        self.dice.chance(50).then(|| self.text())
    }

    fn maybe_venue(&mut self) -> Option<String> {
        self.dice.chance(60).then(|| self.dice.pick(&VENUES).into())
    }

    fn violation(&mut self) -> Uuid {
        let open: Vec<Uuid> = self.state.violations.open_before(u64::MAX).take(CHOICE).map(|one| one.id).collect();
        let all: Vec<Uuid> = self.state.actions.before(u64::MAX).take(CHOICE).map(|one| one.violation_id).collect();
        let from = if self.dice.chance(80) { open } else { all };
        self.own_or_foreign(&from)
    }

    fn action(&mut self) -> Uuid {
        let all: Vec<Uuid> = self.state.actions.before(u64::MAX).take(CHOICE).map(|one| one.id).collect();
        self.own_or_foreign(&all)
    }

    fn block(&mut self) -> Uuid {
        let all: Vec<Uuid> = self.state.blocks.before(u64::MAX).take(CHOICE).map(|one| one.id).collect();
        self.own_or_foreign(&all)
    }

    fn template_id(&mut self) -> Uuid {
        let all: Vec<Uuid> = self.state.templates.after(0).map(|one| one.id).collect();
        self.own_or_foreign(&all)
    }

    fn own_or_foreign(&mut self, own: &[Uuid]) -> Uuid {
        let from = if self.dice.chance(5) { self.foreign } else { own };
        self.dice.one_of(from).copied().unwrap_or_default()
    }
}

/// A step of a template: a word to the GM.
fn told() -> Step {
    Step {
        action_type: ActionType::Alert,
        action_target: Some("gm@harbour.example".into()),
        message_template: None,
        action_data: None,
    }
}

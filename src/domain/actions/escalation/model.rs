//! Histories of reports, acknowledgements, ends, silences and attempts, compared step by step with a model that knows no events,
//! no indexes and no queue: a list of incidents that is looked through from the start every time.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, AttemptOutcome, ExecutionStatus};
use crate::domain::blocks::place::Tick;
use crate::domain::decision::Answer;
use crate::domain::suppression::silences::{AddSilence, EndSilence};
use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{Tenant, acknowledge, attempt, comp, escalate, escalating, resolve, tenant};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::violations::lifecycle::ClearViolations;
use crate::domain::violations::report::Report;
use crate::domain::violations::{Ending, Violation};
use uuid::Uuid;

const RUNGS: usize = 3;
const AFTER: i64 = 30;
const QUIET: i64 = 120;
const TRIES: u32 = 9;

#[derive(Clone, Copy, Debug)]
enum Step {
    Report(usize),
    Acknowledge(usize),
    Resolve(usize),
    Clear(usize),
    Silence(i64),
    EndSilences,
    Later(i64),
    Attempt(usize, AttemptOutcome),
    Escalate,
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome =
        prop_oneof![Just(AttemptOutcome::Delivered), Just(AttemptOutcome::Retry), Just(AttemptOutcome::Refused)];
    prop_oneof![
        6 => (0_usize..3).prop_map(Step::Report),
        2 => (0_usize..8).prop_map(Step::Acknowledge),
        1 => (0_usize..8).prop_map(Step::Resolve),
        2 => (0_usize..3).prop_map(Step::Clear),
        1 => (1_i64..90).prop_map(Step::Silence),
        1 => Just(Step::EndSilences),
        6 => prop_oneof![Just(1_i64), Just(10), Just(29), Just(30), Just(31), Just(119), Just(120), Just(121)].prop_map(Step::Later),
        8 => ((0_usize..8), outcome).prop_map(|(at, outcome)| Step::Attempt(at, outcome)),
        4 => Just(Step::Escalate),
        2 => Just(Step::Tick),
    ]
}

/// A rung as the model remembers it.
#[derive(Clone, Debug, Default)]
struct Rung {
    told: bool,
    over: bool,
    tries: u32,
}

#[derive(Clone, Debug)]
struct Incident {
    source: usize,
    last: i64,
    acknowledged: bool,
    end: Option<(Ending, i64)>,
    held_back: bool,
    status: ExecutionStatus,
    ended_by_end: bool,
    rungs: Vec<Rung>,
    turn: Option<i64>,
    notices: usize,
}

#[derive(Default)]
struct Model {
    now: i64,
    silent_until: Vec<i64>,
    incidents: Vec<Incident>,
}

impl Incident {
    fn runs(&self) -> bool {
        self.status == ExecutionStatus::Pending
    }

    fn told(&self) -> usize {
        self.rungs.iter().filter(|rung| rung.told).count()
    }

    fn awaits_attempt(&self) -> bool {
        self.runs() && self.rungs.last().is_some_and(|rung| !rung.told && !rung.over)
    }

    fn climb(&mut self) {
        if let Some(rung) = self.rungs.last_mut() {
            rung.over = true;
        }
        self.turn = None;
        self.rungs.push(Rung::default());
    }

    fn stop(&mut self) {
        if self.runs() {
            self.status = if self.told() > 0 { ExecutionStatus::Delivered } else { ExecutionStatus::Dismissed };
            self.turn = None;
        }
    }

    fn end(&mut self, how: Ending, now: i64) {
        self.end = Some((how, now));
        self.ended_by_end = self.runs();
        self.stop();
        self.notices += self.told();
    }

    fn attempt(&mut self, outcome: AttemptOutcome, now: i64) {
        let top = self.rungs.len() == RUNGS;
        let Some(rung) = self.rungs.last_mut() else { return };
        let lost = match outcome {
            AttemptOutcome::Delivered => false,
            AttemptOutcome::Refused => true,
            AttemptOutcome::Retry => {
                rung.tries += 1;
                rung.tries == TRIES
            }
        };
        rung.told = outcome == AttemptOutcome::Delivered;
        match (lost, top, rung.told) {
            (true, true, _) => self.status = ExecutionStatus::Failed,
            (true, false, _) => self.climb(),
            (false, true, true) => self.status = ExecutionStatus::Delivered,
            (false, false, _) => self.turn = self.turn.or(Some(now + AFTER)),
            (false, true, false) => {}
        }
    }
}

impl Model {
    fn report(&mut self, source: usize) {
        let now = self.now;
        let silent = self.silent_until.iter().any(|until| *until > now);
        if let Some(last) = self.incidents.iter_mut().rev().find(|one| one.source == source) {
            match last.end {
                None => {
                    last.last = now;
                    return;
                }
                Some((Ending::Cleared | Ending::Quiet, at)) if now <= at + QUIET => {
                    last.end = None;
                    last.last = now;
                    if last.ended_by_end && !last.acknowledged && !silent {
                        last.status = ExecutionStatus::Pending;
                        let told = last.rungs.last().is_some_and(|rung| rung.told) && last.rungs.len() < RUNGS;
                        if told {
                            last.turn = Some(now + AFTER);
                        } else if let Some(rung) = last.rungs.last_mut() {
                            *rung = Rung { told: rung.told, ..Rung::default() };
                        }
                    }
                    last.ended_by_end = false;
                    return;
                }
                Some(_) => {}
            }
        }
        self.incidents.push(Incident {
            source,
            last: now,
            acknowledged: false,
            end: None,
            held_back: silent,
            status: if silent { ExecutionStatus::Dismissed } else { ExecutionStatus::Pending },
            ended_by_end: false,
            rungs: vec![Rung::default()],
            turn: None,
            notices: 0,
        });
    }
}

fn report(source: usize) -> Report {
    Report { violation_type: "sales_pace".into(), source_id: Some(format!("row-{source}")), metadata: None, ..comp() }
}

fn incidents(tenant: &Tenant) -> Vec<Uuid> {
    let mut all: Vec<&Violation> = tenant.state.violations.iter().collect();
    all.sort_by_key(|one| one.seq);
    all.into_iter().map(|one| one.id).collect()
}

fn escalation_of(tenant: &Tenant, violation: &Violation) -> Action {
    let own = violation.actions.iter().filter_map(|id| tenant.state.actions.get(id));
    own.into_iter().find(|one| one.action_type == ActionType::Escalate).cloned().expect("an escalation")
}

fn minutes(at: Timestamp, from: Timestamp) -> i64 {
    (at.0 - from.0) / MINUTE_MS
}

fn take(step: Step, tenant: &mut Tenant, model: &mut Model) {
    let ids = incidents(tenant);
    let open = |at: usize, model: &Model| model.incidents.get(at).is_some_and(|one| one.end.is_none());
    match step {
        Step::Report(source) => {
            tenant.report(report(source));
            model.report(source);
        }
        Step::Acknowledge(at) if open(at, model) => {
            tenant.run(acknowledge(ids[at]));
            model.incidents[at].acknowledged = true;
            model.incidents[at].stop();
        }
        Step::Resolve(at) if open(at, model) => {
            tenant.run(resolve(ids[at]));
            let now = model.now;
            model.incidents[at].end(Ending::Resolved, now);
        }
        Step::Clear(source) => {
            tenant.run(ClearViolations::Source { source_table: None, source_id: format!("row-{source}") });
            let now = model.now;
            let open = model.incidents.iter_mut().filter(|one| one.source == source && one.end.is_none());
            open.for_each(|one| one.end(Ending::Cleared, now));
        }
        Step::Silence(length) => {
            let until = tenant.now.plus_ms(length * MINUTE_MS);
            let named = Some("sales_pace".into());
            let silence =
                AddSilence { violation_type: named, venue_id: None, entity_id: None, until, reason: "known".into() };
            tenant.run(silence);
            model.silent_until.push(model.now + length);
        }
        Step::EndSilences => {
            let all: Vec<Uuid> = tenant.state.silences.before(u64::MAX, tenant.now).iter().map(|one| one.id).collect();
            all.into_iter().for_each(|id| drop(tenant.run(EndSilence { id })));
            model.silent_until.clear();
        }
        Step::Later(length) => {
            tenant.later_minutes(length);
            model.now += length;
        }
        Step::Attempt(at, outcome) if model.incidents.get(at).is_some_and(Incident::awaits_attempt) => {
            let action = escalation_of(tenant, tenant.violation(ids[at]));
            tenant.run(attempt(action.id, outcome));
            let now = model.now;
            model.incidents[at].attempt(outcome, now);
        }
        Step::Escalate => {
            let (now, mut climbed) = (model.now, 0);
            for one in model.incidents.iter_mut().filter(|one| one.runs() && one.turn.is_some_and(|turn| turn <= now)) {
                one.climb();
                climbed += 1;
            }
            assert_eq!(tenant.run(escalate()), Answer::Escalated { escalated: climbed, reminded: 0 });
        }
        Step::Tick => {
            tenant.run(Tick { at_most: 100 });
            let now = model.now;
            let quiet = model.incidents.iter_mut().filter(|one| one.end.is_none() && now >= one.last + QUIET);
            quiet.for_each(|one| one.end(Ending::Quiet, now));
        }
        Step::Acknowledge(_) | Step::Resolve(_) | Step::Attempt(..) => {}
    }
}

fn compare(tenant: &Tenant, model: &Model, born: Timestamp) -> Result<(), TestCaseError> {
    let ids = incidents(tenant);
    prop_assert_eq!(ids.len(), model.incidents.len());
    for (id, expected) in ids.iter().zip(&model.incidents) {
        let violation = tenant.violation(*id);
        prop_assert_eq!(violation.ending, expected.end.map(|(how, _)| how));
        prop_assert_eq!(violation.acknowledged.is_some(), expected.acknowledged);
        let action = escalation_of(tenant, violation);
        let escalation = action.escalation.as_ref().expect("it has a ladder");
        prop_assert_eq!(action.status, expected.status, "{:?} {:?}", action, expected);
        prop_assert_eq!(action.suppressed.is_some(), expected.held_back);
        prop_assert_eq!(escalation.steps.len(), expected.rungs.len());
        prop_assert_eq!(escalation.told().count(), expected.told());
        prop_assert_eq!(escalation.next_at.map(|at| minutes(at, born)), expected.turn);
        prop_assert_eq!(action.due().is_some(), expected.awaits_attempt());
        let own = violation.actions.iter().filter_map(|id| tenant.state.actions.get(id));
        let notices: Vec<&Action> = own.filter(|one| one.notice == Some(NoticeKind::Resolved)).collect();
        prop_assert_eq!(notices.len(), expected.notices);
        let waits = notices.iter().filter(|one| one.is_pending()).count();
        prop_assert_eq!(waits, if expected.end.is_some() { expected.told() } else { 0 });
    }
    let first = model.incidents.iter().filter(|one| one.runs()).filter_map(|one| one.turn).min();
    prop_assert_eq!(tenant.state.actions.next_turn().map(|at| minutes(at, born)), first);
    let quiet = model.incidents.iter().filter(|one| one.end.is_none()).map(|one| one.last + QUIET).min();
    prop_assert_eq!(tenant.state.next_tick().map(|at| minutes(at, born)), quiet);
    Ok(())
}

proptest! {
    #[test]
    fn histories_of_escalations_silences_and_ends_are_those_of_the_model(steps in vec(step(), 1..80)) {
        let template = TemplateDraft { violation_type: "sales_pace".into(), ..escalating("gm") };
        let mut tenant = tenant().with_template(template);
        let (mut model, born) = (Model::default(), tenant.now);
        for step in steps {
            take(step, &mut tenant, &mut model);
            compare(&tenant, &model, born)?;
        }
    }
}

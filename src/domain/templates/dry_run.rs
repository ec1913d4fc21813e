//! What the templates would make of a violation, without making it.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::conditions::facts::{Facts, Occasion};
use super::conditions::unmet::{Unmet, unmet};
use super::plan::{comes_back, make, stands_already};
use super::rule::Rule;
use super::{Mode, Template};
use crate::domain::actions::Action;
use crate::domain::blocks::Block;
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::state::TenantState;
use crate::domain::suppression::Muting;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::view::shapes::{self, ActionView, BlockView};
use crate::domain::violations::reopen;
use crate::domain::violations::report::{Again, Report, check, repeat_of};

/// A question: what would become of this report?
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The report.
    pub report: Report,
    /// Templates to try instead of the stored ones; at most 100.
    pub templates: Option<Vec<TemplateDraft>>,
}

/// A template that would do nothing, and why.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Unmatched {
    pub template_id: Uuid,
    pub name: Option<String>,
    /// The condition that does not hold, then the reason.
    pub because: String,
}

/// A template that would act, and why.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Matched {
    pub template_id: Uuid,
    pub name: Option<String>,
    pub mode: Mode,
    /// Which of its steps, from 1.
    pub step: Option<u32>,
    /// The conditions that hold.
    pub because: String,
}

/// The answer to a dry run. Nothing of it exists.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct DryRunView<'a> {
    pub actions: Vec<ActionView<'a>>,
    pub blocks: Vec<BlockView<'a>>,
    /// What templates on trial would write down; it would not be done.
    pub shadow: Vec<ActionView<'a>>,
    pub matched: Vec<Matched>,
    pub unmatched: Vec<Unmatched>,
}

/// What came of trying the templates.
#[derive(Default)]
struct Tried {
    actions: Vec<Action>,
    blocks: Vec<Block>,
    shadow: Vec<Action>,
    matched: Vec<Matched>,
    unmatched: Vec<Unmatched>,
}

impl DryRun {
    /// Tries it, with everything that happened so far, and gives the answer as JSON.
    ///
    /// # Errors
    /// Those of a report, below `/violation`, and of templates that cannot be saved, below `/templates/INDEX`.
    pub fn run(self, state: &TenantState, context: &mut Context<'_>) -> Result<Vec<u8>, Rejection> {
        let checked = check(self.report, state, context).map_err(|rejection| within("/violation", rejection))?;
        let drafts = self.templates.map(|drafts| drafted(drafts, state, context)).transpose()?;
        let fingerprint = &checked.violation.fingerprint;
        let open = state.violations.open_with(fingerprint);
        let found = open.or_else(|| reopen::candidate(fingerprint, state, context));
        if found.is_some_and(|one| !context.caller.reaches(one.venue_id.as_ref())) {
            return Err(Rejection::VenueNotAllowed);
        }
        let again = found.map(|one| Again::of(one, &repeat_of(one, &checked.violation, state, context.now)));
        let back = match (found, &again) {
            (Some(ended), Some(again)) if !ended.is_open() => {
                reopen::brought_back(ended, &again.violation, state, context)
            }
            _ => Vec::new(),
        };
        let (violation, metadata, occasion) = match &again {
            Some(again) => (&again.violation, &again.metadata, again.occasion),
            None => (&checked.violation, &checked.metadata, Occasion::New),
        };
        let profile = state.profile(&violation.violation_type);
        let facts = Facts::new(violation, metadata, profile, state, context.now, occasion);
        let mut tried = Tried::default();
        match &drafts {
            Some(drafts) => drafts.iter().for_each(|rule| tried.take(rule, &facts, &back, context)),
            None => state.templates.rules().for_each(|rule| tried.take(rule, &facts, &back, context)),
        }
        let org_id = state.organisation().org_id.as_str();
        let view = DryRunView {
            actions: tried.actions.iter().map(shapes::action).collect(),
            blocks: tried.blocks.iter().map(|block| shapes::block(org_id, block)).collect(),
            shadow: tried.shadow.iter().map(shapes::action).collect(),
            matched: tried.matched,
            unmatched: tried.unmatched,
        };
        Ok(serde_json::to_vec(&view).unwrap_or_else(|_| Value::Null.to_string().into_bytes()))
    }
}

impl Tried {
    fn take(&mut self, rule: &Rule, facts: &Facts<'_>, back: &[Event], context: &mut Context<'_>) {
        let (template_id, name) = (rule.template.id, rule.template.name.as_ref().map(ToString::to_string));
        let came_back = || comes_back(&rule.template, back, facts.state).then_some(Unmet::CameBack);
        if let Some(unmet) = unmet(rule, facts).or_else(came_back) {
            self.unmatched.push(Unmatched { template_id, name, because: unmet.to_string() });
            return;
        }
        let acting = rule.acting(facts);
        let template = acting.template;
        let mut made = make(acting, facts, context);
        if template.mode == Mode::Live {
            Muting::of(facts.violation, facts.state, facts.now).hold_back(&mut made);
        }
        let (mode, step) = (template.mode, template.action_data.step);
        self.matched.push(Matched { template_id, name, mode, step, because: holding(&rule.template) });
        match mode {
            Mode::Shadow => self.shadow.push(made.action),
            Mode::Live => {
                let (of, state) = (facts.violation, facts.state);
                self.actions.push(made.action);
                self.blocks.extend(made.block.filter(|block| !stands_already(block, of, back, state, context)));
            }
        }
    }
}

/// The names of the conditions of a template that holds.
fn holding(template: &Template) -> String {
    let conditions = serde_json::to_value(&template.conditions).unwrap_or(Value::Null);
    let severity = template.severity.map(|_| "severity");
    let names = conditions.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str);
    let all: Vec<&str> = ["enabled", "violation_type"].into_iter().chain(severity).chain(names).collect();
    format!("all hold: {}", all.join(", "))
}

fn drafted(drafts: Vec<TemplateDraft>, state: &TenantState, context: &mut Context<'_>) -> Result<Vec<Rule>, Rejection> {
    if drafts.len() > 100 {
        return Err(Rejection::LimitReached { what: "templates in a dry run", limit: 100 });
    }
    let drafts = drafts.into_iter().enumerate();
    drafts
        .map(|(index, draft)| {
            let id = context.ids.next_id();
            let checked = draft.checked(id, 0, 1, state, context);
            checked.map(Rule::of).map_err(|rejection| within(&format!("/templates/{index}"), rejection))
        })
        .collect()
}

/// A refusal of a part, with its place in the whole.
fn within(place: &str, rejection: Rejection) -> Rejection {
    let deeper = |fault: Fault| Fault::new(format!("{place}{}", fault.pointer), fault.detail);
    match rejection {
        Rejection::Invalid(faults) => Rejection::Invalid(faults.into_iter().map(deeper).collect()),
        other => other,
    }
}

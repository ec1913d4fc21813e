//! Saving templates: what cannot work is refused here, not when a violation comes.

use uuid::Uuid;

use super::conditions::{self, Conditions};
use super::steps::STEPS_MAX;
use super::target::Target;
use super::{ActionData, Mode, Template, render};
use crate::domain::actions::ActionType;
use crate::domain::actions::escalation::RUNGS_MAX;
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::organisation::Organisation;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::violations::{Severity, ViolationType};

/// The most templates of one organisation.
pub const TEMPLATES_MAX: usize = 2_000;
/// The most templates of one violation type: as many actions a single report can make.
pub const TEMPLATES_OF_TYPE_MAX: usize = 250;

/// What a template is to be.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TemplateDraft {
    pub name: Option<String>,
    pub violation_type: String,
    pub severity: Option<Severity>,
    pub action_type: ActionType,
    pub action_target: String,
    pub message_template: String,
    pub enabled: bool,
    pub mode: Mode,
    pub conditions: Conditions,
    pub action_data: ActionData,
}

impl TemplateDraft {
    /// The template as it will be stored.
    ///
    /// # Errors
    /// [`Rejection::Invalid`], [`Rejection::UnknownVenue`].
    pub fn checked(
        self,
        id: Uuid,
        seq: u64,
        version: u32,
        state: &TenantState,
        context: &Context<'_>,
    ) -> Result<Template, Rejection> {
        let organisation = state.organisation();
        let mut faults = Faults::default();
        let violation_type = faults.take("/violation_type", ViolationType::parse(&self.violation_type));
        faults.text("/name", self.name.as_deref(), 200);
        check_type(&mut faults, "/action_type", self.action_type);
        check_target(&mut faults, "/action_target", self.action_type, &self.action_target, organisation);
        check_message(&mut faults, "/message_template", &self.message_template);
        self.conditions.check(&mut faults);
        check_action_data(&mut faults, "/action_data", &self.action_data, organisation);
        check_timing(&mut faults, "/action_data", self.action_type, &self.action_data);
        self.check_steps(&mut faults, organisation);
        faults.done()?;
        for venue in self.conditions.venue_ids.iter().flatten() {
            let known = OutsideId::parse(venue).is_ok_and(|id| state.venue(&id).is_some());
            if !known {
                return Err(Rejection::UnknownVenue { pointer: "/conditions/venue_ids" });
            }
        }
        let Some(violation_type) = violation_type else {
            return Err(Rejection::invalid("/violation_type", "is missing"));
        };
        Ok(Template {
            id,
            seq,
            name: self.name.map(Into::into),
            violation_type,
            severity: self.severity,
            action_type: self.action_type,
            action_target: self.action_target.into(),
            message_template: self.message_template.into(),
            enabled: self.enabled,
            mode: self.mode,
            conditions: self.conditions,
            action_data: self.action_data.into(),
            version,
            changed_at: context.now,
            changed_by: context.label(),
        })
    }

    /// Notes what is wrong with the steps, each checked like a template of its own.
    fn check_steps(&self, faults: &mut Faults, organisation: &Organisation) {
        let data = &self.action_data;
        conditions::check_days(faults, "/action_data/within_days", data.within_days);
        faults.expect(data.step.is_none(), "/action_data/step", "is of actions, not of templates");
        let Some(steps) = &data.steps else {
            faults.expect(data.within_days.is_none(), "/action_data/within_days", "is of `steps`, and there are none");
            return;
        };
        let fits = (1..=STEPS_MAX).contains(&steps.len());
        faults.expect(fits, "/action_data/steps", "does not have 1 to 20 steps");
        let days = data.within_days.or(self.conditions.within_days).is_some();
        faults.expect(days, "/action_data/within_days", "is missing: within how many days do steps count?");
        for (index, step) in steps.iter().take(STEPS_MAX).enumerate() {
            let at = format!("/action_data/steps/{index}");
            check_type(faults, &format!("{at}/action_type"), step.action_type);
            let target = step.action_target.as_ref().unwrap_or(&self.action_target);
            let pointer = if step.action_target.is_some() { format!("{at}/action_target") } else { at.clone() };
            check_target(faults, &pointer, step.action_type, target, organisation);
            if let Some(message) = &step.message_template {
                check_message(faults, &format!("{at}/message_template"), message);
            }
            if let Some(own) = &step.action_data {
                check_action_data(faults, &format!("{at}/action_data"), own, organisation);
                check_timing(faults, &format!("{at}/action_data"), step.action_type, own);
                let plain = own.steps.is_none() && own.within_days.is_none() && own.step.is_none();
                faults.expect(plain, &format!("{at}/action_data"), "has steps of its own");
            }
        }
    }
}

fn check_type(faults: &mut Faults, pointer: &str, action_type: ActionType) {
    faults.expect(action_type != ActionType::Notice, pointer, "is made by the server alone");
}

fn check_message(faults: &mut Faults, pointer: &str, message: &str) {
    faults.text(pointer, Some(message), 4_000);
    if let Err(detail) = render::parse(message) {
        faults.add(pointer, detail);
    }
}

fn check_target(
    faults: &mut Faults,
    pointer: &str,
    action_type: ActionType,
    target: &str,
    organisation: &Organisation,
) {
    faults.text(pointer, Some(target), 1_000);
    match render::parse(target) {
        Err(detail) => faults.add(pointer, detail),
        Ok(pieces) if pieces.iter().any(|piece| matches!(piece, render::Piece::Variable(_))) => {}
        Ok(_) => {
            if let Err(detail) = Target::parse(action_type, target, organisation) {
                faults.add(pointer, detail);
            }
        }
    }
}

fn check_action_data(faults: &mut Faults, at: &str, data: &ActionData, organisation: &Organisation) {
    let id = |faults: &mut Faults, name: &str, text: Option<&String>| {
        text.and_then(|text| faults.take(&format!("{at}/{name}"), OutsideId::parse(text)));
    };
    id(faults, "block_type", data.block_type.as_ref());
    id(faults, "entity_type", data.entity_type.as_ref());
    if let Some(path) = &data.entity {
        let known = path == "venue_id" || path.strip_prefix("metadata.").is_some_and(|rest| !rest.is_empty());
        faults.expect(known && path.len() <= 200, &format!("{at}/entity"), "is not `venue_id` or `metadata.PATH`");
    }
    let rungs = data.override_authority.iter().chain(data.ladder.iter().flatten());
    for rung in rungs.filter(|rung| organisation.rank(rung).is_none()) {
        faults.add(at, format!("names `{rung}`, which is not on the organisation's authority ladder"));
    }
    let limit = data.limit.is_none_or(|limit| !limit.amount.is_sign_negative());
    faults.expect(limit, &format!("{at}/limit/amount"), "is below 0");
    let minutes = [
        ("expires_after_minutes", data.expires_after_minutes),
        ("after_minutes", data.after_minutes),
        ("remind_after_minutes", data.remind_after_minutes),
        ("delay_minutes", data.delay_minutes),
    ];
    for (name, minutes) in minutes {
        let fits = minutes.is_none_or(|minutes| (1..=525_600).contains(&minutes));
        faults.expect(fits, &format!("{at}/{name}"), "is not between 1 and 525600 (a year)");
    }
}

/// What waits must be something that can: a block holds at once, and only an escalation has rungs.
fn check_timing(faults: &mut Faults, at: &str, action_type: ActionType, data: &ActionData) {
    if let Some(ladder) = &data.ladder {
        let fits = (1..=RUNGS_MAX).contains(&ladder.len());
        faults.expect(fits, &format!("{at}/ladder"), "does not have 1 to 16 rungs");
        let twice = ladder.iter().enumerate().any(|(place, rung)| ladder[..place].contains(rung));
        faults.expect(!twice, &format!("{at}/ladder"), "names a rung twice");
    }
    let places = matches!(action_type, ActionType::Block | ActionType::RequireOverride);
    let waits = places && data.delay_minutes.is_some();
    faults.expect(!waits, &format!("{at}/delay_minutes"), "is for messages: a block holds as soon as it is reported");
}

/// Makes a template.
#[derive(Clone, Debug)]
pub struct CreateTemplate {
    /// What it is to be.
    pub draft: TemplateDraft,
}

impl CreateTemplate {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        if state.templates.len() >= TEMPLATES_MAX {
            return Err(Rejection::LimitReached { what: "templates", limit: TEMPLATES_MAX });
        }
        let id = context.ids.next_id();
        let template = self.draft.checked(id, 0, 1, state, context)?;
        if state.templates.for_type(&template.violation_type).count() >= TEMPLATES_OF_TYPE_MAX {
            return Err(Rejection::LimitReached {
                what: "templates for one violation type",
                limit: TEMPLATES_OF_TYPE_MAX,
            });
        }
        Ok(Decision { events: vec![Event::TemplateSaved(Box::new(template))], answer: Answer::TemplateMade(id) })
    }
}

/// Replaces a template by a new version. Actions that exist keep theirs.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ReplaceTemplate {
    pub id: Uuid,
    pub draft: TemplateDraft,
}

impl ReplaceTemplate {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let old = state.templates.get(&self.id).ok_or(Rejection::NotFound)?;
        let template = self.draft.checked(self.id, old.seq, old.version.saturating_add(1), state, context)?;
        Ok(Decision { events: vec![Event::TemplateSaved(Box::new(template))], answer: Answer::Template(self.id) })
    }
}

/// Ends a template. What it made stays.
#[derive(Clone, Debug)]
pub struct DeleteTemplate {
    /// The template.
    pub id: Uuid,
}

impl DeleteTemplate {
    /// Decides.
    pub fn decide(self, state: &TenantState, _context: &Context<'_>) -> Result<Decision, Rejection> {
        state.templates.get(&self.id).ok_or(Rejection::NotFound)?;
        Ok(Decision { events: vec![Event::TemplateDeleted { id: self.id }], answer: Answer::Nothing })
    }
}

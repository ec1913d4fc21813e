//! Saving templates: what cannot work is refused here, not when a violation comes.

use uuid::Uuid;

use super::conditions::Conditions;
use super::target::Target;
use super::{ActionData, Template, render};
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
        faults.text("/action_target", Some(&self.action_target), 1_000);
        faults.text("/message_template", Some(&self.message_template), 4_000);
        check_target(&mut faults, self.action_type, &self.action_target, organisation);
        if let Err(detail) = render::parse(&self.message_template) {
            faults.add("/message_template", detail);
        }
        self.conditions.check(&mut faults);
        check_action_data(&mut faults, self.action_type, &self.action_data, organisation);
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
            conditions: self.conditions,
            action_data: self.action_data,
            version,
            changed_at: context.now,
            changed_by: context.label(),
        })
    }
}

fn check_target(faults: &mut Faults, action_type: ActionType, target: &str, organisation: &Organisation) {
    match render::parse(target) {
        Err(detail) => faults.add("/action_target", detail),
        Ok(pieces) if pieces.iter().any(|piece| matches!(piece, render::Piece::Variable(_))) => {}
        Ok(_) => {
            if let Err(detail) = Target::parse(action_type, target, organisation) {
                faults.add("/action_target", detail);
            }
        }
    }
}

fn check_action_data(faults: &mut Faults, action_type: ActionType, data: &ActionData, organisation: &Organisation) {
    check_timing(faults, action_type, data);
    let id = |faults: &mut Faults, pointer: &str, text: Option<&String>| {
        text.and_then(|text| faults.take(pointer, OutsideId::parse(text)));
    };
    id(faults, "/action_data/block_type", data.block_type.as_ref());
    id(faults, "/action_data/entity_type", data.entity_type.as_ref());
    if let Some(path) = &data.entity {
        let known = path == "venue_id" || path.strip_prefix("metadata.").is_some_and(|rest| !rest.is_empty());
        faults.expect(known && path.len() <= 200, "/action_data/entity", "is not `venue_id` or `metadata.PATH`");
    }
    let rungs = data.override_authority.iter().chain(data.ladder.iter().flatten());
    for rung in rungs.filter(|rung| organisation.rank(rung).is_none()) {
        faults.add("/action_data", format!("names `{rung}`, which is not on the organisation's authority ladder"));
    }
    let limit = data.limit.is_none_or(|limit| !limit.amount.is_sign_negative());
    faults.expect(limit, "/action_data/limit/amount", "is below 0");
    let minutes = [
        ("/action_data/expires_after_minutes", data.expires_after_minutes),
        ("/action_data/after_minutes", data.after_minutes),
        ("/action_data/remind_after_minutes", data.remind_after_minutes),
        ("/action_data/delay_minutes", data.delay_minutes),
    ];
    for (pointer, minutes) in minutes {
        let fits = minutes.is_none_or(|minutes| (1..=525_600).contains(&minutes));
        faults.expect(fits, pointer, "is not between 1 and 525600 (a year)");
    }
}

/// What waits must be something that can: a block holds at once, and only an escalation has rungs.
fn check_timing(faults: &mut Faults, action_type: ActionType, data: &ActionData) {
    faults.expect(action_type != ActionType::Notice, "/action_type", "is made by the server alone");
    if let Some(ladder) = &data.ladder {
        let fits = (1..=RUNGS_MAX).contains(&ladder.len());
        faults.expect(fits, "/action_data/ladder", "does not have 1 to 16 rungs");
        let twice = ladder.iter().enumerate().any(|(at, rung)| ladder[..at].contains(rung));
        faults.expect(!twice, "/action_data/ladder", "names a rung twice");
    }
    let places = matches!(action_type, ActionType::Block | ActionType::RequireOverride);
    let waits = places && data.delay_minutes.is_some();
    faults.expect(!waits, "/action_data/delay_minutes", "is for messages: a block holds as soon as it is reported");
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

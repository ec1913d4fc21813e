//! What the templates would make of a violation, without making it.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Template;
use super::conditions::mismatch;
use super::plan::make;
use crate::domain::actions::Action;
use crate::domain::blocks::Block;
use crate::domain::decision::Context;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::suppression::Muting;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::view::shapes::{self, ActionView, BlockView};
use crate::domain::violations::report::{Report, check};

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
    pub because: String,
}

/// The answer to a dry run. Nothing of it exists.
#[derive(Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct DryRunView<'a> {
    pub actions: Vec<ActionView<'a>>,
    pub blocks: Vec<BlockView<'a>>,
    pub unmatched: Vec<Unmatched>,
}

impl DryRun {
    /// Tries it, and gives the answer as JSON.
    ///
    /// # Errors
    /// Those of a report, and of templates that cannot be saved.
    pub fn run(self, state: &TenantState, context: &mut Context<'_>) -> Result<Vec<u8>, Rejection> {
        let checked = check(self.report, state, context)?;
        let tried = match self.templates {
            None => state.templates.after(0).cloned().collect(),
            Some(drafts) => drafted(drafts, state, context)?,
        };
        let profile = state.profile(&checked.violation.violation_type);
        let (mut actions, mut blocks, mut unmatched) = (Vec::<Action>::new(), Vec::<Block>::new(), Vec::new());
        for template in &tried {
            match mismatch(template, &checked.violation, &checked.metadata, &profile) {
                Some(because) => unmatched.push(unmet(template, because)),
                None => {
                    let mut made = make(template, &checked.violation, &checked.metadata, &profile, state, context);
                    Muting::of(&checked.violation, state, context.now).hold_back(&mut made);
                    actions.push(made.action);
                    blocks.extend(made.block);
                }
            }
        }
        let org_id = state.organisation().org_id.as_str();
        let view = DryRunView {
            actions: actions.iter().map(shapes::action).collect(),
            blocks: blocks.iter().map(|block| shapes::block(org_id, block)).collect(),
            unmatched,
        };
        Ok(serde_json::to_vec(&view).unwrap_or_else(|_| Value::Null.to_string().into_bytes()))
    }
}

fn drafted(
    drafts: Vec<TemplateDraft>,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Vec<Template>, Rejection> {
    if drafts.len() > 100 {
        return Err(Rejection::LimitReached { what: "templates in a dry run", limit: 100 });
    }
    drafts
        .into_iter()
        .map(|draft| {
            let id = context.ids.next_id();
            draft.checked(id, 0, 1, state, context)
        })
        .collect()
}

fn unmet(template: &Template, because: String) -> Unmatched {
    Unmatched { template_id: template.id, name: template.name.as_ref().map(ToString::to_string), because }
}

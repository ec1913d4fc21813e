//! What of the action and the block of a template does not depend on the violation, worked out when the template enters the state.

use std::sync::Arc;

use super::Template;
use super::render::{Rendered, Wording};
use super::target::Target;
use crate::domain::actions::ActionType;
use crate::domain::blocks::parse_block_type;
use crate::domain::blocks::place::placed_by_template;
use crate::domain::organisation::Organisation;
use crate::domain::people::Authority;

/// What a template makes, ready to be filled in.
#[derive(Clone, Debug)]
pub struct Prepared {
    action_type: ActionType,
    /// The words of its message.
    pub message: Wording,
    /// The words of its target.
    pub target: Wording,
    /// What is wrong with its target, nothing included, where that does not depend on the violation or the organisation.
    fault: Option<Option<String>>,
    /// Who places its blocks.
    pub placed_by: Arc<str>,
    /// What it blocks, where it names that; nothing where its name is none.
    pub block_type: Option<Option<Arc<str>>>,
    /// What its entity is, where it says so.
    pub entity_type: Option<Arc<str>>,
}

impl Prepared {
    /// What a template makes.
    pub fn of(template: &Template) -> Self {
        let (action_type, data) = (template.action_type, &template.action_data);
        let target = Wording::of(&template.action_target);
        let fault = match &target {
            Wording::Fixed(text) => Target::read(action_type, text).map(|read| read.err().map(bad)),
            Wording::Parts(_) => None,
        };
        Self {
            action_type,
            message: Wording::of(&template.message_template),
            target,
            fault,
            placed_by: placed_by_template(&template.id),
            block_type: data.block_type.as_deref().map(|name| parse_block_type(name).ok()),
            entity_type: data.entity_type.as_deref().map(Into::into),
        }
    }

    /// Why its rendered target reaches nobody.
    pub fn unreachable(&self, target: &Rendered, organisation: &Organisation) -> Option<String> {
        if let Some(fault) = &self.fault {
            return fault.clone();
        }
        if let Some(name) = target.missing.first() {
            return Some(format!("missing-variable: the target needs {name}, which the violation does not have"));
        }
        let rung = || Target::rung(Authority(target.text.clone()), organisation);
        Target::read(self.action_type, &target.text).unwrap_or_else(rung).err().map(bad)
    }
}

fn bad(detail: String) -> String {
    format!("bad-target: {detail}")
}

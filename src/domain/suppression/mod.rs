//! What keeps the actions of a violation from being done: silences, which people set for a time, and inhibition, which the
//! organisation's settings say.
//!
//! Promise: the violation itself is always recorded; what was kept back is on record as dismissed, with a named reason; nothing of
//! it is made up for later. A silence keeps a block from being placed only where whoever set it could have lifted that block.

pub mod inhibition;
pub mod silences;

use std::sync::Arc;

use uuid::Uuid;

use super::actions::ExecutionStatus;
use super::blocks::Block;
use super::blocks::lift::reaches;
use super::state::TenantState;
use super::templates::plan::Made;
use super::time::Timestamp;
use super::violations::Violation;
use silences::Silence;

/// What kept an action from being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suppressed {
    /// The silence of this id.
    Silence(Uuid),
    /// The open violation of this id.
    Inhibition(Uuid),
}

/// What holds back the actions of one violation at one moment.
pub struct Muting<'a> {
    parent: Option<&'a Violation>,
    silences: Vec<&'a Silence>,
    state: &'a TenantState,
}

impl<'a> Muting<'a> {
    /// What holds back the actions of this violation now.
    pub fn of(violation: &Violation, state: &'a TenantState, now: Timestamp) -> Self {
        let parent = violation.parent_id.as_ref().and_then(|id| state.violations.get(id));
        Self { parent: parent.filter(|one| one.is_open()), silences: state.silences.over(violation, now), state }
    }

    /// Why a message, or a block with its message, is held back, and by what; `None` when it is not.
    pub fn holds(&self, block: Option<&Block>) -> Option<(Arc<str>, Suppressed)> {
        if let Some(parent) = self.parent {
            let reason = format!("inhibited: by the open {} {} ({})", parent.violation_type, parent.id, parent.title);
            return Some((reason.into(), Suppressed::Inhibition(parent.id)));
        }
        let allowed = |silence: &&&Silence| {
            block.is_none_or(|block| reaches(block, self.state, &silence.held, silence.person.as_ref()))
        };
        let silence = self.silences.iter().find(allowed)?;
        let reason = format!("silenced: {} (by {} until {})", silence.reason, silence.by, silence.until);
        Some((reason.into(), Suppressed::Silence(silence.id)))
    }

    /// Takes out of what a template made what is held back.
    pub fn hold_back(&self, made: &mut Made) {
        if made.action.status == ExecutionStatus::Failed && made.block.is_none() {
            return; // it has a reason of its own
        }
        let Some((reason, by)) = self.holds(made.block.as_ref()) else { return };
        made.block = None;
        made.action.status = ExecutionStatus::Dismissed;
        made.action.executed_at = None;
        made.action.due_at = None;
        if let Some(escalation) = &mut made.action.escalation {
            super::actions::escalation::steps::halt(escalation, &reason);
        }
        made.action.reason = Some(reason);
        made.action.suppressed = Some(by);
    }
}

#[cfg(test)]
mod tests;

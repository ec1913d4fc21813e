//! The return of a violation that its source or the quiet had ended: within the quiet time of its type it is the same one again,
//! with what stood before and without new messages.

use super::{Ending, Violation};
use crate::domain::actions::{Action, ExecutionStatus, escalation, notice};
use crate::domain::blocks::Block;
use crate::domain::blocks::place::placed_by_template;
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::state::TenantState;
use crate::domain::suppression::Muting;

/// The most actions or blocks of a violation that comes back; beyond that a report is a new violation.
const CARRIED_MAX: usize = 500;
/// Why a block was lifted that goes with its violation.
pub const LIFTED_WITH_IT: &str = "The violation was resolved";

/// The violation that a report of this fingerprint brings back.
pub fn candidate<'a>(fingerprint: &str, state: &'a TenantState, context: &Context<'_>) -> Option<&'a Violation> {
    let violation = state.violations.ended_with(fingerprint)?;
    let within_ms = state.quiet_ms(&violation.violation_type)?;
    let at = violation.resolved.as_ref()?.at;
    let same = matches!(violation.ending, Some(Ending::Cleared | Ending::Quiet));
    let few = violation.actions.len() < CARRIED_MAX && violation.blocks.len() < CARRIED_MAX;
    (same && few && context.now <= at.plus_ms(within_ms)).then_some(violation)
}

/// The events that bring back what the end of a violation took away: its blocks, what it left unsent, and, where nobody had
/// acknowledged it, its escalations; where somebody had, their reminders anew.
/// What a silence or another violation holds back now stays away: `after` is the violation as it is after the report.
pub fn brought_back(
    violation: &Violation,
    after: &Violation,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Vec<Event> {
    let muting = Muting::of(after, state, context.now);
    let Some(mark) = &violation.resolved else { return Vec::new() };
    let mut events = notice::of_return(violation, state, context);
    let by = context.label();
    for action in violation.actions.iter().filter_map(|id| state.actions.get(id)) {
        let reason = action.reason.as_deref();
        let unsent = action.status == ExecutionStatus::Dismissed && reason == Some(notice::ENDED);
        let stopped = action.status == ExecutionStatus::Delivered && reason == Some(escalation::STOPPED_BY_END);
        let awaited = action.escalation.is_none() || violation.acknowledged.is_none();
        if action.notice.is_some() || !(unsent || stopped) || !awaited {
            continue;
        }
        match muting.holds(block_of(action, violation, state)) {
            None => {
                let due_at = action.scheduled_for.map_or(context.now, |at| at.max(context.now));
                events.push(action.requeued(due_at, &by));
            }
            Some((reason, _)) if unsent => events.push(action.dismissed(reason, &by)),
            Some((reason, _)) => events.push(escalation::stop(action, action.status, reason, None)),
        }
    }
    events.extend(escalation::reminded_again(violation, state, context.now));
    let ended_with_it = |block: &&Block| {
        block.lifted.as_ref().is_some_and(|lift| lift.at == mark.at && &*lift.reason == LIFTED_WITH_IT)
            && block.expires_at.is_none_or(|at| at > context.now)
    };
    let blocks: Vec<&Block> =
        violation.blocks.iter().filter_map(|id| state.blocks.get(id)).filter(ended_with_it).collect();
    let blocks = blocks.into_iter().filter(|block| muting.holds(Some(block)).is_none());
    for block in blocks {
        let again = Block { id: context.ids.next_id(), seq: 0, placed_at: context.now, lifted: None, ..block.clone() };
        events.push(Event::BlockPlaced(Box::new(again)));
    }
    events
}

/// The block of which an action tells.
fn block_of<'a>(action: &Action, violation: &Violation, state: &'a TenantState) -> Option<&'a Block> {
    let placed_by = placed_by_template(action.template_id.as_ref()?);
    let mut placed = violation.blocks.iter().filter_map(|id| state.blocks.get(id));
    placed.find(|block| block.placed_by == placed_by)
}

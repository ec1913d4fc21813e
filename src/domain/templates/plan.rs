//! What the templates make of a violation, in the same step in which it is reported.

use std::sync::Arc;

use serde_json::Value;

use super::conditions::facts::{Facts, Occasion};
use super::conditions::unmet::unmet;
use super::render::{Rendered, Scope};
use super::rule::Acting;
use super::shadow::ShadowRecord;
use super::{Mode, Template};
use crate::domain::actions::escalation::Escalation;
use crate::domain::actions::{Action, ActionType, ExecutionStatus};
use crate::domain::blocks::{Block, BlockKey};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, OutsideId};
use crate::domain::people::Authority;
use crate::domain::state::TenantState;
use crate::domain::suppression::Muting;
use crate::domain::time::MINUTE_MS;
use crate::domain::violations::Violation;
use crate::domain::violations::profile::{ENTITY_TYPE, entity_at};

/// The most that the messages of one violation take together, in bytes, so that a record stays far below its limit.
const MESSAGES_BYTES_MAX: usize = 1 << 20;

/// What one template makes of a violation.
pub struct Made {
    /// The action.
    pub action: Action,
    /// The block that goes with it.
    pub block: Option<Block>,
}

/// The events of every template that matches: an action and its block, or a note of what a template on trial would have done.
/// `back` is what the same step brings back: it stands, and a template of which it brings an action back does not act anew.
pub fn events_for(
    violation: &Violation,
    metadata: &Value,
    occasion: Occasion,
    back: &[Event],
    state: &TenantState,
    context: &mut Context<'_>,
) -> Vec<Event> {
    let profile = state.profile(&violation.violation_type);
    let muting = Muting::of(violation, state, context.now);
    let facts = Facts::new(violation, metadata, profile, state, context.now, occasion);
    let mut events = Vec::new();
    let mut bytes_left = MESSAGES_BYTES_MAX;
    for rule in state.templates.rules_for(&violation.violation_type) {
        if unmet(rule, &facts).is_some() || comes_back(&rule.template, back, state) {
            continue;
        }
        let acting = rule.acting(&facts);
        let template = acting.template;
        let mut made = make(acting, &facts, context);
        if template.mode == Mode::Live {
            muting.hold_back(&mut made);
        }
        bytes_left = bytes_left.saturating_sub(made.action.message.len());
        if bytes_left == 0 {
            made.action.message = "[left out: the messages of this violation are too long together]".into();
        }
        match template.mode {
            Mode::Shadow => events.push(Event::ShadowNoted(Box::new(ShadowRecord::of(template, violation, made)))),
            Mode::Live => {
                let stands =
                    made.block.as_ref().is_some_and(|block| stands_already(block, violation, back, state, context));
                events.push(Event::ActionCreated(Box::new(made.action)));
                events.extend(made.block.filter(|_| !stands).map(|block| Event::BlockPlaced(Box::new(block))));
            }
        }
    }
    events
}

/// Whether the same step brings an action of this template back.
pub fn comes_back(template: &Template, back: &[Event], state: &TenantState) -> bool {
    back.iter().any(|event| {
        let Event::ActionRequeued { id, .. } = event else { return false };
        state.actions.get(id).is_some_and(|action| action.template_id == Some(template.id))
    })
}

/// Whether the same template has placed the same block for this violation and it still holds or comes back in the same step: a
/// repetition tells again and does not place a second one.
pub fn stands_already(
    block: &Block,
    violation: &Violation,
    back: &[Event],
    state: &TenantState,
    context: &Context<'_>,
) -> bool {
    let placed = violation.blocks.iter().filter_map(|id| state.blocks.get(id));
    let returned =
        back.iter().filter_map(|event| if let Event::BlockPlaced(block) = event { Some(&**block) } else { None });
    let mut all = placed.chain(returned);
    all.any(|one| one.key == block.key && one.placed_by == block.placed_by && one.is_active(context.now))
}

/// Makes the action of a template that matches, and its block.
pub fn make(acting: Acting<'_>, facts: &Facts<'_>, context: &mut Context<'_>) -> Made {
    let Acting { template, prepared } = acting;
    let organisation = facts.state.organisation();
    let scope = Scope { violation: facts.violation, metadata: facts.metadata, state: facts.state };
    let message = prepared.message.rendered(&scope);
    let target = prepared.target.rendered(&scope);
    let unreachable = prepared.unreachable(&target, organisation);
    let (reason, rung) = (message.text.clone(), Authority(target.text.clone()));
    let mut action = pending(template, facts.violation, target.text, message, context);
    if let Some(reason) = unreachable {
        fail(&mut action, reason);
    }
    let block = match template.action_type {
        ActionType::Alert | ActionType::Escalate | ActionType::Notice => None,
        ActionType::Block | ActionType::RequireOverride => match block_of(acting, facts, reason, rung, context) {
            Ok(block) => Some(block),
            Err(reason) => {
                fail(&mut action, reason);
                None
            }
        },
    };
    if template.action_type == ActionType::Escalate && action.is_pending() {
        let (first, start) = (Authority(action.action_target.clone()), action.scheduled_for.unwrap_or(context.now));
        let begun = Escalation::begun(&template.action_data, &first, organisation, start, &mut context.ids);
        action.escalation = Some(begun);
    }
    if block.is_some() && action.is_pending() {
        told_nobody_else(&mut action, context);
    }
    Made { action, block }
}

fn pending(
    template: &Template,
    violation: &Violation,
    action_target: Arc<str>,
    message: Rendered,
    context: &mut Context<'_>,
) -> Action {
    let delay = template.action_data.delay_minutes.map(|minutes| i64::from(minutes) * MINUTE_MS);
    let scheduled_for = delay.map(|delay| context.now.plus_ms(delay));
    Action {
        id: context.ids.next_id(),
        seq: 0, // given when the event is applied
        violation_id: violation.id,
        venue_id: violation.venue_id.clone(),
        severity: violation.severity,
        title: violation.title.clone(),
        template_id: Some(template.id),
        template_version: Some(template.version),
        action_type: template.action_type,
        action_target,
        message: message.text,
        missing: message.missing,
        action_data: template.action_data.clone(),
        created_at: context.now,
        scheduled_for,
        executed_at: None,
        status: ExecutionStatus::Pending,
        reason: None,
        attempts: Vec::new(),
        failures: 0,
        due_at: Some(scheduled_for.unwrap_or(context.now)),
        escalation: None,
        suppressed: None,
        notice: None,
    }
}

fn fail(action: &mut Action, reason: String) {
    action.status = ExecutionStatus::Failed;
    action.reason = Some(reason.into());
    action.due_at = None;
}

/// A block for this system alone is done as soon as it stands.
fn told_nobody_else(action: &mut Action, context: &Context<'_>) {
    if action.action_type == ActionType::RequireOverride || &*action.action_target == "system" {
        action.status = ExecutionStatus::Delivered;
        action.executed_at = Some(context.now);
        action.due_at = None;
    }
}

/// The block of a template; `named` is what its target names, a rung where it is one.
fn block_of(
    acting: Acting<'_>,
    facts: &Facts<'_>,
    reason: Arc<str>,
    named: Authority,
    context: &mut Context<'_>,
) -> Result<Block, String> {
    let Acting { template, prepared } = acting;
    let (violation, profile, data) = (facts.violation, facts.profile, &template.action_data);
    let of_profile = || profile.block_type.clone().filter(|name| OutsideId::check(name).is_ok());
    let block_type = prepared.block_type.clone().unwrap_or_else(of_profile);
    let block_type =
        block_type.ok_or("no-block-type: neither the template nor the violation type's profile names one")?;
    let (entity_id, entity_type) = entity_of(acting, facts)?;
    let override_authority = authority_of(template, named, facts.state);
    let asks = template.action_type == ActionType::RequireOverride || override_authority.is_some();
    Ok(Block {
        id: context.ids.next_id(),
        seq: 0, // given when the event is applied
        violation_id: Some(violation.id),
        key: BlockKey { block_type, entity_id },
        entity_type,
        venue_id: violation.venue_id.clone(),
        reason,
        override_required: data.override_required.unwrap_or(asks),
        override_authority,
        limit: data.limit.map(|limit| limit.amount),
        on_error: data.on_error.unwrap_or(profile.on_error),
        auto_lift_on_resolve: data.auto_lift_on_resolve.unwrap_or(true),
        placed_by: prepared.placed_by.clone(),
        placed_at: context.now,
        expires_at: data.expires_after_minutes.map(|minutes| context.now.plus_ms(i64::from(minutes) * MINUTE_MS)),
        expired: false,
        lifted: None,
    })
}

/// Who may override the block of a template: whom its data names, else the rung that its target names. A target that names none
/// after rendering leaves it to the highest rung: a block never becomes easier to lift because something is missing.
fn authority_of(template: &Template, named: Authority, state: &TenantState) -> Option<Authority> {
    let of_target = || match template.action_type {
        ActionType::RequireOverride => {
            let organisation = state.organisation();
            let named = Some(named).filter(|rung| organisation.rank(rung).is_some());
            named.or_else(|| organisation.authority_ladder.last().cloned())
        }
        ActionType::Alert | ActionType::Block | ActionType::Escalate | ActionType::Notice => None,
    };
    template.action_data.override_authority.clone().or_else(of_target)
}

fn entity_of(acting: Acting<'_>, facts: &Facts<'_>) -> Result<(EntityId, Arc<str>), String> {
    let path = acting.template.action_data.entity.as_deref();
    let found = match path {
        None => facts.entity(),
        Some("venue_id") => facts.violation.venue_id.clone().map(|venue| (venue, "venue".into())),
        Some(path) => {
            let inner = path.strip_prefix("metadata.").unwrap_or(path);
            entity_at(facts.metadata, inner).map(|entity| (entity, ENTITY_TYPE.into()))
        }
    };
    let (entity, entity_type) = found.ok_or_else(|| {
        let wanted = path.unwrap_or("what the violation type's profile names");
        format!("no-entity: the violation has no {wanted}, so nobody can be blocked")
    })?;
    Ok((entity, acting.prepared.entity_type.clone().unwrap_or(entity_type)))
}

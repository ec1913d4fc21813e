//! One shape per noun.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::queue::{EscalationView, SuppressionView, WaitsFor, escalation, waits_for};
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, Attempt, AttemptOutcome, ExecutionStatus};
use crate::domain::blocks::{Block, OnError};
use crate::domain::ids::{OutsideId, VenueId};
use crate::domain::organisation::{Contacts, Organisation, Venue};
use crate::domain::people::{Authority, Caller};
use crate::domain::state::TenantState;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::{ActionData, Limit, Mode, Template};
use crate::domain::time::{BusinessDate, Timestamp};
use crate::domain::violations::{Ending, Severity, Status, Violation};

/// A violation; `actions` and `blocks` are ids in lists and whole objects where one violation is shown.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ViolationView<'a, A, B> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub venue_id: Option<&'a str>,
    /// The open violation that muted it.
    pub parent_id: Option<Uuid>,
    /// Those that it muted, at most 100; where violations are read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Uuid>,
    pub violation_type: &'a str,
    pub severity: Severity,
    pub title: &'a str,
    pub description: Option<&'a str>,
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
    pub source_table: Option<&'a str>,
    pub source_id: Option<&'a str>,
    pub fingerprint: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub detected_at: Timestamp,
    #[schema(value_type = String, format = Date)]
    pub business_date: BusinessDate,
    pub occurrences: u32,
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    pub status: Status,
    pub acknowledged_by: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
    pub resolved_by: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Timestamp>,
    pub resolution: Option<&'a str>,
    /// In which way it ended.
    pub ending: Option<Ending>,
    pub actions: Vec<A>,
    pub blocks: Vec<B>,
    /// Whom or what it is about, by the profile of its type; recurrence is counted by it.
    pub entity_id: Option<&'a str>,
    pub entity_type: Option<&'a str>,
}

/// A violation with these actions and blocks.
pub fn violation_with<'a, A, B>(
    org_id: &'a str,
    violation: &'a Violation,
    actions: Vec<A>,
    blocks: Vec<B>,
) -> ViolationView<'a, A, B> {
    ViolationView {
        id: violation.id,
        org_id,
        venue_id: violation.venue_id.as_ref().map(OutsideId::as_str),
        parent_id: violation.parent_id,
        children: Vec::new(),
        violation_type: violation.violation_type.as_str(),
        severity: violation.severity,
        title: &violation.title,
        description: violation.description.as_deref(),
        metadata: violation.metadata.as_ref().and_then(|text| serde_json::from_str(text.as_str()).ok()),
        source_table: violation.source_table.as_ref().map(OutsideId::as_str),
        source_id: violation.source_id.as_ref().map(OutsideId::as_str),
        fingerprint: &violation.fingerprint,
        detected_at: violation.detected_at,
        business_date: violation.business_date,
        occurrences: violation.occurrences,
        last_seen_at: violation.last_seen_at,
        status: violation.status(),
        acknowledged_by: violation.acknowledged.as_ref().map(|mark| &*mark.by),
        acknowledged_at: violation.acknowledged.as_ref().map(|mark| mark.at),
        resolved_by: violation.resolved.as_ref().map(|mark| &*mark.by),
        resolved_at: violation.resolved.as_ref().map(|mark| mark.at),
        resolution: violation.resolution.as_deref(),
        ending: violation.ending,
        actions,
        blocks,
        entity_id: violation.entity.as_ref().map(|entity| entity.id.as_str()),
        entity_type: violation.entity.as_ref().map(|entity| &*entity.entity_type),
    }
}

/// The most children that a violation shows.
const CHILDREN_SHOWN_MAX: usize = 100;

/// A violation with the ids of its actions and blocks.
pub fn violation<'a>(org_id: &'a str, violation: &'a Violation) -> ViolationView<'a, Uuid, Uuid> {
    violation_with(org_id, violation, violation.actions.clone(), violation.blocks.clone())
}

/// A violation with its actions and blocks whole.
pub fn whole_violation<'a>(
    state: &'a TenantState,
    violation: &'a Violation,
    caller: &Caller,
) -> ViolationView<'a, ActionView<'a>, BlockView<'a>> {
    let org_id = state.organisation().org_id.as_str();
    let view = violation_with(org_id, violation, actions_of(state, violation), blocks_of(state, violation));
    with_children(state, view, |venue| caller.reaches(venue))
}

/// A violation with the ids of those that it muted and of the one that muted it, as far as their venues are `seen`.
pub fn with_children<'a, A, B>(
    state: &TenantState,
    view: ViolationView<'a, A, B>,
    seen: impl Fn(Option<&VenueId>) -> bool,
) -> ViolationView<'a, A, B> {
    let shown = |id: &Uuid| state.violations.get(id).is_some_and(|one| seen(one.venue_id.as_ref()));
    let children = state.violations.children_of(&view.id).filter(|id| shown(id));
    let parent_id = view.parent_id.filter(|id| shown(id));
    ViolationView { children: children.take(CHILDREN_SHOWN_MAX).collect(), parent_id, ..view }
}

/// The most actions that the answer to a report shows; all of them are where the violation is read.
const ACTIONS_SHOWN_MAX: usize = 200;

/// The actions of a violation, in the order in which they were made.
pub fn actions_of<'a>(state: &'a TenantState, violation: &Violation) -> Vec<ActionView<'a>> {
    violation.actions.iter().filter_map(|id| state.actions.get(id)).map(action).collect()
}

/// The newest actions of a violation, as many as an answer that may be kept for a day shows.
pub fn newest_actions_of<'a>(state: &'a TenantState, violation: &Violation) -> Vec<ActionView<'a>> {
    let first = violation.actions.len().saturating_sub(ACTIONS_SHOWN_MAX);
    violation.actions.iter().skip(first).filter_map(|id| state.actions.get(id)).map(action).collect()
}

/// The blocks of a violation, in the order in which they were placed.
pub fn blocks_of<'a>(state: &'a TenantState, violation: &Violation) -> Vec<BlockView<'a>> {
    let org_id = state.organisation().org_id.as_str();
    violation.blocks.iter().filter_map(|id| state.blocks.get(id)).map(|one| block(org_id, one)).collect()
}

/// One attempt at a delivery.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AttemptView<'a> {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub outcome: AttemptOutcome,
    pub detail: &'a str,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
}

/// An action of the queue.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ActionView<'a> {
    pub id: Uuid,
    pub violation_id: Uuid,
    pub venue_id: Option<&'a str>,
    pub template_id: Option<Uuid>,
    pub template_version: Option<u32>,
    pub action_type: ActionType,
    pub action_target: &'a str,
    pub message: &'a str,
    /// Variables of the message that the violation did not have.
    pub missing: Vec<&'a str>,
    pub action_data: &'a ActionData,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_for: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub executed_at: Option<Timestamp>,
    pub execution_status: ExecutionStatus,
    pub reason: Option<&'a str>,
    /// Of a pending one: what it waits for.
    pub waits_for: Option<WaitsFor>,
    /// Of a pending one: when the next attempt is made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    pub escalation: Option<EscalationView<'a>>,
    /// What kept it from being done when it was made.
    pub suppressed_by: Option<SuppressionView>,
    /// What a notice tells.
    pub notice: Option<NoticeKind>,
    pub attempts: Vec<AttemptView<'a>>,
}

/// An action.
pub fn action(action: &Action) -> ActionView<'_> {
    ActionView {
        id: action.id,
        violation_id: action.violation_id,
        venue_id: action.venue_id.as_ref().map(OutsideId::as_str),
        template_id: action.template_id,
        template_version: action.template_version,
        action_type: action.action_type,
        action_target: &action.action_target,
        message: &action.message,
        missing: action.missing.iter().map(|name| &**name).collect(),
        action_data: &action.action_data,
        created_at: action.created_at,
        scheduled_for: action.scheduled_for,
        executed_at: action.executed_at,
        execution_status: action.status,
        reason: action.reason.as_deref(),
        waits_for: waits_for(action),
        due_at: action.due(),
        escalation: action.escalation.as_ref().map(escalation),
        suppressed_by: action.suppressed.as_ref().map(SuppressionView::of),
        notice: action.notice,
        attempts: super::queue::attempts(action),
    }
}

/// One attempt.
pub fn attempt(attempt: &Attempt) -> AttemptView<'_> {
    AttemptView { at: attempt.at, outcome: attempt.outcome, detail: &attempt.detail, next_at: attempt.next_at }
}

/// A block. Active means neither lifted nor past `expires_at`.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct BlockView<'a> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub violation_id: Option<Uuid>,
    pub block_type: &'a str,
    pub blocked_entity_id: &'a str,
    pub blocked_entity_type: &'a str,
    pub venue_id: Option<&'a str>,
    pub reason: &'a str,
    pub override_required: bool,
    pub override_authority: Option<&'a Authority>,
    pub limit: Option<Limit>,
    pub on_error: OnError,
    pub placed_by: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub lifted_at: Option<Timestamp>,
    pub lifted_by: Option<&'a str>,
    pub lift_reason: Option<&'a str>,
}

/// A block.
pub fn block<'a>(org_id: &'a str, block: &'a Block) -> BlockView<'a> {
    BlockView {
        id: block.id,
        org_id,
        violation_id: block.violation_id,
        block_type: &block.key.block_type,
        blocked_entity_id: block.key.entity_id.as_str(),
        blocked_entity_type: &block.entity_type,
        venue_id: block.venue_id.as_ref().map(OutsideId::as_str),
        reason: &block.reason,
        override_required: block.override_required,
        override_authority: block.override_authority.as_ref(),
        limit: block.limit.map(|amount| Limit { amount }),
        on_error: block.on_error,
        placed_by: &block.placed_by,
        placed_at: block.placed_at,
        expires_at: block.expires_at,
        lifted_at: block.lifted.as_ref().map(|lift| lift.at),
        lifted_by: block.lifted.as_ref().map(|lift| &*lift.by),
        lift_reason: block.lifted.as_ref().map(|lift| &*lift.reason),
    }
}

/// A template.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct TemplateView<'a> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub name: Option<&'a str>,
    pub violation_type: &'a str,
    pub severity: Option<Severity>,
    pub action_type: ActionType,
    pub action_target: &'a str,
    pub message_template: &'a str,
    pub enabled: bool,
    pub mode: Mode,
    pub conditions: &'a Conditions,
    pub action_data: &'a ActionData,
    pub version: u32,
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    pub changed_by: &'a str,
}

/// A template.
pub fn template<'a>(org_id: &'a str, template: &'a Template) -> TemplateView<'a> {
    TemplateView {
        id: template.id,
        org_id,
        name: template.name.as_deref(),
        violation_type: template.violation_type.as_str(),
        severity: template.severity,
        action_type: template.action_type,
        action_target: &template.action_target,
        message_template: &template.message_template,
        enabled: template.enabled,
        mode: template.mode,
        conditions: &template.conditions,
        action_data: &template.action_data,
        version: template.version,
        changed_at: template.changed_at,
        changed_by: &template.changed_by,
    }
}

/// The settings of an organisation.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct SettingsView<'a> {
    pub org_id: &'a str,
    pub name: &'a str,
    pub time_zone: &'a str,
    pub authority_ladder: &'a [Authority],
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub contacts: &'a Contacts,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// The settings.
pub fn settings(organisation: &Organisation) -> SettingsView<'_> {
    SettingsView {
        org_id: organisation.org_id.as_str(),
        name: &organisation.name,
        time_zone: &organisation.time_zone,
        authority_ladder: &organisation.authority_ladder,
        contacts: &organisation.contacts,
        created_at: organisation.created_at,
    }
}

/// A venue.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct VenueView<'a> {
    pub venue_id: &'a str,
    pub name: &'a str,
    pub time_zone: &'a str,
    pub business_day_starts: u8,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub contacts: &'a Contacts,
}

/// A venue.
pub fn venue(venue: &Venue) -> VenueView<'_> {
    VenueView {
        venue_id: venue.venue_id.as_str(),
        name: &venue.name,
        time_zone: &venue.time_zone,
        business_day_starts: venue.business_day_starts,
        contacts: &venue.contacts,
    }
}

//! Requests for approval and grants, as they are shown.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::{Cursor, Paging, bytes, page};
use crate::domain::approvals::decide::is_assigned;
use crate::domain::approvals::index::Line;
use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Consent, Execution, Risk, RiskLevel, Source, Status, Step, Verdict, Vote, hex,
};
use crate::domain::blocks::grants::Grant;
use crate::domain::ids::OutsideId;
use crate::domain::people::{Authority, Caller, Via};
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::templates::amount;
use crate::domain::time::Timestamp;

/// A request for approval.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ApprovalView<'a> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub venue_id: Option<&'a str>,
    pub source: Source,
    pub module: &'a str,
    pub capability: &'a str,
    pub title: &'a str,
    #[schema(value_type = Object)]
    pub payload: Option<&'a RawValue>,
    /// What a decision names.
    pub payload_hash: String,
    #[schema(value_type = Object)]
    pub preview: Option<&'a RawValue>,
    pub risk: Option<&'a Risk>,
    pub status: Status,
    pub reason: Option<&'a str>,
    /// What lets it run: `votes` of its steps, `auto` by the policy, or `veto`: that nobody of its steps objects in time.
    pub consent: Consent,
    pub steps: Vec<StepView<'a>>,
    /// The place of the step that is waited for.
    pub current_step: Option<usize>,
    pub action_item_id: Option<&'a str>,
    pub dedupe_key: Option<&'a str>,
    pub allow_repeat: bool,
    /// The person who owns the action.
    pub owner: Option<&'a str>,
    /// The people who changed the payload; they do not decide about it.
    pub editors: Vec<&'a str>,
    /// The request that this one takes back.
    pub undo_of: Option<Uuid>,
    /// How its effect could be put right, as the capability said before it ran.
    #[schema(value_type = Option<Object>)]
    pub compensation: Option<&'a RawValue>,
    pub created_by: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decide_by: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub run_by: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_for: Option<Timestamp>,
    /// When it runs, while it waits for that.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub runs_at: Option<Timestamp>,
    pub execution: Option<ExecutionView<'a>>,
}

/// A step.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct StepView<'a> {
    pub name: &'a str,
    /// `user:ID`, `role:ROLE` or `authority:AUTHORITY`.
    pub who: String,
    pub quorum: u32,
    pub decisions: Vec<VoteView<'a>>,
}

/// One person's decision.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct VoteView<'a> {
    pub by: &'a str,
    /// `api`, `page` or `schedule`.
    pub via: &'static str,
    pub verdict: Verdict,
    pub comment: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ExecutionView<'a> {
    /// Where its progress and log are.
    pub task_id: Option<Uuid>,
    /// What the receiver got as `Idempotency-Key`.
    pub key: Option<String>,
    /// Which try it is, 1 the first.
    pub attempt: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// When it is tried again, while it is executing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    #[schema(value_type = Option<Object>)]
    pub result: Option<&'a RawValue>,
    /// Whether the capability recorded what takes it back.
    pub undo_payload: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub undoable_until: Option<Timestamp>,
    pub error: Option<&'a str>,
    /// The request that did the same lately, where this one was skipped for it.
    pub original: Option<Uuid>,
}

/// A request for approval.
pub fn approval<'a>(org_id: &'a str, one: &'a Approval) -> ApprovalView<'a> {
    let current = if one.status == Status::Pending { one.current_step() } else { None };
    ApprovalView {
        id: one.id,
        org_id,
        venue_id: one.venue_id.as_ref().map(OutsideId::as_str),
        source: one.source,
        module: &one.module,
        capability: &one.capability,
        title: &one.title,
        payload: raw(one.payload.as_str()),
        payload_hash: hex(&one.payload_hash),
        preview: raw(one.preview.as_str()),
        risk: one.risk.as_ref(),
        status: one.status,
        reason: one.reason.as_deref(),
        consent: one.consent,
        steps: one.steps.iter().map(step).collect(),
        current_step: current.map(|(place, _)| place),
        action_item_id: one.action_item_id.as_ref().map(OutsideId::as_str),
        dedupe_key: one.dedupe_key.as_deref(),
        allow_repeat: one.allow_repeat,
        owner: one.owner.as_ref().map(OutsideId::as_str),
        editors: one.editors.iter().map(OutsideId::as_str).collect(),
        undo_of: one.undo_of,
        compensation: one.compensation.as_ref().and_then(|text| raw(text.as_str())),
        created_by: &one.created_by,
        created_at: one.created_at,
        decide_by: one.decide_by,
        run_by: one.run_by,
        scheduled_for: one.scheduled_for,
        runs_at: one.runs_at.filter(|_| matches!(one.status, Status::Approved | Status::Scheduled)),
        execution: one.execution.as_ref().map(execution),
    }
}

fn raw(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

fn step(step: &Step) -> StepView<'_> {
    let decisions = step.decisions.iter().map(vote).collect();
    StepView { name: &step.name, who: step.who.text(), quorum: step.quorum, decisions }
}

/// A decision.
pub fn vote(vote: &Vote) -> VoteView<'_> {
    let comment = vote.comment.as_deref();
    VoteView { by: vote.by.as_str(), via: via(vote.via), verdict: vote.verdict, comment, at: vote.at }
}

fn execution(one: &Execution) -> ExecutionView<'_> {
    ExecutionView {
        task_id: one.task_id,
        key: one.key.as_ref().map(hex),
        attempt: one.attempt,
        started_at: one.started_at,
        finished_at: one.finished_at,
        next_at: one.next_at,
        result: one.result.as_ref().and_then(|text| raw(text.as_str())),
        undo_payload: one.undo_payload.is_some(),
        undoable_until: one.undoable_until,
        error: one.error.as_deref(),
        original: one.original,
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Api => "api",
        Via::Page => "page",
        Via::Schedule => "schedule",
    }
}

/// A grant: what an approved override lets through.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct GrantView<'a> {
    pub id: Uuid,
    pub org_id: &'a str,
    pub approval_id: Uuid,
    pub block_id: Uuid,
    pub block_type: &'a str,
    pub blocked_entity_id: &'a str,
    pub venue_id: Option<&'a str>,
    pub authority: &'a Authority,
    pub uses: u32,
    pub uses_left: u32,
    /// From the first use.
    pub minutes: u32,
    /// Before the first use, the latest end; then so many minutes after it, where that is sooner.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    #[serde(serialize_with = "optional_amount")]
    #[schema(value_type = Option<f64>)]
    pub amount_max: Option<rust_decimal::Decimal>,
    pub granted_by: &'a str,
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Timestamp,
    pub used: Vec<UseView<'a>>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    pub end_reason: Option<&'a str>,
}

/// One use of a grant.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct UseView<'a> {
    pub operation_id: &'a str,
    #[serde(serialize_with = "optional_amount")]
    #[schema(value_type = Option<f64>)]
    pub amount: Option<rust_decimal::Decimal>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub by: &'a str,
}

fn optional_amount<S: serde::Serializer>(
    value: &Option<rust_decimal::Decimal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => amount::serialize(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// A grant.
pub fn grant<'a>(org_id: &'a str, one: &'a Grant) -> GrantView<'a> {
    GrantView {
        id: one.id,
        org_id,
        approval_id: one.approval_id,
        block_id: one.block_id,
        block_type: &one.key.block_type,
        blocked_entity_id: one.key.entity_id.as_str(),
        venue_id: one.venue_id.as_ref().map(OutsideId::as_str),
        authority: &one.authority,
        uses: one.uses,
        uses_left: one.uses_left(),
        minutes: one.minutes,
        expires_at: one.expires_at(),
        amount_max: one.amount_max,
        granted_by: &one.granted_by,
        granted_at: one.granted_at,
        used: one.used.iter().map(|used| one_use(used)).collect(),
        ended_at: one.ended.as_ref().map(|end| end.at),
        end_reason: one.ended.as_ref().map(|end| &*end.reason),
    }
}

fn one_use(used: &crate::domain::blocks::grants::Use) -> UseView<'_> {
    UseView { operation_id: used.operation_id.as_str(), amount: used.amount, at: used.at, by: &used.by }
}

/// Whose requests: what a person owns or may decide at the step that is waited for.
#[derive(Clone, Debug)]
pub struct Decider(pub Caller);

/// Which requests.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ApprovalFilter {
    /// Only those that wait for a decision at this moment.
    pub waiting: Option<Timestamp>,
    pub status: Option<Status>,
    pub module: Option<String>,
    pub created_by: Option<String>,
    pub risk: Option<RiskLevel>,
    pub owner: Option<Decider>,
    pub paging: Paging,
}

impl ApprovalFilter {
    fn takes(&self, state: &TenantState, caller: &Caller, one: &Approval) -> bool {
        caller.reaches(one.venue_id.as_ref())
            && self.waiting.is_none_or(|now| one.is_waiting(now))
            && self.status.is_none_or(|status| status == one.status)
            && self.module.as_deref().is_none_or(|module| module == &*one.module)
            && self.created_by.as_deref().is_none_or(|by| by == &*one.created_by)
            && self.risk.is_none_or(|level| one.risk.as_ref().is_some_and(|risk| risk.level == level))
            && self.owner.as_ref().is_none_or(|owner| owns(&owner.0, one) || may_decide(state, &owner.0, one))
    }

    /// The lines in which all that is asked for is found, as few as can be told before looking.
    fn lines<'a>(&'a self, state: &'a TenantState) -> Vec<&'a Line> {
        let index = state.approvals.index();
        if let (Some(owner), Some(_)) = (&self.owner, self.waiting) {
            return lines_of(&owner.0, state);
        }
        let waiting = self.waiting.is_some();
        let module = self.module.as_deref();
        let narrow = [
            module.filter(|_| waiting).map(|module| index.waiting_by_module.of(module)),
            self.risk.filter(|_| waiting).map(|level| index.waiting_by_risk.of(&Some(level))),
            waiting.then(|| index.by_status.of(&Status::Pending)),
            self.status.map(|status| index.by_status.of(&status)),
            module.map(|module| index.by_module.of(module)),
            self.created_by.as_deref().map(|by| index.by_requester.of(by)),
        ];
        let shortest = narrow.into_iter().flatten().min_by_key(|line| line.map_or(0, Line::len));
        shortest.unwrap_or(Some(&index.all)).into_iter().collect()
    }
}

/// The lines of what waits and a person owns or may decide: steps wait for a person, a role or a rung of the ladder, which are few.
fn lines_of<'a>(person: &Caller, state: &'a TenantState) -> Vec<&'a Line> {
    let index = state.approvals.index();
    let id = person.cause.who.person();
    let owned = id.and_then(|id| index.waiting_by_owner.of(id));
    let named = id.and_then(|id| index.waiting_by_who.of(&Assignee::User(id.clone())));
    let role = person.role.and_then(|role| index.waiting_by_who.of(&Assignee::Role(role)));
    let reached = index.waiting_by_rung.keys().filter(|rung| state.organisation().is_enough(&person.held, rung));
    let reached = reached.filter_map(|rung| index.waiting_by_rung.of(rung));
    owned.into_iter().chain(named).chain(role).chain(reached).collect()
}

fn owns(person: &Caller, one: &Approval) -> bool {
    one.owner.is_some() && one.owner.as_ref() == person.cause.who.person()
}

/// Whether the step that is waited for is this person's to decide.
fn may_decide(state: &TenantState, person: &Caller, one: &Approval) -> bool {
    let Some(id) = person.cause.who.person() else { return false };
    let step = one.current_step();
    let assigned = step.is_some_and(|(_, step)| is_assigned(&step.who, state.organisation(), person));
    assigned && person.covers(one.venue_id.as_ref()) && !one.is_of(id) && !one.has_decided(id)
}

/// A page of requests as JSON, newest first.
pub fn page_of_approvals(state: &TenantState, caller: &Caller, filter: &ApprovalFilter) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let before = filter.paging.before();
    let takes = |one: &Approval| filter.takes(state, caller, one);
    let lines = filter.lines(state);
    let found = state.approvals.of_lines(&lines, before);
    bytes(&page(filter.paging.limit, found, takes, |one: &Approval| Cursor::Seq(one.seq), |one| approval(org_id, one)))
}

/// Which grants.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct GrantFilter {
    pub block_id: Option<Uuid>,
    pub entity_id: Option<String>,
    /// Only those that let something through at this moment, or only those that do not.
    pub active: Option<(bool, Timestamp)>,
    pub paging: Paging,
}

/// A page of grants as JSON, newest first.
pub fn page_of_grants(state: &TenantState, caller: &Caller, filter: &GrantFilter) -> Vec<u8> {
    let org_id = state.organisation().org_id.as_str();
    let takes = |one: &Grant| {
        caller.reaches(one.venue_id.as_ref())
            && filter.block_id.is_none_or(|id| id == one.block_id)
            && filter.entity_id.as_deref().is_none_or(|id| id == one.key.entity_id.as_str())
            && filter.active.is_none_or(|(wanted, now)| one.is_open(now) == wanted)
    };
    let rest = state.grants.before(filter.paging.before());
    let view = |one| grant(org_id, one);
    bytes(&page(filter.paging.limit, rest, takes, |one: &Grant| Cursor::Seq(one.seq), view))
}

/// One request as JSON.
///
/// # Errors
/// [`Rejection::NotFound`].
pub fn one_approval(state: &TenantState, caller: &Caller, id: &Uuid) -> Result<Vec<u8>, Rejection> {
    let one = state.approval_for(id, caller)?;
    Ok(bytes(&approval(state.organisation().org_id.as_str(), one)))
}

/// The life of one request.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AuditView<'a> {
    #[schema(inline)]
    pub approval: ApprovalView<'a>,
    pub lines: Vec<AuditLineView<'a>>,
    /// What it let through, where it did.
    pub grant: Option<GrantView<'a>>,
}

/// One line of it.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AuditLineView<'a> {
    /// The organisation's sequence number.
    pub version: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `submitted`, `edited`, `approved`, `rejected`, `cleared`, `scheduled`, `reopened`, `cancelled`, `expired`, `skipped`, `executing`,
    /// `tried`, `executed`, `failed`, `in_doubt`, `retried`, `undone`.
    pub what: &'a str,
    pub by: &'a str,
    pub via: &'static str,
    pub note: Option<&'a str>,
}

/// The whole life of one request as JSON.
///
/// # Errors
/// [`Rejection::NotFound`].
pub fn audit(state: &TenantState, caller: &Caller, id: &Uuid) -> Result<Vec<u8>, Rejection> {
    let org_id = state.organisation().org_id.as_str();
    let one = state.approval_for(id, caller)?;
    let line = |line: &'_ AuditLine| (line.seq, line.at, via(line.via));
    let lines = one.audit.iter().map(|own| {
        let (version, at, via) = line(own);
        AuditLineView { version, at, what: &own.what, by: &own.by, via, note: own.note.as_deref() }
    });
    let given = one.execution.as_ref().and_then(|execution| {
        let id = execution.result.as_ref()?.value()["grant_id"].as_str()?.parse().ok()?;
        state.grants.get(&id)
    });
    let view = AuditView {
        approval: approval(org_id, one),
        lines: lines.collect(),
        grant: given.map(|one| grant(org_id, one)),
    };
    Ok(bytes(&view))
}

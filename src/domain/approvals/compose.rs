//! Making a request whole: what it is about, how risky it is, and who must agree. One place, for what modules, boards and people submit,
//! for overrides and for undos, and again when a payload is edited.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::consent::{Asked, Question, asked};
use super::facts::Cleared;
use super::machine::{self, Move};
use super::store::approve;
use super::{Approval, Consent, Source, Status, begin, overrides, payload_hash, submit};
use crate::domain::blocks::check::parse_amount;
use crate::domain::capabilities::built_in::{self, About, Runs};
use crate::domain::capabilities::{self, Capability, Preview};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, UserId, VenueId};
use crate::domain::json::JsonText;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::risk::{Facts, Risk, score};
use crate::domain::state::TenantState;
use crate::domain::time::{MINUTE_MS, Timestamp};

/// The most requests that may wait for decisions in one organisation, and the most that may wait to run.
pub const OPEN_MAX: usize = 10_000;
/// The longest text of a preview, in characters.
const SHOWN_CHARS_MAX: usize = 4_000;
/// The longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;

/// What somebody wants, checked as far as it stands alone.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Draft<'a> {
    pub source: Source,
    pub capability: &'a Capability,
    pub payload: Value,
    pub title: Option<String>,
    /// What the module said; else ours.
    pub preview: Option<Preview>,
    pub compensation: Option<JsonText>,
    pub venue_id: Option<VenueId>,
    pub owner: Option<UserId>,
    pub action_item_id: Option<OutsideId>,
    pub dedupe_key: Option<Arc<str>>,
    pub allow_repeat: bool,
    pub scheduled_for: Option<Timestamp>,
    pub decide_by: Option<Timestamp>,
    pub run_by: Option<Timestamp>,
    /// What it takes back.
    pub undo_of: Option<&'a Approval>,
    /// Why it is asked for.
    pub reason: Option<String>,
}

impl<'a> Draft<'a> {
    /// A request without anything that may be left out.
    pub fn new(source: Source, capability: &'a Capability, payload: Value) -> Self {
        Self {
            source,
            capability,
            payload,
            title: None,
            preview: None,
            compensation: None,
            venue_id: None,
            owner: None,
            action_item_id: None,
            dedupe_key: None,
            allow_repeat: false,
            scheduled_for: None,
            decide_by: None,
            run_by: None,
            undo_of: None,
            reason: None,
        }
    }
}

/// What follows from a payload.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Frame {
    pub payload: JsonText,
    pub payload_hash: [u8; 32],
    pub title: Arc<str>,
    pub preview: JsonText,
    pub risk: Risk,
    pub about: About,
    pub asked: Asked,
    /// The latest time to decide, where the thing itself sets one.
    pub ends_at: Option<Timestamp>,
}

/// Who asks and who changed it: what a frame depends on besides the payload.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Parties<'a> {
    /// How who asked is shown.
    pub label: &'a str,
    /// The people who never decide about it, without the beneficiary.
    pub people: Vec<UserId>,
    /// Whether it may run without a decision where the policy says so.
    pub may_run_alone: bool,
}

/// Frames a payload.
///
/// # Errors
/// What is wrong with the payload, or with what it names.
pub fn framed(
    draft: &Draft<'_>,
    parties: &Parties<'_>,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Frame, Rejection> {
    let capability = draft.capability;
    if draft.undo_of.is_none() {
        capabilities::check_payload(state, capability, &draft.payload)?;
    }
    let runs = built_in::find(&capability.name).map(|own| own.runs);
    let special = match runs {
        Some(Runs::Override) => Some(overrides::framed(&draft.payload, state, context)?),
        _ => None,
    };
    let payload = special.as_ref().map_or(&draft.payload, |own| &own.payload);
    let about = match (&special, runs) {
        (Some(own), _) => own.about.clone(),
        (None, Some(Runs::Here(effect))) => about_effect(draft, effect, state, context)?,
        (None, _) => About { venue_id: draft.venue_id.clone(), ..About::default() },
    };
    if draft.venue_id.is_some() && draft.venue_id != about.venue_id {
        return Err(Rejection::invalid("/venue_id", "is not where the payload takes effect"));
    }
    let preview = preview(draft, payload, state);
    let risk = scored(draft, payload, &preview, about.venue_id.as_ref(), parties.label, state, context.now);
    let asked = match &special {
        Some(own) => own.asked(),
        None => consent(draft, parties, &about, &risk, state),
    };
    let text = JsonText::of(payload);
    Ok(Frame {
        payload_hash: payload_hash(&capability.name, &text),
        payload: text,
        title: title(draft, special.as_ref().map(|own| &*own.title)),
        preview: JsonText::of(&serde_json::to_value(&preview).unwrap_or_default()),
        risk,
        about,
        asked,
        ends_at: special.map(|own| own.ends_at),
    })
}

/// Whom and what an effect of our own is about.
fn about_effect(
    draft: &Draft<'_>,
    effect: built_in::Effect,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<About, Rejection> {
    match (draft.undo_of, effect.undo) {
        (None, _) => (effect.about)(&draft.payload, state, context),
        (Some(_), Some(undo)) => (undo.about)(&draft.payload, state, context),
        (Some(_), None) => Err(Rejection::NotUndoable { why: "this capability takes nothing back" }),
    }
}

fn consent(draft: &Draft<'_>, parties: &Parties<'_>, about: &About, risk: &Risk, state: &TenantState) -> Asked {
    let people: Vec<UserId> = parties.people.iter().chain(&about.beneficiary).cloned().collect();
    let question = Question {
        level: risk.level,
        capability: draft.capability,
        owner: draft.owner.as_ref(),
        parties: &people,
        authority: about.authority.as_ref(),
        may_run_alone: parties.may_run_alone,
    };
    asked(state.policy(), state.organisation(), &question)
}

fn preview(draft: &Draft<'_>, payload: &Value, state: &TenantState) -> Preview {
    let short = |text: String| text.chars().take(SHOWN_CHARS_MAX).collect::<String>();
    let said = draft.preview.clone().unwrap_or_else(|| match draft.undo_of {
        Some(_) => capabilities::preview_undo(state, draft.capability, payload),
        None => capabilities::preview(state, draft.capability, payload),
    });
    Preview { summary: short(said.summary), before: said.before.map(short), after: said.after.map(short), ..said }
}

fn scored(
    draft: &Draft<'_>,
    payload: &Value,
    preview: &Preview,
    venue: Option<&VenueId>,
    label: &str,
    state: &TenantState,
    now: Timestamp,
) -> Risk {
    let (recipients, amount) = capabilities::measures(draft.capability, payload);
    let shown: Option<Decimal> = preview.amount.as_deref().and_then(|text| parse_amount(text).ok());
    let minute = state.zone(venue).local(now).minute;
    let facts = Facts {
        capability: draft.capability,
        // What a module says about itself may be more than the payload tells, and never makes it less.
        recipients: recipients.max(preview.recipients),
        amount: amount.max(shown),
        requester: state.approvals.history_of_requester(label),
        history: state.approvals.history_of_capability(&draft.capability.name),
        hour: u8::try_from(minute / 60).unwrap_or(0),
    };
    score(&facts, &state.policy().weights())
}

fn title(draft: &Draft<'_>, special: Option<&str>) -> Arc<str> {
    let whole = match (&draft.title, special, draft.undo_of) {
        (Some(title), _, _) => title.clone(),
        (None, Some(own), _) => own.to_owned(),
        (None, None, Some(original)) => format!("Undo: {}", original.title),
        (None, None, None) => draft.capability.name.to_string(),
    };
    whole.chars().take(TITLE_CHARS_MAX).collect::<String>().into()
}

/// Submits what was drafted.
///
/// # Errors
/// As [`framed`]; [`Rejection::VenueNotAllowed`], [`Rejection::LimitReached`].
pub fn submitted(draft: Draft<'_>, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
    expect_room(state)?;
    let who = &context.caller.cause.who;
    let created_by: Arc<str> = who.person().map_or_else(|| who.label().into(), |person| person.as_str().into());
    let people = who.person().cloned().into_iter().collect();
    let parties = Parties { label: &created_by, people, may_run_alone: true };
    let frame = framed(&draft, &parties, state, context)?;
    // Whoever submits an override asks for one, and each is for a grant of its own.
    let is_override = matches!(built_in::find(&draft.capability.name).map(|own| own.runs), Some(Runs::Override));
    let draft = if is_override { Draft { source: Source::Override, allow_repeat: true, ..draft } } else { draft };
    if !is_override && !context.caller.covers(frame.about.venue_id.as_ref()) {
        return Err(Rejection::VenueNotAllowed);
    }
    let hold_minutes = frame.asked.hold_minutes;
    let approval = whole(draft, frame, created_by.clone(), context);
    let (id, mut after) = (approval.id, approval.clone());
    let mut events = vec![Event::ApprovalSubmitted(Box::new(approval))];
    if after.consent != Consent::Votes {
        events.push(cleared(&after)?);
        after.status = Status::Approved;
        approve(&mut after, context.now);
        events.extend(unless_somebody_objects(after, hold_minutes, state, context)?);
    }
    Ok(Decision { events, answer: Answer::ApprovalMade(id) })
}

fn expect_room(state: &TenantState) -> Result<(), Rejection> {
    let count = |status| state.approvals.count_of(status);
    if state.approvals.waiting_count() >= OPEN_MAX {
        return Err(Rejection::LimitReached { what: "requests that wait for a decision", limit: OPEN_MAX });
    }
    if count(Status::Approved) + count(Status::Scheduled) >= OPEN_MAX {
        return Err(Rejection::LimitReached { what: "requests that wait to run", limit: OPEN_MAX });
    }
    Ok(())
}

fn whole(draft: Draft<'_>, frame: Frame, created_by: Arc<str>, context: &mut Context<'_>) -> Approval {
    let cause = &context.caller.cause;
    let decide_by = draft.decide_by.unwrap_or_else(|| submit::decide_by(context.now, draft.run_by));
    Approval {
        id: context.ids.next_id(),
        seq: 0, // given when the event is applied
        venue_id: frame.about.venue_id,
        source: draft.source,
        module: draft.capability.module.clone(),
        capability: draft.capability.name.clone(),
        title: frame.title,
        payload: frame.payload,
        payload_hash: frame.payload_hash,
        preview: frame.preview,
        risk: Some(frame.risk),
        status: Status::Pending,
        reason: draft.reason.map(Arc::from),
        steps: frame.asked.steps,
        created_by,
        via: cause.via,
        requester: cause.who.person().cloned(),
        beneficiary: frame.about.beneficiary,
        subject: frame.about.subject,
        created_at: context.now,
        decide_by: Some(frame.ends_at.map_or(decide_by, |at| at.min(draft.decide_by.unwrap_or(at)))),
        run_by: draft.run_by,
        action_item_id: draft.action_item_id,
        dedupe_key: draft.dedupe_key,
        allow_repeat: draft.allow_repeat,
        scheduled_for: draft.scheduled_for,
        owner: draft.owner,
        editors: Vec::new(),
        consent: frame.asked.consent,
        undo_of: draft.undo_of.map(|original| original.id),
        compensation: draft.compensation,
        runs_at: None,
        execution: None,
        audit: Vec::new(),
    }
}

/// That the policy lets it run.
fn cleared(approval: &Approval) -> Result<Event, Rejection> {
    machine::moved(approval.status, Move::Approve)?;
    let reason = match approval.consent {
        Consent::Auto => "harmless and can be undone: runs by itself",
        Consent::Votes | Consent::Veto => "runs unless somebody objects",
    };
    let (id, venue_id) = (approval.id, approval.venue_id.clone());
    Ok(Event::ApprovalCleared(Box::new(Cleared { id, venue_id, reason: reason.into() })))
}

/// What comes after the policy let it run: it is held so that somebody can object, or goes on.
fn unless_somebody_objects(
    approval: Approval,
    hold_minutes: u32,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    if approval.consent != Consent::Veto {
        return begin::approved(&approval, Some(Held::Nothing), state, context);
    }
    let held = context.now.plus_ms(i64::from(hold_minutes) * MINUTE_MS);
    let at = approval.runs_at.map_or(held, |at| at.max(held));
    Ok(vec![begin::scheduled(&approval, at, Some("runs unless somebody objects".into()))?])
}

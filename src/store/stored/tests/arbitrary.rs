//! Arbitrary domain values. Ids come from small pools, so that events meet the objects of others. What is large is boxed, because
//! strategies lie on the stack whole.

mod approvals;
mod webhooks;

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::{Commit, Step};
use crate::domain::actions::escalation::{Escalated, Escalation, Reminder, Step as Rung, Stopped};
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, Attempt, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::blocks::{Block, BlockKey, Lift, OnError};
use crate::domain::decision::{Done, Reply};
use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::event::Event;
use crate::domain::idempotency::Request;
use crate::domain::ids::{OutsideId, StreamId};
use crate::domain::json::JsonText;
use crate::domain::organisation::{Contacts, Organisation, Venue};
use crate::domain::people::{Authority, Cause, Held, Role, Scope, Scopes, Via, Who};
use crate::domain::suppression::Suppressed;
use crate::domain::suppression::inhibition::{Inhibition, InhibitionScope};
use crate::domain::suppression::silences::Silence;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::conditions::during::{Clock, Day, During, Windows};
use crate::domain::templates::shadow::{ShadowBlock, ShadowRecord};
use crate::domain::templates::steps::Step as TemplateStep;
use crate::domain::templates::{ActionData, Limit, Mode, Template};
use crate::domain::time::{BusinessDate, DAY_MS, Timestamp};
use crate::domain::violations::own_types::OwnType;
use crate::domain::violations::{Ending, Entity, Mark, Repeat, Severity, Violation, ViolationType};

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const ACTION_TYPES: [ActionType; 5] =
    [ActionType::Alert, ActionType::Block, ActionType::RequireOverride, ActionType::Escalate, ActionType::Notice];
const NOTICES: [NoticeKind; 3] = [NoticeKind::Resolved, NoticeKind::Reopened, NoticeKind::Reminder];
const ENDINGS: [Ending; 3] = [Ending::Resolved, Ending::Cleared, Ending::Quiet];
const SCOPES: [InhibitionScope; 2] = [InhibitionScope::Venue, InhibitionScope::Entity];
const STATUSES: [ExecutionStatus; 4] =
    [ExecutionStatus::Pending, ExecutionStatus::Delivered, ExecutionStatus::Failed, ExecutionStatus::Dismissed];
const OUTCOMES: [AttemptOutcome; 3] = [AttemptOutcome::Delivered, AttemptOutcome::Retry, AttemptOutcome::Refused];
const ON_ERRORS: [OnError; 3] = [OnError::Open, OnError::Closed, OnError::Limit];
const ROLES: [Role; 8] =
    [Role::Owner, Role::Admin, Role::VpOps, Role::Gm, Role::Manager, Role::Reviewer, Role::Staff, Role::Viewer];

fn uuid() -> impl Strategy<Value = Uuid> {
    (0_u128..6).prop_map(Uuid::from_u128)
}

fn text() -> impl Strategy<Value = Arc<str>> {
    ".{0,8}".prop_map(Arc::from)
}

fn outside() -> impl Strategy<Value = OutsideId> {
    prop_oneof!["[ab]", "\\PC{1,8}"].prop_map(|text| OutsideId::parse(&text).unwrap())
}

fn at() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![(POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO).boxed(), (0.0..1000.0).boxed()]
}

fn amount() -> impl Strategy<Value = Decimal> {
    let most = (1_i128 << 96) - 1;
    (prop_oneof![-most..=most, -999_i128..=999], 0_u32..=28)
        .prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa, scale))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        number().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(".{0,4}", inner, 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn json_text() -> impl Strategy<Value = JsonText> {
    json().prop_map(|value| JsonText::of(&value))
}

fn authority() -> impl Strategy<Value = Authority> {
    text().prop_map(Authority)
}

fn contacts() -> impl Strategy<Value = Contacts> {
    btree_map(text(), text(), 0..3)
}

fn violation_type() -> impl Strategy<Value = ViolationType> {
    "[a-z][a-z0-9_]{0,8}".prop_map(|name| ViolationType::parse(&name).unwrap())
}

prop_compose! {
    fn mark()(by in text(), at in at()) -> Mark { Mark { by, at } }
}

prop_compose! {
    fn organisation()(
        org_id in outside(), name in text(), time_zone in text(), authority_ladder in vec(authority(), 0..3),
        contacts in contacts(), created_at in at(),
    ) -> Organisation {
        Organisation { org_id, name, time_zone, authority_ladder, contacts, created_at }
    }
}

prop_compose! {
    fn venue()(
        venue_id in outside(), name in text(), time_zone in text(), business_day_starts: u8, contacts in contacts(),
    ) -> Venue {
        Venue { venue_id, name, time_zone, business_day_starts, contacts }
    }
}

prop_compose! {
    fn own_type()(
        violation_type in violation_type(), measure in of(text()), entity in of(vec(text(), 0..3)), entity_type in of(text()),
        block_type in of(text()), resolve_after_quiet_minutes: Option<u32>, on_error in of(select(&ON_ERRORS)),
    ) -> OwnType {
        OwnType { violation_type, measure, entity, entity_type, block_type, resolve_after_quiet_minutes, on_error }
    }
}

prop_compose! {
    fn entity()(id in outside(), entity_type in text()) -> Entity { Entity { id, entity_type } }
}

prop_compose! {
    fn violation()(
        id in uuid(), seq: u64, place in (of(outside()), of(entity()), of(uuid())), violation_type in violation_type(), severity in select(&SEVERITIES),
        title in text(), description in of(text()), metadata in of(json_text()), source_table in of(outside()),
        source_id in of(outside()), fingerprint in text(), detected_at in at(), business_date: i32, occurrences: u32,
        seen in (at(), at()), acknowledged in of(mark()), resolved in of(mark()), end in (of(text()), of(select(&ENDINGS))),
        actions in vec(uuid(), 0..3), blocks in vec(uuid(), 0..3),
    ) -> Violation {
        Violation {
            id, seq, venue_id: place.0, entity: place.1, parent_id: place.2, violation_type, severity, title, description, metadata,
            source_table, source_id, fingerprint, detected_at, business_date: BusinessDate(business_date), occurrences,
            last_seen_at: seen.0, over_at: seen.1, acknowledged, resolved, resolution: end.0, ending: end.1, actions, blocks,
        }
    }
}

prop_compose! {
    fn repeat()(
        id in uuid(), venue_id in of(outside()), parent_id in of(uuid()), severity in select(&SEVERITIES), title in text(), description in of(text()),
        metadata in of(json_text()), seen_at in at(), over_at in at(), occurrences: u32,
    ) -> Repeat {
        Repeat { id, venue_id, parent_id, severity, title, description, metadata, seen_at, over_at, occurrences }
    }
}

prop_compose! {
    fn window()(days in of(vec((0_u8..7).prop_map(Day::after_monday), 0..3)), from in of(clock()), to in of(clock())) -> During {
        During { days, from, to }
    }
}

fn clock() -> impl Strategy<Value = Clock> {
    (0..24, 0..60).prop_map(|(hours, minutes)| Clock::parse(&format!("{hours:02}:{minutes:02}")).unwrap())
}

fn windows() -> impl Strategy<Value = Windows> {
    prop_oneof![window().prop_map(Windows::One), vec(window(), 0..3).prop_map(Windows::Any)]
}

prop_compose! {
    fn conditions()(
        min_threshold in of(number()), max_threshold in of(number()), venue_ids in of(vec(".{0,4}", 0..3)),
        metadata in of(btree_map(".{0,4}", json(), 0..3)), counted: (Option<u32>, Option<u32>), during in of(windows()),
        when in of(prop_oneof![Just("severity == 'critical'".to_owned()), ".{0,6}"]), pace: (Option<u32>, Option<u32>),
    ) -> Conditions {
        Conditions {
            min_threshold, max_threshold, venue_ids, metadata, occurrences_at_least: counted.0, within_days: counted.1, during,
            when, repeat_after_minutes: pace.0, cooldown_minutes: pace.1,
        }
    }
}

prop_compose! {
    fn template_step()(action_type in select(&ACTION_TYPES), action_target in of(".{0,4}"), message_template in of(".{0,4}"), own in of(".{0,4}")) -> TemplateStep {
        let action_data = own.map(|entity| Box::new(ActionData { entity: Some(entity), ..ActionData::default() }));
        TemplateStep { action_type, action_target, message_template, action_data }
    }
}

prop_compose! {
    fn action_data()(
        block_type in of(".{0,4}"), entity in of(".{0,4}"), entity_type in of(".{0,4}"), override_required: Option<bool>,
        override_authority in of(authority()), limit in of(amount()), expires_after_minutes: Option<u32>,
        on_error in of(select(&ON_ERRORS)), auto_lift_on_resolve: Option<bool>, ladder in of(vec(authority(), 0..3)),
        minutes: (Option<u32>, Option<u32>, Option<u32>),
        stepped in (of(vec(template_step(), 0..3)), any::<Option<u32>>(), any::<Option<u32>>()),
    ) -> ActionData {
        ActionData {
            block_type, entity, entity_type, override_required, override_authority, limit: limit.map(|amount| Limit { amount }),
            expires_after_minutes, on_error, auto_lift_on_resolve, ladder, after_minutes: minutes.0,
            remind_after_minutes: minutes.1, delay_minutes: minutes.2,
            steps: stepped.0, within_days: stepped.1, step: stepped.2,
        }
    }
}

prop_compose! {
    fn template()(
        id in uuid(), seq: u64, name in of(text()), violation_type in violation_type(), severity in of(select(&SEVERITIES)),
        action_type in select(&ACTION_TYPES), action_target in text(), message_template in text(), switches in (any::<bool>(), select(&[Mode::Live, Mode::Shadow])),
        conditions in conditions().boxed(), action_data in action_data().boxed(), version: u32, changed_at in at(), changed_by in text(),
    ) -> Template {
        Template {
            id, seq, name, violation_type, severity, action_type, action_target, message_template, enabled: switches.0,
            mode: switches.1, conditions, action_data, version, changed_at, changed_by,
        }
    }
}

prop_compose! {
    fn shadow()(
        seq: u64, at in at(), template_id in uuid(), template_version: u32, violation_id in uuid(), venue_id in of(outside()),
        action_type in select(&ACTION_TYPES), step: Option<u32>, action_target in text(), message in text(), reason in of(text()),
        block in of(shadow_block()),
    ) -> ShadowRecord {
        ShadowRecord {
            seq, at, template_id, template_version, violation_id, venue_id, action_type, step, action_target, message, reason, block,
        }
    }
}

prop_compose! {
    fn shadow_block()(
        key in block_key(), entity_type in text(), override_required: bool, expires_at in of(at()),
    ) -> ShadowBlock {
        ShadowBlock { block_type: key.block_type, entity_id: key.entity_id, entity_type, override_required, expires_at }
    }
}

prop_compose! {
    fn attempt()(at in at(), outcome in select(&OUTCOMES), detail in text(), next_at in of(at())) -> Attempt {
        Attempt { at, outcome, detail, next_at }
    }
}

prop_compose! {
    fn step()(
        id in uuid(), authority in authority(), started_at in at(), status in select(&STATUSES), reason in of(text()),
        attempts in vec(attempt(), 0..3), failures in 0..u32::MAX / 2,
    ) -> Rung {
        Rung { id, authority, started_at, status, reason, attempts, failures }
    }
}

prop_compose! {
    fn reminder()(at in at(), to in text()) -> Reminder { Reminder { at, to } }
}

prop_compose! {
    fn escalation()(
        ladder in vec(authority(), 0..3), after_minutes: u32, remind_after_minutes: Option<u32>, steps in vec(step(), 0..3),
        next_at in of(at()), reminder in of(reminder()),
    ) -> Escalation {
        Escalation { ladder, after_minutes, remind_after_minutes, steps, next_at, reminder }
    }
}

prop_compose! {
    fn escalated()(id in uuid(), venue_id in of(outside()), step in step()) -> Escalated { Escalated { id, venue_id, step } }
}

prop_compose! {
    fn stopped()(
        id in uuid(), venue_id in of(outside()), status in select(&STATUSES), reason in text(), reminder in of(reminder()),
    ) -> Stopped {
        Stopped { id, venue_id, status, reason, reminder }
    }
}

fn suppressed() -> impl Strategy<Value = Suppressed> {
    prop_oneof![uuid().prop_map(Suppressed::Silence), uuid().prop_map(Suppressed::Inhibition)]
}

prop_compose! {
    fn silence()(
        id in uuid(), seq: u64, violation_type in of(violation_type()), venue_id in of(outside()), entity_id in of(outside()),
        until in at(), reason in text(), by in text(), person in of(outside()),
        held in prop_oneof![Just(Held::Nothing), authority().prop_map(Held::Rung), Just(Held::Top)], created_at in at(),
    ) -> Silence {
        Silence { id, seq, violation_type, venue_id, entity_id, until, reason, by, person, held, created_at }
    }
}

prop_compose! {
    fn inhibition()(
        source_type in violation_type(), target_types in vec(violation_type(), 0..3), scope in select(&SCOPES),
    ) -> Inhibition {
        Inhibition { source_type, target_types, scope }
    }
}

prop_compose! {
    fn action()(
        id in uuid(), seq: u64, violation_id in uuid(), venue_id in of(outside()), told in (select(&SEVERITIES), text()),
        template_id in of(uuid()), template_version: Option<u32>, action_type in select(&ACTION_TYPES), action_target in text(), message in text(),
        missing in vec(text(), 0..3), action_data in action_data().boxed(), created_at in at(), scheduled_for in of(at()),
        executed_at in of(at()), status in select(&STATUSES), reason in of(text()), attempts in vec(attempt(), 0..3),
        timing in (0..u32::MAX / 2, of(at())), escalation in of(escalation()).boxed(),
        more in (of(suppressed()), of(select(&NOTICES))),
    ) -> Action {
        Action {
            id, seq, violation_id, venue_id, severity: told.0, title: told.1, template_id, template_version, action_type,
            action_target, message, missing,
            action_data, created_at, scheduled_for, executed_at, status, reason, attempts, failures: timing.0,
            due_at: timing.1, escalation, suppressed: more.0, notice: more.1,
        }
    }
}

prop_compose! {
    fn attempted()(
        id in uuid(), venue_id in of(outside()), step in of(uuid()), attempt in attempt(), status in select(&STATUSES),
        reason in of(text()),
    ) -> Attempted {
        Attempted { id, venue_id, step, attempt, status, reason }
    }
}

prop_compose! {
    fn block_key()(block_type in text(), entity_id in outside()) -> BlockKey { BlockKey { block_type, entity_id } }
}

prop_compose! {
    fn block()(
        id in uuid(), seq: u64, violation_id in of(uuid()), key in block_key(), entity_type in text(), venue_id in of(outside()),
        reason in text(), override_required: bool, override_authority in of(authority()), limit in of(amount()),
        on_error in select(&ON_ERRORS), auto_lift_on_resolve: bool, placed_by in text(), placed_at in at(),
        expires_at in of(at()), expired: bool, lifted in of((at(), text(), text())),
    ) -> Block {
        let lifted = lifted.map(|(at, by, reason)| Lift { at, by, reason });
        Block {
            id, seq, violation_id, key, entity_type, venue_id, reason, override_required, override_authority, limit, on_error,
            auto_lift_on_resolve, placed_by, placed_at, expires_at, expired, lifted,
        }
    }
}

/// Every kind of event of an organisation.
pub fn event() -> BoxedStrategy<Event> {
    let of_venue = || (uuid(), of(outside()));
    prop_oneof![
        organisation().prop_map(|it| Event::OrganisationFounded(Box::new(it))),
        organisation().prop_map(|it| Event::SettingsChanged(Box::new(it))),
        venue().prop_map(|it| Event::VenueSaved(Box::new(it))),
        outside().prop_map(|venue_id| Event::VenueDeleted { venue_id }),
        own_type().prop_map(|it| Event::ViolationTypeSaved(Box::new(it))),
        violation_type().prop_map(|violation_type| Event::ViolationTypeDeleted { violation_type }),
        violation().prop_map(|it| Event::ViolationReported(Box::new(it))),
        repeat().prop_map(|it| Event::ViolationRepeated(Box::new(it))),
        (of_venue(), text(), of(text())).prop_map(|((id, venue_id), by, note)| Event::ViolationAcknowledged {
            id,
            venue_id,
            by,
            note
        }),
        (of_venue(), text(), of(text()), select(&ENDINGS)).prop_map(|((id, venue_id), by, resolution, ending)| {
            Event::ViolationResolved { id, venue_id, by, resolution, ending }
        }),
        repeat().prop_map(|it| Event::ViolationReopened(Box::new(it))),
        template().prop_map(|it| Event::TemplateSaved(Box::new(it))),
        uuid().prop_map(|id| Event::TemplateDeleted { id }),
        shadow().prop_map(|it| Event::ShadowNoted(Box::new(it))),
        action().prop_map(|it| Event::ActionCreated(Box::new(it))),
        attempted().prop_map(|it| Event::ActionAttempted(Box::new(it))),
        (of_venue(), text(), text()).prop_map(|((id, venue_id), reason, by)| Event::ActionDismissed {
            id,
            venue_id,
            reason,
            by
        }),
        (of_venue(), text(), at()).prop_map(|((id, venue_id), by, due_at)| Event::ActionRequeued {
            id,
            venue_id,
            by,
            due_at
        }),
        escalated().prop_map(|it| Event::ActionEscalated(Box::new(it))),
        stopped().prop_map(|it| Event::ActionStopped(Box::new(it))),
        of_venue().prop_map(|(id, venue_id)| Event::ActionReminded { id, venue_id }),
        block().prop_map(|it| Event::BlockPlaced(Box::new(it))),
        (of_venue(), block_key(), text(), text()).prop_map(|((id, venue_id), key, by, reason)| Event::BlockLifted {
            id,
            venue_id,
            key,
            by,
            reason
        }),
        (of_venue(), block_key()).prop_map(|((id, venue_id), key)| Event::BlockExpired { id, venue_id, key }),
        suppressing(),
        approvals::event(),
        approvals::event(),
        approvals::event(),
        webhooks::event(),
        webhooks::event(),
        Just(Event::Answered),
    ]
    .boxed()
}

fn suppressing() -> BoxedStrategy<Event> {
    prop_oneof![
        silence().prop_map(|it| Event::SilenceAdded(Box::new(it))),
        (uuid(), of(outside()), text()).prop_map(|(id, venue_id, by)| Event::SilenceEnded { id, venue_id, by }),
        (vec(inhibition(), 0..3), text()).prop_map(|(rules, by)| Event::InhibitionsChanged { rules, by }),
    ]
    .boxed()
}

fn hash() -> impl Strategy<Value = [u8; 32]> {
    (0_u8..6).prop_map(|byte| [byte; 32])
}

prop_compose! {
    fn registration()(
        org_id in outside(), stream in 0_u64..99, name in text(), time_zone in text(), created_at in at(),
    ) -> Registration {
        Registration { org_id, stream: StreamId(stream), name, time_zone, created_at }
    }
}

prop_compose! {
    fn key()(
        id in text(), seq: u64, org_id in outside(), name in text(), hash: [u8; 32],
        scopes in subsequence(Scope::ALL.to_vec(), 0..=8), venues in of(vec(outside(), 0..3)), authority in of(authority()),
        person in of(outside()), created_at in at(), created_by in text(), expires_at in of(at()),
    ) -> Key {
        Key {
            id, seq, org_id, name, hash, scopes: Scopes::of(&scopes), venues, authority, person, created_at, created_by,
            expires_at,
        }
    }
}

prop_compose! {
    fn user()(
        id in outside(), seq: u64, org_id in outside(), email in text(), name in text(), role in select(&ROLES),
        venues in of(vec(outside(), 0..3)), password_hash in of(text()), created_at in at(),
    ) -> User {
        User { id, seq, org_id, email, name, role, venues, password_hash, created_at }
    }
}

prop_compose! {
    fn session()(
        hash in hash(), org_id in outside(), user_id in outside(), opened_at in at(), expires_at in at(),
    ) -> Session {
        Session { hash, org_id, user_id, opened_at, expires_at }
    }
}

/// Every kind of event of the directory.
pub fn directory_event() -> BoxedStrategy<DirectoryEvent> {
    prop_oneof![
        registration().prop_map(|it| DirectoryEvent::OrganisationRegistered(Box::new(it))),
        key().prop_map(|it| DirectoryEvent::KeyCreated(Box::new(it))),
        (outside(), text()).prop_map(|(org_id, id)| DirectoryEvent::KeyRevoked { org_id, id }),
        user().prop_map(|it| DirectoryEvent::UserSaved(Box::new(it))),
        (outside(), outside()).prop_map(|(org_id, id)| DirectoryEvent::UserRemoved { org_id, id }),
        session().prop_map(|it| DirectoryEvent::SessionOpened(Box::new(it))),
        vec(hash(), 0..3).prop_map(|hashes| DirectoryEvent::SessionsClosed { hashes }),
        Just(DirectoryEvent::Answered),
    ]
    .boxed()
}

/// Every kind of cause.
fn cause() -> impl Strategy<Value = Cause> {
    let who = prop_oneof![
        outside().prop_map(Who::Person),
        (text(), of(outside())).prop_map(|(id, person)| Who::Key { id, person }),
        Just(Who::Operator),
        Just(Who::Schedule),
    ];
    (who, select(&[Via::Api, Via::Page, Via::Schedule]), of(text())).prop_map(|(who, via, request)| Cause {
        who,
        via,
        request,
    })
}

/// An idempotency key.
fn request() -> impl Strategy<Value = Request> {
    (text(), any::<[u8; 16]>()).prop_map(|(key, print)| Request { key, print })
}

/// An answer.
fn reply() -> impl Strategy<Value = Reply> {
    (select(&[Done::Created, Done::Done]), any::<Vec<u8>>()).prop_map(|(done, body)| Reply { done, body })
}

/// A commit of these events.
pub fn commit<E: Clone + std::fmt::Debug>(event: impl Strategy<Value = E>) -> impl Strategy<Value = Commit<E>> {
    (cause(), of(request()), of(reply()), vec(event, 1..4)).prop_map(|(cause, request, reply, events)| Commit {
        cause,
        request,
        reply,
        events,
    })
}

/// Commits of these events, one after the other, up to half a day apart.
pub fn steps<E: Clone + std::fmt::Debug>(event: impl Strategy<Value = E>) -> impl Strategy<Value = Vec<Step<E>>> {
    let step = (0..DAY_MS / 2, of(request()), vec(event, 1..4));
    vec(step, 0..12).prop_map(|steps| {
        let mut now = Timestamp(1_700_000_000_000);
        let dated = steps.into_iter().map(|(later_ms, request, events)| {
            now = now.plus_ms(later_ms);
            (now, request, events)
        });
        dated.collect()
    })
}

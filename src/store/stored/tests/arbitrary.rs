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
use crate::domain::actions::{Action, ActionType, Attempt, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::blocks::{Block, BlockKey, Lift, OnError};
use crate::domain::decision::{Done, Reply};
use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::event::Event;
use crate::domain::idempotency::Request;
use crate::domain::ids::{OutsideId, StreamId};
use crate::domain::json::JsonText;
use crate::domain::organisation::{Contacts, Organisation, Venue};
use crate::domain::people::{Authority, Cause, Role, Scope, Scopes, Via, Who};
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::{ActionData, Limit, Template};
use crate::domain::time::{BusinessDate, DAY_MS, Timestamp};
use crate::domain::violations::{Mark, Repeat, Severity, Violation, ViolationType};

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const ACTION_TYPES: [ActionType; 4] =
    [ActionType::Alert, ActionType::Block, ActionType::RequireOverride, ActionType::Escalate];
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
    fn violation()(
        id in uuid(), seq: u64, venue_id in of(outside()), violation_type in violation_type(), severity in select(&SEVERITIES),
        title in text(), description in of(text()), metadata in of(json_text()), source_table in of(outside()),
        source_id in of(outside()), fingerprint in text(), detected_at in at(), business_date: i32, occurrences: u32,
        last_seen_at in at(), acknowledged in of(mark()), resolved in of(mark()), resolution in of(text()),
        actions in vec(uuid(), 0..3), blocks in vec(uuid(), 0..3),
    ) -> Violation {
        Violation {
            id, seq, venue_id, violation_type, severity, title, description, metadata, source_table, source_id, fingerprint,
            detected_at, business_date: BusinessDate(business_date), occurrences, last_seen_at, acknowledged, resolved,
            resolution, actions, blocks,
        }
    }
}

prop_compose! {
    fn repeat()(
        id in uuid(), venue_id in of(outside()), severity in select(&SEVERITIES), title in text(), description in of(text()),
        metadata in of(json_text()), seen_at in at(), occurrences: u32,
    ) -> Repeat {
        Repeat { id, venue_id, severity, title, description, metadata, seen_at, occurrences }
    }
}

prop_compose! {
    fn conditions()(
        min_threshold in of(number()), max_threshold in of(number()), venue_ids in of(vec(".{0,4}", 0..3)),
        metadata in of(btree_map(".{0,4}", json(), 0..3)),
    ) -> Conditions {
        Conditions { min_threshold, max_threshold, venue_ids, metadata }
    }
}

prop_compose! {
    fn action_data()(
        block_type in of(".{0,4}"), entity in of(".{0,4}"), entity_type in of(".{0,4}"), override_required: Option<bool>,
        override_authority in of(authority()), limit in of(amount()), expires_after_minutes: Option<u32>,
        on_error in of(select(&ON_ERRORS)), auto_lift_on_resolve: Option<bool>, ladder in of(vec(authority(), 0..3)),
        after_minutes: Option<u32>,
    ) -> ActionData {
        ActionData {
            block_type, entity, entity_type, override_required, override_authority, limit: limit.map(|amount| Limit { amount }),
            expires_after_minutes, on_error, auto_lift_on_resolve, ladder, after_minutes,
        }
    }
}

prop_compose! {
    fn template()(
        id in uuid(), seq: u64, name in of(text()), violation_type in violation_type(), severity in of(select(&SEVERITIES)),
        action_type in select(&ACTION_TYPES), action_target in text(), message_template in text(), enabled: bool,
        conditions in conditions().boxed(), action_data in action_data().boxed(), version: u32, changed_at in at(), changed_by in text(),
    ) -> Template {
        Template {
            id, seq, name, violation_type, severity, action_type, action_target, message_template, enabled, conditions,
            action_data, version, changed_at, changed_by,
        }
    }
}

prop_compose! {
    fn attempt()(at in at(), outcome in select(&OUTCOMES), detail in text(), next_at in of(at())) -> Attempt {
        Attempt { at, outcome, detail, next_at }
    }
}

prop_compose! {
    fn action()(
        id in uuid(), seq: u64, violation_id in uuid(), venue_id in of(outside()), told in (select(&SEVERITIES), text()),
        template_id in of(uuid()), template_version: Option<u32>, action_type in select(&ACTION_TYPES), action_target in text(), message in text(),
        missing in vec(text(), 0..3), action_data in action_data().boxed(), created_at in at(), scheduled_for in of(at()),
        executed_at in of(at()), status in select(&STATUSES), reason in of(text()), attempts in vec(attempt(), 0..3),
        failures in 0..u32::MAX / 2, due_at in of(at()),
    ) -> Action {
        Action {
            id, seq, violation_id, venue_id, severity: told.0, title: told.1, template_id, template_version, action_type,
            action_target, message, missing,
            action_data, created_at, scheduled_for, executed_at, status, reason, attempts, failures, due_at,
        }
    }
}

prop_compose! {
    fn attempted()(
        id in uuid(), venue_id in of(outside()), attempt in attempt(), status in select(&STATUSES), reason in of(text()),
    ) -> Attempted {
        Attempted { id, venue_id, attempt, status, reason }
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
        violation().prop_map(|it| Event::ViolationReported(Box::new(it))),
        repeat().prop_map(|it| Event::ViolationRepeated(Box::new(it))),
        (of_venue(), text(), of(text())).prop_map(|((id, venue_id), by, note)| Event::ViolationAcknowledged {
            id,
            venue_id,
            by,
            note
        }),
        (of_venue(), text(), of(text())).prop_map(|((id, venue_id), by, resolution)| Event::ViolationResolved {
            id,
            venue_id,
            by,
            resolution
        }),
        template().prop_map(|it| Event::TemplateSaved(Box::new(it))),
        uuid().prop_map(|id| Event::TemplateDeleted { id }),
        action().prop_map(|it| Event::ActionCreated(Box::new(it))),
        attempted().prop_map(|it| Event::ActionAttempted(Box::new(it))),
        (of_venue(), text(), text()).prop_map(|((id, venue_id), reason, by)| Event::ActionDismissed {
            id,
            venue_id,
            reason,
            by
        }),
        (of_venue(), text()).prop_map(|((id, venue_id), by)| Event::ActionRequeued { id, venue_id, by }),
        block().prop_map(|it| Event::BlockPlaced(Box::new(it))),
        (of_venue(), block_key(), text(), text()).prop_map(|((id, venue_id), key, by, reason)| Event::BlockLifted {
            id,
            venue_id,
            key,
            by,
            reason
        }),
        (of_venue(), block_key()).prop_map(|((id, venue_id), key)| Event::BlockExpired { id, venue_id, key }),
        approvals::event(),
        approvals::event(),
        approvals::event(),
        webhooks::event(),
        webhooks::event(),
        Just(Event::Answered),
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

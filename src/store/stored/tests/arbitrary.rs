//! Arbitrary domain values. Ids come from small pools, so that events meet the objects of others. What is large is boxed, because
//! strategies lie on the stack whole.

mod actions;
mod approvals;
mod capabilities;
mod directory;
mod notifications;
mod templates;
mod violations;
mod webhooks;

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use self::actions::{ACTION_TYPES, OUTCOMES, STATUSES, action, attempted, escalated, stopped};
pub use self::directory::directory_event;
use self::templates::{action_data, shadow, template};
use self::violations::{ENDINGS, SEVERITIES, own_type, repeat, violation, violation_type};
use super::{Commit, Step};
use crate::domain::blocks::{Block, BlockKey, Lift, OnError};
use crate::domain::decision::{Done, Reply};
use crate::domain::event::Event;
use crate::domain::idempotency::Request;
use crate::domain::ids::OutsideId;
use crate::domain::json::JsonText;
use crate::domain::organisation::{Contacts, Organisation, Venue};
use crate::domain::people::{Authority, Cause, Held, Role, Via, Who};
use crate::domain::suppression::inhibition::{Inhibition, InhibitionScope};
use crate::domain::suppression::silences::Silence;
use crate::domain::time::{DAY_MS, Timestamp};

const SCOPES: [InhibitionScope; 2] = [InhibitionScope::Venue, InhibitionScope::Entity];
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
        notifications::event(),
        notifications::event(),
        notifications::event(),
        capabilities::event(),
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

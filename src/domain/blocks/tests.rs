//! Placing by hand, expiry, and the order of what stands.

use uuid::Uuid;

use super::check::verdicts;
use super::place::{PlaceBlock, REASON_CHARS_MAX, Tick};
use super::{BlockKey, OnError};
use crate::domain::decision::Answer;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::testing::{Tenant, amount, block_on, comp, id, key, ladder, lift, person, pointers, rung, tenant};
use crate::domain::time::{MINUTE_MS, Timestamp};

#[test]
fn a_block_by_hand_is_what_was_asked_for() {
    let mut tenant = tenant().with_venue("pier").by(person("mia", rung("manager")));
    let until = tenant.now.plus_ms(1);
    let whole = PlaceBlock {
        limit: Some(amount("50.25")),
        on_error: Some(OnError::Limit),
        override_required: Some(false),
        ..block_on("ana").at_venue("pier").asking("gm").until(until)
    };
    tenant.run(whole);
    let block = tenant.only_block();
    assert_eq!((block.limit, block.on_error, block.expires_at), (Some(amount("50.25")), OnError::Limit, Some(until)));
    assert_eq!((&*block.placed_by, block.placed_at, block.override_required), ("mia", tenant.now, false));
    assert_eq!(block.seq, tenant.state.last_seq());
}

#[test]
fn a_block_can_be_overridden_when_it_names_who_may() {
    let required = |place: PlaceBlock| tenant().with_block(place).only_block().override_required;
    assert!(!required(block_on("ana")));
    assert!(required(block_on("ana").asking("gm")));
    assert!(required(PlaceBlock { override_required: Some(true), ..block_on("ana") }));
}

#[test]
fn what_cannot_be_a_block_is_refused() {
    let mut tenant = tenant();
    let now = tenant.now;
    let wrong = [
        (PlaceBlock { block_type: String::new(), ..block_on("ana") }, "/block_type"),
        (PlaceBlock { block_type: "a\nb".into(), ..block_on("ana") }, "/block_type"),
        (block_on(""), "/entity_id"),
        (block_on(&"x".repeat(129)), "/entity_id"),
        (PlaceBlock { entity_type: String::new(), ..block_on("ana") }, "/entity_type"),
        (block_on("ana").at_venue(""), "/venue_id"),
        (PlaceBlock { reason: " ".into(), ..block_on("ana") }, "/reason"),
        (PlaceBlock { reason: "é".repeat(REASON_CHARS_MAX + 1), ..block_on("ana") }, "/reason"),
        (PlaceBlock { limit: Some(amount("-0.01")), ..block_on("ana") }, "/limit/amount"),
        (block_on("ana").until(now), "/expires_at"),
        (block_on("ana").until(Timestamp(0)), "/expires_at"),
        (block_on("ana").asking("captain"), "/override_authority"),
        (block_on("ana").asking(""), "/override_authority"),
    ];
    for (place, pointer) in wrong {
        assert_eq!(pointers(&tenant.refused(place)), [pointer]);
    }
    let unknown = Rejection::UnknownVenue { pointer: "/venue_id" };
    assert_eq!(tenant.refused(block_on("ana").at_venue("moon")), unknown);
    assert_eq!(tenant.refused(block_on("ana").for_violation(Uuid::nil())), Rejection::NotFound);
    tenant.run(PlaceBlock { reason: "é".repeat(REASON_CHARS_MAX), limit: Some(amount("0")), ..block_on("ana") });
}

#[test]
fn a_caller_limited_to_venues_places_there_only() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_violation(comp().at_venue("quay"));
    let elsewhere = tenant.only_violation().id;
    tenant.caller(key(Held::Top).only_at(&["pier"]));
    tenant.run(block_on("ana").at_venue("pier"));
    assert_eq!(tenant.refused(block_on("ana").at_venue("quay")), Rejection::VenueNotAllowed);
    assert_eq!(tenant.refused(block_on("ana").for_violation(elsewhere)), Rejection::NotFound);
}

#[test]
fn a_block_is_over_at_its_time_and_a_tick_writes_that_down() {
    let mut tenant = tenant();
    let until = |minutes: i64, tenant: &Tenant| tenant.now.plus_ms(minutes * MINUTE_MS);
    for minutes in [3, 1, 2] {
        let place = block_on("ana").until(until(minutes, &tenant));
        tenant.run(place);
    }
    tenant.run(block_on("bob"));
    assert_eq!(tenant.state.next_tick(), Some(until(1, &tenant)));
    tenant.later_ms(3 * MINUTE_MS - 1);
    assert!(tenant.is_blocked("ana"));
    tenant.later_ms(1);
    assert!(!tenant.is_blocked("ana"), "nobody had to write anything");
    assert_eq!(tenant.run(Tick { at_most: 2 }), Answer::Ticked { expired: 2, resolved: Vec::new() });
    assert_eq!(tenant.run(Tick { at_most: 2 }), Answer::Ticked { expired: 1, resolved: Vec::new() });
    assert_eq!(tenant.run(Tick { at_most: 2 }), Answer::Ticked { expired: 0, resolved: Vec::new() });
    assert!(tenant.last.is_empty());
    assert_eq!((tenant.state.next_tick(), tenant.state.blocks.standing_count()), (None, 1));
    assert!(tenant.is_blocked("bob"));
}

#[test]
fn a_lifted_block_never_expires() {
    let mut tenant = tenant();
    let place = block_on("ana").until(tenant.now.plus_ms(1));
    let lifted = tenant.place(place);
    tenant.run(lift(lifted));
    tenant.later_ms(1);
    assert_eq!(tenant.run(Tick { at_most: 10 }), Answer::Ticked { expired: 0, resolved: Vec::new() });
}

fn order(tenant: &Tenant) -> Vec<Uuid> {
    let key = BlockKey { block_type: "comp_approval".into(), entity_id: id("ana") };
    let answers = verdicts(&tenant.state, &key).into_iter().map(|verdict| {
        let mut answer = Vec::new();
        verdict.write(b"1", &mut answer);
        serde_json::from_slice::<serde_json::Value>(&answer).unwrap()
    });
    answers.map(|answer| answer["block_id"].as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_strictest_stands_first_and_the_ladder_decides_which_that_is() {
    let mut tenant = tenant();
    let [manager, owner, none, second_owner] = ["manager", "owner", "", "owner"].map(|rung| match rung {
        "" => tenant.place(PlaceBlock { override_required: Some(true), ..block_on("ana") }),
        rung => tenant.place(block_on("ana").asking(rung)),
    });
    let never = tenant.place(block_on("ana"));
    let never_gm = tenant.place(PlaceBlock { override_required: Some(false), ..block_on("ana").asking("gm") });
    assert_eq!(order(&tenant), [never_gm, never, owner, second_owner, manager, none]);
    tenant.run(ladder(&["owner", "manager", "gm"]));
    assert_eq!(order(&tenant), [never_gm, never, manager, owner, second_owner, none]);
    tenant.run(lift(never_gm));
    assert_eq!(order(&tenant), [never, manager, owner, second_owner, none]);
}

#[test]
fn age_is_the_order_of_the_records_and_not_of_the_clock() {
    let mut tenant = tenant();
    let older = tenant.place(block_on("ana"));
    tenant.later_minutes(-60);
    let younger = tenant.place(block_on("ana"));
    assert_eq!(order(&tenant), [older, younger]);
}

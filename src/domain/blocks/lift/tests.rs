//! Who may lift which block, as one table, and what a second lift or a late one comes to.

use super::*;
use crate::domain::blocks::place::{PlaceBlock, Tick};
use crate::domain::organisation::DEFAULT_LADDER;
use crate::domain::testing::{
    Tenant, block_on, comp, key, key_of, ladder, lift, person, pointers, resolve, rung, tenant,
};
use crate::domain::time::MINUTE_MS;

fn asking(authority: Option<&str>) -> PlaceBlock {
    PlaceBlock { override_authority: authority.map(Into::into), ..block_on("ana") }
}

/// What comes of it when this caller lifts this block.
fn outcome(place: PlaceBlock, caller: Caller) -> Result<(), Rejection> {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_block(place).by(caller);
    let id = tenant.only_block().id;
    let result = tenant.try_run(lift(id)).map(drop);
    assert_eq!(tenant.is_blocked("ana"), result.is_err());
    result
}

#[test]
fn the_authority_that_a_block_asks_for_or_one_above_it_lifts_it() {
    let blocks = [None, Some("manager"), Some("gm"), Some("vp_ops"), Some("owner")];
    let held = ["nothing", "manager", "gm", "vp_ops", "owner", "top"];
    let table = [
        // no authority, manager, gm, vp_ops, owner
        [true, false, false, false, false],
        [true, true, false, false, false],
        [true, true, true, false, false],
        [true, true, true, true, false],
        [true, true, true, true, true],
        [true, true, true, true, true],
    ];
    for (held, row) in held.iter().zip(table) {
        for (block, may) in blocks.iter().zip(row) {
            let held = match *held {
                "nothing" => Held::Nothing,
                "top" => Held::Top,
                name => rung(name),
            };
            for caller in [key(held.clone()), person("mia", held.clone()), key_of("mia", held)] {
                let needed = crate::domain::people::Authority::named(block.unwrap_or("manager"));
                let expected = if may { Ok(()) } else { Err(Rejection::InsufficientAuthority { needed }) };
                assert_eq!(outcome(asking(*block), caller.clone()), expected, "{caller:?} lifts {block:?}");
            }
        }
    }
}

#[test]
fn nobody_lifts_their_own_block_whatever_they_hold() {
    for block in [None, Some("manager"), Some("owner")] {
        for held in DEFAULT_LADDER.map(rung).into_iter().chain([Held::Nothing, Held::Top]) {
            assert_eq!(outcome(asking(block), person("ana", held.clone())), Err(Rejection::OwnBlock));
            assert_eq!(outcome(asking(block), key_of("ana", held)), Err(Rejection::OwnBlock), "nor by a key of theirs");
        }
    }
}

#[test]
fn a_block_of_another_venue_does_not_exist() {
    let place = || block_on("ana").at_venue("quay");
    let limited = |held: Held, venues: &[&str]| person("mia", held).only_at(venues);
    assert_eq!(outcome(place(), limited(Held::Top, &["pier"])), Err(Rejection::NotFound));
    assert_eq!(outcome(place(), person("ana", Held::Top).only_at(&["pier"])), Err(Rejection::NotFound));
    assert_eq!(outcome(place(), limited(rung("gm"), &["pier", "quay"])), Ok(()));
    assert_eq!(tenant().refused(lift(Uuid::nil())), Rejection::NotFound);
}

#[test]
fn whoever_is_limited_to_venues_lifts_no_block_of_all_venues() {
    let place = || block_on("ana").asking("gm");
    for held in [rung("gm"), Held::Top] {
        let limited = person("mia", held.clone()).only_at(&["pier", "quay"]);
        assert_eq!(outcome(place(), limited.clone()), Err(Rejection::VenueNotAllowed));
        assert_eq!(outcome(place().at_venue("quay"), limited), Ok(()));
        assert_eq!(outcome(place(), person("mia", held)), Ok(()));
    }
}

#[test]
fn a_lift_needs_a_reason() {
    let mut tenant = tenant().with_block(block_on("ana"));
    let id = tenant.only_block().id;
    for reason in ["", " \n", &"é".repeat(REASON_CHARS_MAX + 1)] {
        assert_eq!(pointers(&tenant.refused(LiftBlock { id, lift_reason: reason.into() })), ["/lift_reason"]);
    }
    tenant.run(LiftBlock { id, lift_reason: "é".repeat(REASON_CHARS_MAX) });
}

#[test]
fn a_second_lift_is_refused_also_when_the_first_was_a_resolution() {
    let mut tenant = tenant().with_violation(comp());
    let violation = tenant.only_violation().id;
    let (one, two) = (tenant.place(block_on("ana")), tenant.place(block_on("ana").for_violation(violation)));
    let at = tenant.now;
    tenant.run(lift(one));
    tenant.run(resolve(violation));
    tenant.later_ms(1);
    for id in [one, two] {
        let first = tenant.state.blocks.get(&id).unwrap().lifted.clone();
        assert_eq!(tenant.refused(lift(id)), Rejection::AlreadyLifted { at });
        assert_eq!(tenant.state.blocks.get(&id).unwrap().lifted, first);
    }
}

fn expiring() -> (Tenant, Uuid, Timestamp) {
    let mut tenant = tenant();
    let at = tenant.now.plus_ms(MINUTE_MS);
    let id = tenant.place(block_on("ana").until(at));
    (tenant, id, at)
}

#[test]
fn what_is_over_is_not_lifted_ticked_or_not() {
    let (mut tenant, id, at) = expiring();
    tenant.later_ms(MINUTE_MS);
    assert_eq!(tenant.refused(lift(id)), Rejection::BlockExpired { at });
    tenant.run(Tick { at_most: 10 });
    assert_eq!(tenant.refused(lift(id)), Rejection::BlockExpired { at });
}

#[test]
fn a_clock_that_goes_back_does_not_bring_an_ended_block_back() {
    let (mut tenant, id, at) = expiring();
    tenant.later_ms(MINUTE_MS);
    tenant.run(Tick { at_most: 10 });
    tenant.later_ms(-30_000);
    assert!(!tenant.is_blocked("ana") && !tenant.only_block().is_active(tenant.now));
    assert_eq!(tenant.refused(lift(id)), Rejection::BlockExpired { at });
}

#[test]
fn a_rung_that_the_ladder_lost_is_the_business_of_its_top() {
    let mut tenant = tenant().with_block(asking(Some("gm"))).with(ladder(&["captain", "king"]));
    let id = tenant.only_block().id;
    for held in [Held::Nothing, rung("captain"), rung("gm"), rung("owner")] {
        tenant.caller(key(held));
        assert!(matches!(tenant.refused(lift(id)), Rejection::InsufficientAuthority { .. }));
    }
    tenant.caller(key(rung("king"))).run(lift(id));
}

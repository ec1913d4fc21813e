//! What the check says, against a model that prepares nothing.

use proptest::prelude::*;

use super::*;
use crate::domain::approvals::overrides::RequestOverride;
use crate::domain::blocks::check::ruling;
use crate::domain::blocks::grants::{ConsumeGrant, Grant};
use crate::domain::blocks::place::{PlaceBlock, Tick};
use crate::domain::blocks::verdict::{PassTerms, Terms};
use crate::domain::blocks::{Block, OnError};
use crate::domain::decision::Answer;
use crate::domain::ids::EntityId;
use crate::domain::people::{Authority, Held};
use crate::domain::testing::{
    FRIDAY, Tenant, amount, at, block_on, consume, key as a_key, ladder, lift, overriding, person, tenant,
};
use crate::domain::time::{MINUTE_MS, Timestamp};
use uuid::Uuid;

fn key(block_type: &str, entity: &str) -> BlockKey {
    BlockKey { block_type: block_type.into(), entity_id: EntityId::parse(entity).unwrap() }
}

fn verdict(venue: Option<&str>, limit: Option<&str>, expires_at_ms: i64) -> Verdict {
    Verdict::new(&Terms {
        id: Uuid::nil(),
        venue_id: venue,
        limit: limit.map(amount),
        expires_at: (expires_at_ms < i64::MAX).then_some(Timestamp(expires_at_ms)),
        on_error: OnError::Closed,
        reason: "Comps wait for review",
        override_required: true,
        names_authority: true,
        authority: "gm",
    })
}

fn ask(index: &BlockIndex, stream: u64, entity: &str, venue: Option<&str>, amount: Option<&str>, now: i64) -> bool {
    let amount = amount.map(|text| text.parse().unwrap());
    let question = Question { block_type: "comp", entity_id: entity, venue_id: venue, amount };
    let mut out = Vec::new();
    let blocked = index.check(StreamId(stream), &question, now, 812, &mut out);
    let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((answer["blocked"].as_bool(), answer["version"].as_u64()), (Some(blocked), Some(812)));
    blocked
}

#[test]
fn a_block_counts_for_its_key_its_venue_its_limit_and_its_time() {
    let index = BlockIndex::default();
    index.put(StreamId(1), &key("comp", "ana"), vec![verdict(Some("pier"), Some("50"), 1_000)]);
    assert!(ask(&index, 1, "ana", Some("pier"), Some("50.01"), 999));
    assert!(ask(&index, 1, "ana", None, None, 999));
    assert!(!ask(&index, 1, "ana", Some("pier"), Some("50.00"), 999));
    assert!(!ask(&index, 1, "ana", Some("quay"), None, 999));
    assert!(!ask(&index, 1, "ana", None, None, 1_000), "over at its time, without anybody writing");
    assert!(!ask(&index, 2, "ana", None, None, 999), "another organisation");
    assert!(!ask(&index, 1, "bob", None, None, 999));
}

#[test]
fn a_grant_opens_its_venue_up_to_its_amount_until_its_time_and_only_what_is_blocked() {
    let index = BlockIndex::default();
    let pass = Pass::new(&PassTerms {
        id: Uuid::nil(),
        venue_id: Some("pier"),
        amount_max: Some(amount("100")),
        expires_at: Timestamp(1_000),
        uses_left: 1,
    });
    let ruling = Ruling { verdicts: vec![verdict(Some("pier"), Some("50"), 2_000)], passes: vec![pass] };
    index.put(StreamId(1), &key("comp", "ana"), ruling);
    assert!(!ask(&index, 1, "ana", Some("pier"), Some("100"), 999));
    assert!(ask(&index, 1, "ana", Some("pier"), Some("100.01"), 999), "above the grant");
    assert!(ask(&index, 1, "ana", Some("pier"), None, 999), "no amount counts as above");
    assert!(ask(&index, 1, "ana", None, Some("60"), 999), "without a venue it is about all of them");
    assert!(ask(&index, 1, "ana", Some("pier"), Some("60"), 1_000), "over at its time, without anybody writing");
    let question = |sum: &str| {
        let amount = Some(sum.parse().unwrap());
        let question = Question { block_type: "comp", entity_id: "ana", venue_id: Some("pier"), amount };
        let mut out = Vec::new();
        index.check(StreamId(1), &question, 999, 1, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert!(question("60").contains("grant"));
    assert!(!question("50").contains("grant"), "what is free anyway uses no grant");
}

#[test]
fn operation_and_entity_do_not_run_into_each_other() {
    let index = BlockIndex::default();
    index.put(StreamId(1), &key("com", "pana"), vec![verdict(None, None, i64::MAX)]);
    assert!(!ask(&index, 1, "ana", None, None, 0));
}

#[test]
fn a_key_without_blocks_is_taken_out() {
    let index = BlockIndex::default();
    index.put(StreamId(1), &key("comp", "ana"), vec![verdict(None, None, i64::MAX)]);
    index.put(StreamId(1), &key("comp", "ana"), Vec::new());
    assert!(index.is_empty());
    assert!(!ask(&index, 1, "ana", None, None, 0));
}

/// What the naive model gives for a question: every block is looked at, nothing is prepared.
fn naive(tenant: &Tenant, question: &Question<'_>) -> Option<Uuid> {
    let organisation = tenant.state.organisation();
    let rank = |rung: &Option<Authority>| {
        rung.as_ref().map(|rung| organisation.rank(rung).unwrap_or(usize::MAX)) // a lost rung asks for the top
    };
    let mut best: Option<&Block> = None;
    for block in tenant.state.blocks.iter() {
        let same = &*block.key.block_type == question.block_type && block.key.entity_id.as_str() == question.entity_id;
        let over = block.lifted.is_some() || block.expired || block.expires_at.is_some_and(|at| at <= tenant.now);
        let venue = block.venue_id.as_ref().map(EntityId::as_str);
        let elsewhere = venue.is_some() && question.venue_id.is_some() && venue != question.venue_id;
        let free = matches!((block.limit, question.amount), (Some(limit), Some(amount)) if amount <= limit);
        if !same || over || elsewhere || free {
            continue;
        }
        let stricter = best.is_none_or(|best| match (best.override_required, block.override_required) {
            (true, false) => true,
            (false, true) => false,
            _ if rank(&block.override_authority) != rank(&best.override_authority) => {
                rank(&block.override_authority) > rank(&best.override_authority)
            }
            _ => block.seq < best.seq,
        });
        if stricter {
            best = Some(block);
        }
    }
    best.map(|block| block.id)
}

fn placed() -> impl Strategy<Value = PlaceBlock> {
    let rungs = prop::sample::select(vec![None, Some("manager"), Some("gm"), Some("vp_ops"), Some("owner")]);
    let venues = prop::sample::select(vec![None, Some("pier"), Some("quay")]);
    let limits = prop::sample::select(vec![None, Some("0"), Some("50"), Some("50.01")]);
    let required = prop::sample::select(vec![None, Some(true), Some(false)]);
    let entities = prop::sample::select(vec!["ana", "bob"]);
    (entities, rungs, venues, limits, required, prop::option::of(1..5_i64)).prop_map(
        |(entity, rung, venue, limit, override_required, minutes)| PlaceBlock {
            override_authority: rung.map(Into::into),
            venue_id: venue.map(Into::into),
            limit: limit.map(amount),
            override_required,
            expires_at: minutes.map(|minutes| at(FRIDAY).plus_ms(minutes * MINUTE_MS)),
            ..block_on(entity)
        },
    )
}

proptest! {
    #[test]
    fn the_check_gives_the_strictest_block_that_applies(
        placed in prop::collection::vec(placed(), 0..12),
        lifted in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        turned: bool,
        minutes in 0..6_i64,
        ticked: bool,
    ) {
        let mut tenant = tenant().with_venue("pier").with_venue("quay");
        let ids: Vec<_> = placed.into_iter().map(|place| tenant.place(place)).collect();
        for index in lifted.iter().filter(|_| !ids.is_empty()) {
            let _ = tenant.try_run(lift(*index.get(&ids))); // a second one is refused
        }
        if turned {
            tenant.run(ladder(&["owner", "vp_ops", "manager"]));
        }
        tenant.later_minutes(minutes);
        if ticked {
            tenant.run(Tick { at_most: 3 });
        }
        let index = BlockIndex::default();
        for key in tenant.state.blocks.keys() {
            index.put(StreamId(1), key, ruling(&tenant.state, key));
        }
        for entity_id in ["ana", "bob", "cem"] {
            for venue_id in [None, Some("pier"), Some("quay"), Some("moon")] {
                for asked in [None, Some("0"), Some("50"), Some("50.005"), Some("50.01"), Some("1000")] {
                    let question =
                        Question { block_type: "comp_approval", entity_id, venue_id, amount: asked.map(amount) };
                    let mut out = Vec::new();
                    let blocked = index.check(StreamId(1), &question, tenant.now.0, 1, &mut out);
                    let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
                    let found = answer["block_id"].as_str().map(|id| id.parse().unwrap());
                    prop_assert_eq!(found, naive(&tenant, &question), "{:?}", question);
                    prop_assert_eq!((blocked, answer["blocked"].as_bool()), (found.is_some(), Some(found.is_some())));
                }
            }
        }
    }
}

/// What anybody may do next in a history.
#[derive(Clone, Debug)]
enum Act {
    Place(Box<PlaceBlock>),
    Lift(prop::sample::Index),
    /// Ask about a block, and have the owner approve.
    Grant(prop::sample::Index, Option<&'static str>, u32, u32),
    Use(prop::sample::Index, u8, Option<&'static str>),
    Later(i64),
    Tick,
}

fn act() -> impl Strategy<Value = Act> {
    let sums = || prop::sample::select(vec![None, Some("50"), Some("100")]);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        3 => placed().prop_map(|place| Act::Place(Box::new(place))),
        1 => index().prop_map(Act::Lift),
        4 => (index(), sums(), 1..3_u32, 1..4_u32).prop_map(|(block, sum, uses, minutes)| Act::Grant(block, sum, uses, minutes)),
        3 => (index(), 0..3_u8, sums()).prop_map(|(grant, operation, sum)| Act::Use(grant, operation, sum)),
        2 => (0..90_i64).prop_map(Act::Later),
        1 => Just(Act::Tick),
    ]
}

fn happen(tenant: &mut Tenant, act: Act, blocks: &mut Vec<Uuid>) {
    tenant.caller(a_key(Held::Top));
    let grants: Vec<Uuid> = tenant.state.grants.before(u64::MAX).map(|grant| grant.id).collect();
    match act {
        Act::Place(place) => {
            if let Ok(Answer::Placed(id)) = tenant.try_run(*place) {
                blocks.push(id);
            }
        }
        Act::Lift(at) if !blocks.is_empty() => drop(tenant.try_run(lift(*at.get(blocks)))),
        Act::Grant(at, sum, uses, minutes) if !blocks.is_empty() => {
            let request = RequestOverride {
                amount: sum.map(amount),
                uses: Some(uses),
                minutes: Some(minutes),
                ..overriding(*at.get(blocks))
            };
            if let Ok(Answer::ApprovalMade(id)) = tenant.try_run(request) {
                tenant.approve(id, person("olga", Held::Top));
            }
        }
        Act::Use(at, operation, sum) if !grants.is_empty() => {
            let operation = format!("operation-{operation}");
            drop(tenant.try_run(ConsumeGrant { amount: sum.map(amount), ..consume(*at.get(&grants), &operation) }));
        }
        Act::Later(seconds) => drop(tenant.later_ms(seconds * 1_000)),
        Act::Tick => drop(tenant.run(Tick { at_most: 100 })),
        Act::Lift(_) | Act::Grant(..) | Act::Use(..) => {}
    }
}

/// Whether a grant opens a question, by its terms and by what has happened to blocks since, not by what was written about its end.
fn opens(tenant: &Tenant, grant: &Grant, question: &Question<'_>) -> bool {
    let organisation = tenant.state.organisation();
    let same = &*grant.key.block_type == question.block_type && grant.key.entity_id.as_str() == question.entity_id;
    let here = grant.venue_id.as_ref().is_none_or(|venue| question.venue_id == Some(venue.as_str()));
    let within = match (grant.amount_max, question.amount) {
        (None, _) => true,
        (Some(most), Some(sum)) => sum <= most,
        (Some(_), None) => false,
    };
    let minutes = i64::from(grant.minutes) * MINUTE_MS;
    let in_time =
        tenant.now < grant.ends_at && grant.used.first().is_none_or(|used| tenant.now < used.at.plus_ms(minutes));
    let left = grant.used.len() < grant.uses as usize;
    let own = tenant.state.blocks.get(&grant.block_id).unwrap();
    let held = own.lifted.is_none() && own.expires_at.is_none_or(|at| tenant.now < at);
    let rank = |rung: &Authority| organisation.rank(rung).unwrap();
    let outranked = tenant.state.blocks.iter().any(|block| {
        let asks = block.override_authority.clone().unwrap_or_else(|| organisation.lowest_authority());
        let together = block.venue_id.is_none() || grant.venue_id.is_none() || block.venue_id == grant.venue_id;
        block.seq > grant.seq
            && block.key == grant.key
            && together
            && (!block.override_required || rank(&asks) > rank(&grant.authority))
    });
    same && here && within && in_time && left && held && !outranked
}

proptest! {
    #[test]
    fn the_check_opens_what_a_grant_opens_and_nothing_else(acts in prop::collection::vec(act(), 0..24)) {
        let mut tenant = tenant().with_venue("pier").with_venue("quay");
        let mut blocks = Vec::new();
        let index = BlockIndex::default();
        for act in acts {
            happen(&mut tenant, act, &mut blocks);
        }
        for key in tenant.state.blocks.keys() {
            index.put(StreamId(1), key, ruling(&tenant.state, key));
        }
        for entity_id in ["ana", "bob"] {
            for venue_id in [None, Some("pier"), Some("quay")] {
                for asked in [None, Some("50"), Some("50.01"), Some("100"), Some("1000")] {
                    let question =
                        Question { block_type: "comp_approval", entity_id, venue_id, amount: asked.map(amount) };
                    let mut out = Vec::new();
                    let blocked = index.check(StreamId(1), &question, tenant.now.0, 1, &mut out);
                    let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
                    let stands = naive(&tenant, &question);
                    let open: Vec<String> = tenant
                        .state
                        .grants
                        .iter()
                        .filter(|grant| stands.is_some() && opens(&tenant, grant, &question))
                        .map(|grant| grant.id.to_string())
                        .collect();
                    let said = answer["grant"]["id"].as_str().map(ToOwned::to_owned);
                    prop_assert_eq!(blocked, stands.is_some() && open.is_empty(), "{:?}", question);
                    prop_assert_eq!(said.is_some(), !open.is_empty(), "{:?} {:?}", question, open);
                    prop_assert!(said.is_none_or(|id| open.contains(&id)), "{:?}", question);
                }
            }
        }
    }
}

use serde_json::json;

use super::*;
use crate::domain::approvals::{Status, hex};
use crate::domain::rejection::Rejection;
use crate::domain::testing::{Tenant, mia, olga, pointers, rae, refund, refunding, submitting, tenant};

fn seen(tenant: &Tenant, id: Uuid) -> Seen {
    Seen { id: id.to_string(), payload_hash: hex(&tenant.approval(id).payload_hash) }
}

fn many(items: Vec<Seen>) -> ApproveMany {
    ApproveMany { items, comment: Some("Evening round".into()), show_refusal: |why| json!(why.to_string()) }
}

/// Three refunds that Mia asked for.
fn inbox() -> (Tenant, [Uuid; 3]) {
    let mut tenant = tenant().with(refund()).by(mia());
    let ids = [1, 2, 3].map(|amount| tenant.submit(refunding(amount)));
    (tenant, ids)
}

fn refused(id: &str, why: &Rejection) -> Became {
    Became::Refused { id: id.into(), problem: json!(why.to_string()) }
}

#[test]
fn each_is_decided_for_itself_after_the_ones_before_it() {
    let (mut tenant, [one, two, three]) = inbox();
    let changed = Seen { payload_hash: "0".repeat(64), ..seen(&tenant, two) };
    let foreign = Seen { id: Uuid::from_u128(7).to_string(), ..seen(&tenant, one) };
    let broken = Seen { id: "check 9".into(), ..seen(&tenant, one) };
    let items = vec![seen(&tenant, one), changed, seen(&tenant, one), foreign.clone(), broken, seen(&tenant, three)];
    let answer = tenant.caller(olga()).run(many(items));
    let expected = vec![
        Became::Taken(one),
        refused(&two.to_string(), &Rejection::PayloadChanged),
        refused(&one.to_string(), &Rejection::AlreadyDecided { status: "approved" }),
        refused(&foreign.id, &Rejection::NotFound),
        refused("check 9", &Rejection::NotFound),
        Became::Taken(three),
    ];
    assert_eq!(answer, Answer::Approvals(expected));
    assert_eq!([one, two, three].map(|id| tenant.status(id)), [Status::Approved, Status::Pending, Status::Approved]);
    let vote = &tenant.approval(three).steps[0].decisions[0];
    assert_eq!(vote.comment.as_deref(), Some("Evening round"));
}

#[test]
fn who_may_decide_none_decides_none() {
    let (mut tenant, ids) = inbox();
    let items = || ids.map(|id| seen(&tenant, id)).to_vec();
    let (own, strangers) = (items(), items());
    let before = tenant.state.last_seq();
    for (caller, items) in [(mia(), own), (rae(), strangers)] {
        let Answer::Approvals(all) = tenant.caller(caller).run(many(items)) else { panic!("another answer") };
        assert!(all.iter().all(|one| matches!(one, Became::Refused { .. })), "{all:?}");
    }
    assert_eq!(tenant.state.last_seq(), before);
}

#[test]
fn an_effect_of_our_own_takes_place_with_its_decision_and_what_follows_from_it() {
    let mut tenant = tenant().by(mia());
    let block = |entity: &str| json!({ "block_type": "comp_approval", "entity_id": entity, "entity_type": "employee", "reason": "Under review" });
    let ids = ["ana", "ben"].map(|entity| tenant.submit(submitting("blocks.place", block(entity))));
    let items = ids.map(|id| seen(&tenant, id)).to_vec();
    tenant.caller(olga()).run(many(items));
    assert_eq!(ids.map(|id| tenant.status(id)), [Status::Executed; 2]);
    assert!(tenant.is_blocked("ana") && tenant.is_blocked("ben"));
}

#[test]
fn too_many_none_and_a_long_comment_are_refused_as_a_whole() {
    let (mut tenant, [one, ..]) = inbox();
    let item = seen(&tenant, one);
    tenant.caller(olga());
    assert_eq!(pointers(&tenant.refused(many(Vec::new()))), ["/items"]);
    assert_eq!(pointers(&tenant.refused(many(vec![item.clone(); ITEMS_MAX + 1]))), ["/items"]);
    let long = ApproveMany { comment: Some("x".repeat(COMMENT_CHARS_MAX + 1)), ..many(vec![item]) };
    assert_eq!(pointers(&tenant.refused(long)), ["/comment"]);
}

#[test]
fn decided_on_a_copy_or_in_place_it_is_the_same() {
    let (tenant, ids) = inbox();
    let items = || ids.map(|id| seen(&tenant, id)).to_vec();
    let (caller, mut copy) = (olga(), tenant.state.clone());
    let ids = crate::domain::ids::IdSource::new(tenant.now.0, 9);
    let mut context = Context { now: tenant.now, ids: ids.clone(), caller: &caller };
    let asked = many(items()).decide(&tenant.state, &mut context).expect("decided");
    let mut context = Context { now: tenant.now, ids, caller: &caller };
    let done = many(items()).carry_out(&mut copy, &mut context).expect("carried out");
    assert_eq!((&asked.events, &asked.answer), (&done.events, &done.answer));
    assert_eq!(copy.last_seq(), tenant.state.last_seq() + 6, "each with what is announced of it");
}

//! What was done is taken back, once, by a request like any other.

use serde_json::json;
use uuid::Uuid;

use crate::domain::approvals::due::run_of;
use crate::domain::approvals::{Source, Status, Verdict};
use crate::domain::capabilities::commands::{DeleteCapability, RegisterCapability};
use crate::domain::people::{Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::testing::{
    Tenant, asking_for_a_note, cancelling, done, doubt, editing, failed, key, lift, mia, noting, olga, otto, refund,
    refunding, retrying, settling, staff, submitting, tenant, undoing,
};
use crate::domain::time::HOUR_MS;

fn till() -> Tenant {
    tenant()
        .with(RegisterCapability { reversible: true, undo_window_s: Some(3_600), ..refund() })
        .with(noting())
        .by(mia())
}

fn executed() -> (Tenant, Uuid) {
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    tenant.finish(id, done());
    (tenant, id)
}

#[test]
fn an_undo_is_a_request_with_what_the_capability_recorded() {
    let (mut tenant, id) = executed();
    let undo = tenant.undo(id, olga());
    let approval = tenant.approval(undo);
    assert_eq!((approval.source, approval.undo_of, approval.status), (Source::Undo, Some(id), Status::Pending));
    assert_eq!((approval.payload.as_str(), &*approval.title), (r#"{"receipt":7}"#, "Undo: till.refund"));
    assert_eq!(approval.reason.as_deref(), Some("Wrong guest"));
    assert_eq!(tenant.decides(undo, Verdict::Approved, olga()), Err(Rejection::OwnRequest));
    tenant.approve(undo, otto()).claim_of(undo);
    assert!(run_of(&tenant.state, &undo).is_some_and(|run| run.undo));
    tenant.finish(undo, done());
    assert_eq!((tenant.status(undo), tenant.status(id)), (Status::Executed, Status::Undone));
    assert_eq!(tenant.caller(olga()).refused(undoing(id)), Rejection::WrongStatus { status: "undone" });
    let twice = tenant.refused(undoing(undo));
    assert!(matches!(twice, Rejection::NotUndoable { .. }), "an undo is not undone: {twice:?}");
}

#[test]
fn only_what_can_still_be_taken_back_is() {
    let (mut tenant, id) = executed();
    let until = tenant.approval(id).execution.as_ref().unwrap().undoable_until.unwrap();
    assert_eq!(until, tenant.now.plus_ms(HOUR_MS));
    tenant.later_ms(HOUR_MS);
    assert_eq!(tenant.caller(olga()).refused(undoing(id)), Rejection::NotUndoable { why: "the time for that is over" });
    let mut tenant = tenant;
    tenant.later_ms(-1);
    tenant.caller(key(Held::Top)).run(DeleteCapability { name: "till.refund".into(), of_others: true });
    assert_eq!(tenant.caller(olga()).refused(undoing(id)), Rejection::UnknownCapability);

    let mut tenant = till();
    let id = tenant.running(refunding(1), &[olga()]);
    tenant.finish(id, doubt());
    assert_eq!(tenant.caller(olga()).refused(undoing(id)), Rejection::WrongStatus { status: "in_doubt" });
    tenant.caller(otto()).run(settling(id, Status::Executed));
    let nothing = Rejection::NotUndoable { why: "nothing was recorded that takes it back" };
    assert_eq!(tenant.refused(undoing(id)), nothing);
}

#[test]
fn one_undo_is_open_at_a_time_and_none_runs_after_another() {
    let (mut tenant, id) = executed();
    let first = tenant.undo(id, olga());
    let open = Rejection::NotUndoable { why: "another undo of it is open" };
    assert_eq!(tenant.caller(otto()).refused(undoing(id)), open);
    tenant.caller(olga()).run(cancelling(first));
    let second = tenant.undo(id, olga());
    tenant.approve(second, otto()).claim_of(second).finish(second, failed());
    let third = tenant.undo(id, otto());
    tenant.approve(third, olga()).claim_of(third);
    tenant.caller(olga()).run(retrying(second));
    assert_eq!(crate::domain::approvals::due::next_due(&tenant.state), None, "the same work runs");
    tenant.finish(third, done());
    assert_eq!(tenant.status(id), Status::Undone);
    tenant.claim_of(second);
    assert_eq!(tenant.stands(second), (Status::Failed, Some("what it takes back does not stand any more")));
}

#[test]
fn an_undo_in_doubt_is_settled_for_both() {
    let (mut tenant, id) = executed();
    let undo = tenant.undo(id, olga());
    tenant.approve(undo, otto()).claim_of(undo).finish(undo, doubt());
    assert_eq!(tenant.status(id), Status::Executed);
    tenant.caller(otto()).run(settling(undo, Status::Executed));
    assert_eq!((tenant.status(undo), tenant.status(id)), (Status::Executed, Status::Undone));
}

#[test]
fn the_payload_of_an_undo_is_nobodys_to_edit() {
    let (mut tenant, id) = executed();
    let undo = tenant.undo(id, olga());
    let refused = tenant.caller(olga()).refused(editing(undo, json!({ "receipt": 8 })));
    assert!(matches!(refused, Rejection::Invalid(_)));
}

#[test]
fn what_runs_by_itself_is_undone_by_itself() {
    let mut tenant = till();
    let id = tenant.submit(asking_for_a_note());
    tenant.claim_of(id).finish(id, done());
    let undo = tenant.undo(id, mia());
    assert_eq!(tenant.status(undo), Status::Approved);
    tenant.claim_of(undo).finish(undo, done());
    assert_eq!(tenant.status(id), Status::Undone);
    let again = tenant.caller(mia()).submit(asking_for_a_note());
    assert_eq!(tenant.status(again), Status::Approved, "what was undone is not done");
}

#[test]
fn a_block_by_approval_is_taken_away_by_its_undo_with_the_authority_of_a_lift() {
    let mut tenant = till();
    let payload = json!({
        "block_type": "comp_approval", "entity_id": "ana", "entity_type": "employee", "reason": "By approval", "override_authority": "gm",
    });
    let id = tenant.submit(submitting("blocks.place", payload));
    tenant.approve(id, olga());
    let undo = tenant.undo(id, olga());
    let whos: Vec<String> = tenant.approval(undo).steps.iter().map(|step| step.who.text()).collect();
    assert_eq!(whos, ["role:owner", "authority:gm"]);
    assert_eq!(tenant.approval(undo).beneficiary, Some(crate::domain::testing::id("ana")));
    tenant.approve(undo, otto());
    let gus = staff("gus", Role::Gm);
    tenant.approve(undo, gus.clone()).claim(undo, &[otto(), gus, olga()]);
    assert_eq!((tenant.status(undo), tenant.status(id)), (Status::Executed, Status::Undone));
    assert!(!tenant.is_blocked("ana"));
}

#[test]
fn an_undo_of_what_is_gone_is_not_asked_for() {
    let mut tenant = till();
    let payload = json!({ "block_type": "comp_approval", "entity_id": "ana", "entity_type": "employee", "reason": "By approval" });
    let id = tenant.submit(submitting("blocks.place", payload));
    tenant.approve(id, olga());
    let block = tenant.only_block().id;
    tenant.caller(key(Held::Top)).run(lift(block));
    let now = tenant.now;
    assert_eq!(tenant.caller(olga()).refused(undoing(id)), Rejection::AlreadyLifted { at: now });
}

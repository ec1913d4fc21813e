//! Who decides, on what, and what makes a decision void.

use serde_json::json;
use uuid::Uuid;

use crate::domain::approvals::decide::DecideApproval;
use crate::domain::approvals::submit::{DECIDE_MS, SubmitApproval};
use crate::domain::approvals::{Consent, Status, Verdict, hex};
use crate::domain::blocks::place::Tick;
use crate::domain::capabilities::commands::{DeleteCapability, RegisterCapability};
use crate::domain::event::Event;
use crate::domain::people::{Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::testing::{
    Tenant, asking_for_a_note, block_on, cancelling, editing, id, key, key_of, lift, mia, noting, olga, otto, person,
    pointers, policy, rae, refund, refunding, staff, submitting, tenant,
};
use crate::domain::time::{HOUR_MS, MINUTE_MS};

/// A refund that touches four systems: the owner, then a reviewer.
fn till() -> Tenant {
    let connectors = ["till", "bank", "mail", "payroll"].map(String::from).to_vec();
    tenant().with(RegisterCapability { connectors, ..refund() }).with(noting())
}

fn asked() -> (Tenant, Uuid) {
    let mut tenant = till().by(mia());
    let id = tenant.submit(refunding(80));
    (tenant, id)
}

fn approved() -> (Tenant, Uuid) {
    let (mut tenant, id) = asked();
    tenant.approve(id, olga()).approve(id, rae());
    assert_eq!(tenant.status(id), Status::Approved);
    (tenant, id)
}

/// A refund that runs in twenty minutes unless somebody objects.
fn held() -> (Tenant, Uuid) {
    let mut tenant = till();
    let step = |name: &str, who: &str| json!({ "name": name, "who": who });
    let steps = [step("owner", "owner"), step("reviewer", "role:reviewer")];
    tenant.run(policy(json!({ "levels": { "high": { "veto_minutes": 20, "steps": steps } } })));
    let id = tenant.caller(mia()).submit(refunding(80));
    (tenant, id)
}

#[test]
fn steps_come_one_after_the_other_and_each_person_decides_once() {
    let (mut tenant, id) = asked();
    assert_eq!(tenant.decides(id, Verdict::Approved, rae()), Err(Rejection::NotYourStep { who: "role:owner".into() }));
    tenant.approve(id, olga());
    assert_eq!(tenant.status(id), Status::Pending);
    let twice = Rejection::AlreadyDecided { status: "decided by this person" };
    assert_eq!(tenant.decides(id, Verdict::Approved, olga()), Err(twice));
    assert_eq!(
        tenant.decides(id, Verdict::Approved, otto()),
        Err(Rejection::NotYourStep { who: "role:reviewer".into() })
    );
    tenant.approve(id, rae());
    assert_eq!((tenant.status(id), tenant.approval(id).runs_at), (Status::Approved, Some(tenant.now)));
    assert!(
        matches!(&tenant.last[..], [Event::ApprovalDecided(_), Event::AnnouncementMade(_)]),
        "the executor claims it"
    );
}

#[test]
fn a_quorum_is_of_distinct_people() {
    let mut tenant = till();
    tenant.run(policy(
        json!({ "levels": { "high": { "steps": [{ "name": "two", "who": "role:owner", "quorum": 2 }] } } }),
    ));
    let id = tenant.caller(mia()).submit(refunding(1));
    tenant.approve(id, olga());
    assert!(tenant.decides(id, Verdict::Approved, olga()).is_err());
    assert_eq!(tenant.status(id), Status::Pending);
    tenant.approve(id, otto());
    assert_eq!(tenant.status(id), Status::Approved);
}

#[test]
fn whoever_edits_is_another_who_does_not_decide() {
    let (mut tenant, id) = asked();
    tenant.approve(id, olga());
    let before = tenant.approval(id).payload_hash;
    tenant.caller(rae()).run(editing(id, json!({ "amount": 95 })));
    let approval = tenant.approval(id);
    assert_ne!(approval.payload_hash, before);
    assert_eq!((approval.payload.value()["amount"].as_u64(), approval.status), (Some(95), Status::Pending));
    assert!(approval.steps.iter().all(|step| step.decisions.is_empty()), "what was decided is decided again");
    assert_eq!(approval.editors, [id_of("rae")]);
    let old = DecideApproval { id, verdict: Verdict::Approved, payload_hash: Some(hex(&before)), comment: None };
    assert_eq!(tenant.caller(olga()).refused(old), Rejection::PayloadChanged);
    tenant.approve(id, olga());
    assert_eq!(tenant.decides(id, Verdict::Approved, rae()), Err(Rejection::OwnRequest));
    tenant.approve(id, staff("ron", Role::Reviewer));
    assert_eq!(tenant.status(id), Status::Approved);
}

fn id_of(name: &str) -> crate::domain::ids::UserId {
    id(name)
}

#[test]
fn only_what_waits_is_edited_and_only_by_who_takes_part() {
    let (mut tenant, id) = asked();
    for stranger in [key(Held::Top), person("stan", Held::Nothing), rae(), staff("gus", Role::Gm)] {
        assert_eq!(tenant.caller(stranger).refused(editing(id, json!({ "amount": 1 }))), Rejection::NotYourRequest);
    }
    assert_eq!(pointers(&tenant.caller(mia()).refused(editing(id, json!({ "amount": "x" })))), ["/payload/amount"]);
    tenant.run(editing(id, json!({ "amount": 80 })));
    assert!(tenant.last.is_empty(), "the same payload changes nothing");
    tenant.run(editing(id, json!({ "amount": 81 })));
    assert_eq!(tenant.approval(id).editors, [id_of("mia")]);
    let (mut tenant, id) = approved();
    let decided = Rejection::AlreadyDecided { status: "approved" };
    assert_eq!(tenant.caller(mia()).refused(editing(id, json!({ "amount": 1 }))), decided);
    let mut tenant = tenant;
    tenant.caller(mia()).run(cancelling(id));
    let over = tenant.refused(editing(id, json!({ "amount": 1 })));
    assert_eq!(over, Rejection::AlreadyDecided { status: "cancelled" });
    tenant.caller(key(Held::Top)).run(DeleteCapability { name: "till.refund".into(), of_others: true });
}

#[test]
fn what_was_edited_never_runs_without_a_decision() {
    let mut tenant = till().with(RegisterCapability { auto_approvable: false, ..noting() }).by(mia());
    let id = tenant.submit(asking_for_a_note());
    tenant.caller(key(Held::Top)).run(noting());
    tenant.caller(mia()).run(editing(id, json!({ "amount": 2 })));
    assert_eq!((tenant.status(id), tenant.approval(id).consent), (Status::Pending, Consent::Votes));
    assert_eq!(tenant.approval(id).steps.len(), 1);
}

#[test]
fn a_role_that_is_lost_before_the_claim_makes_the_decision_void_and_no_other() {
    let (tenant, id) = approved();
    for (name, people, void) in [
        ("demoted", vec![staff("olga", Role::Manager), rae()], "olga"),
        ("gone", vec![rae()], "olga"),
        ("limited to venues", vec![olga(), rae().only_at(&["pier"])], "rae"),
    ] {
        let mut tenant = tenant.clone();
        tenant.claim(id, &people);
        let (status, reason) = tenant.stands(id);
        assert_eq!(status, Status::Pending, "{name}");
        assert!(reason.unwrap().starts_with(&format!("the decision of {void} is void")), "{name}: {reason:?}");
        let kept: Vec<&str> =
            tenant.approval(id).steps.iter().flat_map(|step| &step.decisions).map(|vote| vote.by.as_str()).collect();
        assert_eq!(kept, [if void == "olga" { "rae" } else { "olga" }], "{name}");
    }
    let mut tenant = tenant;
    tenant.claim(id, &[rae()]);
    tenant.approve(id, otto());
    assert_eq!(tenant.status(id), Status::Approved, "the step that was void is all that was missing");
    tenant.claim_of(id);
    assert_eq!(tenant.status(id), Status::Executing);
}

#[test]
fn what_begins_again_has_time_to_be_decided() {
    let mut tenant = till().by(mia());
    let by = Some(tenant.now.plus_ms(HOUR_MS));
    let later = Some(tenant.now.plus_ms(2 * HOUR_MS));
    let id = tenant.submit(SubmitApproval { decide_by: by, scheduled_for: later, ..refunding(1) });
    tenant.approve(id, olga()).approve(id, rae());
    tenant.later_ms(2 * HOUR_MS).claim(id, &[]);
    assert_eq!(tenant.status(id), Status::Pending);
    assert_eq!(tenant.approval(id).decide_by, Some(tenant.now.plus_ms(DECIDE_MS)));
    assert!(tenant.approval(id).is_waiting(tenant.now));
}

#[test]
fn those_of_its_steps_object_while_it_is_held_and_nobody_approves_it() {
    let (tenant, id) = held();
    for (by, fits) in [
        (olga(), true),
        (rae(), true),
        (mia(), false),
        (key_of("olga", Held::Top), false),
        (staff("gus", Role::Gm), false),
    ] {
        let mut tenant = tenant.clone();
        let objected = tenant.decides(id, Verdict::Rejected, by.clone());
        assert_eq!(objected.is_ok(), fits, "{:?}: {objected:?}", by.cause.who);
        let status = if fits { Status::Rejected } else { Status::Scheduled };
        assert_eq!(tenant.status(id), status);
    }
    let mut tenant = tenant;
    let refused = tenant.decides(id, Verdict::Approved, olga());
    assert_eq!(refused, Err(Rejection::AlreadyDecided { status: "scheduled" }));
    tenant.later_ms(20 * MINUTE_MS).claim(id, &[mia()]);
    assert_eq!(tenant.status(id), Status::Executing, "nobody objected");
    assert_eq!(tenant.decides(id, Verdict::Rejected, olga()), Err(Rejection::AlreadyDecided { status: "executing" }));
}

#[test]
fn what_runs_in_the_name_of_somebody_who_left_is_decided_by_others() {
    let (mut tenant, id) = held();
    tenant.later_ms(20 * MINUTE_MS).claim(id, &[]);
    assert_eq!(tenant.stands(id), (Status::Pending, Some("who asked for it is not here any more")));
    assert_eq!(tenant.approval(id).consent, Consent::Votes);
    tenant.approve(id, olga()).approve(id, rae());
    assert_eq!(tenant.status(id), Status::Approved);

    let note = tenant.caller(mia()).submit(asking_for_a_note());
    tenant.claim(note, &[]);
    assert_eq!(tenant.stands(note), (Status::Cancelled, Some("who asked for it is not here any more")));
}

#[test]
fn what_was_decided_elsewhere_is_not_decided_again() {
    let (mut tenant, id) = approved();
    for verdict in [Verdict::Approved, Verdict::Rejected] {
        assert_eq!(tenant.decides(id, verdict, otto()), Err(Rejection::AlreadyDecided { status: "approved" }));
    }
}

#[test]
fn what_may_not_run_any_more_expires_wherever_it_stands() {
    let mut tenant = till().by(mia());
    let (soon, late) = (Some(tenant.now.plus_ms(HOUR_MS)), Some(tenant.now.plus_ms(2 * HOUR_MS)));
    let waiting = tenant.submit(SubmitApproval { decide_by: soon, run_by: late, ..refunding(1) });
    let ready = tenant.submit(SubmitApproval { run_by: late, ..refunding(2) });
    tenant.approve(ready, olga()).approve(ready, rae());
    let planned = tenant.caller(mia()).submit(SubmitApproval { scheduled_for: soon, run_by: late, ..refunding(3) });
    tenant.approve(planned, olga()).approve(planned, rae());
    assert_eq!(tenant.state.next_tick(), soon);
    tenant.later_ms(HOUR_MS);
    assert_eq!(tenant.decides(waiting, Verdict::Approved, olga()), Err(Rejection::ApprovalExpired));
    tenant.run(Tick { at_most: 10 });
    assert_eq!(tenant.stands(waiting), (Status::Expired, Some("nobody decided in time")));
    tenant.later_ms(HOUR_MS);
    let mut claimed = tenant.clone();
    claimed.claim_of(ready);
    assert_eq!(
        claimed.stands(ready),
        (Status::Expired, Some("it could not run in time")),
        "also before it is written down"
    );
    assert_eq!(tenant.caller(mia()).refused(cancelling(planned)), Rejection::ApprovalExpired);
    tenant.run(Tick { at_most: 10 });
    for id in [ready, planned] {
        assert_eq!(tenant.status(id), Status::Expired);
    }
    assert_eq!(tenant.state.next_tick(), None);
}

#[test]
fn what_it_is_about_takes_a_request_along_but_not_the_one_that_did_it() {
    let mut tenant = till();
    let block = tenant.place(block_on("ana").asking("gm"));
    let request = || submitting("blocks.lift", json!({ "block_id": block, "reason": "Reviewed" }));
    let first = tenant.caller(mia()).submit(request());
    let second = tenant.caller(mia()).submit(request());
    for id in [first, second] {
        tenant.approve(id, olga());
    }
    tenant.approve(first, staff("gus", Role::Gm));
    assert_eq!(tenant.status(first), Status::Approved, "olga's standing is to be looked up");
    tenant.claim(first, &[olga(), staff("gus", Role::Gm), mia()]);
    assert_eq!(tenant.stands(second), (Status::Cancelled, Some("the block was lifted")));
    assert_eq!(tenant.status(first), Status::Executed);
    assert!(!tenant.is_blocked("ana"));
    assert_eq!(tenant.state.blocks.get(&block).unwrap().lifted.as_ref().map(|lift| &*lift.by), Some("gus"));

    let block = tenant.caller(key(Held::Top)).place(block_on("bob").asking("gm"));
    let request = submitting("blocks.lift", json!({ "block_id": block, "reason": "Reviewed" }));
    let id = tenant.caller(mia()).submit(request);
    tenant.caller(key(Held::Top)).run(lift(block));
    assert_eq!(tenant.stands(id), (Status::Cancelled, Some("the block was lifted")));
}

//! What runs: once, with the same key, and what becomes of it.

use serde_json::json;
use uuid::Uuid;

use crate::domain::approvals::claim::ClaimApproval;
use crate::domain::approvals::due::{due, executing, next_due, run_of};
use crate::domain::approvals::finish::{BACKOFF_MS, FinishExecution, Outcome, RESULT_BYTES_MAX, WAIT_MS_MAX};
use crate::domain::approvals::progress::ProgressTask;
use crate::domain::approvals::submit::SubmitApproval;
use crate::domain::approvals::{Approval, Status};
use crate::domain::capabilities::commands::{DeleteCapability, RegisterCapability};
use crate::domain::event::Event;
use crate::domain::people::{Caller, Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::tasks::{LINE_CHARS_MAX, LOG_LINES_MAX, LogLine, TaskStatus};
use crate::domain::testing::{
    Tenant, again, cancelling, done, doubt, editing, failed, key, mia, olga, otto, person, pointers, policy, refund,
    refunding, retrying, settling, staff, submitting, tenant, undoing,
};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};

fn till() -> Tenant {
    tenant().with(refund()).by(mia())
}

/// A till that can be asked twice.
fn patient() -> Tenant {
    tenant().with(RegisterCapability { idempotent: true, ..refund() }).by(mia())
}

fn approved(tenant: &mut Tenant, request: SubmitApproval) -> Uuid {
    let id = tenant.caller(mia()).submit(request);
    tenant.approve(id, olga());
    id
}

fn due_ids(tenant: &Tenant) -> Vec<Uuid> {
    due(&tenant.state, tenant.now, 100).into_iter().map(|one| one.id).collect()
}

#[test]
fn an_approved_request_runs_once_and_says_what_came_of_it() {
    let mut tenant = till();
    let id = approved(&mut tenant, refunding(80));
    assert_eq!((due_ids(&tenant), next_due(&tenant.state)), (vec![id], Some(tenant.now)));
    tenant.claim_of(id);
    assert!(matches!(&tenant.last[..], [Event::ApprovalClaimed(_), Event::TaskMade(_)]));
    assert_eq!((due_ids(&tenant), next_due(&tenant.state)), (vec![], None));
    let run = executing(&tenant.state).next().expect("a run");
    assert_eq!(
        (run.approval_id, run.attempt, run.undo, run.endpoint()),
        (id, 1, false, Some("https://till.example/run"))
    );
    assert_eq!((run.payload.as_str(), run.key.len(), run.next_at), (r#"{"amount":80}"#, 64, None));
    tenant.claim_of(id);
    assert!(tenant.last.is_empty(), "a second claim changes nothing");
    tenant.later_ms(1_500).finish(id, done());
    let approval = tenant.approval(id);
    let run = approval.execution.as_ref().unwrap();
    assert_eq!((approval.status, run.result.as_ref().unwrap().as_str()), (Status::Executed, r#"{"ok":true}"#));
    assert_eq!(run.finished_at, Some(tenant.now));
    let task = tenant.task(id);
    assert_eq!((task.status, task.progress, task.approval_id), (TaskStatus::Succeeded, 1_000, id));
    assert!(run_of(&tenant.state, &id).is_none() && executing(&tenant.state).next().is_none());
    let lines: Vec<&str> = approval.audit.iter().map(|line| &*line.what).collect();
    assert_eq!(lines, ["submitted", "approved", "executing", "executed"]);
}

#[test]
fn a_task_ends_once_whatever_comes_after() {
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    tenant.finish(id, done());
    for outcome in [done(), failed(), doubt(), again()] {
        assert_eq!(tenant.try_finish(id, outcome), Err(Rejection::WrongStatus { status: "succeeded" }));
    }
    let task = tenant.task(id).id;
    let said = ProgressTask { task, lines: vec![LogLine::of(tenant.now, "late", None)] };
    assert_eq!(tenant.refused(said), Rejection::WrongStatus { status: "succeeded" });
    assert_eq!(tenant.refused(FinishExecution { task: id, outcome: done() }), Rejection::NotFound);
}

#[test]
fn what_runs_is_neither_cancelled_nor_edited_nor_run_twice() {
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    assert_eq!(tenant.caller(mia()).refused(cancelling(id)), Rejection::AlreadyRunning);
    let decided = Rejection::AlreadyDecided { status: "executing" };
    assert_eq!(tenant.refused(editing(id, json!({ "amount": 1 }))), decided);
    assert_eq!(tenant.refused(retrying(id)), Rejection::AlreadyRunning);
    assert_eq!(tenant.refused(undoing(id)), Rejection::AlreadyRunning);
    assert_eq!(
        tenant.caller(olga()).refused(settling(id, Status::Executed)),
        Rejection::WrongStatus { status: "executing" }
    );
}

#[test]
fn what_runs_says_so_line_by_line_and_the_last_ones_are_kept() {
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    let task = tenant.task(id).id;
    let line = |number: usize| LogLine {
        at: tenant.now.plus_ms(DAY_MS),
        message: format!("{number}\n{}", "é".repeat(LINE_CHARS_MAX)).into(),
        progress: Some(u16::try_from(number).unwrap_or(u16::MAX)),
    };
    let lines: Vec<LogLine> = (0..LOG_LINES_MAX + 5).map(line).collect();
    tenant.run(ProgressTask { task, lines: lines[..3].to_vec() });
    assert_eq!((tenant.task(id).progress, tenant.task(id).log.len()), (2, 3));
    tenant.run(ProgressTask { task, lines });
    let task = tenant.task(id);
    assert_eq!((task.log.len(), task.dropped, task.progress), (LOG_LINES_MAX, 3, 1_000));
    let last = task.log.back().unwrap();
    assert_eq!((last.message.chars().count(), last.at, last.progress), (LINE_CHARS_MAX, tenant.now, Some(1_000)));
    assert!(!last.message.contains('\n'), "a line is one line");
    tenant.run(ProgressTask { task: tenant.task(id).id, lines: Vec::new() });
    assert!(tenant.last.is_empty());
}

#[test]
fn a_failure_is_run_again_by_a_person_through_the_claim() {
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    let first = tenant.task(id).id;
    tenant.finish(id, failed());
    assert_eq!(tenant.stands(id), (Status::Failed, Some("the till is closed")));
    assert_eq!(tenant.task(id).status, TaskStatus::Failed);
    assert_eq!(tenant.caller(key(Held::Top)).refused(retrying(id)), Rejection::PeopleOnly);
    assert_eq!(tenant.caller(staff("gus", Role::Gm)).refused(retrying(id)), Rejection::NotYourRequest);
    tenant.caller(otto()).run(retrying(id));
    assert_eq!((tenant.status(id), due_ids(&tenant)), (Status::Approved, vec![id]));
    let mut orphan = tenant.clone();
    orphan.claim(id, &[]);
    assert_eq!(orphan.status(id), Status::Pending, "decisions hold at every claim");
    tenant.claim_of(id);
    assert_ne!(tenant.task(id).id, first, "a retry has a task of its own");
    tenant.finish(id, done());
    assert_eq!(tenant.caller(otto()).refused(retrying(id)), Rejection::WrongStatus { status: "executed" });
}

#[test]
fn what_may_not_run_any_more_is_not_run_again() {
    let mut tenant = till();
    let run_by = Some(tenant.now.plus_ms(HOUR_MS));
    let id = tenant.running(SubmitApproval { run_by, ..refunding(80) }, &[olga()]);
    tenant.finish(id, failed()).later_ms(HOUR_MS);
    assert_eq!(tenant.caller(olga()).refused(retrying(id)), Rejection::ApprovalExpired);
    assert_eq!(tenant.state.next_tick(), None, "what failed has ended");
}

#[test]
fn what_is_in_doubt_is_settled_by_a_person_who_looked() {
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    tenant.finish(id, doubt());
    assert_eq!((tenant.status(id), tenant.task(id).status), (Status::InDoubt, TaskStatus::InDoubt));
    for (by, refused) in [
        (key(Held::Top), Rejection::PeopleOnly),
        (mia(), Rejection::OwnRequest),
        (staff("gus", Role::Gm), Rejection::NotYourStep { who: "role:owner".into() }),
        (olga().only_at(&["pier"]), Rejection::VenueNotAllowed),
    ] {
        assert_eq!(tenant.caller(by).refused(settling(id, Status::Executed)), refused);
    }
    let silent = crate::domain::approvals::settle::SettleApproval { note: " ".into(), ..settling(id, Status::Failed) };
    assert_eq!(pointers(&tenant.caller(otto()).refused(silent)), ["/note"]);
    assert_eq!(pointers(&tenant.refused(settling(id, Status::Undone))), ["/outcome"]);
    let mut lost = tenant.clone();
    lost.run(settling(id, Status::Failed));
    assert_eq!(
        (lost.stands(id), lost.task(id).status),
        ((Status::Failed, Some("Seen on the till")), TaskStatus::Failed)
    );
    tenant.run(settling(id, Status::Executed));
    let run = tenant.approval(id).execution.as_ref().unwrap();
    assert_eq!((tenant.status(id), &run.result, &run.undo_payload), (Status::Executed, &None, &None));
    assert_eq!(tenant.task(id).status, TaskStatus::Succeeded);
    assert_eq!(tenant.refused(settling(id, Status::Failed)), Rejection::WrongStatus { status: "executed" });
}

#[test]
fn what_ran_without_a_decision_is_settled_by_anybody_on_the_ladder() {
    let mut tenant = tenant().with(crate::domain::testing::noting()).by(person("stan", Held::Nothing));
    let id = tenant.submit(crate::domain::testing::asking_for_a_note());
    tenant.claim(id, &[person("stan", Held::Nothing)]).finish(id, doubt());
    let refused = tenant.caller(person("sid", Held::Nothing)).refused(settling(id, Status::Executed));
    assert!(matches!(refused, Rejection::InsufficientAuthority { .. }));
    tenant.caller(mia()).run(settling(id, Status::Executed));
    assert_eq!(tenant.status(id), Status::Executed);
}

#[test]
fn what_can_be_asked_twice_is_tried_again_with_the_same_key_and_not_for_ever() {
    let mut tenant = patient();
    let id = tenant.running(refunding(80), &[olga()]);
    let key = run_of(&tenant.state, &id).unwrap().key;
    for (at, wait) in BACKOFF_MS.iter().enumerate() {
        tenant.finish(id, again());
        let run = run_of(&tenant.state, &id).expect("it goes on");
        assert_eq!((run.attempt as usize, run.next_at), (at + 2, Some(tenant.now.plus_ms(*wait))));
        assert_eq!((run.key, tenant.status(id)), (key.clone(), Status::Executing));
    }
    tenant.finish(id, again());
    assert_eq!(tenant.status(id), Status::Failed);
    assert!(tenant.approval(id).reason.as_deref().unwrap().contains("try 6, the last one"));
    tenant.caller(olga()).run(retrying(id));
    tenant.claim_of(id);
    assert_eq!(run_of(&tenant.state, &id).map(|run| (run.key, run.attempt)), Some((key, 1)));
}

#[test]
fn a_run_that_was_cut_off_goes_on_at_once_where_it_may() {
    let cut = || Outcome::Again { error: "the server stopped in the middle".into(), after_ms: Some(0) };
    let mut tenant = patient();
    let id = tenant.running(refunding(80), &[olga()]);
    tenant.later_ms(60_000).finish(id, cut());
    assert_eq!(run_of(&tenant.state, &id).unwrap().next_at, Some(tenant.now));
    let mut tenant = till();
    let id = tenant.running(refunding(80), &[olga()]);
    tenant.finish(id, cut());
    assert_eq!(tenant.stands(id), (Status::InDoubt, Some("the server stopped in the middle")), "it could do it twice");
    let mut tenant = patient();
    let id = tenant.running(refunding(80), &[olga()]);
    tenant.caller(key(Held::Top)).run(DeleteCapability { name: "till.refund".into(), of_others: true });
    tenant.finish(id, cut());
    assert_eq!(tenant.status(id), Status::InDoubt, "there is nobody left to ask");
}

#[test]
fn a_receiver_may_ask_for_a_wait_within_reason_and_time() {
    let wait = |after_ms| Outcome::Again { error: "busy".into(), after_ms: Some(after_ms) };
    let mut tenant = patient();
    let run_by = Some(tenant.now.plus_ms(2 * HOUR_MS));
    let id = tenant.running(SubmitApproval { run_by, ..refunding(80) }, &[olga()]);
    for (asked, waits) in [(-5, 0), (90_000, 90_000), (DAY_MS, WAIT_MS_MAX)] {
        tenant.finish(id, wait(asked));
        assert_eq!(run_of(&tenant.state, &id).unwrap().next_at, Some(tenant.now.plus_ms(waits)));
    }
    tenant.later_ms(2 * HOUR_MS - 10).finish(id, wait(20));
    assert_eq!(tenant.stands(id).0, Status::Failed, "no time is left");
}

#[test]
fn the_same_work_is_skipped_for_a_day_unless_it_was_undone_or_may_repeat() {
    let mut tenant = till();
    let bill = || SubmitApproval { dedupe_key: Some("bill 3".into()), ..refunding(12) };
    let first = tenant.running(bill(), &[olga()]);
    tenant.finish(first, done());
    let second = approved(&mut tenant, bill());
    assert_eq!(tenant.status(second), Status::Skipped);
    assert_eq!(tenant.approval(second).execution.as_ref().unwrap().original, Some(first));
    let other = approved(&mut tenant, SubmitApproval { dedupe_key: Some("bill 4".into()), ..refunding(12) });
    assert_eq!(tenant.status(other), Status::Approved, "other work");
    let repeated = approved(&mut tenant, SubmitApproval { allow_repeat: true, ..bill() });
    assert_eq!(tenant.status(repeated), Status::Approved);
    let mut later = tenant.clone();
    later.later_ms(DAY_MS);
    let late = approved(&mut later, bill());
    assert_eq!(later.status(late), Status::Approved, "a day is over");
}

#[test]
fn the_work_item_tells_the_same_work_where_nobody_says_otherwise() {
    let key_of = |request: SubmitApproval| {
        let mut tenant = till();
        let id = tenant.submit(request);
        tenant.approval(id).key()
    };
    let of_item = |item: &str| SubmitApproval { action_item_id: Some(item.into()), ..refunding(1) };
    assert_eq!(key_of(refunding(1)), key_of(refunding(1)));
    assert_ne!(key_of(refunding(1)), key_of(refunding(2)));
    assert_ne!(key_of(of_item("a")), key_of(of_item("b")));
    let named = |item: &str| SubmitApproval { dedupe_key: Some("x".into()), ..of_item(item) };
    assert_eq!(key_of(named("a")), key_of(named("b")));
    assert_eq!(key_of(of_item("x")), key_of(SubmitApproval { dedupe_key: Some("x".into()), ..refunding(1) }));
}

#[test]
fn while_the_same_work_runs_or_is_in_doubt_the_next_one_waits_and_nobody_spins() {
    let mut tenant = till();
    let bill = || SubmitApproval { dedupe_key: Some("bill 3".into()), ..refunding(12) };
    let first = tenant.running(bill(), &[olga()]);
    let second = approved(&mut tenant, bill());
    assert_eq!((tenant.status(second), due_ids(&tenant), next_due(&tenant.state)), (Status::Approved, vec![], None));
    tenant.claim_of(second);
    assert!(tenant.last.is_empty());
    tenant.finish(first, doubt());
    assert_eq!(next_due(&tenant.state), None, "nobody knows whether it was done");
    let mut lost = tenant.clone();
    lost.caller(otto()).run(settling(first, Status::Failed));
    assert_eq!(due_ids(&lost), [second]);
    tenant.caller(otto()).run(settling(first, Status::Executed));
    assert_eq!(due_ids(&tenant), [second]);
    tenant.claim_of(second);
    assert_eq!(tenant.status(second), Status::Skipped);
}

#[test]
fn no_more_of_a_capability_runs_at_once_than_it_takes() {
    let mut tenant = tenant().with(RegisterCapability { concurrency: Some(2), ..refund() }).by(mia());
    let ids: Vec<Uuid> = (1..=4).map(|amount| approved(&mut tenant, refunding(amount))).collect();
    assert_eq!(due_ids(&tenant), ids[..2]);
    tenant.claim_of(ids[0]).claim_of(ids[1]);
    assert_eq!((due_ids(&tenant), next_due(&tenant.state)), (vec![], None));
    tenant.claim_of(ids[2]);
    assert!(tenant.last.is_empty());
    tenant.finish(ids[0], done());
    assert_eq!(due_ids(&tenant), ids[2..3]);
    tenant.caller(key(Held::Top)).run(DeleteCapability { name: "till.refund".into(), of_others: true });
    assert_eq!(due_ids(&tenant), ids[2..], "what is gone holds nothing up");
    tenant.claim_of(ids[2]);
    assert_eq!(tenant.stands(ids[2]), (Status::Failed, Some("its capability is not there any more")));
    assert_eq!(tenant.approval(ids[2]).execution.as_ref().unwrap().task_id, None);
}

#[test]
fn a_payload_that_fits_no_more_does_not_run() {
    let mut tenant = till();
    let id = approved(&mut tenant, refunding(80));
    let params = json!({ "type": "object", "required": ["amount", "currency"] });
    tenant.caller(key(Held::Top)).run(RegisterCapability { params, ..refund() });
    tenant.claim_of(id);
    assert_eq!(tenant.status(id), Status::Failed);
}

#[test]
fn approved_work_waits_for_its_time_and_for_the_end_of_a_freeze() {
    let mut tenant = till();
    let at = Some(tenant.now.plus_ms(10 * MINUTE_MS));
    let planned = approved(&mut tenant, SubmitApproval { scheduled_for: at, ..refunding(1) });
    assert_eq!((tenant.status(planned), next_due(&tenant.state)), (Status::Scheduled, at));
    tenant.claim_of(planned);
    assert!(tenant.last.is_empty(), "too early");
    tenant.run(policy(
        json!({ "freezes": [{ "name": "dinner service", "during": { "from": "19:00", "to": "22:00" } }] }),
    ));
    // Friday 20:00 in Berlin
    let frozen = approved(&mut tenant, refunding(2));
    let end = crate::domain::testing::at("2025-02-14T21:00:00Z");
    assert_eq!(tenant.stands(frozen), (Status::Scheduled, Some("nothing runs now: dinner service")));
    assert_eq!(tenant.approval(frozen).runs_at, Some(end));
    tenant.later_ms(10 * MINUTE_MS).claim_of(planned);
    assert_eq!((tenant.status(planned), tenant.approval(planned).runs_at), (Status::Scheduled, Some(end)));
    assert_eq!(next_due(&tenant.state), Some(end));
    tenant.now = end;
    assert_eq!(due_ids(&tenant).len(), 2);
    tenant.claim_of(planned);
    assert_eq!(tenant.status(planned), Status::Executing);
    let mut till = tenant.clone();
    till.now = end.plus_ms(-1);
    let block = till.caller(key(Held::Top)).place(crate::domain::testing::block_on("ana").asking("gm"));
    let asked = till.caller(mia()).ask(crate::domain::testing::overriding(block));
    till.approve(asked, staff("gus", Role::Gm));
    assert_eq!(till.status(asked), Status::Executed, "people at the till wait for nothing");
}

#[test]
fn an_effect_of_our_own_is_in_the_commit_of_the_decision_and_says_who() {
    let mut tenant = till();
    let payload = json!({ "block_type": "comp_approval", "entity_id": "ana", "entity_type": "employee", "reason": "By approval" });
    let id = tenant.submit(submitting("blocks.place", payload));
    assert!(!tenant.is_blocked("ana"));
    tenant.approve(id, olga());
    assert!(matches!(
        &tenant.last[..],
        [Event::ApprovalDecided(_), Event::BlockPlaced(_), Event::ApprovalExecuted(_), Event::TaskMade(_), ..]
    ));
    assert!(tenant.is_blocked("ana"));
    assert_eq!(&*tenant.only_block().placed_by, "olga");
    let approval: &Approval = tenant.approval(id);
    let run = approval.execution.as_ref().unwrap();
    assert_eq!((approval.status, run.attempt, run.undoable_until.is_some()), (Status::Executed, 1, true));
    assert_eq!(tenant.task(id).status, TaskStatus::Succeeded);
}

#[test]
fn an_effect_that_cannot_be_any_more_fails_with_its_reason() {
    let mut tenant = till().by(key(Held::Top)).with_venue("pier").by(mia());
    let payload = json!({
        "block_type": "comp_approval", "entity_id": "ana", "entity_type": "employee", "reason": "By approval", "venue_id": "pier",
    });
    let id = tenant.submit(submitting("blocks.place", payload));
    tenant.caller(key(Held::Top)).run(crate::domain::settings::DeleteVenue { venue_id: "pier".into() });
    tenant.approve(id, olga());
    let (status, reason) = tenant.stands(id);
    assert_eq!((status, reason), (Status::Failed, Some("there is no such venue")));
    assert!(!tenant.is_blocked("ana"));
}

#[test]
fn results_and_what_takes_them_back_are_bounded() {
    let mut tenant = tenant().with(RegisterCapability { reversible: true, ..refund() }).by(mia());
    let id = tenant.running(refunding(80), &[olga()]);
    let large = json!({ "text": "x".repeat(RESULT_BYTES_MAX) });
    tenant.finish(id, Outcome::Done { result: large.clone(), undo_payload: Some(large) });
    let run = tenant.approval(id).execution.as_ref().unwrap();
    assert!(run.result.as_ref().unwrap().as_str().starts_with(r#"{"too_large":"#));
    assert_eq!((&run.undo_payload, run.undoable_until), (&None, None));
    assert!(tenant.task(id).log.back().unwrap().message.contains("undo_payload"));
}

#[test]
fn a_claim_of_nothing_is_no_claim() {
    let mut tenant = till();
    let id = tenant.submit(refunding(1));
    tenant.claim_of(id);
    assert!(tenant.last.is_empty(), "nobody decided yet");
    tenant.caller(Caller::schedule());
    assert_eq!(tenant.refused(ClaimApproval { id: Uuid::nil(), people: Vec::new() }), Rejection::NotFound);
}

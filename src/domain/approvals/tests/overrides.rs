//! Overrides from request to grant, who decides, and what ends them.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::approvals::cancel::CancelApproval;
use crate::domain::approvals::decide::{DecideApproval, is_assigned};
use crate::domain::approvals::overrides::{OPEN_PER_KEY_MAX, RequestOverride, WAITING_PER_BLOCK_MAX};
use crate::domain::approvals::{Assignee, Source, Status, Verdict, hex};
use crate::domain::blocks::grants::{ConsumeGrant, MINUTES_MAX, USES_MAX};
use crate::domain::blocks::place::{PlaceBlock, Tick};
use crate::domain::event::Event;
use crate::domain::people::{Authority, Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::testing::{
    Tenant, amount, block_on, comp, consume, key, key_of, ladder, lift, overriding, person, pointers, resolve, rung,
    tenant,
};
use crate::domain::time::{HOUR_MS, MINUTE_MS};

/// Ana is blocked at the pier until somebody of `authority` lets her; Mia, a manager, asks.
fn asked_for(authority: &str, request: impl Fn(Uuid) -> RequestOverride) -> (Tenant, Uuid, Uuid) {
    let mut tenant = tenant().with_venue("pier");
    let block = tenant.place(block_on("ana").at_venue("pier").asking(authority));
    let request = tenant.by(person("mia", rung("manager"))).asked(request(block));
    (request.0, block, request.1)
}

fn asked() -> (Tenant, Uuid, Uuid) {
    asked_for("gm", overriding)
}

fn granted_for(request: impl Fn(Uuid) -> RequestOverride) -> (Tenant, Uuid, Uuid) {
    let (mut tenant, block, approval) = asked_for("gm", request);
    tenant.approve(approval, gm());
    let grant = tenant.newest_grant().id;
    (tenant, block, grant)
}

fn gm() -> crate::domain::people::Caller {
    person("gus", rung("gm"))
}

impl Tenant {
    fn asked(mut self, request: RequestOverride) -> (Self, Uuid) {
        let id = self.ask(request);
        (self, id)
    }
}

#[test]
fn a_request_is_a_record_with_one_step_for_the_authority_of_the_block() {
    let (tenant, block, id) = asked();
    let approval = tenant.approval(id);
    assert_eq!((approval.source, approval.status, approval.subject), (Source::Override, Status::Pending, Some(block)));
    assert_eq!(
        (&*approval.module, &*approval.capability, &*approval.created_by),
        ("overrides", "overrides.grant", "mia")
    );
    let steps: Vec<_> = approval.steps.iter().map(|step| (step.who.text(), step.quorum)).collect();
    assert_eq!(steps, [("authority:gm".to_owned(), 1)]);
    let payload = approval.payload.value();
    assert_eq!((payload["uses"].as_u64(), payload["minutes"].as_u64()), (Some(1), Some(15)));
    assert!(approval.preview.value()["summary"].as_str().unwrap().contains("ana may do comp_approval at pier once"));
    assert_eq!(approval.decide_by.unwrap().to_string(), "2025-02-15T03:00:00.000Z", "the end of the business date");
    assert_eq!(tenant.state.next_tick(), approval.decide_by);
}

#[test]
fn an_approval_grants_in_the_same_commit_and_says_so() {
    let (mut tenant, _, id) = asked();
    tenant.approve(id, gm());
    assert!(matches!(
        &tenant.last[..],
        [Event::ApprovalDecided(_), Event::GrantGiven(_), Event::ApprovalExecuted(_), Event::TaskMade(_), ..]
    ));
    let approval = tenant.approval(id);
    assert_eq!(approval.status, Status::Executed);
    let result = approval.execution.as_ref().unwrap().result.as_ref().unwrap().value();
    assert_eq!(result["grant_id"].as_str(), Some(tenant.newest_grant().id.to_string().as_str()));
    let lines: Vec<(&str, &str)> = approval.audit.iter().map(|line| (&*line.what, &*line.by)).collect();
    assert_eq!(lines, [("submitted", "mia"), ("approved", "gus"), ("executed", "gus")]);
    assert_eq!(tenant.state.approvals.waiting_count(), 0);
}

#[test]
fn four_eyes_decide_and_keys_never_do() {
    let (mut tenant, _, id) = asked_for("manager", overriding);
    for (by, expected) in [
        (person("mia", rung("manager")), Rejection::OwnRequest),
        (person("ana", Held::Top), Rejection::OwnBenefit),
        (key(Held::Top), Rejection::PeopleOnly),
        (key_of("gus", rung("gm")), Rejection::PeopleOnly),
        (person("stan", Held::Nothing), Rejection::InsufficientAuthority { needed: Authority::named("manager") }),
        (gm().only_at(&["quay"]), Rejection::NotFound),
    ] {
        for verdict in [Verdict::Approved, Verdict::Rejected] {
            assert_eq!(tenant.decides(id, verdict, by.clone()), Err(expected.clone()), "{:?}", by.cause.who);
        }
    }
    assert_eq!(tenant.approval(id).status, Status::Pending);
    assert!(tenant.decides(id, Verdict::Approved, gm().only_at(&["pier"])).is_ok());
}

#[test]
fn what_is_asked_with_a_key_of_a_person_is_that_persons_own_request() {
    let mut tenant = tenant();
    let block = tenant.place(block_on("ana").asking("gm"));
    let (mut tenant, id) = tenant.by(key_of("gus", rung("gm"))).asked(overriding(block));
    assert_eq!(&*tenant.approval(id).created_by, "gus");
    assert_eq!(tenant.decides(id, Verdict::Approved, gm()), Err(Rejection::OwnRequest));
    assert!(tenant.decides(id, Verdict::Approved, person("gil", rung("gm"))).is_ok());
}

#[test]
fn a_decision_is_about_the_payload_that_was_seen() {
    let (mut tenant, _, id) = asked();
    let right = hex(&tenant.approval(id).payload_hash);
    tenant.caller(gm());
    let decide = |payload_hash: Option<&str>| DecideApproval {
        id,
        verdict: Verdict::Approved,
        payload_hash: payload_hash.map(Into::into),
        comment: None,
    };
    assert_eq!(pointers(&tenant.refused(decide(None))), ["/payload_hash"]);
    assert_eq!(tenant.refused(decide(Some(&"0".repeat(64)))), Rejection::PayloadChanged);
    assert_eq!(
        tenant.refused(DecideApproval { verdict: Verdict::Rejected, ..decide(Some("x")) }),
        Rejection::PayloadChanged
    );
    tenant.run(decide(Some(&right.to_uppercase())));
    let (other, _, id) = asked_for("gm", |block| RequestOverride { uses: Some(2), ..overriding(block) });
    assert_ne!(hex(&other.approval(id).payload_hash), right, "two uses are another payload");
}

#[test]
fn a_rejection_ends_it_and_nobody_decides_twice() {
    let (mut tenant, block, id) = asked();
    let decision = DecideApproval {
        comment: Some("Not today".into()),
        payload_hash: None,
        ..tenant.decision(id, Verdict::Rejected)
    };
    tenant.caller(gm()).run(decision);
    assert_eq!(
        (tenant.approval(id).status, tenant.approval(id).reason.as_deref()),
        (Status::Rejected, Some("Not today"))
    );
    assert!(tenant.is_blocked("ana"));
    for by in [gm(), person("gil", rung("gm"))] {
        assert_eq!(tenant.decides(id, Verdict::Approved, by), Err(Rejection::AlreadyDecided { status: "rejected" }));
    }
    let refused = tenant.refused(CancelApproval { id, reason: None });
    assert_eq!(refused, Rejection::AlreadyDecided { status: "rejected" });
    assert_eq!(tenant.state.approvals.waiting_about(&block).count(), 0);
}

#[test]
fn nobody_decides_after_the_time_also_before_that_is_written_down() {
    let (mut tenant, _, id) = asked();
    tenant.now = tenant.approval(id).decide_by.unwrap().plus_ms(-1);
    assert!(tenant.clone().decides(id, Verdict::Approved, gm()).is_ok());
    tenant.later_ms(1);
    assert_eq!(tenant.decides(id, Verdict::Approved, gm()), Err(Rejection::ApprovalExpired));
    tenant.run(Tick { at_most: 10 });
    assert_eq!(tenant.approval(id).status, Status::Expired);
    assert_eq!(tenant.last.len(), 2, "it ends, and who asked is to hear of it");
    assert_eq!(tenant.decides(id, Verdict::Approved, gm()), Err(Rejection::ApprovalExpired));
    tenant.run(Tick { at_most: 10 });
    assert!(tenant.last.is_empty());
    assert_eq!(tenant.state.next_tick(), None);
}

#[test]
fn whoever_asked_or_could_decide_takes_a_request_back() {
    let (tenant, _, id) = asked();
    let cancel = || CancelApproval { id, reason: Some("The guest left".into()) };
    for (by, fits) in [
        (person("mia", rung("manager")), true),
        (key_of("mia", Held::Nothing), true),
        (gm(), true),
        (person("amy", Held::Top), true),
        (gm().only_at(&["pier"]), true),
        (key(Held::Top), false),
        (key(rung("gm")), false),
        (key_of("gus", rung("gm")), false),
        (person("max", rung("manager")), false),
        (person("stan", Held::Nothing), false),
    ] {
        let mut tenant = tenant.clone().by(by.clone());
        let done = tenant.try_run(cancel());
        assert_eq!(done.is_ok(), fits, "{:?}: {done:?}", by.cause.who);
        if fits {
            assert_eq!(tenant.approval(id).status, Status::Cancelled);
            assert_eq!(
                tenant.decides(id, Verdict::Approved, gm()),
                Err(Rejection::AlreadyDecided { status: "cancelled" })
            );
        } else {
            assert_eq!(done, Err(Rejection::NotYourRequest));
        }
    }
}

#[test]
fn a_key_takes_back_what_it_asked_for_itself() {
    let mut tenant = tenant();
    let block = tenant.place(block_on("ana").asking("gm"));
    let (mut tenant, id) = tenant.by(key(Held::Top)).asked(overriding(block));
    tenant.run(CancelApproval { id, reason: None });
    assert_eq!(tenant.approval(id).status, Status::Cancelled);
}

#[test]
fn what_is_for_all_venues_is_decided_by_nobody_who_is_limited_to_some() {
    let mut tenant = tenant().with_venue("pier");
    let block = tenant.place(block_on("ana").asking("gm"));
    let (mut tenant, id) = tenant.by(person("mia", rung("manager"))).asked(overriding(block));
    for held in [rung("gm"), Held::Top] {
        let limited = person("gus", held).only_at(&["pier"]);
        for verdict in [Verdict::Approved, Verdict::Rejected] {
            assert_eq!(tenant.decides(id, verdict, limited.clone()), Err(Rejection::VenueNotAllowed));
        }
        assert_eq!(tenant.refused(CancelApproval { id, reason: None }), Rejection::NotYourRequest);
    }
    assert!(tenant.is_blocked("ana"));
    tenant.approve(id, gm());
}

#[test]
fn only_a_block_that_holds_and_can_be_overridden_is_asked_about() {
    let mut tenant = tenant();
    let never = tenant.place(block_on("ana"));
    assert_eq!(tenant.refused(overriding(never)), Rejection::NotOverridable);
    let soon = tenant.place(block_on("bob").asking("gm").until(tenant.now.plus_ms(10)));
    let lifted = tenant.place(block_on("cem").asking("gm"));
    tenant.run(lift(lifted));
    assert_eq!(tenant.refused(overriding(lifted)), Rejection::AlreadyLifted { at: tenant.now });
    tenant.later_ms(10);
    assert_eq!(tenant.refused(overriding(soon)), Rejection::BlockExpired { at: tenant.now });
    assert_eq!(tenant.refused(overriding(Uuid::nil())), Rejection::NotFound);
    let block = tenant.place(block_on("dan").asking("gm"));
    for (request, pointer) in [
        (RequestOverride { reason: " ".into(), ..overriding(block) }, "/reason"),
        (RequestOverride { reason: "é".repeat(4_001), ..overriding(block) }, "/reason"),
        (RequestOverride { amount: Some(amount("-1")), ..overriding(block) }, "/amount"),
        (RequestOverride { uses: Some(0), ..overriding(block) }, "/uses"),
        (RequestOverride { uses: Some(USES_MAX + 1), ..overriding(block) }, "/uses"),
        (RequestOverride { minutes: Some(0), ..overriding(block) }, "/minutes"),
        (RequestOverride { minutes: Some(MINUTES_MAX + 1), ..overriding(block) }, "/minutes"),
    ] {
        assert_eq!(pointers(&tenant.refused(request)), [pointer]);
    }
}

#[test]
fn requests_and_grants_about_one_block_are_bounded() {
    let (mut tenant, block, _) = asked();
    for _ in 1..WAITING_PER_BLOCK_MAX {
        tenant.ask(overriding(block));
    }
    assert!(matches!(tenant.refused(overriding(block)), Rejection::LimitReached { limit: WAITING_PER_BLOCK_MAX, .. }));
    for _ in 0..OPEN_PER_KEY_MAX {
        let waiting: Vec<Uuid> = tenant.state.approvals.waiting_about(&block).map(|one| one.id).collect();
        tenant.approve(waiting[0], gm());
        tenant.caller(person("mia", rung("manager")));
        let _ = tenant.try_run(overriding(block));
    }
    assert!(matches!(tenant.refused(overriding(block)), Rejection::LimitReached { limit: OPEN_PER_KEY_MAX, .. }));
}

#[test]
fn a_grant_takes_an_authority_that_outranks_all_that_stands_there() {
    let (mut tenant, block, id) = asked();
    tenant.caller(key(Held::Top));
    let elsewhere = PlaceBlock { override_required: Some(false), ..block_on("ana") };
    tenant.run(block_on("ana").asking("vp_ops"));
    assert_eq!(
        tenant.decides(id, Verdict::Approved, gm()),
        Err(Rejection::InsufficientAuthority { needed: Authority::named("vp_ops") }),
        "what stands became stricter"
    );
    let again = tenant.by(person("mia", rung("manager"))).asked(overriding(block));
    let (mut tenant, second) = again;
    assert_eq!(tenant.approval(second).steps[0].who.text(), "authority:vp_ops");
    tenant.caller(key(Held::Top)).run(elsewhere);
    assert_eq!(
        tenant.decides(second, Verdict::Approved, person("vic", rung("vp_ops"))),
        Err(Rejection::NotOverridable)
    );
}

#[test]
fn a_stricter_block_ends_the_grants_that_its_giver_could_not_have_given() {
    let (tenant, _, grant) = granted_for(overriding);
    for (place, stays) in [
        (block_on("ana").at_venue("pier").asking("gm"), true),
        (block_on("ana").at_venue("pier").asking("manager"), true),
        (block_on("bob").at_venue("pier").asking("owner"), true),
        (block_on("ana").asking("vp_ops"), false),
        (PlaceBlock { override_required: Some(false), ..block_on("ana") }, false),
    ] {
        let mut tenant = tenant.clone().by(key(Held::Top));
        tenant.run(place);
        assert_eq!(tenant.state.grants.get(&grant).unwrap().is_open(tenant.now), stays);
    }
}

#[test]
fn a_lost_rung_leaves_the_decision_to_the_top_of_the_ladder() {
    let (mut tenant, _, id) = asked();
    tenant.caller(key(Held::Top)).run(ladder(&["manager", "vp_ops"]));
    assert!(tenant.decides(id, Verdict::Approved, person("max", rung("manager"))).is_err());
    assert!(tenant.decides(id, Verdict::Approved, person("vic", rung("vp_ops"))).is_ok());
}

#[test]
fn a_grant_counts_operations_once_and_its_minutes_from_the_first() {
    let (mut tenant, _, grant) = granted_for(|block| RequestOverride { uses: Some(2), ..overriding(block) });
    tenant.later_ms(HOUR_MS);
    let before = tenant.newest_grant().clone();
    assert_eq!((before.uses_left(), before.expires_at()), (2, before.ends_at));
    tenant.run(consume(grant, "check-77"));
    let first = tenant.now;
    tenant.later_minutes(10).run(consume(grant, "check-77"));
    assert!(tenant.last.is_empty(), "the same operation");
    let after = tenant.newest_grant();
    assert_eq!((after.uses_left(), after.expires_at()), (1, first.plus_ms(15 * MINUTE_MS)));
    let mut late = tenant.clone();
    late.later_minutes(5);
    assert_eq!(late.refused(consume(grant, "check-78")), Rejection::GrantExpired { at: late.now });
    assert!(late.try_run(consume(grant, "check-77")).is_ok(), "what was counted stays counted");
    late.run(Tick { at_most: 10 });
    assert_eq!(late.newest_grant().ended.as_ref().map(|end| &*end.reason), Some("its time was over"));
    assert_eq!(late.refused(consume(grant, "check-78")), Rejection::GrantExpired { at: late.now });
    tenant.run(consume(grant, "check-78"));
    assert_eq!(tenant.refused(consume(grant, "check-79")), Rejection::GrantUsedUp);
}

#[test]
fn a_grant_ends_with_the_business_date_used_or_not() {
    let (mut tenant, _, grant) = granted_for(|block| RequestOverride { uses: Some(2), ..overriding(block) });
    let end = tenant.newest_grant().ends_at;
    assert_eq!(end.to_string(), "2025-02-15T03:00:00.000Z");
    tenant.now = end.plus_ms(-MINUTE_MS);
    tenant.run(consume(grant, "late"));
    assert_eq!(tenant.newest_grant().expires_at(), end, "the minutes do not reach into the next day");
    tenant.later_minutes(1);
    assert_eq!(tenant.refused(consume(grant, "later")), Rejection::GrantExpired { at: end });
}

#[test]
fn a_grant_is_for_the_amount_that_was_asked_for() {
    let asked = |block| RequestOverride { amount: Some(amount("120.50")), uses: Some(3), ..overriding(block) };
    let (mut tenant, _, grant) = granted_for(asked);
    assert_eq!(tenant.newest_grant().amount_max, Some(amount("120.5")));
    let of = |operation: &str, sum: Option<Decimal>| ConsumeGrant { amount: sum, ..consume(grant, operation) };
    assert_eq!(pointers(&tenant.refused(of("a", None))), ["/amount"]);
    assert_eq!(tenant.refused(of("a", Some(amount("120.51")))), Rejection::AmountAboveGrant { most: amount("120.5") });
    tenant.run(of("a", Some(amount("120.50"))));
    assert_eq!(tenant.newest_grant().uses_left(), 2);
    for wrong in ["", "a\nb"] {
        assert_eq!(pointers(&tenant.refused(of(wrong, Some(amount("1"))))), ["/operation_id"]);
    }
}

/// A way in which a block ends, and what becomes of the requests about it.
type Way<'a> = (&'a dyn Fn(&mut Tenant, Uuid), Status);

#[test]
fn a_lifted_block_takes_its_grants_and_requests_along_however_it_is_lifted() {
    let mut tenant = tenant().with_venue("pier");
    let violation = tenant.report(comp().at_venue("pier")).0;
    let by_hand = |tenant: &mut Tenant, block| drop(tenant.run(lift(block)));
    let by_resolving = |tenant: &mut Tenant, _| drop(tenant.run(resolve(violation)));
    let by_time = |tenant: &mut Tenant, _| {
        tenant.later_minutes(60).run(Tick { at_most: 10 });
    };
    let ways: [Way<'_>; 3] =
        [(&by_hand, Status::Cancelled), (&by_resolving, Status::Cancelled), (&by_time, Status::Expired)];
    for (way, status) in ways {
        let mut tenant = tenant.clone();
        let until = tenant.now.plus_ms(60 * MINUTE_MS);
        let place = block_on("ana").at_venue("pier").asking("gm").for_violation(violation).until(until);
        let block = tenant.place(place);
        tenant.caller(person("mia", rung("manager")));
        let (first, second) = (tenant.ask(overriding(block)), tenant.ask(overriding(block)));
        tenant.approve(first, gm());
        let grant = tenant.newest_grant().id;
        tenant.caller(key(Held::Top));
        way(&mut tenant, block);
        assert!(tenant.newest_grant().ended.is_some(), "{status:?}");
        assert_eq!(tenant.approval(second).status, status);
        assert!(tenant.try_run(consume(grant, "check-1")).is_err());
        assert_eq!(tenant.state.approvals.waiting_about(&block).count(), 0);
    }
}

#[test]
fn a_step_is_for_a_person_a_role_or_an_authority() {
    let tenant = tenant();
    let organisation = tenant.state.organisation();
    let mut reviewer = person("rae", Held::Nothing);
    reviewer.role = Some(Role::Reviewer);
    for (who, by, fits) in [
        ("user:rae", &reviewer, true),
        ("user:gus", &reviewer, false),
        ("role:reviewer", &reviewer, true),
        ("role:gm", &reviewer, false),
        ("authority:manager", &reviewer, false),
        ("authority:manager", &gm(), true),
        ("authority:vp_ops", &gm(), false),
    ] {
        let assignee = Assignee::parse(who).expect("somebody");
        assert_eq!(assignee.text(), who);
        assert_eq!(is_assigned(&assignee, organisation, by), fits, "{who}");
    }
    for nobody in ["", "user:", "role:king", "authority:", "rae", "group:x"] {
        assert_eq!(Assignee::parse(nobody), None, "{nobody}");
    }
}

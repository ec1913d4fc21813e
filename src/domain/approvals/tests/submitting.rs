//! What is submitted: what it needs, how risky it is, and who is asked.

use serde_json::{Value, json};

use crate::domain::approvals::submit::{AHEAD_MS_MAX, DECIDE_MS, SubmitApproval};
use crate::domain::approvals::{Consent, RiskLevel, Source, Status, hex, payload_hash};
use crate::domain::capabilities::Preview;
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::json::JsonText;
use crate::domain::people::{Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::testing::{
    Tenant, asking_for_a_note, block_on, id, key, key_of, mia, noting, olga, otto, person, pointers, policy, refund,
    refunding, staff, submitting, tenant,
};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};

fn till() -> Tenant {
    tenant().with_venue("pier").with(refund()).with(noting())
}

fn whos(tenant: &Tenant, id: uuid::Uuid) -> Vec<String> {
    tenant.approval(id).steps.iter().map(|step| step.who.text()).collect()
}

#[test]
fn a_request_waits_with_all_that_it_takes_to_decide() {
    let mut tenant = till().by(mia());
    let id = tenant.submit(SubmitApproval { title: Some("Refund a guest".into()), ..refunding(80) });
    let approval = tenant.approval(id);
    assert_eq!((approval.status, approval.source, approval.consent), (Status::Pending, Source::Module, Consent::Votes));
    assert_eq!((&*approval.module, &*approval.title, &*approval.created_by), ("till", "Refund a guest", "mia"));
    assert_eq!(approval.requester, Some(crate::domain::testing::id("mia")));
    let payload = JsonText::of(&json!({ "amount": 80 }));
    assert_eq!((&approval.payload, approval.payload_hash), (&payload, payload_hash("till.refund", &payload)));
    assert_eq!(approval.preview.value()["summary"], "Refund 80");
    let risk = approval.risk.as_ref().unwrap();
    assert_eq!(risk.level, RiskLevel::Medium);
    assert_eq!(risk.factors.iter().map(|one| one.points).sum::<u32>(), risk.score);
    assert_eq!(whos(&tenant, id), ["role:owner"]);
    assert_eq!(approval.decide_by, Some(tenant.now.plus_ms(DECIDE_MS)));
    assert_eq!(tenant.state.next_tick(), approval.decide_by);
    assert_eq!(tenant.state.approvals.waiting_of_risk(RiskLevel::Medium, u64::MAX).count(), 1);
}

#[test]
fn a_request_names_a_capability_that_is_there_and_fits_it() {
    let mut tenant = till();
    assert_eq!(tenant.refused(submitting("till.nothing", json!({}))), Rejection::UnknownCapability);
    assert_eq!(pointers(&tenant.refused(SubmitApproval { module: "stock".into(), ..refunding(1) })), ["/module"]);
    let wrong = |payload: Value| SubmitApproval { payload, ..refunding(1) };
    assert_eq!(pointers(&tenant.refused(wrong(json!({ "amount": "a lot" })))), ["/payload/amount"]);
    assert_eq!(pointers(&tenant.refused(wrong(json!({})))), ["/payload/amount"]);
    for source in [Source::Override, Source::Undo] {
        assert_eq!(pointers(&tenant.refused(SubmitApproval { source, ..refunding(1) })), ["/source"]);
    }
    assert!(tenant.state.approvals.is_empty());
}

#[test]
fn texts_and_times_are_bounded_and_in_their_order() {
    let mut tenant = till();
    let now = tenant.now;
    let at = |ms: i64| Some(now.plus_ms(ms));
    for (request, pointer) in [
        (SubmitApproval { title: Some(" ".into()), ..refunding(1) }, "/title"),
        (SubmitApproval { title: Some("a\nb".into()), ..refunding(1) }, "/title"),
        (SubmitApproval { title: Some("x".repeat(201)), ..refunding(1) }, "/title"),
        (SubmitApproval { dedupe_key: Some("x".repeat(201)), ..refunding(1) }, "/dedupe_key"),
        (SubmitApproval { action_item_id: Some(String::new()), ..refunding(1) }, "/action_item_id"),
        (SubmitApproval { venue_id: Some(String::new()), ..refunding(1) }, "/venue_id"),
        (SubmitApproval { scheduled_for: at(0), ..refunding(1) }, "/scheduled_for"),
        (SubmitApproval { decide_by: at(0), ..refunding(1) }, "/decide_by"),
        (SubmitApproval { run_by: at(-1), ..refunding(1) }, "/run_by"),
        (SubmitApproval { run_by: at(AHEAD_MS_MAX + 1), ..refunding(1) }, "/run_by"),
        (SubmitApproval { scheduled_for: at(HOUR_MS), run_by: at(HOUR_MS), ..refunding(1) }, "/run_by"),
        (SubmitApproval { decide_by: at(HOUR_MS + 1), run_by: at(HOUR_MS), ..refunding(1) }, "/decide_by"),
        (SubmitApproval { compensation: Some(json!("x".repeat(40_000))), ..refunding(1) }, "/compensation"),
    ] {
        assert_eq!(pointers(&tenant.refused(request)), [pointer]);
    }
    let id = tenant.submit(SubmitApproval { run_by: at(HOUR_MS), ..refunding(1) });
    assert_eq!(tenant.approval(id).decide_by, at(HOUR_MS), "nobody decides what may not run any more");
}

#[test]
fn a_request_is_for_a_venue_that_is_there_and_reached() {
    let mut tenant = till().by(mia());
    let here = |venue: &str| SubmitApproval { venue_id: Some(venue.into()), ..refunding(1) };
    assert_eq!(tenant.refused(here("moon")), Rejection::UnknownVenue { pointer: "/venue_id" });
    tenant.caller(mia().only_at(&["quay"]));
    assert_eq!(tenant.refused(here("pier")), Rejection::VenueNotAllowed);
    assert_eq!(tenant.refused(refunding(1)), Rejection::VenueNotAllowed, "without a venue it is for all of them");
    let there = tenant.caller(mia().only_at(&["pier"])).submit(here("pier"));
    assert_eq!(tenant.approval(there).venue_id, Some(id("pier")));
}

#[test]
fn the_owner_of_the_action_decides_and_nobody_waits_for_who_cannot() {
    let mut tenant = till().by(mia());
    let owned = |owner: &str| SubmitApproval { owner: Some(id(owner)), ..refunding(1) };
    let first = tenant.submit(owned("gus"));
    assert_eq!(whos(&tenant, first), ["user:gus"]);
    let own = tenant.submit(owned("mia"));
    assert_eq!(whos(&tenant, own), ["role:owner"], "who asks is not asked");
    tenant.run(policy(json!({ "levels": { "medium": { "steps": [
        { "name": "owner", "who": "owner", "quorum": 1 }, { "name": "again", "who": "user:gus" },
        { "name": "two", "who": "role:owner", "quorum": 2 } ] } } })));
    let twice = tenant.submit(owned("gus"));
    assert_eq!(whos(&tenant, twice), ["user:gus", "role:owner", "role:owner"], "nobody is asked twice");
    assert_eq!(tenant.approval(twice).steps.iter().map(|step| step.quorum).collect::<Vec<_>>(), [1, 1, 2]);
}

#[test]
fn what_is_harmless_and_can_be_undone_runs_by_itself() {
    let mut tenant = till().by(mia());
    let id = tenant.submit(asking_for_a_note());
    assert_eq!((tenant.status(id), tenant.approval(id).consent), (Status::Approved, Consent::Auto));
    assert_eq!(tenant.approval(id).steps, []);
    for change in [
        RegisterCapability { auto_approvable: false, ..noting() },
        RegisterCapability { undo_window_s: Some(0), reversible: false, ..noting() },
    ] {
        let mut tenant = till().with(change).by(mia());
        let id = tenant.submit(asking_for_a_note());
        assert_eq!((tenant.status(id), whos(&tenant, id)), (Status::Pending, vec!["role:owner".to_owned()]));
    }
    let later = Some(tenant.now.plus_ms(HOUR_MS));
    let id = tenant.submit(SubmitApproval { scheduled_for: later, ..asking_for_a_note() });
    assert_eq!((tenant.status(id), tenant.approval(id).runs_at), (Status::Scheduled, later));
}

#[test]
fn what_takes_an_authority_is_never_left_to_a_policy() {
    let mut tenant = till();
    tenant.run(policy(json!({ "levels": {
        "low": { "auto": true, "veto_minutes": 20, "steps": [{ "name": "owner", "who": "owner" }] },
        "medium": { "veto_minutes": 20, "steps": [{ "name": "owner", "who": "owner" }] } } })));
    let block = tenant.place(block_on("ana").asking("gm"));
    let lift = submitting("blocks.lift", json!({ "block_id": block, "reason": "Reviewed" }));
    let id = tenant.caller(mia()).submit(lift);
    let approval = tenant.approval(id);
    assert_eq!((approval.status, approval.consent), (Status::Pending, Consent::Votes));
    assert_eq!(whos(&tenant, id), ["role:owner", "authority:gm"]);
    assert_eq!(tenant.approval(id).beneficiary, Some(crate::domain::testing::id("ana")));
}

#[test]
fn a_policy_may_let_things_run_unless_somebody_objects() {
    let mut tenant = till().by(mia());
    tenant.run(policy(
        json!({ "levels": { "medium": { "veto_minutes": 20, "steps": [{ "name": "owner", "who": "owner" }] } } }),
    ));
    let held = Some(tenant.now.plus_ms(20 * MINUTE_MS));
    let id = tenant.submit(refunding(1));
    let approval = tenant.approval(id);
    assert_eq!((approval.status, approval.consent, approval.runs_at), (Status::Scheduled, Consent::Veto, held));
    assert_eq!(approval.reason.as_deref(), Some("runs unless somebody objects"));
    let later = Some(tenant.now.plus_ms(DAY_MS));
    let id = tenant.submit(SubmitApproval { scheduled_for: later, ..refunding(2) });
    assert_eq!(tenant.approval(id).runs_at, later);
}

#[test]
fn a_module_says_what_it_will_do_and_never_makes_it_look_smaller() {
    let mut tenant = till().by(mia());
    let preview = |amount: &str| {
        Some(Preview {
            summary: "é".repeat(5_000),
            before: Some("80 due".into()),
            after: Some("nothing due".into()),
            recipients: Some(500),
            amount: Some(amount.into()),
            source: "module".into(),
            generated: None,
        })
    };
    let shown = tenant.submit(SubmitApproval { preview: preview("20000"), ..refunding(80) });
    let small = tenant.submit(SubmitApproval { preview: preview("0"), ..refunding(20_000) });
    let points = |id| {
        let risk = tenant.approval(id).risk.as_ref().unwrap();
        risk.factors.iter().find(|one| &*one.name == "amount").map(|one| one.points)
    };
    assert_eq!(points(shown), points(small));
    let said = tenant.approval(shown).preview.value();
    assert_eq!(said["summary"].as_str().unwrap().chars().count(), 4_000);
    assert_eq!((&said["source"], &said["after"]), (&json!("module"), &json!("nothing due")));
}

#[test]
fn an_override_that_is_submitted_like_other_work_is_an_override() {
    let mut tenant = till();
    let block = tenant.place(block_on("ana").at_venue("pier").asking("gm"));
    let request = submitting("overrides.grant", json!({ "block_id": block, "reason": "A regular guest" }));
    let id = tenant.caller(mia()).submit(request);
    let approval = tenant.approval(id);
    assert_eq!((approval.source, approval.subject), (Source::Override, Some(block)));
    assert_eq!(whos(&tenant, id), ["authority:gm"]);
    assert_eq!(approval.decide_by.unwrap().to_string(), "2025-02-15T03:00:00.000Z");
    let by_route = tenant.ask(crate::domain::testing::overriding(block));
    assert_eq!(hex(&tenant.approval(by_route).payload_hash), hex(&tenant.approval(id).payload_hash));
    tenant.approve(id, staff("gus", Role::Gm));
    assert_eq!(tenant.status(id), Status::Executed);
    assert_eq!(tenant.newest_grant().approval_id, id);
}

#[test]
fn what_became_of_earlier_requests_is_counted_as_it_happens() {
    let mut tenant = till().by(mia());
    for _ in 0..2 {
        let id = tenant.caller(mia()).submit(refunding(1));
        tenant.decides(id, crate::domain::approvals::Verdict::Rejected, olga()).unwrap();
    }
    let other = tenant.caller(key_of("gus", Held::Nothing)).submit(refunding(1));
    tenant.decides(other, crate::domain::approvals::Verdict::Rejected, otto()).unwrap();
    let rejected = |label: &str| tenant.state.approvals.history_of_requester(label).rejected;
    assert_eq!((rejected("mia"), rejected("gus"), rejected("key:till")), (2, 1, 0));
    assert_eq!(tenant.state.approvals.history_of_capability("till.refund").rejected, 3);
    let by_key = tenant.caller(key(Held::Nothing)).submit(refunding(1));
    assert_eq!((&*tenant.approval(by_key).created_by, &tenant.approval(by_key).requester), ("key:till", &None));
    assert_eq!(
        tenant.decides(by_key, crate::domain::approvals::Verdict::Approved, person("stan", Held::Nothing)).err(),
        Some(Rejection::NotYourStep { who: "role:owner".into() })
    );
}

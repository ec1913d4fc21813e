//! Who hears of what, as a table.

use serde_json::json;

use super::*;
use crate::domain::actions::AttemptOutcome;
use crate::domain::approvals::Verdict;
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::testing::{
    Tenant, alert, attempt, block_on, cancelling, comp, done, doubt, escalating, failed, mia, noting, olga, overriding,
    policy, rae, refund, refunding, settling, tenant,
};
use crate::domain::webhooks::commands::{CreateWebhook, RecordNotice};

/// A refund that touches four systems: an owner decides, then a reviewer.
fn till() -> Tenant {
    let connectors = ["till", "bank", "mail", "payroll"].map(String::from).to_vec();
    tenant().with(RegisterCapability { connectors, ..refund() }).with(noting()).by(mia())
}

fn asked() -> (Tenant, Uuid) {
    let mut tenant = till();
    let id = tenant.submit(refunding(80));
    (tenant, id)
}

/// What the last command announced: type, for whom, but not whom, how it stands.
fn announced(tenant: &Tenant) -> Vec<(&'static str, String, String, String)> {
    let made = tenant.last.iter().filter_map(|event| match event {
        Event::AnnouncementMade(one) => Some(one),
        _ => None,
    });
    made.map(|one| {
        let each = |audience: &Audience| match audience {
            Audience::User(id) => format!("user:{id}"),
            Audience::Role(role) => format!("role:{}", role.name()),
            Audience::Rungs(rungs) => rungs.iter().map(ToString::to_string).collect::<Vec<_>>().join("<"),
            Audience::Admins => "admins".into(),
        };
        let names = |ids: &[UserId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let audience = one.audience.iter().map(each).collect::<Vec<_>>().join(" ");
        (one.kind.name(), audience, names(&one.except), one.facts.outcome.as_deref().unwrap_or_default().to_owned())
    })
    .collect()
}

fn row(kind: &'static str, audience: &str, except: &str, outcome: &str) -> (&'static str, String, String, String) {
    (kind, audience.into(), except.into(), outcome.into())
}

#[test]
fn a_request_is_announced_to_each_step_and_what_becomes_of_it_to_who_asked() {
    let (mut tenant, id) = asked();
    assert_eq!(announced(&tenant), [row("approval_assigned", "role:owner", "mia", "")]);
    tenant.approve(id, olga());
    assert_eq!(announced(&tenant), [row("approval_assigned", "role:reviewer", "mia olga", "")]);
    tenant.approve(id, rae());
    assert_eq!(announced(&tenant), [row("approval_decided", "user:mia", "", "approved")]);
    tenant.claim_of(id).finish(id, done());
    assert_eq!(announced(&tenant), [row("execution_result", "user:mia", "", "executed")]);
}

#[test]
fn every_end_is_told_once_to_whom_it_concerns() {
    let (asked, id) = asked();
    let mut tenant = asked.clone();
    tenant.decides(id, Verdict::Rejected, olga()).unwrap();
    assert_eq!(announced(&tenant), [row("approval_decided", "user:mia", "", "rejected")]);
    let mut tenant = asked.clone();
    tenant.caller(mia()).run(cancelling(id));
    assert_eq!(announced(&tenant), [row("approval_decided", "user:mia", "mia", "cancelled")], "but not who did it");
    let mut tenant = asked.clone();
    tenant.later_ms(8 * crate::domain::time::DAY_MS).run(crate::domain::blocks::place::Tick { at_most: 10 });
    assert_eq!(announced(&tenant), [row("approval_decided", "user:mia", "", "expired")]);

    let mut running = asked;
    running.approve(id, olga()).approve(id, rae()).claim_of(id);
    let mut tenant = running.clone();
    tenant.finish(id, failed());
    assert_eq!(announced(&tenant), [row("execution_result", "user:mia", "", "failed")]);
    let mut tenant = running;
    tenant.finish(id, doubt());
    assert_eq!(announced(&tenant), [row("approval_in_doubt", "user:mia user:olga user:rae", "", "")]);
    tenant.caller(olga()).run(settling(id, Status::Executed));
    assert_eq!(announced(&tenant), [row("execution_result", "user:mia", "olga", "executed")]);
}

#[test]
fn what_begins_again_asks_again_and_what_may_run_asks_for_objections() {
    let (mut tenant, id) = asked();
    tenant.approve(id, olga()).approve(id, rae());
    tenant.claim(id, &[olga(), mia()]);
    assert_eq!(
        announced(&tenant),
        [row("approval_assigned", "role:reviewer", "mia olga", "")],
        "rae is not here any more"
    );

    let mut tenant = till();
    let step = |name: &str, who: &str| json!({ "name": name, "who": who });
    let steps = [step("owner", "owner"), step("reviewer", "role:reviewer")];
    tenant.run(policy(json!({ "levels": { "high": { "veto_minutes": 20, "steps": steps } } })));
    tenant.caller(mia()).submit(refunding(80));
    assert_eq!(announced(&tenant), [row("approval_assigned", "role:owner role:reviewer", "mia", "scheduled")]);
}

#[test]
fn an_override_asks_the_lowest_rung_that_anybody_holds() {
    let mut tenant = tenant().with(block_on("ana").asking("gm")).by(mia());
    let block = tenant.only_block().id;
    tenant.ask(overriding(block));
    let told = announced(&tenant);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].0, &*told[0].1), ("approval_assigned", "gm<vp_ops<owner"));
}

#[test]
fn admins_hear_of_what_was_given_up_and_of_a_dead_address_ever_more_rarely() {
    let mut tenant = tenant().with_template(alert());
    tenant.report(comp());
    let action = tenant.only_action().id;
    tenant.run(attempt(action, AttemptOutcome::Retry));
    assert_eq!(announced(&tenant), []);
    tenant.run(attempt(action, AttemptOutcome::Refused));
    assert_eq!(announced(&tenant), [row("dead_letter", "admins", "", "")]);
    tenant.run(attempt(action, AttemptOutcome::Refused));
    assert_eq!(announced(&tenant), [], "it was given up before");

    let url = "https://till.example/hook".to_owned();
    tenant.run(CreateWebhook { url, events: vec!["violations".into()], description: None });
    let mut told = Vec::new();
    for number in 1..=9 {
        tenant.report(crate::domain::testing::comp_of(&format!("s{number}")));
        let notice = tenant.state.webhooks.by_due().next().unwrap().id;
        let outcome = AttemptOutcome::Refused;
        tenant.run(RecordNotice { id: notice, outcome, detail: "410 gone".into(), asked_ms: None });
        if !announced(&tenant).is_empty() {
            told.push(number);
        }
    }
    assert_eq!(told, [1, 2, 4, 8]);
}

#[test]
fn an_action_for_people_is_an_announcement_of_its_own_when_it_is_due() {
    let of = |target: &str| {
        let mut tenant = tenant().with_template(alert().to(target).saying("Look at table 9"));
        tenant.report(comp());
        of_action(&tenant.state, tenant.only_action(), None, tenant.now)
    };
    let told = of("role:gm").unwrap();
    assert_eq!(
        (told.kind, told.audience),
        (NotificationType::ViolationAlert, vec![Audience::Role(crate::domain::people::Role::Gm)])
    );
    assert_eq!(told.facts.detail.as_deref(), Some("Look at table 9"));
    assert_eq!(of("user:ana").unwrap().audience, [Audience::User(crate::domain::testing::id("ana"))]);
    assert_eq!(of("gm@harbour.example"), None, "an address is nobody whom we know");
    assert_eq!(of("slack:#floor"), None);

    let mut tenant = tenant().with_template(escalating("manager").saying("Look"));
    tenant.report(comp());
    let first = tenant.only_action().escalation.as_ref().unwrap().steps[0].id;
    let told = of_action(&tenant.state, tenant.only_action(), Some(first), tenant.now).unwrap();
    assert_eq!((told.id, told.kind, told.critical), (first, NotificationType::Escalation, true));
    assert_eq!(told.audience, [Audience::Rungs(vec![Authority::named("manager")])]);
    assert_eq!(told.facts.until, Some(tenant.now.plus_ms(30 * MINUTE_MS)));
}

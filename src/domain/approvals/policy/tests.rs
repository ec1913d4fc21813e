//! What a policy may say, and when a freeze ends: on ordinary days and on those on which the clock is changed.

use serde_json::{Value, json};

use super::{Policy, StepWho};
use crate::domain::ids::VenueId;
use crate::domain::organisation::VenueDraft;
use crate::domain::rejection::Rejection;
use crate::domain::risk::RiskLevel;
use crate::domain::settings::SaveVenue;
use crate::domain::testing::{Tenant, at, id, pointers, policy, tenant, venue_draft};
use crate::domain::view::policy as view;

fn shown(policy: &Policy) -> Value {
    serde_json::to_value(view::policy(policy)).unwrap()
}

fn refused(draft: Value) -> Vec<String> {
    pointers(&tenant().refused(policy(draft))).into_iter().map(Into::into).collect()
}

#[test]
fn without_a_policy_of_its_own_an_organisation_has_the_one_that_ships() {
    let tenant = tenant();
    let levels = shown(tenant.state.policy())["levels"].clone();
    let who = |level: &str| -> Vec<Value> {
        levels[level]["steps"].as_array().unwrap().iter().map(|step| step["who"].clone()).collect()
    };
    assert_eq!(who("low"), ["owner"]);
    assert_eq!(who("medium"), ["owner"]);
    assert_eq!(who("high"), ["owner", "role:reviewer"]);
    assert_eq!(who("critical"), ["owner", "authority:vp_ops"]);
    let auto = ["low", "medium", "high", "critical"].map(|level| levels[level]["auto"].as_bool().unwrap());
    assert_eq!(auto, [true, false, false, false]);
    assert_eq!(tenant.state.policy(), &Policy::default());
}

#[test]
fn a_policy_is_replaced_whole_and_what_is_shown_can_be_sent_back() {
    let mut tenant = tenant().with_venue("pier");
    tenant.run(policy(json!({
        "levels": {
            "medium": { "auto": false, "veto_minutes": 20, "steps": [{ "name": "any owner", "who": "owner" }] },
            "high": { "steps": [{ "name": "two reviewers", "who": "role:reviewer", "quorum": 2 }, { "name": "Zoë", "who": "user:zoe" }] },
        },
        "weights": { "connector": 9, "night": 5, "module.till": 30 },
        "freezes": [{ "name": "dinner", "during": { "days": ["fri"], "from": "18:00", "to": "23:00" }, "venue_ids": ["pier"] }],
    })));
    let own = tenant.state.policy().clone();
    assert_eq!((own.level(RiskLevel::Medium).veto_minutes, own.level(RiskLevel::High).steps[0].quorum), (Some(20), 2));
    assert_eq!(own.level(RiskLevel::Critical), Policy::default().level(RiskLevel::Critical));
    assert_eq!(own.weights.len(), 2, "what is as shipped is not kept");
    assert_eq!((own.weights().of("connector"), own.weights().of_module("till")), (9, 30));
    let seen = shown(&own);
    assert_eq!(seen["weights"]["irreversible"], json!(12));
    tenant.run(policy(seen.clone()));
    assert!(tenant.last.is_empty(), "the same again changes nothing");
    tenant.run(policy(json!({})));
    assert_eq!(tenant.state.policy(), &Policy::default());
    tenant.run(policy(seen));
    assert_eq!(tenant.state.policy(), &own);
}

#[test]
fn what_cannot_be_meant_is_told_at_its_place() {
    let level = |level: Value| refused(json!({ "levels": { "high": level } }));
    let step = |step: Value| level(json!({ "steps": [step] }));
    assert_eq!(level(json!({ "steps": [] })), ["/levels/high/steps"]);
    let six: Vec<Value> = (0..6).map(|_| json!({ "name": "x", "who": "owner" })).collect();
    assert_eq!(level(json!({ "steps": six })), ["/levels/high/steps"]);
    let owner = json!([{ "name": "x", "who": "owner" }]);
    for minutes in [0, 1_441] {
        assert_eq!(level(json!({ "veto_minutes": minutes, "steps": owner })), ["/levels/high/veto_minutes"]);
    }
    assert_eq!(step(json!({ "name": " ", "who": "owner" })), ["/levels/high/steps/0/name"]);
    for who in
        ["", "nobody", "role:chef", "role:viewer", "role:admin", "role:staff", "authority:pope", "user:", "owner:x"]
    {
        assert_eq!(step(json!({ "name": "x", "who": who })), ["/levels/high/steps/0/who"], "{who}");
    }
    for quorum in [0, 11] {
        assert_eq!(step(json!({ "name": "x", "who": "owner", "quorum": quorum })), ["/levels/high/steps/0/quorum"]);
    }
    assert_eq!(step(json!({ "name": "x", "who": "user:zoe", "quorum": 2 })), ["/levels/high/steps/0/quorum"]);
    let critical = json!({ "auto": true, "veto_minutes": 5, "steps": owner });
    assert_eq!(
        refused(json!({ "levels": { "critical": critical } })),
        ["/levels/critical/auto", "/levels/critical/veto_minutes"]
    );
    assert_eq!(refused(json!({ "weights": { "gravity": 1 } })), ["/weights/gravity"]);
    assert_eq!(
        refused(json!({ "weights": { "night": 101, "module.Till": 1 } })),
        ["/weights/module.Till", "/weights/night"]
    );
    let freeze = |freeze: Value| refused(json!({ "freezes": [freeze] }));
    assert_eq!(freeze(json!({ "name": "", "during": { "days": ["fri"] } })), ["/freezes/0/name"]);
    assert_eq!(freeze(json!({ "name": "x", "during": {} })), ["/freezes/0/during"]);
    assert_eq!(freeze(json!({ "name": "x", "during": [{ "from": "18:00" }] })), ["/freezes/0/during/0/to"]);
    assert_eq!(
        freeze(json!({ "name": "x", "during": { "days": ["fri"] }, "venue_ids": [] })),
        ["/freezes/0/venue_ids"]
    );
    let twice = json!({ "name": "x", "during": { "days": ["fri"] } });
    assert_eq!(refused(json!({ "freezes": [twice, twice] })), ["/freezes/1/name"]);
    let unknown = policy(json!({ "freezes": [{ "name": "x", "during": { "days": ["fri"] }, "venue_ids": ["pier"] }] }));
    assert_eq!(tenant().refused(unknown), Rejection::UnknownVenue { pointer: "/freezes" });
    assert_eq!(StepWho::parse("owner"), Some(StepWho::Owner));
}

/// Venues in Berlin and Los Angeles, with these freezes.
fn frozen(freezes: Value) -> Tenant {
    let far = VenueDraft { time_zone: "America/Los_Angeles".into(), ..venue_draft("quay") };
    tenant()
        .with_venue("pier")
        .with(SaveVenue { venue_id: "quay".into(), draft: far })
        .with(policy(json!({ "freezes": freezes })))
}

fn until(tenant: &Tenant, venue: Option<&str>, moment: &str) -> Option<String> {
    let venue: Option<VenueId> = venue.map(id);
    let held = tenant.state.policy().frozen_until(&tenant.state, venue.as_ref(), at(moment));
    held.map(|(at, _)| at.to_string())
}

#[test]
fn a_freeze_holds_by_the_clock_of_the_venue_and_ends_with_its_window() {
    let dinner = json!([{ "name": "dinner", "during": { "days": ["fri"], "from": "18:00", "to": "01:30" } }]);
    let tenant = frozen(dinner);
    // A Friday in Berlin, UTC + 1; in Los Angeles it is nine hours earlier.
    for (venue, moment, expected) in [
        (Some("pier"), "2025-02-14T16:59:59.999Z", None),
        (Some("pier"), "2025-02-14T17:00:00Z", Some("2025-02-15T00:30:00.000Z")),
        (Some("pier"), "2025-02-15T00:29:59.999Z", Some("2025-02-15T00:30:00.000Z")),
        (Some("pier"), "2025-02-15T00:30:00Z", None),
        (Some("quay"), "2025-02-14T17:00:00Z", None),
        (Some("quay"), "2025-02-15T02:00:00Z", Some("2025-02-15T09:30:00.000Z")),
        (None, "2025-02-14T17:00:00Z", Some("2025-02-15T00:30:00.000Z")),
    ] {
        assert_eq!(until(&tenant, venue, moment).as_deref(), expected, "{venue:?} {moment}");
    }
    let (_, name) = tenant.state.policy().frozen_until(&tenant.state, None, at("2025-02-14T18:00:00Z")).unwrap();
    assert_eq!(&*name, "dinner");
}

#[test]
fn a_freeze_for_certain_venues_is_for_nothing_else() {
    let tenant = frozen(json!([{ "name": "x", "during": { "days": ["fri"] }, "venue_ids": ["pier"] }]));
    let friday = "2025-02-14T12:00:00Z";
    assert_eq!(until(&tenant, Some("pier"), friday).as_deref(), Some("2025-02-14T23:00:00.000Z"));
    assert_eq!((until(&tenant, Some("quay"), friday), until(&tenant, None, friday)), (None, None));
}

#[test]
fn freezes_without_a_gap_are_one_and_one_without_an_end_is_looked_at_again() {
    let tenant = frozen(json!([
        { "name": "lunch", "during": { "from": "12:00", "to": "15:00" } },
        { "name": "count", "during": { "from": "14:00", "to": "16:00" } },
        { "name": "tea", "during": { "from": "16:01", "to": "17:00" } },
    ]));
    assert_eq!(until(&tenant, Some("pier"), "2025-02-14T11:30:00Z").as_deref(), Some("2025-02-14T15:00:00.000Z"));
    let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let always = frozen(json!([{ "name": "closed", "during": { "days": week } }]));
    assert_eq!(until(&always, Some("pier"), "2025-02-14T12:00:00Z").as_deref(), Some("2025-02-22T12:00:00.000Z"));
}

#[test]
fn the_clock_on_the_wall_decides_also_where_it_is_changed() {
    // Berlin: 2025-03-30 02:00 → 03:00 (at 01:00 UTC); 2025-10-26 03:00 → 02:00 (at 01:00 UTC).
    let window = |from: &str, to: &str| frozen(json!([{ "name": "x", "during": { "from": from, "to": to } }]));
    for (from, to, moment, expected) in [
        ("01:00", "02:30", "2025-03-30T00:30:00Z", Some("2025-03-30T01:00:00.000Z")), // 02:00 to 02:30 does not exist
        ("02:00", "03:00", "2025-03-30T01:00:00Z", None),
        ("01:00", "04:00", "2025-03-30T00:30:00Z", Some("2025-03-30T02:00:00.000Z")), // an hour shorter
        ("02:00", "03:00", "2025-10-26T00:15:00Z", Some("2025-10-26T02:00:00.000Z")), // comes twice, and is one
        ("01:30", "02:30", "2025-10-26T00:15:00Z", Some("2025-10-26T00:30:00.000Z")),
        ("01:30", "02:30", "2025-10-26T00:45:00Z", None), // the first 02:45
        ("01:30", "02:30", "2025-10-26T01:15:00Z", Some("2025-10-26T01:30:00.000Z")), // the second 02:15
    ] {
        let tenant = window(from, to);
        assert_eq!(until(&tenant, Some("pier"), moment).as_deref(), expected, "{from}–{to} at {moment}");
    }
}

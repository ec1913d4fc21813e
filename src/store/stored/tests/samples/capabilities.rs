//! Samples of capabilities and of the policy.

use serde_json::json;

use super::{AT, id};
use crate::domain::approvals::Assignee;
use crate::domain::approvals::policy::{Freeze, LevelPolicy, Policy, StepPolicy, StepWho};
use crate::domain::capabilities::{Capability, Sensitivity};
use crate::domain::json::JsonText;
use crate::domain::people::{Authority, Role};
use crate::domain::templates::conditions::during::{Clock, Day, During, Windows};

pub fn capability() -> Capability {
    Capability {
        name: "till.refund".into(),
        seq: 0,
        version: "1.2".into(),
        module: "till".into(),
        params: JsonText::of(
            &json!({ "type": "object", "required": ["amount"], "properties": { "amount": { "type": "number" } } }),
        ),
        sensitivity: Sensitivity::Financial,
        connectors: vec!["till".into(), "bank".into()],
        reversible: true,
        idempotent: false,
        auto_approvable: true,
        undo_window_s: 3_600,
        timeout_s: 20,
        concurrency: 4,
        preview_template: "Refund {{amount}}".into(),
        endpoint: Some("https://till.example/run".into()),
        generation: 7,
        created_by: "key:k1".into(),
        created_at: AT,
    }
}

pub fn policy() -> Policy {
    let step = |name: &str, who, quorum| StepPolicy { name: name.into(), who, quorum };
    let named = |who| StepWho::Named(who);
    let level = |auto, veto_minutes, steps| LevelPolicy { auto, veto_minutes, steps };
    let evening = During {
        days: Some(vec![Day::Fri, Day::Sat]),
        from: Some(Clock::parse("18:00").unwrap()),
        to: Some(Clock::parse("02:00").unwrap()),
    };
    let sunday = During { days: Some(vec![Day::Sun]), from: None, to: None };
    Policy {
        low: level(true, None, vec![step("owner", StepWho::Owner, 1)]),
        medium: level(false, Some(20), vec![step("owner", StepWho::Owner, 1)]),
        high: level(false, None, vec![step("reviewers", named(Assignee::Role(Role::Reviewer)), 2)]),
        critical: level(
            false,
            None,
            vec![
                step("Zoë", named(Assignee::User(id("owner-1"))), 1),
                step("executive", named(Assignee::Authority(Authority::named("vp_ops"))), 1),
            ],
        ),
        weights: [("connector".into(), 9), ("module.till".into(), 30)].into(),
        freezes: vec![
            Freeze {
                name: "dinner".into(),
                during: Windows::Any(vec![evening.clone(), sunday]),
                venue_ids: Some(vec![id("venue-7")]),
            },
            Freeze { name: "weekend".into(), during: Windows::One(evening), venue_ids: None },
        ],
    }
}

//! Samples of a request for approval and of a grant.

use rust_decimal::Decimal;
use serde_json::json;

use super::{APPROVAL, AT, BLOCK, GRANT, LATER, block_key, id, venue_id};
use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Execution, Risk, RiskFactor, RiskLevel, Source, Status, Step, Verdict, Vote,
};
use crate::domain::blocks::grants::{Grant, GrantEnd, Use};
use crate::domain::json::JsonText;
use crate::domain::people::{Authority, Role, Via};

pub fn one_use(operation: &str) -> Use {
    let amount = Some(Decimal::from_i128_with_scale(4_050, 2));
    Use { operation_id: id(operation), amount, at: AT, by: "key:till".into() }
}

pub fn grant() -> Grant {
    Grant {
        id: GRANT,
        seq: 0,
        approval_id: APPROVAL,
        block_id: BLOCK,
        key: block_key(),
        venue_id: venue_id(),
        authority: Authority::named("gm"),
        uses: 3,
        minutes: 15,
        amount_max: Some(Decimal::from_i128_with_scale(12_000, 2)),
        granted_by: "gm-1".into(),
        granted_at: AT,
        ends_at: LATER,
        used: vec![one_use("check-77")],
        ended: Some(GrantEnd { at: LATER, reason: "its time was over".into() }),
    }
}

pub fn approval() -> Approval {
    let vote =
        Vote { by: id("gm-1"), via: Via::Page, verdict: Verdict::Approved, comment: Some("once".into()), at: AT };
    let owner = Step { name: "owner".into(), who: Assignee::User(id("gm-1")), quorum: 1, decisions: vec![vote] };
    let factor = RiskFactor { name: "amount".into(), points: 30, why: "more than 100".into() };
    Approval {
        id: APPROVAL,
        seq: 0,
        venue_id: venue_id(),
        source: Source::Override,
        module: "overrides".into(),
        capability: "overrides.grant".into(),
        title: "Override comp for alice".into(),
        payload: JsonText::of(&json!({ "amount": 120.0, "uses": 3 })),
        payload_hash: [0x3C; 32],
        preview: JsonText::of(&json!({ "summary": "alice may comp" })),
        risk: Some(Risk { score: 30, level: RiskLevel::Medium, factors: vec![factor] }),
        status: Status::Pending,
        reason: Some("asked again".into()),
        steps: vec![
            owner,
            Step::new("reviewer", Assignee::Role(Role::Reviewer), 2),
            Step::new("authority", Assignee::Authority(Authority::named("vp_ops")), 1),
        ],
        created_by: "mia".into(),
        via: Via::Api,
        requester: Some(id("mia")),
        beneficiary: Some(id("alice")),
        subject: Some(BLOCK),
        created_at: AT,
        decide_by: Some(LATER),
        run_by: Some(LATER),
        execution: Some(Execution { at: LATER, result: JsonText::of(&json!({ "grant_id": GRANT })) }),
        audit: vec![AuditLine {
            seq: 7,
            at: AT,
            what: "submitted".into(),
            by: "mia".into(),
            via: Via::Api,
            note: Some("Override comp for alice".into()),
        }],
    }
}

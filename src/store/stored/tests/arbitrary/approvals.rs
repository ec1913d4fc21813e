//! Arbitrary requests for approval and grants.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ROLES, amount, at, authority, block_key, json_text, outside, text, uuid};
use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Closed, Decided, Executed, Execution, Risk, RiskFactor, RiskLevel, Source, Status,
    Step, Verdict, Vote,
};
use crate::domain::blocks::grants::{Grant, GrantEnd, GrantUsed, Use};
use crate::domain::event::Event;
use crate::domain::people::{Authority, Via};

const VIAS: [Via; 3] = [Via::Api, Via::Page, Via::Schedule];
const VERDICTS: [Verdict; 2] = [Verdict::Approved, Verdict::Rejected];
const SOURCES: [Source; 5] = [Source::Module, Source::Board, Source::User, Source::Override, Source::Undo];
const LEVELS: [RiskLevel; 4] = [RiskLevel::Low, RiskLevel::Medium, RiskLevel::High, RiskLevel::Critical];

prop_compose! {
    fn one_use()(operation_id in outside(), amount in of(amount()), at in at(), by in text()) -> Use {
        Use { operation_id, amount, at, by }
    }
}

prop_compose! {
    fn grant()(
        ids in (uuid(), uuid(), uuid()), seq: u64, key in block_key(), venue_id in of(outside()), authority in authority(),
        uses in 0_u32..4, minutes: u32, amount_max in of(amount()), granted_by in text(), granted_at in at(), ends_at in at(),
        used in vec(one_use(), 0..3), ended in of((at(), text())),
    ) -> Grant {
        let ended = ended.map(|(at, reason)| GrantEnd { at, reason });
        let (id, approval_id, block_id) = ids;
        Grant {
            id, seq, approval_id, block_id, key, venue_id, authority, uses, minutes, amount_max, granted_by, granted_at, ends_at,
            used, ended,
        }
    }
}

prop_compose! {
    fn grant_used()(
        id in uuid(), venue_id in of(outside()), key in block_key(), used in one_use(), uses_left: u32, expires_at in at(),
    ) -> GrantUsed {
        GrantUsed { id, venue_id, key, used, uses_left, expires_at }
    }
}

fn assignee() -> impl Strategy<Value = Assignee> {
    let rung = "[a-z]{1,4}".prop_map(|name| Assignee::Authority(Authority::named(&name)));
    prop_oneof![outside().prop_map(Assignee::User), select(&ROLES).prop_map(Assignee::Role), rung]
}

prop_compose! {
    fn vote()(
        by in outside(), via in select(&VIAS), verdict in select(&VERDICTS), comment in of(text()), at in at(),
    ) -> Vote {
        Vote { by, via, verdict, comment, at }
    }
}

prop_compose! {
    fn step()(name in text(), who in assignee(), quorum in 1_u32..4, decisions in vec(vote(), 0..3)) -> Step {
        Step { name, who, quorum, decisions }
    }
}

prop_compose! {
    fn risk()(score: u32, level in select(&LEVELS), factors in vec((text(), any::<u32>(), text()), 0..3)) -> Risk {
        let factors = factors.into_iter().map(|(name, points, why)| RiskFactor { name, points, why }).collect();
        Risk { score, level, factors }
    }
}

prop_compose! {
    fn audit_line()(
        seq: u64, at in at(), what in text(), by in text(), via in select(&VIAS), note in of(text()),
    ) -> AuditLine {
        AuditLine { seq, at, what, by, via, note }
    }
}

prop_compose! {
    fn approval()(
        ids in (uuid(), any::<u64>(), of(outside()), select(&SOURCES)), names in (text(), text(), text()),
        payload in json_text().boxed(), payload_hash: [u8; 32], preview in json_text().boxed(), risk in of(risk()).boxed(),
        status in (select(&Status::ALL), of(text())), steps in vec(step(), 0..3).boxed(),
        who in (text(), select(&VIAS), of(outside()), of(outside()), of(uuid())),
        times in (at(), of(at()), of(at())), execution in of((at(), json_text())).boxed(), audit in vec(audit_line(), 0..3).boxed(),
    ) -> Approval {
        let execution = execution.map(|(at, result)| Execution { at, result });
        let (id, seq, venue_id, source) = ids;
        let (module, capability, title) = names;
        let (created_by, via, requester, beneficiary, subject) = who;
        let (created_at, decide_by, run_by) = times;
        Approval {
            id, seq, venue_id, source, module, capability, title, payload, payload_hash, preview, risk, status: status.0,
            reason: status.1, steps, created_by, via, requester, beneficiary, subject, created_at, decide_by, run_by, execution,
            audit,
        }
    }
}

/// Every kind of event of requests for approval and grants.
pub fn event() -> BoxedStrategy<Event> {
    let of_venue = || (uuid(), of(outside()));
    let status = || select(&Status::ALL);
    prop_oneof![
        grant().prop_map(|it| Event::GrantGiven(Box::new(it))),
        grant_used().prop_map(|it| Event::GrantUsed(Box::new(it))),
        (of_venue(), block_key(), text()).prop_map(|((id, venue_id), key, reason)| Event::GrantEnded {
            id,
            venue_id,
            key,
            reason
        }),
        approval().prop_map(|it| Event::ApprovalSubmitted(Box::new(it))),
        (of_venue(), 0_u32..4, vote(), status()).prop_map(|((id, venue_id), step, vote, status)| {
            Event::ApprovalDecided(Box::new(Decided { id, venue_id, step, vote, status }))
        }),
        (of_venue(), status(), text(), select(&VIAS), of(text())).prop_map(
            |((id, venue_id), status, by, via, reason)| {
                Event::ApprovalClosed(Box::new(Closed { id, venue_id, status, by, via, reason }))
            }
        ),
        (of_venue(), text(), select(&VIAS), json_text()).prop_map(|((id, venue_id), by, via, result)| {
            Event::ApprovalExecuted(Box::new(Executed { id, venue_id, by, via, result }))
        }),
    ]
    .boxed()
}

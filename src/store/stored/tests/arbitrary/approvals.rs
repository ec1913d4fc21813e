//! Arbitrary requests for approval and grants.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ROLES, amount, at, authority, block_key, json_text, outside, text, uuid};
use crate::domain::approvals::facts::{
    Claimed, Cleared, Closed, Decided, Edited, Executed, Failed, Reopened, Retried, Scheduled, Skipped, TriedAgain,
    Undone,
};
use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Consent, Execution, Risk, RiskFactor, RiskLevel, Source, Status, Step, Verdict, Vote,
};
use crate::domain::blocks::grants::{Grant, GrantEnd, GrantUsed, Use};
use crate::domain::event::Event;
use crate::domain::people::{Authority, Via};
use crate::domain::tasks::{LogLine, Task, TaskFinished, TaskProgressed, TaskStatus};

const VIAS: [Via; 3] = [Via::Api, Via::Page, Via::Schedule];
const VERDICTS: [Verdict; 2] = [Verdict::Approved, Verdict::Rejected];
const SOURCES: [Source; 5] = [Source::Module, Source::Board, Source::User, Source::Override, Source::Undo];
const CONSENTS: [Consent; 3] = [Consent::Votes, Consent::Auto, Consent::Veto];
const TASK_STATUSES: [TaskStatus; 4] =
    [TaskStatus::Running, TaskStatus::Succeeded, TaskStatus::Failed, TaskStatus::InDoubt];
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
    fn execution()(
        key: Option<[u8; 32]>, task_id in of(uuid()), attempt: u32, times in (of(at()), of(at()), of(at()), of(at())),
        texts in (of(json_text()), of(json_text())), error in of(text()), original in of(uuid()),
    ) -> Execution {
        let (started_at, finished_at, next_at, undoable_until) = times;
        let (result, undo_payload) = texts;
        Execution {
            key, task_id, attempt, started_at, finished_at, next_at, result, undo_payload, undoable_until, error, original,
        }
    }
}

prop_compose! {
    fn newer()(
        action_item_id in of(outside()), dedupe_key in of(text()), allow_repeat: bool, scheduled_for in of(at()),
        owner in of(outside()), editors in vec(outside(), 0..3), consent in select(&CONSENTS), undo_of in of(uuid()),
        compensation in of(json_text()), runs_at in of(at()), execution in of(execution()).boxed(), first in first().boxed(),
    ) -> Approval {
        Approval {
            action_item_id, dedupe_key, allow_repeat, scheduled_for, owner, editors, consent, undo_of, compensation, runs_at,
            execution, ..first
        }
    }
}

prop_compose! {
    fn first()(
        ids in (uuid(), any::<u64>(), of(outside()), select(&SOURCES)), names in (text(), text(), text()),
        payload in json_text().boxed(), payload_hash: [u8; 32], preview in json_text().boxed(), risk in of(risk()).boxed(),
        status in (select(&Status::ALL), of(text())), steps in vec(step(), 0..3).boxed(),
        who in (text(), select(&VIAS), of(outside()), of(outside()), of(uuid())),
        times in (at(), of(at()), of(at())), audit in vec(audit_line(), 0..3).boxed(),
    ) -> Approval {
        let (id, seq, venue_id, source) = ids;
        let (module, capability, title) = names;
        let (created_by, via, requester, beneficiary, subject) = who;
        let (created_at, decide_by, run_by) = times;
        Approval {
            id, seq, venue_id, source, module, capability, title, payload, payload_hash, preview, risk, status: status.0,
            reason: status.1, steps, created_by, via, requester, beneficiary, subject, created_at, decide_by, run_by, audit,
            action_item_id: None, dedupe_key: None, allow_repeat: false, scheduled_for: None, owner: None, editors: Vec::new(),
            consent: Consent::Votes, undo_of: None, compensation: None, runs_at: None, execution: None,
        }
    }
}

prop_compose! {
    fn edited()(
        id in uuid(), venue_id in of(outside()), texts in (json_text(), json_text(), of(json_text())), payload_hash: [u8; 32],
        risk in of(risk()).boxed(), steps in vec(step(), 0..3).boxed(), beneficiary in of(outside()), subject in of(uuid()),
        editor in of(outside()), by in text(), via in select(&VIAS),
    ) -> Edited {
        let (payload, preview, compensation) = texts;
        Edited { id, venue_id, payload, payload_hash, preview, risk, steps, beneficiary, subject, compensation, editor, by, via }
    }
}

prop_compose! {
    fn executed()(
        id in uuid(), venue_id in of(outside()), by in text(), via in select(&VIAS), texts in (of(json_text()), of(json_text())),
        key: Option<[u8; 32]>, task_id in of(uuid()), undoable_until in of(at()), note in of(text()),
    ) -> Executed {
        let (result, undo_payload) = texts;
        Executed { id, venue_id, by, via, result, key, task_id, undo_payload, undoable_until, note }
    }
}

fn line() -> impl Strategy<Value = LogLine> {
    (at(), text(), of(any::<u16>())).prop_map(|(at, message, progress)| LogLine { at, message, progress })
}

prop_compose! {
    fn task()(
        ids in (uuid(), any::<u64>(), uuid(), of(outside())), capability in text(), status in select(&TASK_STATUSES), progress: u16,
        log in vec(line(), 0..3), dropped: u64, attempt: u32, times in (of(at()), at(), of(at())),
    ) -> Task {
        let (id, seq, approval_id, venue_id) = ids;
        let (next_at, started_at, finished_at) = times;
        Task {
            id, seq, approval_id, venue_id, capability, status, progress, log: log.into(), dropped, attempt, next_at, started_at,
            finished_at,
        }
    }
}

/// Every kind of event of runs.
fn of_tasks() -> BoxedStrategy<Event> {
    let ids = || (uuid(), uuid(), of(outside()));
    prop_oneof![
        task().prop_map(|it| Event::TaskMade(Box::new(it))),
        (ids(), vec(line(), 0..3)).prop_map(|((id, approval_id, venue_id), lines)| {
            Event::TaskProgressed(Box::new(TaskProgressed { id, approval_id, venue_id, lines }))
        }),
        (ids(), select(&TASK_STATUSES), of(line())).prop_map(|((id, approval_id, venue_id), status, line)| {
            Event::TaskFinished(Box::new(TaskFinished { id, approval_id, venue_id, status, line }))
        }),
    ]
    .boxed()
}

/// Every kind of event of the way from a decision to an end.
fn of_runs() -> BoxedStrategy<Event> {
    let of_venue = || (uuid(), of(outside()));
    let hash = || any::<[u8; 32]>();
    prop_oneof![
        executed().prop_map(|it| Event::ApprovalExecuted(Box::new(it))),
        (of_venue(), text()).prop_map(|((id, venue_id), reason)| {
            Event::ApprovalCleared(Box::new(Cleared { id, venue_id, reason }))
        }),
        (of_venue(), at(), of(text())).prop_map(|((id, venue_id), runs_at, reason)| {
            Event::ApprovalScheduled(Box::new(Scheduled { id, venue_id, runs_at, reason }))
        }),
        (of_venue(), vec(outside(), 0..3), text(), of(at())).prop_map(|((id, venue_id), void, reason, decide_by)| {
            Event::ApprovalReopened(Box::new(Reopened { id, venue_id, void, reason, decide_by }))
        }),
        edited().prop_map(|it| Event::ApprovalEdited(Box::new(it))),
        (of_venue(), hash(), uuid()).prop_map(|((id, venue_id), key, task_id)| {
            Event::ApprovalClaimed(Box::new(Claimed { id, venue_id, key, task_id }))
        }),
        (of_venue(), hash(), uuid()).prop_map(|((id, venue_id), key, original)| {
            Event::ApprovalSkipped(Box::new(Skipped { id, venue_id, key, original }))
        }),
        (of_venue(), uuid(), any::<u32>(), text(), at()).prop_map(
            |((id, venue_id), task_id, attempt, error, next_at)| {
                Event::ApprovalTriedAgain(Box::new(TriedAgain { id, venue_id, task_id, attempt, error, next_at }))
            }
        ),
        (of_venue(), select(&Status::ALL), text(), select(&VIAS), text()).prop_map(
            |((id, venue_id), status, by, via, error)| {
                Event::ApprovalFailed(Box::new(Failed { id, venue_id, status, by, via, error }))
            }
        ),
        (of_venue(), text(), select(&VIAS), of(text())).prop_map(|((id, venue_id), by, via, reason)| {
            Event::ApprovalRetried(Box::new(Retried { id, venue_id, by, via, reason }))
        }),
        (of_venue(), uuid())
            .prop_map(|((id, venue_id), undo)| { Event::ApprovalUndone(Box::new(Undone { id, venue_id, undo })) }),
    ]
    .boxed()
}

/// Every kind of event of requests for approval and grants.
pub fn event() -> BoxedStrategy<Event> {
    let of_venue = || (uuid(), of(outside()));
    let status = || select(&Status::ALL);
    prop_oneof![
        1 => grant().prop_map(|it| Event::GrantGiven(Box::new(it))),
        1 => grant_used().prop_map(|it| Event::GrantUsed(Box::new(it))),
        1 => (of_venue(), block_key(), text()).prop_map(|((id, venue_id), key, reason)| Event::GrantEnded {
            id,
            venue_id,
            key,
            reason
        }),
        1 => newer().prop_map(|it| Event::ApprovalSubmitted(Box::new(it))),
        1 => (of_venue(), 0_u32..4, vote(), status()).prop_map(|((id, venue_id), step, vote, status)| {
            Event::ApprovalDecided(Box::new(Decided { id, venue_id, step, vote, status }))
        }),
        1 => (of_venue(), status(), text(), select(&VIAS), of(text())).prop_map(
            |((id, venue_id), status, by, via, reason)| {
                Event::ApprovalClosed(Box::new(Closed { id, venue_id, status, by, via, reason }))
            }
        ),
        2 => of_runs(),
        1 => of_tasks(),
    ]
    .boxed()
}

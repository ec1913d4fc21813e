//! One fixed sample of every kind of event. They are in the golden files: never change one, add others.

use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use crate::domain::actions::escalation::{self, Escalated, Escalation, Reminder, Stopped};
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, Attempt, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::approvals::{
    Approval, Assignee, AuditLine, Closed, Decided, Executed, Execution, Risk, RiskFactor, RiskLevel, Source, Status,
    Step, Verdict, Vote,
};
use crate::domain::blocks::grants::{Grant, GrantEnd, GrantUsed, Use};
use crate::domain::blocks::{Block, BlockKey, Lift, OnError};
use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, StreamId};
use crate::domain::json::JsonText;
use crate::domain::organisation::{Organisation, Venue};
use crate::domain::people::{Authority, Held, Role, Scope, Scopes, Via};
use crate::domain::suppression::Suppressed;
use crate::domain::suppression::inhibition::{Inhibition, InhibitionScope};
use crate::domain::suppression::silences::Silence;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::conditions::during::{Clock, Day, During, Windows};
use crate::domain::templates::shadow::{ShadowBlock, ShadowRecord};
use crate::domain::templates::steps;
use crate::domain::templates::{ActionData, Limit, Mode, Template};
use crate::domain::time::{BusinessDate, Timestamp};
use crate::domain::view::feed::Topic;
use crate::domain::violations::own_types::OwnType;
use crate::domain::violations::{Ending, Entity, Mark, Repeat, Severity, Violation, ViolationType};
use crate::domain::webhooks::{Notice, NoticeAttempted, Webhook};

const AT: Timestamp = Timestamp(1_739_556_300_123);
const LATER: Timestamp = Timestamp(1_739_559_900_000);
const VIOLATION: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0001);
const TEMPLATE: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0002);
const ACTION: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0003);
const STEP: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0005);
const WEBHOOK: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0007);
const GRANT: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0005);
const APPROVAL: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0006);
const BLOCK: Uuid = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0004);

/// An id from outside.
pub fn id(text: &str) -> OutsideId {
    OutsideId::parse(text).unwrap()
}

fn venue_id() -> Option<OutsideId> {
    Some(id("venue-7"))
}

fn violation_type() -> ViolationType {
    ViolationType::parse("comp_exception").unwrap()
}

fn organisation() -> Organisation {
    Organisation {
        org_id: id("Gasthaus Müller"),
        name: "Müller & Söhne".into(),
        time_zone: "Europe/Berlin".into(),
        authority_ladder: ["manager", "gm", "vp_ops", "owner"].map(Authority::named).to_vec(),
        contacts: [("gm_email".into(), "gm@example.com".into()), ("ops".into(), "ops@example.com".into())].into(),
        created_at: AT,
    }
}

fn venue() -> Venue {
    Venue {
        venue_id: id("venue-7"),
        name: "Harbour".into(),
        time_zone: "America/Los_Angeles".into(),
        business_day_starts: 4,
        contacts: [("gm_email".into(), "harbour@example.com".into())].into(),
    }
}

fn own_type() -> OwnType {
    OwnType {
        violation_type: violation_type(),
        measure: Some("comp_percent".into()),
        entity: Some(vec!["metadata.server_id".into(), "venue_id".into()]),
        entity_type: Some("server".into()),
        block_type: Some("comp".into()),
        resolve_after_quiet_minutes: Some(45),
        on_error: Some(OnError::Limit),
    }
}

/// A violation in which every field says something.
pub fn violation() -> Violation {
    Violation {
        id: VIOLATION,
        seq: 0,
        venue_id: venue_id(),
        parent_id: Some(BLOCK),
        violation_type: violation_type(),
        severity: Severity::Warning,
        title: "Comps above 5 %".into(),
        description: Some("Alice comped 7.5 % of 1 204,50 €".into()),
        metadata: Some(JsonText::of(&json!({"server_id": "alice", "comp_percent": 7.5, "checks": [11, 12]}))),
        source_table: Some(id("comps")),
        source_id: Some(id("row 42")),
        fingerprint: "comp_exception|venue-7|alice".into(),
        detected_at: AT,
        business_date: BusinessDate(20_133),
        occurrences: 2,
        last_seen_at: LATER,
        over_at: AT,
        acknowledged: Some(Mark { by: "bob".into(), at: AT }),
        resolved: Some(Mark { by: "key:k1".into(), at: LATER }),
        resolution: Some("trained".into()),
        ending: Some(Ending::Cleared),
        actions: vec![ACTION],
        blocks: vec![BLOCK],
        entity: Some(Entity { id: id("alice"), entity_type: "employee".into() }),
    }
}

fn repeat() -> Repeat {
    Repeat {
        id: VIOLATION,
        venue_id: venue_id(),
        parent_id: Some(BLOCK),
        severity: Severity::Critical,
        title: "Comps above 10 %".into(),
        description: None,
        metadata: Some(JsonText::of(&json!({"comp_percent": 12}))),
        seen_at: LATER,
        over_at: AT,
        occurrences: 3,
    }
}

fn action_data() -> ActionData {
    ActionData {
        block_type: Some("comp".into()),
        entity: Some("metadata.server_id".into()),
        entity_type: Some("employee".into()),
        override_required: Some(true),
        override_authority: Some(Authority::named("gm")),
        limit: Some(Limit { amount: Decimal::from_i128_with_scale(2_500, 2) }),
        expires_after_minutes: Some(480),
        on_error: Some(OnError::Limit),
        auto_lift_on_resolve: Some(false),
        ladder: Some(vec![Authority::named("gm"), Authority::named("owner")]),
        after_minutes: Some(30),
        remind_after_minutes: Some(90),
        delay_minutes: Some(5),
        steps: Some(vec![steps::Step {
            action_type: ActionType::Alert,
            action_target: Some("{{server_email}}".into()),
            message_template: Some("Please ask first".into()),
            action_data: Some(Box::new(ActionData { after_minutes: Some(5), ..ActionData::default() })),
        }]),
        within_days: Some(28),
        step: Some(2),
    }
}

fn template() -> Template {
    Template {
        id: TEMPLATE,
        seq: 0,
        name: Some("Block comps".into()),
        violation_type: violation_type(),
        severity: Some(Severity::Critical),
        action_type: ActionType::Block,
        action_target: "metadata.server_id".into(),
        message_template: "{{title}} at {{venue}}".into(),
        enabled: true,
        mode: Mode::Shadow,
        conditions: Conditions {
            min_threshold: Some(0.1),
            max_threshold: Some(99.5),
            venue_ids: Some(vec!["venue-7".into()]),
            metadata: Some([("guest.vip".to_owned(), json!(false)), ("table".to_owned(), json!(4.0))].into()),
            occurrences_at_least: Some(3),
            within_days: Some(7),
            during: Some(Windows::Any(vec![During {
                days: Some(vec![Day::Fri, Day::Sat]),
                from: Some(Clock::parse("22:00").unwrap()),
                to: Some(Clock::parse("02:00").unwrap()),
            }])),
            when: Some("measure > 5.0 && severity != 'info'".into()),
            repeat_after_minutes: Some(60),
            cooldown_minutes: Some(240),
        },
        action_data: action_data(),
        version: 3,
        changed_at: AT,
        changed_by: "owner-1".into(),
    }
}

fn shadow() -> ShadowRecord {
    ShadowRecord {
        seq: 0,
        at: AT,
        template_id: TEMPLATE,
        template_version: 3,
        violation_id: VIOLATION,
        venue_id: venue_id(),
        action_type: ActionType::Block,
        step: Some(2),
        action_target: "system".into(),
        message: "Comps above 5 % at Harbour".into(),
        reason: Some("bad-target: `x` is not one".into()),
        block: Some(ShadowBlock {
            block_type: "comp".into(),
            entity_id: id("alice"),
            entity_type: "employee".into(),
            override_required: true,
            expires_at: Some(LATER),
        }),
    }
}

fn action() -> Action {
    Action {
        id: ACTION,
        seq: 0,
        violation_id: VIOLATION,
        venue_id: venue_id(),
        severity: Severity::Critical,
        title: "Comp without approval".into(),
        template_id: Some(TEMPLATE),
        template_version: Some(3),
        action_type: ActionType::Alert,
        action_target: "gm@example.com".into(),
        message: "Comps above 5 % at Harbour".into(),
        missing: vec!["guest".into()],
        action_data: action_data(),
        created_at: AT,
        scheduled_for: Some(LATER),
        executed_at: Some(LATER),
        status: ExecutionStatus::Pending,
        reason: Some("retried".into()),
        attempts: vec![attempt()],
        failures: 1,
        due_at: Some(LATER),
        escalation: Some(escalation()),
        suppressed: Some(Suppressed::Silence(BLOCK)),
        notice: Some(NoticeKind::Reminder),
    }
}

fn escalation() -> Escalation {
    Escalation {
        ladder: vec![Authority::named("gm"), Authority::named("owner")],
        after_minutes: 30,
        remind_after_minutes: Some(90),
        steps: vec![step()],
        next_at: Some(LATER),
        reminder: Some(reminder()),
    }
}

fn step() -> escalation::Step {
    escalation::Step {
        id: STEP,
        authority: Authority::named("gm"),
        started_at: AT,
        status: ExecutionStatus::Failed,
        reason: Some("nobody-found".into()),
        attempts: vec![attempt()],
        failures: 2,
    }
}

fn reminder() -> Reminder {
    Reminder { at: LATER, to: "user:bob".into() }
}

fn silence() -> Silence {
    Silence {
        id: BLOCK,
        seq: 0,
        violation_type: Some(violation_type()),
        venue_id: venue_id(),
        entity_id: Some(id("alice")),
        until: LATER,
        reason: "menu tasting".into(),
        by: "gm-1".into(),
        person: Some(id("gm-1")),
        held: Held::Rung(Authority::named("gm")),
        created_at: AT,
    }
}

fn inhibition() -> Inhibition {
    Inhibition { source_type: violation_type(), target_types: vec![violation_type()], scope: InhibitionScope::Entity }
}

fn attempt() -> Attempt {
    Attempt { at: AT, outcome: AttemptOutcome::Retry, detail: "421 try later".into(), next_at: Some(LATER) }
}

fn attempted() -> Attempted {
    Attempted {
        id: ACTION,
        venue_id: venue_id(),
        step: Some(STEP),
        attempt: attempt(),
        status: ExecutionStatus::Failed,
        reason: Some("gave up".into()),
    }
}

fn block_key() -> BlockKey {
    BlockKey { block_type: "comp".into(), entity_id: id("alice") }
}

fn block() -> Block {
    Block {
        id: BLOCK,
        seq: 0,
        violation_id: Some(VIOLATION),
        key: block_key(),
        entity_type: "employee".into(),
        venue_id: venue_id(),
        reason: "Comps above 10 %".into(),
        override_required: true,
        override_authority: Some(Authority::named("gm")),
        limit: Some(Decimal::from_i128_with_scale(-79_228_162_514_264_337_593_543_950_335, 28)),
        on_error: OnError::Open,
        auto_lift_on_resolve: true,
        placed_by: "template".into(),
        placed_at: AT,
        expires_at: Some(LATER),
        expired: true,
        lifted: Some(Lift { at: LATER, by: "gm-1".into(), reason: "trained".into() }),
    }
}

fn one_use(operation: &str) -> Use {
    let amount = Some(Decimal::from_i128_with_scale(4_050, 2));
    Use { operation_id: id(operation), amount, at: AT, by: "key:till".into() }
}

fn grant() -> Grant {
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

fn approval() -> Approval {
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

fn webhook() -> Webhook {
    Webhook {
        id: WEBHOOK,
        seq: 0,
        url: "https://till.example/hook".into(),
        events: vec![Topic::Blocks, Topic::Approvals],
        description: Some("the tills".into()),
        generation: 2,
        created_by: "owner-1".into(),
        created_at: AT,
        delivered: 7,
        failed: 1,
        missed: 3,
        last_error: Some("500 sorry".into()),
    }
}

/// One event of every kind of an organisation.
pub fn events() -> Vec<Event> {
    let (by, reason) = ("gm-1".into(), "it is settled".into());
    let events = vec![
        Event::OrganisationFounded(Box::new(organisation())),
        Event::SettingsChanged(Box::new(organisation())),
        Event::VenueSaved(Box::new(venue())),
        Event::VenueDeleted { venue_id: id("venue-8") },
        Event::ViolationTypeSaved(Box::new(own_type())),
        Event::ViolationTypeDeleted { violation_type: ViolationType::parse("late_delivery").unwrap() },
        Event::ViolationReported(Box::new(violation())),
        Event::ViolationRepeated(Box::new(repeat())),
        Event::ViolationAcknowledged {
            id: VIOLATION,
            venue_id: venue_id(),
            by: "bob".into(),
            note: Some("seen".into()),
        },
        Event::ViolationResolved {
            id: VIOLATION,
            venue_id: None,
            by: "bob".into(),
            resolution: Some("done".into()),
            ending: Ending::Quiet,
        },
        Event::ViolationReopened(Box::new(repeat())),
        Event::TemplateSaved(Box::new(template())),
        Event::TemplateDeleted { id: BLOCK },
        Event::ShadowNoted(Box::new(shadow())),
        Event::ActionCreated(Box::new(action())),
        Event::ActionAttempted(Box::new(attempted())),
        Event::ActionDismissed { id: ACTION, venue_id: venue_id(), reason: "too late".into(), by: "bob".into() },
        Event::ActionRequeued { id: ACTION, venue_id: venue_id(), by: "bob".into(), due_at: AT },
        Event::ActionEscalated(Box::new(Escalated { id: ACTION, venue_id: venue_id(), step: step() })),
        Event::ActionStopped(Box::new(Stopped {
            id: ACTION,
            venue_id: venue_id(),
            status: ExecutionStatus::Delivered,
            reason: "stopped".into(),
            reminder: Some(reminder()),
        })),
        Event::ActionReminded { id: ACTION, venue_id: venue_id() },
        Event::BlockPlaced(Box::new(block())),
        Event::BlockLifted { id: BLOCK, venue_id: venue_id(), key: block_key(), by, reason },
        Event::BlockExpired { id: BLOCK, venue_id: None, key: block_key() },
        Event::SilenceEnded { id: BLOCK, venue_id: venue_id(), by: "bob".into() },
        Event::SilenceAdded(Box::new(silence())),
        Event::InhibitionsChanged { rules: vec![inhibition()], by: "bob".into() },
        Event::GrantGiven(Box::new(grant())),
        Event::GrantUsed(Box::new(GrantUsed {
            id: GRANT,
            venue_id: venue_id(),
            key: block_key(),
            used: one_use("check-78"),
            uses_left: 1,
            expires_at: LATER,
        })),
        Event::GrantEnded { id: GRANT, venue_id: venue_id(), key: block_key(), reason: "the block was lifted".into() },
        Event::ApprovalSubmitted(Box::new(approval())),
        Event::ApprovalDecided(Box::new(Decided {
            id: APPROVAL,
            venue_id: venue_id(),
            step: 1,
            vote: Vote { by: id("vp-1"), via: Via::Page, verdict: Verdict::Rejected, comment: None, at: LATER },
            status: Status::Rejected,
        })),
        Event::ApprovalClosed(Box::new(Closed {
            id: APPROVAL,
            venue_id: None,
            status: Status::Expired,
            by: "schedule".into(),
            via: Via::Schedule,
            reason: Some("nobody decided in time".into()),
        })),
        Event::ApprovalExecuted(Box::new(Executed {
            id: APPROVAL,
            venue_id: venue_id(),
            by: "vp-1".into(),
            via: Via::Page,
            result: JsonText::of(&json!({ "grant_id": GRANT })),
        })),
        Event::WebhookSaved(Box::new(webhook())),
        Event::WebhookDeleted { id: TEMPLATE },
        Event::NoticeMade(Box::new(Notice {
            id: GRANT,
            seq: 0,
            webhook_id: WEBHOOK,
            body: r#"{"type":"block.placed"}"#.into(),
            made_at: AT,
            failures: 2,
            due_at: LATER,
        })),
        Event::NoticeAttempted(Box::new(NoticeAttempted {
            id: GRANT,
            webhook_id: WEBHOOK,
            outcome: AttemptOutcome::Retry,
            detail: "500 sorry".into(),
            status: ExecutionStatus::Pending,
            next_at: Some(LATER),
        })),
        Event::Answered,
    ];
    events.iter().for_each(is_listed);
    events
}

/// Does not compile when a kind is added: then add a sample to [`events`] and a line here.
fn is_listed(event: &Event) {
    match event {
        Event::OrganisationFounded(_)
        | Event::SettingsChanged(_)
        | Event::VenueSaved(_)
        | Event::VenueDeleted { .. }
        | Event::ViolationTypeSaved(_)
        | Event::ViolationTypeDeleted { .. }
        | Event::ViolationReported(_)
        | Event::ViolationRepeated(_)
        | Event::ViolationAcknowledged { .. }
        | Event::ViolationResolved { .. }
        | Event::TemplateSaved(_)
        | Event::TemplateDeleted { .. }
        | Event::ShadowNoted(_)
        | Event::ActionCreated(_)
        | Event::ActionAttempted(_)
        | Event::ActionDismissed { .. }
        | Event::ActionRequeued { .. }
        | Event::BlockPlaced(_)
        | Event::BlockLifted { .. }
        | Event::BlockExpired { .. }
        | Event::ViolationReopened(_)
        | Event::ActionEscalated(_)
        | Event::ActionStopped(_)
        | Event::ActionReminded { .. }
        | Event::SilenceAdded(_)
        | Event::SilenceEnded { .. }
        | Event::InhibitionsChanged { .. }
        | Event::GrantGiven(_)
        | Event::GrantUsed(_)
        | Event::GrantEnded { .. }
        | Event::WebhookSaved(_)
        | Event::WebhookDeleted { .. }
        | Event::NoticeMade(_)
        | Event::NoticeAttempted(_)
        | Event::ApprovalSubmitted(_)
        | Event::ApprovalDecided(_)
        | Event::ApprovalClosed(_)
        | Event::ApprovalExecuted(_)
        | Event::Answered => {}
    }
}

/// One event of every kind of the directory.
pub fn directory_events() -> Vec<DirectoryEvent> {
    let org_id = id("Gasthaus Müller");
    let registration = Registration {
        org_id: org_id.clone(),
        stream: StreamId(12),
        name: "Müller & Söhne".into(),
        time_zone: "Europe/Berlin".into(),
        created_at: AT,
    };
    let key = Key {
        id: "k1".into(),
        seq: 0,
        org_id: org_id.clone(),
        name: "till".into(),
        hash: [0xA5; 32],
        scopes: Scopes::of(&[Scope::ViolationsWrite, Scope::BlocksRead, Scope::Admin]),
        venues: Some(vec![id("venue-7"), id("venue-8")]),
        authority: Some(Authority::named("gm")),
        person: Some(id("gm-1")),
        created_at: AT,
        created_by: "operator".into(),
        expires_at: Some(LATER),
    };
    let user = User {
        id: id("gm-1"),
        seq: 0,
        org_id: org_id.clone(),
        email: "GM@example.com".into(),
        name: "Grace".into(),
        role: Role::Gm,
        venues: Some(vec![id("venue-7")]),
        password_hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA".into()),
        created_at: AT,
    };
    let session =
        Session { hash: [0x5A; 32], org_id: org_id.clone(), user_id: id("gm-1"), opened_at: AT, expires_at: LATER };
    let events = vec![
        DirectoryEvent::OrganisationRegistered(Box::new(registration)),
        DirectoryEvent::KeyCreated(Box::new(key)),
        DirectoryEvent::KeyRevoked { org_id: org_id.clone(), id: "k0".into() },
        DirectoryEvent::UserSaved(Box::new(user)),
        DirectoryEvent::UserRemoved { org_id, id: id("gm-0") },
        DirectoryEvent::SessionOpened(Box::new(session)),
        DirectoryEvent::SessionsClosed { hashes: vec![[1; 32], [2; 32]] },
        DirectoryEvent::Answered,
    ];
    events.iter().for_each(is_listed_too);
    events
}

/// As [`is_listed`], for [`directory_events`].
fn is_listed_too(event: &DirectoryEvent) {
    match event {
        DirectoryEvent::OrganisationRegistered(_)
        | DirectoryEvent::KeyCreated(_)
        | DirectoryEvent::KeyRevoked { .. }
        | DirectoryEvent::UserSaved(_)
        | DirectoryEvent::UserRemoved { .. }
        | DirectoryEvent::SessionOpened(_)
        | DirectoryEvent::SessionsClosed { .. }
        | DirectoryEvent::Answered => {}
    }
}

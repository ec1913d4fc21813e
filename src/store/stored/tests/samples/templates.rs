//! Samples of a template and of what it writes down on trial.

use rust_decimal::Decimal;
use serde_json::json;

use super::{AT, LATER, TEMPLATE, VIOLATION, id, venue_id, violation_type};
use crate::domain::actions::ActionType;
use crate::domain::blocks::OnError;
use crate::domain::people::Authority;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::conditions::during::{Clock, Day, During, Windows};
use crate::domain::templates::shadow::{ShadowBlock, ShadowRecord};
use crate::domain::templates::steps;
use crate::domain::templates::{ActionData, Limit, Mode, Template};
use crate::domain::violations::Severity;

pub fn action_data() -> ActionData {
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

pub fn template() -> Template {
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
        action_data: action_data().into(),
        version: 3,
        changed_at: AT,
        changed_by: "owner-1".into(),
    }
}

pub fn shadow() -> ShadowRecord {
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

//! What failed for good, actions and notices in one list.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::{Cursor, EXAMINED_MAX, Page, Paging, bytes};
use crate::domain::actions::{Action, ExecutionStatus};
use crate::domain::ids::OutsideId;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::webhooks::settled::Settled;
use crate::domain::webhooks::store::WAS_DISABLED;

/// What a dead letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum LetterKind {
    /// Sent again with `POST /api/action-center/actions/{id}/retry`.
    Action,
    /// Sent again with `POST /api/settings/dead-letters/{id}/resend`.
    Notice,
}

/// Something that failed for good.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct DeadLetterView<'a> {
    pub id: Uuid,
    pub kind: LetterKind,
    /// The target of an action, or `webhook:ID`.
    pub target: String,
    pub venue_id: Option<&'a str>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The last attempt; none where it failed before there was one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failed_at: Option<Timestamp>,
    pub attempts: usize,
    pub reason: Option<&'a str>,
}

/// What failed for good, newest first.
pub fn dead_letters(state: &TenantState, paging: Paging) -> Vec<u8> {
    let mut actions = state.actions.before(paging.before()).peekable();
    let mut notices = state.webhooks.settled.dead_before(paging.before()).peekable();
    let (mut items, mut last) = (Vec::new(), None);
    for _ in 0..EXAMINED_MAX {
        let (of_action, of_notice) = (actions.peek().map(|one| one.seq), notices.peek().map(|one| one.notice.seq));
        if of_action.is_none() && of_notice.is_none() {
            return bytes(&Page { items, next_cursor: None });
        }
        if items.len() == paging.limit {
            break;
        }
        last = of_action.max(of_notice);
        if of_action >= of_notice {
            items.extend(actions.next().filter(|one| one.status == ExecutionStatus::Failed).map(of_an_action));
        } else {
            items.extend(notices.next().map(of_a_notice));
        }
    }
    bytes(&Page { items, next_cursor: last.map(|seq| Cursor::Seq(seq).text()) })
}

fn of_an_action(one: &Action) -> DeadLetterView<'_> {
    let steps = one.escalation.iter().flat_map(|all| &all.steps).flat_map(|step| &step.attempts);
    let attempts = one.attempts.iter().chain(steps);
    DeadLetterView {
        id: one.id,
        kind: LetterKind::Action,
        target: one.action_target.to_string(),
        venue_id: one.venue_id.as_ref().map(OutsideId::as_str),
        created_at: one.created_at,
        failed_at: attempts.clone().last().map(|attempt| attempt.at),
        attempts: attempts.count(),
        reason: one.reason.as_deref(),
    }
}

fn of_a_notice(one: &Settled) -> DeadLetterView<'_> {
    DeadLetterView {
        id: one.notice.id,
        kind: LetterKind::Notice,
        target: format!("webhook:{}", one.notice.webhook_id),
        venue_id: None,
        created_at: one.notice.made_at,
        failed_at: Some(one.at),
        // What waited when its webhook was switched off had no last attempt.
        attempts: one.notice.failures as usize + usize::from(&*one.detail != WAS_DISABLED),
        reason: Some(&one.detail),
    }
}

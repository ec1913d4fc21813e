//! What a template on trial would have done, as a page.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list::{Cursor, Page, Paging, bytes, page};
use crate::domain::actions::ActionType;
use crate::domain::ids::OutsideId;
use crate::domain::people::Caller;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::templates::Mode;
use crate::domain::templates::shadow::{ShadowBlock, ShadowRecord, ShadowTotals};
use crate::domain::time::Timestamp;

/// The block that would have been placed.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowBlockView<'a> {
    pub block_type: &'a str,
    pub blocked_entity_id: &'a str,
    pub blocked_entity_type: &'a str,
    pub override_required: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// One thing that would have been done.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowView<'a> {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub violation_id: Uuid,
    pub venue_id: Option<&'a str>,
    /// Whom or what the violation is about.
    pub entity_id: Option<&'a str>,
    pub template_version: u32,
    pub action_type: ActionType,
    /// Which of the template's steps, from 1.
    pub step: Option<u32>,
    pub action_target: &'a str,
    /// Cut off at 2,000 bytes.
    pub message: &'a str,
    /// Why it would have failed.
    pub reason: Option<&'a str>,
    pub block: Option<ShadowBlockView<'a>>,
}

/// All that would have been done since the template was made.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowTotalsView {
    pub acted: u64,
    pub alert: u64,
    pub block: u64,
    pub require_override: u64,
    pub escalate: u64,
    /// Of all these, those that would have failed.
    pub failed: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_at: Option<Timestamp>,
}

/// A page of what a template on trial would have done, newest first.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct ShadowPage<'a> {
    pub template_id: Uuid,
    pub mode: Mode,
    /// Counted in full, while the list holds the newest; null for a caller who is limited to venues.
    pub totals: Option<ShadowTotalsView>,
    pub items: Vec<ShadowView<'a>>,
    pub next_cursor: Option<String>,
}

/// The page.
///
/// # Errors
/// [`Rejection::NotFound`].
pub fn shadow(state: &TenantState, id: &Uuid, caller: &Caller, paging: Paging) -> Result<Vec<u8>, Rejection> {
    let template = state.templates.get(id).ok_or(Rejection::NotFound)?;
    let before = match paging.cursor {
        Some(Cursor::Seq(seq)) => seq,
        Some(Cursor::Dated(..)) | None => u64::MAX,
    };
    let seen = |one: &ShadowRecord| caller.reaches(one.venue_id.as_ref());
    let rest = state.shadows.before(id, before);
    let Page { items, next_cursor } =
        page(paging.limit, rest, seen, |one| Cursor::Seq(one.seq), |one| record(state, one));
    let totals = caller.venues.is_none().then(|| totals(state.shadows.totals(id)));
    Ok(bytes(&ShadowPage { template_id: *id, mode: template.mode, totals, items, next_cursor }))
}

fn record<'a>(state: &'a TenantState, record: &'a ShadowRecord) -> ShadowView<'a> {
    let entity = state.violations.get(&record.violation_id).and_then(|violation| violation.entity.as_ref());
    ShadowView {
        at: record.at,
        violation_id: record.violation_id,
        venue_id: record.venue_id.as_ref().map(OutsideId::as_str),
        entity_id: entity.map(|entity| entity.id.as_str()),
        template_version: record.template_version,
        action_type: record.action_type,
        step: record.step,
        action_target: &record.action_target,
        message: &record.message,
        reason: record.reason.as_deref(),
        block: record.block.as_ref().map(block),
    }
}

fn block(block: &ShadowBlock) -> ShadowBlockView<'_> {
    ShadowBlockView {
        block_type: &block.block_type,
        blocked_entity_id: block.entity_id.as_str(),
        blocked_entity_type: &block.entity_type,
        override_required: block.override_required,
        expires_at: block.expires_at,
    }
}

fn totals(totals: Option<&ShadowTotals>) -> ShadowTotalsView {
    let none = ShadowTotals::default();
    let found = totals.unwrap_or(&none);
    ShadowTotalsView {
        acted: found.acted(),
        alert: found.alerts,
        block: found.blocks,
        require_override: found.overrides,
        escalate: found.escalations,
        failed: found.failed,
        first_at: totals.map(|totals| totals.first_at),
        last_at: totals.map(|totals| totals.last_at),
    }
}

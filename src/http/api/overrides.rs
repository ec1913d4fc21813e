//! Overrides: asked for, listed, used.

use actix_web::{HttpRequest, web};
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock;
use crate::domain::approvals::overrides::RequestOverride;
use crate::domain::blocks::grants::ConsumeGrant;
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::templates::amount;
use crate::domain::time::Timestamp;
use crate::domain::view::approvals::{ApprovalView, GrantFilter, GrantView, page_of_grants};
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// An amount, read exactly.
#[derive(Deserialize)]
struct Amount(#[serde(with = "amount")] Decimal);

/// What should be let through, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    reason: String,
    /// The grant is for this much at most; without one, for any amount.
    #[schema(value_type = Option<f64>)]
    amount: Option<Amount>,
    /// How many operations; 1 by default, 100 at most.
    uses: Option<u32>,
    /// How long from the first use; 15 by default, a day at most. The end of the business date ends it in any case.
    minutes: Option<u32>,
}

/// Asks to override a block. The request waits for somebody else with the block's authority at that venue.
#[utoipa::path(
    post, path = "/api/action-center/blocks/{id}/overrides", tag = "Overrides", request_body = OverrideBody,
    params(("id" = Uuid, Path)),
    responses((status = 201, description = "The request", body = ApprovalView))
)]
pub async fn request(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::RequestOverride)?;
    let block_id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let OverrideBody { reason, amount, uses, minutes } = sent.json()?;
    let amount = amount.map(|amount| amount.0);
    let command = RequestOverride { block_id, reason, amount, uses, minutes };
    call.command(sent, Command::RequestOverride(Box::new(command))).await
}

/// Which grants.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct OverridesParams {
    block_id: Option<Uuid>,
    entity_id: Option<String>,
    /// Only those that let something through now, or only those that do not.
    active: Option<bool>,
    /// 1 to 500, 50 by default.
    limit: Option<u32>,
    cursor: Option<String>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// The grants, newest first.
#[utoipa::path(
    get, path = "/api/action-center/overrides", tag = "Overrides", params(OverridesParams),
    responses((status = 200, description = "A page of grants", body = PageOf<GrantView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadBlocks)?;
    let query = Query::of(&req, &["block_id", "entity_id", "active", "limit", "cursor"])?;
    let now = Timestamp(clock::now_ms());
    let filter = GrantFilter {
        block_id: query.uuid("block_id")?,
        entity_id: query.text("entity_id").map(Into::into),
        active: query.flag("active")?.map(|wanted| (wanted, now)),
        paging: paging(&query, Order::Sequence)?,
    };
    call.show(&query, move |state, caller| Ok(page_of_grants(state, caller, &filter))).await
}

/// Which operation uses a grant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumeBody {
    /// The till's own id of the operation: the same one counts once.
    operation_id: String,
    /// Needed where the grant has an `amount_max`.
    #[schema(value_type = Option<f64>)]
    amount: Option<Amount>,
}

/// Uses a grant for one operation; the same operation counts once.
#[utoipa::path(
    post, path = "/api/action-center/overrides/{id}/consume", tag = "Overrides", request_body = ConsumeBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The grant", body = GrantView))
)]
pub async fn consume(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ConsumeGrant)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let ConsumeBody { operation_id, amount } = sent.json()?;
    let amount = amount.map(|amount| amount.0);
    call.command(sent, Command::ConsumeGrant(ConsumeGrant { id, operation_id, amount })).await
}

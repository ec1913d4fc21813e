//! Blocks: placed, listed, lifted, and many checks as one. The single check is the hot path, in `http/check.rs`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::block_index::Question;
use crate::actors::refusal::Refusal;
use crate::clock;
use crate::domain::blocks::OnError;
use crate::domain::blocks::lift::LiftBlock;
use crate::domain::blocks::place::PlaceBlock;
use crate::domain::command::Command;
use crate::domain::ids::OutsideId;
use crate::domain::permission::Operation;
use crate::domain::rejection::Faults;
use crate::domain::templates::{Limit, amount};
use crate::domain::time::Timestamp;
use crate::domain::view::list::{self, BlockFilter};
use crate::domain::view::shapes::BlockView;
use crate::http::caller::Call;
use crate::http::check::{assumed_venue, expect_ready};
use crate::http::metrics;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{Problem, invalid};
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

/// The most checks of one request.
pub const CHECKS_MAX: usize = 100;
/// How often a bulk check that saw two versions is tried again.
const ATTEMPTS_MAX: usize = 1_000;

/// A question about one block, or which blocks to list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handlers read")]
pub struct BlocksParams {
    /// `check` (default) or `list`.
    mode: Option<String>,
    /// The operation; a check needs it.
    block_type: Option<String>,
    /// Who would do it; a check needs it.
    entity_id: Option<String>,
    /// A check without one is about all venues. A caller who is limited to several names one of them; to one, that one is meant.
    venue_id: Option<String>,
    /// Of a check: how much it is about.
    amount: Option<f64>,
    /// Of a list: only those that hold now, or only those that do not.
    active: Option<bool>,
    /// Of a list: 1 to 500, 50 by default.
    limit: Option<u32>,
    /// Of a list.
    cursor: Option<String>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// The answer to a check; 200 for every decision.
#[derive(Serialize, ToSchema)]
pub struct CheckAnswer {
    blocked: bool,
    /// `allow` or `block`.
    decision: String,
    reason: Option<String>,
    override_required: Option<bool>,
    override_authority: Option<String>,
    block_id: Option<Uuid>,
    limit: Option<Limit>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    on_error: Option<OnError>,
    version: u64,
}

/// What `GET /blocks` answers.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum CheckOrPage<'a> {
    /// To a check.
    Check(CheckAnswer),
    /// With `mode=list`.
    Page(PageOf<BlockView<'a>>),
}

/// The blocks, newest first: `GET /blocks` with `mode=list`.
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadBlocks)?;
    let query = Query::of(&req, &["mode", "block_type", "entity_id", "venue_id", "active", "limit", "cursor"])?;
    let now = Timestamp(clock::now_ms());
    let filter = BlockFilter {
        block_type: query.text("block_type").map(Into::into),
        entity_id: query.text("entity_id").map(Into::into),
        venue_id: query.text("venue_id").map(Into::into),
        active: query.flag("active")?.map(|wanted| (wanted, now)),
        paging: paging(&query, Order::Sequence)?,
    };
    call.show(&query, move |state, caller| Ok(list::blocks(state, caller, &filter))).await
}

/// A block to be placed by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBody {
    block_type: String,
    entity_id: String,
    entity_type: String,
    reason: String,
    /// Everywhere when absent.
    venue_id: Option<String>,
    /// `false`: nobody may override it.
    override_required: Option<bool>,
    override_authority: Option<String>,
    limit: Option<Limit>,
    on_error: Option<OnError>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    violation_id: Option<Uuid>,
}

/// Places a block.
#[utoipa::path(
    post, path = "/api/action-center/blocks", tag = "Blocks", request_body = PlaceBody,
    responses((status = 201, description = "The block", body = BlockView))
)]
pub async fn place(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::PlaceBlock)?;
    let sent = call.sent(&req, payload).await?;
    let body: PlaceBody = sent.json()?;
    let command = PlaceBlock {
        block_type: body.block_type,
        entity_id: body.entity_id,
        entity_type: body.entity_type,
        reason: body.reason,
        venue_id: body.venue_id,
        override_required: body.override_required,
        override_authority: body.override_authority,
        limit: body.limit.map(|limit| limit.amount),
        on_error: body.on_error,
        expires_at: body.expires_at,
        violation_id: body.violation_id,
    };
    call.command(sent, Command::PlaceBlock(Box::new(command))).await
}

/// Why a block is lifted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftBody {
    lift_reason: String,
}

/// Lifts a block; only once.
#[utoipa::path(
    post, path = "/api/action-center/blocks/{id}/lift", tag = "Blocks", request_body = LiftBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The block", body = BlockView))
)]
pub async fn lift(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::LiftBlock)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let LiftBody { lift_reason } = sent.json()?;
    call.command(sent, Command::LiftBlock(LiftBlock { id, lift_reason })).await
}

/// Many questions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecksBody {
    /// At most 100.
    checks: Vec<CheckBody>,
}

/// One question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBody {
    block_type: String,
    entity_id: String,
    /// As for the single check.
    venue_id: Option<String>,
    #[schema(value_type = Option<f64>)]
    amount: Option<Amount>,
}

/// An amount, read exactly.
#[derive(Deserialize)]
struct Amount(#[serde(with = "amount")] Decimal);

impl CheckBody {
    fn question(&self) -> Question<'_> {
        Question {
            block_type: &self.block_type,
            entity_id: &self.entity_id,
            venue_id: self.venue_id.as_deref(),
            amount: self.amount.as_ref().map(|amount| amount.0),
        }
    }
}

/// Many answers, all of one version.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is written from the block index")]
pub struct ChecksView {
    answers: Vec<CheckAnswer>,
    version: u64,
}

/// Answers many checks in their order, at one version.
#[utoipa::path(
    post, path = "/api/action-center/blocks/check", tag = "Blocks", request_body = ChecksBody,
    params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The answers", body = ChecksView))
)]
pub async fn check_many(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::CheckBlock)?;
    let min_version = Query::of(&req, &[])?.min_version()?;
    let ChecksBody { mut checks } = call.sent(&req, payload).await?.json()?;
    expect_valid(&checks)?;
    for check in &mut checks {
        if let Some(only) = assumed_venue(call.holder.venues(), check.venue_id.as_deref())? {
            check.venue_id = Some(only.to_string());
        }
    }
    expect_ready(call.org(), call.site.engine.default_on_error())?;
    let now_ms = clock::now_ms();
    for _ in 0..ATTEMPTS_MAX {
        let answered = call.org().at_one_version(|version| (answer_all(&call, &checks, now_ms, version), version));
        let Some(((body, blocked), version)) = answered else {
            tokio::task::yield_now().await;
            continue;
        };
        if min_version.is_some_and(|wanted| wanted > version) {
            return Err(Refusal::Behind { version }.into());
        }
        metrics::checks().block.increment(blocked);
        metrics::checks().allow.increment(checks.len() as u64 - blocked);
        return Ok(respond::json(StatusCode::OK, body, Some(version)));
    }
    Err(Refusal::OrganisationBusy { waiting: call.org().waiting() }.into())
}

fn expect_valid(checks: &[CheckBody]) -> Result<(), Problem> {
    if checks.len() > CHECKS_MAX {
        return Err(invalid("/checks", format!("has more than {CHECKS_MAX} entries")));
    }
    let mut faults = Faults::default();
    for (index, check) in checks.iter().enumerate() {
        let ids = [
            ("block_type", Some(&check.block_type)),
            ("entity_id", Some(&check.entity_id)),
            ("venue_id", check.venue_id.as_ref()),
        ];
        for (name, id) in ids {
            id.and_then(|id| faults.take(&format!("/checks/{index}/{name}"), OutsideId::parse(id)));
        }
    }
    Ok(faults.done()?)
}

/// The body of the answer, and how many are blocked.
fn answer_all(call: &Call, checks: &[CheckBody], now_ms: i64, version: u64) -> (Vec<u8>, u64) {
    let (mut body, mut blocked) = (b"{\"answers\":[".to_vec(), 0);
    for (index, check) in checks.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        let is_blocked =
            call.site.engine.blocks().check(call.org().stream, &check.question(), now_ms, version, &mut body);
        blocked += u64::from(is_blocked);
    }
    body.extend_from_slice(format!("],\"version\":{version}}}").as_bytes());
    (body, blocked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::parse;

    #[test]
    fn a_bulk_check_is_bounded_and_says_which_question_is_wrong() {
        let one = r#"{"block_type": "comp", "entity_id": "ana", "amount": 50.01}"#;
        let body = |count: usize| format!(r#"{{"checks": [{}]}}"#, vec![one; count].join(","));
        let checks = |text: &str| parse::<ChecksBody>(text.as_bytes()).unwrap().checks;
        assert_eq!(checks(&body(1))[0].question().amount, "50.01".parse().ok());
        assert!(expect_valid(&checks(&body(100))).is_ok());
        assert_eq!(expect_valid(&checks(&body(101))).unwrap_err().code(), "invalid-body");
        let empty = r#"{"checks": [{"block_type": "comp", "entity_id": ""}]}"#;
        let problem = expect_valid(&checks(empty)).unwrap_err().document();
        assert_eq!(problem["errors"][0]["pointer"], "/checks/0/entity_id");
    }
}

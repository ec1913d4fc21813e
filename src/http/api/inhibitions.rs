//! The rules by which what is open mutes what follows from it.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::suppression::inhibition::{ChangeInhibitions, InhibitionDraft, InhibitionScope};
use crate::domain::view::list;
use crate::domain::view::queue::InhibitionView;
use crate::http::caller::Call;
use crate::http::paging::PageOf;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The rules, on one page.
#[utoipa::path(
    get, path = "/api/settings/inhibitions", tag = "Inhibitions", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The rules", body = PageOf<InhibitionView>))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, _| Ok(list::inhibitions(state))).await
}

/// All rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitionsBody {
    /// At most 100.
    items: Vec<InhibitionBody>,
}

/// An open violation of `source_type` mutes those of `target_types` at its venue or about its entity.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitionBody {
    source_type: String,
    /// 1 to 50.
    target_types: Vec<String>,
    scope: InhibitionScope,
}

/// Replaces the rules.
#[utoipa::path(
    put, path = "/api/settings/inhibitions", tag = "Inhibitions", request_body = InhibitionsBody,
    responses((status = 200, description = "The rules", body = PageOf<InhibitionView>))
)]
pub async fn change(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let InhibitionsBody { items } = sent.json()?;
    let draft = |one: InhibitionBody| InhibitionDraft {
        source_type: one.source_type,
        target_types: one.target_types,
        scope: one.scope,
    };
    let drafts = items.into_iter().map(draft).collect();
    call.command(sent, Command::ChangeInhibitions(ChangeInhibitions { drafts })).await
}

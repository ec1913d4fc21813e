//! The organisation's settings.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::command::Command;
use crate::domain::organisation::SettingsDraft;
use crate::domain::permission::Operation;
use crate::domain::settings::ChangeSettings;
use crate::domain::view::list;
use crate::domain::view::shapes::{self, SettingsView};
use crate::http::caller::Call;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The settings.
#[utoipa::path(
    get, path = "/api/settings", tag = "Settings", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The settings", body = SettingsView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, _| Ok(list::bytes(&shapes::settings(state.organisation())))).await
}

/// What is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    name: Option<String>,
    contacts: Option<BTreeMap<String, String>>,
    /// Lowest first.
    authority_ladder: Option<Vec<String>>,
}

/// Changes the settings.
#[utoipa::path(
    put, path = "/api/settings", tag = "Settings", request_body = SettingsBody,
    responses((status = 200, description = "The settings", body = SettingsView))
)]
pub async fn change(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let SettingsBody { name, contacts, authority_ladder } = sent.json()?;
    let draft = SettingsDraft { name, contacts, authority_ladder };
    call.command(sent, Command::ChangeSettings(ChangeSettings { draft })).await
}

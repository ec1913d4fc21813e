//! The ways to people outside: so far the organisation's Slack.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::delivery::sealing::{self, Use};
use crate::domain::channels::{MASK, SaveChannels, SealedUrl, UrlDraft};
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::view::channels::{self, ChannelsView};
use crate::domain::view::list::bytes;
use crate::domain::webhooks::URL_BYTES_MAX;
use crate::http::caller::Call;
use crate::http::problem::{Problem, invalid, problem};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The channels, secrets masked.
#[utoipa::path(
    get, path = "/api/settings/channels", tag = "Settings", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The channels, which can be changed and sent back", body = ChannelsView))
)]
pub async fn show_channels(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, _| Ok(bytes(&channels::channels(&state.channels)))).await
}

/// What the channels are to be; what is absent is taken out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelsBody {
    slack: Option<SlackBody>,
}

/// Slack.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackBody {
    /// The URL of an incoming webhook, or the masked one as it is shown, which leaves it as it is.
    webhook_url: String,
}

/// Replaces the channels. The address of a Slack webhook is a secret: it is stored sealed and shown masked.
#[utoipa::path(
    put, path = "/api/settings/channels", tag = "Settings", request_body = ChannelsBody,
    responses((status = 200, description = "The channels, secrets masked", body = ChannelsView))
)]
pub async fn change_channels(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let ChannelsBody { slack } = sent.json()?;
    let slack = slack.map(|slack| slack_draft(&call, slack)).transpose()?;
    call.command(sent, Command::SaveChannels(SaveChannels { slack })).await
}

fn slack_draft(call: &Call, SlackBody { webhook_url }: SlackBody) -> Result<UrlDraft, Problem> {
    const POINTER: &str = "/slack/webhook_url";
    if webhook_url.ends_with(MASK) {
        return Ok(UrlDraft::Shown(webhook_url));
    }
    if webhook_url.len() > URL_BYTES_MAX {
        return Err(invalid(POINTER, "is too long"));
    }
    let url = call.site.engine.notifier().egress().check(&webhook_url).map_err(|why| invalid(POINTER, why))?;
    let shown = format!("{}{MASK}", url.origin().ascii_serialization()).into();
    let server_key = &call.site.settings.server_key;
    let sealed = sealing::seal(server_key, call.org_id().as_str(), Use::SlackWebhook, &webhook_url);
    Ok(UrlDraft::New(SealedUrl { sealed: sealed.ok_or_else(|| problem!("internal-error"))?, shown }))
}

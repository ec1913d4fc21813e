//! Webhooks: systems of the organisation that are told what happens, with signed calls.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::delivery::signing::secret_text;
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::view::webhooks::{WebhookView, list_of_webhooks};
use crate::domain::webhooks::commands::{CreateWebhook, DeleteWebhook};
use crate::http::caller::{Call, counted};
use crate::http::paging::PageOf;
use crate::http::path;
use crate::http::problem::{Problem, invalid, problem};
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

/// A system that is to be told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    /// https; plain http only to addresses in `delivery.egress.allow`.
    url: String,
    /// Topics of `/api/events`, such as `blocks`.
    events: Vec<String>,
    description: Option<String>,
}

/// A webhook with its secret, which is shown here and nowhere else.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what is written below")]
pub struct MadeWebhook<'a> {
    #[serde(flatten)]
    webhook: WebhookView<'a>,
    /// `whsec_…`: the key of the signatures.
    secret: String,
}

/// Makes a webhook. Every call carries `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks).
#[utoipa::path(
    post, path = "/api/settings/webhooks", tag = "Webhooks", request_body = WebhookBody,
    responses((status = 201, description = "The webhook with its secret, which is shown this once", body = MadeWebhook))
)]
pub async fn create(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManageWebhooks)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let WebhookBody { url, events, description } = sent.json()?;
    let engine = &call.site.engine;
    engine.notifier().egress().check(&url).map_err(|why| invalid("/url", why))?;
    let command = Command::CreateWebhook(CreateWebhook { url, events, description });
    let mut done = counted(engine.command(call.org(), command, call.caller.clone(), sent.request).await)?;
    let version = done.version;
    done.body = with_secret(&call, &done.body)?;
    Ok(respond::accepted(done, Some(version)))
}

/// The secret is derived and never stored, so it is added to the answer here, also when a request is repeated.
fn with_secret(call: &Call, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let failed = || problem!("internal-error");
    let mut made: serde_json::Value = serde_json::from_slice(body).map_err(|_| failed())?;
    let id: Uuid = made["id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(failed)?;
    let key = call.site.engine.notifier().key(call.org(), &id, 1);
    made["secret"] = secret_text(&key).into();
    serde_json::to_vec(&made).map_err(|_| failed())
}

/// All webhooks, oldest first, without their secrets.
#[utoipa::path(
    get, path = "/api/settings/webhooks", tag = "Webhooks", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "One page with all of them", body = PageOf<WebhookView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManageWebhooks)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, move |state, _| Ok(list_of_webhooks(state))).await
}

/// Ends a webhook, with all that waits for it.
#[utoipa::path(
    delete, path = "/api/settings/webhooks/{id}", tag = "Webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, description = "Nothing to show"))
)]
pub async fn delete(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManageWebhooks)?;
    call.expect_to_cover(None)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    sent.expect_nothing()?;
    call.command(sent, Command::DeleteWebhook(DeleteWebhook { id })).await
}

//! Looking after a webhook: a test, another secret, what came of its calls, switching it on again, telling it again.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::notifier::Endpoint;
use crate::delivery::signing::secret_text;
use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::time::Timestamp;
use crate::domain::view::webhooks::{self, CallView, ReplayedView, WebhookView};
use crate::domain::webhooks::care::{EnableWebhook, RecordTest, ReplayWebhook, RotateWebhook};
use crate::http::body::Sent;
use crate::http::caller::{Call, counted};
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{not_found, problem};
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

/// The caller, the webhook that is meant, and what was sent.
async fn asked(req: &HttpRequest, payload: web::Payload) -> Result<(Call, Uuid, Sent), crate::http::problem::Problem> {
    let call = Call::allowed(req, Operation::ManageWebhooks)?;
    call.expect_to_cover(None)?;
    let id = path::uuid(req)?;
    let sent = call.sent(req, payload).await?;
    Ok((call, id, sent))
}

/// Calls a webhook once, now, with a body of `{ type: "webhook.test", … }`, and answers what came of it. The call is made also while the
/// webhook is switched off; a test that is taken does not switch it on.
#[utoipa::path(
    post, path = "/api/settings/webhooks/{id}/test", tag = "Webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, description = "What came of it", body = CallView))
)]
pub async fn test(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, webhook_id, sent) = asked(&req, payload).await?;
    sent.expect_nothing()?;
    let engine = call.site.engine.clone();
    let (now, mut ids) = engine.fresh_ids();
    let id = ids.next_id();
    let find = move |state: &crate::domain::state::TenantState| {
        state.webhooks.get(&webhook_id).map(|webhook| Endpoint::of(webhook, now))
    };
    let endpoint = engine.read(call.org(), None, find).await?.0.ok_or_else(not_found)?;
    let body =
        json!({ "type": "webhook.test", "id": id, "at": now, "object": { "webhook_id": webhook_id } }).to_string();
    let (caller, org) = (call.caller.clone(), call.org().clone());
    // On its own, so that a caller who hangs up does not leave a call that nobody wrote down.
    let made = engine.background().clone().spawn(async move {
        let made = engine.notifier().call(&org, endpoint, id, body, now.0).await;
        let record = RecordTest { id, webhook_id, outcome: made.outcome, detail: made.detail };
        engine.command(&org, Command::RecordTest(record), caller, sent.request).await
    });
    let done = counted(made.await.map_err(|_| problem!("internal-error"))?)?;
    let version = done.version;
    Ok(respond::accepted(done, Some(version)))
}

/// The secret of a webhook after a change.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what is written below")]
pub struct RotatedWebhook {
    id: Uuid,
    /// Counts up.
    generation: u32,
    /// Until when the secret before it signs as well.
    #[schema(value_type = String, format = DateTime)]
    both_sign_until: Timestamp,
    /// `whsec_…`: shown here and nowhere else.
    secret: String,
}

/// Gives a webhook another secret. For 24 hours each call carries a signature of both.
#[utoipa::path(
    post, path = "/api/settings/webhooks/{id}/rotate", tag = "Webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The new secret, which is shown this once", body = RotatedWebhook))
)]
pub async fn rotate(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, id, sent) = asked(&req, payload).await?;
    sent.expect_nothing()?;
    let command = Command::RotateWebhook(RotateWebhook { id });
    let engine = &call.site.engine;
    let mut done = counted(engine.command(call.org(), command, call.caller.clone(), sent.request).await)?;
    let failed = || problem!("internal-error");
    let mut made: serde_json::Value = serde_json::from_slice(&done.body).map_err(|_| failed())?;
    let generation = made["generation"].as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(failed)?;
    made["secret"] = secret_text(&engine.notifier().key(call.org(), &id, generation)).into();
    done.body = serde_json::to_vec(&made).map_err(|_| failed())?;
    let version = done.version;
    Ok(respond::accepted(done, Some(version)))
}

/// The newest 200 calls to a webhook, newest first: notices, alerts and tests.
#[utoipa::path(
    get, path = "/api/settings/webhooks/{id}/attempts", tag = "Webhooks",
    params(("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of calls", body = PageOf<CallView>))
)]
pub async fn attempts(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManageWebhooks)?;
    let id = path::uuid(&req)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    call.show(&query, move |state, _| webhooks::calls(state, &id, paging)).await
}

/// Switches a webhook on again that was switched off after five days of nothing but failures.
#[utoipa::path(
    post, path = "/api/settings/webhooks/{id}/enable", tag = "Webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The webhook", body = WebhookView))
)]
pub async fn enable(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, id, sent) = asked(&req, payload).await?;
    sent.expect_nothing()?;
    call.command(sent, Command::EnableWebhook(EnableWebhook { id })).await
}

/// From when on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// What happened since then is told again.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// Tells a webhook again what it was told since a moment, each notice under its old id: of what it took and of what was given up, the newest
/// 1,000 each of the organisation are held.
#[utoipa::path(
    post, path = "/api/settings/webhooks/{id}/replay", tag = "Webhooks", request_body = ReplayBody, params(("id" = Uuid, Path)),
    responses((status = 200, description = "How many are told again", body = ReplayedView))
)]
pub async fn replay(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, id, sent) = asked(&req, payload).await?;
    let ReplayBody { since } = sent.json()?;
    call.command(sent, Command::ReplayWebhook(ReplayWebhook { id, since })).await
}

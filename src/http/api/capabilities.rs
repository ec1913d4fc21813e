//! Capabilities: what modules can do, those of the server and those that remote modules register.

use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::delivery::signing::secret_text;
use crate::domain::capabilities::Sensitivity;
use crate::domain::capabilities::commands::{DeleteCapability, RegisterCapability};
use crate::domain::command::Command;
use crate::domain::permission::{Operation, allows};
use crate::domain::view::capabilities::{CapabilityView, list_of_capabilities};
use crate::http::body::Sent;
use crate::http::caller::{Call, counted};
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{Problem, invalid, problem};
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

/// All capabilities: those of the server, then those of the organisation's modules.
#[utoipa::path(
    get, path = "/api/capabilities", tag = "Capabilities",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of them, without their secrets", body = PageOf<CapabilityView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadCapabilities)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    call.show(&query, move |state, _| Ok(list_of_capabilities(state, paging))).await
}

/// What a remote module can do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityBody {
    /// `module.verb`, such as `till.refund`; each part of `[a-z][a-z0-9_]{0,63}`. The same name again replaces it.
    name: String,
    version: String,
    /// The first part of the name, where it is given.
    module: Option<String>,
    /// JSON Schema of the payload: at most 16 KiB; a `$ref` leads to `#/$defs/NAME` only.
    #[schema(value_type = Object)]
    params: Value,
    sensitivity: Sensitivity,
    /// The systems that it touches; at most 20.
    #[serde(default)]
    connectors: Vec<String>,
    /// Whether what it did can be taken back.
    #[serde(default)]
    reversible: bool,
    /// Whether the same call again, with the same `Idempotency-Key`, does nothing more.
    #[serde(default)]
    idempotent: bool,
    /// Whether a request of low risk may run without anybody's decision, where it can be undone.
    #[serde(default)]
    auto_approvable: bool,
    /// How long after a run it may be undone: 0 to 2592000 seconds; a day when absent.
    undo_window: Option<u32>,
    /// How long a run may take: 1 to 600 seconds; 30 when absent.
    timeout: Option<u32>,
    /// How many of its runs there may be at once: 1 to 100; 4 when absent.
    concurrency: Option<u32>,
    /// What people read before they decide, with `{{variables}}` of the payload.
    preview_template: Option<String>,
    /// Where it is called. https; plain http only to addresses in `delivery.egress.allow`.
    endpoint: String,
}

/// A capability with its secret, which is shown here and nowhere else.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what is written below")]
pub struct MadeCapability<'a> {
    #[serde(flatten)]
    capability: CapabilityView<'a>,
    /// `whsec_…`: the key of the signatures.
    secret: String,
}

/// Registers a capability of a remote module. Every call to it carries `webhook-id`, `webhook-timestamp` and `webhook-signature`
/// (Standard Webhooks). Registered again it gets a new secret, and the old one signs no more.
#[utoipa::path(
    post, path = "/api/capabilities", tag = "Capabilities", request_body = CapabilityBody,
    responses((status = 201, description = "The capability with its secret, which is shown this once", body = MadeCapability))
)]
pub async fn register(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ManageCapabilities)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let body: CapabilityBody = sent.json()?;
    let engine = &call.site.engine;
    engine.notifier().egress().check(&body.endpoint).map_err(|why| invalid("/endpoint", why))?;
    let command = Command::RegisterCapability(Box::new(body.command(manages_all(&call))));
    let mut done = counted(engine.command(call.org(), command, call.caller.clone(), sent.request).await)?;
    let version = done.version;
    done.body = with_secret(&call, &done.body)?;
    Ok(respond::accepted(done, Some(version)))
}

impl CapabilityBody {
    fn command(self, of_others: bool) -> RegisterCapability {
        RegisterCapability {
            name: self.name,
            version: self.version,
            module: self.module,
            params: self.params,
            sensitivity: self.sensitivity,
            connectors: self.connectors,
            reversible: self.reversible,
            idempotent: self.idempotent,
            auto_approvable: self.auto_approvable,
            undo_window_s: self.undo_window,
            timeout_s: self.timeout,
            concurrency: self.concurrency,
            preview_template: self.preview_template,
            endpoint: self.endpoint,
            of_others,
        }
    }
}

/// Whether the caller manages also what others registered.
fn manages_all(call: &Call) -> bool {
    allows(Operation::ManageCapabilitiesOfOthers, call.holder.credential())
}

/// The secret is derived and never stored, so it is added to the answer here, also when a request is repeated.
fn with_secret(call: &Call, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let failed = || problem!("internal-error");
    let mut made: Value = serde_json::from_slice(body).map_err(|_| failed())?;
    let generation = made["generation"].as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(failed)?;
    let name = made["name"].as_str().ok_or_else(failed)?;
    let key = call.site.engine.notifier().capability_key(call.org(), name, generation);
    made["secret"] = secret_text(&key).into();
    serde_json::to_vec(&made).map_err(|_| failed())
}

/// Takes a capability out. What waits for it fails when its turn comes.
#[utoipa::path(
    delete, path = "/api/capabilities/{name}", tag = "Capabilities", params(("name" = String, Path)),
    responses((status = 200, description = "Nothing to show"))
)]
pub async fn delete(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ManageCapabilities)?;
    call.expect_to_cover(None)?;
    let name = path::last(&req)?;
    call.command(Sent::nothing(), Command::DeleteCapability(DeleteCapability { name, of_others: manages_all(&call) }))
        .await
}

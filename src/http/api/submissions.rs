//! Requests that are made: submitted, given another payload, undone. Before each, the module is asked what it would do.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::approvals::Source;
use crate::domain::approvals::edit::EditPayload;
use crate::domain::approvals::submit::SubmitApproval;
use crate::domain::approvals::undo::UndoApproval;
use crate::domain::command::Command;
use crate::domain::directory::state::Directory;
use crate::domain::ids::{OutsideId, UserId};
use crate::domain::permission::Operation;
use crate::domain::time::Timestamp;
use crate::domain::view::approvals::ApprovalView;
use crate::http::caller::Call;
use crate::http::path;
use crate::http::problem::{Problem, invalid};
use crate::http::respond::Answer;

/// What somebody wants done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitBody {
    /// `module`, `board` or `user`.
    source: Source,
    /// The module of the capability.
    module: String,
    /// Such as `till.refund`.
    capability: String,
    /// One line; the capability's name when absent.
    title: Option<String>,
    /// Fits the schema of the capability; at most 32 KiB.
    #[schema(value_type = Object)]
    payload: Value,
    /// The work item outside that it belongs to.
    action_item_id: Option<String>,
    /// What makes it the same work as another request: what was done within a day is not done again. The work item when absent.
    dedupe_key: Option<String>,
    /// Runs also when the same was done within a day.
    #[serde(default)]
    allow_repeat: bool,
    /// Not before.
    #[schema(value_type = Option<String>, format = DateTime)]
    scheduled_for: Option<Timestamp>,
    /// Decided until then, or expired; in a week when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    decide_by: Option<Timestamp>,
    /// Begun until then, or expired.
    #[schema(value_type = Option<String>, format = DateTime)]
    run_by: Option<Timestamp>,
    /// The person whom the step "the action's owner" waits for; anybody of the role `owner` when absent.
    owner: Option<String>,
    /// Where it takes effect; by the payload where the capability tells it.
    venue_id: Option<String>,
}

/// Submits a request. What the organisation's policy lets run by itself begins at once; everything else waits for its steps.
#[utoipa::path(
    post, path = "/api/actions/submit", tag = "Approvals", request_body = SubmitBody,
    responses((status = 201, description = "The request", body = ApprovalView))
)]
pub async fn submit(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::SubmitApproval)?;
    let sent = call.sent(&req, payload).await?;
    let body: SubmitBody = sent.json()?;
    let owner = match &body.owner {
        Some(id) => Some(person(&call, id).await?),
        None => None,
    };
    let wanted = body.command(owner);
    let asked = Command::SubmitApproval(Box::new(wanted.clone()));
    let foreseen = call.site.foresight.look(&call, asked).await?;
    let command = SubmitApproval { preview: foreseen.preview, compensation: foreseen.compensation, ..wanted };
    call.command(sent, Command::SubmitApproval(Box::new(command))).await
}

impl SubmitBody {
    fn command(self, owner: Option<UserId>) -> SubmitApproval {
        SubmitApproval {
            source: self.source,
            module: self.module,
            capability: self.capability,
            title: self.title,
            payload: self.payload,
            action_item_id: self.action_item_id,
            dedupe_key: self.dedupe_key,
            allow_repeat: self.allow_repeat,
            scheduled_for: self.scheduled_for,
            decide_by: self.decide_by,
            run_by: self.run_by,
            owner,
            venue_id: self.venue_id,
            preview: None,
            compensation: None,
        }
    }
}

/// A person of the organisation; the directory knows them.
async fn person(call: &Call, id: &str) -> Result<UserId, Problem> {
    let id = OutsideId::parse(id).map_err(|why| invalid("/owner", why))?;
    let (org_id, wanted) = (call.org_id().clone(), id.clone());
    let find = move |people: &Directory| people.user(&org_id, &wanted).is_some();
    let known = call.site.engine.directory_read(find).await?;
    if known { Ok(id) } else { Err(invalid("/owner", "is nobody of this organisation")) }
}

/// Another payload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayloadBody {
    #[schema(value_type = Object)]
    payload: Value,
}

/// Gives a request that waits another payload: another hash, preview and risk, and its steps begin again. Whoever changed it does not
/// decide about it.
#[utoipa::path(
    put, path = "/api/actions/{id}/payload", tag = "Approvals", request_body = PayloadBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The request", body = ApprovalView))
)]
pub async fn edit(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::EditApproval)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let PayloadBody { payload } = sent.json()?;
    let wanted = EditPayload { id, payload, preview: None, compensation: None };
    let foreseen = call.site.foresight.look(&call, Command::EditPayload(Box::new(wanted.clone()))).await?;
    let command = EditPayload { preview: foreseen.preview, compensation: foreseen.compensation, ..wanted };
    call.command(sent, Command::EditPayload(Box::new(command))).await
}

/// Why what was done is to be taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoBody {
    reason: Option<String>,
}

/// Asks to take back what a request did: a new request of source `undo`, scored and decided like any other. Possible until
/// `execution.undoable_until`.
#[utoipa::path(
    post, path = "/api/actions/{id}/undo", tag = "Approvals", request_body = UndoBody,
    params(("id" = Uuid, Path)),
    responses((status = 201, description = "The new request", body = ApprovalView))
)]
pub async fn undo(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::UndoApproval)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let UndoBody { reason } = sent.json()?;
    let wanted = UndoApproval { id, reason, preview: None };
    let foreseen = call.site.foresight.look(&call, Command::UndoApproval(Box::new(wanted.clone()))).await?;
    let command = UndoApproval { preview: foreseen.preview, ..wanted };
    call.command(sent, Command::UndoApproval(Box::new(command))).await
}

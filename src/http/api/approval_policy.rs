//! The policy of approvals: which risk asks whom, what each reason of a score weighs, when nothing automated runs.

use actix_web::{HttpRequest, web};

use crate::domain::approvals::Assignee;
use crate::domain::approvals::policy::{ChangeApprovalPolicy, PolicyDraft, StepWho};
use crate::domain::command::Command;
use crate::domain::ids::UserId;
use crate::domain::permission::Operation;
use crate::domain::view::list::bytes;
use crate::domain::view::policy::{self, PolicyView};
use crate::http::caller::Call;
use crate::http::problem::{Problem, invalid};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The policy: the organisation's own, or the one that ships.
#[utoipa::path(
    get, path = "/api/settings/approval-policy", tag = "Settings", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The policy, which can be changed and sent back", body = PolicyView))
)]
pub async fn show_policy(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadSettings)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, |state, _| Ok(bytes(&policy::policy(state.policy())))).await
}

/// Replaces the policy; a level, a weight or a list of freezes that is absent is as shipped. It is for requests from now on: those that
/// were submitted keep their steps.
#[utoipa::path(
    put, path = "/api/settings/approval-policy", tag = "Settings", request_body = PolicyDraft,
    responses((status = 200, description = "The policy", body = PolicyView))
)]
pub async fn change_policy(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ChangeSettings)?;
    call.expect_to_cover(None)?;
    let sent = call.sent(&req, payload).await?;
    let draft: PolicyDraft = sent.json()?;
    expect_people(&call, &draft).await?;
    call.command(sent, Command::ChangeApprovalPolicy(Box::new(ChangeApprovalPolicy { draft }))).await
}

/// That the people whom steps name are there; the directory knows them.
async fn expect_people(call: &Call, draft: &PolicyDraft) -> Result<(), Problem> {
    let levels = &draft.levels;
    let levels =
        [("low", &levels.low), ("medium", &levels.medium), ("high", &levels.high), ("critical", &levels.critical)];
    let mut named: Vec<(String, UserId)> = Vec::new();
    for (name, level) in levels {
        for (index, step) in level.iter().flat_map(|level| &level.steps).enumerate() {
            if let Some(StepWho::Named(Assignee::User(id))) = StepWho::parse(&step.who) {
                named.push((format!("/levels/{name}/steps/{index}/who"), id));
            }
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    let org_id = call.org_id().clone();
    let find = move |people: &crate::domain::directory::state::Directory| {
        named.into_iter().find(|(_, id)| people.user(&org_id, id).is_none()).map(|(pointer, _)| pointer)
    };
    match call.site.engine.directory_read(find).await? {
        Some(pointer) => Err(invalid(pointer, "is nobody of this organisation")),
        None => Ok(()),
    }
}

//! Templates: made, replaced, ended, tried.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::violations::ReportBody;
use crate::domain::actions::ActionType;
use crate::domain::command::Command;
use crate::domain::decision::Context;
use crate::domain::permission::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::templates::conditions::Conditions;
use crate::domain::templates::dry_run::{DryRun, DryRunView};
use crate::domain::templates::save::{CreateTemplate, DeleteTemplate, ReplaceTemplate, TemplateDraft};
use crate::domain::templates::{ActionData, Mode};
use crate::domain::view::shadow::ShadowPage;
use crate::domain::view::shapes::{self, TemplateView};
use crate::domain::view::{self, list};
use crate::domain::violations::Severity;
use crate::http::body::Sent;
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

/// A template as callers write it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateBody {
    name: Option<String>,
    violation_type: String,
    /// Any severity when absent.
    severity: Option<Severity>,
    action_type: ActionType,
    /// An address, `user:ID`, `role:ROLE`, `system`, or an authority; may hold variables.
    action_target: String,
    /// May hold variables, such as `{{metadata.server_name}}`.
    message_template: String,
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// `shadow` writes down what it would do and does nothing.
    #[serde(default)]
    #[schema(required = false)]
    mode: Mode,
    #[serde(default)]
    #[schema(required = false)]
    conditions: Conditions,
    #[serde(default)]
    #[schema(required = false)]
    action_data: ActionData,
}

fn yes() -> bool {
    true
}

impl TemplateBody {
    fn draft(self) -> TemplateDraft {
        TemplateDraft {
            name: self.name,
            violation_type: self.violation_type,
            severity: self.severity,
            action_type: self.action_type,
            action_target: self.action_target,
            message_template: self.message_template,
            enabled: self.enabled,
            mode: self.mode,
            conditions: self.conditions,
            action_data: self.action_data,
        }
    }
}

/// The templates, in the order in which they run.
#[utoipa::path(
    get, path = "/api/action-center/templates", tag = "Templates",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "A page of templates", body = PageOf<TemplateView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadTemplates)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    call.show(&query, move |state, _| Ok(list::templates(state, paging))).await
}

/// Makes a template.
#[utoipa::path(
    post, path = "/api/action-center/templates", tag = "Templates", request_body = TemplateBody,
    responses((status = 201, description = "The template", body = TemplateView))
)]
pub async fn create(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::EditTemplates)?;
    call.expect_to_cover(None)?; // rules are for all venues
    let sent = call.sent(&req, payload).await?;
    let draft = sent.json::<TemplateBody>()?.draft();
    call.command(sent, Command::CreateTemplate(Box::new(CreateTemplate { draft }))).await
}

/// A template.
#[utoipa::path(
    get, path = "/api/action-center/templates/{id}", tag = "Templates",
    params(("id" = Uuid, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The template", body = TemplateView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadTemplates)?;
    let query = Query::of(&req, &[])?;
    let id = path::uuid(&req)?;
    call.show(&query, move |state, _| {
        let template = state.templates.get(&id).ok_or(Rejection::NotFound)?;
        Ok(list::bytes(&shapes::template(state.organisation().org_id.as_str(), template)))
    })
    .await
}

/// Replaces a template by its next version; actions that exist keep theirs.
#[utoipa::path(
    put, path = "/api/action-center/templates/{id}", tag = "Templates", request_body = TemplateBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The template", body = TemplateView))
)]
pub async fn replace(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::EditTemplates)?;
    call.expect_to_cover(None)?; // rules are for all venues
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let draft = sent.json::<TemplateBody>()?.draft();
    call.command(sent, Command::ReplaceTemplate(Box::new(ReplaceTemplate { id, draft }))).await
}

/// Ends a template; what it made stays.
#[utoipa::path(
    delete, path = "/api/action-center/templates/{id}", tag = "Templates", params(("id" = Uuid, Path)),
    responses((status = 200, description = "It is gone"))
)]
pub async fn delete(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::EditTemplates)?;
    call.expect_to_cover(None)?; // rules are for all venues
    let id = path::uuid(&req)?;
    call.command(Sent::nothing(), Command::DeleteTemplate(DeleteTemplate { id })).await
}

/// What a template on trial would have done, newest first, and how often.
#[utoipa::path(
    get, path = "/api/action-center/templates/{id}/shadow", tag = "Templates",
    params(
        ("id" = Uuid, Path), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("min_version" = Option<u64>, Query)
    ),
    responses((status = 200, description = "A page of what it would have done, with totals", body = ShadowPage))
)]
pub async fn shadow(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadTemplates)?;
    let query = Query::of(&req, &["limit", "cursor"])?;
    let paging = paging(&query, Order::Sequence)?;
    let id = path::uuid(&req)?;
    call.show(&query, move |state, caller| view::shadow::shadow(state, &id, caller, paging)).await
}

/// What would become of a report?
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRunBody {
    violation: ReportBody,
    /// To be tried instead of the stored ones; at most 100.
    templates: Option<Vec<TemplateBody>>,
}

/// Shows what templates would make of a violation, and why others would not. Nothing is stored.
#[utoipa::path(
    post, path = "/api/action-center/templates/dry-run", tag = "Templates", request_body = DryRunBody,
    responses((status = 200, description = "What would come of it", body = DryRunView))
)]
pub async fn dry_run(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ReadTemplates)?;
    let sent = call.sent(&req, payload).await?;
    let DryRunBody { violation, templates } = sent.json()?;
    let report = violation.report(call.org_id())?;
    let templates = templates.map(|bodies| bodies.into_iter().map(TemplateBody::draft).collect());
    let dry_run = DryRun { report, templates };
    let (caller, (now, ids)) = (call.caller.clone(), call.site.engine.fresh_ids());
    let tried = move |state: &TenantState| {
        let mut context = Context { now, ids, caller: &caller };
        dry_run.run(state, &mut context)
    };
    let (tried, version) = call.site.engine.read(call.org(), None, tried).await?;
    Ok(respond::json(StatusCode::OK, tried?, Some(version)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::parse;
    use crate::http::problem::Problem;

    fn body(more: &str) -> Result<TemplateDraft, Problem> {
        let text = format!(
            r#"{{"violation_type": "a", "action_type": "alert", "action_target": "a@b.example", "message_template": "Hi"{more}}}"#
        );
        Ok(parse::<TemplateBody>(text.as_bytes())?.draft())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let draft = body("").unwrap();
        assert!(draft.enabled);
        assert_eq!((draft.conditions, draft.action_data), (Conditions::default(), ActionData::default()));
    }

    #[test]
    fn unknown_conditions_and_modes_are_refused_by_name() {
        let refused = |more: &str| body(more).unwrap_err().document()["errors"][0]["pointer"].clone();
        assert_eq!(refused(r#", "conditions": {"min_treshold": 5}"#), "/conditions/min_treshold");
        assert_eq!(refused(r#", "mode": "loud""#), "/mode");
        assert_eq!(refused(r#", "conditions": {"during": {"day": ["mon"]}}"#), "/conditions/during/day");
        assert_eq!(refused(r#", "version": 3"#), "/version");
        assert_eq!(body(r#", "mode": "live""#).unwrap().mode, Mode::Live);
        assert_eq!(body(r#", "mode": "shadow""#).unwrap().mode, Mode::Shadow);
    }
}

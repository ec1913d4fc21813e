//! Violations: reported, listed, acknowledged, resolved, cleared.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::command::Command;
use crate::domain::ids::OrgId;
use crate::domain::permission::Operation;
use crate::domain::time::{BusinessDate, Timestamp};
use crate::domain::view::answer::ReportedView;
use crate::domain::view::list::{self, ViolationFilter};
use crate::domain::view::shapes::{self, ActionView, BlockView, ViolationView};
use crate::domain::violations::lifecycle::{AcknowledgeViolation, ClearViolations, ResolveViolation, RunTemplates};
use crate::domain::violations::report::{Report, ReportViolation};
use crate::domain::violations::{Severity, Status};
use crate::http::caller::Call;
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{Problem, invalid, not_found, problem};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// What a source reports.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportBody {
    /// The organisation of the credential, where it is given at all.
    org_id: Option<String>,
    venue_id: Option<String>,
    /// `[a-z][a-z0-9_]{0,63}`, such as `comp_exception`.
    violation_type: String,
    severity: Severity,
    /// At most 200 characters.
    title: String,
    description: Option<String>,
    /// At most 32 KiB and 16 levels.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    source_table: Option<String>,
    source_id: Option<String>,
    /// What makes two reports the same violation.
    fingerprint: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    detected_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = Date)]
    business_date: Option<BusinessDate>,
}

impl ReportBody {
    /// The report, which is about the caller's own organisation.
    ///
    /// # Errors
    /// `not-found` for another organisation, as if it did not exist.
    pub fn report(self, org_id: &OrgId) -> Result<Report, Problem> {
        if self.org_id.is_some_and(|named| named != org_id.as_str()) {
            return Err(not_found());
        }
        Ok(Report {
            venue_id: self.venue_id,
            violation_type: self.violation_type,
            severity: self.severity,
            title: self.title,
            description: self.description,
            metadata: self.metadata,
            source_table: self.source_table,
            source_id: self.source_id,
            fingerprint: self.fingerprint,
            detected_at: self.detected_at,
            business_date: self.business_date,
        })
    }
}

/// Reports a violation; the templates run in the same step.
#[utoipa::path(
    post, path = "/api/action-center/violations", tag = "Violations", request_body = ReportBody,
    params(("apply_templates" = Option<bool>, Query, description = "`false` only stores the violation")),
    responses(
        (status = 201, description = "A new violation, with what came of it", body = ReportedView),
        (status = 200, description = "It updated one that was open", body = ReportedView),
    )
)]
pub async fn report(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ReportViolation)?;
    let query = Query::of(&req, &["apply_templates"])?;
    let apply_templates = query.flag("apply_templates")?.unwrap_or(true);
    let sent = call.sent(&req, payload).await?;
    let report = sent.json::<ReportBody>()?.report(call.org_id())?;
    call.command(sent, Command::ReportViolation(Box::new(ReportViolation { report, apply_templates }))).await
}

/// Which violations.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct ViolationsParams {
    /// `active` (default) or `range`.
    mode: Option<String>,
    /// First business date of a range.
    #[param(value_type = Option<String>, format = Date)]
    start_date: Option<String>,
    /// Last business date of a range, inclusive.
    #[param(value_type = Option<String>, format = Date)]
    end_date: Option<String>,
    severity: Option<Severity>,
    venue_id: Option<String>,
    violation_type: Option<String>,
    status: Option<Status>,
    /// 1 to 500, 50 by default.
    limit: Option<u32>,
    cursor: Option<String>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// The open violations, or those of a range of business dates, newest first.
#[utoipa::path(
    get, path = "/api/action-center/violations", tag = "Violations", params(ViolationsParams),
    responses((status = 200, description = "A page of violations", body = PageOf<ViolationView<Uuid, Uuid>>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadViolations)?;
    let names =
        ["mode", "start_date", "end_date", "severity", "venue_id", "violation_type", "status", "limit", "cursor"];
    let query = Query::of(&req, &names)?;
    let range = range(&query)?;
    let order = if range.is_some() { Order::Date } else { Order::Sequence };
    let filter = ViolationFilter {
        range,
        severity: query.choice("severity")?,
        venue_id: query.text("venue_id").map(Into::into),
        violation_type: query.text("violation_type").map(Into::into),
        status: query.choice("status")?,
        paging: paging(&query, order)?,
    };
    call.show(&query, move |state, caller| Ok(list::violations(state, caller, &filter))).await
}

fn range(query: &Query<'_>) -> Result<Option<(BusinessDate, BusinessDate)>, Problem> {
    let dates = (query.date("start_date")?, query.date("end_date")?);
    match (query.text("mode").unwrap_or("active"), dates) {
        ("active", (None, None)) => Ok(None),
        ("active", _) => Err(problem!("bad-parameter", "`start_date` and `end_date` go with `mode=range`")),
        ("range", (Some(start), Some(end))) if start <= end => Ok(Some((start, end))),
        ("range", (Some(_), Some(_))) => Err(problem!("bad-parameter", "`start_date` is after `end_date`")),
        ("range", _) => Err(problem!("missing-parameter", "`mode=range` needs `start_date` and `end_date`")),
        _ => Err(problem!("bad-parameter", "`mode` is neither `active` nor `range`")),
    }
}

/// A violation with its actions and blocks.
#[utoipa::path(
    get, path = "/api/action-center/violations/{id}", tag = "Violations",
    params(("id" = Uuid, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The violation", body = ViolationView<ActionView, BlockView>))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadViolations)?;
    let query = Query::of(&req, &[])?;
    let id = path::uuid(&req)?;
    call.show(&query, move |state, caller| {
        let violation = state.violation_for(&id, caller)?;
        Ok(list::bytes(&shapes::whole_violation(state, violation, caller)))
    })
    .await
}

/// A note on an acknowledgement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    note: Option<String>,
}

/// Says that somebody has seen it and takes care; a second time changes nothing.
#[utoipa::path(
    post, path = "/api/action-center/violations/{id}/acknowledge", tag = "Violations", request_body = NoteBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The violation", body = ViolationView<Uuid, Uuid>))
)]
pub async fn acknowledge(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::HandleViolation)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let NoteBody { note } = sent.json()?;
    call.command(sent, Command::AcknowledgeViolation(AcknowledgeViolation { id, note })).await
}

/// How a violation ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolutionBody {
    resolution: Option<String>,
}

/// Ends a violation: its pending actions are dismissed, and the blocks that go with it are lifted.
#[utoipa::path(
    post, path = "/api/action-center/violations/{id}/resolve", tag = "Violations", request_body = ResolutionBody,
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The violation", body = ViolationView<Uuid, Uuid>))
)]
pub async fn resolve(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::HandleViolation)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    let ResolutionBody { resolution } = sent.json()?;
    call.command(sent, Command::ResolveViolation(ResolveViolation { id, resolution })).await
}

/// Whose violations are over: those of a source's row, or of a fingerprint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearBody {
    source_table: Option<String>,
    source_id: Option<String>,
    fingerprint: Option<String>,
}

impl ClearBody {
    fn command(self) -> Result<ClearViolations, Problem> {
        match (self.source_table, self.source_id, self.fingerprint) {
            (None, None, Some(fingerprint)) => Ok(ClearViolations::Fingerprint(fingerprint)),
            (source_table, Some(source_id), None) => Ok(ClearViolations::Source { source_table, source_id }),
            (_, None, None) => {
                Err(invalid("/source_id", "is missing: give `source_table` and `source_id`, or `fingerprint`"))
            }
            (_, _, Some(_)) => Err(invalid("/fingerprint", "does not go with `source_table` or `source_id`")),
        }
    }
}

/// The violations that ended.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what the domain's view writes")]
pub struct ClearedView {
    resolved: Vec<Uuid>,
}

/// Ends what a source or a fingerprint has open; nothing open is no error.
#[utoipa::path(
    post, path = "/api/action-center/violations/clear", tag = "Violations", request_body = ClearBody,
    responses((status = 200, description = "The ids of those that ended", body = ClearedView))
)]
pub async fn clear(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ReportViolation)?;
    let sent = call.sent(&req, payload).await?;
    let command = sent.json::<ClearBody>()?.command()?;
    call.command(sent, Command::ClearViolations(command)).await
}

/// The actions of a violation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what the domain's view writes")]
pub struct ActionsView<'a> {
    actions: Vec<ActionView<'a>>,
}

/// Makes the actions that templates ask for and that are missing; nothing missing, nothing happens.
#[utoipa::path(
    post, path = "/api/action-center/violations/{id}/actions/from-templates", tag = "Violations",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "All actions of the violation", body = ActionsView))
)]
pub async fn run_templates(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::HandleViolation)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    sent.expect_nothing()?;
    call.command(sent, Command::RunTemplates(RunTemplates { id })).await
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn ranged(query: &str) -> Result<bool, &'static str> {
        let req = TestRequest::with_uri(&format!("/?{query}")).to_http_request();
        let query = Query::of(&req, &["mode", "start_date", "end_date"]).unwrap();
        range(&query).map(|range| range.is_some()).map_err(|problem| problem.code())
    }

    #[test]
    fn a_range_has_both_ends_in_order() {
        assert_eq!(ranged(""), Ok(false));
        assert_eq!(ranged("mode=range&start_date=2025-03-01&end_date=2025-03-01"), Ok(true));
        assert_eq!(ranged("mode=range&start_date=2025-03-02&end_date=2025-03-01"), Err("bad-parameter"));
        assert_eq!(ranged("mode=range&start_date=2025-03-02"), Err("missing-parameter"));
        assert_eq!(ranged("start_date=2025-03-02"), Err("bad-parameter"));
        assert_eq!(ranged("mode=all"), Err("bad-parameter"));
    }

    #[test]
    fn a_source_clears_by_row_or_by_fingerprint_and_not_by_both() {
        let body = |text: &str| crate::http::body::parse::<ClearBody>(text.as_bytes()).unwrap().command();
        assert!(matches!(body(r#"{"fingerprint": "f"}"#), Ok(ClearViolations::Fingerprint(_))));
        assert!(matches!(body(r#"{"source_id": "1"}"#), Ok(ClearViolations::Source { source_table: None, .. })));
        assert_eq!(body("{}").unwrap_err().code(), "invalid-body");
        assert_eq!(body(r#"{"source_id": "1", "fingerprint": "f"}"#).unwrap_err().code(), "invalid-body");
    }

    #[test]
    fn a_report_for_another_organisation_is_for_none() {
        let body = |org: &str| {
            let text = format!(r#"{{"org_id": "{org}", "violation_type": "a", "severity": "info", "title": "b"}}"#);
            crate::http::body::parse::<ReportBody>(text.as_bytes()).unwrap()
        };
        let own = OrgId::parse("own").unwrap();
        assert!(body("own").report(&own).is_ok());
        assert_eq!(body("other").report(&own).unwrap_err().document(), not_found().document());
    }
}

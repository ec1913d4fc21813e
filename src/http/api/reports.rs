//! Reports in the shapes of their sources.

use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;

use crate::domain::command::Command;
use crate::domain::permission::Operation;
use crate::domain::view::answer::{ReportedView, SourceView};
use crate::domain::violations::reporters::comp_exception::CompException;
use crate::domain::violations::reporters::greeting_delay::GreetingDelay;
use crate::domain::violations::reporters::sales_pace::SalesPace;
use crate::domain::violations::reporters::staffing_gap::StaffingGap;
use crate::domain::violations::reporters::{ReportSource, Source};
use crate::http::caller::Call;
use crate::http::query::Query;
use crate::http::respond::Answer;

/// Reports a comp: critical over 200 or when not approved, a warning over 50, else info.
#[utoipa::path(
    post, path = "/api/action-center/reports/comp-exception", tag = "Reports", request_body = CompException,
    params(("apply_templates" = Option<bool>, Query, description = "`false` only stores the violation")),
    responses(
        (status = 201, description = "A new violation, with what came of it", body = ReportedView),
        (status = 200, description = "It updated the one of this comp", body = ReportedView),
    )
)]
pub async fn comp_exception(req: HttpRequest, payload: web::Payload) -> Answer {
    reported(&req, payload, Source::CompException).await
}

/// Reports a venue's pace: below plan is a violation of the venue, `on_pace` ends it.
#[utoipa::path(
    post, path = "/api/action-center/reports/sales-pace", tag = "Reports", request_body = SalesPace,
    params(("apply_templates" = Option<bool>, Query, description = "`false` only stores the violation")),
    responses(
        (status = 201, description = "A new violation, with what came of it", body = ReportedView),
        (status = 200, description = "It updated or ended an open one, or there was nothing to report", body = SourceView),
    )
)]
pub async fn sales_pace(req: HttpRequest, payload: web::Payload) -> Answer {
    reported(&req, payload, Source::SalesPace).await
}

/// Reports a greeting: a warning over the threshold, critical over twice of it, nothing at or below.
#[utoipa::path(
    post, path = "/api/action-center/reports/greeting-delay", tag = "Reports", request_body = GreetingDelay,
    params(("apply_templates" = Option<bool>, Query, description = "`false` only stores the violation")),
    responses(
        (status = 201, description = "A new violation, with what came of it", body = ReportedView),
        (status = 200, description = "It updated the one of this seating, or there was nothing to report", body = SourceView),
    )
)]
pub async fn greeting_delay(req: HttpRequest, payload: web::Payload) -> Answer {
    reported(&req, payload, Source::GreetingDelay).await
}

/// Reports a schedule: a gap above 0 is a warning, from 0.5 critical; 0 or less ends the open one.
#[utoipa::path(
    post, path = "/api/action-center/reports/staffing-gap", tag = "Reports", request_body = StaffingGap,
    params(("apply_templates" = Option<bool>, Query, description = "`false` only stores the violation")),
    responses(
        (status = 201, description = "A new violation, with what came of it", body = ReportedView),
        (status = 200, description = "It updated or ended an open one, or there was nothing to report", body = SourceView),
    )
)]
pub async fn staffing_gap(req: HttpRequest, payload: web::Payload) -> Answer {
    reported(&req, payload, Source::StaffingGap).await
}

async fn reported<T: DeserializeOwned>(req: &HttpRequest, payload: web::Payload, source: fn(T) -> Source) -> Answer {
    let call = Call::allowed(req, Operation::ReportViolation)?;
    let apply_templates = Query::of(req, &["apply_templates"])?.flag("apply_templates")?.unwrap_or(true);
    let sent = call.sent(req, payload).await?;
    let source = source(sent.json::<T>()?);
    call.command(sent, Command::ReportSource(Box::new(ReportSource { source, apply_templates }))).await
}

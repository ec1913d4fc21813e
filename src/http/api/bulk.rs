//! Many reports at once: each item is read and decided alone, so that a bad one costs only itself.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::violations::ReportBody;
use crate::domain::command::Command;
use crate::domain::ids::OrgId;
use crate::domain::permission::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::view::answer::OutcomesView;
use crate::domain::violations::bulk::{ITEMS_MAX, Item, ReportMany};
use crate::domain::violations::reporters::Source;
use crate::http::body;
use crate::http::caller::Call;
use crate::http::problem::{Problem, invalid};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// Many items.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    /// At most 500 violations, or what sources say: `{ "reporter": "comp-exception", "source": { … } }`.
    #[schema(value_type = Vec<Object>, max_items = 500)]
    items: Vec<Box<RawValue>>,
}

/// The reporters that an item can name.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reporter {
    CompException,
    SalesPace,
    GreetingDelay,
    StaffingGap,
}

/// What a source says, as an item.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceBody {
    reporter: Reporter,
    source: Box<RawValue>,
}

/// Whether an item names a reporter; everything else of it is looked at later.
#[derive(Deserialize)]
struct Glance {
    reporter: Option<serde::de::IgnoredAny>,
}

/// Reports many violations. Each item is all or nothing; the order is kept, and each sees the ones before it.
#[utoipa::path(
    post, path = "/api/action-center/violations/bulk", tag = "Violations", request_body = BulkBody,
    params(
        ("apply_templates" = Option<bool>, Query, description = "`false` only stores the violations"),
        ("once" = Option<bool>, Query, description = "`true` leaves a source row alone whose violation was resolved"),
    ),
    responses((status = 200, description = "What became of each item, in their order", body = OutcomesView))
)]
pub async fn report_many(req: HttpRequest, payload: web::Payload) -> Answer {
    let call = Call::allowed(&req, Operation::ReportViolation)?;
    let query = Query::of(&req, &["apply_templates", "once"])?;
    let apply_templates = query.flag("apply_templates")?.unwrap_or(true);
    let once = query.flag("once")?.unwrap_or(false);
    let sent = call.sent_many(&req, payload).await?;
    let BulkBody { items } = sent.json()?;
    if items.len() > ITEMS_MAX {
        return Err(invalid("/items", format!("has more than {ITEMS_MAX} items")));
    }
    let items = items.iter().map(|raw| item(raw.get(), call.org_id())).collect();
    let many = ReportMany { items, apply_templates, once, show_refusal };
    call.command(sent, Command::ReportMany(Box::new(many))).await
}

fn show_refusal(rejection: Rejection) -> Value {
    Problem::from(rejection).document()
}

fn item(raw: &str, org_id: &OrgId) -> Item {
    let read = match serde_json::from_str::<Glance>(raw) {
        Ok(Glance { reporter: Some(_) }) => source(raw),
        Ok(Glance { reporter: None }) | Err(_) => {
            body::parse::<ReportBody>(raw.as_bytes()).and_then(|body| body.report(org_id)).map(Item::Violation)
        }
    };
    read.unwrap_or_else(|problem| Item::Unreadable(problem.document()))
}

fn source(raw: &str) -> Result<Item, Problem> {
    let SourceBody { reporter, source } = body::parse(raw.as_bytes())?;
    let said = source.get().as_bytes();
    Ok(Item::Source(match reporter {
        Reporter::CompException => Source::CompException(body::parse(said)?),
        Reporter::SalesPace => Source::SalesPace(body::parse(said)?),
        Reporter::GreetingDelay => Source::GreetingDelay(body::parse(said)?),
        Reporter::StaffingGap => Source::StaffingGap(body::parse(said)?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<Item, String> {
        match item(raw, &OrgId::parse("own").unwrap()) {
            Item::Unreadable(problem) => Err(problem["detail"].as_str().unwrap_or_default().to_owned()),
            read => Ok(read),
        }
    }

    #[test]
    fn an_item_is_a_violation_or_what_a_source_says() {
        let violation = r#"{"violation_type": "late_delivery", "severity": "info", "title": "Fish was late"}"#;
        assert!(matches!(read(violation), Ok(Item::Violation(_))));
        let comp = r#"{"reporter": "comp-exception", "source": {"id": 7, "venue_id": "pier", "server_name": "Ana", "comp_amount": 40}}"#;
        assert!(matches!(read(comp), Ok(Item::Source(Source::CompException(comp))) if comp.id == "7"));
    }

    #[test]
    fn an_item_that_cannot_be_read_says_why() {
        let foreign = r#"{"org_id": "other", "violation_type": "a", "severity": "info", "title": "b"}"#;
        assert_eq!(read(foreign).unwrap_err(), "there is nothing of this id");
        assert!(read("7").unwrap_err().contains("expected an object"));
        assert!(read(r#"{"reporter": "barometer", "source": {}}"#).unwrap_err().starts_with("/reporter"));
        assert!(read(r#"{"reporter": "sales-pace", "source": {}, "title": "x"}"#).unwrap_err().starts_with("/title"));
        assert_eq!(read(r#"{"reporter": "sales-pace", "source": {}}"#).unwrap_err(), "/id is missing");
    }

    #[test]
    fn the_items_of_a_body_are_read_one_by_one() {
        let body = body::parse::<BulkBody>(br#"{"items": [{"a": [1, "]"]}, 7, "x"]}"#).unwrap();
        let items: Vec<&str> = body.items.iter().map(|item| item.get()).collect();
        assert_eq!(items, [r#"{"a": [1, "]"]}"#, "7", r#""x""#]);
    }
}

//! Trends: counts and response times per day or week.

use actix_web::HttpRequest;

use crate::domain::permission::Operation;
use crate::domain::trends::Dimension;
use crate::domain::trends::series::{DAYS_MAX, Group, POINTS_MAX, Question, TrendsView, answer};
use crate::domain::view::list;
use crate::http::caller::Call;
use crate::http::problem::{Problem, problem};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// What is asked.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct TrendsParams {
    /// First business date.
    #[param(value_type = String, format = Date)]
    from: String,
    /// Last business date, inclusive.
    #[param(value_type = String, format = Date)]
    to: String,
    /// `day` (default; at most 366 of them) or `week` (Monday to Sunday; at most three years).
    group: Option<Group>,
    /// `type` by default. `template` counts actions; the others count violations.
    by: Option<Dimension>,
    /// The version that the answer must have reached.
    min_version: Option<u64>,
}

/// How much happened, and how soon it was acknowledged and resolved, in the venues that the caller reaches.
#[utoipa::path(
    get, path = "/api/action-center/trends", tag = "Trends", params(TrendsParams),
    responses((status = 200, description = "The series, the highest count first", body = TrendsView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadTrends)?;
    let query = Query::of(&req, &["from", "to", "group", "by"])?;
    let question = question(&query)?;
    call.show(&query, move |state, caller| Ok(list::bytes(&answer(state, caller, &question)))).await
}

fn question(query: &Query<'_>) -> Result<Question, Problem> {
    let (Some(from), Some(to)) = (query.date("from")?, query.date("to")?) else {
        return Err(problem!("missing-parameter", "trends need `from` and `to`"));
    };
    if from > to {
        return Err(problem!("bad-parameter", "`from` is after `to`"));
    }
    let group = query.choice("group")?.unwrap_or(Group::Day);
    let days = to.0.saturating_sub(from.0).saturating_add(1);
    if days > DAYS_MAX || group.points(from, to) > POINTS_MAX {
        return Err(problem!("bad-parameter", "a range is at most {POINTS_MAX} days, or {DAYS_MAX} days by week"));
    }
    Ok(Question { from, to, group, by: query.choice("by")?.unwrap_or(Dimension::Type) })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(query: &str) -> Result<(i32, Group, Dimension), &'static str> {
        let req = TestRequest::with_uri(&format!("/?{query}")).to_http_request();
        let query = Query::of(&req, &["from", "to", "group", "by"]).unwrap();
        let read = question(&query).map(|one| (one.to.0 - one.from.0 + 1, one.group, one.by));
        read.map_err(|problem| problem.code())
    }

    #[test]
    fn a_question_has_two_dates_in_order_and_not_too_far_apart() {
        let year = "from=2024-01-01&to=2024-12-31";
        assert_eq!(asked(year), Ok((366, Group::Day, Dimension::Type)));
        assert_eq!(asked(&format!("{year}&group=week&by=template")), Ok((366, Group::Week, Dimension::Template)));
        assert_eq!(asked("from=2024-01-01&to=2025-01-01"), Err("bad-parameter"));
        assert_eq!(asked("from=2024-01-01&to=2027-01-04&group=week"), Ok((1100, Group::Week, Dimension::Type)));
        assert_eq!(asked("from=2024-01-01&to=2027-01-05&group=week"), Err("bad-parameter"));
        assert_eq!(asked("from=-9999-01-01&to=9999-12-31"), Err("bad-parameter"));
        for wrong in ["from=yesterday&to=2024-01-01", "from=2024-02-30&to=2024-03-01", "from=2024-02-02&to=2024-02-01"]
        {
            assert_eq!(asked(wrong), Err("bad-parameter"), "{wrong}");
        }
        assert_eq!(asked("from=2024-01-01"), Err("missing-parameter"));
        assert_eq!(asked(&format!("{year}&group=month")), Err("bad-parameter"));
        assert_eq!(asked(&format!("{year}&by=colour")), Err("bad-parameter"));
    }
}

//! What the detectors of the sample group report, as bodies of `POST /api/action-center/violations`.

use serde_json::{Value, json};

use super::world::{Server, Venue};

/// How long a guest may wait for a greeting, in seconds.
pub const GREETING_THRESHOLD_S: u32 = 120;

/// A comp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Comp {
    pub cents: u32,
    pub reason: &'static str,
    pub approved: bool,
}

impl Comp {
    fn severity(self) -> &'static str {
        match self.cents {
            _ if !self.approved => "critical",
            20_001.. => "critical",
            5_001.. => "warning",
            _ => "info",
        }
    }
}

/// An amount in cents as a number with decimals.
pub fn amount(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

/// The same as JSON; whole amounts have no decimals, because messages show them as they come.
fn number(cents: u32) -> Value {
    if cents.is_multiple_of(100) { json!(cents / 100) } else { json!(amount(cents)) }
}

/// A comp of a server.
pub fn comp(id: &str, venue: &Venue, server: Server, comp: Comp) -> Value {
    json!({
        "venue_id": venue.id,
        "violation_type": "comp_exception",
        "severity": comp.severity(),
        "title": format!("Comp of {:.2} by {}", amount(comp.cents), server.name),
        "source_table": "comps",
        "source_id": id,
        "metadata": {
            "comp_amount": number(comp.cents), "comp_reason": comp.reason, "approved": comp.approved,
            "server_id": server.id, "server_name": server.name,
        },
    })
}

/// Sales behind plan; `gap_pct` is over 0. A venue has one of these at a time.
pub fn pace(venue: &Venue, gap_pct: u32, expected: u32) -> Value {
    let actual = expected - expected * gap_pct.min(100) / 100;
    json!({
        "venue_id": venue.id,
        "violation_type": "sales_pace",
        "severity": if gap_pct >= 25 { "critical" } else { "warning" },
        "title": format!("Sales {gap_pct} % behind plan"),
        "source_table": "sales_pace",
        "source_id": venue.id,
        "metadata": { "gap_pct": gap_pct, "actual": actual, "expected": expected },
    })
}

/// A table that waited longer than [`GREETING_THRESHOLD_S`].
pub fn greeting(id: &str, venue: &Venue, server: Server, table: u32, delay_s: u32) -> Value {
    json!({
        "venue_id": venue.id,
        "violation_type": "greeting_delay",
        "severity": if delay_s > 2 * GREETING_THRESHOLD_S { "critical" } else { "warning" },
        "title": format!("Table {table} waited {delay_s} s for a greeting"),
        "source_table": "seatings",
        "source_id": id,
        "metadata": {
            "delay_seconds": delay_s, "threshold_seconds": GREETING_THRESHOLD_S, "table_number": table.to_string(),
            "server_id": server.id, "server_name": server.name,
        },
    })
}

/// People missing on the schedule, in tenths of a full-time equivalent. A venue has one of these for each role at a time.
pub fn gap(venue: &Venue, role: &str, tenths: u32, required: u32) -> Value {
    let gap = f64::from(tenths) / 10.0;
    let scheduled = f64::from((required * 10).saturating_sub(tenths)) / 10.0;
    json!({
        "venue_id": venue.id,
        "violation_type": "staffing_gap",
        "severity": if tenths >= 5 { "critical" } else { "warning" },
        "title": format!("Short of {gap:.1} FTE ({role})"),
        "source_table": "schedule",
        "source_id": gap_source(venue, role),
        "metadata": { "gap_fte": gap, "required_fte": required, "scheduled_fte": scheduled, "role": role },
    })
}

/// The source of a venue's gap in a role.
pub fn gap_source(venue: &Venue, role: &str) -> String {
    format!("{}/{role}", venue.id)
}

#[cfg(test)]
mod tests {
    use super::super::world::VENUES;
    use super::*;

    #[test]
    fn severity_follows_amount_and_approval() {
        let severity = |cents, approved| Comp { cents, reason: "", approved }.severity();
        assert_eq!([severity(20_001, true), severity(20_000, true)], ["critical", "warning"]);
        assert_eq!([severity(5_000, true), severity(1_000, false)], ["info", "critical"]);
    }

    #[test]
    fn a_gap_leaves_what_is_scheduled() {
        let body = gap(&VENUES[0], "kitchen", 6, 4);
        assert_eq!((&body["metadata"]["scheduled_fte"], &body["severity"]), (&json!(3.4), &json!("critical")));
    }

    #[test]
    fn pace_is_measured_in_per_cent() {
        let body = pace(&VENUES[0], 30, 2_000);
        assert_eq!((&body["metadata"]["actual"], &body["severity"]), (&json!(1_400), &json!("critical")));
    }
}

//! What came back: counts, histograms, and the report made of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest latency the histograms can tell apart, in nanoseconds: ten minutes.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// Requests due (open loop) or answered (closed loop) inside are counted; the others only load the server.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub from: Instant,
    pub to: Instant,
}

impl Window {
    pub fn contains(&self, instant: Instant) -> bool {
        self.from <= instant && instant < self.to
    }
}

pub struct Tally {
    /// Right answers only. From the time a request was due (open loop) or sent (closed loop) to its last byte; for a
    /// request that never got an answer, to the time it was given up.
    pub latency: Histogram<u64>,
    /// How long after its time a request was sent: the share of the latency spent waiting for a free connection.
    pub lag: Histogram<u64>,
    pub in_window: u64,
    pub right: u64,
    pub wrong: u64,
    pub unanswered: u64,
    pub statuses: BTreeMap<u16, u64>,
    pub broken: BTreeMap<String, u64>,
    pub first_failure: Option<String>,
}

impl Tally {
    pub fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("constant bounds");
        Self {
            latency: histogram(),
            lag: histogram(),
            in_window: 0,
            right: 0,
            wrong: 0,
            unanswered: 0,
            statuses: BTreeMap::new(),
            broken: BTreeMap::new(),
            first_failure: None,
        }
    }

    pub fn add(&mut self, other: &Tally) {
        self.latency.add(&other.latency).expect("same bounds");
        self.lag.add(&other.lag).expect("same bounds");
        self.in_window += other.in_window;
        self.right += other.right;
        self.wrong += other.wrong;
        self.unanswered += other.unanswered;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (kind, count) in &other.broken {
            *self.broken.entry(kind.clone()).or_default() += count;
        }
        if self.first_failure.is_none() {
            self.first_failure.clone_from(&other.first_failure);
        }
    }

    pub fn record_unanswered(&mut self, waited: Duration) {
        self.unanswered += 1;
        self.latency.saturating_record(nanoseconds(waited));
    }

    /// What is not a right answer.
    pub fn failures(&self) -> u64 {
        self.statuses.values().sum::<u64>() - self.right + self.unanswered + self.broken.values().sum::<u64>()
    }

    /// `description` says what was run; the figures join it.
    pub fn to_json(&self, description: Value, measured: Duration) -> Value {
        let mut report = description;
        let figures = json!({
            "seconds": measured.as_secs_f64(),
            "per_s": self.in_window as f64 / measured.as_secs_f64(),
            "right": self.right,
            "wrong": self.wrong,
            "unanswered": self.unanswered,
            "failures": self.failures(),
            "statuses": self.statuses,
            "broken": self.broken,
            "first_failure": self.first_failure,
            "latency_us": quantiles(&self.latency),
            "lag_us": quantiles(&self.lag),
        });
        if let (Value::Object(report), Value::Object(figures)) = (&mut report, figures) {
            report.extend(figures);
        }
        report
    }
}

pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1)
}

fn quantiles(histogram: &Histogram<u64>) -> Value {
    let us = |ns: u64| (ns as f64 / 100.0).round() / 10.0;
    json!({
        "p50": us(histogram.value_at_quantile(0.5)),
        "p90": us(histogram.value_at_quantile(0.9)),
        "p99": us(histogram.value_at_quantile(0.99)),
        "p99.9": us(histogram.value_at_quantile(0.999)),
        "max": us(histogram.max()),
    })
}

/// The reports as a table to read, one line each.
pub fn table(reports: &[Value]) -> String {
    let mut lines = vec![format!(
        "{:<8} {:<7} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}  {}",
        "load", "loop", "req/s", "p50 µs", "p90", "p99", "p99.9", "max", "failures by status"
    )];
    for report in reports {
        let text = |name: &str| report[name].as_str().unwrap_or("-").to_owned();
        let latency = |name: &str| report["latency_us"][name].as_f64().unwrap_or(f64::NAN);
        lines.push(format!(
            "{:<8} {:<7} {:>10.0} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1}  {}",
            text("load"),
            text("loop"),
            report["per_s"].as_f64().unwrap_or(f64::NAN),
            latency("p50"),
            latency("p90"),
            latency("p99"),
            latency("p99.9"),
            latency("max"),
            failures(report),
        ));
    }
    lines.join("\n")
}

fn failures(report: &Value) -> String {
    if report["failures"] == 0 {
        return "none".to_owned();
    }
    let because = report["first_failure"].as_str().unwrap_or("no answer");
    format!(
        "{} (statuses {}, wrong {}, unanswered {}, broken {}); first: {because}",
        report["failures"], report["statuses"], report["wrong"], report["unanswered"], report["broken"]
    )
}

//! What is counted, and how it is read: Prometheus text. Handles of the check are made once, before the first check.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use actix_web::http::StatusCode;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::actors::executor::{EXECUTIONS, RUNNING};

const REQUESTS: &str = "action_center_http_requests_total";
const REQUEST_SECONDS: &str = "action_center_http_request_seconds";
const CHECKS: &str = "action_center_checks_total";
const COMMANDS: &str = "action_center_commands_total";
const REJECTIONS: &str = "action_center_rejections_total";
const STREAMS: &str = "action_center_streams_open";

const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What became of checks.
pub struct Checks {
    /// Not blocked.
    pub allow: Counter,
    /// Blocked.
    pub block: Counter,
    /// Not decided, which counts as blocked.
    pub unknown: Counter,
    /// Not asked properly, or by somebody who may not.
    pub refused: Counter,
}

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
static CHECK_HANDLES: LazyLock<Checks> = LazyLock::new(|| Checks {
    allow: counter!(CHECKS, "outcome" => "allow"),
    block: counter!(CHECKS, "outcome" => "block"),
    unknown: counter!(CHECKS, "outcome" => "unknown"),
    refused: counter!(CHECKS, "outcome" => "refused"),
});

/// Begins to count; what was counted before is lost. A second time does nothing.
pub fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&SECONDS).ok()?;
        let handle = builder.install_recorder().inspect_err(|error| tracing::warn!(%error, "nothing is counted")).ok();
        describe();
        LazyLock::force(&CHECK_HANDLES);
        for outcome in ["done", "failed", "in_doubt", "again"] {
            counter!(EXECUTIONS, "outcome" => outcome).increment(0);
        }
        gauge!(RUNNING).set(0.0);
        for outcome in ["accepted", "replayed", "refused"] {
            counter!(COMMANDS, "outcome" => outcome).increment(0);
        }
        handle
    });
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route and class of status; checks are counted apart.");
    describe_histogram!(REQUEST_SECONDS, "Time from the head of a request to its answer, in seconds, by route.");
    describe_counter!(CHECKS, "Block checks, by outcome.");
    describe_counter!(COMMANDS, "Commands, by outcome.");
    describe_counter!(REJECTIONS, "Commands that were refused, by problem code.");
    describe_counter!(EXECUTIONS, "Tries of approved work that was carried out, by outcome.");
    describe_gauge!(RUNNING, "Approved work that is being carried out.");
    describe_gauge!(STREAMS, "Event streams that are open.");
}

/// Everything counted so far, as Prometheus text.
pub fn render() -> String {
    RECORDER.get().and_then(Option::as_ref).map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}

/// The handles of the check.
pub fn checks() -> &'static Checks {
    &CHECK_HANDLES
}

/// Counts an answer.
pub fn request(route: &'static str, status: StatusCode, took: Duration) {
    let class = match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    counter!(REQUESTS, "route" => route, "status" => class).increment(1);
    histogram!(REQUEST_SECONDS, "route" => route).record(took.as_secs_f64());
}

/// Counts what became of a command.
pub fn command(outcome: &'static str) {
    counter!(COMMANDS, "outcome" => outcome).increment(1);
}

/// Counts a refused command by its problem code.
pub fn rejection(code: &'static str) {
    counter!(REJECTIONS, "code" => code).increment(1);
}

/// An open stream; counted until it is dropped.
pub struct OpenStream(Gauge);

impl OpenStream {
    /// Counts one more.
    pub fn begin() -> Self {
        let open = gauge!(STREAMS);
        open.increment(1.0);
        Self(open)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        install();
        install();
        checks().block.increment(1);
        request("/healthz", StatusCode::OK, Duration::from_millis(1));
        let text = render();
        assert!(text.contains("# TYPE action_center_checks_total counter"), "{text}");
        assert!(text.contains(r#"action_center_checks_total{outcome="unknown"} 0"#), "{text}");
        assert!(text.contains("action_center_http_request_seconds_bucket"), "{text}");
    }
}

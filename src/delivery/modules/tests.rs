use super::*;
use crate::delivery::egress::Egress;
use crate::delivery::signing::signature;
use crate::delivery::testing::http::{HttpSink, Step, certificates, outbound};
use crate::delivery::testing::modules::{ScriptedModules, ScriptedRun};
use serde_json::Value;

const LINES: &str = "application/x-ndjson";
const JSON: &str = "application/json";
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);
/// Shorter than anything a script waits for.
const SHORT: Duration = Duration::from_millis(100);

fn call(endpoint: String) -> ModuleCall {
    ModuleCall {
        org_id: "harbour".into(),
        endpoint,
        capability: "till.refund".into(),
        payload: JsonText::of(&json!({ "amount": 80, "note": "Cold soup" })),
        undo: false,
        execution_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
        signing: Signing { key: [7; 32], at_ms: 1_700_000_000_999 },
    }
}

fn run(within: Duration) -> (Run, mpsc::Receiver<Progress>) {
    let (progress, told) = mpsc::channel(1);
    (Run { idempotency_key: "c0ffee".into(), within, progress }, told)
}

fn client() -> ModuleClient {
    ModuleClient::new(outbound())
}

/// Runs once against this script; gives how it ended and what was told on the way.
async fn ended(script: Vec<Step>) -> (EffectOutcome, Vec<Progress>) {
    let sink = HttpSink::start([script]);
    let (call, (how, mut told)) = (call(sink.url("/run")), run(LONG));
    let listen = async {
        let mut all = Vec::new();
        while let Some(one) = told.recv().await {
            all.push(one);
        }
        all
    };
    let client = client();
    tokio::join!(client.run(&call, how), listen)
}

async fn outcome(script: Vec<Step>) -> EffectOutcome {
    ended(script).await.0
}

#[track_caller]
fn unknown(outcome: EffectOutcome) -> (String, Option<i64>) {
    let EffectOutcome::Unknown { error, retry_after_ms } = outcome else { panic!("{outcome:?}") };
    (error, retry_after_ms)
}

fn done(result: &Value, undo_payload: Option<&Value>) -> EffectOutcome {
    EffectOutcome::Done { result: JsonText::of(result), undo_payload: undo_payload.map(JsonText::of) }
}

fn says(per_mille: Option<u16>, message: Option<&str>) -> Progress {
    Progress { per_mille, message: message.map(str::to_owned) }
}

#[tokio::test]
async fn a_call_says_what_is_asked_and_is_signed() {
    let sink = HttpSink::start([]);
    let (how, _told) = run(LONG);
    client().run(&call(sink.url("/run?venue=quay")), how).await;
    let request = sink.requests().remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/run?venue=quay"));
    assert_eq!(request.header("content-type"), JSON);
    assert_eq!(request.header("idempotency-key"), "c0ffee");
    let id = "01900000-0000-7000-8000-000000000001";
    assert_eq!((request.header("webhook-id"), request.header("webhook-timestamp")), (id, "1700000000"));
    let right = signature(&[7; 32], &id.parse().unwrap(), 1_700_000_000, &request.body);
    assert_eq!(request.header("webhook-signature"), right);
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let wanted = json!({ "execution_id": id, "capability": "till.refund", "payload": { "amount": 80, "note": "Cold soup" },
        "dry_run": false, "undo": false });
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn progress_is_handed_on_before_the_answer_ends() {
    let script = vec![
        Step::chunked(LINES),
        Step::chunk("{\"progress\":0.4,\"message\":\"Voiding\\nthe check\"}\n{\"progress\":"),
        Step::Wait,
        Step::chunk("1}\n\n{\"message\":\"Nearly\"}\n"),
        Step::Wait,
        Step::chunk("{\"result\":{\"refund\":7},\"undo_payload\":{\"refund\":7}}\n"),
        Step::chunk(""),
    ];
    let sink = HttpSink::start([script]);
    let (call, (how, mut told), client) = (call(sink.url("/run")), run(LONG), client());
    let (outcome, ()) = tokio::join!(client.run(&call, how), async {
        assert_eq!(told.recv().await, Some(says(Some(400), Some("Voiding the check"))));
        sink.go_on();
        assert_eq!(told.recv().await, Some(says(Some(1_000), None)));
        assert_eq!(told.recv().await, Some(says(None, Some("Nearly"))));
        sink.go_on();
        assert_eq!(told.recv().await, None);
    });
    assert_eq!(outcome, done(&json!({ "refund": 7 }), Some(&json!({ "refund": 7 }))));
}

#[tokio::test]
async fn a_result_comes_in_any_form_of_json() {
    let cases = [
        (JSON, "{\"result\":{\"ok\":true}}", done(&json!({ "ok": true }), None)),
        (JSON, "{\n  \"result\": [1,\n 2],\n  \"undo_payload\": null\n}\n", done(&json!([1, 2]), None)),
        (LINES, "{\"result\":null}", done(&Value::Null, None)),
        (JSON, "\r\n{\"progress\":1}\r\n{\"result\":1,\"more\":2}\r\n{\"error\":\"late\"}", done(&json!(1), None)),
        ("text/plain", "{\"error\":null,\"result\":\"x\"}", done(&json!("x"), None)),
    ];
    for (kind, body, wanted) in cases {
        assert_eq!(outcome(vec![Step::answer(200, kind, body)]).await, wanted, "{body}");
    }
}

#[tokio::test]
async fn a_no_of_the_module_is_a_failure() {
    let failed = |error: &str| EffectOutcome::Failed { error: error.into() };
    let cases = [
        (200, "{\"progress\":0.5}\n{\"error\":\"The check\\nis closed\"}\n", failed("The check is closed")),
        (200, "{\"error\":{\"message\":\"no\",\"code\":1}}", failed("no")),
        (422, "{\"error\":\"amount is too high\"}", failed("422 amount is too high")),
        (409, "{\"type\":\"x\",\"title\":\"Conflict\",\"detail\":\"It is paid\"}", failed("409 It is paid")),
        (404, "<h1>Not here</h1>", failed("404 <h1>Not here</h1>")),
        (410, "", failed("410")),
    ];
    for (status, body, wanted) in cases {
        assert_eq!(outcome(vec![Step::answer(status, JSON, body)]).await, wanted, "{status} {body}");
    }
}

#[tokio::test]
async fn what_says_nothing_for_sure_leaves_it_open() {
    for (status, asked) in [(500, None), (503, Some(7_000)), (429, Some(7_000)), (408, None), (204, None)] {
        let headers: &[(&str, &str)] = if asked.is_some() { &[("retry-after", "7")] } else { &[] };
        let (error, after) = unknown(outcome(vec![Step::answer_with(status, headers, "")]).await);
        assert_eq!(after, asked, "{status}: {error}");
    }
    for (kind, body) in [
        (JSON, ""),
        (JSON, "{}"),
        (JSON, "[]"),
        (JSON, "done"),
        (JSON, "{\"result\":"),
        (JSON, "{\n\"result\":\n"),
        (LINES, "{\"progress\":0.4}\n"),
        (LINES, "{\"progress\":0.4}\nnonsense\n{\"result\":1}\n"),
        (LINES, "{\n\"result\":1}\n"),
        (LINES, "\u{1}\u{2}\n"),
    ] {
        unknown(outcome(vec![Step::answer(200, kind, body)]).await);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = HttpSink::start([]);
    for status in [301, 302, 303, 307, 308] {
        let script = vec![Step::answer_with(status, &[("location", &elsewhere.url("/"))], "")];
        let (error, _) = unknown(outcome(script).await);
        assert!(error.starts_with(&status.to_string()), "{error}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn a_broken_connection_leaves_it_open_and_one_that_never_was_does_not() {
    let head = "HTTP/1.1 200 x\r\ncontent-length: 500\r\n\r\n".to_owned();
    for script in [
        vec![Step::Close],
        vec![Step::Send("HTTP/1.1 20".into())],
        vec![Step::Send("nonsense\r\n\r\n".into())],
        vec![Step::Send(head.clone())],
        vec![Step::Send(format!("{head}{{\"progress\":0.1}}\n"))],
        vec![Step::Send(format!("{head}{{\"result\":1}}"))],
        vec![Step::chunked(LINES), Step::chunk("{\"progress\":0.1}\n{\"result\":"), Step::Close],
    ] {
        let shown = format!("{script:?}");
        let (error, _) = unknown(outcome(script).await);
        assert!(!error.is_empty(), "{shown}");
    }
    let gone = HttpSink::start([]).url("/run");
    let (how, _told) = run(LONG);
    let never = client().run(&call(gone), how).await;
    assert!(matches!(never, EffectOutcome::NotSent { .. }), "{never:?}");
}

#[tokio::test]
async fn what_egress_does_not_open_is_never_called() {
    certificates();
    let closed = ModuleClient::new(Outbound::new(Egress::default()).unwrap());
    let sink = HttpSink::start([]);
    let named = sink.url("/").replace("http://127.0.0.1", "https://localhost");
    for url in [sink.url("/"), named, "https://10.0.0.7/".into(), "file:///etc/passwd".into(), "x".into()] {
        let (how, _told) = run(LONG);
        let outcome = closed.run(&call(url.clone()), how).await;
        assert!(matches!(outcome, EffectOutcome::NotSent { .. }), "{url}: {outcome:?}");
        closed.dry_run(&call(url)).await.unwrap_err();
    }
    assert_eq!(sink.requests().len(), 0);
}

#[tokio::test]
async fn a_module_that_hangs_is_left() {
    for script in [
        vec![Step::Hang],
        vec![Step::chunked(LINES), Step::Hang],
        vec![Step::chunked(LINES), Step::chunk("{\"message\":\"x\"}\n"), Step::Hang],
    ] {
        let sink = HttpSink::start([script]);
        let (how, _told) = run(SHORT);
        unknown(client().run(&call(sink.url("/run")), how).await);
        sink.hung_up(1).await;
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_must_not_be_silent_for_long() {
    for begun in ["{\"message\":\"x\"}\n", "{\n"] {
        let sink = HttpSink::start([vec![Step::chunked(JSON), Step::chunk(begun), Step::Hang]]);
        let (how, _told) = run(LONG);
        let client = ModuleClient { silent_for: SHORT, ..client() };
        let (error, _) = unknown(client.run(&call(sink.url("/run")), how).await);
        assert!(error.contains("silent"), "{error}");
        sink.hung_up(1).await;
    }
}

#[tokio::test]
async fn whoever_does_not_take_progress_is_waited_for_within_the_limit_and_who_is_gone_is_not() {
    let lines = "{\"progress\":0.1}\n".repeat(100) + "{\"result\":1}";
    let script = || vec![Step::answer(200, LINES, &lines)];
    let sink = HttpSink::start([script(), script()]);
    let (how, _told) = run(Duration::from_secs(1));
    let (error, _) = unknown(client().run(&call(sink.url("/run")), how).await);
    assert!(error.contains("within 1000 ms"), "{error}");
    let (how, told) = run(LONG);
    drop(told);
    assert_eq!(client().run(&call(sink.url("/run")), how).await, done(&json!(1), None));
}

#[tokio::test]
async fn a_dropped_call_hangs_up() {
    let script = vec![Step::chunked(LINES), Step::chunk("{\"progress\":0.5}\n"), Step::Hang];
    let sink = HttpSink::start([script]);
    let (call, (how, mut told), client) = (call(sink.url("/run")), run(LONG), client());
    tokio::select! {
        outcome = client.run(&call, how) => panic!("{outcome:?}"),
        one = told.recv() => assert_eq!(one, Some(says(Some(500), None))),
    }
    sink.hung_up(1).await;
}

#[tokio::test]
async fn every_measure_of_an_answer_has_a_limit() {
    let progress = |bytes: usize| format!("{{\"message\":\"{}\"}}\n", "x".repeat(bytes));
    let end = "{\"result\":1}\n";
    let (fits, told) = ended(vec![Step::answer(200, LINES, &format!("{}{end}", progress(16_000)))]).await;
    assert_eq!(fits, done(&json!(1), None));
    assert!(told[0].message.as_ref().is_some_and(|text| text.len() <= 500), "a message is shortened");
    for (body, what) in [
        (format!("{}{end}", progress(17_000)), "a line of progress"),
        (progress(100_000), "a line"),
        ("x".repeat(100_000), "a line"),
        (format!("{}{end}", progress(10_000).repeat(110)), "the answer"),
        (format!("{}{end}", "\n".repeat(10_001)), "lines"),
        (format!("{{\n{}", "\n ".repeat(50_000)), "the answer"),
    ] {
        let (error, _) = unknown(outcome(vec![Step::answer(200, JSON, &body)]).await);
        assert!(error.contains(what) && error.len() <= 500, "{what}: {error}");
    }
}

#[tokio::test]
async fn what_was_done_counts_also_when_its_result_is_too_large_to_keep() {
    let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
    let long = format!("\"{}\"", "x".repeat(33 * 1024));
    for big in [deep, long] {
        let body = format!("{{\"result\":{big},\"undo_payload\":{big}}}");
        let (outcome, told) = ended(vec![Step::answer(200, JSON, &body)]).await;
        let EffectOutcome::Done { result, undo_payload: None } = outcome else { panic!("{outcome:?}") };
        assert!(result.as_str().contains("left_out"), "{result:?}");
        assert_eq!(told.len(), 2, "the log says what is missing");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_carries_no_key() {
    let full = json!({ "preview": { "summary": "Refund\n80.00 to table 9", "before": "Paid 80.00\nTip 8", "after": " ", "recipients": 1,
        "amount": 80.50, "more": true }, "undo_payload": { "refund": 7 } });
    let sink = HttpSink::start([
        vec![Step::answer(200, JSON, &full.to_string())],
        vec![Step::answer(200, LINES, "{\"progress\":1}\n{\"preview\":\"Refund at the till\",\"result\":{}}\n")],
    ]);
    let (call, client) = (call(sink.url("/run")), client());
    let dry = client.dry_run(&call).await.unwrap();
    assert_eq!(dry.undo_payload, Some(JsonText::of(&json!({ "refund": 7 }))));
    let wanted = Preview {
        summary: "Refund 80.00 to table 9".into(),
        before: Some("Paid 80.00\nTip 8".into()),
        after: None,
        recipients: Some(1),
        amount: Some("80.5".into()),
        source: "module".into(),
        generated: None,
    };
    assert_eq!(dry.preview, wanted);
    let text = client.dry_run(&call).await.unwrap();
    assert_eq!((text.preview.summary.as_str(), text.undo_payload), ("Refund at the till", None));
    let request = sink.requests().remove(0);
    assert_eq!(request.header("idempotency-key"), "");
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((&body["dry_run"], &body["undo"]), (&json!(true), &json!(false)));
    assert_eq!(request.header("webhook-signature").len(), 47);
}

#[tokio::test]
async fn a_dry_run_that_goes_wrong_says_why_and_nothing_else() {
    let json = |status, body: &str| vec![Step::answer(status, JSON, body)];
    let scripts = [
        json(200, "{}"),
        json(200, "{\"preview\":\"\"}"),
        json(200, "{\"preview\":{\"before\":\"x\"}}"),
        json(200, "{\"preview\":7}"),
        json(200, "nonsense"),
        json(200, ""),
        json(422, "{\"error\":\"no such check\"}"),
        json(500, ""),
        json(200, &format!("{{\"preview\":\"{}\"}}", "x".repeat(70_000))),
        vec![Step::answer_with(302, &[("location", "http://127.0.0.1:1/")], "")],
        vec![Step::Close],
    ];
    let count = scripts.len();
    let sink = HttpSink::start(scripts);
    let (call, client) = (call(sink.url("/run")), client());
    for number in 0..count {
        let why = client.dry_run(&call).await.unwrap_err();
        assert!(!why.is_empty() && why.len() <= 500, "{number}: {why}");
    }
    let hanging = HttpSink::start([vec![Step::Hang]]);
    let hasty = ModuleClient { dry_run_within: SHORT, ..client };
    hasty.dry_run(&self::call(hanging.url("/run"))).await.unwrap_err();
    hanging.hung_up(1).await;
}

#[tokio::test]
async fn a_script_stands_in_for_the_modules() {
    let ending = EffectOutcome::NotSent { error: "x".into() };
    let modules = ScriptedModules::running([ScriptedRun::ending(ending.clone())]);
    let call = call("https://till.example/".into());
    assert_eq!(modules.run(&call, run(LONG).0).await, ending);
    assert_eq!(modules.run(&call, run(LONG).0).await, done(&json!({ "done": true }), None));
    modules.dry_run(&call).await.unwrap_err();
    assert_eq!((modules.runs(), modules.calls().len()), (vec!["c0ffee".to_owned(); 2], 3));
}

//! The sample of a remote module, called by the client that calls all of them: what `docs/modules.md` promises, from both sides.

#[path = "../../examples/remote_module/till.rs"]
mod till;

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use action_center::clock::now_ms;
use action_center::delivery::channel::Signing;
use action_center::delivery::effect::EffectOutcome;
use action_center::delivery::modules::{ModuleCall, ModuleCaller, ModuleClient, Progress, Run};
use action_center::delivery::signing::{capability_key, secret_text};
use action_center::delivery::testing::http::outbound;
use action_center::domain::json::JsonText;
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::modules::till::{Till, descriptor, routes};

const WITHIN: Duration = Duration::from_secs(20);

/// The module on a thread of its own, until it is dropped.
struct Served {
    endpoint: String,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Served {
    fn start(ledger: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}/run", listener.local_addr().expect("an address"));
        let till = web::Data::new(Till::open(ledger, &secret_text(&key())).expect("a ledger"));
        let (tell, handle) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = HttpServer::new(move || App::new().configure(routes(till.clone())));
                let server = server.workers(1).disable_signals().listen(listener).expect("a listener").run();
                tell.send(server.handle()).expect("the test waits");
                server.await.expect("the module serves");
            });
        });
        Self { endpoint, handle: handle.recv().expect("a server"), thread: Some(thread) }
    }

    fn call(&self, payload: &Value) -> ModuleCall {
        ModuleCall {
            org_id: "harbour".into(),
            endpoint: self.endpoint.clone(),
            capability: "till.refund".into(),
            payload: JsonText::of(payload),
            undo: false,
            execution_id: Uuid::from_u128(1),
            signing: Signing { key: key(), at_ms: now_ms() },
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // asked when it is called; the thread is what is waited for
        drop(self.thread.take().map(std::thread::JoinHandle::join));
    }
}

fn key() -> [u8; 32] {
    capability_key(&[7; 32], "harbour", "till.refund", 1)
}

/// Runs once; gives how it ended and the progress on the way.
async fn run(call: &ModuleCall, idempotency_key: &str) -> (EffectOutcome, Vec<Progress>) {
    let (progress, mut told) = mpsc::channel(1);
    let client = ModuleClient::new(outbound());
    let how = Run { idempotency_key: idempotency_key.into(), within: WITHIN, progress };
    let listen = async {
        let mut all = Vec::new();
        while let Some(one) = told.recv().await {
            all.push(one);
        }
        all
    };
    tokio::join!(client.run(call, how), listen)
}

#[track_caller]
fn done(outcome: EffectOutcome) -> (Value, Value) {
    let EffectOutcome::Done { result, undo_payload } = outcome else { panic!("{outcome:?}") };
    (result.value(), undo_payload.map_or(Value::Null, |payload| payload.value()))
}

#[track_caller]
fn failed(outcome: EffectOutcome) -> String {
    let EffectOutcome::Failed { error } = outcome else { panic!("{outcome:?}") };
    error
}

#[tokio::test]
async fn the_sample_refunds_once_tells_how_it_goes_and_takes_it_back() {
    let home = tempfile::tempdir().expect("a directory");
    let ledger = home.path().join("refunds.jsonl");
    let served = Served::start(&ledger);
    let wanted = served.call(&json!({ "check": "9", "amount_cents": 8_050 }));
    let (first, told) = run(&wanted, "c0ffee000000beef").await;
    let shares: Vec<_> = told.iter().map(|one| one.per_mille).collect();
    assert_eq!(shares, [Some(200), Some(900)]);
    let (result, undo_payload) = done(first.clone());
    assert_eq!(result, json!({ "refund": "r-c0ffee000000", "taken_back": false }));
    assert_eq!(run(&wanted, "c0ffee000000beef").await.0, first, "the same key gives the same answer");
    drop(served);
    let served = Served::start(&ledger);
    let again = served.call(&json!({ "check": "9", "amount_cents": 8_050 }));
    assert_eq!(run(&again, "c0ffee000000beef").await.0, first, "also after a restart");
    assert_eq!(std::fs::read_to_string(&ledger).expect("the ledger").lines().count(), 1);
    let undo = ModuleCall { undo: true, ..served.call(&undo_payload) };
    let (result, nothing) = done(run(&undo, "0ddba11").await.0);
    assert_eq!((&result["taken_back"], nothing), (&json!(true), Value::Null));
    assert!(failed(run(&undo, "another").await.0).contains("taken back before"));
}

#[tokio::test]
async fn the_sample_says_beforehand_what_it_would_do_and_refuses_what_it_must() {
    let home = tempfile::tempdir().expect("a directory");
    let ledger = home.path().join("refunds.jsonl");
    let served = Served::start(&ledger);
    let (client, wanted) =
        (ModuleClient::new(outbound()), served.call(&json!({ "check": "9", "amount_cents": 8_050 })));
    let preview = client.dry_run(&wanted).await.expect("a preview").preview;
    assert_eq!((preview.summary.as_str(), preview.amount.as_deref()), ("Refund of 80.50 on check 9", Some("80.50")));
    let large = served.call(&json!({ "check": "9", "amount_cents": 80_500 }));
    assert!(client.dry_run(&large).await.expect_err("too much").contains("at most"));
    assert!(failed(run(&large, "c0ffee").await.0).contains("at most"));
    let mut forged = wanted.clone();
    forged.signing.key[0] ^= 1;
    let mut old = wanted.clone();
    old.signing.at_ms -= 3_600_000;
    for unsigned in [forged, old] {
        assert!(failed(run(&unsigned, "c0ffee").await.0).contains("signature"));
    }
    assert_eq!(std::fs::read_to_string(&ledger).expect("the ledger"), "");
}

#[test]
fn the_schema_of_the_sample_takes_its_undo_payload() {
    let made = descriptor("http://127.0.0.1:9098/run");
    let fields = made["params"]["properties"].as_object().expect("fields");
    for field in ["check", "amount_cents", "refund"] {
        assert!(fields.contains_key(field), "{field}");
    }
}

//! The promises of the executor, with modules by script and a store in memory.

mod house;
mod killing;

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use self::house::House;
use crate::actors::agenda::Chore;
use crate::clock::now_ms;
use crate::delivery::channel::Outcome as Delivered;
use crate::delivery::effect::EffectOutcome;
use crate::delivery::modules::Progress;
use crate::delivery::signing::capability_key;
use crate::delivery::testing::modules::{ScriptedModules, ScriptedRun};
use crate::domain::approvals::{Status, hex};
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::command::Command;
use crate::domain::json::JsonText;
use crate::domain::people::Role;
use crate::domain::tasks::{LOG_LINES_MAX, TaskStatus};
use crate::domain::testing::{asking_for_a_note, noting, refund, refunding, retrying, submitting};

fn unknown() -> ScriptedRun {
    ScriptedRun::ending(EffectOutcome::Unknown { error: "the till did not answer".into(), retry_after_ms: None })
}

fn not_sent() -> ScriptedRun {
    ScriptedRun::ending(EffectOutcome::NotSent { error: "the till is not there".into() })
}

#[actix_web::test]
async fn what_is_approved_is_called_once_with_its_key_and_what_it_gave_is_kept() {
    let outcome = EffectOutcome::Done {
        result: JsonText::of(&json!({ "receipt": 7 })),
        undo_payload: Some(JsonText::of(&json!({ "amount": 7 }))),
    };
    let house = House::with(ScriptedModules::running([ScriptedRun::ending(outcome)])).await;
    house.register(noting()).await;
    let id = house.approved(asking_for_a_note()).await;
    let approval = house.until(id, Status::Executed).await;
    let run = approval.execution.clone().unwrap();
    assert_eq!(run.result.unwrap().value(), json!({ "receipt": 7 }));
    assert_eq!(run.undo_payload.unwrap().value(), json!({ "amount": 7 }));
    let calls = house.modules.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].idempotency_key.as_deref(), Some(hex(&run.key.unwrap()).as_str()));
    let call = &calls[0].call;
    assert_eq!((Some(call.execution_id), call.undo, &*call.capability), (run.task_id, false, "till.note"));
    let generation = house.look(|state| state.capabilities.get("till.note").unwrap().generation).await;
    assert_eq!(call.signing.key, capability_key(&[7; 32], "org", "till.note", generation));

    let undo = house.undone(id).await;
    house.until(undo, Status::Executed).await;
    house.until(id, Status::Undone).await;
    let call = &house.modules.calls()[1].call;
    assert_eq!((call.undo, call.payload.value()), (true, json!({ "amount": 7 })));
}

#[actix_web::test]
async fn what_a_module_says_is_in_the_log_before_the_end_and_is_bounded() {
    let said = |n: usize| Progress { per_mille: Some(500), message: Some(format!("line {n}")) };
    let all = LOG_LINES_MAX + 300;
    let run = ScriptedRun { progress: (0..all).map(said).collect(), ..ScriptedRun::done(&json!({})) };
    let house = House::with(ScriptedModules::running([run])).await;
    house.register(refund()).await;
    let id = house.approved(refunding(5)).await;
    house.until(id, Status::Executed).await;
    let task = house.task(id).await;
    assert_eq!(task.status, TaskStatus::Succeeded);
    let lines: Vec<&str> = task.log.iter().map(|line| &*line.message).collect();
    assert_eq!(lines.last(), Some(&"300 more lines were let go"));
    assert_eq!(lines[lines.len() - 2], format!("line {}", LOG_LINES_MAX - 1));
}

#[actix_web::test]
async fn without_an_answer_only_what_is_idempotent_is_tried_again() {
    let house = House::with(ScriptedModules::running([unknown(), unknown()])).await;
    house.register(refund()).await;
    house.register(noting()).await;
    let refund = house.approved(refunding(5)).await;
    house.until(refund, Status::InDoubt).await;
    assert_eq!(house.task(refund).await.status, TaskStatus::InDoubt);
    let note = house.approved(asking_for_a_note()).await;
    let next_at = house.until_tried_again(note).await;
    assert!(next_at.0 > now_ms() - 1_000);
    let key = house.modules.runs().pop();
    house.until(note, Status::Executed).await;
    let runs = house.modules.runs();
    assert_eq!((runs.len(), runs.last()), (3, key.as_ref()), "the same key again");
    assert_eq!(house.task(note).await.attempt, 2);
}

#[actix_web::test]
async fn what_never_left_failed_or_is_tried_again() {
    let house = House::with(ScriptedModules::running([not_sent(), not_sent()])).await;
    house.register(refund()).await;
    house.register(noting()).await;
    let refund = house.approved(refunding(5)).await;
    let failed = house.until(refund, Status::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("it was not sent: the till is not there"));
    let note = house.approved(asking_for_a_note()).await;
    house.until_tried_again(note).await;
    house.run_as("olga", Command::RetryApproval(retrying(refund))).await;
    house.until(refund, Status::Executed).await;
}

#[actix_web::test]
async fn who_may_not_decide_any_more_did_not_decide() {
    let modules = Arc::new(ScriptedModules::default());
    let house = House::quiet(modules.clone()).await;
    house.register(refund()).await;
    let wait = house.approved(refunding(5)).await;
    house.change_role("olga", Role::Staff).await;
    house.work();
    let reopened = house.until(wait, Status::Pending).await;
    assert!(reopened.reason.as_deref().unwrap().contains("olga"), "{:?}", reopened.reason);
    assert!(modules.runs().is_empty());
}

#[actix_web::test]
async fn what_a_capability_cannot_run_at_once_waits_without_being_asked_for() {
    let go = Arc::new(Notify::new());
    let waits = || ScriptedRun { until: Some(go.clone()), ..ScriptedRun::done(&json!({})) };
    let house = House::with(ScriptedModules::running([waits(), waits()])).await;
    house.register(RegisterCapability { concurrency: Some(1), ..refund() }).await;
    let first = house.approved(refunding(5)).await;
    let second = house.approved(refunding(6)).await;
    house.until(first, Status::Executing).await;
    house.until_quiet().await;
    assert_eq!(house.status(second).await, Status::Approved);
    let version = house.org.version();
    for _ in 0..5 {
        house.bench.engine.executor().dispatch(&house.bench.engine, &house.org).await;
    }
    house.until_quiet().await;
    assert_eq!((house.modules.runs().len(), house.org.version()), (1, version));
    go.notify_one();
    house.until(first, Status::Executed).await;
    house.until(second, Status::Executing).await;
    go.notify_one();
    house.until(second, Status::Executed).await;
}

#[actix_web::test]
async fn an_organisation_whose_modules_hang_leaves_the_executor_to_others() {
    let never = Arc::new(Notify::new());
    let hang = (0..40).map(|_| ScriptedRun { until: Some(never.clone()), ..ScriptedRun::done(&json!({})) });
    let house = House::with(ScriptedModules::running(hang)).await;
    house.register(RegisterCapability { concurrency: Some(40), ..refund() }).await;
    for amount in 1..=20 {
        house.approved(refunding(amount)).await;
    }
    house.until_calls(super::places::CALLS_OF_ONE_MAX).await;
    house.until_quiet().await;
    assert_eq!(house.modules.runs().len(), super::places::CALLS_OF_ONE_MAX);
    // Its own records still go on,
    let block = submitting("blocks.place", house::block_payload("ana"));
    let id = house.approved(block).await;
    house.until(id, Status::Executed).await;
    assert!(house.bench.is_blocked(&house.org, "ana"));
    // and so do the modules of others.
    let other = house.beside("other").await;
    other.register(refund()).await;
    other.approved(refunding(5)).await;
    other.until_calls(super::places::CALLS_OF_ONE_MAX + 1).await;
}

#[actix_web::test]
async fn messages_of_our_own_go_out_under_the_id_of_the_request() {
    let house = House::with(ScriptedModules::default()).await;
    let mail = json!({ "to": ["gm@pier.example", "vp@pier.example"], "subject": "Comps", "text": "Look at table 9" });
    let id = house.approved(submitting("notifications.send_email", mail)).await;
    house.until(id, Status::Executed).await;
    let sent = house.outside.messages.lock().unwrap().remove(0);
    assert_eq!((sent.id, sent.to.len(), &*sent.subject), (id, 2, "Comps"));

    *house.outside.script.lock().unwrap() = vec![Delivered::Retry { detail: "no answer".into(), after_ms: None }];
    let mail = json!({ "to": "gm@pier.example", "subject": "Comps again", "text": "Look at table 9" });
    let id = house.approved(submitting("notifications.send_email", mail)).await;
    house.until(id, Status::InDoubt).await;

    let slack = house.approved(submitting("notifications.post_slack", json!({ "text": "Look" }))).await;
    let failed = house.until(slack, Status::Failed).await;
    assert!(failed.reason.as_deref().unwrap().contains("slack-not-configured"), "{:?}", failed.reason);
}

#[actix_web::test]
async fn a_webhook_is_called_signed_with_what_was_approved() {
    let house = House::with(ScriptedModules::default()).await;
    let webhook = house.webhook("https://till.example/hook").await;
    let call = json!({ "webhook_id": webhook, "body": { "close": true } });
    let id = house.approved(submitting("webhooks.call", call)).await;
    house.until(id, Status::Executed).await;
    let sent = house.outside.messages.lock().unwrap().remove(0);
    assert_eq!((sent.id, &*sent.to[0].address, &*sent.text), (id, "https://till.example/hook", r#"{"close":true}"#));
    let key = crate::delivery::signing::webhook_key(&[7; 32], "org", &webhook, 1);
    assert!(sent.signing.is_some_and(|signing| signing.key == key));
}

#[actix_web::test]
async fn a_stop_lets_what_runs_end_and_begins_nothing() {
    let go = Arc::new(Notify::new());
    let run = ScriptedRun { until: Some(go.clone()), ..ScriptedRun::done(&json!({})) };
    let house = House::with(ScriptedModules::running([run])).await;
    house.register(RegisterCapability { concurrency: Some(1), ..refund() }).await;
    let (first, second) = (house.approved(refunding(5)).await, house.approved(refunding(6)).await);
    house.until_calls(1).await;
    house.bench.engine.take_no_more();
    go.notify_one();
    house.bench.engine.executor().idle().await;
    house.bench.engine.executor().dispatch(&house.bench.engine, &house.org).await;
    house.until_quiet().await;
    assert_eq!((house.status(first).await, house.status(second).await), (Status::Executed, Status::Approved));
    assert_eq!(house.modules.runs().len(), 1);
}

#[actix_web::test]
async fn a_call_that_does_not_end_or_that_is_our_own_fault_ends_in_doubt() {
    let never = Arc::new(Notify::new());
    let hang = ScriptedRun { until: Some(never), ..ScriptedRun::done(&json!({})) };
    let house = House::with(ScriptedModules::running([hang])).await;
    house.register(RegisterCapability { timeout_s: Some(1), ..refund() }).await;
    let late = house.approved(refunding(5)).await;
    let doubt = house.until(late, Status::InDoubt).await;
    assert_eq!(doubt.reason.as_deref(), Some("it did not end in time"));

    let house = House::on(crate::store::Store::in_memory(), Arc::new(house::Broken)).await;
    house.register(refund()).await;
    let id = house.approved(refunding(5)).await;
    let doubt = house.until(id, Status::InDoubt).await;
    assert_eq!(doubt.reason.as_deref(), Some("a fault of this server"));
}

#[actix_web::test]
async fn a_place_that_is_free_again_is_made_known() {
    let house = House::quiet(Arc::new(ScriptedModules::default())).await;
    let engine = &house.bench.engine;
    let places = Arc::new(super::places::Places::new());
    let id = uuid::Uuid::from_u128(1);
    let place = places.take(engine, house.org.stream, id, super::places::Kind::Call);
    assert!(place.is_some() && places.take(engine, house.org.stream, id, super::places::Kind::Call).is_none());
    engine.agenda().set(Chore::Execute, house.org.stream, None);
    drop(place);
    let (entries, _) = engine.agenda().take_due(now_ms(), 10);
    assert!(entries.contains(&(Chore::Execute, house.org.stream)), "{entries:?}");
    assert!(places.room(house.org.stream).busy.is_empty());
}

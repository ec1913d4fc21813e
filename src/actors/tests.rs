//! The promises of the one path, on a store in memory that can be made to fail.

use std::sync::Arc;
use std::time::Duration;

use super::engine::Processed;
use super::feed::{FeedMessage, Wish};
use super::org::Condition;
use super::refusal::Refusal;
use super::testing::{caller, json, place, report, request, settings, start};
use crate::delivery::channel::Outcome;
use crate::domain::actions::ActionType;
use crate::domain::blocks::lift::LiftBlock;
use crate::domain::command::Command;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::templates::save::{CreateTemplate, TemplateDraft};
use crate::domain::view::feed::Topic;
use crate::store::Store;
use crate::store::memory_journal::{Faults, MemoryJournal};

fn alert_template() -> Command {
    Command::CreateTemplate(Box::new(CreateTemplate {
        draft: TemplateDraft {
            name: None,
            violation_type: "comp_exception".into(),
            severity: None,
            action_type: ActionType::Alert,
            action_target: "gm@group.example".into(),
            message_template: "{{metadata.server_id}} comped {{metadata.comp_amount}}".into(),
            enabled: true,
            mode: crate::domain::templates::Mode::Live,
            conditions: crate::domain::templates::conditions::Conditions::default(),
            action_data: crate::domain::templates::ActionData::default(),
        },
    }))
}

#[actix_web::test]
async fn a_check_sees_a_write_as_soon_as_it_is_answered() {
    let bench = start(Store::in_memory(), settings()).await;
    let org = bench.organisation("org").await;
    let placed = bench.run(&org, place("ana")).await.unwrap();
    assert!(bench.is_blocked(&org, "ana") && org.version() >= placed.version);
    let id = json(&placed)["id"].as_str().unwrap().parse().unwrap();
    let lift = || Command::LiftBlock(LiftBlock { id, lift_reason: "Reviewed".into() });
    bench.run(&org, lift()).await.unwrap();
    assert!(!bench.is_blocked(&org, "ana"));
    let second = bench.run(&org, lift()).await.unwrap_err();
    assert!(matches!(second, Refusal::Rejected(Rejection::AlreadyLifted { .. })), "{second:?}");
}

#[actix_web::test]
async fn a_repeated_request_gets_the_first_answer_also_after_a_restart() {
    let journal = Arc::new(MemoryJournal::new());
    let bench = start(Store::in_memory_on(journal.clone()), settings()).await;
    let org = bench.organisation("org").await;
    let send = |print| bench.engine.command(&org, place("ana"), caller(), request("k1", print));
    let (first, together) = futures_util::join!(send(1), send(1));
    let (first, together) = (first.unwrap(), together.unwrap());
    assert_eq!((first.replayed, together.replayed), (false, true));
    assert_eq!((&first.body, first.version), (&together.body, together.version));
    let other = send(2).await.unwrap_err();
    assert!(matches!(other, Refusal::Rejected(Rejection::IdempotencyKeyReused)), "{other:?}");

    let again = start(Store::in_memory_on(Arc::new(journal.crash())), settings()).await;
    let org = again.known("org");
    let replayed = again.engine.command(&org, place("ana"), caller(), request("k1", 1)).await.unwrap();
    assert!(replayed.replayed);
    assert_eq!((&first.body, first.version), (&replayed.body, replayed.version));
}

#[actix_web::test]
async fn what_the_disk_refuses_did_not_happen_and_is_never_seen() {
    let faults = Faults { seed: 7, fail_append_per_mille: 300, ..Faults::default() };
    let healthy = Arc::new(MemoryJournal::new());
    start(Store::in_memory_on(healthy.clone()), settings()).await.organisation("org").await;
    let mut refused = 0;
    for round in 0..40 {
        let faulty = Arc::new(MemoryJournal::with_faults(Faults { seed: faults.seed + round, ..faults }));
        let bench = start(Store::in_memory_on(faulty.clone()), settings()).await;
        let Ok(_) = tokio::time::timeout(Duration::from_secs(5), try_organisation(&bench)).await.unwrap() else {
            refused += 1;
            continue;
        };
        let org = bench.known("org");
        for number in 0..20 {
            let entity = format!("e{number}");
            match bench.run(&org, place(&entity)).await {
                Ok(_) => assert!(bench.is_blocked(&org, &entity), "acknowledged and not seen"),
                Err(Refusal::Unconfirmed | Refusal::ReadOnly { .. }) => {
                    refused += 1;
                    assert!(!bench.is_blocked(&org, &entity), "seen and not durable");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert!(refused > 10, "the faults never came: {refused}");
}

async fn try_organisation(bench: &super::testing::Bench) -> Result<(), Refusal> {
    use crate::domain::directory::NewKey;
    use crate::domain::directory::commands::{DirectoryCommand, RegisterOrganisation};
    let command = DirectoryCommand::RegisterOrganisation(Box::new(RegisterOrganisation {
        org_id: "org".into(),
        name: "Harbour Group".into(),
        time_zone: None,
        admin_key: NewKey { id: "k".into(), hash: [1; 32], sealed: Vec::new() },
        owner: None,
    }));
    bench.engine.directory_command(command, caller(), None).await.map(drop)
}

#[actix_web::test]
async fn a_panic_costs_one_answer_and_the_organisation_goes_on() {
    let bench = start(Store::in_memory(), settings()).await;
    let org = bench.organisation("org").await;
    bench.run(&org, place("ana")).await.unwrap();
    let before = bench.engine.read(&org, None, TenantState::state_hash).await.unwrap();
    for _ in 0..5 {
        let lost = bench.engine.read(&org, None, |_| -> u8 { panic!("on purpose") }).await.unwrap_err();
        assert!(matches!(lost, Refusal::Failed), "{lost:?}");
        let after = bench.engine.read(&org, None, TenantState::state_hash).await.unwrap();
        assert_eq!(before, after);
    }
    bench.run(&org, place("bob")).await.unwrap();
    assert_eq!(org.condition(), Condition::Ready);
}

#[actix_web::test]
async fn a_damaged_organisation_is_quarantined_and_the_others_go_on() {
    let journal = Arc::new(MemoryJournal::new());
    let bench = start(Store::in_memory_on(journal.clone()), settings()).await;
    let (hurt, well) = (bench.organisation("hurt").await, bench.organisation("well").await);
    for number in 0..5 {
        bench.run(&hurt, place(&format!("e{number}"))).await.unwrap();
    }
    bench.run(&well, place("ana")).await.unwrap();
    let copy = journal.crash();
    assert!(copy.damage(hurt.stream, 3));
    let again = start(Store::in_memory_on(Arc::new(copy)), settings()).await;
    let refused = again.run(&again.known("hurt"), place("x")).await.unwrap_err();
    assert!(matches!(refused, Refusal::Quarantined), "{refused:?}");
    assert!(again.is_blocked(&again.known("well"), "ana"));
    again.run(&again.known("well"), place("bob")).await.unwrap();
}

#[actix_web::test]
async fn one_organisation_that_floods_is_refused_alone() {
    let bench = start(Store::in_memory(), super::services::ActorSettings { org_waiting_max: 4, ..settings() }).await;
    let (flood, calm) = (bench.organisation("flood").await, bench.organisation("calm").await);
    let many = (0..64).map(|number| {
        let (bench, flood) = (&bench, &flood);
        async move { bench.run(flood, place(&format!("e{number}"))).await }
    });
    let results = futures_util::future::join_all(many).await;
    let busy = results.iter().filter(|one| matches!(one, Err(Refusal::OrganisationBusy { .. }))).count();
    assert!(busy > 0 && busy < 64, "{busy} refused");
    assert_eq!(flood.waiting(), 0, "places are given back");
    bench.run(&calm, place("ana")).await.unwrap();
}

#[actix_web::test]
async fn a_state_that_left_memory_is_read_again_when_it_is_asked() {
    let bench = start(Store::in_memory(), super::services::ActorSettings { passivate_after_ms: 1, ..settings() }).await;
    let org = bench.organisation("org").await;
    bench.run(&org, place("ana")).await.unwrap();
    let hash = bench.engine.read(&org, None, TenantState::state_hash).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(bench.is_blocked(&org, "ana"), "the index stays");
    assert_eq!(bench.engine.read(&org, None, TenantState::state_hash).await.unwrap(), hash);
}

#[actix_web::test]
async fn a_reader_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let bench = start(Store::in_memory(), settings()).await;
    let org = bench.organisation("org").await;
    let start_at = org.version();
    let wish = Wish { topics: vec![Topic::Blocks, Topic::Violations], venues: None, person: None };
    let mut stayed = bench.engine.follow(&org, None, wish.clone()).await.unwrap();
    assert!(matches!(stayed.recv().await, Some(FeedMessage::Hello { version }) if version == start_at));
    for number in 0..30 {
        bench.run(&org, place(&format!("e{number}"))).await.unwrap();
        bench.run(&org, report(&format!("s{number}"), &format!("c{number}"))).await.unwrap();
    }
    let mut live = Vec::new();
    while live.len() < 60 {
        match stayed.recv().await {
            Some(FeedMessage::Item(item)) => live.push((item.seq, item.name, item.data.clone())),
            other => panic!("{other:?}"),
        }
    }
    assert!(live.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for from in [0, 7, 59] {
        let mut back = bench.engine.follow(&org, Some(live[from].0), wish.clone()).await.unwrap();
        back.recv().await;
        for expected in &live[from + 1..] {
            match back.recv().await {
                Some(FeedMessage::Item(item)) => assert_eq!(&(item.seq, item.name, item.data.clone()), expected),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[actix_web::test]
async fn an_alert_is_tried_again_and_delivered_under_the_same_id() {
    let bench = start(Store::in_memory(), settings()).await;
    let org = bench.organisation("org").await;
    bench.run(&org, alert_template()).await.unwrap();
    bench.run(&org, report("ana", "c1")).await.unwrap();
    bench.kept.script.lock().unwrap().push(Outcome::Retry { detail: "451 later".into(), after_ms: None });
    let first = bench.engine.process(Some(&org)).await.unwrap();
    assert_eq!((first.processed, first.delivered, first.pending), (1, 0, 1));
    let id = bench.engine.read(&org, None, |state| state.actions.iter().next().unwrap().id).await.unwrap().0;
    bench.run(&org, Command::RetryAction(crate::domain::actions::queue::RetryAction { id })).await.unwrap();
    let second = bench.engine.process(Some(&org)).await.unwrap();
    assert_eq!(second, Processed { processed: 1, delivered: 1, ..Processed::default() });
    let messages = bench.kept.messages.lock().unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!((messages[0].id, &messages[0].text), (messages[1].id, &messages[1].text));
    assert!(messages[0].text.contains("ana comped 250"));
}

#[actix_web::test]
async fn a_snapshot_and_a_restart_give_the_same_state() {
    let journal = Arc::new(MemoryJournal::new());
    let store = Store::in_memory_on(journal.clone());
    let bench = start(store.clone(), super::services::ActorSettings { snapshot_every_records: 10, ..settings() }).await;
    let org = bench.organisation("org").await;
    for number in 0..50 {
        bench.run(&org, report(&format!("s{number}"), &format!("c{number}"))).await.unwrap();
    }
    let (hash, version) = bench.engine.read(&org, None, TenantState::state_hash).await.unwrap();
    bench.engine.stop().await;
    drop(bench);
    assert!(!store.snapshots.generations(org.stream).unwrap().is_empty(), "no snapshot was made");
    let again = start(store, settings()).await;
    let org = again.known("org");
    assert_eq!(again.engine.read(&org, Some(version), TenantState::state_hash).await.unwrap(), (hash, version));
}

//! An engine for tests: on a store in memory, with a channel that keeps what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_rt::Arbiter;
use futures_util::future::{BoxFuture, FutureExt, ready};
use serde_json::Value;

use super::courier::Courier;
use super::engine::{DeliveryMode, Engine, Parts};
use super::executor::{Executor, Outside};
use super::notifier::Notifier;
use super::org::OrgRef;
use super::refusal::{Accepted, Refusal};
use super::services::{ActorSettings, Services};
use super::start::recover_all;
use crate::delivery::channel::{Channel, Message, Outcome};
use crate::delivery::effect::{EffectChannel, EffectOutcome};
use crate::delivery::egress::Egress;
use crate::delivery::testing::modules::ScriptedModules;
use crate::domain::blocks::place::PlaceBlock;
use crate::domain::command::Command;
use crate::domain::directory::NewKey;
use crate::domain::directory::commands::{DirectoryCommand, RegisterOrganisation};
use crate::domain::directory::state::Directory;
use crate::domain::idempotency::Request;
use crate::domain::ids::OrgId;
use crate::domain::json::JsonText;
use crate::domain::people::{Caller, Cause, Held, Via, Who};
use crate::domain::state::TenantState;
use crate::domain::violations::Severity;
use crate::domain::violations::report::{Report, ReportViolation};
use crate::store::Store;
use crate::store::snapshotter::Snapshotter;
use crate::store::stored::fold::Folded;

/// A channel that keeps every message and answers by a script, then with success.
#[derive(Default)]
pub struct Kept {
    pub messages: Mutex<Vec<Message>>,
    pub script: Mutex<Vec<Outcome>>,
}

impl Channel for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome> {
        self.messages.lock().unwrap().push(message.clone());
        let mut script = self.script.lock().unwrap();
        let outcome = if script.is_empty() { Outcome::Delivered { detail: "kept".into() } } else { script.remove(0) };
        ready(outcome).boxed()
    }
}

impl EffectChannel for Kept {
    fn perform<'a>(&'a self, message: &'a Message, _: Duration) -> BoxFuture<'a, EffectOutcome> {
        let outcome = self.deliver(message);
        async move {
            match outcome.await {
                Outcome::Delivered { detail } => EffectOutcome::Done {
                    result: JsonText::of(&serde_json::json!({ "reply": detail })),
                    undo_payload: None,
                },
                Outcome::Retry { detail, after_ms } => {
                    EffectOutcome::Unknown { error: detail, retry_after_ms: after_ms }
                }
                Outcome::Refused { detail } => EffectOutcome::Failed { error: detail },
            }
        }
        .boxed()
    }
}

/// An engine, and what a test looks at beside it.
pub struct Bench {
    pub engine: Engine,
    pub kept: Arc<Kept>,
    background: Option<tokio::runtime::Runtime>,
    arbiter: Arbiter,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.arbiter.stop();
        if let Some(background) = self.background.take() {
            background.shutdown_background();
        }
    }
}

pub fn settings() -> ActorSettings {
    ActorSettings {
        org_waiting_max: 64,
        waiting_max: 1_000,
        snapshot_every_records: 1_000_000,
        snapshot_at_stop_records: 1,
        passivate_after_ms: i64::MAX,
        idle_check_ms: 20,
    }
}

/// Starts an engine on a store.
pub async fn start(store: Store, settings: ActorSettings) -> Bench {
    let nobody = Arc::new(Kept::default());
    let modules = Arc::new(ScriptedModules::default());
    let outside = Outside { modules, email: nobody.clone(), webhooks: nobody, server_key: [7; 32] };
    start_reaching(store, settings, outside).await
}

/// The same with these ways to the outside for approved work.
pub async fn start_reaching(store: Store, settings: ActorSettings, outside: Outside) -> Bench {
    let background = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let arbiter = Arbiter::new();
    let kept = Arc::new(Kept::default());
    let (history, snapshots) = (store.history.clone(), store.snapshots.clone());
    let engine = Engine::new(Parts {
        services: Arc::new(Services { store, settings }),
        snapshotter: Arc::new(Snapshotter::start::<Folded<TenantState>>(history.clone(), snapshots.clone()).unwrap()),
        directory_snapshotter: Arc::new(Snapshotter::start::<Folded<Directory>>(history, snapshots).unwrap()),
        courier: Arc::new(Courier::new(kept.clone())),
        notifier: Arc::new(Notifier::new(kept.clone(), Egress::default(), [7; 32])),
        executor: Arc::new(Executor::new(outside)),
        delivery_mode: DeliveryMode::OnProcess,
        arbiters: vec![arbiter.handle()],
        background: background.handle().clone(),
    });
    recover_all(&engine).await.unwrap();
    Bench { engine, kept, background: Some(background), arbiter }
}

pub fn caller() -> Caller {
    let who = Who::Key { id: "test".into(), person: None };
    Caller { cause: Cause { who, via: Via::Api, request: None }, held: Held::Top, role: None, venues: None }
}

pub fn request(key: &str, print: u8) -> Option<Request> {
    Some(Request { key: key.into(), print: [print; 16] })
}

pub fn place(entity: &str) -> Command {
    Command::PlaceBlock(Box::new(PlaceBlock {
        block_type: "comp_approval".into(),
        entity_id: entity.into(),
        entity_type: "employee".into(),
        reason: "Under review".into(),
        venue_id: None,
        override_required: None,
        override_authority: None,
        limit: None,
        on_error: None,
        expires_at: None,
        violation_id: None,
    }))
}

pub fn report(server: &str, source: &str) -> Command {
    let report = Report {
        venue_id: None,
        violation_type: "comp_exception".into(),
        severity: Severity::Critical,
        title: "Comp".into(),
        description: None,
        metadata: Some(serde_json::json!({ "server_id": server, "comp_amount": 250 })),
        source_table: None,
        source_id: Some(source.into()),
        fingerprint: None,
        detected_at: None,
        business_date: None,
    };
    Command::ReportViolation(Box::new(ReportViolation { report, apply_templates: true }))
}

impl Bench {
    /// Registers an organisation.
    pub async fn organisation(&self, id: &str) -> OrgRef {
        let command = DirectoryCommand::RegisterOrganisation(Box::new(RegisterOrganisation {
            org_id: id.into(),
            name: "Harbour Group".into(),
            time_zone: None,
            admin_key: NewKey { id: format!("key-{id}").into(), hash: [7; 32], sealed: Vec::new() },
            owner: None,
        }));
        self.engine.directory_command(command, caller(), None).await.unwrap();
        self.known(id)
    }

    pub fn known(&self, id: &str) -> OrgRef {
        self.engine.orgs().by_id(&OrgId::parse(id).unwrap()).unwrap()
    }

    pub async fn run(&self, org: &OrgRef, command: Command) -> Result<Accepted, Refusal> {
        self.engine.command(org, command, caller(), None).await
    }

    /// Whether the index says that an entity is blocked.
    pub fn is_blocked(&self, org: &OrgRef, entity: &str) -> bool {
        let question = super::block_index::Question {
            block_type: "comp_approval",
            entity_id: entity,
            venue_id: None,
            amount: None,
        };
        self.engine.blocks().check(org.stream, &question, 0, org.version(), &mut Vec::new())
    }
}

pub fn json(accepted: &Accepted) -> Value {
    serde_json::from_slice(&accepted.body).unwrap()
}

//! An engine with people who decide, and modules that do what a test says.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actors::executor::Outside;
use crate::actors::org::OrgRef;
use crate::actors::refusal::Refusal;
use crate::actors::scheduler;
use crate::actors::testing::{self, Bench, Kept, caller, settings};
use crate::delivery::effect::EffectOutcome;
use crate::delivery::modules::{DryRun, ModuleCall, ModuleCaller, Run};
use crate::delivery::testing::modules::ScriptedModules;
use crate::domain::approvals::decide::DecideApproval;
use crate::domain::approvals::submit::SubmitApproval;
use crate::domain::approvals::{Approval, Status, Verdict, hex};
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::command::Command;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::people::{ChangeUser, CreateUser};
use crate::domain::people::Role;
use crate::domain::state::TenantState;
use crate::domain::tasks::Task;
use crate::domain::testing::{staff, undoing};
use crate::domain::time::Timestamp;
use crate::domain::webhooks::commands::CreateWebhook;
use crate::store::Store;

/// An organisation with people, in an engine.
pub struct House {
    pub bench: Arc<Bench>,
    pub org: OrgRef,
    /// What is called, in the tests that use a script.
    pub modules: Arc<ScriptedModules>,
    /// Mails and calls to webhooks.
    pub outside: Arc<Kept>,
}

impl House {
    /// A house whose modules do this, and whose work is done as it comes due.
    pub async fn with(modules: ScriptedModules) -> Self {
        let modules = Arc::new(modules);
        Self { modules: modules.clone(), ..Self::on(Store::in_memory(), modules).await }
    }

    /// The same on a store.
    pub async fn on(store: Store, modules: Arc<dyn ModuleCaller>) -> Self {
        let house = Self::made(store, modules).await;
        house.work();
        house
    }

    /// A house in which nothing is done of itself.
    pub async fn quiet(modules: Arc<dyn ModuleCaller>) -> Self {
        Self::made(Store::in_memory(), modules).await
    }

    async fn made(store: Store, modules: Arc<dyn ModuleCaller>) -> Self {
        let (bench, outside) = start(store, modules).await;
        let org = match bench.engine.orgs().all().into_iter().next() {
            Some(org) => org,
            None => founded(&bench, "org").await,
        };
        Self { bench: Arc::new(bench), org, modules: Arc::default(), outside }
    }

    /// Has due work done from now on.
    pub fn work(&self) {
        self.bench.engine.background().spawn(scheduler::run(self.bench.engine.clone()));
    }

    /// Another organisation of the same engine.
    pub async fn beside(&self, id: &str) -> Self {
        let org = founded(&self.bench, id).await;
        Self { bench: self.bench.clone(), org, modules: self.modules.clone(), outside: self.outside.clone() }
    }

    pub async fn register(&self, capability: RegisterCapability) {
        self.bench.run(&self.org, Command::RegisterCapability(Box::new(capability))).await.unwrap();
    }

    pub async fn webhook(&self, url: &str) -> Uuid {
        let hook = CreateWebhook { url: url.into(), events: vec!["blocks".into()], description: None };
        let made = self.bench.run(&self.org, Command::CreateWebhook(hook)).await.unwrap();
        id_of(&testing::json(&made))
    }

    /// Submits a request and has everybody approve it whom it waits for.
    pub async fn approved(&self, request: SubmitApproval) -> Uuid {
        self.try_approved(request).await.unwrap()
    }

    pub async fn try_approved(&self, request: SubmitApproval) -> Result<Uuid, Refusal> {
        let made = self.bench.run(&self.org, Command::SubmitApproval(Box::new(request))).await?;
        let id = id_of(&testing::json(&made));
        self.decided(id).await?;
        Ok(id)
    }

    /// Has everybody approve whom a request waits for.
    pub async fn decided(&self, id: Uuid) -> Result<(), Refusal> {
        for person in ["olga", "rae", "otto"] {
            let approval = self.try_approval(id).await?;
            if approval.status != Status::Pending {
                break;
            }
            let payload_hash = Some(hex(&approval.payload_hash));
            let vote = DecideApproval { id, verdict: Verdict::Approved, payload_hash, comment: None };
            let engine = &self.bench.engine;
            match engine.command(&self.org, Command::DecideApproval(vote), staff(person, role(person)), None).await {
                Ok(_) | Err(Refusal::Rejected(_)) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Asks for the undo of a request, and has it approved.
    pub async fn undone(&self, id: Uuid) -> Uuid {
        let undo = Command::UndoApproval(Box::new(undoing(id)));
        let engine = &self.bench.engine;
        let made = engine.command(&self.org, undo, staff("mia", Role::Manager), None).await.unwrap();
        let undo = id_of(&testing::json(&made));
        self.decided(undo).await.unwrap();
        undo
    }

    pub async fn run_as(&self, person: &str, command: Command) {
        self.bench.engine.command(&self.org, command, staff(person, role(person)), None).await.unwrap();
    }

    pub async fn change_role(&self, person: &str, role: Role) {
        let org_id = self.org.org_id.clone();
        let change = ChangeUser {
            org_id,
            id: person.into(),
            email: None,
            name: None,
            role: Some(role),
            venues: None,
            password_hash: None,
        };
        let command = DirectoryCommand::ChangeUser(Box::new(change));
        self.bench.engine.directory_command(command, caller(), None).await.unwrap();
    }

    pub async fn look<T: Send + 'static>(&self, view: impl FnOnce(&TenantState) -> T + Send + 'static) -> T {
        self.bench.engine.read(&self.org, None, view).await.unwrap().0
    }

    pub async fn try_approval(&self, id: Uuid) -> Result<Approval, Refusal> {
        let read = move |state: &TenantState| state.approvals.get(&id).cloned().expect("a request");
        self.bench.engine.read(&self.org, None, read).await.map(|(approval, _)| approval)
    }

    pub async fn approval(&self, id: Uuid) -> Approval {
        self.try_approval(id).await.unwrap()
    }

    pub async fn status(&self, id: Uuid) -> Status {
        // Also while the engine takes no more work.
        let read = move |state: &TenantState| state.approvals.get(&id).expect("a request").status;
        self.bench.engine.read_unlimited(&self.org, read).await.unwrap().0
    }

    pub async fn task(&self, id: Uuid) -> Task {
        let task = self.approval(id).await.execution.and_then(|run| run.task_id).expect("a run");
        self.look(move |state| state.tasks.get(&task).cloned().expect("a task")).await
    }

    /// Waits until a request stands so.
    pub async fn until(&self, id: Uuid, status: Status) -> Approval {
        for _ in 0..6_000 {
            let approval = self.approval(id).await;
            if approval.status == status {
                return approval;
            }
            moment().await;
        }
        panic!("it should be {status:?} and is {:?}", self.approval(id).await);
    }

    /// Waits until a request is to be tried again, and says when.
    pub async fn until_tried_again(&self, id: Uuid) -> Timestamp {
        for _ in 0..6_000 {
            if let Some(at) = self.approval(id).await.execution.and_then(|run| run.next_at) {
                return at;
            }
            moment().await;
        }
        panic!("{:?}", self.approval(id).await);
    }

    /// Waits until modules were called so often.
    pub async fn until_calls(&self, calls: usize) {
        for _ in 0..6_000 {
            if self.modules.runs().len() >= calls {
                return;
            }
            moment().await;
        }
        panic!("{} calls", self.modules.runs().len());
    }

    /// Waits for what goes on in the background to have had its turn.
    pub async fn until_quiet(&self) {
        for _ in 0..20 {
            moment().await;
            self.bench.engine.read_unlimited(&self.org, |_| ()).await.unwrap();
        }
    }
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

fn role(person: &str) -> Role {
    if person == "rae" { Role::Reviewer } else { Role::Owner }
}

fn id_of(made: &Value) -> Uuid {
    made["id"].as_str().expect("an id").parse().unwrap()
}

async fn start(store: Store, modules: Arc<dyn ModuleCaller>) -> (Bench, Arc<Kept>) {
    let outside = Arc::new(Kept::default());
    let ways = Outside {
        modules,
        email: outside.clone(),
        webhooks: outside.clone(),
        slack: outside.clone(),
        server_key: [7; 32],
    };
    (testing::start_reaching(store, settings(), ways).await, outside)
}

async fn founded(bench: &Bench, id: &str) -> OrgRef {
    let org = bench.organisation(id).await;
    for (name, role) in [("olga", Role::Owner), ("otto", Role::Owner), ("rae", Role::Reviewer), ("mia", Role::Manager)]
    {
        let user = CreateUser {
            org_id: org.org_id.clone(),
            id: Some(name.into()),
            email: format!("{name}@{id}.example"),
            name: name.into(),
            role,
            venues: None,
            password_hash: None,
        };
        let command = DirectoryCommand::CreateUser(Box::new(user));
        bench.engine.directory_command(command, caller(), None).await.unwrap();
    }
    org
}

/// What places a block.
pub fn block_payload(entity: &str) -> Value {
    json!({ "block_type": "comp_approval", "entity_id": entity, "entity_type": "employee", "reason": "Under review" })
}

/// Modules that bring the server down with them, if they can.
pub struct Broken;

impl ModuleCaller for Broken {
    fn run<'a>(&'a self, _: &'a ModuleCall, _: Run) -> BoxFuture<'a, EffectOutcome> {
        Box::pin(async { panic!("a fault of the test") })
    }

    fn dry_run<'a>(&'a self, _: &'a ModuleCall) -> BoxFuture<'a, Result<DryRun, String>> {
        Box::pin(async { Err("there is no dry run".into()) })
    }
}

//! The one handle through which everything above reaches the organisations.

mod mailboxes;
mod processing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix::Addr;
use papaya::HashMap;
use tokio::sync::{mpsc, oneshot, watch};

use super::access::Access;
use super::agenda::Agenda;
use super::block_index::BlockIndex;
use super::courier::Courier;
use super::directory::DirectoryKind;
use super::executor::Executor;
use super::feed;
pub use super::feed::{FeedMessage, Wish};
use super::herald::Herald;
use super::job::{Job, Order, Reading, Release};
use super::notifier::Notifier;
use super::org::{Admitted, Condition, OrgRef};
use super::organisation::OrganisationKind;
use super::orgs::Orgs;
use super::refusal::{Accepted, Refusal};
use super::services::ServicesRef;
use super::tenant::Tenant;
use crate::clock::now_ms;
use crate::domain::aggregate::Aggregate;
use crate::domain::blocks::OnError;
use crate::domain::command::Command;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::state::Directory;
use crate::domain::idempotency::Request;
use crate::domain::ids::{IdSource, OutsideId};
use crate::domain::people::Caller;
use crate::domain::settings::Found;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::store::snapshotter::Snapshotter;
pub use processing::Processed;

/// When deliveries are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryMode {
    /// As soon as they are due.
    Immediate,
    /// When somebody asks for it.
    OnProcess,
}

/// The parts of an engine.
pub struct Parts {
    /// Store, settings, randomness.
    pub services: ServicesRef,
    /// Writes snapshots of organisations.
    pub snapshotter: Arc<Snapshotter>,
    /// Writes snapshots of the directory.
    pub directory_snapshotter: Arc<Snapshotter>,
    /// Delivers.
    pub courier: Arc<Courier>,
    /// Tells webhooks.
    pub notifier: Arc<Notifier>,
    /// Has approved work carried out.
    pub executor: Arc<Executor>,
    /// When deliveries are made.
    pub delivery_mode: DeliveryMode,
    /// The threads that organisations are spread over; at least one.
    pub arbiters: Vec<actix_rt::ArbiterHandle>,
    /// Where deliveries and live readers run, away from the HTTP workers.
    pub background: tokio::runtime::Handle,
}

struct Inner {
    parts: Parts,
    blocks: Arc<BlockIndex>,
    access: Arc<Access>,
    orgs: Arc<Orgs>,
    agenda: Arc<Agenda>,
    actors: HashMap<u64, Addr<Tenant<OrganisationKind>>>,
    directory: HashMap<(), Addr<Tenant<DirectoryKind>>>,
    starting: std::sync::Mutex<()>,
    herald: Arc<Herald>,
    waiting: AtomicUsize,
    ready: AtomicBool,
    stopping: watch::Sender<bool>,
}

/// The handle. Cloning it is cheap.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// A place among all that waits; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Engine {
    /// An engine that knows no organisation yet; [`super::start::recover_all`] reads them.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            blocks: Arc::default(),
            access: Arc::default(),
            orgs: Arc::default(),
            agenda: Arc::default(),
            actors: HashMap::new(),
            directory: HashMap::new(),
            starting: std::sync::Mutex::default(),
            herald: Arc::default(),
            waiting: AtomicUsize::new(0),
            ready: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
        }))
    }

    /// The block index.
    pub fn blocks(&self) -> &BlockIndex {
        &self.0.blocks
    }

    /// The credentials.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// The organisations.
    pub fn orgs(&self) -> &Orgs {
        &self.0.orgs
    }

    /// What is due when.
    pub fn agenda(&self) -> &Agenda {
        &self.0.agenda
    }

    /// The courier.
    pub fn courier(&self) -> &Arc<Courier> {
        &self.0.parts.courier
    }

    /// The notifier.
    pub fn notifier(&self) -> &Arc<Notifier> {
        &self.0.parts.notifier
    }

    /// The herald.
    pub fn herald(&self) -> &Arc<Herald> {
        &self.0.herald
    }

    /// The executor.
    pub fn executor(&self) -> &Arc<Executor> {
        &self.0.parts.executor
    }

    /// When deliveries are made.
    pub fn delivery_mode(&self) -> DeliveryMode {
        self.0.parts.delivery_mode
    }

    /// What every actor shares.
    pub fn services(&self) -> &ServicesRef {
        &self.0.parts.services
    }

    /// Where deliveries and live readers run.
    pub fn background(&self) -> &tokio::runtime::Handle {
        &self.0.parts.background
    }

    /// Whether every organisation was recovered.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    pub(super) fn set_ready(&self) {
        self.0.ready.store(true, Ordering::Release);
    }

    /// Whether the engine takes no more work.
    pub fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Waits until the engine takes no more work.
    pub async fn stopping(&self) {
        let mut stopping = self.0.stopping.subscribe();
        drop(stopping.wait_for(|stopping| *stopping).await); // a closed channel is an end as well
    }

    /// What a till should do while we cannot say.
    pub fn default_on_error(&self) -> OnError {
        OnError::default()
    }

    /// Time and ids for a look that needs fresh ones.
    pub fn fresh_ids(&self) -> (Timestamp, IdSource) {
        let now = now_ms();
        (Timestamp(now), IdSource::new(now, self.services().random()))
    }

    /// Decides, writes, publishes, answers.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn command(
        &self,
        org: &OrgRef,
        command: Command,
        caller: Caller,
        request: Option<Request>,
    ) -> Result<Accepted, Refusal> {
        let place = self.admit(org)?;
        let _all = self.admit_at_all()?;
        self.order(org, command, caller, request, Some(place)).await
    }

    /// The same for what the server itself sends, which waits in no queue of callers.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn command_unlimited(&self, org: &OrgRef, command: Command, caller: Caller) -> Result<Accepted, Refusal> {
        self.order(org, command, caller, None, None).await
    }

    async fn order(
        &self,
        org: &OrgRef,
        command: Command,
        caller: Caller,
        request: Option<Request>,
        place: Option<Admitted>,
    ) -> Result<Accepted, Refusal> {
        let (answer, answered) = oneshot::channel();
        let order = Order { command, caller, request, answer, place };
        self.send(org, Job::Order(Box::new(order)))?;
        answered.await.unwrap_or(Err(Refusal::Failed))
    }

    /// Reads a state that is durable and, with `min_version`, at least that new. Gives what was read and the version.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn read<T: Send + 'static>(
        &self,
        org: &OrgRef,
        min_version: Option<u64>,
        view: impl FnOnce(&TenantState) -> T + Send + 'static,
    ) -> Result<(T, u64), Refusal> {
        let place = self.admit(org)?;
        let _all = self.admit_at_all()?;
        let (reading, read) = reading(min_version, view, Some(place));
        self.send(org, Job::Reading(reading))?;
        read.await.unwrap_or(Err(Refusal::Failed))
    }

    /// The same for what the server itself asks.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn read_unlimited<T: Send + 'static>(
        &self,
        org: &OrgRef,
        view: impl FnOnce(&TenantState) -> T + Send + 'static,
    ) -> Result<(T, u64), Refusal> {
        let (reading, read) = reading(None, view, None);
        self.send(org, Job::Reading(reading))?;
        read.await.unwrap_or(Err(Refusal::Failed))
    }

    /// Decides, writes, publishes, answers, in the directory. An organisation that is registered is founded before the answer.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn directory_command(
        &self,
        command: DirectoryCommand,
        caller: Caller,
        request: Option<Request>,
    ) -> Result<Accepted, Refusal> {
        let _all = self.admit_at_all()?;
        let registered = match &command {
            DirectoryCommand::RegisterOrganisation(one) => OutsideId::parse(&one.org_id).ok(),
            _ => None,
        };
        let (answer, answered) = oneshot::channel();
        let order = Order { command, caller, request, answer, place: None };
        self.send_directory(Job::Order(Box::new(order)))?;
        let Some(id) = registered else { return answered.await.unwrap_or(Err(Refusal::Failed)) };
        // On its own, so that a caller who vanishes does not leave an organisation that is registered and not founded.
        let engine = self.clone();
        let founded = self.background().spawn(async move {
            let accepted = answered.await.unwrap_or(Err(Refusal::Failed))?;
            if let Some(org) = engine.orgs().by_id(&id) {
                engine.start_if_absent(&org);
                engine.found(&org).await?;
            }
            Ok(accepted)
        });
        founded.await.unwrap_or(Err(Refusal::Failed))
    }

    /// Reads the directory.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn directory_read<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Directory) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let _all = self.admit_at_all()?;
        let (reading, read) = reading(None, view, None);
        self.send_directory(Job::Reading(reading))?;
        read.await.unwrap_or(Err(Refusal::Failed)).map(|(value, _)| value)
    }

    /// Writes the first record of an organisation that the directory has registered; nothing when it is there.
    pub(super) async fn found(&self, org: &OrgRef) -> Result<(), Refusal> {
        let id = org.org_id.clone();
        let Some((name, time_zone)) = self
            .directory_read(move |state| {
                state.organisation(&id).map(|one| (one.name.to_string(), one.time_zone.to_string()))
            })
            .await?
        else {
            return Ok(());
        };
        let found = Command::Found(Found { org_id: org.org_id.clone(), name, time_zone });
        self.command_unlimited(org, found, Caller::schedule()).await.map(drop)
    }

    /// Follows an organisation's events after a version, or from now on.
    ///
    /// # Errors
    /// [`Refusal`] when the organisation does not answer.
    pub async fn follow(
        &self,
        org: &OrgRef,
        after: Option<u64>,
        wish: Wish,
    ) -> Result<mpsc::Receiver<FeedMessage>, Refusal> {
        answers(org)?;
        let stopping = self.0.stopping.subscribe();
        Ok(feed::follow(self.background(), self.services().clone(), org.clone(), after, wish, stopping))
    }

    /// Takes no more work and begins none. What is called already goes on, and how it ends can still be written down.
    pub fn take_no_more(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Takes no more work, waits until what was taken is durable, and has snapshots made where they are worth it.
    pub async fn stop(&self) {
        self.take_no_more();
        let settle = |org: OrgRef| async move {
            let (told, settled) = oneshot::channel();
            if self.send(&org, Job::Settle(told)).is_ok() {
                drop(settled.await); // an actor that is gone has nothing to settle
            }
        };
        for some in self.orgs().all().chunks(64) {
            futures_util::future::join_all(some.iter().cloned().map(settle)).await;
        }
        let (told, settled) = oneshot::channel();
        if self.send_directory(Job::Settle(told)).is_ok() {
            drop(settled.await);
        }
    }

    /// Waits for the snapshots that were asked for, then closes the journal. Blocks.
    pub fn close(&self) {
        self.0.parts.snapshotter.stop();
        self.0.parts.directory_snapshotter.stop();
        self.services().store.journal.close();
    }

    fn admit(&self, org: &OrgRef) -> Result<Admitted, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Stopping);
        }
        answers(org)?;
        let busy = || Refusal::OrganisationBusy { waiting: org.waiting() };
        org.admit(self.services().settings.org_waiting_max).ok_or_else(busy)
    }

    fn admit_at_all(&self) -> Result<Place<'_>, Refusal> {
        let before = self.0.waiting.fetch_add(1, Ordering::AcqRel);
        let place = Place(&self.0.waiting);
        if before < self.services().settings.waiting_max { Ok(place) } else { Err(Refusal::ServerBusy) }
    }
}

fn answers(org: &OrgRef) -> Result<(), Refusal> {
    match org.condition() {
        Condition::Ready => Ok(()),
        Condition::Starting => Err(Refusal::Starting),
        Condition::Quarantined => Err(Refusal::Quarantined),
    }
}

type Read<T> = oneshot::Receiver<Result<(T, u64), Refusal>>;

/// A look at the state whose result is held back until it is durable.
fn reading<S: Aggregate, T: Send + 'static>(
    min_version: Option<u64>,
    view: impl FnOnce(&S) -> T + Send + 'static,
    place: Option<Admitted>,
) -> (Reading<S>, Read<T>) {
    let (told, read) = oneshot::channel();
    let look = move |state: Result<&S, Refusal>| -> Option<Release> {
        match state {
            Err(refusal) => {
                drop(told.send(Err(refusal))); // whoever asked may be gone
                None
            }
            Ok(state) => {
                let (value, version) = (view(state), state.last_seq());
                Some(Box::new(move |durable: Result<u64, Refusal>| drop(told.send(durable.map(|_| (value, version))))))
            }
        }
    };
    (Reading { min_version: min_version.unwrap_or(0), view: Box::new(look), place }, read)
}

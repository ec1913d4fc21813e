//! The composition root: the one file that names every concrete type and puts them together.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;
use actix_web::dev::ServerHandle;

use crate::actors::courier::Courier;
use crate::actors::engine::{DeliveryMode, Engine, Parts};
use crate::actors::executor::{Executor, Outside};
use crate::actors::notifier::Notifier;
use crate::actors::scheduler;
use crate::actors::services::{ActorSettings, Services};
use crate::actors::start::recover_all;
use crate::config::{Config, Mode};
use crate::delivery::channels::email::{EmailChannel, EmailSettings};
use crate::delivery::channels::webhook::WebhookChannel;
use crate::delivery::egress::Egress;
use crate::delivery::modules::ModuleClient;
use crate::delivery::outbound::Outbound;
use crate::delivery::summary::{Summarizer, SummarySettings};
use crate::domain::directory::state::Directory;
use crate::domain::state::TenantState;
use crate::http::{self, Foresight, HttpSettings, HttpState};
use crate::priority::{BESIDE_REQUESTS, step_back};
use crate::secrets::{self, Secrets};
use crate::store::sled_journal::SledJournalConfig;
use crate::store::snapshotter::Snapshotter;
use crate::store::stored::fold::Folded;
use crate::store::{Store, StoreConfig};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    fn because(what: &str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |why| Self(format!("{what}: {why}"))
    }
}

/// A running server.
pub struct App {
    url: String,
    secrets: Secrets,
    engine: Engine,
    http: ServerHandle,
    arbiters: Vec<Arbiter>,
    background: Background,
    stop_timeout: Duration,
}

/// The runtime of deliveries and live readers. Dropping a runtime waits for it, which async code must not; nothing that runs here has
/// to end first, so it is let go instead, also when a start is given up half-way.
struct Background(Option<tokio::runtime::Runtime>);

impl Background {
    fn handle(&self) -> Option<&tokio::runtime::Handle> {
        self.0.as_ref().map(tokio::runtime::Runtime::handle)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// How often the journal is asked whether its disk still works.
const HEALTH_EVERY: Duration = Duration::from_millis(200);
/// How long checks are still answered after the disk failed, so that tills are told before we go.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl App {
    /// Opens the data directory, listens, recovers, and is ready when it returns. Needs an actix system.
    ///
    /// # Errors
    /// A data directory that is in use, foreign or unreadable; an address that is taken; settings that make no sense.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let dir = &config.data.dir;
        let store = open_store(dir, &config)?;
        let secrets = secrets::read_or_make(dir).map_err(|error| StartError::because("secrets")(&error))?;
        let listener = TcpListener::bind(&config.server.listen)
            .map_err(|error| StartError::because(&format!("cannot listen on {}", config.server.listen))(&error))?;
        let address = listener.local_addr().map_err(|error| StartError::because("cannot listen")(&error))?;
        let (background, arbiters) = threads(&config)?;
        let handle = background.handle().cloned().ok_or_else(|| StartError("there are no threads".into()))?;
        let engine = engine(&config, store, &arbiters, handle.clone(), secrets.server_key)?;
        let http = serve(&config, listener, engine.clone(), &secrets)?;
        let started = recover_all(&engine).await.map_err(|error| StartError(error.to_string()))?;
        handle.spawn(scheduler::run(engine.clone()));
        tracing::info!(
            organisations = started.organisations,
            quarantined = started.quarantined,
            records = started.records,
            "ready"
        );
        Ok(Self {
            url: format!("http://{address}"),
            secrets,
            engine,
            http,
            arbiters,
            background,
            stop_timeout: Duration::from_secs(config.server.stop_timeout_s),
        })
    }

    /// Where it listens, such as `http://127.0.0.1:8080`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token of whoever runs it.
    pub fn operator_token(&self) -> &str {
        &self.secrets.operator_token
    }

    /// Whether the token was made at this start.
    pub fn operator_token_is_new(&self) -> bool {
        self.secrets.operator_token_is_new
    }

    /// Waits until the server must stop by itself, and gives the reason. Checks are answered for two more seconds first.
    pub async fn failed(&self) -> String {
        loop {
            if let Some(why) = self.engine.services().store.journal.poisoned() {
                tracing::error!(why, "the disk failed: nothing is written any more, and the server ends");
                tokio::time::sleep(LAST_WORDS).await;
                return why;
            }
            tokio::time::sleep(HEALTH_EVERY).await;
        }
    }

    /// Stops in order: takes no new work, waits for executions that are on their way and for what was taken, makes snapshots, closes the journal.
    pub async fn stop(mut self) {
        self.engine.take_no_more();
        if tokio::time::timeout(self.stop_timeout, self.engine.executor().idle()).await.is_err() {
            tracing::warn!("some executions have not ended in time; what became of them is decided at the next start");
        }
        if tokio::time::timeout(self.stop_timeout, self.engine.stop()).await.is_err() {
            tracing::warn!("not everything was settled in time; it will be read again at the next start");
        }
        self.http.stop(true).await;
        for arbiter in self.arbiters.drain(..) {
            arbiter.stop();
            if arbiter.join().is_err() {
                tracing::error!("a thread of actors panicked");
            }
        }
        let engine = self.engine.clone();
        let closed = tokio::task::spawn_blocking(move || engine.close());
        if tokio::time::timeout(self.stop_timeout, closed).await.is_err() {
            tracing::warn!("the journal was not closed in time; it will be read again at the next start");
        }
        drop(self.background);
    }
}

fn open_store(dir: &Path, config: &Config) -> Result<Store, StartError> {
    let mib = |mib: u64| mib * 1024 * 1024;
    let journal = SledJournalConfig {
        cache_bytes: mib(config.store.cache_mib),
        reserve_bytes: mib(config.store.reserve_mib),
        compaction_factor: config.store.compact_factor,
        compaction_floor_bytes: mib(config.store.compact_from_mib),
        ..SledJournalConfig::default()
    };
    Store::open(dir, &StoreConfig { journal })
        .map_err(|error| StartError::because(&format!("data directory {}", dir.display()))(&error))
}

fn threads(config: &Config) -> Result<(Background, Vec<Arbiter>), StartError> {
    let background = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("background")
        .on_thread_start(|| step_back(BESIDE_REQUESTS))
        .enable_all()
        .build()
        .map_err(|error| StartError::because("cannot start threads")(&error))?;
    let count = if config.actors.threads == 0 { processors().div_ceil(2) } else { config.actors.threads };
    let arbiters: Vec<Arbiter> = (0..count).map(|_| Arbiter::new()).collect();
    for arbiter in &arbiters {
        arbiter.spawn_fn(|| step_back(BESIDE_REQUESTS));
    }
    Ok((Background(Some(background)), arbiters))
}

fn engine(
    config: &Config,
    store: Store,
    arbiters: &[Arbiter],
    background: tokio::runtime::Handle,
    server_key: [u8; 32],
) -> Result<Engine, StartError> {
    let email: Arc<EmailChannel> = EmailChannel::new(&EmailSettings {
        url: Some(config.delivery.email.url.clone()).filter(|url| !url.is_empty()),
        from: config.delivery.email.from.clone(),
        timeout_ms: config.delivery.email.timeout_ms,
        connections_max: config.delivery.email.connections_max,
    })
    .map(Arc::new)
    .map_err(|error| StartError::because("delivery.email")(&error))?;
    let egress = Egress::allowing(&config.delivery.egress.allow);
    let outbound = Outbound::new(egress.clone()).map_err(|error| StartError::because("outbound HTTP")(&error))?;
    let webhooks = Arc::new(WebhookChannel::new(outbound.clone()));
    let notifier = Notifier::new(webhooks.clone(), egress, server_key);
    let modules = Arc::new(ModuleClient::new(outbound));
    let executor = Executor::new(Outside { modules, email: email.clone(), webhooks, server_key });
    let no_thread = |error: std::io::Error| StartError::because("cannot start a thread")(&error);
    let (history, snapshots) = (store.history.clone(), store.snapshots.clone());
    let snapshotter =
        Snapshotter::start::<Folded<TenantState>>(history.clone(), snapshots.clone()).map_err(no_thread)?;
    let directory_snapshotter = Snapshotter::start::<Folded<Directory>>(history, snapshots).map_err(no_thread)?;
    let settings = ActorSettings {
        org_waiting_max: config.actors.org_waiting_max,
        waiting_max: config.actors.waiting_max,
        snapshot_every_records: config.store.snapshot_every_records,
        snapshot_at_stop_records: config.store.snapshot_at_stop_records,
        passivate_after_ms: i64::try_from(config.actors.passivate_after_s.saturating_mul(1_000)).unwrap_or(i64::MAX),
        idle_check_ms: 20_000,
    };
    Ok(Engine::new(Parts {
        services: Arc::new(Services { store, settings }),
        snapshotter: Arc::new(snapshotter),
        directory_snapshotter: Arc::new(directory_snapshotter),
        courier: Arc::new(Courier::new(email)),
        notifier: Arc::new(notifier),
        executor: Arc::new(executor),
        delivery_mode: match config.delivery.mode {
            Mode::Immediate => DeliveryMode::Immediate,
            Mode::OnProcess => DeliveryMode::OnProcess,
        },
        arbiters: arbiters.iter().map(Arbiter::handle).collect(),
        background,
    }))
}

fn serve(
    config: &Config,
    listener: TcpListener,
    engine: Engine,
    secrets: &Secrets,
) -> Result<ServerHandle, StartError> {
    let workers =
        if config.server.workers == 0 { processors().saturating_sub(1).max(1) } else { config.server.workers };
    let settings = HttpSettings {
        workers,
        body_bytes_max: config.server.body_bytes_max,
        keep_alive_s: config.server.keep_alive_s,
        client_timeout_ms: config.server.client_timeout_ms,
        stop_timeout_s: config.server.stop_timeout_s,
        operator_token: secrets.operator_token.clone(),
        cron_secret: secrets.cron_secret.clone(),
        server_key: secrets.server_key,
        cookie_secure: config.server.cookie_secure,
    };
    let state = HttpState { engine, foresight: foresight(config)? };
    let server =
        http::server(listener, state, settings).map_err(|error| StartError::because("cannot serve")(&error))?;
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(handle)
}

/// Whom we ask what a request will do.
fn foresight(config: &Config) -> Result<Foresight, StartError> {
    let egress = Egress::allowing(&config.delivery.egress.allow);
    let outbound = Outbound::new(egress).map_err(|error| StartError::because("outbound HTTP")(&error))?;
    let summary = &config.preview.summary;
    let settings = SummarySettings { url: summary.url.clone(), model: summary.model.clone(), key: summary.key.clone() };
    let summaries = if summary.url.is_empty() {
        None
    } else {
        let made = Summarizer::new(outbound.clone(), settings);
        Some(Arc::new(made.map_err(|why| StartError(format!("preview.summary.url {why}")))?))
    };
    Ok(Foresight { modules: Arc::new(ModuleClient::new(outbound)), summaries })
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

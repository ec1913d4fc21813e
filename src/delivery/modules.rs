//! The client of remote modules: has a module run its capability once, or say what it would do. `docs/modules.md` is the contract.
//!
//! Promise: one signed POST per call; every call ends in bounded time, memory and number of lines as one [`EffectOutcome`]; each line of progress
//! is handed on when it arrives, in order; no redirect is followed, and nothing is called that the rules of egress do not open. Dropping the
//! future ends the call; whether the module did it is then unknown.
//! Never here: trying again, counting runs, or deciding whether a call is due.

mod answer;
mod dry_run;
mod lines;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::channel::{Signing, detail};
use super::effect::EffectOutcome;
use super::outbound::{self, Outbound, Places};
use crate::domain::capabilities::Preview;
use crate::domain::json::JsonText;

/// How long a dry run may take in all: a person waits for it.
const DRY_RUN_WITHIN: Duration = Duration::from_secs(3);
/// How long an answer that has begun may be silent.
const SILENT_FOR: Duration = Duration::from_secs(60);
/// Dry runs on their way at once, in all and for one organisation.
const DRY_RUNS_MAX: (usize, usize) = (32, 8);

/// What a module is asked, for real or dry. The same value gives the same body on every attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleCall {
    /// The organisation that asks; its key signs, and its share of the places is used.
    pub org_id: String,
    /// Where the capability is served.
    pub endpoint: String,
    /// `module.verb`.
    pub capability: String,
    /// What was approved, or for an undo, what the module gave to take it back with.
    pub payload: JsonText,
    /// Whether it is to take back what it did.
    pub undo: bool,
    /// The execution, which stays over all its attempts; also the `webhook-id`. A dry run has one of its own.
    pub execution_id: Uuid,
    /// The key of the capability and the time of this attempt.
    pub signing: Signing,
}

/// How a module is to run.
#[derive(Debug)]
pub struct Run {
    /// Of the effect, not of the attempt: the module does nothing more when it has seen the key.
    pub idempotency_key: String,
    /// For the whole call, from connecting to the last byte that matters, in whole or part waited for whoever takes the progress.
    pub within: Duration,
    /// Who hears of progress. The module's lines wait while it is full; whoever does not want to hear any more drops the other end.
    pub progress: mpsc::Sender<Progress>,
}

/// One line of progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much is done, of a thousand; nothing when the module did not say.
    pub per_mille: Option<u16>,
    /// One line of at most 500 bytes.
    pub message: Option<String>,
}

/// What a module says that it would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// For the people who decide.
    pub preview: Preview,
    /// What would take it back, when that is known before it is done.
    pub undo_payload: Option<JsonText>,
}

/// Whoever can have a module run: the client here, and in tests a script.
pub trait ModuleCaller: Send + Sync + 'static {
    /// Has a capability run.
    fn run<'a>(&'a self, call: &'a ModuleCall, how: Run) -> BoxFuture<'a, EffectOutcome>;

    /// Asks what it would do, without an effect; else says why that is not known, and the preview is made from the template. Ends within
    /// three seconds.
    fn dry_run<'a>(&'a self, call: &'a ModuleCall) -> BoxFuture<'a, Result<DryRun, String>>;
}

/// The client.
pub struct ModuleClient {
    outbound: Outbound,
    dry_runs: Places,
    dry_run_within: Duration,
    silent_for: Duration,
}

impl ModuleClient {
    /// A client that calls through these clients.
    pub fn new(outbound: Outbound) -> Self {
        let (all, each) = DRY_RUNS_MAX;
        Self { outbound, dry_runs: Places::new(all, each), dry_run_within: DRY_RUN_WITHIN, silent_for: SILENT_FOR }
    }

    async fn run_once(&self, call: &ModuleCall, how: Run) -> EffectOutcome {
        let body = body(call, false);
        let request = match self.outbound.signed(&call.endpoint, &call.execution_id, &call.signing, body, how.within) {
            Ok(request) => request.header("idempotency-key", how.idempotency_key),
            Err(why) => return EffectOutcome::NotSent { error: detail(&why, &[]) },
        };
        let done = async {
            match outbound::send(request).await {
                Ok(answer) => answer::outcome(answer, &how.progress, self.silent_for).await,
                Err(unanswered) => unanswered.into(),
            }
        };
        timeout(how.within, done).await.unwrap_or_else(|_| EffectOutcome::Unknown {
            error: format!("no result within {} ms", how.within.as_millis()),
            retry_after_ms: None,
        })
    }

    async fn dry_run_once(&self, call: &ModuleCall) -> Result<DryRun, String> {
        let Some(_place) = self.dry_runs.take(&call.org_id) else {
            return Err("too many previews are being asked for".into());
        };
        let (body, within) = (body(call, true), self.dry_run_within);
        let request = self.outbound.signed(&call.endpoint, &call.execution_id, &call.signing, body, within)?;
        let asked = async {
            let answer = outbound::send(request).await.map_err(|unanswered| unanswered.why)?;
            dry_run::read(answer).await
        };
        timeout(within, asked).await.unwrap_or_else(|_| Err("no answer in time".into()))
    }
}

impl ModuleCaller for ModuleClient {
    fn run<'a>(&'a self, call: &'a ModuleCall, how: Run) -> BoxFuture<'a, EffectOutcome> {
        self.run_once(call, how).boxed()
    }

    fn dry_run<'a>(&'a self, call: &'a ModuleCall) -> BoxFuture<'a, Result<DryRun, String>> {
        self.dry_run_once(call).map(|asked| asked.map_err(|why| detail(&why, &[]))).boxed()
    }
}

fn body(call: &ModuleCall, dry_run: bool) -> String {
    let body = json!({
        "execution_id": call.execution_id,
        "capability": call.capability,
        "payload": call.payload.value(),
        "dry_run": dry_run,
        "undo": call.undo,
    });
    body.to_string()
}

#[cfg(test)]
mod tests;

//! Modules by script, for tests of what calls them: no network, every call kept, and where a script waits the test says when it goes on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::Notify;

use super::super::effect::EffectOutcome;
use super::super::modules::{DryRun, ModuleCall, ModuleCaller, Progress, Run};
use crate::domain::json::JsonText;

/// How one run goes.
#[derive(Clone, Debug)]
pub struct ScriptedRun {
    /// Told one after the other, first of all.
    pub progress: Vec<Progress>,
    /// Waits for this before it ends.
    pub until: Option<Arc<Notify>>,
    /// How it ends.
    pub outcome: EffectOutcome,
}

impl ScriptedRun {
    /// Ends so at once.
    pub fn ending(outcome: EffectOutcome) -> Self {
        Self { progress: Vec::new(), until: None, outcome }
    }

    /// Done, with this result and nothing to take it back with.
    pub fn done(result: &serde_json::Value) -> Self {
        Self::ending(EffectOutcome::Done { result: JsonText::of(result), undo_payload: None })
    }
}

/// One call as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// What was asked.
    pub call: ModuleCall,
    /// Nothing for a dry run.
    pub idempotency_key: Option<String>,
}

#[derive(Default)]
struct Kept {
    runs: VecDeque<ScriptedRun>,
    dry_runs: VecDeque<Result<DryRun, String>>,
    calls: Vec<Called>,
}

/// The modules.
#[derive(Default)]
pub struct ScriptedModules {
    kept: Mutex<Kept>,
}

impl ScriptedModules {
    /// Modules whose runs go so, one after the other; then all are done, with `{"done": true}`.
    pub fn running(runs: impl IntoIterator<Item = ScriptedRun>) -> Self {
        let modules = Self::default();
        modules.kept().runs.extend(runs);
        modules
    }

    /// The same with these answers to dry runs; then none knows what it would do.
    pub fn previewing(self, dry_runs: impl IntoIterator<Item = Result<DryRun, String>>) -> Self {
        self.kept().dry_runs.extend(dry_runs);
        self
    }

    /// Every call so far, dry runs among them; a run is kept before it has any other effect.
    pub fn calls(&self) -> Vec<Called> {
        self.kept().calls.clone()
    }

    /// The idempotency keys of the runs so far.
    pub fn runs(&self) -> Vec<String> {
        self.calls().into_iter().filter_map(|called| called.idempotency_key).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModuleCaller for ScriptedModules {
    fn run<'a>(&'a self, call: &'a ModuleCall, how: Run) -> BoxFuture<'a, EffectOutcome> {
        async move {
            let script = {
                let mut kept = self.kept();
                kept.calls.push(Called { call: call.clone(), idempotency_key: Some(how.idempotency_key) });
                kept.runs.pop_front().unwrap_or_else(|| ScriptedRun::done(&json!({ "done": true })))
            };
            for progress in script.progress {
                drop(how.progress.send(progress).await); // nobody may be listening
            }
            if let Some(until) = script.until {
                until.notified().await;
            }
            script.outcome
        }
        .boxed()
    }

    fn dry_run<'a>(&'a self, call: &'a ModuleCall) -> BoxFuture<'a, Result<DryRun, String>> {
        async move {
            let mut kept = self.kept();
            kept.calls.push(Called { call: call.clone(), idempotency_key: None });
            kept.dry_runs.pop_front().unwrap_or_else(|| Err("there is no dry run".into()))
        }
        .boxed()
    }
}

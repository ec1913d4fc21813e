//! What a request will do, asked before it is made: the module's dry run, and, where the operator has chosen a language model, its line.
//!
//! Promise: neither keeps a request from being made. A command that would be refused asks nobody; a module that does not answer within its
//! time leaves the preview to the template of its capability. What is asked here is shown to people and is in no hash.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::caller::Call;
use super::problem::Problem;
use crate::clock;
use crate::delivery::channel::Signing;
use crate::delivery::modules::{DryRun, ModuleCall, ModuleCaller};
use crate::delivery::summary::{Summarised, Summarizer};
use crate::domain::approvals::Approval;
use crate::domain::capabilities::{self, GeneratedLine, Preview, built_in};
use crate::domain::command::Command;
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::IdSource;
use crate::domain::json::JsonText;
use crate::domain::people::Caller;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// Whom we ask.
#[derive(Clone)]
pub struct Foresight {
    /// Calls modules.
    pub modules: Arc<dyn ModuleCaller>,
    /// Writes a line; off unless the operator has chosen who does.
    pub summaries: Option<Arc<Summarizer>>,
}

/// What was learned; nothing where nobody was asked or nobody answered.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// What it will do.
    pub preview: Option<Preview>,
    /// How its effect could be put right.
    pub compensation: Option<Value>,
}

/// A request as it would be.
struct Rehearsed {
    /// Where the capability is served, and which of its secrets signs; nothing for the server's own.
    served: Option<(String, u32)>,
    capability: String,
    title: String,
    payload: JsonText,
    payload_hash: [u8; 32],
    /// What the template says.
    preview: Option<Preview>,
    undo: bool,
    execution_id: Uuid,
}

impl Foresight {
    /// Learns what a command will do that makes a request or gives it another payload.
    ///
    /// # Errors
    /// When the organisation does not answer.
    pub async fn look(&self, call: &Call, command: Command) -> Result<Foreseen, Problem> {
        if self.has_nobody_to_ask(&command) {
            return Ok(Foreseen::default());
        }
        let (caller, (now, ids)) = (call.caller.clone(), call.site.engine.fresh_ids());
        let look = move |state: &TenantState| rehearsed(command, state, &caller, now, ids);
        let (rehearsed, _) = call.site.engine.read(call.org(), None, look).await?;
        let Some(one) = rehearsed else { return Ok(Foreseen::default()) };
        let (dry, line) = futures_util::future::join(self.dry_run(call, &one), self.line(call, &one)).await;
        let (told, compensation) = match dry {
            Some(DryRun { preview, undo_payload }) => (Some(preview), undo_payload.map(|payload| payload.value())),
            None => (None, None),
        };
        let preview = match line {
            None => told,
            Some(line) => told.or(one.preview).map(|preview| Preview { generated: Some(line), ..preview }),
        };
        Ok(Foreseen { preview, compensation })
    }

    /// A capability of our own is known without a look at the state.
    fn has_nobody_to_ask(&self, command: &Command) -> bool {
        let own = matches!(command, Command::SubmitApproval(one) if built_in::find(&one.capability).is_some());
        own && self.summaries.is_none()
    }

    async fn dry_run(&self, call: &Call, one: &Rehearsed) -> Option<DryRun> {
        let (endpoint, generation) = one.served.as_ref()?;
        let key = call.site.engine.notifier().capability_key(call.org(), &one.capability, *generation);
        let asked = ModuleCall {
            org_id: call.org_id().to_string(),
            endpoint: endpoint.clone(),
            capability: one.capability.clone(),
            payload: one.payload.clone(),
            undo: one.undo,
            execution_id: one.execution_id,
            signing: Signing { key, previous: None, at_ms: clock::now_ms() },
        };
        let told = self.modules.dry_run(&asked).await;
        told.inspect_err(|why| tracing::debug!(capability = one.capability, why, "no dry run")).ok()
    }

    async fn line(&self, call: &Call, one: &Rehearsed) -> Option<GeneratedLine> {
        let summaries = self.summaries.as_ref()?;
        let of = Summarised {
            org_id: call.org_id().as_str(),
            capability: &one.capability,
            title: &one.title,
            payload: &one.payload,
            payload_hash: &one.payload_hash,
        };
        let summary = summaries.summary(of).await?;
        Some(GeneratedLine { text: summary.text, by: summary.generated_by })
    }
}

/// What a command would make of the state as it is; nothing where it would be refused, which is told by carrying it out.
fn rehearsed(
    command: Command,
    state: &TenantState,
    caller: &Caller,
    now: Timestamp,
    ids: IdSource,
) -> Option<Rehearsed> {
    let mut context = Context { now, ids, caller };
    let decision = command.decide(state, &mut context).ok()?;
    let execution_id = context.ids.next_id();
    let request = decision.events.iter().find_map(|event| match event {
        Event::ApprovalSubmitted(one) => Some(Request::of(one)),
        Event::ApprovalEdited(one) => {
            let own = state.approvals.get(&one.id)?;
            Some(Request { payload: &one.payload, hash: one.payload_hash, preview: &one.preview, ..Request::of(own) })
        }
        _ => None,
    })?;
    let capability = capabilities::find(state, request.capability)?;
    Some(Rehearsed {
        served: capability.endpoint.as_ref().map(|endpoint| (endpoint.to_string(), capability.generation)),
        capability: request.capability.to_owned(),
        title: request.title.to_owned(),
        payload: request.payload.clone(),
        payload_hash: request.hash,
        preview: serde_json::from_str(request.preview.as_str()).ok(),
        undo: request.undo,
        execution_id,
    })
}

struct Request<'a> {
    capability: &'a str,
    title: &'a str,
    payload: &'a JsonText,
    hash: [u8; 32],
    preview: &'a JsonText,
    undo: bool,
}

impl<'a> Request<'a> {
    fn of(one: &'a Approval) -> Self {
        Self {
            capability: &one.capability,
            title: &one.title,
            payload: &one.payload,
            hash: one.payload_hash,
            preview: &one.preview,
            undo: one.undo_of.is_some(),
        }
    }
}

//! Working off what is due because somebody asks for it: what has ended is written down, rungs have their turn, messages go out.

use futures_util::StreamExt;

use super::Engine;
use crate::actors::org::OrgRef;
use crate::actors::refusal::Refusal;
use crate::actors::scheduler::{ESCALATED_MAX, TICK_MAX};
use crate::domain::actions::escalation::Escalate;
use crate::domain::blocks::place::Tick;
use crate::domain::command::Command;
use crate::domain::people::Caller;

/// Organisations whose queues one call works off side by side.
const PROCESSED_TOGETHER: usize = 8;
/// Rounds in which one `process` has the schedule's orders carried out at most.
const SCHEDULED_ROUNDS_MAX: usize = 1_000;

/// What working off the queue came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Processed {
    pub processed: u64,
    pub delivered: u64,
    pub failed: u64,
    pub pending: u64,
    pub escalated: u64,
    pub resolved: u64,
    pub expired: u64,
}

/// What an order of the schedule came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
struct Scheduled {
    expired: u64,
    resolved: u64,
    escalated: u64,
    reminded: u64,
}

impl Engine {
    /// Works off what is due in one organisation, or in all.
    ///
    /// # Errors
    /// [`Refusal`] of the one organisation; of all, those that do not answer are left out.
    pub async fn process(&self, org: Option<&OrgRef>) -> Result<Processed, Refusal> {
        let Some(org) = org else {
            let all = futures_util::stream::iter(self.orgs().all());
            let each = all.map(|org| async move { (self.process_one(&org).await, org) });
            let sum =
                each.buffer_unordered(PROCESSED_TOGETHER).fold(Processed::default(), |sum, (one, org)| async move {
                    one.map_or_else(
                        |refusal| {
                            tracing::warn!(org = %org.org_id, %refusal, "its queue was not worked off");
                            sum
                        },
                        |one| sum.and(one),
                    )
                });
            return Ok(sum.await);
        };
        self.process_one(org).await
    }

    async fn process_one(&self, org: &OrgRef) -> Result<Processed, Refusal> {
        // What has ended sends nothing any more, and whose turn has come is told now.
        let ticked = self.done_of_itself(org, || Command::Tick(Tick { at_most: TICK_MAX })).await?;
        let turned = self.done_of_itself(org, || Command::Escalate(Escalate { at_most: ESCALATED_MAX })).await?;
        let (engine, own) = (self.clone(), org.clone());
        let work = self.background().spawn(async move {
            let delivered = engine.courier().work_off(&engine, &own).await?;
            engine.notifier().work_off(&engine, &own).await?;
            engine.herald().work_off(&engine, &own).await?; // last, because what was given up is announced as well
            Ok(delivered)
        });
        let delivered = work.await.unwrap_or(Err(Refusal::Failed))?;
        Ok(Processed {
            processed: delivered.attempts,
            delivered: delivered.delivered,
            failed: delivered.failed,
            pending: delivered.pending,
            escalated: turned.escalated + delivered.escalated,
            resolved: ticked.resolved,
            expired: ticked.expired,
        })
    }

    /// Gives an order of the schedule until there is nothing left to do, and adds up what came of it.
    async fn done_of_itself(&self, org: &OrgRef, order: impl Fn() -> Command) -> Result<Scheduled, Refusal> {
        let mut sum = Scheduled::default();
        for _ in 0..SCHEDULED_ROUNDS_MAX {
            let done = self.command_unlimited(org, order(), Caller::schedule()).await?;
            let done: Scheduled = serde_json::from_slice(&done.body).unwrap_or_default();
            if done == Scheduled::default() {
                break;
            }
            sum.expired += done.expired;
            sum.resolved += done.resolved;
            sum.escalated += done.escalated;
            sum.reminded += done.reminded;
        }
        Ok(sum)
    }
}

impl Processed {
    fn and(self, other: Self) -> Self {
        Self {
            processed: self.processed + other.processed,
            delivered: self.delivered + other.delivered,
            failed: self.failed + other.failed,
            pending: self.pending + other.pending,
            escalated: self.escalated + other.escalated,
            resolved: self.resolved + other.resolved,
            expired: self.expired + other.expired,
        }
    }
}

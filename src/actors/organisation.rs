//! How an organisation's events are shown: its blocks in the index, its version, its live events, its place on the agenda.

use std::sync::Arc;

use super::agenda::{Agenda, Chore};
use super::block_index::BlockIndex;
use super::kind::Kind;
use super::org::{Condition, Live, OrgRef};
use crate::domain::approvals::due;
use crate::domain::blocks::BlockKey;
use crate::domain::blocks::check::{Ruling, ruling};
use crate::domain::event::Event;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::view::feed;

/// The kind of stream that an organisation is.
pub struct OrganisationKind {
    /// Its shared part.
    pub org: OrgRef,
    /// Where its blocks are asked for.
    pub blocks: Arc<BlockIndex>,
    /// Where its due work stands.
    pub agenda: Arc<Agenda>,
}

/// What of a commit is shown.
pub struct OrganisationPublication {
    blocks: Vec<(BlockKey, Ruling)>,
    live: Live,
    times: Times,
}

/// When there is work next, in milliseconds since the epoch.
#[derive(Clone, Copy)]
struct Times {
    deliver_at_ms: Option<i64>,
    notify_at_ms: Option<i64>,
    announce_at_ms: Option<i64>,
    tick_at_ms: Option<i64>,
    escalate_at_ms: Option<i64>,
    /// No later than that; nothing where nobody needs to be told.
    execute_at_ms: Option<i64>,
}

impl Times {
    fn of(state: &TenantState, execute_at: Option<Timestamp>) -> Self {
        Self {
            execute_at_ms: execute_at.map(|at| at.0),
            deliver_at_ms: state.actions.next_due().map(|at| at.0),
            notify_at_ms: state.webhooks.next_due().map(|at| at.0),
            announce_at_ms: state.notifications.waiting_since().map(|at| at.0),
            tick_at_ms: state.next_tick().map(|at| at.0),
            escalate_at_ms: state.actions.next_turn().map(|at| at.0),
        }
    }
}

impl OrganisationKind {
    fn schedule(&self, times: Times) {
        self.agenda.set(Chore::Deliver, self.org.stream, times.deliver_at_ms);
        self.agenda.set(Chore::Notify, self.org.stream, times.notify_at_ms);
        self.agenda.set(Chore::Announce, self.org.stream, times.announce_at_ms);
        self.agenda.set(Chore::Tick, self.org.stream, times.tick_at_ms);
        self.agenda.set(Chore::Escalate, self.org.stream, times.escalate_at_ms);
        // Never later than it stands: what is on its way, or could not begin, is the executor's to know.
        if let Some(at) = times.execute_at_ms {
            self.agenda.no_later_than(Chore::Execute, self.org.stream, at);
        }
    }
}

impl Kind for OrganisationKind {
    type State = TenantState;
    type Event = Event;
    type Publication = OrganisationPublication;

    fn prepare(&self, state: &TenantState, first_seq: u64, at: Timestamp, events: &[Event]) -> OrganisationPublication {
        let mut keys: Vec<&BlockKey> = Vec::new();
        for event in events {
            match event {
                Event::BlockPlaced(block) => keys.push(&block.key),
                Event::BlockLifted { key, .. } | Event::BlockExpired { key, .. } | Event::GrantEnded { key, .. } => {
                    keys.push(key);
                }
                Event::GrantGiven(grant) => keys.push(&grant.key),
                Event::GrantUsed(used) => keys.push(&used.key),
                Event::SettingsChanged(_) => keys.extend(state.blocks.keys()), // the ladder decides which block is strictest
                _ => {}
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let followed = self.org.followers().is_some();
        let numbered = events.iter().zip(first_seq..);
        let item = |(event, seq)| feed::item(self.org.org_id.as_str(), seq, at, event).map(Arc::new);
        OrganisationPublication {
            blocks: keys.into_iter().map(|key| (key.clone(), ruling(state, key))).collect(),
            live: Live {
                first_seq,
                last_seq: state.last_seq(),
                items: followed.then(|| numbered.filter_map(item).collect()),
            },
            times: Times::of(state, events.iter().any(is_about_work).then(|| next_work(state, at)).flatten()),
        }
    }

    fn publish(&self, publications: Vec<OrganisationPublication>, version: u64) {
        let last = publications.last().map(|last| last.times);
        let mut live = Vec::with_capacity(publications.len());
        self.org.publish(version, || {
            for publication in publications {
                for (key, ruling) in publication.blocks {
                    self.blocks.put(self.org.stream, &key, ruling);
                }
                live.push(publication.live);
            }
        });
        if let Some(times) = last {
            self.schedule(times);
        }
        if let Some(followers) = self.org.followers() {
            live.into_iter().for_each(|one| drop(followers.send(one))); // nobody left to follow is no loss
        }
    }

    fn publish_all(&self, state: &TenantState) {
        self.org.publish(state.last_seq(), || {
            for key in state.blocks.keys() {
                self.blocks.put(self.org.stream, key, ruling(state, key));
            }
        });
        // What runs in a state that was just read may have been cut off.
        let left_over = state.approvals.queue().running().next().map(|_| Timestamp(0));
        self.schedule(Times::of(state, left_over.or_else(|| next_work(state, Timestamp(0)))));
        self.org.set_condition(Condition::Ready);
    }

    fn quarantine(&self) {
        self.org.set_condition(Condition::Quarantined);
    }
}

/// When something is to be claimed or tried again, as it is after a commit of this moment.
fn next_work(state: &TenantState, at: Timestamp) -> Option<Timestamp> {
    [due::next_due(state), due::next_try(state, at)].into_iter().flatten().min()
}

/// Whether an event may be why something is due.
fn is_about_work(event: &Event) -> bool {
    matches!(
        event,
        Event::CapabilitySaved(_)
            | Event::CapabilityDeleted { .. }
            | Event::ApprovalSubmitted(_)
            | Event::ApprovalDecided(_)
            | Event::ApprovalClosed(_)
            | Event::ApprovalExecuted(_)
            | Event::ApprovalCleared(_)
            | Event::ApprovalScheduled(_)
            | Event::ApprovalSkipped(_)
            | Event::ApprovalTriedAgain(_)
            | Event::ApprovalFailed(_)
            | Event::ApprovalRetried(_)
            | Event::ApprovalUndone(_)
    )
}

//! The actors behind the handle: started, spread over threads, and sent jobs. An actor whose mailbox is closed has ended, which
//! our own supervision does not let happen; should it, a new one reads the journal.

use actix::Actor;
use actix::prelude::SendError;

use super::Engine;
use crate::actors::directory::DirectoryKind;
use crate::actors::job::Job;
use crate::actors::org::OrgRef;
use crate::actors::organisation::OrganisationKind;
use crate::actors::refusal::Refusal;
use crate::actors::tenant::Tenant;
use crate::domain::directory::state::Directory;
use crate::domain::ids::StreamId;
use crate::domain::state::TenantState;
use crate::store::recovery::Recovered;

impl Engine {
    /// Puts a job into an organisation's mailbox; an actor that is gone is started again.
    pub(super) fn send(&self, org: &OrgRef, job: Job<OrganisationKind>) -> Result<(), Refusal> {
        let pinned = self.0.actors.pin();
        let sent = match pinned.get(&org.stream.0) {
            Some(actor) => actor.try_send(job),
            None => return Err(Refusal::Starting),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(SendError::Full(_)) => Err(Refusal::OrganisationBusy { waiting: org.waiting() }),
            Err(SendError::Closed(_)) if self.is_stopping() => Err(Refusal::Stopping),
            Err(SendError::Closed(job)) => {
                self.start_if_absent(org);
                let again = pinned.get(&org.stream.0).map(|actor| actor.try_send(job));
                if matches!(again, Some(Ok(()))) { Ok(()) } else { Err(Refusal::Failed) }
            }
        }
    }

    /// Puts a job into the directory's mailbox; an actor that is gone is started again.
    pub(super) fn send_directory(&self, job: Job<DirectoryKind>) -> Result<(), Refusal> {
        let pinned = self.0.directory.pin();
        let Some(directory) = pinned.get(&()) else { return Err(Refusal::Starting) };
        match directory.try_send(job) {
            Ok(()) => Ok(()),
            Err(SendError::Full(_)) => Err(Refusal::ServerBusy),
            Err(SendError::Closed(_)) if self.is_stopping() => Err(Refusal::Stopping),
            Err(SendError::Closed(_)) => {
                let _one_at_a_time = self.starting();
                if !pinned.get(&()).is_some_and(actix::Addr::connected) {
                    tracing::error!("the directory's actor is gone; a new one is started");
                    self.start_directory(None);
                }
                Err(Refusal::Failed)
            }
        }
    }

    /// Starts the actor of an organisation unless there is one that listens. Two for one stream would fight over its numbers.
    pub(super) fn start_if_absent(&self, org: &OrgRef) {
        let _one_at_a_time = self.starting();
        let pinned = self.0.actors.pin();
        if !pinned.get(&org.stream.0).is_some_and(actix::Addr::connected) {
            self.start_organisation(org, None);
        }
    }

    fn starting(&self) -> std::sync::MutexGuard<'_, ()> {
        self.0.starting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts the actor of an organisation, with a state that was recovered or to read it itself.
    pub(in crate::actors) fn start_organisation(&self, org: &OrgRef, recovered: Option<Recovered<TenantState>>) {
        let kind = OrganisationKind { org: org.clone(), blocks: self.0.blocks.clone(), agenda: self.0.agenda.clone() };
        let parts = &self.0.parts;
        let (stream, services, snapshotter) = (org.stream, parts.services.clone(), parts.snapshotter.clone());
        let arbiter = &parts.arbiters[usize::try_from(stream.0).unwrap_or(0) % parts.arbiters.len()];
        let actor =
            Actor::start_in_arbiter(arbiter, move |_| Tenant::new(kind, stream, services, snapshotter, recovered));
        self.0.actors.pin().insert(stream.0, actor);
    }

    /// Starts the actor of the directory.
    pub(in crate::actors) fn start_directory(&self, recovered: Option<Recovered<Directory>>) {
        let inner = &self.0;
        let kind = DirectoryKind { orgs: inner.orgs.clone(), access: inner.access.clone() };
        let (services, snapshotter) = (inner.parts.services.clone(), inner.parts.directory_snapshotter.clone());
        let stream = StreamId::DIRECTORY;
        let actor = Actor::start_in_arbiter(&inner.parts.arbiters[0], move |_| {
            Tenant::new(kind, stream, services, snapshotter, recovered)
        });
        inner.directory.pin().insert((), actor);
    }
}

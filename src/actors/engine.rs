//! The one handle through which everything above reaches the organisations.
#![allow(clippy::unimplemented, unused_variables, missing_docs, clippy::unused_async, reason = "a stand-in until the engine is there")]

use std::sync::Arc;

use super::access::Access;
use super::block_index::BlockIndex;
use super::org::OrgRef;
use super::refusal::{Accepted, Refusal};
use crate::domain::blocks::OnError;
use crate::domain::command::Command;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::state::Directory;
use crate::domain::idempotency::Request;
use crate::domain::ids::{IdSource, VenueId};
use crate::domain::people::Caller;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::view::feed::{FeedItem, Topic};

#[derive(Clone)]
pub struct Engine {
    _inner: Arc<()>,
}

impl Engine {
    pub fn blocks(&self) -> &BlockIndex {
        unimplemented!()
    }

    pub fn access(&self) -> &Access {
        unimplemented!()
    }

    pub fn is_ready(&self) -> bool {
        unimplemented!()
    }

    pub fn is_stopping(&self) -> bool {
        unimplemented!()
    }

    pub fn default_on_error(&self) -> OnError {
        unimplemented!()
    }

    /// Decides, writes, publishes, answers. `caller` is the power behind it.
    pub async fn command(
        &self,
        org: &OrgRef,
        command: Command,
        caller: Caller,
        request: Option<Request>,
    ) -> Result<Accepted, Refusal> {
        unimplemented!()
    }

    /// Reads a state that is durable and, with `min_version`, at least that new (else [`Refusal::Behind`]).
    pub async fn read<T: Send + 'static>(
        &self,
        org: &OrgRef,
        min_version: Option<u64>,
        view: impl FnOnce(&TenantState) -> T + Send + 'static,
    ) -> Result<(T, u64), Refusal> {
        unimplemented!()
    }

    /// Fresh decision context for dry runs inside a read.
    pub fn fresh_ids(&self) -> (Timestamp, IdSource) {
        unimplemented!()
    }

    /// For the registration of an organisation, the organisation is founded before this answers.
    pub async fn directory_command(
        &self,
        command: DirectoryCommand,
        caller: Caller,
        request: Option<Request>,
    ) -> Result<Accepted, Refusal> {
        unimplemented!()
    }

    pub async fn directory_read<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Directory) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        unimplemented!()
    }

    /// Works off what is due in one organisation, or in all.
    pub async fn process(&self, org: Option<&OrgRef>) -> Result<Processed, Refusal> {
        unimplemented!()
    }

    /// Live events of an organisation after a version, gapless from the journal.
    pub async fn follow(
        &self,
        org: &OrgRef,
        after: Option<u64>,
        topics: Vec<Topic>,
        venues: Option<Arc<[VenueId]>>,
    ) -> Result<tokio::sync::mpsc::Receiver<FeedMessage>, Refusal> {
        unimplemented!()
    }
}

#[derive(Clone, Copy, Debug, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Processed {
    pub processed: u64,
    pub delivered: u64,
    pub failed: u64,
    pub pending: u64,
    pub escalated: u64,
    pub resolved: u64,
    pub expired: u64,
}

pub enum FeedMessage {
    Hello { version: u64 },
    Item(Arc<FeedItem>),
    Resync,
}

//! The start: the directory first, then every organisation, each from its newest snapshot and the records after it.
//!
//! Nothing answers before its records were read: a check meanwhile is `unknown`, never `allow`. A damaged organisation is put in
//! quarantine and delays no other.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;

use super::engine::Engine;
use super::org::{Condition, OrgRef};
use super::services::ServicesRef;
use crate::domain::directory::state::Directory;
use crate::domain::ids::StreamId;
use crate::domain::state::TenantState;
use crate::store::recovery::Recovered;

/// How often a recovery that fails for another reason than damage is tried.
const TRIES: u32 = 3;
/// The wait between the tries.
const AGAIN: Duration = Duration::from_millis(500);

/// What a start found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Started {
    /// Organisations that answer.
    pub organisations: usize,
    /// Organisations in quarantine.
    pub quarantined: usize,
    /// Records that were read after the snapshots.
    pub records: u64,
}

/// The directory cannot be read, so nobody can be let in.
#[derive(Debug, thiserror::Error)]
#[error("the directory of organisations, people and keys cannot be read: {why}")]
pub struct DirectoryLost {
    /// Why.
    pub why: String,
}

/// Reads everything and opens the engine.
///
/// # Errors
/// [`DirectoryLost`]; an organisation that cannot be read is no error, it is put in quarantine.
pub async fn recover_all(engine: &Engine) -> Result<Started, DirectoryLost> {
    let lost = |why: String| DirectoryLost { why };
    let read = recover::<Directory>(engine.services().clone(), StreamId::DIRECTORY).await.map_err(lost)?;
    engine.start_directory(Some(read));
    engine.directory_read(|_| ()).await.map_err(|refusal| lost(refusal.to_string()))?;
    let side_by_side = std::thread::available_parallelism().map_or(1, usize::from);
    let mut results = iter(engine.orgs().all()).map(|org| recover_one(engine, org)).buffer_unordered(side_by_side);
    let mut started = Started::default();
    while let Some(records) = results.next().await {
        match records {
            Some(records) => {
                started.organisations += 1;
                started.records += records;
            }
            None => started.quarantined += 1,
        }
    }
    drop(results);
    engine.set_ready();
    Ok(started)
}

async fn recover_one(engine: &Engine, org: OrgRef) -> Option<u64> {
    let read = match recover::<TenantState>(engine.services().clone(), org.stream).await {
        Ok(read) => read,
        Err(why) => {
            tracing::error!(org = %org.org_id, why, "the organisation is put in quarantine");
            org.set_condition(Condition::Quarantined);
            return None;
        }
    };
    let (records, unfounded) = (read.records_replayed, !read.state.is_founded());
    engine.start_organisation(&org, Some(read));
    let answered =
        if unfounded { engine.found(&org).await } else { engine.read_unlimited(&org, |_| ()).await.map(drop) };
    if let Err(refusal) = answered {
        tracing::error!(org = %org.org_id, %refusal, "the organisation does not answer");
        return None;
    }
    Some(records)
}

async fn recover<S>(services: ServicesRef, stream: StreamId) -> Result<Recovered<S>, String>
where
    S: crate::domain::aggregate::Aggregate + crate::store::stored::StoredState,
    S::Event: crate::store::stored::StoredEvent,
{
    let mut why = String::new();
    for _ in 0..TRIES {
        let services = services.clone();
        match tokio::task::spawn_blocking(move || services.recover::<S>(stream)).await {
            Ok(Ok(recovered)) => return Ok(recovered),
            Ok(Err(error)) if error.is_damage() => return Err(error.to_string()),
            Ok(Err(error)) => {
                why = error.to_string(); // the disk or the system did not answer this time
                tokio::time::sleep(AGAIN).await;
            }
            Err(panic) => why = panic.to_string(),
        }
    }
    Err(why)
}

//! The herald: finds out who is meant by what an organisation announces, and has each of them told. An organisation knows roles and ids;
//! who the people are is the directory's to say.
//!
//! Promise: what is announced waits until its people are told; however often it is tried, a person hears of it once.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::agenda::Chore;
use super::engine::Engine;
use super::org::OrgRef;
use super::refusal::Refusal;
use crate::clock::now_ms;
use crate::domain::command::Command;
use crate::domain::directory::User;
use crate::domain::directory::state::Directory;
use crate::domain::ids::{OrgId, StreamId, UserId};
use crate::domain::notifications::commands::{Notify, Source};
use crate::domain::notifications::policy::heard_at;
use crate::domain::notifications::{Announcement, Audience, PEOPLE_MAX, person_of};
use crate::domain::people::{Caller, Role};

/// Announcements that are taken at once.
const TAKEN_MAX: usize = 50;
/// Rounds that one `process` makes at most.
const ROUNDS_MAX: usize = 1_000;
/// How long to wait before looking again when an organisation or the directory could not be asked, in milliseconds.
const LOOK_AGAIN_MS: i64 = 1_000;

/// The herald.
#[derive(Debug, Default)]
pub struct Herald {
    /// The organisations whose announcements are on their way; one round each at a time.
    busy: Mutex<HashSet<StreamId>>,
}

/// A round of an organisation; over when dropped.
struct Round<'a> {
    herald: &'a Herald,
    stream: StreamId,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.herald.lock().remove(&self.stream);
    }
}

impl Herald {
    /// Has the people told of what an organisation has announced.
    pub async fn dispatch(&self, engine: &Engine, org: &OrgRef) {
        let Some(round) = self.begin(org.stream) else { return }; // the round under way looks again at its end
        let next_ms = match self.round(engine, org).await {
            Ok(0) => None,
            Ok(_) => Some(now_ms()),
            Err(refusal) => {
                tracing::debug!(org = %org.org_id, %refusal, "the announcements could not be told yet");
                Some(now_ms() + LOOK_AGAIN_MS)
            }
        };
        drop(round);
        if let Some(next) = next_ms.filter(|_| !engine.is_stopping()) {
            engine.agenda().no_later_than(Chore::Announce, org.stream, next);
        }
    }

    /// The same, until nothing waits.
    ///
    /// # Errors
    /// When the organisation or the directory does not answer.
    pub async fn work_off(&self, engine: &Engine, org: &OrgRef) -> Result<(), Refusal> {
        for _ in 0..ROUNDS_MAX {
            if self.round(engine, org).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Has these people told of something, with the names of whom it names.
    ///
    /// # Errors
    /// When the organisation does not take it.
    pub async fn tell(
        &self,
        engine: &Engine,
        org: &OrgRef,
        source: Source,
        people: Vec<UserId>,
    ) -> Result<(), Refusal> {
        notify(engine, org, Notify { source, people, names: BTreeMap::new() }).await
    }

    /// Tells what waits, as far as one round goes, and says how much it was.
    async fn round(&self, engine: &Engine, org: &OrgRef) -> Result<usize, Refusal> {
        engine.services().writable(true, 0, now_ms())?;
        let look = |state: &crate::domain::state::TenantState| {
            state.notifications.waiting().take(TAKEN_MAX).cloned().collect::<Vec<Announcement>>()
        };
        let (waiting, _) = engine.read_unlimited(org, look).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let id = org.org_id.clone();
        let orders = move |state: &Directory| waiting.iter().map(|one| order(state, &id, one)).collect::<Vec<Notify>>();
        let orders = engine.directory_read(orders).await?;
        let count = orders.len();
        let told = orders.into_iter().map(|order| notify(engine, org, order));
        for one in futures_util::future::join_all(told).await {
            one?;
        }
        Ok(count)
    }

    fn begin(&self, stream: StreamId) -> Option<Round<'_>> {
        self.lock().insert(stream).then_some(Round { herald: self, stream })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<StreamId>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn notify(engine: &Engine, org: &OrgRef, order: Notify) -> Result<(), Refusal> {
    engine.command_unlimited(org, Command::Notify(order), Caller::schedule()).await.map(drop)
}

/// The order that tells the people of an announcement.
fn order(state: &Directory, org: &OrgId, announcement: &Announcement) -> Notify {
    let mut told: Vec<UserId> = Vec::new();
    for audience in &announcement.audience {
        let named = matches!(audience, Audience::User(_)) && !announcement.asks_to_decide();
        let reaches = |user: &User| named || heard_at(user.venues.as_deref(), announcement);
        let found = people(state, org, audience, &reaches).into_iter().map(|user| user.id.clone());
        told.extend(found.filter(|id| !announcement.except.contains(id)));
    }
    let by = announcement.facts.by.as_deref().and_then(person_of);
    let by = by.and_then(|id| state.user(org, &id).map(|user| (id, user.name.clone())));
    let names: BTreeMap<UserId, Arc<str>> = by.into_iter().collect();
    Notify { source: Source::Announcement(announcement.id), people: told, names }
}

/// The people of an audience whom something reaches, at most [`PEOPLE_MAX`].
pub fn people<'a>(
    state: &'a Directory,
    org: &OrgId,
    audience: &Audience,
    reaches: &dyn Fn(&User) -> bool,
) -> Vec<&'a User> {
    let of_role = |wanted: &dyn Fn(Role) -> bool| -> Vec<&'a User> {
        state.users_of(org, 0).filter(|user| wanted(user.role) && reaches(user)).take(PEOPLE_MAX).collect()
    };
    match audience {
        Audience::User(id) => state.user(org, id).filter(|user| reaches(user)).into_iter().collect(),
        Audience::Role(role) => of_role(&|own| own == *role),
        Audience::Admins => of_role(&|own| matches!(own, Role::Owner | Role::Admin)),
        Audience::Rungs(rungs) => {
            let holders = rungs.iter().map(|rung| of_role(&|own| own.name() == &*rung.0));
            holders.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
        }
    }
}

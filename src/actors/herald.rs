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

/// How long to wait for a round that is under way, in milliseconds.
const BUSY_MS: i64 = 50;

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
        let Some(round) = self.begin(org.stream) else {
            // The round under way may have looked before there was what we are here for.
            engine.agenda().no_later_than(Chore::Announce, org.stream, now_ms() + BUSY_MS);
            return;
        };
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
        let free = self.lock().insert(stream);
        free.then(|| Round { herald: self, stream })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::testing::{caller, report, settings, start};
    use crate::domain::actions::ActionType;
    use crate::domain::directory::commands::DirectoryCommand;
    use crate::domain::directory::people::CreateUser;
    use crate::domain::ids::OutsideId;
    use crate::domain::notifications::NotificationType;
    use crate::domain::notifications::policy::endpoint_disabled;
    use crate::domain::people::Authority;
    use crate::domain::templates::save::{CreateTemplate, TemplateDraft};
    use crate::domain::time::Timestamp;
    use crate::store::Store;

    fn id(text: &str) -> OutsideId {
        OutsideId::parse(text).unwrap()
    }

    fn directory(people: &[(&str, Role, Option<&str>)]) -> Directory {
        let mut directory = Directory::default();
        for (seq, (name, role, venue)) in (1_u64..).zip(people) {
            directory.put_user(User {
                id: id(name),
                seq,
                org_id: id("org"),
                email: format!("{name}@harbour.example").into(),
                name: format!("The {name}").into(),
                role: *role,
                venues: venue.map(|venue| vec![id(venue)]),
                password_hash: None,
                created_at: Timestamp(0),
            });
        }
        directory
    }

    fn told(audience: Audience, decides: bool, venue: Option<&str>) -> String {
        let directory = directory(&[
            ("olga", Role::Owner, None),
            ("adam", Role::Admin, None),
            ("vera", Role::VpOps, None),
            ("gus", Role::Gm, Some("pier")),
            ("gil", Role::Gm, Some("hill")),
        ]);
        let announcement = Announcement {
            kind: if decides { NotificationType::ApprovalAssigned } else { NotificationType::ApprovalDecided },
            audience: vec![audience.clone(), audience],
            except: vec![id("adam")],
            venue_id: venue.map(id),
            ..endpoint_disabled(uuid::Uuid::nil(), "", Timestamp(0), None, Timestamp(0))
        };
        let order = order(&directory, &id("org"), &announcement);
        let mut people: Vec<String> = order.people.iter().map(ToString::to_string).collect();
        people.dedup();
        people.join(" ")
    }

    #[test]
    fn a_role_is_the_people_at_that_venue_and_a_rung_the_lowest_that_anybody_holds_there() {
        let gm = || Audience::Role(Role::Gm);
        let rungs = || Audience::Rungs(["gm", "vp_ops", "owner"].map(Authority::named).to_vec());
        for (audience, decides, venue, people) in [
            (gm(), false, Some("pier"), "gus"),
            (gm(), false, None, "gus gil gus gil"),
            (gm(), true, None, ""), // who is limited to a venue decides nothing for all of them
            (rungs(), true, Some("pier"), "gus"),
            (rungs(), true, Some("lake"), "vera"),
            (Audience::Admins, false, Some("pier"), "olga"),
            (Audience::User(id("gil")), false, Some("pier"), "gil"),
            (Audience::User(id("gil")), true, Some("pier"), ""),
            (Audience::User(id("nobody")), false, None, ""),
        ] {
            assert_eq!(told(audience.clone(), decides, venue), people, "{audience:?} at {venue:?}");
        }
    }

    #[actix_web::test]
    async fn what_is_announced_reaches_its_people_and_waits_no_more() {
        let bench = start(Store::in_memory(), settings()).await;
        let org = bench.organisation("org").await;
        let olga = CreateUser {
            org_id: org.org_id.clone(),
            id: Some("olga".into()),
            email: "olga@harbour.example".into(),
            name: "Olga".into(),
            role: Role::Owner,
            venues: None,
            password_hash: None,
        };
        bench.engine.directory_command(DirectoryCommand::CreateUser(Box::new(olga)), caller(), None).await.unwrap();
        for target in ["user:nobody", "user:olga"] {
            let draft = TemplateDraft {
                action_type: ActionType::Alert,
                action_target: target.into(),
                message_template: "Look".into(),
                ..crate::domain::testing::alert()
            };
            bench.run(&org, Command::CreateTemplate(Box::new(CreateTemplate { draft }))).await.unwrap();
        }
        bench.run(&org, report("ana", "1")).await.unwrap();
        bench.engine.process(Some(&org)).await.unwrap();
        let look = |state: &crate::domain::state::TenantState| {
            let kinds: Vec<NotificationType> =
                state.notifications.of(&id("olga"), u64::MAX).map(|one| one.kind).collect();
            (kinds, state.notifications.waiting().count())
        };
        let (found, _) = bench.engine.read_unlimited(&org, look).await.unwrap();
        assert_eq!(found, (vec![NotificationType::DeadLetter, NotificationType::ViolationAlert], 0));
        bench.engine.process(Some(&org)).await.unwrap();
        let (again, _) = bench.engine.read_unlimited(&org, look).await.unwrap();
        assert_eq!(again, found, "nobody hears of a thing twice");
    }

    #[actix_web::test]
    async fn a_round_that_finds_another_one_under_way_comes_again() {
        let bench = start(Store::in_memory(), settings()).await;
        let org = bench.organisation("org").await;
        let herald = bench.engine.herald();
        let round = herald.begin(org.stream);
        assert!(round.is_some() && herald.begin(org.stream).is_none());
        herald.dispatch(&bench.engine, &org).await;
        let (entries, _) = bench.engine.agenda().take_due(now_ms() + BUSY_MS, 10);
        assert!(entries.contains(&(Chore::Announce, org.stream)), "{entries:?}");
        drop(round);
        assert!(herald.begin(org.stream).is_some());
    }
}

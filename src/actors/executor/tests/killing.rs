//! The server is killed at every point of an execution. What is not idempotent happens at most once, and nothing that was approved is
//! forgotten.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::{BoxFuture, FutureExt, pending};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use super::house::House;
use crate::delivery::effect::EffectOutcome;
use crate::delivery::modules::{DryRun, ModuleCall, ModuleCaller, Progress, Run};
use crate::domain::approvals::{Status, hex};
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::json::JsonText;
use crate::domain::testing::{noting, refund, refunding, submitting};
use crate::store::Store;
use crate::store::memory_journal::{Faults, MemoryJournal};

/// Where in a call the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// The module never hears of it.
    BeforeTheCall,
    /// The module heard of it and has done nothing yet.
    BeforeTheEffect,
    /// It was done, and nobody was told.
    AfterTheEffect,
    /// Nowhere: the process ends when everything is on record.
    AtTheEnd,
}

const POINTS: [Point; 4] = [Point::BeforeTheCall, Point::BeforeTheEffect, Point::AfterTheEffect, Point::AtTheEnd];

/// What happened outside, whatever became of the servers.
#[derive(Default)]
struct World {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// How often something was done that is not idempotent, by key.
    done: HashMap<String, usize>,
    /// What was done that is idempotent.
    once: BTreeSet<String>,
}

impl World {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn happens(&self, call: &ModuleCall, key: &str) {
        let mut inner = self.lock();
        if &*call.capability == "till.note" {
            inner.once.insert(key.to_owned());
        } else {
            *inner.done.entry(key.to_owned()).or_default() += 1;
        }
    }
}

/// The modules as one process reaches them.
struct Till {
    world: Arc<World>,
    journal: Arc<MemoryJournal>,
    /// Where the process ends, and at which call.
    point: Point,
    calls_left: Mutex<usize>,
    /// What the next process finds.
    left: Mutex<Option<MemoryJournal>>,
    killed: Notify,
}

impl Till {
    /// Ends the process; nothing of it is done or written down after that.
    fn kill(&self) {
        let mut left = self.left.lock().unwrap();
        if left.is_none() {
            *left = Some(self.journal.crash());
            self.killed.notify_one();
        }
    }

    fn is_dead(&self) -> bool {
        self.left.lock().unwrap().is_some()
    }

    async fn called(&self, call: &ModuleCall, how: Run) -> EffectOutcome {
        let is_last = {
            let mut left = self.calls_left.lock().unwrap();
            *left = left.saturating_sub(1);
            *left == 0
        };
        let here = |point| is_last && self.point == point;
        if here(Point::BeforeTheCall) {
            self.kill();
        }
        drop(how.progress.send(Progress { per_mille: Some(100), message: Some("begun".into()) }).await);
        if here(Point::BeforeTheEffect) {
            self.kill();
        }
        {
            let left = self.left.lock().unwrap();
            if left.is_none() {
                self.world.happens(call, &how.idempotency_key);
            }
        }
        if here(Point::AfterTheEffect) {
            self.kill();
        }
        if self.is_dead() {
            return pending().await;
        }
        EffectOutcome::Done { result: JsonText::of(&json!({})), undo_payload: None }
    }
}

impl ModuleCaller for Till {
    fn run<'a>(&'a self, call: &'a ModuleCall, how: Run) -> BoxFuture<'a, EffectOutcome> {
        self.called(call, how).boxed()
    }

    fn dry_run<'a>(&'a self, _: &'a ModuleCall) -> BoxFuture<'a, Result<DryRun, String>> {
        async { Err("there is no dry run".to_owned()) }.boxed()
    }
}

/// Approves some work, and ends the process in the middle of it. Gives what was approved, and what the next process finds.
async fn life(world: &Arc<World>, journal: MemoryJournal, round: u32, point: Point) -> (Vec<Uuid>, MemoryJournal) {
    let journal = Arc::new(journal);
    let till = Arc::new(Till {
        world: world.clone(),
        journal: journal.clone(),
        point,
        calls_left: Mutex::new(1 + round as usize % 3),
        left: Mutex::default(),
        killed: Notify::new(),
    });
    let house = House::on(Store::in_memory_on(journal), till.clone()).await;
    if round == 0 {
        house.register(refund()).await;
        house.register(RegisterCapability { auto_approvable: false, ..noting() }).await;
    }
    let mut approved = Vec::new();
    for number in 0..4 {
        let request = if number % 2 == 0 {
            refunding(round * 10 + number)
        } else {
            submitting("till.note", json!({ "amount": round * 10 + number }))
        };
        // Refused when the process has ended meanwhile.
        let Ok(id) = house.try_approved(request).await else { break };
        approved.push(id);
    }
    if point == Point::AtTheEnd {
        for id in &approved {
            while !is_over(house.status(*id).await) {
                tokio::task::yield_now().await;
            }
        }
        till.kill();
    }
    till.killed.notified().await;
    let left = till.left.lock().unwrap().take().expect("what is left");
    *till.left.lock().unwrap() = Some(MemoryJournal::new());
    (approved, left)
}

fn is_over(status: Status) -> bool {
    matches!(status, Status::Executed | Status::InDoubt | Status::Failed)
}

async fn killed_and_killed_again(faults: Faults) {
    let world = Arc::new(World::default());
    let mut journal = MemoryJournal::with_faults(faults);
    let mut approved = Vec::new();
    for (round, point) in (0..24).zip(POINTS.into_iter().cycle()) {
        let (more, left) = life(&world, journal, round, point).await;
        approved.extend(more);
        journal = left;
    }
    let till = Arc::new(Till {
        world: world.clone(),
        journal: Arc::new(MemoryJournal::new()),
        point: Point::AtTheEnd,
        calls_left: Mutex::new(usize::MAX),
        left: Mutex::default(),
        killed: Notify::new(),
    });
    let house = House::on(Store::in_memory_on(Arc::new(journal)), till).await;
    let mut tally: HashMap<&str, usize> = HashMap::new();
    for id in approved {
        while !is_over(house.status(id).await) {
            tokio::task::yield_now().await;
        }
        let approval = house.approval(id).await;
        let key = hex(&approval.key());
        let inner = world.lock();
        let (times, once) = (inner.done.get(&key).copied().unwrap_or(0), inner.once.contains(&key));
        match (&*approval.capability, approval.status) {
            ("till.note", Status::Executed) => assert!(once, "it was said to be done: {approval:?}"),
            ("till.refund", Status::Executed) => assert_eq!(times, 1, "{approval:?}"),
            ("till.refund", Status::InDoubt) => assert!(times <= 1, "done {times} times: {approval:?}"),
            _ => panic!("{approval:?}"),
        }
        *tally.entry(approval.status.name()).or_default() += 1;
    }
    assert!(tally["in_doubt"] > 0 && tally["executed"] > 20, "{tally:?}");
}

#[actix_web::test]
async fn a_kill_at_any_point_doubles_nothing_and_forgets_nothing() {
    killed_and_killed_again(Faults::default()).await;
}

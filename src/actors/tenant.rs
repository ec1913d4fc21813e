//! The one path of a change: decide, write ahead, apply, announce. Every command of every organisation, and of the directory,
//! goes through this file.
//!
//! Promise: what is answered, published or read has been on disk before. While a batch is on its way to the disk, the commands
//! that arrive make up the next one; nothing waits for a timer.
//! Invariant: the working state is the durable state plus the commits in `in_flight` and `next`, in this order.
//! After any failure to write, and after any panic, the working state is thrown away and read again from the journal.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use tokio::sync::oneshot;

use super::batch::{Batch, Commit, Waiter};
use super::job::{AnswerTo, Job, Order, Reading};
use super::kind::Kind;
use super::org::Admitted;
use super::refusal::{Accepted, Refusal};
use super::services::Services;
use crate::clock::now_ms;
use crate::domain::aggregate::Aggregate;
use crate::domain::decision::Context as DecisionContext;
use crate::domain::ids::{IdSource, StreamId};
use crate::domain::time::Timestamp;
use crate::store::journal::{Entry, JournalError};
use crate::store::record;
use crate::store::recovery::Recovered;
use crate::store::snapshotter::Snapshotter;
use crate::store::stored::{decode_commit, try_encode_commit};

/// How often a recovery that panics is tried before the stream is put in quarantine.
const RECOVERIES_MAX: u32 = 3;
/// How long to wait before a stream that could not be read is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// How long a full disk is taken for full before an ordinary write tries again, in milliseconds.
const FULL_FOR_MS: i64 = 3_000;

/// The actor of one stream.
pub struct Tenant<K: Kind> {
    kind: K,
    stream: StreamId,
    services: Arc<Services>,
    snapshotter: Arc<Snapshotter>,
    phase: Phase<K>,
    /// Jobs that came while the state was not there.
    queue: VecDeque<Job<K>>,
    recoveries: u32,
    full_until_ms: i64,
    used_at_ms: i64,
}

enum Phase<K: Kind> {
    /// Not in memory; the next job reads it.
    Asleep,
    /// Being read.
    Loading,
    /// Answers.
    Serving(Box<Working<K>>),
    /// Answers nothing.
    Quarantined,
}

struct Working<K: Kind> {
    state: K::State,
    chain: [u8; 32],
    last_at_ms: i64,
    in_flight: Option<Batch<K>>,
    next: Batch<K>,
    snapshot_seq: u64,
    /// Sequence number and state hash of the end of the batch in flight, when a snapshot of it is wanted.
    snapshot_wanted: Option<(u64, [u8; 32])>,
    /// Set after a panic: take no more, finish what was decided, read again.
    broken: bool,
    settling: Vec<oneshot::Sender<()>>,
}

impl<K: Kind> Tenant<K> {
    /// An actor that reads its stream at the first job, or continues with a state that was recovered already.
    pub fn new(
        kind: K,
        stream: StreamId,
        services: Arc<Services>,
        snapshotter: Arc<Snapshotter>,
        recovered: Option<Recovered<K::State>>,
    ) -> Self {
        let phase = match recovered {
            Some(recovered) => Phase::Serving(Box::new(Working::from(recovered))),
            None => Phase::Asleep,
        };
        Self {
            kind,
            stream,
            services,
            snapshotter,
            phase,
            queue: VecDeque::new(),
            recoveries: 0,
            full_until_ms: 0,
            used_at_ms: now_ms(),
        }
    }

    fn take(&mut self, job: Job<K>, ctx: &mut Context<Self>) {
        match &mut self.phase {
            Phase::Quarantined => job.refuse(Refusal::Quarantined),
            Phase::Loading => self.queue.push_back(job),
            Phase::Asleep if matches!(job, Job::Settle(_)) => job.refuse(Refusal::Stopping), // nothing to settle
            Phase::Asleep => {
                self.queue.push_back(job);
                self.load(ctx);
            }
            Phase::Serving(working) if working.broken => self.queue.push_back(job),
            Phase::Serving(_) => self.work(job),
        }
    }

    /// Runs one job; a panic costs its answer and the working state.
    fn work(&mut self, job: Job<K>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| match job {
            Job::Order(order) => self.decide(*order),
            Job::Reading(reading) => self.read(reading),
            Job::Settle(told) => self.settle(told),
        }));
        if outcome.is_err() {
            tracing::error!(stream = %self.stream, "a job panicked; the state will be read again from the journal");
            if let Phase::Serving(working) = &mut self.phase {
                working.broken = true;
            }
        }
    }

    /// Decide, write ahead, apply. Announcing follows when the batch is durable.
    fn decide(&mut self, order: Order<<K::State as Aggregate>::Command>) {
        let Phase::Serving(working) = &mut self.phase else { return };
        let now = Timestamp(now_ms().max(working.last_at_ms));
        if let Some(request) = &order.request {
            match working.state.seen(request, now) {
                Err(rejection) => return working.tell(Err(rejection.into()), order.answer, order.place),
                Ok(Some(record)) => {
                    let waiter = Waiter { answer: order.answer, replayed: true, place: order.place };
                    return working.replay(record, waiter, self.stream, &self.services);
                }
                Ok(None) => {}
            }
        }
        let urgent = K::State::is_urgent(&order.command);
        if let Err(refusal) = self.services.writable(urgent, self.full_until_ms, now.0) {
            return drop(order.answer.send(Err(refusal)));
        }
        let mut context =
            DecisionContext { now, ids: IdSource::new(now.0, self.services.random()), caller: &order.caller };
        let first_seq = working.state.last_seq() + 1;
        let decision = match working.state.carry_out(order.command, &mut context) {
            Ok(decision) => decision,
            Err(rejection) => return working.tell(Err(rejection.into()), order.answer, order.place),
        };
        let mut events = decision.events;
        if events.is_empty() {
            if order.request.is_none() {
                let (reply, version) = (working.state.reply(&decision.answer), working.state.last_seq());
                let accepted = Accepted { done: reply.done, body: reply.body, version, replayed: false };
                return working.tell(Ok(accepted), order.answer, order.place);
            }
            events.push(K::State::answered());
            working.state.fold(now, &events);
        }
        let last_seq = working.state.last_seq();
        let reply = working.state.reply(&decision.answer);
        if let Some(request) = &order.request {
            working.state.keep_request(request, first_seq, now);
        }
        let publication = self.kind.prepare(&working.state, first_seq, now, &events);
        let stored_reply = order.request.as_ref().map(|_| (reply.done, reply.body.as_slice()));
        let encoded = try_encode_commit(&order.caller.cause, order.request.as_ref(), stored_reply, &events);
        let payload = match encoded {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(stream = %self.stream, %error, "a commit cannot be stored; the state will be read again");
                working.broken = true; // it was applied
                return drop(order.answer.send(Err(Refusal::Failed)));
            }
        };
        let sealed = record::seal(self.stream, first_seq, last_seq, now.0, &working.chain, &payload);
        working.chain = sealed.hash;
        working.last_at_ms = now.0;
        working.next.urgent &= urgent;
        working.next.entries.push(Entry { stream: self.stream, first_seq, last_seq, bytes: sealed.bytes });
        working.next.commits.push(Commit {
            first_seq,
            last_seq,
            publication,
            done: reply.done,
            body: reply.body,
            waiters: vec![Waiter { answer: order.answer, replayed: false, place: order.place }],
        });
    }

    fn read(&mut self, reading: Reading<K::State>) {
        let Phase::Serving(working) = &mut self.phase else { return };
        let version = working.state.last_seq();
        if version < reading.min_version {
            return drop((reading.view)(Err(Refusal::Behind { version })));
        }
        if let Some(release) = (reading.view)(Ok(&working.state)) {
            match working.last_batch() {
                Some(batch) => batch.readers.push((release, reading.place)),
                None => release(Ok(version)),
            }
        }
    }

    fn settle(&mut self, told: oneshot::Sender<()>) {
        if let Phase::Serving(working) = &mut self.phase {
            working.settling.push(told);
        }
    }

    /// Sends the next batch to the journal when none is on its way.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        let Phase::Serving(working) = &mut self.phase else { return };
        if working.in_flight.is_some() {
            return;
        }
        if working.next.is_empty() {
            return self.rest(ctx);
        }
        let mut batch = std::mem::take(&mut working.next);
        let (told, durable) = oneshot::channel();
        let done = Box::new(move |result| drop(told.send(result)));
        let entries = std::mem::take(&mut batch.entries);
        if batch.urgent {
            self.services.store.journal.append_urgent(entries, done);
        } else {
            self.services.store.journal.append(entries, done);
        }
        working.in_flight = Some(batch);
        working.state.catch_up(); // while the disk writes
        let seq = working.state.last_seq();
        if seq - working.snapshot_seq >= self.services.settings.snapshot_every_records {
            working.snapshot_wanted = Some((seq, working.state.state_hash()));
        }
        let flushed = async move { durable.await.unwrap_or(Err(JournalError::Closed)) };
        ctx.spawn(flushed.into_actor(self).map(|result, actor, ctx| actor.flushed(result, ctx)));
    }

    /// Announces a batch that became durable, or throws the working state away.
    fn flushed(&mut self, result: Result<(), JournalError>, ctx: &mut Context<Self>) {
        let Phase::Serving(working) = &mut self.phase else { return };
        let Some(batch) = working.in_flight.take() else { return };
        match result {
            Ok(()) => {
                let wanted = working.snapshot_wanted.take();
                if catch_unwind(AssertUnwindSafe(|| batch.announce(&self.kind))).is_err() {
                    tracing::error!(stream = %self.stream, "publishing panicked; the state will be read again");
                    working.broken = true;
                }
                if let Some((seq, state_hash)) = wanted {
                    working.snapshot_seq = seq;
                    self.services.snapshot(&self.snapshotter, self.stream, seq, state_hash, Vec::new());
                }
                self.flush(ctx);
            }
            Err(error) => self.lost(batch, &error, ctx),
        }
    }

    fn lost(&mut self, batch: Batch<K>, error: &JournalError, ctx: &mut Context<Self>) {
        tracing::error!(stream = %self.stream, %error, "a batch was not written; the state will be read again");
        let refusal = match error {
            JournalError::Full { .. } => {
                self.full_until_ms = now_ms() + FULL_FOR_MS;
                Refusal::ReadOnly { why: error.to_string() }
            }
            JournalError::Busy { .. } => Refusal::ServerBusy,
            _ => Refusal::Unconfirmed,
        };
        batch.refuse(&refusal);
        if let Phase::Serving(working) = std::mem::replace(&mut self.phase, Phase::Asleep) {
            working.next.refuse(&refusal);
        }
        self.load(ctx);
    }

    /// Nothing is on its way to the disk: what waited for that can go on.
    fn rest(&mut self, ctx: &mut Context<Self>) {
        let Phase::Serving(working) = &mut self.phase else { return };
        if working.broken {
            self.phase = Phase::Asleep;
            return self.load(ctx);
        }
        if working.settling.is_empty() {
            return;
        }
        let told = std::mem::take(&mut working.settling);
        let seq = working.state.last_seq();
        let worth = seq - working.snapshot_seq >= self.services.settings.snapshot_at_stop_records;
        if worth {
            working.snapshot_seq = seq;
            let hash = working.state.state_hash();
            self.services.snapshot(&self.snapshotter, self.stream, seq, hash, told);
        } else {
            for one in told {
                let _ = one.send(()); // whoever waited may be gone
            }
        }
    }

    /// Reads the stream again, away from this thread; jobs wait meanwhile.
    fn load(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Loading;
        let services = self.services.clone();
        let stream = self.stream;
        let reading = tokio::task::spawn_blocking(move || services.recover::<K::State>(stream));
        ctx.spawn(reading.into_actor(self).map(|read, actor, ctx| match read {
            Ok(Ok(recovered)) => actor.loaded(recovered, ctx),
            Ok(Err(error)) if error.is_damage() => actor.give_up(&format!("{error}")),
            Ok(Err(error)) => actor.load_later(&format!("{error}"), ctx),
            Err(panic) => actor.stumbled(&format!("{panic}"), ctx),
        }));
    }

    fn loaded(&mut self, recovered: Recovered<K::State>, ctx: &mut Context<Self>) {
        self.recoveries = 0;
        self.kind.publish_all(&recovered.state);
        self.phase = Phase::Serving(Box::new(Working::from(recovered)));
        for job in std::mem::take(&mut self.queue) {
            self.take(job, ctx);
        }
        self.flush(ctx);
    }

    fn stumbled(&mut self, why: &str, ctx: &mut Context<Self>) {
        self.recoveries += 1;
        if self.recoveries >= RECOVERIES_MAX {
            return self.give_up(why);
        }
        self.load(ctx);
    }

    /// The disk or the system did not answer this time, which says nothing about the records: try again soon. Jobs wait, and
    /// are bounded by admission.
    fn load_later(&mut self, why: &str, ctx: &mut Context<Self>) {
        tracing::warn!(stream = %self.stream, why, "the stream could not be read; trying again");
        ctx.run_later(READ_AGAIN, Self::load);
    }

    fn give_up(&mut self, why: &str) {
        tracing::error!(stream = %self.stream, why, "the stream is put in quarantine");
        self.phase = Phase::Quarantined;
        self.kind.quarantine();
        self.queue.drain(..).for_each(|job| job.refuse(Refusal::Quarantined));
    }

    /// Leaves memory when nobody has used it for a while. Its blocks stay in the index.
    fn doze(&mut self) {
        let idle_ms = now_ms() - self.used_at_ms;
        let Phase::Serving(working) = &mut self.phase else { return };
        let busy = working.in_flight.is_some() || !working.next.is_empty() || working.broken;
        if busy || self.stream == StreamId::DIRECTORY || idle_ms < self.services.settings.passivate_after_ms {
            return;
        }
        let seq = working.state.last_seq();
        if seq - working.snapshot_seq >= self.services.settings.snapshot_at_stop_records {
            let hash = working.state.state_hash();
            self.services.snapshot(&self.snapshotter, self.stream, seq, hash, Vec::new());
        }
        self.phase = Phase::Asleep;
    }
}

impl<K: Kind> Working<K> {
    fn from(recovered: Recovered<K::State>) -> Self {
        Self {
            state: recovered.state,
            chain: recovered.chain,
            last_at_ms: 0,
            in_flight: None,
            next: Batch::default(),
            snapshot_seq: recovered.snapshot_seq,
            snapshot_wanted: None,
            broken: false,
            settling: Vec::new(),
        }
    }

    /// The youngest batch that is not durable yet.
    fn last_batch(&mut self) -> Option<&mut Batch<K>> {
        if self.next.is_empty() { self.in_flight.as_mut() } else { Some(&mut self.next) }
    }

    /// Tells a caller what follows from the working state and changes nothing, once all that it rests on is durable: a refusal,
    /// or an answer without events.
    fn tell(&mut self, told: Result<Accepted, Refusal>, to: AnswerTo, place: Option<Admitted>) {
        let Some(batch) = self.last_batch() else { return drop(to.send(told)) };
        let release = move |durable: Result<u64, Refusal>| drop(to.send(durable.and(told)));
        batch.readers.push((Box::new(release), place));
    }

    /// Gives the answer of an earlier request again: from a commit on its way, or from its record.
    fn replay(&mut self, record: u64, waiter: Waiter, stream: StreamId, services: &Arc<Services>) {
        let on_its_way = self.in_flight.as_mut().and_then(|batch| batch.commit_mut(record));
        if let Some(commit) = on_its_way {
            return commit.waiters.push(waiter);
        }
        if let Some(commit) = self.next.commit_mut(record) {
            return commit.waiters.push(waiter);
        }
        let services = services.clone();
        drop(tokio::task::spawn_blocking(move || {
            let result = stored_reply::<K>(record, stream, &services);
            drop(waiter.answer.send(result));
            drop(waiter.place);
        }));
    }
}

fn stored_reply<K: Kind>(first_seq: u64, stream: StreamId, services: &Services) -> Result<Accepted, Refusal> {
    let lost = |why: String| {
        tracing::error!(%stream, first_seq, why, "the answer to a repeated request could not be read");
        Refusal::Failed
    };
    let entries = services.store.history.read(stream, first_seq, 1).map_err(|error| lost(error.to_string()))?;
    let entry = entries.into_iter().find(|entry| entry.first_seq == first_seq);
    let entry = entry.ok_or_else(|| lost("there is no such record".into()))?;
    let opened = record::open(&entry.bytes).map_err(|error| lost(error.to_string()))?;
    let commit = decode_commit::<K::Event>(opened.payload).map_err(|error| lost(error.to_string()))?;
    let reply = commit.reply.ok_or_else(|| lost("the record holds no answer".into()))?;
    Ok(Accepted { done: reply.done, body: reply.body, version: opened.last_seq, replayed: true })
}

impl<K: Kind> Actor for Tenant<K> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(self.services.settings.mailbox_capacity());
        let idle_check = Duration::from_millis(self.services.settings.idle_check_ms);
        ctx.run_interval(idle_check, |actor, _| actor.doze());
        match &self.phase {
            Phase::Serving(working) => self.kind.publish_all(&working.state),
            Phase::Asleep => self.load(ctx),
            Phase::Loading | Phase::Quarantined => {}
        }
    }
}

impl<K: Kind> Handler<Job<K>> for Tenant<K> {
    type Result = ();

    fn handle(&mut self, job: Job<K>, ctx: &mut Context<Self>) {
        self.used_at_ms = now_ms();
        self.take(job, ctx);
        self.flush(ctx);
    }
}

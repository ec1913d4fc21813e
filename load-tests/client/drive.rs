//! The loops that put load on a server.
//!
//! Open loop: requests are due at fixed times and go out on the first free connection; their latency counts from the time
//! they were due, so a server that stalls pays for every request that had to wait. At most one request per connection is
//! outstanding; those without a connection wait in the schedule and are not forgotten.
//! Closed loop: every connection sends as soon as it has its answer. For throughput; its latencies forgive stalls.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::http::Connection;
use crate::pace::{Alarm, Schedule};
use crate::tally::{Tally, Window, nanoseconds};
use crate::work::Work;

/// Pause before a broken connection is opened again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(10);

pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    pub threads: usize,
    pub arrivals: Arrivals,
    pub warmup: Duration,
    pub measured: Duration,
    /// How long to wait for the last answers.
    pub grace: Duration,
    /// The requests of the connection with this number.
    pub work: Box<dyn Fn(usize) -> Work + Send + Sync>,
}

#[derive(Clone, Copy, Debug)]
pub enum Arrivals {
    Open { rate_per_s: f64 },
    Closed { requests_max: u64 },
}

/// Runs all loads at the same time and answers with one tally for each, and the time it measured.
pub fn run(loads: &[Load]) -> io::Result<Vec<(Tally, Duration)>> {
    let barrier = Barrier::new(loads.iter().map(|load| load.threads).sum());
    thread::scope(|scope| {
        let running: Vec<Vec<_>> = loads
            .iter()
            .map(|load| {
                let barrier = &barrier;
                (0..load.threads).map(|thread| scope.spawn(move || run_thread(load, thread, barrier))).collect()
            })
            .collect();
        running.into_iter().map(collect).collect()
    })
}

type ThreadOutcome = io::Result<(Tally, Duration)>;

fn collect(threads: Vec<thread::ScopedJoinHandle<'_, ThreadOutcome>>) -> ThreadOutcome {
    let (mut tally, mut measured) = (Tally::new(), Duration::ZERO);
    for thread in threads {
        let (part, part_measured) = thread.join().expect("a load thread panicked")?;
        tally.add(&part);
        measured = measured.max(part_measured);
    }
    Ok((tally, measured))
}

fn run_thread(load: &Load, thread: usize, barrier: &Barrier) -> ThreadOutcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let numbers = (thread..load.connections).step_by(load.threads);
        let mut connections = Vec::new();
        let mut refused = None;
        for number in numbers {
            match Connection::open(load.address).await {
                Ok(connection) => connections.push((number, connection)),
                Err(error) => refused = Some(error),
            }
        }
        barrier.wait();
        match refused {
            Some(error) => Err(error),
            None => Lane::run(load, connections).await,
        }
    })
}

/// What the connections of one thread share.
struct Lane {
    address: SocketAddr,
    source: Source,
    window: Window,
    tally: RefCell<Tally>,
    /// Per connection, since when its outstanding request has been waiting.
    outstanding: Vec<Cell<Option<Instant>>>,
}

enum Source {
    Open { schedule: Schedule, due: Semaphore, taken: Cell<u64> },
    Closed { end: Instant, left: Cell<u64> },
}

impl Lane {
    async fn run(load: &Load, connections: Vec<(usize, Connection)>) -> ThreadOutcome {
        let start = Instant::now();
        let window = Window { from: start + load.warmup, to: start + load.warmup + load.measured };
        let source = match load.arrivals {
            Arrivals::Open { rate_per_s } => {
                let schedule = Schedule::new(start, rate_per_s / load.threads as f64, load.warmup + load.measured);
                Source::Open { schedule, due: Semaphore::new(0), taken: Cell::new(0) }
            }
            Arrivals::Closed { requests_max } => {
                Source::Closed { end: window.to, left: Cell::new(requests_max / load.threads as u64) }
            }
        };
        let lane = Rc::new(Self {
            address: load.address,
            source,
            window,
            tally: RefCell::new(Tally::new()),
            outstanding: connections.iter().map(|_| Cell::new(None)).collect(),
        });
        let mut tasks = JoinSet::new();
        let count = connections.len();
        for (slot, (number, connection)) in connections.into_iter().enumerate() {
            tasks.spawn_local(serve(lane.clone(), slot, connection, (load.work)(number)));
        }
        lane.release(count).await?;
        let give_up = tokio::time::Instant::from_std(window.to + load.grace);
        let finished = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout_at(give_up, finished).await;
        let end = Instant::now();
        tasks.shutdown().await;
        lane.count_unanswered(end);
        // A closed loop that ran out of requests measured until it did.
        let measured = match lane.source {
            Source::Open { .. } => load.measured,
            Source::Closed { .. } => window.to.min(end).saturating_duration_since(window.from),
        };
        Ok((lane.tally.replace(Tally::new()), measured))
    }

    /// Open loop: lets each request go when it is due, then tells every connection that there are no more.
    async fn release(&self, connections: usize) -> io::Result<()> {
        let Source::Open { schedule, due, .. } = &self.source else { return Ok(()) };
        let alarm = Alarm::new()?;
        for k in 0..schedule.total {
            alarm.wait_until(schedule.due_at(k)).await?;
            due.add_permits(1);
        }
        due.add_permits(connections);
        Ok(())
    }

    /// The time from which the next request counts; `None` when there are no more.
    async fn next_due(&self) -> Option<Instant> {
        match &self.source {
            Source::Open { schedule, due, taken } => {
                due.acquire().await.ok()?.forget();
                let k = taken.get();
                (k < schedule.total).then(|| {
                    taken.set(k + 1);
                    schedule.due_at(k)
                })
            }
            Source::Closed { end, left } => {
                let now = Instant::now();
                if now >= *end || left.get() == 0 {
                    return None;
                }
                left.set(left.get() - 1);
                Some(now)
            }
        }
    }

    /// Whether a request due at `due` and ended at `done` belongs to the figures.
    fn counts(&self, due: Instant, done: Instant) -> bool {
        match self.source {
            Source::Open { .. } => self.window.contains(due),
            Source::Closed { .. } => self.window.contains(done),
        }
    }

    fn count_unanswered(&self, end: Instant) {
        let mut tally = self.tally.borrow_mut();
        let is_open = matches!(self.source, Source::Open { .. });
        let waiting = self.outstanding.iter().filter_map(Cell::get);
        for due in waiting.filter(|due| !is_open || self.window.contains(*due)) {
            tally.record_unanswered(end.saturating_duration_since(due));
        }
        if let Source::Open { schedule, taken, .. } = &self.source {
            let never_sent = (taken.get()..schedule.total).map(|k| schedule.due_at(k));
            for due in never_sent.filter(|due| self.window.contains(*due)) {
                tally.record_unanswered(end.saturating_duration_since(due));
            }
        }
    }
}

async fn serve(lane: Rc<Lane>, slot: usize, mut connection: Connection, mut work: Work) {
    let mut request = Vec::with_capacity(2 << 10);
    while let Some(due) = lane.next_due().await {
        lane.outstanding[slot].set(Some(due));
        let expected = work.next(&mut request);
        let sent = Instant::now();
        let outcome = connection.call(&request).await;
        let done = Instant::now();
        lane.outstanding[slot].set(None);
        let mut reopen = outcome.is_err();
        if lane.counts(due, done) {
            let mut tally = lane.tally.borrow_mut();
            tally.lag.saturating_record(nanoseconds(sent - due));
            match outcome {
                Ok(answer) => {
                    *tally.statuses.entry(answer.status).or_default() += 1;
                    if expected.holds(&answer) {
                        tally.right += 1;
                        tally.in_window += u64::from(lane.window.contains(done));
                        tally.latency.saturating_record(nanoseconds(done - due));
                    } else {
                        tally.wrong += u64::from(answer.status == expected.status());
                        tally.first_failure.get_or_insert_with(|| describe(answer.status, answer.body));
                    }
                }
                Err(error) => {
                    *tally.broken.entry(format!("{:?}", error.kind())).or_default() += 1;
                    tally.first_failure.get_or_insert_with(|| error.to_string());
                }
            }
        }
        reopen |= connection.is_closing();
        while reopen {
            match Connection::open(lane.address).await {
                Ok(opened) => {
                    connection = opened;
                    reopen = false;
                }
                Err(_) => tokio::time::sleep(RECONNECT_PAUSE).await,
            }
        }
    }
}

fn describe(status: u16, body: &[u8]) -> String {
    format!("{status} {}", String::from_utf8_lossy(&body[..body.len().min(300)]))
}

//! The scheduler: sends to organisations, and to the directory, what their time has come for. One timer for all.

use std::time::Duration;

use super::agenda::Chore;
use super::engine::{DeliveryMode, Engine};
use super::org::OrgRef;
use crate::clock::now_ms;
use crate::domain::actions::escalation::Escalate;
use crate::domain::blocks::place::Tick;
use crate::domain::command::Command;
use crate::domain::directory::commands::DirectoryCommand;
use crate::domain::directory::sessions::CloseExpired;
use crate::domain::people::Caller;

/// Entries taken from the agenda at once.
const TAKEN_MAX: usize = 256;
/// Expiries that one tick writes down.
pub const TICK_MAX: usize = 500;
/// Escalations that one order moves.
pub const ESCALATED_MAX: usize = 200;
/// The longest sleep; the clock may have been set meanwhile.
const SLEEP_MAX_MS: i64 = 60_000;
/// The wait before a tick that was refused is sent again, in milliseconds.
const TICK_AGAIN_MS: i64 = 2_000;
/// How often sessions that are over are closed.
const SESSIONS_EVERY: Duration = Duration::from_secs(600);

/// Runs until the engine stops.
pub async fn run(engine: Engine) {
    let mut sessions = tokio::time::interval(SESSIONS_EVERY);
    while !engine.is_stopping() {
        let (due, next) = engine.agenda().take_due(now_ms(), TAKEN_MAX);
        for (chore, stream) in due {
            if let Some(org) = engine.orgs().by_stream(stream) {
                start(&engine, chore, org);
            }
        }
        let sleep_ms = next.map_or(SLEEP_MAX_MS, |at| (at - now_ms()).clamp(0, SLEEP_MAX_MS));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(u64::try_from(sleep_ms).unwrap_or(0))) => {}
            () = engine.agenda().changed() => {}
            () = engine.stopping() => return,
            _ = sessions.tick() => close_sessions(&engine),
        }
    }
}

fn start(engine: &Engine, chore: Chore, org: OrgRef) {
    let engine = engine.clone();
    match chore {
        Chore::Deliver | Chore::Notify if engine.delivery_mode() == DeliveryMode::OnProcess => {}
        Chore::Deliver => drop(tokio::spawn(async move { engine.courier().dispatch(&engine, &org).await })),
        Chore::Notify => drop(tokio::spawn(async move { engine.notifier().dispatch(&engine, &org).await })),
        // It sends nothing to anybody outside, so it waits for nobody who asks.
        Chore::Announce => drop(tokio::spawn(async move { engine.herald().dispatch(&engine, &org).await })),
        // Who asks for deliveries when it suits them has approved work done at once all the same.
        Chore::Execute => drop(tokio::spawn(async move { engine.executor().dispatch(&engine, &org).await })),
        Chore::Tick => drop(tokio::spawn(order(engine, chore, org, Command::Tick(Tick { at_most: TICK_MAX })))),
        // Who sends only when asked escalates only when asked: a rung that nobody told must not be passed over.
        Chore::Escalate if engine.delivery_mode() == DeliveryMode::OnProcess => {}
        Chore::Escalate => {
            drop(tokio::spawn(order(engine, chore, org, Command::Escalate(Escalate { at_most: ESCALATED_MAX }))));
        }
    }
}

async fn order(engine: Engine, chore: Chore, org: OrgRef, command: Command) {
    if let Err(refusal) = engine.command_unlimited(&org, command, Caller::schedule()).await {
        tracing::debug!(org = %org.org_id, ?chore, %refusal, "an order of the schedule was refused");
        engine.agenda().no_later_than(chore, org.stream, now_ms() + TICK_AGAIN_MS);
    }
}

fn close_sessions(engine: &Engine) {
    let engine = engine.clone();
    drop(tokio::spawn(async move {
        let command = DirectoryCommand::CloseExpired(CloseExpired);
        drop(engine.directory_command(command, Caller::schedule(), None).await); // the next round finds the same sessions
    }));
}

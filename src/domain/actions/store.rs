//! All actions of an organisation, and what of them is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::escalation::{Escalated, Stopped, steps};
use super::{Action, AttemptOutcome, Attempted, ExecutionStatus};
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// When, the number and the id of an action.
type Place = (Timestamp, u64, Uuid);

/// The actions of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    table: Table<Uuid, Action>,
    by_seq: BTreeMap<u64, Uuid>,
    due: BTreeSet<Place>,
    /// Escalations by when the next rung has its turn.
    turns: BTreeSet<Place>,
    /// Reminders by when they are due.
    reminders: BTreeSet<Place>,
    pending: usize,
}

impl Actions {
    /// The action of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Action> {
        self.table.get(id)
    }

    /// Those older than `before` (a sequence number), newest first.
    pub fn before(&self, before: u64) -> impl Iterator<Item = &Action> {
        self.by_seq.range(..before).rev().filter_map(|(_, id)| self.table.get(id))
    }

    /// The pending ones, by when they are due.
    pub fn by_due(&self) -> impl Iterator<Item = &Action> {
        self.due.iter().filter_map(|(_, _, id)| self.table.get(id))
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _, _)| *at)
    }

    /// The escalations whose next rung has its turn by now, first come first.
    pub fn turns_by(&self, now: Timestamp) -> impl Iterator<Item = &Action> {
        self.turns.iter().take_while(move |(at, _, _)| *at <= now).filter_map(|(_, _, id)| self.table.get(id))
    }

    /// The escalations of which a reminder is due by now.
    pub fn reminders_by(&self, now: Timestamp) -> impl Iterator<Item = &Action> {
        self.reminders.iter().take_while(move |(at, _, _)| *at <= now).filter_map(|(_, _, id)| self.table.get(id))
    }

    /// When the next rung has its turn, or the next reminder is due.
    pub fn next_turn(&self) -> Option<Timestamp> {
        let firsts = [self.turns.first(), self.reminders.first()];
        firsts.into_iter().flatten().map(|(at, _, _)| *at).min()
    }

    /// How many are pending, those included that wait for an answer.
    pub fn pending_count(&self) -> usize {
        self.pending
    }

    /// Every action, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Action> {
        self.table.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, action: Action) {
        self.by_seq.insert(action.seq, action.id);
        self.leave(&action.id);
        self.put(Places::of(&action), action.is_pending());
        self.table.insert(action.id, action);
    }

    /// Folds an attempt in.
    pub fn attempted(&mut self, event: &Attempted) {
        self.change(&event.id, |action| {
            if action.escalation.is_some() {
                return steps::fold_attempt(action, event);
            }
            action.attempts.push(event.attempt.clone());
            action.status = event.status;
            action.reason = event.reason.clone().or_else(|| action.reason.take());
            action.due_at = event.attempt.next_at;
            if event.attempt.outcome == AttemptOutcome::Delivered {
                action.executed_at = Some(event.attempt.at);
            } else {
                action.failures += 1;
            }
        });
    }

    /// Folds a dismissal in.
    pub fn dismiss(&mut self, id: &Uuid, reason: Arc<str>) {
        self.change(id, |action| {
            action.status = ExecutionStatus::Dismissed;
            if let Some(escalation) = &mut action.escalation {
                steps::halt(escalation, &reason);
            }
            action.reason = Some(reason);
            action.due_at = None;
        });
    }

    /// Begins the next rung of an escalation.
    pub fn escalate(&mut self, event: &Escalated) {
        self.change(&event.id, |action| steps::fold_next(action, event));
    }

    /// Ends an escalation before its top.
    pub fn stop(&mut self, event: &Stopped) {
        self.change(&event.id, |action| steps::fold_stop(action, event));
    }

    /// Lets go of the reminder that waited.
    pub fn forget_reminder(&mut self, id: &Uuid) {
        if self.table.get(id).is_some_and(|action| action.escalation.as_ref().is_some_and(|all| all.reminder.is_some()))
        {
            self.change(id, |action| action.escalation.iter_mut().for_each(|all| all.reminder = None));
        }
    }

    /// Makes it due again at `at`, with a fresh schedule.
    pub fn requeue(&mut self, id: &Uuid, at: Timestamp) {
        self.change(id, |action| {
            action.status = ExecutionStatus::Pending;
            action.reason = None;
            action.suppressed = None;
            action.failures = 0;
            action.due_at = match &mut action.escalation {
                Some(escalation) => steps::resume(escalation, at),
                None => Some(at),
            };
        });
    }

    fn change(&mut self, id: &Uuid, change: impl FnOnce(&mut Action)) {
        self.leave(id);
        self.table.update(id, change);
        if let Some(action) = self.table.get(id) {
            let (places, pending) = (Places::of(action), action.is_pending());
            self.put(places, pending);
        }
    }

    fn leave(&mut self, id: &Uuid) {
        let Some(action) = self.table.get(id) else { return };
        let places = Places::of(action);
        self.pending -= usize::from(action.is_pending());
        for (place, places) in
            [(places.due, &mut self.due), (places.turn, &mut self.turns), (places.reminder, &mut self.reminders)]
        {
            if let Some(place) = place {
                places.remove(&place);
            }
        }
    }

    fn put(&mut self, places: Places, pending: bool) {
        self.pending += usize::from(pending);
        self.due.extend(places.due);
        self.turns.extend(places.turn);
        self.reminders.extend(places.reminder);
    }
}

/// Where an action stands among those that wait.
struct Places {
    due: Option<Place>,
    turn: Option<Place>,
    reminder: Option<Place>,
}

impl Places {
    fn of(action: &Action) -> Self {
        let place = |at: Timestamp| (at, action.seq, action.id);
        let escalation = action.escalation.as_ref();
        let turn = escalation.filter(|_| action.is_pending()).and_then(|all| all.next_at);
        let reminder = escalation.and_then(|all| all.reminder.as_ref()).map(|reminder| reminder.at);
        Self { due: action.due().map(place), turn: turn.map(place), reminder: reminder.map(place) }
    }
}

//! What the one path of a change needs from a thing that is made of its events.

use super::decision::{Context, Decided, Reply};
use super::idempotency::Request;
use super::rejection::Rejection;
use super::time::Timestamp;

/// A state that is folded from events and changed by commands only. Organisations and the directory are such.
pub trait Aggregate: Sized + Send + 'static {
    /// An order.
    type Command: Send + 'static;
    /// A fact.
    type Event: Send + Sync + 'static;
    /// What the caller is told; rendered by [`Aggregate::reply`].
    type Answer: Send + 'static;

    /// The state before the first event.
    fn empty() -> Self;

    /// Decides a command; changes nothing.
    ///
    /// # Errors
    /// Why it is refused.
    fn decide(&self, command: Self::Command, context: &mut Context<'_>) -> Decided<Self::Event, Self::Answer>;

    /// Decides a command and folds in what it gives; when it is refused, nothing was changed. Whatever decides in several steps, each
    /// seeing the ones before it, does so here.
    ///
    /// # Errors
    /// Why it is refused.
    fn carry_out(&mut self, command: Self::Command, context: &mut Context<'_>) -> Decided<Self::Event, Self::Answer> {
        let decision = self.decide(command, context)?;
        self.fold(context.now, &decision.events);
        Ok(decision)
    }

    /// Folds events in, numbered from the next number on.
    fn fold(&mut self, at: Timestamp, events: &[Self::Event]) {
        for event in events {
            self.apply(self.last_seq() + 1, at, event);
        }
    }

    /// Folds one event in.
    fn apply(&mut self, seq: u64, at: Timestamp, event: &Self::Event);

    /// Renders an answer from the state as it is now.
    fn reply(&self, answer: &Self::Answer) -> Reply;

    /// The event that says only that a request was answered.
    fn answered() -> Self::Event;

    /// Whether the command still goes through when the disk is nearly full.
    fn is_urgent(command: &Self::Command) -> bool;

    /// The record that answered this request before.
    ///
    /// # Errors
    /// When the key came with another request.
    fn seen(&self, request: &Request, now: Timestamp) -> Result<Option<u64>, Rejection>;

    /// Keeps the idempotency key of a record.
    fn keep_request(&mut self, request: &Request, record: u64, at: Timestamp);

    /// The sequence number of the last event.
    fn last_seq(&self) -> u64;

    /// Does what a change left for later and nobody waits for: the digests of what was changed. Without it a hash of everything, or a
    /// later change, takes so much longer.
    fn catch_up(&mut self);

    /// A hash of everything.
    fn state_hash(&self) -> [u8; 32];
}

//! What waits in an actor's mailbox.

use actix::Message;
use tokio::sync::oneshot;

use super::kind::Kind;
use super::org::Admitted;
use super::refusal::{Accepted, Refusal};
use crate::domain::aggregate::Aggregate;
use crate::domain::idempotency::Request;
use crate::domain::people::Caller;

/// Where an answer goes. Whoever waited may be gone: what they asked for is done all the same.
pub type AnswerTo = oneshot::Sender<Result<Accepted, Refusal>>;

/// What is called once all that a read has seen is durable, or was lost.
pub type Release = Box<dyn FnOnce(Result<u64, Refusal>) + Send>;

/// A look at the state; what it gives is held back until it is durable.
pub type View<S> = Box<dyn FnOnce(Result<&S, Refusal>) -> Option<Release> + Send>;

/// An order with everything that it needs.
pub struct Order<C> {
    /// The order.
    pub command: C,
    /// Who gives it.
    pub caller: Caller,
    /// Its idempotency key.
    pub request: Option<Request>,
    /// Where the answer goes.
    pub answer: AnswerTo,
    /// Its place among what waits.
    pub place: Option<Admitted>,
}

/// A read with everything that it needs.
pub struct Reading<S> {
    /// The least version that will do.
    pub min_version: u64,
    /// The look at the state.
    pub view: View<S>,
    /// Its place among what waits.
    pub place: Option<Admitted>,
}

/// One job of an actor.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Job<K: Kind> {
    /// An order.
    Order(Box<Order<<K::State as Aggregate>::Command>>),
    /// A read.
    Reading(Reading<K::State>),
    /// Prepares for the end: writes a snapshot where one is worth it, and tells when all before it is durable.
    Settle(oneshot::Sender<()>),
}

impl<K: Kind> Job<K> {
    /// Answers it with a refusal.
    pub fn refuse(self, refusal: Refusal) {
        match self {
            Self::Order(order) => drop(order.answer.send(Err(refusal))),
            Self::Reading(reading) => drop((reading.view)(Err(refusal))),
            Self::Settle(told) => {
                let _ = told.send(()); // whoever waited may be gone
            }
        }
    }
}

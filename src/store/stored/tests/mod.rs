//! What is stored comes back, byte for byte, and what is not ours is refused.

mod arbitrary;
mod damage;
mod golden;
mod round_trip;
mod samples;

use super::states::StoredState;
use super::{Commit, StoredError, StoredEvent, encode_commit};
use crate::domain::idempotency::Request;
use crate::domain::time::Timestamp;

/// A commit as tests make them: when, under which key, what.
type Step<E> = (Timestamp, Option<Request>, Vec<E>);

/// Folds steps the way a live actor does, without any bytes.
fn lived<A: StoredState>(state: &mut A, steps: &[Step<A::Event>]) {
    for (at, request, events) in steps {
        let first_seq = state.last_seq() + 1;
        for (seq, event) in (first_seq..).zip(events) {
            state.apply(seq, *at, event);
        }
        if let Some(request) = request {
            state.keep_request(request, first_seq, *at);
        }
    }
}

/// An event there and back.
fn again<E: StoredEvent>(event: &E) -> Result<E, StoredError> {
    let encoded = event.encode();
    E::decode(encoded.event_type, encoded.schema, &encoded.bytes)
}

/// The payload of a commit.
fn payload_of<E: StoredEvent>(commit: &Commit<E>) -> Vec<u8> {
    let answer = commit.reply.as_ref().map(|reply| (reply.done, &reply.body[..]));
    encode_commit(&commit.cause, commit.request.as_ref(), answer, &commit.events)
}

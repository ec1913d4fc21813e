//! Delivery: hands one finished message to the outside, once per call, and says how that went.
//!
//! Promise: every attempt ends, in bounded time, as one [`channel::Outcome`]; attempts of the same message carry the same id and
//! the same bytes, so that a receiver can tell a repetition from a new message.
//! Never here: deciding what is due, counting attempts, waiting for the next one, or reading the clock.

pub mod channel;
pub mod channels;
pub mod effect;
pub mod egress;
pub mod modules;
pub mod outbound;
pub mod signing;
pub mod summary;
#[doc(hidden)]
pub mod testing;
pub mod wording;

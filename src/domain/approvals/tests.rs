//! What requests promise, room by room.

mod deciding;
mod exploring;
mod overrides;
mod running;
mod submitting;
mod undoing;

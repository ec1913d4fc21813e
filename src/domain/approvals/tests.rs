//! What requests promise, room by room.

mod deciding;
mod overrides;
mod running;
mod submitting;
mod undoing;

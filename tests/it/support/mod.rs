//! A server of our own for each test, and callers of every kind. It is the real program, started as a process on a temporary data
//! directory, so that it can be stopped, killed and started again.

pub mod app;
pub mod events;
pub mod http;
pub mod modules;
pub mod process;

use std::time::{Duration, Instant};

pub use app::{CENTER, Organisation, TestApp};
pub use http::{Answer, Client};

/// Waits; tests run on threads of their own, and no actor shares them.
#[allow(clippy::disallowed_methods, reason = "a test waits for another process")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Asks every few milliseconds until there is something, and gives it; `None` when the time is over.
pub fn wait_for<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() > deadline {
            return None;
        }
        pause(Duration::from_millis(20));
    }
}

//! When each request of an open loop is due, and a clock fine enough to send it then.
//!
//! Request `k` is due at `start + k / rate`, whatever became of the ones before it. The schedule never waits for the
//! server: this is what makes a stalled server visible.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;

#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    rate_per_s: f64,
    /// How many requests there are in all.
    pub total: u64,
}

impl Schedule {
    pub fn new(start: Instant, rate_per_s: f64, duration: Duration) -> Self {
        Self { start, rate_per_s, total: (rate_per_s * duration.as_secs_f64()) as u64 }
    }

    pub fn due_at(&self, k: u64) -> Instant {
        self.start + Duration::from_secs_f64(k as f64 / self.rate_per_s)
    }
}

/// A kernel timer. tokio's own has a step of a millisecond, which is more than the latencies measured here.
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    #[allow(unsafe_code, reason = "a timer of the C library, explained at its place")]
    pub fn new() -> io::Result<Self> {
        // SAFETY: no memory is passed; the descriptor is checked, owned at once, and open until the registration is dropped.
        unsafe {
            let raw = libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC);
            if raw < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self(AsyncFd::register(OwnedFd::from_raw_fd(raw))?))
        }
    }

    /// Returns at `instant`, or at once when that has passed.
    pub async fn wait_until(&self, instant: Instant) -> io::Result<()> {
        loop {
            let remaining = instant.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Ok(());
            }
            self.arm(remaining)?;
            self.0.readable().await?.clear_ready();
        }
    }

    #[allow(unsafe_code, reason = "a timer of the C library, explained at its place")]
    fn arm(&self, delay: Duration) -> io::Result<()> {
        let timing = libc::itimerspec {
            it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: libc::timespec {
                tv_sec: delay.as_secs() as libc::time_t,
                tv_nsec: delay.subsec_nanos() as libc::c_long,
            },
        };
        // SAFETY: the descriptor is open for as long as `self`, and `timing` outlives the call that reads it.
        match unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &timing, std::ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_due_at_its_own_time() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 1_000.0, Duration::from_secs(2));
        assert_eq!(schedule.total, 2_000);
        assert_eq!(schedule.due_at(0), start);
        assert_eq!(schedule.due_at(5), start + Duration::from_millis(5));
    }

    #[tokio::test]
    async fn the_alarm_never_rings_early() {
        let alarm = Alarm::new().unwrap();
        for step in 1..=20 {
            let instant = Instant::now() + Duration::from_micros(step * 37);
            alarm.wait_until(instant).await.unwrap();
            assert!(Instant::now() >= instant);
        }
    }
}

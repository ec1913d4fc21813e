//! When a delivery that failed is tried again.

use crate::domain::time::{HOUR_MS, MINUTE_MS};

/// The waits between attempts, in milliseconds: 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 8 h, 14 h.
pub const SCHEDULE_MS: [i64; 8] =
    [5_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 8 * HOUR_MS, 14 * HOUR_MS];

/// How long to wait after `failed` failed attempts (at least 1), in milliseconds; `None` when it is given up.
///
/// The wait is the schedule's, spread by up to 20 % to either side by `seed`, and never shorter than what the receiver asked
/// for in `asked_ms` (bounded by a day), so the same inputs always give the same wait.
pub fn next_delay_ms(failed: usize, asked_ms: Option<i64>, seed: u64) -> Option<i64> {
    let base = *SCHEDULE_MS.get(failed.checked_sub(1)?)?;
    let spread = base / 5;
    let width = u64::try_from(2 * spread + 1).unwrap_or(1);
    let jitter = i64::try_from(seed % width).unwrap_or(0) - spread;
    Some((base + jitter).max(asked_ms.unwrap_or(0).min(24 * HOUR_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_schedule_within_a_fifth_and_end() {
        for seed in [0, 1, 999_999_999, u64::MAX] {
            for (index, base) in SCHEDULE_MS.iter().enumerate() {
                let wait = next_delay_ms(index + 1, None, seed).unwrap();
                assert!((base - base / 5..=base + base / 5).contains(&wait), "attempt {index}: {wait}");
            }
            assert_eq!(next_delay_ms(SCHEDULE_MS.len() + 1, None, seed), None);
        }
    }

    #[test]
    fn a_receiver_that_asks_for_more_time_gets_it() {
        assert_eq!(next_delay_ms(1, Some(60_000), 3), Some(60_000));
    }
}

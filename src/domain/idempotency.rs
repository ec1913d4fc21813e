//! Idempotency keys: the first answer under a key is the answer to every repetition for a day.

use std::collections::VecDeque;
use std::sync::Arc;

use super::rejection::Rejection;
use super::table::{Digest, Table};
use super::time::{DAY_MS, Timestamp};

/// How long a key is kept, in milliseconds.
pub const KEPT_MS: i64 = DAY_MS;

/// A request that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The key, 1–128 bytes.
    pub key: Arc<str>,
    /// What of the request must be the same: a hash of method, path and body.
    pub print: [u8; 16],
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// What the first request was.
    pub print: [u8; 16],
    /// The first sequence number of the record that holds its answer.
    pub record: u64,
    /// When.
    pub at: Timestamp,
}

/// The keys of one stream.
#[derive(Clone, Debug, Default)]
pub struct Idempotency {
    known: Table<Arc<str>, Known>,
    by_time: VecDeque<(Timestamp, Arc<str>)>,
}

impl Idempotency {
    /// The record that answered this request before; `None` when it is new, or older than a day.
    ///
    /// # Errors
    /// [`Rejection::IdempotencyKeyReused`] when the key came with another request.
    pub fn seen(&self, request: &Request, now: Timestamp) -> Result<Option<u64>, Rejection> {
        match self.known.get(&request.key) {
            Some(known) if known.at.plus_ms(KEPT_MS) <= now => Ok(None),
            Some(known) if known.print == request.print => Ok(Some(known.record)),
            Some(_) => Err(Rejection::IdempotencyKeyReused),
            None => Ok(None),
        }
    }

    /// Keeps a key, and lets go of those that are older than a day at this record's time.
    pub fn keep(&mut self, request: &Request, record: u64, at: Timestamp) {
        while let Some((kept_at, key)) = self.by_time.front() {
            if kept_at.plus_ms(KEPT_MS) > at {
                break;
            }
            if self.known.get(key).is_some_and(|known| known.at == *kept_at) {
                self.known.remove(&key.clone());
            }
            self.by_time.pop_front();
        }
        self.known.insert(request.key.clone(), Known { print: request.print, record, at });
        self.by_time.push_back((at, request.key.clone()));
    }

    /// Puts a key back that a snapshot kept; lets go of none, because the snapshot already has.
    pub fn put_back(&mut self, key: Arc<str>, known: Known) {
        self.by_time.push_back((known.at, key.clone()));
        self.known.insert(key, known);
    }

    /// Every key with what is known of it, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Known)> {
        self.by_time.iter().filter_map(|(at, key)| {
            let known = self.known.get(key).filter(|known| known.at == *at)?;
            Some((key, known))
        })
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.known.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.known.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(key: &str, print: u8) -> Request {
        Request { key: key.into(), print: [print; 16] }
    }

    #[test]
    fn a_repeated_request_finds_its_record_for_a_day() {
        let mut keys = Idempotency::default();
        assert_eq!(keys.seen(&request("k", 1), Timestamp(0)), Ok(None));
        keys.keep(&request("k", 1), 7, Timestamp(1_000));
        for now in [1_000, 0, 1_000 + KEPT_MS - 1] {
            assert_eq!(keys.seen(&request("k", 1), Timestamp(now)), Ok(Some(7)), "also when the clock went back");
            assert_eq!(keys.seen(&request("k", 2), Timestamp(now)), Err(Rejection::IdempotencyKeyReused));
        }
        for print in [1, 2] {
            assert_eq!(
                keys.seen(&request("k", print), Timestamp(1_000 + KEPT_MS)),
                Ok(None),
                "over, before it is let go"
            );
        }
    }

    #[test]
    fn old_keys_are_let_go_by_the_time_of_the_records() {
        let mut keys = Idempotency::default();
        for number in 0..10_i64 {
            keys.keep(&request(&format!("k{number}"), 1), number as u64 + 1, Timestamp(number));
        }
        keys.keep(&request("late", 1), 11, Timestamp(KEPT_MS + 4));
        assert_eq!(keys.len(), 6, "k5 to k9 and the new one");
        let left: Vec<&str> = keys.iter().map(|(key, _)| &**key).collect();
        assert_eq!(left, ["k5", "k6", "k7", "k8", "k9", "late"]);
    }

    #[test]
    fn a_key_that_is_used_again_after_its_day_stays_for_another() {
        let mut keys = Idempotency::default();
        keys.keep(&request("far", 1), 1, Timestamp(KEPT_MS));
        keys.keep(&request("k", 1), 2, Timestamp(0)); // behind one of the future: it is not let go in time
        keys.keep(&request("k", 2), 3, Timestamp(KEPT_MS));
        assert_eq!(keys.seen(&request("k", 2), Timestamp(KEPT_MS)), Ok(Some(3)));
        keys.keep(&request("other", 1), 4, Timestamp(2 * KEPT_MS - 1));
        assert_eq!(keys.seen(&request("k", 2), Timestamp(2 * KEPT_MS - 1)), Ok(Some(3)));
        keys.keep(&request("last", 1), 5, Timestamp(2 * KEPT_MS));
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn keys_that_a_snapshot_kept_are_the_same_keys() {
        let mut keys = Idempotency::default();
        for (number, at) in [(1, KEPT_MS), (2, 5), (3, 2 * KEPT_MS)] {
            keys.keep(&request(&format!("k{}", number % 2), 1), number, Timestamp(at));
        }
        let mut copy = Idempotency::default();
        for (key, known) in keys.iter() {
            copy.put_back(key.clone(), *known);
        }
        assert_eq!((copy.digest(), copy.len()), (keys.digest(), keys.len()));
        for one in [&mut keys, &mut copy] {
            one.keep(&request("last", 1), 9, Timestamp(4 * KEPT_MS));
        }
        assert_eq!((copy.digest(), copy.len()), (keys.digest(), 1));
    }
}

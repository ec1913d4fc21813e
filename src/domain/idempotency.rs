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

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.known.digest()
    }
}

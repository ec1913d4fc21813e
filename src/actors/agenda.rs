//! The agenda: which organisation has something due, and when. One entry an organisation and kind of work, so it is as large as
//! the number of organisations, not of the work.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::domain::ids::StreamId;

/// A kind of work that comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chore {
    /// Actions to deliver.
    Deliver,
    /// Webhooks to tell.
    Notify,
    /// Announcements whose people are to be told.
    Announce,
    /// Expiries and quiet violations to write down.
    Tick,
    /// Rungs of escalations whose turn has come, and reminders.
    Escalate,
    /// Approved requests to carry out.
    Execute,
}

type Entry = (Chore, StreamId);

#[derive(Debug, Default)]
struct Times {
    by_time: BTreeSet<(i64, Entry)>,
    by_entry: HashMap<Entry, i64>,
}

/// The agenda.
#[derive(Debug, Default)]
pub struct Agenda {
    times: Mutex<Times>,
    changed: Notify,
}

impl Agenda {
    /// Says when an organisation has such work next; `None` for not at all.
    pub fn set(&self, chore: Chore, stream: StreamId, at_ms: Option<i64>) {
        let entry = (chore, stream);
        let mut times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if times.by_entry.get(&entry).copied() == at_ms {
            return;
        }
        if let Some(old) = times.by_entry.remove(&entry) {
            times.by_time.remove(&(old, entry));
        }
        if let Some(at) = at_ms {
            times.by_entry.insert(entry, at);
            times.by_time.insert((at, entry));
            self.changed.notify_one();
        }
    }

    /// Says that an organisation has such work no later than this; what stands sooner stays.
    pub fn no_later_than(&self, chore: Chore, stream: StreamId, at_ms: i64) {
        let standing = {
            let times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            times.by_entry.get(&(chore, stream)).copied()
        };
        if standing.is_none_or(|standing| at_ms < standing) {
            self.set(chore, stream, Some(at_ms));
        }
    }

    /// Takes what is due at `now_ms`, at most `at_most`, and says when to look again.
    pub fn take_due(&self, now_ms: i64, at_most: usize) -> (Vec<Entry>, Option<i64>) {
        let mut times = self.times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut due = Vec::new();
        while let Some((at, entry)) = times.by_time.first().copied() {
            if at > now_ms || due.len() == at_most {
                return (due, Some(at));
            }
            times.by_time.pop_first();
            times.by_entry.remove(&entry);
            due.push(entry);
        }
        (due, None)
    }

    /// Waits until something was put on it.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_taken_once_in_the_order_of_time() {
        let agenda = Agenda::default();
        agenda.set(Chore::Deliver, StreamId(1), Some(30));
        agenda.set(Chore::Tick, StreamId(2), Some(10));
        agenda.set(Chore::Deliver, StreamId(3), Some(20));
        agenda.set(Chore::Deliver, StreamId(1), Some(5));
        agenda.set(Chore::Deliver, StreamId(3), None);
        let (due, next) = agenda.take_due(9, 10);
        assert_eq!((due, next), (vec![(Chore::Deliver, StreamId(1))], Some(10)));
        let (due, next) = agenda.take_due(10, 10);
        assert_eq!((due, next), (vec![(Chore::Tick, StreamId(2))], None));
    }
}

//! How many event streams are open: each holds a connection, a queue and a task, so neither an organisation nor all together may
//! have any number of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::problem::{Problem, problem};
use crate::domain::ids::StreamId;

/// The most open event streams of one organisation.
pub const ORG_STREAMS_MAX: usize = 2_000;
/// The most open event streams of the server.
pub const STREAMS_MAX: usize = 8_000;

/// The event streams that are open. Cloning it gives the same count.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_org: HashMap<StreamId, usize>,
}

/// One open event stream; given back when dropped.
#[derive(Debug)]
pub struct StreamPlace {
    streams: Streams,
    org: StreamId,
}

impl Streams {
    /// Takes a place for one more.
    ///
    /// # Errors
    /// `too-many-streams` of the organisation, `server-busy` of the server.
    pub fn open(&self, org: StreamId) -> Result<StreamPlace, Problem> {
        let mut counts = self.counts();
        if counts.all >= STREAMS_MAX {
            return Err(problem!("server-busy", "the server has too many event streams open"));
        }
        let of_org = counts.by_org.entry(org).or_default();
        if *of_org >= ORG_STREAMS_MAX {
            let detail = "event streams open at most";
            return Err(problem!("too-many-streams", "an organisation may have {ORG_STREAMS_MAX} {detail}"));
        }
        *of_org += 1;
        counts.all += 1;
        Ok(StreamPlace { streams: self.clone(), org })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut counts = self.streams.counts();
        counts.all -= 1;
        if let Some(of_org) = counts.by_org.get_mut(&self.org) {
            *of_org -= 1;
            if *of_org == 0 {
                counts.by_org.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_has_its_own_limit_and_all_together_have_one() {
        let streams = Streams::default();
        let mut open = Vec::new();
        for org in 1..=4 {
            open.extend((0..ORG_STREAMS_MAX).map(|_| streams.open(StreamId(org)).unwrap()));
            if org < 4 {
                assert_eq!(streams.open(StreamId(org)).unwrap_err().code(), "too-many-streams");
            }
        }
        assert_eq!(streams.open(StreamId(5)).unwrap_err().code(), "server-busy");
        open.truncate(1);
        assert_eq!(streams.counts().by_org.len(), 1, "nothing is kept of organisations without a stream");
        assert!(streams.open(StreamId(5)).is_ok());
        open.clear();
        let counts = streams.counts();
        assert_eq!((counts.all, counts.by_org.len()), (0, 0));
    }
}

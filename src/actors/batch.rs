//! Commits on their way to the disk, and who waits for them.

use super::job::{AnswerTo, Release};
use super::kind::Kind;
use super::org::Admitted;
use super::refusal::{Accepted, Refusal};
use crate::domain::decision::Done;
use crate::store::journal::Entry;

/// Somebody who waits for a commit.
pub struct Waiter {
    /// Where the answer goes.
    pub answer: AnswerTo,
    /// Whether it repeats an earlier request.
    pub replayed: bool,
    /// Its place among what waits.
    pub place: Option<Admitted>,
}

/// One commit that was decided and applied, and is not durable yet.
pub struct Commit<K: Kind> {
    /// Its numbers.
    pub first_seq: u64,
    /// Its numbers.
    pub last_seq: u64,
    /// What is to be shown.
    pub publication: K::Publication,
    /// What its callers are told.
    pub done: Done,
    /// What its callers are told, as JSON.
    pub body: Vec<u8>,
    /// Its callers; more than one when a request was repeated meanwhile.
    pub waiters: Vec<Waiter>,
}

/// Commits that become durable together.
pub struct Batch<K: Kind> {
    /// Their records.
    pub entries: Vec<Entry>,
    /// The commits.
    pub commits: Vec<Commit<K>>,
    /// Reads that have seen them.
    pub readers: Vec<(Release, Option<Admitted>)>,
    /// Whether all of them still go through when the disk is nearly full.
    pub urgent: bool,
}

impl<K: Kind> Default for Batch<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), commits: Vec::new(), readers: Vec::new(), urgent: true }
    }
}

impl<K: Kind> Batch<K> {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The commit that begins with this number.
    pub fn commit_mut(&mut self, first_seq: u64) -> Option<&mut Commit<K>> {
        let index = self.commits.binary_search_by_key(&first_seq, |commit| commit.first_seq).ok()?;
        self.commits.get_mut(index)
    }

    /// Tells everybody that it did not become durable.
    pub fn refuse(self, refusal: &Refusal) {
        for waiter in self.commits.into_iter().flat_map(|commit| commit.waiters) {
            drop(waiter.answer.send(Err(refusal.clone())));
        }
        for (release, place) in self.readers {
            drop(place);
            release(Err(refusal.clone()));
        }
    }

    /// Shows what became durable, then tells everybody.
    pub fn announce(self, kind: &K) {
        let Some(version) = self.commits.last().map(|commit| commit.last_seq) else { return };
        let mut publications = Vec::with_capacity(self.commits.len());
        let mut answers = Vec::with_capacity(self.commits.len());
        for commit in self.commits {
            publications.push(commit.publication);
            answers.push((commit.done, commit.body, commit.last_seq, commit.waiters));
        }
        kind.publish(publications, version);
        for (done, body, version, waiters) in answers {
            answer(done, body, version, waiters);
        }
        for (release, place) in self.readers {
            drop(place); // before the answer, so that whoever has it finds the place free
            release(Ok(version));
        }
    }
}

fn answer(done: Done, body: Vec<u8>, version: u64, waiters: Vec<Waiter>) {
    let last = waiters.len().saturating_sub(1);
    let mut body = Some(body);
    for (index, waiter) in waiters.into_iter().enumerate() {
        let own = if index == last { body.take() } else { body.clone() };
        let accepted = Accepted { done, body: own.unwrap_or_default(), version, replayed: waiter.replayed };
        drop(waiter.place); // before the answer, so that whoever has it finds the place free
        drop(waiter.answer.send(Ok(accepted)));
    }
}

//! Live events: from the journal up to now, then as they happen, without a gap between them.
//!
//! Promise: a reader gets every event after the one that it named, once, in order. One that falls behind what is kept in memory is
//! served from the journal again; one that does not read at all is let go, and resumes by its last id.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};

use super::org::{Live, OrgRef};
use super::refusal::Refusal;
use super::services::ServicesRef;
use crate::domain::event::Event;
use crate::domain::ids::{UserId, VenueId};
use crate::domain::time::Timestamp;
use crate::domain::view::feed::{FeedItem, Topic, item};
use crate::store::record;
use crate::store::stored::decode_commit;

/// What a reader gets.
#[derive(Clone, Debug)]
pub enum FeedMessage {
    /// The first message: what follows comes after this version.
    Hello {
        /// The version.
        version: u64,
    },
    /// An event.
    Item(Arc<FeedItem>),
    /// What the reader asked for is not here any more: read the state anew, then follow again.
    Resync,
}

/// Messages that may wait for a reader.
const READER_QUEUE: usize = 64;
/// How long a reader may leave a full queue alone before it is let go.
const READER_PATIENCE: Duration = Duration::from_secs(10);
/// How much of the journal is read at once, in bytes.
const HISTORY_BYTES: usize = 512 * 1024;

/// What a reader wants to see.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The topics.
    pub topics: Vec<Topic>,
    /// The venues; none means all.
    pub venues: Option<Arc<[VenueId]>>,
    /// Who reads: what is one person's alone is shown to nobody else.
    pub person: Option<UserId>,
}

impl Wish {
    fn takes(&self, item: &FeedItem) -> bool {
        let here = match (&self.venues, &item.venue_id) {
            (None, _) | (_, None) => true,
            (Some(venues), Some(venue)) => venues.contains(venue),
        };
        let theirs = item.person.is_none() || item.person == self.person;
        here && theirs && self.topics.contains(&item.topic)
    }
}

/// Starts a reader after a version, or after now.
pub fn follow(
    background: &tokio::runtime::Handle,
    services: ServicesRef,
    org: OrgRef,
    after: Option<u64>,
    wish: Wish,
    stopping: watch::Receiver<bool>,
) -> mpsc::Receiver<FeedMessage> {
    let (to, messages) = mpsc::channel(READER_QUEUE);
    let live = org.follow();
    let now = org.version();
    let start = after.unwrap_or(now);
    let pump = Pump { services, org, wish, to, stopping, sent: start };
    background.spawn(async move {
        drop(pump.run(live, start, now).await); // an end without a reader is no error
    });
    messages
}

/// The reader is gone, or the journal cannot be read.
struct Over;

struct Pump {
    services: ServicesRef,
    org: OrgRef,
    wish: Wish,
    to: mpsc::Sender<FeedMessage>,
    /// Turns true when the server stops; a reader that stayed would keep it from ending.
    stopping: watch::Receiver<bool>,
    /// The last sequence number that was dealt with.
    sent: u64,
}

impl Pump {
    async fn run(mut self, mut live: broadcast::Receiver<Live>, start: u64, now: u64) -> Result<(), Over> {
        if start > now {
            return self.send(FeedMessage::Resync).await; // a number from a future that never was
        }
        self.send(FeedMessage::Hello { version: start }).await?;
        self.catch_up(now).await?;
        loop {
            let received = tokio::select! {
                received = live.recv() => received,
                () = self.to.closed() => return Err(Over),
                _ = self.stopping.wait_for(|stopping| *stopping) => return Err(Over),
            };
            match received {
                Ok(commit) => self.take(commit).await?,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let version = self.org.version();
                    self.catch_up(version).await?;
                }
                Err(broadcast::error::RecvError::Closed) => return Err(Over),
            }
        }
    }

    async fn take(&mut self, commit: Live) -> Result<(), Over> {
        if commit.last_seq <= self.sent {
            return Ok(());
        }
        match commit.items {
            Some(items) if commit.first_seq == self.sent + 1 => {
                for item in items.iter() {
                    self.offer(item.clone()).await?;
                }
                self.sent = commit.last_seq;
                Ok(())
            }
            Some(_) | None => self.catch_up(commit.last_seq).await,
        }
    }

    /// Sends what the journal holds after `sent`, up to a version that is durable.
    async fn catch_up(&mut self, version: u64) -> Result<(), Over> {
        while self.sent < version {
            let (services, org, after) = (self.services.clone(), self.org.clone(), self.sent);
            let read = tokio::task::spawn_blocking(move || history(&services, &org, after, version)).await;
            let Ok(Ok((items, reached))) = read else {
                return self.send(FeedMessage::Resync).await.and(Err(Over));
            };
            if reached <= self.sent {
                return self.send(FeedMessage::Resync).await.and(Err(Over));
            }
            for item in items {
                self.offer(Arc::new(item)).await?;
            }
            self.sent = reached;
        }
        Ok(())
    }

    async fn offer(&self, item: Arc<FeedItem>) -> Result<(), Over> {
        if self.wish.takes(&item) { self.send(FeedMessage::Item(item)).await } else { Ok(()) }
    }

    async fn send(&self, message: FeedMessage) -> Result<(), Over> {
        self.to.send_timeout(message, READER_PATIENCE).await.map_err(|_| Over)
    }
}

/// The events after `after`, up to `version`, as far as one reading goes, and the last sequence number among them. Blocks.
fn history(services: &ServicesRef, org: &OrgRef, after: u64, version: u64) -> Result<(Vec<FeedItem>, u64), Refusal> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(org = %org.org_id, after, %error, "events could not be read again");
        Refusal::Failed
    };
    let entries = services.store.history.read(org.stream, after + 1, HISTORY_BYTES).map_err(|error| failed(&error))?;
    let (mut items, mut reached) = (Vec::new(), after);
    for entry in entries.iter().take_while(|entry| entry.last_seq <= version) {
        if entry.first_seq > reached + 1 {
            return Err(failed(&"records are missing")); // a reader is told to read anew rather than left with a gap
        }
        let opened = record::open(&entry.bytes).map_err(|error| failed(&error))?;
        let commit = decode_commit::<Event>(opened.payload).map_err(|error| failed(&error))?;
        for (event, seq) in commit.events.iter().zip(opened.first_seq..) {
            if seq > after {
                items.extend(item(org.org_id.as_str(), seq, Timestamp(opened.at_ms), event));
            }
        }
        reached = opened.last_seq;
    }
    Ok((items, reached))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OutsideId;

    #[test]
    fn what_is_one_persons_is_shown_to_nobody_else() {
        let id = |text: &str| OutsideId::parse(text).unwrap();
        let item = |person: Option<&str>| FeedItem {
            seq: 1,
            topic: Topic::Notifications,
            name: "notification.created",
            id: uuid::Uuid::nil(),
            venue_id: None,
            person: person.map(id),
            data: String::new(),
        };
        let reader =
            |person: Option<&str>| Wish { topics: vec![Topic::Notifications], venues: None, person: person.map(id) };
        assert!(reader(Some("ana")).takes(&item(Some("ana"))));
        assert!(!reader(Some("bob")).takes(&item(Some("ana"))));
        assert!(!reader(None).takes(&item(Some("ana"))), "such as a key");
        assert!(reader(None).takes(&item(None)));
    }
}

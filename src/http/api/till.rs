//! The till feed: a snapshot of all active blocks, then what is placed, lifted, granted and used, as server-sent events.
//!
//! Promise: between the snapshot and the first event after it nothing is missing, and nothing between an id and the stream that resumes
//! from it. What cannot be resumed begins with a new snapshot. A till that reads nothing is cut off, as every reader of a stream.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data};
use futures_util::stream;
use tokio::sync::mpsc::Receiver;

use crate::actors::engine::{FeedMessage, Wish};
use crate::actors::org::OrgRef;
use crate::actors::refusal::Refusal;
use crate::clock;
use crate::domain::people::Caller;
use crate::domain::permission::Operation;
use crate::domain::time::Timestamp;
use crate::domain::view::feed::{FeedItem, Topic};
use crate::domain::view::till::{self, SnapshotView};
use crate::http::caller::Call;
use crate::http::query::Query;
use crate::http::respond::Answer;
use crate::http::site::Site;
use crate::http::snapshots::KEPT_MS_MAX;
use crate::http::stream::{Line, Next, after, streaming};

/// How many events a till may be behind and still be told them one by one; a snapshot is shorter for one that is further behind.
const RESUMED_EVENTS_MAX: u64 = 10_000;

/// From where.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct TillParams {
    /// As the header `Last-Event-ID`: events after this one, without a snapshot where that is possible.
    last_event_id: Option<u64>,
}

/// Follows the blocks of the caller's venues.
#[utoipa::path(
    get, path = "/api/action-center/blocks/stream", tag = "Blocks",
    params(TillParams, ("Last-Event-ID" = Option<u64>, Header)),
    responses((status = 200, body = inline(SnapshotView), content_type = "text/event-stream",
        description = "`snapshot`, then `placed`, `lifted`, `granted`, `used`, `ended`"))
)]
pub async fn stream(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadBlocks)?;
    let query = Query::of(&req, &["last_event_id"])?;
    let after = after(&req, &query)?;
    let line = Line::open(&req, &call)?;
    let version = call.org().version();
    let (org, caller) = (call.org().clone(), call.caller.clone());
    let till = match after.filter(|after| *after <= version && version - after <= RESUMED_EVENTS_MAX) {
        Some(after) => Till { messages: follow(&line, &org, &caller, after).await?, first: None, line, org, caller },
        None => {
            let (first, messages) = begin(&line, &org, &caller).await?;
            Till { messages, first: Some(first), line, org, caller }
        }
    };
    Ok(streaming(stream::unfold(till, next)))
}

/// One till, while it reads.
struct Till {
    messages: Receiver<FeedMessage>,
    /// The snapshot that was not sent yet.
    first: Option<Bytes>,
    line: Line,
    org: OrgRef,
    caller: Caller,
}

async fn follow(line: &Line, org: &OrgRef, caller: &Caller, after: u64) -> Result<Receiver<FeedMessage>, Refusal> {
    let wish = Wish { topics: vec![Topic::Blocks], venues: caller.venues.clone(), person: None };
    line.site().engine.follow(org, Some(after), wish).await
}

/// A snapshot, and what comes after it.
async fn begin(line: &Line, org: &OrgRef, caller: &Caller) -> Result<(Bytes, Receiver<FeedMessage>), Refusal> {
    let wanted = org.version();
    let slot = line.site().snapshots.slot(org.stream, caller.venues.clone(), clock::now_ms());
    let mut kept = slot.lock().await;
    let (version, text) = match &*kept {
        Some((version, text)) if *version >= wanted => (*version, text.clone()),
        Some(_) | None => {
            let (version, text) = rendered(line, org, caller).await?;
            *kept = Some((version, text.clone()));
            (version, text)
        }
    };
    drop(kept);
    drop(slot);
    look_after(line.site());
    Ok((text, follow(line, org, caller, version).await?))
}

/// Has old snapshots let go, once and for all that are there.
fn look_after(site: &Data<Site>) {
    if site.snapshots.wants_sweeper() {
        let site = site.clone();
        actix_web::rt::spawn(async move {
            while site.snapshots.sweep(clock::now_ms()) {
                actix_web::rt::time::sleep(Duration::from_millis(KEPT_MS_MAX.unsigned_abs())).await;
            }
        });
    }
}

async fn rendered(line: &Line, org: &OrgRef, caller: &Caller) -> Result<(u64, Bytes), Refusal> {
    let (own, now) = (caller.clone(), Timestamp(clock::now_ms()));
    let (body, version) = line.site().engine.read(org, None, move |state| till::snapshot(state, &own, now)).await?;
    let mut text = format!("event: snapshot\nid: {version}\ndata: ").into_bytes();
    text.reserve_exact(body.len() + 2);
    text.extend_from_slice(&body);
    text.extend_from_slice(b"\n\n");
    Ok((version, text.into()))
}

async fn next(mut till: Till) -> Option<(Result<Bytes, Infallible>, Till)> {
    if let Some(first) = till.first.take() {
        return Some((Ok(first), till));
    }
    loop {
        let bytes = match till.line.next(&mut till.messages).await {
            Next::Message(FeedMessage::Hello { .. }) => continue,
            Next::Message(FeedMessage::Item(item)) => match told(&item) {
                Some(bytes) => bytes,
                None => continue,
            },
            Next::Message(FeedMessage::Resync) => {
                // What is missing cannot be told one by one any more. A till that is refused here comes again by itself.
                let (bytes, messages) = begin(&till.line, &till.org, &till.caller).await.ok()?;
                till.messages = messages;
                bytes
            }
            Next::Silence(bytes) => bytes,
            Next::Over => return None,
        };
        return Some((Ok(bytes), till));
    }
}

fn told(item: &FeedItem) -> Option<Bytes> {
    let name = till::name(item)?;
    Some(format!("event: {name}\nid: {}\ndata: {}\n\n", item.seq, item.data).into())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_end_of_a_block_is_one_thing_to_a_till() {
        let item = |name| FeedItem {
            seq: 8,
            topic: Topic::Blocks,
            name,
            id: Uuid::nil(),
            venue_id: None,
            person: None,
            data: "{}".into(),
        };
        let text = |name| told(&item(name)).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        assert_eq!(text("block.expired").unwrap(), "event: lifted\nid: 8\ndata: {}\n\n");
        assert_eq!(text("block.lifted"), text("block.expired"));
        assert_eq!(text("override.granted").unwrap(), "event: granted\nid: 8\ndata: {}\n\n");
        assert_eq!(text("violation.created"), None);
    }
}

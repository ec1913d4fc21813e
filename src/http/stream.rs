//! Live events as server-sent events (`text/event-stream`).
//!
//! Promise: the id of an event is the organisation's sequence number, so that a reader that comes back with the last id it has
//! seen misses nothing, or is told `resync`. A credential that is revoked ends its streams within a heartbeat. A reader that does
//! not read is cut off: its queue in the engine and its connection ([`super::UNREAD_MAX`]) each have their time.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, stream};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::caller::{Call, not_allowed};
use super::credential::{Hashed, Shown};
use super::metrics::OpenStream;
use super::problem::{Problem, problem};
use super::query::Query;
use super::respond::Answer;
use super::site::Site;
use super::streams::StreamPlace;
use crate::actors::engine::{FeedMessage, Wish};
use crate::clock;
use crate::domain::people::{Scope, Who};
use crate::domain::permission::{Credential, Operation, allows};
use crate::domain::view::feed::Topic;

/// How often a silent stream says that it is there, and its credential is looked at again.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// The header by which a reader comes back.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// Which events, from where.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what the handler reads")]
pub struct EventsParams {
    /// `violations`, `actions`, `blocks`, `approvals`, `tasks`, `notifications`, separated by commas; by default all that
    /// the caller may read.
    topics: Option<String>,
    /// As the header `Last-Event-ID`: events after this one.
    last_event_id: Option<u64>,
}

/// Follows what happens in the organisation.
#[utoipa::path(
    get, path = "/api/events", tag = "Events", params(EventsParams, ("Last-Event-ID" = Option<u64>, Header)),
    responses((status = 200, description = "Events, first `hello`", body = String, content_type = "text/event-stream"))
)]
pub async fn events(req: HttpRequest) -> Answer {
    let call = Call::known(&req)?;
    let query = Query::of(&req, &["topics", "last_event_id"])?;
    let topics = topics(query.text("topics"), call.holder.credential())?;
    let after = after(&req, &query)?;
    let line = Line::open(&req, &call)?;
    // A key reads what everybody reads: what one person is told is for their own session.
    let person = match &call.caller.cause.who {
        Who::Person(person) => Some(person.clone()),
        Who::Key { .. } | Who::Operator | Who::Schedule => None,
    };
    let wish = Wish { topics, venues: call.caller.venues.clone(), person };
    let messages = call.site.engine.follow(call.org(), after, wish).await?;
    Ok(streaming(stream::unfold(Some(Reader { messages, after, line }), next)))
}

/// The answer that carries a stream of events.
pub fn streaming(events: impl Stream<Item = Result<Bytes, Infallible>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")))
        .streaming(events)
}

fn heartbeat() -> Interval {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// The topics that are asked for, or all that the credential may read.
fn topics(asked: Option<&str>, credential: Credential) -> Result<Vec<Topic>, Problem> {
    let Some(asked) = asked else {
        let readable: Vec<Topic> =
            Topic::ALL.iter().map(|(_, topic)| *topic).filter(|topic| may_read(*topic, credential)).collect();
        return if readable.is_empty() { Err(not_allowed()) } else { Ok(readable) };
    };
    let mut topics = Vec::new();
    for name in asked.split(',') {
        let topic =
            Topic::named(name.trim()).ok_or_else(|| problem!("bad-parameter", "`topics` names an unknown topic"))?;
        if !may_read(topic, credential) {
            return Err(not_allowed());
        }
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    Ok(topics)
}

fn may_read(topic: Topic, credential: Credential) -> bool {
    match topic {
        Topic::Violations => allows(Operation::ReadViolations, credential),
        Topic::Actions => allows(Operation::ReadQueue, credential),
        Topic::Blocks => allows(Operation::ReadBlocks, credential),
        Topic::Approvals | Topic::Tasks | Topic::Notifications => match credential {
            Credential::Person(_) => true,
            Credential::Key(scopes) => scopes.has(Scope::ActionsRead),
        },
    }
}

/// The event after which a reader goes on, by header or query.
///
/// # Errors
/// `bad-parameter`.
pub fn after(req: &HttpRequest, query: &Query<'_>) -> Result<Option<u64>, Problem> {
    let Some(value) = req.headers().get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return query.number("last_event_id");
    };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| problem!("bad-parameter", "`Last-Event-ID` is not the id of an event"))
}

/// What keeps a stream open, whatever is told on it: a credential that still opens something, a heartbeat, a place.
pub struct Line {
    credential: Hashed,
    heartbeat: Interval,
    site: Data<Site>,
    _open: OpenStream,
    _place: StreamPlace,
}

/// What comes next on a stream.
pub enum Next {
    /// A message.
    Message(FeedMessage),
    /// Nothing for a while: these bytes say that we are here.
    Silence(Bytes),
    /// The end.
    Over,
}

impl Line {
    /// Takes a place for a stream of this caller.
    ///
    /// # Errors
    /// `too-many-streams`, `server-busy`.
    pub fn open(req: &HttpRequest, call: &Call) -> Result<Self, Problem> {
        let credential = Shown::of(req.headers()).hashed(&call.site.settings.server_key);
        let credential = credential.ok_or_else(|| problem!("no-credential"))?;
        let place = call.site.streams.open(call.org().stream)?;
        let (heartbeat, site) = (heartbeat(), call.site.clone());
        Ok(Self { credential, heartbeat, site, _open: OpenStream::begin(), _place: place })
    }

    /// Where the messages come from.
    pub fn site(&self) -> &Data<Site> {
        &self.site
    }

    /// Waits for a message or the heartbeat; at each heartbeat the credential is looked at again.
    pub async fn next(&mut self, messages: &mut Receiver<FeedMessage>) -> Next {
        tokio::select! {
            message = messages.recv() => message.map_or(Next::Over, Next::Message),
            _ = self.heartbeat.tick() => {
                if self.is_welcome() { Next::Silence(Bytes::from_static(b": here\n\n")) } else { Next::Over }
            }
        }
    }

    fn is_welcome(&self) -> bool {
        let engine = &self.site.engine;
        !engine.is_stopping() && self.credential.holder(engine.access(), clock::now_ms()).is_some()
    }
}

/// One reader of `/api/events`, while it reads.
struct Reader {
    messages: Receiver<FeedMessage>,
    after: Option<u64>,
    line: Line,
}

async fn next(reader: Option<Reader>) -> Option<(Result<Bytes, Infallible>, Option<Reader>)> {
    let mut reader = reader?;
    let message = match reader.line.next(&mut reader.messages).await {
        Next::Message(message) => message,
        Next::Silence(bytes) => return Some((Ok(bytes), Some(reader))),
        Next::Over => return None,
    };
    let text = written(&message, reader.after);
    // After `resync` there is nothing to follow: the reader loads what it shows, and comes again.
    let goes_on = !matches!(message, FeedMessage::Resync);
    Some((Ok(text.into()), goes_on.then_some(reader)))
}

/// A message as the reader gets it. Data is JSON on one line.
fn written(message: &FeedMessage, after: Option<u64>) -> String {
    match message {
        FeedMessage::Hello { version } => {
            // A reader that resumes and loses the connection at once must come back with where it was.
            let id = after.map_or(*version, |after| after.min(*version));
            format!("event: hello\nid: {id}\ndata: {{\"type\":\"hello\",\"version\":{version}}}\n\n")
        }
        FeedMessage::Item(item) => format!("event: {}\nid: {}\ndata: {}\n\n", item.name, item.seq, item.data),
        FeedMessage::Resync => "event: resync\ndata: {\"type\":\"resync\"}\n\n".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::test::TestRequest;
    use uuid::Uuid;

    use super::*;
    use crate::domain::people::{Role, Scopes};
    use crate::domain::view::feed::FeedItem;

    #[test]
    fn a_key_follows_what_its_scopes_read_and_asks_for_no_more() {
        let till = Credential::Key(Scopes::of(&[Scope::BlocksRead]));
        assert_eq!(topics(None, till).unwrap(), [Topic::Blocks]);
        assert_eq!(topics(Some("blocks,blocks"), till).unwrap(), [Topic::Blocks]);
        assert_eq!(topics(Some("blocks,violations"), till).unwrap_err().code(), "not-allowed");
        assert_eq!(topics(Some("weather"), till).unwrap_err().code(), "bad-parameter");
        assert_eq!(topics(None, Credential::Key(Scopes::default())).unwrap_err().code(), "not-allowed");
        assert_eq!(topics(None, Credential::Person(Role::Viewer)).unwrap().len(), Topic::ALL.len());
    }

    #[test]
    fn a_reader_that_resumes_keeps_its_place_until_it_has_seen_more() {
        assert!(written(&FeedMessage::Hello { version: 50 }, None).contains("id: 50\n"));
        let resumed = written(&FeedMessage::Hello { version: 50 }, Some(7));
        assert_eq!(resumed, "event: hello\nid: 7\ndata: {\"type\":\"hello\",\"version\":50}\n\n");
        let item = FeedItem {
            seq: 8,
            topic: Topic::Blocks,
            name: "block.placed",
            id: Uuid::nil(),
            venue_id: None,
            person: None,
            data: "{}".into(),
        };
        let text = written(&FeedMessage::Item(Arc::new(item)), Some(7));
        assert_eq!(text, "event: block.placed\nid: 8\ndata: {}\n\n");
    }

    #[test]
    fn the_last_event_is_named_by_header_or_query() {
        let asked = |req: TestRequest| {
            let req = req.to_http_request();
            let query = Query::of(&req, &["last_event_id"]).unwrap();
            after(&req, &query).map_err(|problem| problem.code())
        };
        assert_eq!(asked(TestRequest::with_uri("/")), Ok(None));
        assert_eq!(asked(TestRequest::with_uri("/?last_event_id=4")), Ok(Some(4)));
        assert_eq!(asked(TestRequest::with_uri("/?last_event_id=4").insert_header((LAST_EVENT_ID, "5"))), Ok(Some(5)));
        assert_eq!(asked(TestRequest::with_uri("/").insert_header((LAST_EVENT_ID, "five"))), Err("bad-parameter"));
    }
}

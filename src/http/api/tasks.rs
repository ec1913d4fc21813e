//! Runs: shown, and watched while they run.
//!
//! Promise: whoever watches is told every line that the server keeps, once and in order, from whenever they come: first how the run stands,
//! then what it says, as it says it, then `done`, which is the last. Between the two nothing is missing, and nothing between an id and the
//! stream that resumes from it: the id counts the lines.

use std::convert::Infallible;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

use crate::actors::engine::{FeedMessage, Wish};
use crate::actors::org::OrgRef;
use crate::domain::people::Caller;
use crate::domain::permission::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;
use crate::domain::tasks::TaskStatus;
use crate::domain::view::feed::{FeedItem, Topic};
use crate::domain::view::tasks::{self, TaskView};
use crate::http::caller::Call;
use crate::http::path;
use crate::http::problem::{Problem, problem};
use crate::http::query::Query;
use crate::http::respond::Answer;
use crate::http::stream::{LAST_EVENT_ID, Line, Next, streaming};

/// One run of a request with its progress and what it said.
#[utoipa::path(
    get, path = "/api/tasks/{id}", tag = "Tasks",
    params(("id" = Uuid, Path), ("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "The run", body = TaskView))
)]
pub async fn show(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadApprovals)?;
    let id = path::uuid(&req)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, move |state, caller| tasks::one_task(state, caller, &id)).await
}

/// Watches a run.
#[utoipa::path(
    get, path = "/api/tasks/{id}/events", tag = "Tasks",
    params(
        ("id" = Uuid, Path),
        ("last_event_id" = Option<String>, Query, description = "As the header `Last-Event-ID`: the lines after this one"),
        ("Last-Event-ID" = Option<String>, Header),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "What it has said so far as `log`, how it stands as `progress`, then both as they come, and `done` at its end"))
)]
pub async fn events(req: HttpRequest) -> Answer {
    let call = Call::allowed(&req, Operation::ReadApprovals)?;
    let id = path::uuid(&req)?;
    let query = Query::of(&req, &["last_event_id"])?;
    let seen = seen(req.headers(), query.text("last_event_id"))?;
    let line = Line::open(&req, &call)?;
    let (org, caller) = (call.org().clone(), call.caller.clone());
    let watched = Watched { id, org, caller };
    let (standing, messages) = begin(&line, &watched, seen).await?;
    Ok(streaming(stream::unfold(Some(Watch { watched, standing, messages, line }), next)))
}

/// How many lines a reader has seen that comes back: what follows the point of `812.3`. A version alone tells of none.
fn seen(headers: &HeaderMap, asked: Option<&str>) -> Result<u64, Problem> {
    let wrong = || problem!("bad-parameter", "`Last-Event-ID` is not the id of an event");
    let header = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty());
    let header = header.map(|value| value.to_str().map_err(|_| wrong())).transpose()?;
    let Some(text) = header.or(asked) else { return Ok(0) };
    let (version, lines) = text.split_once('.').unwrap_or((text, "0"));
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number(version).and(number(lines)).ok_or_else(wrong)
}

/// What is watched, by whom.
struct Watched {
    id: Uuid,
    org: OrgRef,
    caller: Caller,
}

/// How the run stands, as far as it was told.
#[derive(Debug, Default)]
struct Standing {
    /// What is to be sent.
    text: String,
    /// Lines told so far, those among them that the server has let go.
    lines: u64,
    attempt: u32,
    over: bool,
}

/// One reader, while it reads.
struct Watch {
    watched: Watched,
    standing: Standing,
    messages: Receiver<FeedMessage>,
    line: Line,
}

/// How it stands for whoever has seen so many lines, and what comes after that.
async fn begin(line: &Line, watched: &Watched, seen: u64) -> Result<(Standing, Receiver<FeedMessage>), Problem> {
    let engine = &line.site().engine;
    let (id, caller) = (watched.id, watched.caller.clone());
    let (standing, version) = engine.read(&watched.org, None, move |state| standing(state, &caller, &id, seen)).await?;
    let wish = Wish { topics: vec![Topic::Tasks], venues: watched.caller.venues.clone(), person: None };
    let messages = engine.follow(&watched.org, Some(version), wish).await?;
    Ok((standing?, messages))
}

fn standing(state: &TenantState, caller: &Caller, id: &Uuid, seen: u64) -> Result<Standing, Rejection> {
    let one = state.task_for(id, caller)?;
    let version = state.last_seq();
    let lines = one.dropped + one.log.len() as u64;
    let mut standing = Standing { lines, attempt: one.attempt, ..Standing::default() };
    for (line, number) in one.log.iter().map(tasks::line).zip(one.dropped + 1..) {
        // Who claims to have seen more than there is has seen another run.
        if number > seen || seen > lines {
            standing.log(id, (version, number), &json!(line.at), line.message, line.progress);
        }
    }
    let shown = tasks::task(state.organisation().org_id.as_str(), one);
    let data = json!({
        "task_id": id, "status": shown.status, "progress": shown.progress, "attempt": shown.attempt, "next_at": shown.next_at,
    });
    standing.tell("progress", (version, lines), &data);
    if one.status != TaskStatus::Running {
        let data = json!({
            "task_id": id, "action_approval_id": shown.action_approval_id, "status": shown.status, "progress": shown.progress,
            "attempt": shown.attempt, "started_at": shown.started_at, "finished_at": shown.finished_at,
            "duration_ms": shown.duration_ms,
        });
        standing.tell("done", (version, lines), &data);
        standing.over = true;
    }
    Ok(standing)
}

impl Standing {
    fn log(&mut self, id: &Uuid, at: (u64, u64), when: &Value, message: &str, progress: Option<f64>) {
        if !message.is_empty() {
            self.tell("log", at, &json!({ "task_id": id, "at": when, "message": message, "progress": progress }));
        }
    }

    fn tell(&mut self, name: &str, (version, lines): (u64, u64), data: &Value) {
        self.text.push_str(&format!("event: {name}\nid: {version}.{lines}\ndata: {data}\n\n"));
    }

    /// What a run says while it goes on.
    fn take(&mut self, item: &FeedItem) {
        let Ok(Said { object }) = serde_json::from_str::<Said>(&item.data) else { return };
        self.attempt = object.attempt.unwrap_or(self.attempt);
        for line in &object.lines {
            self.lines += 1;
            let at = (item.seq, self.lines);
            self.log(&item.id, at, &json!(line.at), &line.message, line.progress);
            if let Some(progress) = line.progress {
                let data = json!({
                    "task_id": item.id, "status": TaskStatus::Running, "progress": progress, "attempt": self.attempt, "next_at": null,
                });
                self.tell("progress", at, &data);
            }
        }
        if let Some(next_at) = &object.next_at {
            let data = json!({
                "task_id": item.id, "status": TaskStatus::Running, "attempt": self.attempt, "next_at": next_at,
            });
            self.tell("progress", (item.seq, self.lines), &data);
        }
    }
}

/// What is read of a `task.progress`.
#[derive(Deserialize)]
struct Said {
    object: Progressed,
}

#[derive(Deserialize)]
struct Progressed {
    lines: Vec<SaidLine>,
    attempt: Option<u32>,
    next_at: Option<String>,
}

#[derive(Deserialize)]
struct SaidLine {
    at: String,
    message: String,
    progress: Option<f64>,
}

async fn next(watch: Option<Watch>) -> Option<(Result<Bytes, Infallible>, Option<Watch>)> {
    let mut watch = watch?;
    loop {
        if !watch.standing.text.is_empty() {
            let bytes = Bytes::from(std::mem::take(&mut watch.standing.text));
            let goes_on = !watch.standing.over;
            return Some((Ok(bytes), goes_on.then_some(watch)));
        }
        match watch.line.next(&mut watch.messages).await {
            Next::Message(FeedMessage::Item(item)) if item.id == watch.watched.id => match item.name {
                "task.progress" => watch.standing.take(&item),
                // Its end, and whatever else became of it, is read where all of it is known.
                _ => watch.again().await?,
            },
            Next::Message(FeedMessage::Item(_) | FeedMessage::Hello { .. }) => {}
            Next::Message(FeedMessage::Resync) => watch.again().await?,
            Next::Silence(bytes) => return Some((Ok(bytes), Some(watch))),
            Next::Over => return None,
        }
    }
}

impl Watch {
    /// Reads how it stands, and follows from there. A reader that is refused here comes again by itself, with its last id.
    async fn again(&mut self) -> Option<()> {
        let (standing, messages) = begin(&self.line, &self.watched, self.standing.lines).await.ok()?;
        (self.standing, self.messages) = (standing, messages);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn named(text: &'static str) -> Result<u64, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(LAST_EVENT_ID.parse().unwrap(), HeaderValue::from_static(text));
        seen(&headers, Some("1.9")).map_err(|problem| problem.code())
    }

    #[test]
    fn the_id_of_an_event_counts_the_lines() {
        assert_eq!((named("812.3"), named("812"), named("")), (Ok(3), Ok(0), Ok(9)));
        assert_eq!(seen(&HeaderMap::new(), None).unwrap(), 0);
        for broken in ["812.", ".3", "812.3.1", "x", "+1.2", "812.-3"] {
            assert_eq!(named(broken), Err("bad-parameter"), "{broken}");
        }
    }

    #[test]
    fn a_line_is_told_as_log_and_as_progress_where_it_says_how_much() {
        let id = Uuid::from_u128(7);
        let data = json!({ "object": { "lines": [
            { "at": "2026-11-25T18:00:00.000Z", "message": "half way", "progress": 0.5 },
            { "at": "2026-11-25T18:00:01.000Z", "message": "", "progress": 0.75 },
            { "at": "2026-11-25T18:00:02.000Z", "message": "still there" },
        ] } });
        let item = FeedItem {
            seq: 812,
            topic: Topic::Tasks,
            name: "task.progress",
            id,
            venue_id: None,
            person: None,
            data: data.to_string(),
        };
        let mut standing = Standing { lines: 2, attempt: 1, ..Standing::default() };
        standing.take(&item);
        let heads: Vec<&str> =
            standing.text.lines().filter(|line| line.starts_with("event") || line.starts_with("id")).collect();
        assert_eq!(
            heads,
            [
                "event: log",
                "id: 812.3",
                "event: progress",
                "id: 812.3",
                "event: progress",
                "id: 812.4",
                "event: log",
                "id: 812.5"
            ]
        );
        assert!(standing.text.contains(r#""progress":0.75"#) && !standing.over);
    }
}

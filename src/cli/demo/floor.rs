//! Plays the steps of the shift over the public API, and says what came of each in one line.
//!
//! It remembers what it opened, at most [`OPEN_MAX`] violations a venue: then somebody resolves before more happens.

use std::collections::VecDeque;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::lines;
use super::reports;
use super::setup::{Logins, Stage, VIOLATIONS, id_of};
use super::shift::{Step, What};
use super::world::{Server, VENUES, Venue};
use crate::cli::client::{CallError, Client, segment};

/// How many violations of the shift may be open at one venue.
const OPEN_MAX: usize = 6;
/// How many blocks are remembered.
const BLOCKS_MAX: usize = 200;
const BLOCKS: &str = "/api/action-center/blocks";

/// The floor of all venues.
pub struct Floor {
    detector: Client,
    till: Client,
    logins: Logins,
    open: VecDeque<Open>,
    blocks: VecDeque<Standing>,
}

struct Open {
    id: String,
    title: String,
    venue: usize,
    is_acknowledged: bool,
}

struct Standing {
    id: String,
    whom: String,
    venue: usize,
    /// Who can lift it: operations, else the venue's general manager.
    by: &'static str,
}

impl Floor {
    /// With nobody blocked but by the story.
    pub fn new(stage: Stage) -> Self {
        let (open, blocks) = (VecDeque::new(), VecDeque::new());
        Self { detector: stage.detector, till: stage.till, logins: stage.logins, open, blocks }
    }

    /// Plays one step and gives its line; `None` when there was nothing to do.
    ///
    /// # Errors
    /// The server did not do it, for another reason than that somebody was faster.
    pub async fn play(&mut self, step: &Step, now_ms: i64) -> Result<Option<String>, CallError> {
        let venue = &VENUES[step.venue];
        let crowded = self.open.iter().filter(|open| open.venue == step.venue).count() >= OPEN_MAX;
        let said = match &step.what {
            _ if crowded => self.resolve(step.venue, "Caught up at the end of the rush").await,
            What::Comp { number, server, comp } => {
                let body = reports::comp(&format!("comp-{number}"), venue, venue.floor[*server], *comp);
                self.report(step.venue, &body).await
            }
            What::Pace { gap_pct: 0, .. } => self.clear(venue, "sales_pace", venue.id, "sales are on plan").await,
            What::Pace { gap_pct, expected } => {
                self.report(step.venue, &reports::pace(venue, *gap_pct, *expected)).await
            }
            What::Greeting { delay_s, table, .. } if *delay_s <= reports::GREETING_THRESHOLD_S => {
                Ok(Some(format!("table {table} was greeted after {delay_s} s")))
            }
            What::Greeting { number, server, table, delay_s } => {
                let id = format!("seating-{number}");
                self.report(step.venue, &reports::greeting(&id, venue, venue.floor[*server], *table, *delay_s)).await
            }
            What::Gap { role, tenths: 0, .. } => {
                let source = reports::gap_source(venue, role);
                self.clear(venue, "schedule", &source, &format!("the schedule is full ({role})")).await
            }
            What::Gap { role, tenths, required } => {
                self.report(step.venue, &reports::gap(venue, role, *tenths, *required)).await
            }
            What::Check { server, cents } => self.check(venue, venue.floor[*server], *cents).await,
            What::Acknowledge => self.acknowledge(step.venue).await,
            What::Resolve { resolution } => self.resolve(step.venue, resolution).await,
            What::Lift { reason } => self.lift(step.venue, reason).await,
            What::Place { server, reason } => self.place(step.venue, venue.floor[*server], reason, now_ms).await,
        };
        match said {
            Err(error) if matches!(error.status(), Some(404 | 409)) => Ok(None), // a visitor was faster, or its time is over
            said => said.map(|line| line.map(|line| lines::at(venue, &line))),
        }
    }

    async fn report(&mut self, venue: usize, body: &Value) -> Result<Option<String>, CallError> {
        let answer = self.detector.post(VIOLATIONS, body).await?;
        let violation = &answer["violation"];
        let id = id_of(violation);
        if self.open.iter().all(|open| open.id != id) {
            let title = violation["title"].as_str().unwrap_or_default().to_owned();
            self.open.push_back(Open { id, title, venue, is_acknowledged: false });
        }
        let blocks = answer["blocks"].as_array().into_iter().flatten();
        let blocked: Vec<String> = blocks.filter_map(|block| self.remember(venue, block)).collect();
        Ok(Some(lines::reported(&answer, &blocked)))
    }

    /// Remembers a block and gives whom it hits; `None` when it was known or is over.
    fn remember(&mut self, venue: usize, block: &Value) -> Option<String> {
        let id = id_of(block);
        if !block["lifted_at"].is_null() || self.blocks.iter().any(|known| known.id == id) {
            return None;
        }
        if self.blocks.len() == BLOCKS_MAX {
            self.blocks.pop_front();
        }
        let by = if matches!(block["override_authority"].as_str(), Some("vp_ops" | "owner")) {
            "vera"
        } else {
            VENUES[venue].gm
        };
        let whom = lines::whom(block);
        self.blocks.push_back(Standing { id, whom: whom.clone(), venue, by });
        Some(whom)
    }

    async fn clear(
        &mut self,
        venue: &Venue,
        table: &str,
        source: &str,
        line: &str,
    ) -> Result<Option<String>, CallError> {
        let body = json!({ "source_table": table, "source_id": source });
        let answer = self.detector.post(&format!("{VIOLATIONS}/clear"), &body).await?;
        let resolved: Vec<String> =
            answer["resolved"].as_array().into_iter().flatten().filter_map(|id| id.as_str().map(segment)).collect();
        self.open.retain(|open| !resolved.contains(&open.id));
        tracing::debug!(venue = venue.id, resolved = resolved.len(), "cleared");
        let suffix = if resolved.is_empty() { "" } else { " again; cleared" };
        Ok(Some(format!("{line}{suffix}")))
    }

    async fn check(&self, venue: &Venue, server: Server, cents: u32) -> Result<Option<String>, CallError> {
        let amount = reports::amount(cents);
        let query = format!(
            "{BLOCKS}?block_type=comp_approval&entity_id={}&venue_id={}&amount={amount}",
            segment(server.id),
            segment(venue.id)
        );
        let answer = self.till.get(&query).await?;
        Ok(Some(lines::checked(server.name, amount, &answer)))
    }

    async fn acknowledge(&mut self, venue: usize) -> Result<Option<String>, CallError> {
        let unseen = |open: &&mut Open| open.venue == venue && !open.is_acknowledged;
        let Some(open) = self.open.iter_mut().rev().find(unseen) else { return Ok(None) };
        open.is_acknowledged = true;
        let (id, title) = (open.id.clone(), open.title.clone());
        let body = json!({ "note": "On it" });
        self.person(VENUES[venue].gm, &format!("{VIOLATIONS}/{id}/acknowledge"), &body).await?;
        Ok(Some(format!("{} acknowledged: {title}", VENUES[venue].gm)))
    }

    async fn resolve(&mut self, venue: usize, resolution: &str) -> Result<Option<String>, CallError> {
        let Some(place) = self.open.iter().position(|open| open.venue == venue) else { return Ok(None) };
        let Some(open) = self.open.remove(place) else { return Ok(None) };
        let path = format!("{VIOLATIONS}/{}/resolve", open.id);
        let answer = self.person(VENUES[venue].gm, &path, &json!({ "resolution": resolution })).await?;
        let lifted: Vec<&str> = answer["blocks"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.blocks.retain(|block| !lifted.contains(&block.id.as_str()));
        Ok(Some(format!("{} resolved: {} ({resolution})", VENUES[venue].gm, open.title)))
    }

    async fn lift(&mut self, venue: usize, reason: &str) -> Result<Option<String>, CallError> {
        let Some(place) = self.blocks.iter().position(|block| block.venue == venue) else { return Ok(None) };
        let Some(block) = self.blocks.remove(place) else { return Ok(None) };
        let path = format!("{BLOCKS}/{}/lift", block.id);
        self.person(block.by, &path, &json!({ "lift_reason": reason })).await?;
        Ok(Some(format!("{} lifted the block of {} ({reason})", block.by, block.whom)))
    }

    async fn place(
        &mut self,
        venue: usize,
        server: Server,
        reason: &str,
        now_ms: i64,
    ) -> Result<Option<String>, CallError> {
        let half_an_hour = Timestamp::from_millisecond(now_ms).and_then(|now| now.checked_add(30.minutes()));
        let Ok(expires_at) = half_an_hour else { return Ok(None) };
        let body = json!({
            "block_type": "comp_approval", "entity_id": server.id, "entity_type": "employee", "reason": reason,
            "venue_id": VENUES[venue].id, "expires_at": expires_at.to_string(),
        });
        let block = self.person(VENUES[venue].gm, BLOCKS, &body).await?;
        self.remember(venue, &block);
        Ok(Some(format!("{} blocked comps of {} for 30 minutes ({reason})", VENUES[venue].gm, server.name)))
    }

    /// A POST by a person; whose session is over logs in again the next time.
    async fn person(&mut self, id: &'static str, path: &str, body: &Value) -> Result<Value, CallError> {
        let answer = self.logins.of(id).await?.post(path, body).await;
        if answer.as_ref().is_err_and(|error| error.status() == Some(401)) {
            self.logins.forget(id);
        }
        answer
    }
}

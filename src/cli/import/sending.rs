//! Batches on their way to the server, and what became of their rows.
//!
//! A batch carries an idempotency key made of what is in it, so one that is sent again, also by another run, is answered as before.

use std::fmt;
use std::time::Duration;

use csv::StringRecord;
use serde_json::Value;

use super::rejects::Rejects;
use crate::cli::client::{CallError, Client};

/// The most rows of a batch.
const ROWS_MAX: usize = 500;
/// The most bytes of a batch's items; a body of the server is at most 1 MiB.
const BYTES_MAX: usize = 960 * 1024;
/// A row above this is in no batch; the server would take none of it.
const ROW_BYTES_MAX: usize = 64 * 1024;
/// How long to wait before a batch is sent again that the server could not take yet, in seconds.
const WAITS_S: [u64; 5] = [1, 2, 4, 8, 15];

/// A row that can be sent.
pub struct Row {
    line: u64,
    record: StringRecord,
    item: String,
}

impl Row {
    /// A row with its item.
    pub fn new(line: u64, record: StringRecord, item: &Value) -> Self {
        Self { line, record, item: item.to_string() }
    }
}

/// What became of all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that are not blank.
    pub rows: u64,
    /// New violations.
    pub new: u64,
    /// Open violations that were reported again.
    pub again: u64,
    /// Rows whose violation was resolved before, and stays so.
    pub settled: u64,
    /// Rows that ended what was open.
    pub ended: u64,
    /// Rows with nothing to report.
    pub nothing: u64,
    /// Rows that were in a batch which the server had answered before; they count above as they did then.
    pub replayed: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, new, again, settled, ended, nothing, replayed } = self;
        write!(
            f,
            "{rows} rows: {new} new violations, {again} reported again, {settled} resolved before, {ended} ended one, "
        )?;
        write!(f, "{nothing} with nothing to report")?;
        if *replayed > 0 {
            write!(f, "; {replayed} of them were sent before and changed nothing now")?;
        }
        Ok(())
    }
}

/// Sends rows in batches.
pub struct Sender {
    client: Client,
    path: &'static str,
    waiting: Vec<Row>,
    bytes: usize,
    /// What became of what was sent.
    pub tally: Tally,
}

impl Sender {
    /// One that has sent nothing.
    pub fn new(client: Client, apply_templates: bool) -> Self {
        let path = if apply_templates {
            "/api/action-center/violations/bulk?once=true"
        } else {
            "/api/action-center/violations/bulk?once=true&apply_templates=false"
        };
        Self { client, path, waiting: Vec::new(), bytes: 0, tally: Tally::default() }
    }

    /// Takes a row, and sends a batch when there is one.
    ///
    /// # Errors
    /// The batch was not taken, or its rejects cannot be written.
    pub async fn add(&mut self, row: Row, rejects: &mut Rejects) -> anyhow::Result<()> {
        if row.item.len() > ROW_BYTES_MAX {
            return rejects.add(row.line, "is larger than 64 KiB", Some(&row.record));
        }
        if self.waiting.len() == ROWS_MAX || self.bytes + row.item.len() > BYTES_MAX {
            self.send(rejects).await?;
        }
        self.bytes += row.item.len() + 1;
        self.waiting.push(row);
        Ok(())
    }

    /// Sends what is left.
    ///
    /// # Errors
    /// Those of [`Sender::add`].
    pub async fn finish(&mut self, rejects: &mut Rejects) -> anyhow::Result<()> {
        while !self.waiting.is_empty() {
            self.send(rejects).await?;
        }
        Ok(())
    }

    /// Sends what waits. What the server had no room for in its record waits on; the first row always has room.
    async fn send(&mut self, rejects: &mut Rejects) -> anyhow::Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        let items: Vec<&str> = rows.iter().map(|row| row.item.as_str()).collect();
        let body = format!("{{\"items\":[{}]}}", items.join(","));
        let (answer, replayed) = self.posted(&body).await.map_err(|error| {
            let (first, last) = (rows.first().map_or(0, |row| row.line), rows.last().map_or(0, |row| row.line));
            anyhow::Error::new(error).context(format!("lines {first} to {last} and after were not taken"))
        })?;
        let results = answer["results"].as_array().filter(|results| results.len() == rows.len());
        let results = results.ok_or_else(|| anyhow::anyhow!("the server did not answer row by row"))?;
        if replayed {
            self.tally.replayed += rows.len() as u64;
        }
        for (row, result) in rows.into_iter().zip(results) {
            if result["problem"]["code"] == "bulk-full" {
                self.bytes += row.item.len() + 1;
                self.waiting.push(row);
            } else if let Some(reason) = self.tally.count(result) {
                rejects.add(row.line, &reason, Some(&row.record))?;
            }
        }
        Ok(())
    }

    async fn posted(&self, body: &str) -> Result<(Value, bool), CallError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.path.as_bytes()).update(b"\n").update(body.as_bytes());
        let key = format!("import-{}", &hasher.finalize().to_hex()[..40]);
        for wait_s in WAITS_S {
            match self.client.post_keyed(self.path, body, &key).await {
                Err(error) if matches!(error.status(), None | Some(429 | 503)) => {
                    tokio::time::sleep(Duration::from_secs(wait_s)).await;
                }
                settled => return settled,
            }
        }
        self.client.post_keyed(self.path, body, &key).await
    }
}

impl Tally {
    /// Counts what became of a row, or says why it was rejected.
    fn count(&mut self, result: &Value) -> Option<String> {
        if let Some(problem) = result.get("problem") {
            return Some(reason(problem));
        }
        let ended = result["resolved"].as_array().is_some_and(|ids| !ids.is_empty());
        match (result["status"].as_u64(), result.get("violation")) {
            _ if ended => self.ended += 1,
            (Some(201), _) => self.new += 1,
            (_, Some(violation)) if violation["status"] == "resolved" => self.settled += 1,
            (_, Some(_)) => self.again += 1,
            (_, None) => self.nothing += 1,
        }
        None
    }
}

fn reason(problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
    if text("detail").is_empty() { text("title") } else { format!("{} ({})", text("detail"), text("code")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_result_is_counted_as_what_it_is() {
        let mut tally = Tally::default();
        for result in [
            json!({ "status": 201, "violation": {} }),
            json!({ "status": 200, "violation": {} }),
            json!({ "status": 200, "violation": { "status": "resolved" } }),
            json!({ "status": 200, "violation": { "status": "resolved" }, "resolved": ["a"] }),
            json!({ "status": 200 }),
        ] {
            assert_eq!(tally.count(&result), None);
        }
        let counts = [tally.new, tally.again, tally.settled, tally.ended, tally.nothing];
        assert_eq!(counts, [1; 5]);
        let problem =
            json!({ "status": 422, "problem": { "code": "invalid-body", "detail": "/comp_amount is below 0" } });
        assert_eq!(tally.count(&problem), Some("comp_amount is below 0 (invalid-body)".into()));
    }
}

//! `import`: a nightly export as reports, row by row, through the bulk call.
//!
//! Promise: a row that cannot be taken costs only itself and is named with its line and the reason; the same file twice makes
//! nothing twice. Rows of the shipped types go through their reporters, so severities are theirs.
//! Memory: one batch of rows, and the reasons of the first rejected rows.

mod columns;
mod rejects;
mod sending;
mod values;

use std::fs::File;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use csv::{ReaderBuilder, StringRecord};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::client::Client;
use super::{Remote, output};
use columns::{Plan, Wishes};
use rejects::Rejects;
use sending::{Row, Sender, Tally};
use values::Habits;

/// A file and what is in it.
#[derive(Args, Debug)]
pub struct Import {
    /// The violation type: comp_exception, sales_pace, greeting_delay, staffing_gap, or one of your own.
    #[arg(value_name = "TYPE")]
    pub violation_type: String,
    /// The export, with its columns named in the first row.
    pub file: PathBuf,
    /// What a column is: a field, `metadata.NAME`, or `-` to leave it out. As often as needed.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = pair)]
    pub map: Vec<(String, String)>,
    /// A field that is the same in every row, such as venue_id=pier-nine. As often as needed.
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// What stands between cells; found out from the first row when not given.
    #[arg(long, value_name = "CHARACTER")]
    pub delimiter: Option<char>,
    /// Numbers are written 1.234,50 rather than 1,234.50.
    #[arg(long)]
    pub decimal_comma: bool,
    /// How dates are written, such as %m/%d/%Y; else 2025-02-14.
    #[arg(long, value_name = "FORMAT")]
    pub date_format: Option<String>,
    /// Only store the violations; no template runs.
    #[arg(long)]
    pub store_only: bool,
    /// Write the rejected rows to this file, each with its line and the reason.
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    pub(super) remote: Remote,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is not NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl Import {
    /// Does it.
    ///
    /// # Errors
    /// What cannot be read or sent; and at the end, that rows were rejected.
    pub async fn run(self) -> anyhow::Result<()> {
        let client = Client::from_environment(&self.remote.url)?;
        let delimiter = match self.delimiter {
            Some(given) => {
                u8::try_from(given).ok().filter(u8::is_ascii).context("a delimiter is one ASCII character")?
            }
            None => found_delimiter(&self.file)?,
        };
        let file = File::open(&self.file).with_context(|| format!("cannot open {}", self.file.display()))?;
        let bar = progress(file.metadata().map_or(0, |about| about.len()));
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
        let header = reader.headers().with_context(|| format!("{} has no first row", self.file.display()))?.clone();
        let habits = Habits { decimal_comma: self.decimal_comma, date_format: self.date_format.as_deref() };
        let wishes = Wishes { map: &self.map, set: &self.set };
        let plan = Plan::of(&self.violation_type, &header, &wishes, &habits)?;
        let mut rejects = Rejects::open(self.rejects.as_deref(), &header, delimiter)?;
        let mut sender = Sender::new(client, !self.store_only);
        let mut record = StringRecord::new();
        loop {
            let line = reader.position().line();
            match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                    sender.tally.rows += 1;
                    rejects.add(error.position().map_or(line, csv::Position::line), "is not UTF-8", None)?;
                    continue;
                }
                Err(error) => return Err(error).context("the file cannot be read further"),
            }
            bar.set_position(reader.position().byte());
            let line = record.position().map_or(line, csv::Position::line);
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            sender.tally.rows += 1;
            match plan.item(&record) {
                Ok(item) => sender.add(Row::new(line, record.clone(), &item), &mut rejects).await?,
                Err(reason) => rejects.add(line, &reason, Some(&record))?,
            }
        }
        sender.finish(&mut rejects).await?;
        bar.finish_and_clear();
        report(&sender.tally, rejects, self.remote.json)
    }
}

/// Says what became of the file; rejected rows are an error.
fn report(tally: &Tally, rejects: Rejects, as_json: bool) -> anyhow::Result<()> {
    let (count, shown) = rejects.close()?;
    if as_json {
        let rejected: Vec<_> = shown.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect();
        output::say(json!({
            "rows": tally.rows, "new": tally.new, "again": tally.again, "settled": tally.settled, "ended": tally.ended, "nothing": tally.nothing,
            "replayed": tally.replayed, "rejected": count, "rejects": rejected,
        }));
    } else {
        for (line, reason) in &shown {
            output::say(output::plain(&format!("line {line}: {reason}")));
        }
        if count > shown.len() as u64 {
            output::say(format_args!("… and {} more; --rejects FILE keeps them all", count - shown.len() as u64));
        }
        output::say(tally);
    }
    if count > 0 {
        bail!("{count} of {} rows were rejected", tally.rows);
    }
    Ok(())
}

/// The delimiter that the first row has most of, outside of quotes.
fn found_delimiter(path: &Path) -> anyhow::Result<u8> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut first = Vec::new();
    std::io::Read::take(std::io::BufReader::new(file), FIRST_ROW_BYTES_MAX).read_until(b'\n', &mut first)?;
    Ok(most_frequent(&first))
}

/// How much of the first row is looked at, in bytes.
const FIRST_ROW_BYTES_MAX: u64 = 64 * 1024;

fn most_frequent(row: &[u8]) -> u8 {
    let mut in_quotes = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in row {
        in_quotes ^= *byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!in_quotes && byte == delimiter);
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(delimiter, _)| *delimiter)
}

/// A bar on standard error, where that is a terminal.
fn progress(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} % {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_the_first_row_has_most_of() {
        assert_eq!(most_frequent(b"id,venue_id,\"a;b;c;d\"\n"), b',');
        assert_eq!(most_frequent(b"id;venue_id;name\n"), b';');
        assert_eq!(most_frequent(b"id\tvenue_id\n"), b'\t');
        assert_eq!(most_frequent(b"id\n"), b',');
    }

    #[test]
    fn a_pair_has_a_name_and_a_value() {
        assert_eq!(pair("Comp Amt = comp_amount"), Ok(("Comp Amt".into(), "comp_amount".into())));
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("a").is_err());
    }
}

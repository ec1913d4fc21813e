//! The answer to a dry run. Read with tolerance: what cannot be used is left out, for the preview is made from the template then.

use reqwest::Response;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::DryRun;
use super::answer::{error_of, kept};
use crate::delivery::outbound::whole;
use crate::delivery::wording::{one_line, shortened};
use crate::domain::capabilities::Preview;

/// The longest answer.
const BYTES_MAX: usize = 64 * 1024;
/// The longest summary.
const SUMMARY_CHARS_MAX: usize = 500;
/// The longest text of how something is before or after.
const STATE_CHARS_MAX: usize = 2_000;

/// Reads an answer.
///
/// # Errors
/// Why there is no preview in it.
pub async fn read(answer: Response) -> Result<DryRun, String> {
    if !answer.status().is_success() {
        return Err(error_of(answer).await);
    }
    let text = whole(answer, BYTES_MAX).await?;
    let fields = last_object(&text).ok_or("the answer is no JSON object")?;
    let preview = match fields.get("preview") {
        Some(Value::String(summary)) => of_fields(&Map::from_iter([("summary".to_owned(), summary.as_str().into())])),
        Some(Value::Object(fields)) => of_fields(fields),
        _ => None,
    };
    let undo_payload = fields.get("undo_payload").filter(|payload| !payload.is_null());
    Ok(DryRun {
        preview: preview.ok_or("the answer has no preview")?,
        undo_payload: undo_payload.and_then(|payload| kept(payload).ok()),
    })
}

/// A whole answer, or the last line of one in lines.
fn last_object(text: &[u8]) -> Option<Map<String, Value>> {
    let last = || text.split(|byte| *byte == b'\n').rev().find(|line| !line.trim_ascii().is_empty());
    serde_json::from_slice(text).ok().or_else(|| serde_json::from_slice(last()?).ok())
}

fn of_fields(fields: &Map<String, Value>) -> Option<Preview> {
    let text = |name: &str, chars_max| {
        let text = fields.get(name)?.as_str()?;
        let lines: Vec<String> = text.lines().map(one_line).collect();
        Some(shortened(lines.join("\n").trim(), chars_max)).filter(|text| !text.is_empty())
    };
    let summary = one_line(fields.get("summary")?.as_str()?);
    Some(Preview {
        summary: Some(shortened(&summary, SUMMARY_CHARS_MAX)).filter(|summary| !summary.is_empty())?,
        before: text("before", STATE_CHARS_MAX),
        after: text("after", STATE_CHARS_MAX),
        recipients: fields.get("recipients").and_then(Value::as_u64),
        amount: fields.get("amount").and_then(decimal),
        source: "module".into(),
        generated: None,
    })
}

/// A decimal number, written as a number or as text.
fn decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    text.parse::<Decimal>().ok().map(|number| number.to_string())
}

//! The module itself: takes signed calls, does each refund once, says how it is going, says beforehand what it would do, and takes back what
//! it did.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::web::{Bytes, Data, PayloadConfig, ServiceConfig, post};
use actix_web::{HttpRequest, HttpResponse, rt};
use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;

const CAPABILITY: &str = "till.refund";
/// A call is at most a payload of 32 KiB and what is around it.
const CALL_BYTES_MAX: usize = 64 * 1024;
/// How old a signature may be: whoever recorded a call cannot play it back tomorrow.
const SIGNED_WITHIN_S: u64 = 300;
/// What this till refuses to refund, in cents.
const REFUND_CENTS_MAX: u64 = 50_000;

/// What is registered.
pub fn descriptor(endpoint: &str) -> Value {
    json!({
        "name": CAPABILITY,
        "version": "1",
        "module": "till",
        "endpoint": endpoint,
        // The payload is checked by this before anybody is asked; an undo's payload is what `refund` gave as `undo_payload`.
        "params": {
            "type": "object",
            "required": ["check", "amount_cents"],
            "additionalProperties": false,
            "properties": {
                "check": { "type": "string", "minLength": 1, "maxLength": 40 },
                "amount_cents": { "type": "integer", "minimum": 1 },
                "refund": { "type": "string" }
            }
        },
        "sensitivity": "financial",
        "connectors": ["till"],
        "reversible": true,
        "idempotent": true,
        "auto_approvable": false,
        "undo_window": 3600,
        "timeout": 30,
        "preview_template": "Refund {{amount_cents}} cents of check {{check}}"
    })
}

/// The till: its ledger is what it has done, and the key of a call is in the same line as its effect. So a call that comes again, also
/// after a crash between the effect and the answer, finds what it did. A module with a database writes both in one transaction.
pub struct Till {
    key: Vec<u8>,
    ledger: Mutex<Ledger>,
}

struct Ledger {
    file: File,
    done: HashMap<String, Entry>,
}

/// One line of the ledger.
#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    idempotency_key: String,
    refund: String,
    check: String,
    cents: u64,
    /// Whether this line takes the refund back.
    taken_back: bool,
}

/// The body of a call. Fields that are added later are passed over.
#[derive(Deserialize)]
struct Call {
    capability: String,
    payload: Value,
    dry_run: bool,
    undo: bool,
}

/// The payload that `params` describes.
#[derive(Deserialize)]
struct Refund {
    check: String,
    amount_cents: u64,
    /// Of an undo: which refund is taken back.
    refund: Option<String>,
}

impl Till {
    /// A till with this ledger, whose calls are signed by this secret (`whsec_…`).
    pub fn open(ledger: &Path, secret: &str) -> anyhow::Result<Self> {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).context("the secret is not base64")?;
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).read(true).open(ledger).context("the ledger")?;
        let mut done = HashMap::new();
        for line in BufReader::new(&file).lines() {
            let entry: Entry = serde_json::from_str(&line?).context("a line of the ledger")?;
            done.insert(entry.idempotency_key.clone(), entry);
        }
        Ok(Self { key, ledger: Mutex::new(Ledger { file, done }) })
    }

    /// Whether a call comes from the Action Center: one of its signatures is right, and it is not old.
    fn is_signed(&self, request: &HttpRequest, body: &[u8]) -> bool {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let fresh = timestamp.parse().is_ok_and(|signed_s: u64| now_s().abs_diff(signed_s) <= SIGNED_WITHIN_S);
        fresh
            && header("webhook-signature").split(' ').any(|one| {
                let wanted = one.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
                let (Some(wanted), Ok(mut mac)) = (wanted, Hmac::<Sha256>::new_from_slice(&self.key)) else {
                    return false;
                };
                mac.update(format!("{id}.{timestamp}.").as_bytes());
                mac.update(body);
                mac.verify_slice(&wanted).is_ok() // takes the same time whatever differs
            })
    }

    /// Does it, unless it is done; gives the line that the ledger has for the key.
    fn settle(&self, key: &str, wanted: &Refund, undo: bool) -> Result<Entry, String> {
        let mut ledger = self.ledger();
        if let Some(done) = ledger.done.get(key) {
            return Ok(done.clone());
        }
        let entry = match &wanted.refund {
            Some(refund) if undo => {
                let mut lines = ledger.done.values().filter(|line| line.refund == *refund);
                if lines.any(|line| line.taken_back) {
                    return Err(format!("the refund {refund} was taken back before"));
                }
                let first = ledger.done.values().find(|line| line.refund == *refund);
                let first = first.ok_or_else(|| format!("there is no refund {refund}"))?;
                Entry { idempotency_key: key.to_owned(), taken_back: true, ..first.clone() }
            }
            _ if undo => return Err("it does not say which refund is taken back".into()),
            _ => Entry {
                idempotency_key: key.to_owned(),
                refund: format!("r-{}", key.get(..12).unwrap_or(key)),
                check: wanted.check.clone(),
                cents: wanted.amount_cents,
                taken_back: false,
            },
        };
        let line = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
        // On the disk before anybody hears of it. Should this fail, nobody knows whether the line is there: a panic ends the answer
        // without a result, which says just that, where an error would say that nothing was done.
        writeln!(ledger.file, "{line}").and_then(|()| ledger.file.sync_data()).expect("the ledger can be written");
        ledger.done.insert(key.to_owned(), entry.clone());
        Ok(entry)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes of the module.
pub fn routes(till: Data<Till>) -> impl FnOnce(&mut ServiceConfig) {
    move |service| {
        service.app_data(till).app_data(PayloadConfig::new(CALL_BYTES_MAX)).route("/run", post().to(run));
    }
}

async fn run(till: Data<Till>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if !till.is_signed(&request, &body) {
        return HttpResponse::Unauthorized().json(json!({ "error": "the signature is not right" }));
    }
    let Ok(call) = serde_json::from_slice::<Call>(&body) else {
        return HttpResponse::BadRequest().json(json!({ "error": "this is no call" }));
    };
    if call.capability != CAPABILITY {
        return HttpResponse::NotFound().json(json!({ "error": format!("there is no {} here", call.capability) }));
    }
    // Anything from 400 to 499 says: not done, and not to be tried again.
    let wanted = match checked(&call) {
        Ok(wanted) => wanted,
        Err(error) => return HttpResponse::UnprocessableEntity().json(json!({ "error": error })),
    };
    if call.dry_run {
        return HttpResponse::Ok().json(preview(&wanted, call.undo));
    }
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(key) = key.map(str::to_owned) else {
        return HttpResponse::BadRequest().json(json!({ "error": "there is no Idempotency-Key" }));
    };
    // The work goes on when the caller hangs up; the same key finds it done.
    let (line, lines) = mpsc::channel(8);
    rt::spawn(refund(till, key, wanted, call.undo, line));
    let lines = stream::unfold(lines, |mut lines| async {
        let line: Value = lines.recv().await?;
        Some((Ok::<_, Infallible>(Bytes::from(format!("{line}\n"))), lines))
    });
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines)
}

fn checked(call: &Call) -> Result<Refund, String> {
    let wanted: Refund = serde_json::from_value(call.payload.clone()).map_err(|error| error.to_string())?;
    if wanted.amount_cents > REFUND_CENTS_MAX {
        return Err(format!("this till refunds {REFUND_CENTS_MAX} cents at most"));
    }
    Ok(wanted)
}

/// What would be done. It does nothing and keeps nothing: a dry run has no key, and may come any number of times.
fn preview(wanted: &Refund, undo: bool) -> Value {
    let (check, amount) = (&wanted.check, euros(wanted.amount_cents));
    let (what, before, after) =
        if undo { ("Take back the refund", "refunded", "paid") } else { ("Refund", "paid", "refunded") };
    json!({ "preview": {
        "summary": format!("{what} of {amount} on check {check}"),
        "before": format!("Check {check}: {amount} {before}"),
        "after": format!("Check {check}: {amount} {after}"),
        "recipients": 1,
        "amount": amount,
    } })
}

/// Does it, and says how it is going. Nobody may be listening any more, which changes nothing.
async fn refund(till: Data<Till>, key: String, wanted: Refund, undo: bool, line: mpsc::Sender<Value>) {
    let _ = line.send(json!({ "progress": 0.2, "message": format!("Opening check {}", wanted.check) })).await;
    let settled = till.settle(&key, &wanted, undo);
    let last = match settled {
        Ok(entry) => {
            let done = if undo { "Taking the money back" } else { "Giving the money back" };
            let _ = line.send(json!({ "progress": 0.9, "message": done })).await;
            let mut last = json!({ "result": { "refund": entry.refund, "taken_back": entry.taken_back } });
            if !undo {
                last["undo_payload"] =
                    json!({ "check": entry.check, "amount_cents": entry.cents, "refund": entry.refund });
            }
            last
        }
        Err(error) => json!({ "error": error }),
    };
    let _ = line.send(last).await;
}

fn euros(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[allow(clippy::disallowed_methods, reason = "the age of a signature is measured by the wall clock")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

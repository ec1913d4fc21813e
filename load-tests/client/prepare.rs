//! Fills a server through its public API: organisations with keys, a venue, a block template, and blocks.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::task::{JoinSet, LocalSet};

use crate::fixture::{BLOCK_TYPE, Fixture, OrgFixture};
use crate::http::Connection;
use crate::target::Target;

/// How often a request that was refused for load (429, 503) is sent again, and the pause before each.
const RETRIES_MAX: u32 = 400;
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const ENTITY_PREFIX: &str = "e-";
const VENUE: &str = "venue-1";

/// Creates `orgs` organisations named `<prefix>-<n>`, without blocks.
pub fn orgs(
    target: Target,
    operator_token: &str,
    prefix: &str,
    orgs: u64,
    connections: u64,
) -> anyhow::Result<Fixture> {
    let made = Rc::new(RefCell::new(Vec::new()));
    let progress = Progress::new("organisations", orgs);
    for_each(target, orgs, connections, |mut api, numbers| {
        let (made, progress) = (made.clone(), progress.clone());
        let (token, prefix) = (operator_token.to_owned(), prefix.to_owned());
        async move {
            while let Some(number) = numbers.take() {
                let org = create_org(&mut api, &token, format!("{prefix}-{number}")).await?;
                made.borrow_mut().push((number, org));
                progress.step();
            }
            Ok(())
        }
    })?;
    let mut made = made.take();
    made.sort_by_key(|(number, _)| *number);
    Ok(Fixture { url: target.to_string(), orgs: made.into_iter().map(|(_, org)| org).collect() })
}

async fn create_org(api: &mut Api, operator_token: &str, org_id: String) -> anyhow::Result<OrgFixture> {
    let created = api.post("/api/operator/orgs", operator_token, &json!({ "org_id": org_id, "name": org_id })).await?;
    let admin_key = text(&created, "admin_key")?;
    let venue = json!({ "name": "Venue 1", "time_zone": "UTC" });
    api.send("PUT", &format!("/api/settings/venues/{VENUE}"), &admin_key, &venue).await?;
    let template = json!({
        "name": "comps above 200 need an approval",
        "violation_type": "comp_exception",
        "action_type": "block",
        "action_target": "system",
        "message_template": "{{metadata.server_name}} gave a comp of {{metadata.comp_amount}} at {{venue_name}}",
        "enabled": true,
        "mode": "live",
        "conditions": { "min_threshold": 200 },
        "action_data": { "override_required": true, "override_authority": "gm" },
    });
    api.post("/api/action-center/templates", &admin_key, &template).await?;
    let check_key = create_key(api, &admin_key, "till", "blocks:read").await?;
    let report_key = create_key(api, &admin_key, "detector", "violations:write").await?;
    Ok(OrgFixture {
        org_id,
        venue_id: VENUE.to_owned(),
        admin_key,
        check_key,
        report_key,
        entity_prefix: ENTITY_PREFIX.to_owned(),
        blocks: 0,
    })
}

async fn create_key(api: &mut Api, admin_key: &str, name: &str, scope: &str) -> anyhow::Result<String> {
    let created = api.post("/api/keys", admin_key, &json!({ "name": name, "scopes": [scope] })).await?;
    text(&created, "key")
}

fn text(answer: &Value, field: &str) -> anyhow::Result<String> {
    Ok(answer[field].as_str().with_context(|| format!("no {field} in {answer}"))?.to_owned())
}

/// Places blocks until every organisation has `blocks_per_org`, and notes that in the fixture.
pub fn blocks(target: Target, fixture: &mut Fixture, blocks_per_org: u64, connections: u64) -> anyhow::Result<()> {
    let before = fixture.orgs[0].blocks;
    ensure!(fixture.orgs.iter().all(|org| org.blocks == before), "the organisations differ in their blocks");
    let count = fixture.orgs.len() as u64;
    let total = blocks_per_org.saturating_sub(before) * count;
    let keys: Rc<Vec<String>> = Rc::new(fixture.orgs.iter().map(|org| org.admin_key.clone()).collect());
    let progress = Progress::new("blocks", total);
    for_each(target, total, connections, |mut api, numbers| {
        let (keys, progress) = (keys.clone(), progress.clone());
        async move {
            let (mut body, mut request) = (Vec::new(), Vec::new());
            while let Some(number) = numbers.take() {
                // Neighbours in time belong to different organisations, as they would from independent callers.
                let (org, entity) = (number % count, before + number / count);
                body.clear();
                write!(
                    body,
                    "{{\"block_type\":\"{BLOCK_TYPE}\",\"entity_id\":\"{ENTITY_PREFIX}{entity}\",\
                     \"entity_type\":\"employee\",\"reason\":\"Comps without an approval above 200.00\",\
                     \"override_required\":true,\"override_authority\":\"gm\"}}"
                )?;
                api.write_request(&mut request, "POST", "/api/action-center/blocks", &keys[org as usize], &body);
                api.send_raw(&request).await?;
                progress.step();
            }
            Ok(())
        }
    })?;
    for org in &mut fixture.orgs {
        org.blocks = org.blocks.max(blocks_per_org);
    }
    Ok(())
}

/// The numbers below a bound, each handed out once.
#[derive(Clone)]
struct Numbers(Rc<Cell<u64>>, u64);

impl Numbers {
    fn take(&self) -> Option<u64> {
        let number = self.0.get();
        self.0.set(number + 1);
        (number < self.1).then_some(number)
    }
}

/// Runs `job` on `connections` connections that share the numbers below `total`.
fn for_each<F, J>(target: Target, total: u64, connections: u64, job: J) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + 'static,
    J: Fn(Api, Numbers) -> F,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let numbers = Numbers(Rc::new(Cell::new(0)), total);
        let mut tasks = JoinSet::new();
        for _ in 0..connections.min(total) {
            tasks.spawn_local(job(Api::open(target).await?, numbers.clone()));
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(())
    })
}

struct Api {
    target: Target,
    host: String,
    connection: Connection,
}

impl Api {
    async fn open(target: Target) -> anyhow::Result<Self> {
        let connection = Connection::open(target.0).await.with_context(|| format!("connecting to {target}"))?;
        Ok(Self { target, host: target.0.to_string(), connection })
    }

    async fn post(&mut self, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        self.send("POST", path, token, body).await
    }

    async fn send(&mut self, method: &str, path: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        let mut request = Vec::new();
        self.write_request(&mut request, method, path, token, body.to_string().as_bytes());
        let answer = self.send_raw(&request).await.with_context(|| format!("{method} {path}"))?;
        Ok(serde_json::from_slice(&answer)?)
    }

    fn write_request(&self, out: &mut Vec<u8>, method: &str, path: &str, token: &str, body: &[u8]) {
        out.clear();
        let host = &self.host;
        let length = body.len();
        write!(
            out,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        .expect("writing to memory");
        out.extend_from_slice(body);
    }

    /// Waits out a busy server; every other refusal ends the preparation.
    async fn send_raw(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        for _ in 0..RETRIES_MAX {
            let answer = self.connection.call(request).await?;
            let (status, body) = (answer.status, answer.body.to_vec());
            if self.connection.is_closing() {
                self.connection = Connection::open(self.target.0).await?;
            }
            match status {
                200..=299 => return Ok(body),
                429 | 503 => tokio::time::sleep(RETRY_PAUSE).await,
                _ => bail!("{status} {}", String::from_utf8_lossy(&body)),
            }
        }
        bail!("still refused for load after {RETRIES_MAX} tries")
    }
}

/// A line on standard error every second.
#[derive(Clone)]
struct Progress {
    what: &'static str,
    total: u64,
    start: Instant,
    state: Rc<Cell<(u64, Instant)>>,
}

impl Progress {
    fn new(what: &'static str, total: u64) -> Self {
        let start = Instant::now();
        Self { what, total, start, state: Rc::new(Cell::new((0, start))) }
    }

    #[allow(clippy::print_stderr, reason = "a command line: at most a line a second, and the last one")]
    fn step(&self) {
        let (done, last) = self.state.get();
        let done = done + 1;
        let now = Instant::now();
        if done < self.total && now - last < Duration::from_secs(1) {
            return self.state.set((done, last));
        }
        self.state.set((done, now));
        let per_s = done as f64 / (now - self.start).as_secs_f64();
        eprintln!("{done} of {} {} ({per_s:.0}/s)", self.total, self.what);
    }
}

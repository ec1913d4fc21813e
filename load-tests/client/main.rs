//! A load client for the Action Center: fills a server, then checks and reports at a fixed rate or as fast as it can.
//!
//! One JSON line for each load goes to standard output, a table to standard error. `load-tests/README.md` says how to
//! read them. Never here: any target but this machine, or a run without an end.

mod drive;
mod fixture;
mod http;
mod pace;
mod prepare;
#[cfg(test)]
mod stall_test;
mod tally;
mod target;
mod work;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};
use serde_json::json;

use crate::drive::{Arrivals, Load};
use crate::fixture::{Fixture, OrgFixture};
use crate::target::Target;
use crate::work::{Checks, Reports, Work};

#[derive(Parser)]
#[command(about = "Puts load on an Action Center of this machine")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create organisations, keys, templates and blocks, and write the fixture file
    Prepare(PrepareArgs),
    /// Place more blocks, up to a number for each organisation of the fixture
    Place(PlaceArgs),
    /// GET checks of blocked entities; closed loop unless --rate is given
    Check(CheckArgs),
    /// POST violations that each place a block; closed loop unless --rate is given
    Report(ReportArgs),
    /// Checks and reports at the same time, both at a fixed rate
    Mixed(MixedArgs),
}

#[derive(Args)]
struct PrepareArgs {
    #[arg(long)]
    url: Target,
    #[arg(long, env = "ACTION_CENTER_OPERATOR_TOKEN", hide_env_values = true)]
    operator_token: String,
    /// Where to write the fixture
    #[arg(long)]
    fixture: PathBuf,
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    orgs: u64,
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    blocks_per_org: u64,
    /// Organisations are called <prefix>-<n>
    #[arg(long, default_value = "load")]
    prefix: String,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_024))]
    connections: u64,
}

#[derive(Args)]
struct PlaceArgs {
    #[arg(long)]
    fixture: PathBuf,
    #[arg(long)]
    url: Option<Target>,
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    blocks_per_org: u64,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_024))]
    connections: u64,
}

#[derive(Args)]
struct RunArgs {
    #[arg(long)]
    fixture: PathBuf,
    /// Another address than the fixture's
    #[arg(long)]
    url: Option<Target>,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    connections: u16,
    /// Client threads for each load; connections and rate are shared among them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Seconds of the same load before anything is counted
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=30))]
    warmup: u64,
    /// Seconds to wait for the last answers
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=60))]
    grace: u64,
    /// Use only the first organisations of the fixture
    #[arg(long)]
    orgs: Option<usize>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Percentage of checks of entities that nobody blocked
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=100))]
    miss_percent: u64,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Requests per second of an open loop
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
}

#[derive(Args)]
struct ReportArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Requests per second of an open loop
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// End a closed loop after this many requests
    #[arg(long)]
    count: Option<u64>,
}

#[derive(Args)]
struct MixedArgs {
    #[command(flatten)]
    run: RunArgs,
    #[arg(long, default_value = "5000", value_parser = rate)]
    rate: f64,
    #[arg(long, default_value = "500", value_parser = rate)]
    write_rate: f64,
    /// Where the reports go, when not to the server that is checked
    #[arg(long)]
    write_url: Option<Target>,
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    write_connections: u16,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (1.0..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is between 1 and 1,000,000 a second".to_owned()),
    }
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Prepare(args) => {
            let mut fixture = prepare::orgs(args.url, &args.operator_token, &args.prefix, args.orgs, args.connections)?;
            prepare::blocks(args.url, &mut fixture, args.blocks_per_org, args.connections)?;
            fixture.write(&args.fixture)
        }
        Command::Place(args) => {
            let mut fixture = Fixture::read(&args.fixture)?;
            prepare::blocks(target(&fixture, args.url)?, &mut fixture, args.blocks_per_org, args.connections)?;
            fixture.write(&args.fixture)
        }
        Command::Check(args) => {
            let fixture = Fixture::read(&args.run.fixture)?;
            let target = target(&fixture, args.run.url)?;
            run(vec![("check", checks(&args.run, &fixture, target, arrivals(args.rate, None))?)])
        }
        Command::Report(args) => {
            let fixture = Fixture::read(&args.run.fixture)?;
            let target = target(&fixture, args.run.url)?;
            run(vec![("report", reports(&args.run, &fixture, target, arrivals(args.rate, args.count))?)])
        }
        Command::Mixed(mut args) => {
            let fixture = Fixture::read(&args.run.fixture)?;
            let check_target = target(&fixture, args.run.url)?;
            let check = checks(&args.run, &fixture, check_target, arrivals(Some(args.rate), None))?;
            args.run.connections = args.write_connections;
            let write_target = args.write_url.unwrap_or(check_target);
            let report = reports(&args.run, &fixture, write_target, arrivals(Some(args.write_rate), None))?;
            run(vec![("check", check), ("report", report)])
        }
    }
}

fn target(fixture: &Fixture, given: Option<Target>) -> anyhow::Result<Target> {
    match given {
        Some(target) => Ok(target),
        None => fixture.url.parse().map_err(anyhow::Error::msg),
    }
}

fn arrivals(rate_per_s: Option<f64>, count: Option<u64>) -> Arrivals {
    match rate_per_s {
        Some(rate_per_s) => Arrivals::Open { rate_per_s },
        None => Arrivals::Closed { requests_max: count.unwrap_or(u64::MAX) },
    }
}

fn checks(args: &RunArgs, fixture: &Fixture, target: Target, arrivals: Arrivals) -> anyhow::Result<Load> {
    let orgs = orgs(args, fixture);
    ensure!(args.miss_percent == 100 || orgs[0].blocks > 0, "the fixture has no blocks to check");
    let seed = args.seed;
    let shared = Checks::new(orgs, &target.0.to_string(), args.miss_percent, seed);
    let work = move |connection: usize| Work::Check(shared.with_seed(seed.wrapping_mul(1_000_003) + connection as u64));
    Ok(load(args, target, arrivals, Box::new(work)))
}

fn reports(args: &RunArgs, fixture: &Fixture, target: Target, arrivals: Arrivals) -> anyhow::Result<Load> {
    #[allow(clippy::disallowed_methods, reason = "only a prefix that no earlier run has used")]
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let run = format!("{:x}", since_epoch.as_micros());
    let host = target.0.to_string();
    let orgs: Vec<OrgFixture> = orgs(args, fixture).to_vec();
    let work = move |connection: usize| {
        Work::Report(Reports::new(&orgs[connection % orgs.len()], &host, format!("{run}-{connection}")))
    };
    Ok(load(args, target, arrivals, Box::new(work)))
}

fn orgs<'a>(args: &RunArgs, fixture: &'a Fixture) -> &'a [OrgFixture] {
    &fixture.orgs[..args.orgs.unwrap_or(usize::MAX).clamp(1, fixture.orgs.len())]
}

fn load(args: &RunArgs, target: Target, arrivals: Arrivals, work: Box<dyn Fn(usize) -> Work + Send + Sync>) -> Load {
    Load {
        address: target.0,
        connections: args.connections.into(),
        threads: args.threads.min(args.connections).into(),
        arrivals,
        warmup: Duration::from_secs(args.warmup),
        measured: Duration::from_secs(args.seconds),
        grace: Duration::from_secs(args.grace),
        work,
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line: lines for scripts, a table for people")]
fn run(named: Vec<(&str, Load)>) -> anyhow::Result<()> {
    let (names, loads): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    let outcomes = drive::run(&loads)?;
    let mut reports = Vec::new();
    for ((name, load), (tally, measured)) in names.into_iter().zip(&loads).zip(outcomes) {
        let (kind, rate) = match load.arrivals {
            Arrivals::Open { rate_per_s } => ("open", Some(rate_per_s)),
            Arrivals::Closed { .. } => ("closed", None),
        };
        let description = json!({
            "load": name,
            "loop": kind,
            "rate": rate,
            "connections": load.connections,
            "threads": load.threads,
        });
        reports.push(tally.to_json(description, measured));
    }
    for report in &reports {
        println!("{report}");
    }
    eprintln!("{}", tally::table(&reports));
    Ok(())
}

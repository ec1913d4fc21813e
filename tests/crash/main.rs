//! The crash loop: a server is killed again and again in the middle of its work, and what it says afterwards is compared with an
//! oracle of everything that it had acknowledged.
//!
//! `CRASH_SEED` repeats a run's choices (not its timing), `CRASH_KILLS` makes it longer.

mod chance;
mod executing;
mod load;
mod oracle;
mod planted;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, reason = "the integration tests use the rest")]
mod support;
mod till;

use std::ops::Range;
use std::time::{Duration, Instant};

use chance::Chance;
use load::Load;
use oracle::Oracle;
use support::{Client, Organisation, TestApp, pause, wait_for};

/// Kills under load in one run.
const KILLS: u64 = 50;
/// Acknowledged writes of a round that counts, at least.
const LOAD_MIN: u64 = 40;
/// As many more may come before the end, by chance.
const LOAD_MORE: u64 = 120;
const LOAD_WITHIN: Duration = Duration::from_secs(30);
/// A kill in the boot comes within so many microseconds of the start.
const BOOT_MICROSECONDS: u64 = 60_000;
/// Older subjects that are looked at again after each round.
const OLDER: u64 = 20;
/// Small, so that snapshots, archive and cuts happen under fire.
const SETTINGS: [(&str, &str); 2] =
    [("STORE__SNAPSHOT_EVERY_RECORDS", "200"), ("STORE__SNAPSHOT_AT_STOP_RECORDS", "50")];

/// How a round ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Killed under load.
    Kill,
    /// Killed under load, started, and killed under load again before anything is compared.
    KillTwice,
    /// Killed under load, then while it starts, once or several times.
    KillInBoot,
    /// Asked to stop under load.
    Stop,
}

#[test]
fn what_was_acknowledged_is_there_once_however_often_the_server_is_killed() {
    let seed = number_from_environment("CRASH_SEED").unwrap_or_else(|| getrandom::u64().expect("randomness"));
    let kills = number_from_environment("CRASH_KILLS").unwrap_or(KILLS);
    println!("CRASH_SEED={seed}");
    let mut loop_ = CrashLoop::new(&SETTINGS, seed);
    while loop_.kills < kills {
        loop_.round();
    }
    let wrong = loop_.compare_whole();
    println!("{}", loop_.tally());
    assert!(wrong.is_empty(), "CRASH_SEED={seed}\n{}", wrong.join("\n"));
    let archived = files_in(&loop_.app.data_dir(), "seg");
    assert!(archived > 0, "no records were moved to the archive, so the loop proved less than it should");
    assert!(loop_.stops > 0 && loop_.boot_kills > 0 && loop_.app.stop().success(), "{}", loop_.tally());
}

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// A server, its organisations, and what they have acknowledged.
struct CrashLoop {
    app: TestApp,
    organisations: Vec<Organisation>,
    clients: Vec<Client>,
    oracle: Oracle,
    chance: Chance,
    rounds: u64,
    kills: u64,
    boot_kills: u64,
    stops: u64,
    began: Instant,
}

impl CrashLoop {
    /// A fresh server with two organisations that block who comps too much.
    fn new(settings: &[(&str, &str)], seed: u64) -> Self {
        let app = TestApp::started(settings);
        let organisations: Vec<Organisation> = ["harbour", "pier"].iter().map(|id| app.organisation(id)).collect();
        organisations.iter().for_each(Organisation::block_template);
        let clients = organisations.iter().map(|org| org.admin.clone()).collect();
        let (oracle, chance, began) = (Oracle::default(), Chance::new(seed), Instant::now());
        Self { app, organisations, clients, oracle, chance, rounds: 0, kills: 0, boot_kills: 0, stops: 0, began }
    }

    /// Load, an end, a start, a comparison.
    fn round(&mut self) {
        let ending = match self.rounds {
            // Each once for certain, then by chance.
            0 => Ending::Stop,
            1 => Ending::KillInBoot,
            2 => Ending::KillTwice,
            _ => match self.chance.below(10) {
                0 => Ending::Stop,
                1 | 2 => Ending::KillInBoot,
                3 => Ending::KillTwice,
                _ => Ending::Kill,
            },
        };
        let (first, first_key) = (self.oracle.subjects.len(), self.oracle.keys.len());
        match ending {
            Ending::Kill => self.kill_under_load(),
            Ending::KillTwice => {
                self.kill_under_load();
                self.start();
                self.kill_under_load();
            }
            Ending::KillInBoot => {
                self.kill_under_load();
                self.kill_in_boot();
            }
            Ending::Stop => self.stop_under_load(),
        }
        self.start();
        let wrong = self.compare(first..self.oracle.subjects.len(), first_key);
        let at = format!("round {}, which ended with {ending:?}; {}", self.rounds, self.tally());
        assert!(wrong.is_empty(), "{at}\n{}\n--\n{}", wrong.join("\n"), last_lines(&self.app.log()));
    }

    fn kill_under_load(&mut self) {
        let load = self.loaded();
        pause(Duration::from_micros(self.chance.below(60_000)));
        self.app.kill();
        // A round counts only when the kill cut somebody off.
        if load.end(&mut self.oracle) > 0 {
            self.kills += 1;
        }
    }

    fn stop_under_load(&mut self) {
        let load = self.loaded();
        let ended = self.app.stop();
        load.end(&mut self.oracle);
        assert!(ended.success(), "after SIGTERM it ended with {ended}\n{}", last_lines(&self.app.log()));
        self.stops += 1;
    }

    /// Writers that have had enough acknowledged for the round to count.
    fn loaded(&mut self) -> Load {
        self.rounds += 1;
        let load = Load::start(self.rounds, &self.clients, &mut self.chance);
        let enough = LOAD_MIN + self.chance.below(LOAD_MORE);
        let enough = wait_for(LOAD_WITHIN, || (load.acknowledged() as u64 >= enough).then_some(()));
        assert!(enough.is_some(), "only {} writes within {LOAD_WITHIN:?}\n{}", load.acknowledged(), self.app.log());
        load
    }

    /// Kills it before it listens or somewhere in the recovery, once or up to three times.
    fn kill_in_boot(&mut self) {
        for _ in 0..=self.chance.below(3) {
            let mut process = self.app.spawn();
            pause(Duration::from_micros(self.chance.below(BOOT_MICROSECONDS)));
            process.kill();
            self.boot_kills += 1;
        }
    }

    /// Starts it again, and lets everybody know where.
    fn start(&mut self) {
        self.app.start();
        self.clients = self.organisations.iter().map(|org| self.app.again(org).admin).collect();
        self.app.nobody().get("/readyz").expect(200);
    }

    fn compare(&mut self, subjects: Range<usize>, first_key: usize) -> Vec<String> {
        let mut chosen: Vec<usize> = subjects.clone().collect();
        if subjects.start > 0 {
            let older = subjects.start as u64;
            chosen.extend((0..OLDER).filter_map(|_| usize::try_from(self.chance.below(older)).ok()));
        }
        self.oracle.compare(&self.clients, &chosen, first_key)
    }

    fn compare_whole(&self) -> Vec<String> {
        self.oracle.compare_whole(&self.clients)
    }

    fn tally(&self) -> String {
        format!(
            "{} rounds, {} kills under load, {} kills in boot, {} stops, {} writes acknowledged, {:?}",
            self.rounds,
            self.kills,
            self.boot_kills,
            self.stops,
            self.oracle.acknowledged(),
            self.began.elapsed(),
        )
    }
}

fn files_in(dir: &std::path::Path, extension: &str) -> usize {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let count = |path: std::path::PathBuf| {
        if path.is_dir() {
            files_in(&path, extension)
        } else {
            usize::from(path.extension().is_some_and(|e| e == extension))
        }
    };
    entries.map(|entry| count(entry.path())).sum()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

//! A seeded simulation: whole histories of orders, faults of the journal, crashes, clock jumps and repeated requests, with what
//! must hold checked after every step.
//!
//! `SIMULATION_SEED=7 cargo nextest run --test simulation` lives through one history. A seed that failed is kept in `seeds.txt` for ever.

mod dice;
mod judge;
mod orders;
mod planted;
mod world;

use planted::Planted;
use world::{Trace, World};

const STEPS: usize = 400;
const SEEDS: u64 = 40;
/// How many histories a planted bug may survive.
const PATIENCE: u64 = 12;

fn live(seed: u64) -> Trace {
    match World::new(seed, Planted::Nothing).live(STEPS) {
        Ok(trace) => trace,
        Err(why) => panic!("SIMULATION_SEED={seed}: {why}"),
    }
}

#[test]
fn what_must_hold_holds_in_every_history() {
    if let Ok(seed) = std::env::var("SIMULATION_SEED") {
        live(seed.parse().expect("SIMULATION_SEED is a number"));
        return;
    }
    let traces: Vec<Trace> = (1..=SEEDS).map(live).collect();
    let sum = |count: fn(&Trace) -> usize| traces.iter().map(count).sum::<usize>();
    let reached = [
        sum(|trace| trace.acknowledged),
        sum(|trace| trace.rejected),
        sum(|trace| trace.repeated),
        sum(|trace| trace.refused_batches),
        sum(|trace| trace.restarts),
        sum(|trace| trace.snapshots),
    ];
    let least = [4_000, 1_000, 250, 100, 200, 200];
    assert!(reached.iter().zip(least).all(|(reached, least)| *reached >= least), "too little happened: {reached:?}");
}

#[test]
fn seeds_that_failed_once_hold_for_ever() {
    let seeds = include_str!("seeds.txt").lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    for seed in seeds.filter(|seed| !seed.is_empty()) {
        live(seed.parse().expect("a line of seeds.txt is a number"));
    }
}

#[test]
fn the_same_seed_lives_the_same_history() {
    for seed in [1, 2] {
        assert_eq!(live(seed), live(seed), "seed {seed}");
    }
    assert_ne!(live(1).hash, live(2).hash);
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Planted::BUGS {
        let found = (1..=PATIENCE).find_map(|seed| World::new(seed, bug).live(STEPS).err());
        let why = found.unwrap_or_else(|| panic!("{bug:?} was not found"));
        assert!(bug.shows_as().iter().any(|words| why.contains(words)), "{bug:?} was found as something else: {why}");
    }
}

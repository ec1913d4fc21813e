//! The simulated shift: what happens next, as values. It knows no server; the same seed gives the same evening.

use super::chance::Chance;
use super::reports::Comp;
use super::world::VENUES;

/// Something that happens at a venue. Venues and servers are places in [`VENUES`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Step {
    pub venue: usize,
    pub what: What,
    /// How long until the next one, in milliseconds.
    pub pause_ms: u64,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum What {
    /// A server comps; `number` is never used twice.
    Comp { number: u64, server: usize, comp: Comp },
    /// Sales are polled; 0 is on plan.
    Pace { gap_pct: u32, expected: u32 },
    /// A camera saw how long a table waited.
    Greeting { number: u64, server: usize, table: u32, delay_s: u32 },
    /// The schedule is scanned; 0 is no gap.
    Gap { role: &'static str, tenths: u32, required: u32 },
    /// A till asks whether a server may comp so much.
    Check { server: usize, cents: u32 },
    /// Somebody looks at the newest open violation.
    Acknowledge,
    /// Somebody ends the oldest open violation.
    Resolve { resolution: &'static str },
    /// Somebody lifts the oldest block.
    Lift { reason: &'static str },
    /// The general manager blocks a server by hand.
    Place { server: usize, reason: &'static str },
}

const COMP_REASONS: [&str; 5] = ["Overcooked", "Long wait", "Birthday", "Wrong wine", "Regular guest"];
const ROLES: [&str; 3] = ["floor", "kitchen", "bar"];
const RESOLUTIONS: [&str; 4] =
    ["Talked to the team", "Guest is happy again", "Runner moved over to help", "Checked with the kitchen"];
const LIFT_REASONS: [&str; 4] =
    ["Checked the receipts", "Guest complaint was justified", "Second server took over", "Rush is over"];
const PLACE_REASONS: [&str; 3] = ["Till drawer is being counted", "Training shift", "Two voids in a row"];

/// The shift; it never ends by itself.
#[derive(Clone, Debug)]
pub struct Shift {
    chance: Chance,
    number: u64,
}

impl Shift {
    /// Begins.
    pub fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed), number: 0 }
    }
}

impl Iterator for Shift {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.number += 1;
        let (number, chance) = (self.number, &mut self.chance);
        let venue = chance.index(VENUES.len());
        let server = chance.index(VENUES[venue].floor.len());
        let what = match chance.between(1, 100) {
            1..=20 => What::Comp { number, server, comp: comp(chance) },
            21..=32 => What::Pace { gap_pct: some_or_none(chance, 60, 8, 40), expected: chance.between(30, 90) * 100 },
            33..=48 => {
                What::Greeting { number, server, table: chance.between(1, 30), delay_s: chance.between(40, 300) }
            }
            49..=56 => What::Gap {
                role: chance.pick(&ROLES),
                tenths: some_or_none(chance, 55, 2, 9),
                required: chance.between(3, 8),
            },
            57..=72 => What::Check { server, cents: chance.between(5, 120) * 100 },
            73..=80 => What::Acknowledge,
            81..=90 => What::Resolve { resolution: chance.pick(&RESOLUTIONS) },
            91..=97 => What::Lift { reason: chance.pick(&LIFT_REASONS) },
            _ => What::Place { server, reason: chance.pick(&PLACE_REASONS) },
        };
        Some(Step { venue, what, pause_ms: u64::from(chance.between(600, 1_400)) })
    }
}

/// Small ones are common, large ones rare.
fn comp(chance: &mut Chance) -> Comp {
    let cents = match chance.between(1, 10) {
        1..=5 => chance.between(900, 4_900),
        6..=8 => chance.between(5_100, 19_900),
        _ => chance.between(20_100, 46_000),
    };
    Comp { cents, reason: chance.pick(&COMP_REASONS), approved: chance.percent(85) }
}

fn some_or_none(chance: &mut Chance, percent: u32, from: u32, to: u32) -> u32 {
    if chance.percent(percent) { chance.between(from, to) } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_evening() {
        let evening = |seed| Shift::new(seed).take(500).collect::<Vec<_>>();
        assert_eq!(evening(9), evening(9));
        assert_ne!(evening(9), evening(10));
    }

    #[test]
    fn everything_happens_within_a_few_minutes_and_everywhere() {
        let steps: Vec<Step> = Shift::new(1).take(240).collect();
        let kinds: BTreeSet<String> = steps
            .iter()
            .map(|step| format!("{:?}", step.what).split([' ', '{']).next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(kinds.len(), 9, "{kinds:?}");
        assert_eq!(steps.iter().map(|step| step.venue).collect::<BTreeSet<_>>().len(), VENUES.len());
    }

    #[test]
    fn it_goes_at_the_pace_of_people() {
        let total_ms: u64 = Shift::new(1).take(1_000).map(|step| step.pause_ms).sum();
        assert!((900_000..1_100_000).contains(&total_ms), "{total_ms}");
    }

    #[test]
    fn no_number_is_used_twice() {
        let numbers: Vec<u64> = Shift::new(1)
            .take(2_000)
            .filter_map(|step| match step.what {
                What::Comp { number, .. } | What::Greeting { number, .. } => Some(number),
                What::Pace { .. } | What::Gap { .. } | What::Check { .. } | What::Acknowledge => None,
                What::Resolve { .. } | What::Lift { .. } | What::Place { .. } => None,
            })
            .collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
    }
}

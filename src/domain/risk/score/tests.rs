//! Scores of examples, and what holds for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;

use super::super::weights::{DEFAULTS, Weights};
use super::super::{Facts, History, Risk, RiskLevel};
use super::{SCORE_MAX, score};
use crate::domain::capabilities::{Capability, Sensitivity, built_in};

const SENSITIVITIES: [Sensitivity; 4] =
    [Sensitivity::None, Sensitivity::Internal, Sensitivity::Personal, Sensitivity::Financial];
/// Somebody and something that have done well before.
const GOOD: History = History { executed: 50, rejected: 1, failed: 1, undone: 0 };

/// A remote capability that does no harm, or as much as is said.
fn remote(sensitivity: Sensitivity, connectors: usize, reversible: bool, idempotent: bool) -> Capability {
    let names = ["till", "bank", "mail", "payroll", "stock", "rota", "door"];
    Capability {
        name: "till.refund".into(),
        module: "till".into(),
        sensitivity,
        connectors: names.iter().take(connectors).map(|name| (*name).into()).collect(),
        reversible,
        idempotent,
        undo_window_s: 3_600,
        endpoint: Some("https://till.example/run".into()),
        ..built_in::find("blocks.place").unwrap().capability.clone()
    }
}

fn facts(capability: &Capability) -> Facts<'_> {
    Facts { capability, recipients: None, amount: None, requester: GOOD, history: GOOD, hour: 19 }
}

fn scored(facts: &Facts<'_>) -> Risk {
    score(facts, &Weights::default())
}

fn points(risk: &Risk) -> Vec<(&str, u32)> {
    risk.factors.iter().map(|factor| (&*factor.name, factor.points)).collect()
}

#[test]
fn examples_have_the_scores_of_the_documentation() {
    use Sensitivity::{Financial, Internal, None as Harmless, Personal};
    let new = History::default();
    for (capability, newcomer, expected, level) in [
        (remote(Harmless, 0, true, true), true, 11, RiskLevel::Low),
        (remote(Internal, 1, true, true), false, 17, RiskLevel::Low),
        (remote(Personal, 1, false, true), false, 36, RiskLevel::Medium),
        (remote(Financial, 1, false, true), false, 44, RiskLevel::Medium),
        (remote(Financial, 1, false, false), true, 54, RiskLevel::Medium),
        (remote(Financial, 3, false, false), true, 68, RiskLevel::High),
        (remote(Financial, 4, false, false), false, 69, RiskLevel::High),
        (remote(Financial, 4, false, false), true, 75, RiskLevel::High),
    ] {
        let history = if newcomer { new } else { GOOD };
        let risk = scored(&Facts { requester: history, history, ..facts(&capability) });
        assert_eq!((risk.score, risk.level), (expected, level), "{capability:?}");
    }
}

#[test]
fn the_levels_that_people_expect_hold_at_every_hour_and_for_newcomers() {
    use Sensitivity::{Financial, None as Harmless, Personal};
    let new = History::default();
    for hour in 0..24 {
        let level =
            |capability: &Capability| scored(&Facts { requester: new, history: new, hour, ..facts(capability) }).level;
        assert_eq!(level(&remote(Harmless, 0, true, true)), RiskLevel::Low);
        assert_eq!(level(&remote(Personal, 1, false, false)), RiskLevel::Medium);
        assert_eq!(level(&remote(Financial, 1, false, false)), RiskLevel::Medium);
        assert_eq!(level(&remote(Financial, 4, false, false)), RiskLevel::High);
    }
}

#[test]
fn every_reason_has_a_line_and_what_says_nothing_has_none() {
    let quiet = &built_in::find("blocks.place").unwrap().capability;
    assert_eq!(points(&scored(&facts(quiet))), [("sensitivity", 5)]);
    let capability = remote(Sensitivity::Financial, 2, false, false);
    let risk = scored(&Facts {
        recipients: Some(40),
        amount: Some(Decimal::from(1_500)),
        requester: History { executed: 4, rejected: 1, failed: 0, undone: 0 },
        history: History::default(),
        hour: 3,
        ..facts(&capability)
    });
    let expected = [
        ("module", 5),
        ("sensitivity", 20),
        ("connectors", 14),
        ("reversibility", 12),
        ("repetition", 4),
        ("recipients", 8),
        ("amount", 8),
        ("requester", 10),
        ("capability", 3),
        ("hour", 5),
    ];
    assert_eq!((risk.score, risk.level, points(&risk)), (89, RiskLevel::Critical, expected.to_vec()));
    let why: Vec<&str> = risk.factors.iter().map(|factor| &*factor.why).collect();
    assert_eq!(why[2], "It touches 2 systems: till, bank");
    assert_eq!(why[6], "It moves 1500");
    assert_eq!(why[7], "Of 5 requests of the same requester 1 were rejected, failed or were undone");
}

#[test]
fn sizes_count_from_their_bounds_on() {
    let capability = remote(Sensitivity::None, 0, true, true);
    let of = |recipients: Option<u64>, amount: Option<&str>| {
        let amount = amount.map(|text| text.parse().unwrap());
        scored(&Facts { recipients, amount, ..facts(&capability) }).score - 5
    };
    let people = [0, 1, 2, 10, 11, 100, 101, u64::MAX].map(|number| of(Some(number), None));
    assert_eq!(people, [0, 0, 3, 3, 8, 8, 15, 15]);
    let amounts = ["0", "99.99", "100", "999.99", "1000", "9999", "10000", "-10000"].map(|text| of(None, Some(text)));
    assert_eq!(amounts, [0, 0, 4, 4, 8, 8, 15, 15]);
}

#[test]
fn beyond_the_highest_score_the_last_reasons_are_shortened() {
    let own: BTreeMap<Arc<str>, u32> = [("sensitivity_financial".into(), 100)].into();
    let capability = remote(Sensitivity::Financial, 1, false, false);
    let risk = score(&facts(&capability), &Weights::with(&own));
    assert_eq!((risk.score, points(&risk)), (100, vec![("module", 5), ("sensitivity", 95)]));
}

#[test]
fn an_organisation_weighs_what_it_knows_better() {
    let own: BTreeMap<Arc<str>, u32> =
        [("module.till".into(), 30), ("connector".into(), 0), ("sensitivity_financial".into(), 2)].into();
    let capability = remote(Sensitivity::Financial, 3, true, true);
    let risk = score(&facts(&capability), &Weights::with(&own));
    // Money never weighs less than people.
    assert_eq!(points(&risk), [("module", 35), ("sensitivity", 12)]);
}

prop_compose! {
    fn history()(executed in 0..20_u32, rejected in 0..20_u32, failed in 0..20_u32, undone in 0..20_u32) -> History {
        History { executed, rejected, failed, undone }
    }
}

prop_compose! {
    fn weights()(points in vec(0..=100_u32, DEFAULTS.len()), shipped: bool) -> Weights {
        if shipped {
            return Weights::default();
        }
        Weights::with(&DEFAULTS.iter().zip(points).map(|((name, _), points)| ((*name).into(), points)).collect())
    }
}

proptest! {
    #[test]
    fn what_is_more_dangerous_never_scores_lower_and_the_reasons_add_up(
        sensitivity in select(&SENSITIVITIES), connectors in 0..7_usize, switches: (bool, bool),
        recipients in proptest::option::of(0..200_u64), amount in proptest::option::of(0..20_000_i64),
        past in (history(), history()), hour in 0..24_u8, weights in weights(),
    ) {
        let capability = remote(sensitivity, connectors, switches.0, switches.1);
        let (amount, (requester, history)) = (amount.map(Decimal::from), past);
        let of = |capability: &Capability| {
            score(&Facts { capability, recipients, amount, requester, history, hour }, &weights)
        };
        let risk = of(&capability);
        prop_assert_eq!(&risk, &of(&capability));
        prop_assert!(risk.score <= SCORE_MAX);
        prop_assert_eq!(risk.factors.iter().map(|factor| factor.points).sum::<u32>(), risk.score);
        prop_assert!(risk.factors.iter().all(|factor| factor.points > 0 && !factor.why.is_empty()));
        prop_assert_eq!(risk.level, RiskLevel::of(risk.score));
        for more in SENSITIVITIES.into_iter().filter(|more| *more >= sensitivity) {
            prop_assert!(of(&remote(more, connectors, switches.0, switches.1)).score >= risk.score);
        }
        prop_assert!(of(&remote(sensitivity, connectors + 1, switches.0, switches.1)).score >= risk.score);
        prop_assert!(of(&remote(sensitivity, connectors, false, switches.1)).score >= risk.score);
        prop_assert!(of(&remote(sensitivity, connectors, switches.0, false)).score >= risk.score);
    }
}

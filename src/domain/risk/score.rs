//! The score: factor by factor, in the order in which people read them. A factor that says nothing has no line.

use rust_decimal::Decimal;

use super::weights::{self as named, Weights};
use super::{Facts, History, Risk, RiskFactor, RiskLevel};
use crate::domain::capabilities::Sensitivity;

/// The highest score.
pub const SCORE_MAX: u32 = 100;
/// The systems that count at most.
const CONNECTORS_COUNTED_MAX: usize = 5;
/// The requests after which setbacks say something.
const SETBACKS_FROM: u32 = 5;
/// One in so many is much.
const SETBACKS_ONE_IN: u32 = 5;
/// The hour at which the night ends.
const NIGHT_ENDS: u8 = 6;

/// Scores a request. The same facts and weights give the same risk.
pub fn score(facts: &Facts<'_>, weights: &Weights) -> Risk {
    let found = [
        module(facts, weights),
        sensitivity(facts, weights),
        connectors(facts, weights),
        reversibility(facts, weights),
        repetition(facts, weights),
        recipients(facts, weights),
        amount(facts, weights),
        requester(facts, weights),
        capability(facts, weights),
        hour(facts, weights),
    ];
    let mut score = 0;
    let mut factors = Vec::new();
    for (name, points, why) in found.into_iter().flatten() {
        // The factors add up to the score, so the one that goes beyond the highest is shortened, and what comes after it has no room.
        let points = points.min(SCORE_MAX - score);
        if points > 0 {
            score += points;
            factors.push(RiskFactor { name: name.into(), points, why: why.into() });
        }
    }
    Risk { score, level: RiskLevel::of(score), factors }
}

/// Name, points, and why.
type Found = Option<(&'static str, u32, String)>;

fn module(facts: &Facts<'_>, weights: &Weights) -> Found {
    let module = &facts.capability.module;
    let (own, remote) = (weights.of_module(module), !facts.capability.is_built_in());
    let points = own + if remote { weights.of(named::REMOTE) } else { 0 };
    let why = match (remote, own > 0) {
        (true, true) => {
            format!("The module {module} runs outside of this server, and the organisation weighs it apart")
        }
        (true, false) => format!("The module {module} runs outside of this server"),
        (false, _) => format!("The organisation weighs the module {module} apart"),
    };
    Some(("module", points, why))
}

fn sensitivity(facts: &Facts<'_>, weights: &Weights) -> Found {
    let of = |name| weights.of(name);
    // Never less than what is less sensitive, whatever the organisation's weights are.
    let (points, what) = match facts.capability.sensitivity {
        Sensitivity::None => return None,
        Sensitivity::Internal => (of(named::INTERNAL), "internal matters"),
        Sensitivity::Personal => (of(named::INTERNAL).max(of(named::PERSONAL)), "personal data"),
        Sensitivity::Financial => (of(named::INTERNAL).max(of(named::PERSONAL)).max(of(named::FINANCIAL)), "money"),
    };
    Some(("sensitivity", points, format!("It touches {what}")))
}

fn connectors(facts: &Facts<'_>, weights: &Weights) -> Found {
    let all = &facts.capability.connectors;
    let counted = u32::try_from(all.len().min(CONNECTORS_COUNTED_MAX)).unwrap_or(0);
    let systems = if all.len() == 1 { "1 system".to_owned() } else { format!("{} systems", all.len()) };
    let names = all.iter().take(CONNECTORS_COUNTED_MAX).map(|name| &**name).collect::<Vec<_>>().join(", ");
    let more = if all.len() > CONNECTORS_COUNTED_MAX { ", …" } else { "" };
    Some(("connectors", counted * weights.of(named::CONNECTOR), format!("It touches {systems}: {names}{more}")))
}

fn reversibility(facts: &Facts<'_>, weights: &Weights) -> Found {
    let why = match (facts.capability.reversible, facts.capability.can_be_undone()) {
        (_, true) => return None,
        (true, false) => "There is no time in which it can be taken back",
        (false, false) => "It cannot be taken back",
    };
    Some(("reversibility", weights.of(named::IRREVERSIBLE), why.into()))
}

fn repetition(facts: &Facts<'_>, weights: &Weights) -> Found {
    if facts.capability.idempotent {
        return None;
    }
    Some(("repetition", weights.of(named::NOT_IDEMPOTENT), "Running it twice would do it twice".into()))
}

fn recipients(facts: &Facts<'_>, weights: &Weights) -> Found {
    let number = facts.recipients?;
    let bounds = [(2, named::RECIPIENTS_SOME), (11, named::RECIPIENTS_MANY), (101, named::RECIPIENTS_MASS)];
    let reached = bounds.iter().filter(|(from, _)| number >= *from).map(|(_, name)| weights.of(name));
    Some(("recipients", reached.max().unwrap_or(0), format!("It reaches {number} people")))
}

fn amount(facts: &Facts<'_>, weights: &Weights) -> Found {
    let amount = facts.amount?.abs();
    let bounds = [(100, named::AMOUNT_100), (1_000, named::AMOUNT_1000), (10_000, named::AMOUNT_10000)];
    let reached = bounds.iter().filter(|(from, _)| amount >= Decimal::from(*from)).map(|(_, name)| weights.of(name));
    Some(("amount", reached.max().unwrap_or(0), format!("It moves {}", amount.normalize())))
}

fn requester(facts: &Facts<'_>, weights: &Weights) -> Found {
    let past = facts.requester;
    let bad = past.rejected.saturating_add(past.failed).saturating_add(past.undone);
    let all = past.executed.saturating_add(past.rejected).saturating_add(past.failed);
    if is_much(bad, all) {
        let why = format!("Of {all} requests of the same requester {bad} were rejected, failed or were undone");
        return Some(("requester", weights.of(named::REQUESTER_SETBACKS), why));
    }
    let why = "Nothing that the requester asked for was carried out yet".into();
    (past.executed == 0).then(|| ("requester", weights.of(named::REQUESTER_NEW), why))
}

fn capability(facts: &Facts<'_>, weights: &Weights) -> Found {
    let past: History = facts.history;
    let bad = past.failed.saturating_add(past.undone);
    let all = past.executed.saturating_add(past.failed);
    if is_much(bad, all) {
        let why = format!("Of {all} runs {bad} failed or were undone");
        return Some(("capability", weights.of(named::CAPABILITY_SETBACKS), why));
    }
    let why = "It was never carried out here yet".into();
    (past.executed == 0).then(|| ("capability", weights.of(named::CAPABILITY_NEW), why))
}

fn is_much(bad: u32, all: u32) -> bool {
    all >= SETBACKS_FROM && bad.saturating_mul(SETBACKS_ONE_IN) >= all
}

fn hour(facts: &Facts<'_>, weights: &Weights) -> Found {
    let why =
        format!("It is {:02}:00 to {:02}:00 at the venue, when few people look", facts.hour, (facts.hour + 1) % 24);
    (facts.hour < NIGHT_ENDS).then(|| ("hour", weights.of(named::NIGHT), why))
}

#[cfg(test)]
mod tests;

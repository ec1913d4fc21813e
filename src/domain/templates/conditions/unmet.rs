//! Why a template does not match a violation: looked at in an order in which the cheap comes first, put into words only when asked.

use std::fmt;

use serde_json::Value;

use super::facts::{Facts, Occasion};
use crate::domain::actions::Action;
use crate::domain::json;
use crate::domain::templates::pace::Act;
use crate::domain::templates::rule::Rule;
use crate::domain::templates::when::Fault;
use crate::domain::templates::{Mode, Template};
use crate::domain::time::{LocalTime, MINUTE_MS, Timestamp};
use crate::domain::violations::Severity;

/// The most actions of one template for one violation, so that a source that never ends makes no endless list.
pub const ACTIONS_MAX: usize = 200;

/// What does not hold. Its text begins with the name of the condition.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Unmet<'a> {
    Disabled,
    ViolationType(&'a str),
    Severity { wanted: Severity, is: Severity },
    NoMeasure(Option<&'a str>),
    Min { measure: f64, min: f64 },
    Max { measure: f64, max: f64 },
    Venue,
    Metadata { path: &'a str, found: &'a Value, wanted: &'a Value },
    During(LocalTime),
    Done,
    NotRepeated,
    CameBack,
    TooMany,
    Repeat { minutes: i64, wanted: u32 },
    Cooldown { minutes: i64, wanted: u32 },
    Nobody(&'static str),
    Seldom { count: u32, wanted: u32, days: u32 },
    When(Fault),
    False,
}

impl fmt::Display for Unmet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("enabled: the template is switched off"),
            Self::ViolationType(own) => write!(f, "violation_type: it is for {own}"),
            Self::Severity { wanted, is } => write!(f, "severity: it is for {}, this is {}", wanted.name(), is.name()),
            Self::NoMeasure(path) => {
                let path = path.unwrap_or("none: its type has no profile");
                write!(f, "min_threshold or max_threshold: the violation has no measure ({path})")
            }
            Self::Min { measure, min } => write!(f, "min_threshold: {measure} is below {min}"),
            Self::Max { measure, max } => write!(f, "max_threshold: {measure} is above {max}"),
            Self::Venue => f.write_str("venue_ids: the violation is at none of these venues"),
            Self::Metadata { path, found, wanted } => write!(f, "metadata: {path} is {found}, not {wanted}"),
            Self::During(local) => write!(f, "during: it is {local} at the venue, which is in no window"),
            Self::Done => f.write_str("done: the template has acted for this violation"),
            Self::NotRepeated => {
                f.write_str("repeat: a re-report runs templates when the severity rises, or with repeat_after_minutes")
            }
            Self::CameBack => f.write_str(
                "repeat: a violation that comes back brings back what stood before; templates run when its severity rises",
            ),
            Self::TooMany => {
                write!(f, "repeat_after_minutes: there are {ACTIONS_MAX} actions for this violation already")
            }
            Self::Repeat { minutes, wanted } => {
                write!(
                    f,
                    "repeat_after_minutes: its last action for this violation is {minutes} minutes old, not {wanted}"
                )
            }
            Self::Cooldown { minutes, wanted } => {
                write!(f, "cooldown_minutes: its last action for this entity is {minutes} minutes old, not {wanted}")
            }
            Self::Nobody(name) => write!(f, "{name}: the violation names nobody, so nothing is counted"),
            Self::Seldom { count, wanted, days } => {
                write!(f, "occurrences_at_least: {count} within {days} business dates, not {wanted}")
            }
            Self::When(fault) => write!(f, "when: it cannot be decided: {fault}"),
            Self::False => f.write_str("when: the expression is false"),
        }
    }
}

/// Why a template does not match; `None` when it does.
pub fn unmet<'a>(rule: &'a Rule, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    let template = &rule.template;
    of_head(template, facts)
        .or_else(|| of_measure(template, facts))
        .or_else(|| of_place(rule, facts))
        .or_else(|| of_past(template, facts))
        .or_else(|| of_count(template, facts))
        .or_else(|| of_expression(rule, facts))
}

fn of_head<'a>(template: &'a Template, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    if !template.enabled {
        return Some(Unmet::Disabled);
    }
    if template.violation_type != facts.violation.violation_type {
        return Some(Unmet::ViolationType(template.violation_type.as_str()));
    }
    let is = facts.violation.severity;
    template.severity.filter(|wanted| *wanted != is).map(|wanted| Unmet::Severity { wanted, is })
}

fn of_measure<'a>(template: &'a Template, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    let conditions = &template.conditions;
    if conditions.min_threshold.is_none() && conditions.max_threshold.is_none() {
        return None;
    }
    let Some(measure) = facts.measure else { return Some(Unmet::NoMeasure(facts.profile.measure.as_deref())) };
    let below = conditions.min_threshold.filter(|min| measure < *min).map(|min| Unmet::Min { measure, min });
    below.or_else(|| conditions.max_threshold.filter(|max| measure > *max).map(|max| Unmet::Max { measure, max }))
}

fn of_place<'a>(rule: &'a Rule, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    let conditions = &rule.template.conditions;
    if !rule.is_at(facts.violation.venue_id.as_ref()) {
        return Some(Unmet::Venue);
    }
    let differs =
        |(path, found, wanted)| (!json::same(found, wanted)).then_some(Unmet::Metadata { path, found, wanted });
    rule.on_metadata(facts.metadata).find_map(differs).or_else(|| {
        let windows = conditions.during.as_ref()?;
        (!windows.hold(facts.local())).then(|| Unmet::During(facts.local()))
    })
}

/// What the template did before: for this violation, and for this entity.
fn of_past<'a>(template: &'a Template, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    let conditions = &template.conditions;
    let (last, count) = acts_of(template, facts);
    let repeats = conditions.repeat_after_minutes;
    let age = |at: Timestamp| facts.now.0.saturating_sub(at.0) / MINUTE_MS;
    let held = match (facts.occasion, last, repeats) {
        (Occasion::New, ..) | (Occasion::Asked | Occasion::Again { rises: true, .. }, None, _) => None,
        (Occasion::Again { rises: false, back: true }, ..) => Some(Unmet::CameBack),
        (Occasion::Again { rises: false, back: false }, _, None) => Some(Unmet::NotRepeated),
        (Occasion::Asked, Some(_), _) | (Occasion::Again { rises: true, .. }, Some(_), None) => Some(Unmet::Done),
        (Occasion::Again { rises: false, back: false }, None, Some(_)) => None,
        (Occasion::Again { .. }, Some(_), Some(_)) if count >= ACTIONS_MAX => Some(Unmet::TooMany),
        (Occasion::Again { .. }, Some(at), Some(wanted)) => {
            (age(at) < i64::from(wanted)).then(|| Unmet::Repeat { minutes: age(at), wanted })
        }
    };
    held.or_else(|| {
        let wanted = conditions.cooldown_minutes?;
        let act = Act::of(template.id, Some(facts.violation));
        let minutes = age(match template.mode {
            Mode::Live => facts.state.pace.last(&act),
            Mode::Shadow => facts.state.shadows.pace.last(&act),
        }?);
        (minutes < i64::from(wanted)).then_some(Unmet::Cooldown { minutes, wanted })
    })
}

/// When the template last acted for this violation, and how often.
fn acts_of(template: &Template, facts: &Facts<'_>) -> (Option<Timestamp>, usize) {
    if facts.occasion == Occasion::New {
        return (None, 0);
    }
    let actions = facts.violation.actions.iter().filter_map(|id| facts.state.actions.get(id));
    // What was held back counts until the severity rises: that is news, and not something sent late.
    let counts = |one: &&Action| one.suppressed.is_none() || one.severity >= facts.violation.severity;
    let own = actions.filter(|action| action.template_id == Some(template.id));
    let made = own.filter(counts).map(|action| action.created_at);
    let noted = match template.mode {
        Mode::Live => None,
        Mode::Shadow => facts.state.shadows.last(&template.id, &facts.violation.id),
    };
    made.chain(noted).fold((None, 0), |(last, count), at| (last.max(Some(at)), count + 1))
}

fn of_count<'a>(template: &'a Template, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    let conditions = &template.conditions;
    let (wanted, days) = (conditions.occurrences_at_least?, conditions.within_days?);
    match facts.occurrences(days) {
        None => Some(Unmet::Nobody("occurrences_at_least")),
        Some(count) => (count < wanted).then_some(Unmet::Seldom { count, wanted, days }),
    }
}

fn of_expression<'a>(rule: &'a Rule, facts: &Facts<'a>) -> Option<Unmet<'a>> {
    match rule.when.as_ref()?.holds(facts) {
        Ok(true) => None,
        Ok(false) => Some(Unmet::False),
        Err(fault) => Some(Unmet::When(fault)),
    }
}

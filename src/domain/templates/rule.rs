//! A template with what was worked out of it when it was put into the state, so that a report has nothing to prepare: after a start
//! just as after a save.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::Template;
use super::prepared::Prepared;
use super::steps::{of_step, steps_of};
use super::when::{Fault, Program};
use crate::domain::ids::VenueId;
use crate::domain::json::Path;
use crate::domain::templates::conditions::facts::Facts;

/// A template that is ready to be matched. Two rules are the same when their templates are.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The template.
    pub template: Template,
    /// Its expression.
    pub when: Option<When>,
    /// Its venues, to be found at once.
    venues: Option<HashSet<Box<str>, foldhash::fast::RandomState>>,
    /// The paths of its conditions on the metadata, in their order.
    paths: Vec<Path>,
    /// What it makes.
    own: Prepared,
    /// What it does at the first occurrence, the second, …; empty when it always does the same.
    steps: Vec<(Template, Prepared)>,
}

/// A template as it acts, and what it makes, ready to be filled in.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// The template.
    pub template: &'a Template,
    /// What it makes.
    pub prepared: &'a Prepared,
}

/// An expression, or why it is none. It was read before the template was saved, so the latter is a version that reads less.
#[derive(Clone, Debug)]
pub struct When(Option<Program>);

impl When {
    /// Whether it holds.
    ///
    /// # Errors
    /// Why it says neither yes nor no.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, Fault> {
        let unread = || Fault::Missing("program: this version does not read the expression".into());
        self.0.as_ref().ok_or_else(unread)?.holds(facts)
    }
}

impl Rule {
    /// Works a template out.
    pub fn of(template: Template) -> Self {
        let conditions = &template.conditions;
        let when = conditions.when.as_ref().map(|source| When(Program::compile(source).ok()));
        let venues = conditions.venue_ids.as_ref().map(|ids| ids.iter().map(|id| id.as_str().into()).collect());
        let paths = conditions.metadata.iter().flatten().map(|(path, _)| Path::of(path)).collect();
        let step = |(index, step)| {
            let template = of_step(&template, index, step);
            let prepared = Prepared::of(&template);
            (template, prepared)
        };
        let steps = steps_of(&template).iter().enumerate().map(step).collect();
        Self { when, venues, paths, steps, own: Prepared::of(&template), template }
    }

    /// Whether it is for a violation at this venue.
    pub fn is_at(&self, venue: Option<&VenueId>) -> bool {
        self.venues.as_ref().is_none_or(|venues| venue.is_some_and(|venue| venues.contains(venue.as_str())))
    }

    /// The conditions on the metadata: the path as it was written, what is there, and what is to be there.
    pub fn on_metadata<'a>(&'a self, metadata: &'a Value) -> impl Iterator<Item = (&'a str, &'a Value, &'a Value)> {
        let wanted = self.template.conditions.metadata.iter().flatten();
        wanted
            .zip(&self.paths)
            .map(|((path, wanted), steps)| (path.as_str(), steps.in_value(metadata).unwrap_or(&Value::Null), wanted))
    }

    /// The template as it acts for this violation: the step of its count, the last one for all that follow.
    pub fn acting(&self, facts: &Facts<'_>) -> Acting<'_> {
        let own = Acting { template: &self.template, prepared: &self.own };
        let Some(last) = self.steps.len().checked_sub(1) else { return own };
        let count = facts.occurrences(self.template.days_of_steps()).unwrap_or(1).max(1);
        let step = usize::try_from(count - 1).unwrap_or(last).min(last);
        self.steps.get(step).map_or(own, |(template, prepared)| Acting { template, prepared })
    }
}

impl Hash for Rule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.template.hash(state);
    }
}

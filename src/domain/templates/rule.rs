//! A template with what was worked out of it when it was put into the state, so that a report has nothing to prepare: after a start
//! just as after a save.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use super::Template;
use super::steps::{of_step, steps_of};
use super::when::{Fault, Program};
use crate::domain::ids::VenueId;
use crate::domain::templates::conditions::facts::Facts;

/// A template that is ready to be matched. Two rules are the same when their templates are.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The template.
    pub template: Template,
    /// Its expression.
    pub when: Option<When>,
    /// Its venues, to be found at once.
    venues: Option<HashSet<Box<str>>>,
    /// What it does at the first occurrence, the second, …; empty when it always does the same.
    steps: Vec<Template>,
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
        let steps =
            steps_of(&template).iter().enumerate().map(|(index, step)| of_step(&template, index, step)).collect();
        Self { when, venues, steps, template }
    }

    /// Whether it is for a violation at this venue.
    pub fn is_at(&self, venue: Option<&VenueId>) -> bool {
        self.venues.as_ref().is_none_or(|venues| venue.is_some_and(|venue| venues.contains(venue.as_str())))
    }

    /// The template as it acts for this violation: the step of its count, the last one for all that follow.
    pub fn acting(&self, facts: &Facts<'_>) -> &Template {
        let Some(last) = self.steps.len().checked_sub(1) else { return &self.template };
        let count = facts.occurrences(self.template.days_of_steps()).unwrap_or(1).max(1);
        let step = usize::try_from(count - 1).unwrap_or(last).min(last);
        self.steps.get(step).unwrap_or(&self.template)
    }
}

impl Hash for Rule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.template.hash(state);
    }
}

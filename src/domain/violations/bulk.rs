//! Many reports at once: one record, each item all or nothing, each decided after the ones before it.

use serde_json::Value;
use uuid::Uuid;

use super::report::{Report, ReportViolation};
use super::reporters::{ReportSource, Source};
use super::store::SourceRow;
use crate::domain::aggregate::Aggregate;
use crate::domain::command::complete;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::rejection::Rejection;
use crate::domain::size::{EVENT_BYTES, bytes_of};
use crate::domain::state::TenantState;

/// The most items.
pub const ITEMS_MAX: usize = 500;
/// What the events and answers of one bulk may come to before its rest is refused, in bytes: far below the largest record, so that
/// the last item that is taken fits as well.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// What an id takes in an answer, and more.
const ID_BYTES: usize = 40;

/// What one item says.
#[derive(Clone, Debug)]
pub enum Item {
    /// A violation.
    Violation(Report),
    /// What a source says in its own shape.
    Source(Source),
    /// Nothing that can be read; how that is shown.
    Unreadable(Value),
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A violation was reported.
    Reported {
        /// Its id.
        id: Uuid,
        /// Whether it is a new one.
        new: bool,
    },
    /// What was open is over; nothing was, when there are no ids.
    Ended(Vec<Uuid>),
    /// Nothing was changed; how that is shown.
    Refused(Value),
}

/// Reports many.
#[derive(Clone, Debug)]
pub struct ReportMany {
    /// At most [`ITEMS_MAX`].
    pub items: Vec<Item>,
    /// Whether the templates run.
    pub apply_templates: bool,
    /// Whether a source row whose violation was resolved stays so, instead of being reported anew.
    pub once: bool,
    /// How a refusal is shown, which is not known here.
    pub show_refusal: fn(Rejection) -> Value,
}

impl ReportMany {
    /// Decides without changing anything, on a copy of the whole state: for those who only ask. The one path of a change carries it
    /// out in place.
    ///
    /// # Errors
    /// [`Rejection::LimitReached`].
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        self.carry_out(&mut state.clone(), context)
    }

    /// Decides item after item and folds in what each gives.
    ///
    /// # Errors
    /// [`Rejection::LimitReached`]; then nothing was changed.
    pub fn carry_out(self, state: &mut TenantState, context: &mut Context<'_>) -> Decided {
        if self.items.len() > ITEMS_MAX {
            return Err(Rejection::invalid("/items", format!("has more than {ITEMS_MAX} items")));
        }
        let (mut events, mut outcomes, mut bytes) = (Vec::new(), Vec::with_capacity(self.items.len()), 0);
        for item in self.items {
            if bytes >= BYTES_MAX {
                outcomes.push(Outcome::Refused((self.show_refusal)(Rejection::BulkFull)));
                continue;
            }
            if self.once
                && let Some(id) = settled(&item, state, context)
            {
                let outcome = Outcome::Reported { id, new: false };
                bytes += shown_bytes(&outcome, state);
                outcomes.push(outcome);
                continue;
            }
            match decided(item, self.apply_templates, state, context) {
                Ok(decision) => {
                    state.fold(context.now, &decision.events);
                    let outcome = outcome(&decision.answer);
                    bytes += decision.events.iter().map(bytes_of).sum::<usize>() + shown_bytes(&outcome, state);
                    events.extend(decision.events);
                    outcomes.push(outcome);
                }
                Err(Stop::Unreadable(shown)) => outcomes.push(Outcome::Refused(shown)),
                Err(Stop::Refused(rejection)) => outcomes.push(Outcome::Refused((self.show_refusal)(rejection))),
            }
        }
        Ok(Decision { events, answer: Answer::Many(outcomes) })
    }
}

/// The resolved violation of the row that an item is.
fn settled(item: &Item, state: &TenantState, context: &Context<'_>) -> Option<Uuid> {
    let row = match item {
        Item::Violation(report) => SourceRow {
            violation_type: &report.violation_type,
            source_table: report.source_table.as_deref(),
            source_id: report.source_id.as_deref()?,
            venue_id: report.venue_id.as_deref(),
        },
        Item::Source(source) => source.row()?,
        Item::Unreadable(_) => return None,
    };
    let found = state.violations.settled_of(&row)?;
    context.caller.reaches(found.venue_id.as_ref()).then_some(found.id)
}

enum Stop {
    Unreadable(Value),
    Refused(Rejection),
}

fn decided(item: Item, apply: bool, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Stop> {
    let decided = match item {
        Item::Violation(report) => ReportViolation { report, apply_templates: apply }.decide(state, context),
        Item::Source(source) => ReportSource { source, apply_templates: apply }.decide(state, context),
        Item::Unreadable(shown) => return Err(Stop::Unreadable(shown)),
    };
    let mut decision = decided.map_err(Stop::Refused)?;
    complete(state, context, &mut decision.events).map_err(Stop::Refused)?;
    Ok(decision)
}

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Answer::Reported { id, new } => Outcome::Reported { id: *id, new: *new },
        Answer::Ended(ids) => Outcome::Ended(ids.clone()),
        other => unreachable!("a report is answered as one, not with {other:?}"),
    }
}

/// About how many bytes the answer about an item takes.
fn shown_bytes(outcome: &Outcome, state: &TenantState) -> usize {
    let id = match outcome {
        Outcome::Reported { id, .. } => Some(id),
        Outcome::Ended(ids) => ids.first(),
        Outcome::Refused(_) => None,
    };
    let Some(violation) = id.and_then(|id| state.violations.get(id)) else { return 0 };
    let texts = violation.metadata.as_ref().map_or(0, |text| text.as_str().len())
        + violation.description.as_ref().map_or(0, |text| text.len());
    texts + EVENT_BYTES + (violation.actions.len() + violation.blocks.len()) * ID_BYTES
}

#[cfg(test)]
mod tests;

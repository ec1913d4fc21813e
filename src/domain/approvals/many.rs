//! Approving many at once: an inbox that somebody has read through. One record, each item all or nothing, each decided after the ones
//! before it, each on exactly the payload that was seen.

use serde_json::Value;
use uuid::Uuid;

use super::decide::{COMMENT_CHARS_MAX, DecideApproval};
use super::{Approval, Verdict};
use crate::domain::aggregate::Aggregate;
use crate::domain::command::complete;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::size::{EVENT_BYTES, bytes_of};
use crate::domain::state::TenantState;

/// The most items.
pub const ITEMS_MAX: usize = 100;
/// What the events and answers of all may come to before the rest is refused, in bytes: far below the largest record, so that the
/// last item that is taken fits as well.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// One request to approve.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id as it was sent.
    pub id: String,
    /// The hash of the payload that was seen.
    pub payload_hash: String,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// The decision counts.
    Taken(Uuid),
    /// Nothing was changed; how that is shown.
    Refused {
        /// The id as it was sent.
        id: String,
        /// Why.
        problem: Value,
    },
}

/// Approves many.
#[derive(Clone, Debug)]
pub struct ApproveMany {
    /// At most [`ITEMS_MAX`].
    pub items: Vec<Seen>,
    /// Said with each decision.
    pub comment: Option<String>,
    /// How a refusal is shown, which is not known here.
    pub show_refusal: fn(Rejection) -> Value,
}

impl ApproveMany {
    /// Decides without changing anything, on a copy of the whole state: for those who only ask. The one path of a change carries it
    /// out in place.
    ///
    /// # Errors
    /// [`Rejection::Invalid`].
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        self.carry_out(&mut state.clone(), context)
    }

    /// Decides item after item and folds in what each gives.
    ///
    /// # Errors
    /// [`Rejection::Invalid`]; then nothing was changed.
    pub fn carry_out(self, state: &mut TenantState, context: &mut Context<'_>) -> Decided {
        let mut faults = Faults::default();
        faults.text("/comment", self.comment.as_deref(), COMMENT_CHARS_MAX);
        faults.expect(!self.items.is_empty(), "/items", "is empty");
        faults.expect(self.items.len() <= ITEMS_MAX, "/items", "has more than 100 items");
        faults.done()?;
        let (mut events, mut outcomes, mut bytes) = (Vec::new(), Vec::with_capacity(self.items.len()), 0);
        for Seen { id, payload_hash } in self.items {
            let decided = match (bytes < BYTES_MAX, Uuid::try_parse(&id)) {
                (false, _) => Err(Rejection::BulkFull),
                (true, Err(_)) => Err(Rejection::NotFound),
                (true, Ok(id)) => {
                    approved(id, payload_hash, self.comment.clone(), state, context).map(|made| (id, made))
                }
            };
            match decided {
                Ok((id, decision)) => {
                    state.fold(context.now, &decision.events);
                    bytes += decision.events.iter().map(bytes_of).sum::<usize>();
                    bytes += state.approvals.get(&id).map_or(0, shown_bytes);
                    events.extend(decision.events);
                    outcomes.push(Became::Taken(id));
                }
                Err(rejection) => outcomes.push(Became::Refused { id, problem: (self.show_refusal)(rejection) }),
            }
        }
        Ok(Decision { events, answer: Answer::Approvals(outcomes) })
    }
}

fn approved(
    id: Uuid,
    payload_hash: String,
    comment: Option<String>,
    state: &TenantState,
    context: &mut Context<'_>,
) -> Decided {
    let decision = DecideApproval { id, verdict: Verdict::Approved, payload_hash: Some(payload_hash), comment };
    let mut decision = decision.decide(state, context)?;
    complete(state, context, &mut decision.events)?;
    Ok(decision)
}

/// About how many bytes a request takes in the answer.
fn shown_bytes(one: &Approval) -> usize {
    let compensation = one.compensation.as_ref().map_or(0, |text| text.as_str().len());
    let result = one.execution.as_ref().and_then(|run| run.result.as_ref()).map_or(0, |text| text.as_str().len());
    let votes = one.steps.iter().flat_map(|step| &step.decisions);
    let comments: usize = votes.filter_map(|vote| vote.comment.as_ref()).map(|comment| comment.len()).sum();
    one.payload.as_str().len() + one.preview.as_str().len() + compensation + result + comments + 4 * EVENT_BYTES
}

#[cfg(test)]
mod tests;

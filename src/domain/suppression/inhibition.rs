//! Inhibition: while one thing is open, what follows from it alerts nobody. "An open staffing gap mutes greeting delays and slow
//! pace at its venue": they become its children.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::violations::{Violation, ViolationType};

/// The most rules of an organisation.
pub const INHIBITIONS_MAX: usize = 100;
/// The most types that one rule mutes.
const TARGETS_MAX: usize = 50;

/// Where a rule looks for the open violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InhibitionScope {
    /// At the same venue.
    Venue,
    /// About the same entity, at the same venue or for all of them.
    Entity,
}

/// A rule: an open violation of `source_type` mutes those of `target_types` in its scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Inhibition {
    pub source_type: ViolationType,
    pub target_types: Vec<ViolationType>,
    pub scope: InhibitionScope,
}

/// The open violation that mutes this one. A child mutes nothing while its parent is open, and never what is
/// above it, so that two things never mute each other.
pub fn parent_of(violation: &Violation, state: &TenantState) -> Option<Uuid> {
    let rules = state.inhibitions.iter().filter(|rule| rule.target_types.contains(&violation.violation_type));
    rules
        .filter_map(|rule| {
            let (all, of_type, child) = (&state.violations, &rule.source_type, &violation.id);
            let venue = violation.venue_id.as_ref();
            match rule.scope {
                InhibitionScope::Venue => all.open_at(of_type, venue?, child),
                InhibitionScope::Entity => all.open_about(of_type, violation.entity_id()?, venue, child),
            }
        })
        .min_by_key(|source| source.seq)
        .map(|source| source.id)
}

/// A rule as it comes.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct InhibitionDraft {
    pub source_type: String,
    pub target_types: Vec<String>,
    pub scope: InhibitionScope,
}

/// Replaces the rules of an organisation.
#[derive(Clone, Debug)]
pub struct ChangeInhibitions {
    /// All of them.
    pub drafts: Vec<InhibitionDraft>,
}

impl ChangeInhibitions {
    /// Decides; the same rules again change nothing.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Result<Decision, Rejection> {
        let mut faults = Faults::default();
        faults.expect(self.drafts.len() <= INHIBITIONS_MAX, "/items", "has more than 100 rules");
        let read = |(index, draft): (usize, &InhibitionDraft)| checked(&mut faults, index, draft);
        let rules: Vec<Inhibition> = self.drafts.iter().take(INHIBITIONS_MAX).enumerate().filter_map(read).collect();
        faults.done()?;
        let same = rules == state.inhibitions;
        let changed = || Event::InhibitionsChanged { rules, by: context.label() };
        Ok(Decision { events: if same { Vec::new() } else { vec![changed()] }, answer: Answer::Inhibitions })
    }
}

fn checked(faults: &mut Faults, index: usize, draft: &InhibitionDraft) -> Option<Inhibition> {
    let at = |field: &str| format!("/items/{index}/{field}");
    let source_type = faults.take(&at("source_type"), ViolationType::parse(&draft.source_type));
    let count = (1..=TARGETS_MAX).contains(&draft.target_types.len());
    faults.expect(count, &at("target_types"), "does not have 1 to 50 entries");
    let mut target_types = Vec::new();
    for (place, name) in draft.target_types.iter().take(TARGETS_MAX).enumerate() {
        let pointer = at(&format!("target_types/{place}"));
        faults.expect(*name != draft.source_type, &pointer, "is the source itself");
        target_types.extend(faults.take(&pointer, ViolationType::parse(name)));
    }
    Some(Inhibition { source_type: source_type?, target_types, scope: draft.scope })
}

//! Editing: another payload for a request that waits. What was decided is decided again, by others than who edits.

use serde_json::Value;
use uuid::Uuid;

use super::cancel::takes_part;
use super::compose::{self, Draft, Parties};
use super::decide::expect_open;
use super::facts::Edited;
use super::machine::{self, Move};
use crate::domain::capabilities::{self, PAYLOAD_BYTES_MAX, Preview};
use crate::domain::decision::{Answer, Context, Decision};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::json::JsonText;
use crate::domain::rejection::Rejection;
use crate::domain::state::TenantState;

/// Gives a request another payload.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct EditPayload {
    pub id: Uuid,
    pub payload: Value,
    /// What the module said it would do, where it was asked.
    pub preview: Option<Preview>,
    /// How its effect could be put right, as the module said.
    pub compensation: Option<Value>,
}

impl EditPayload {
    /// Decides: who asked may, and a person who could decide. What is edited never runs without a decision.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Result<Decision, Rejection> {
        let approval = state.approval_for(&self.id, context.caller)?;
        if !takes_part(approval, state, context.caller) {
            return Err(Rejection::NotYourRequest);
        }
        expect_open(approval, context.now)?;
        machine::moved(approval.status, Move::Restart)?;
        if approval.undo_of.is_some() {
            return Err(Rejection::invalid("/payload", "of an undo is what the capability recorded for it"));
        }
        let capability = capabilities::find(state, &approval.capability).ok_or(Rejection::UnknownCapability)?;
        let editor = context.caller.cause.who.person().cloned();
        let parts = approval.requester.iter().chain(&approval.editors).chain(&editor);
        let people: Vec<UserId> = parts.cloned().collect();
        let parties = Parties { label: &approval.created_by, people, may_run_alone: false };
        let draft = Draft {
            preview: self.preview,
            venue_id: approval.venue_id.clone(),
            owner: approval.owner.clone(),
            ..Draft::new(approval.source, capability, self.payload)
        };
        let frame = compose::framed(&draft, &parties, state, context)?;
        if frame.about.venue_id != approval.venue_id {
            return Err(Rejection::invalid("/payload", "would take effect at another venue"));
        }
        let answer = Answer::Approval(self.id);
        if frame.payload_hash == approval.payload_hash {
            return Ok(Decision { events: Vec::new(), answer });
        }
        let compensation = self.compensation.as_ref().map(JsonText::of);
        let edited = Edited {
            id: approval.id,
            venue_id: approval.venue_id.clone(),
            payload: frame.payload,
            payload_hash: frame.payload_hash,
            preview: frame.preview,
            risk: Some(frame.risk),
            steps: frame.asked.steps,
            beneficiary: frame.about.beneficiary,
            subject: frame.about.subject,
            compensation: compensation.filter(|text| text.as_str().len() <= PAYLOAD_BYTES_MAX),
            editor,
            by: context.label(),
            via: context.caller.cause.via,
        };
        Ok(Decision { events: vec![Event::ApprovalEdited(Box::new(edited))], answer })
    }
}

//! What tests do with requests for approval.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Tenant, person, refund};
use crate::domain::approvals::cancel::CancelApproval;
use crate::domain::approvals::claim::ClaimApproval;
use crate::domain::approvals::consent::people_of;
use crate::domain::approvals::edit::EditPayload;
use crate::domain::approvals::finish::{FinishExecution, Outcome};
use crate::domain::approvals::retry::RetryApproval;
use crate::domain::approvals::settle::SettleApproval;
use crate::domain::approvals::submit::SubmitApproval;
use crate::domain::approvals::undo::UndoApproval;
use crate::domain::approvals::{Approval, Source, Status, Verdict};
use crate::domain::capabilities::Sensitivity;
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::decision::Answer;
use crate::domain::ids::UserId;
use crate::domain::people::{Caller, Held, Role};
use crate::domain::rejection::Rejection;
use crate::domain::tasks::Task;

/// A person of a role.
pub fn staff(name: &str, role: Role) -> Caller {
    Caller { role: Some(role), ..person(name, Held::of(role)) }
}

/// Olga, who owns the house.
pub fn olga() -> Caller {
    staff("olga", Role::Owner)
}

/// Otto, who owns it with her.
pub fn otto() -> Caller {
    staff("otto", Role::Owner)
}

/// Rae, who reviews.
pub fn rae() -> Caller {
    staff("rae", Role::Reviewer)
}

/// Mia, a manager.
pub fn mia() -> Caller {
    staff("mia", Role::Manager)
}

/// A refund of money at the till is asked for.
pub fn refunding(amount: u32) -> SubmitApproval {
    submitting("till.refund", json!({ "amount": amount }))
}

/// Something is asked for by a module.
pub fn submitting(capability: &str, payload: Value) -> SubmitApproval {
    SubmitApproval {
        source: Source::Module,
        module: capability.split('.').next().unwrap().into(),
        capability: capability.into(),
        title: None,
        payload,
        action_item_id: None,
        dedupe_key: None,
        allow_repeat: false,
        scheduled_for: None,
        decide_by: None,
        run_by: None,
        owner: None,
        venue_id: None,
        preview: None,
        compensation: None,
    }
}

/// A capability that is harmless and can be taken back: a note at the till.
pub fn noting() -> RegisterCapability {
    RegisterCapability {
        name: "till.note".into(),
        sensitivity: Sensitivity::None,
        connectors: Vec::new(),
        reversible: true,
        idempotent: true,
        auto_approvable: true,
        undo_window_s: Some(3_600),
        ..refund()
    }
}

/// A note is asked for.
pub fn asking_for_a_note() -> SubmitApproval {
    submitting("till.note", json!({ "amount": 1 }))
}

/// What a run gave, with what takes it back.
pub fn done() -> Outcome {
    Outcome::Done { result: json!({ "ok": true }), undo_payload: Some(json!({ "receipt": 7 })) }
}

pub fn failed() -> Outcome {
    Outcome::Failed { error: "the till is closed".into() }
}

pub fn doubt() -> Outcome {
    Outcome::Doubt { error: "the till did not answer".into() }
}

pub fn again() -> Outcome {
    Outcome::Again { error: "the till did not answer".into(), after_ms: None }
}

pub fn editing(id: Uuid, payload: Value) -> EditPayload {
    EditPayload { id, payload, preview: None, compensation: None }
}

pub fn cancelling(id: Uuid) -> CancelApproval {
    CancelApproval { id, reason: None }
}

pub fn retrying(id: Uuid) -> RetryApproval {
    RetryApproval { id, reason: Some("The till is open again".into()) }
}

pub fn settling(id: Uuid, outcome: Status) -> SettleApproval {
    SettleApproval { id, outcome, note: "Seen on the till".into() }
}

pub fn undoing(id: Uuid) -> UndoApproval {
    UndoApproval { id, reason: Some("Wrong guest".into()), preview: None }
}

impl Tenant {
    /// Submits, and gives the id.
    pub fn submit(&mut self, command: SubmitApproval) -> Uuid {
        made(self.run(command))
    }

    /// Asks for the undo of a request, and gives the id of the new one.
    pub fn undo(&mut self, id: Uuid, by: Caller) -> Uuid {
        made(self.caller(by).run(undoing(id)))
    }

    pub fn status(&self, id: Uuid) -> Status {
        self.approval(id).status
    }

    /// Lets a person decide about a request as it stands.
    pub fn decides(&mut self, id: Uuid, verdict: Verdict, by: Caller) -> Result<Answer, Rejection> {
        let decision = self.decision(id, verdict);
        self.caller(by).try_run(decision)
    }

    /// Claims a request, with these people as they are now.
    pub fn claim(&mut self, id: Uuid, people: &[Caller]) -> &mut Self {
        self.caller(Caller::schedule()).run(ClaimApproval { id, people: people.to_vec() });
        self
    }

    /// Claims a request, with everybody in place.
    pub fn claim_of(&mut self, id: Uuid) -> &mut Self {
        let people = [olga(), otto(), rae(), mia()];
        let needed = people_of(self.approval(id));
        let is_needed = |one: &&Caller| one.cause.who.person().is_some_and(|id: &UserId| needed.contains(id));
        let people: Vec<Caller> = people.iter().filter(is_needed).cloned().collect();
        self.claim(id, &people)
    }

    /// The task of a request.
    pub fn task(&self, id: Uuid) -> &Task {
        let task = self.approval(id).execution.as_ref().and_then(|run| run.task_id).expect("a run");
        self.state.tasks.get(&task).expect("a task of this id")
    }

    /// Ends the run of a request.
    pub fn finish(&mut self, id: Uuid, outcome: Outcome) -> &mut Self {
        self.try_finish(id, outcome).expect("a run that goes on");
        self
    }

    pub fn try_finish(&mut self, id: Uuid, outcome: Outcome) -> Result<Answer, Rejection> {
        let task = self.task(id).id;
        self.caller(Caller::schedule()).try_run(FinishExecution { task, outcome })
    }

    /// A request that was approved by these, and claimed.
    pub fn running(&mut self, command: SubmitApproval, by: &[Caller]) -> Uuid {
        let id = self.submit(command);
        for person in by {
            self.approve(id, person.clone());
        }
        self.claim_of(id);
        assert_eq!(self.status(id), Status::Executing);
        id
    }

    /// How it stands, and why.
    pub fn stands(&self, id: Uuid) -> (Status, Option<&str>) {
        let approval: &Approval = self.approval(id);
        (approval.status, approval.reason.as_deref())
    }
}

fn made(answer: Answer) -> Uuid {
    match answer {
        Answer::ApprovalMade(id) => id,
        other => panic!("{other:?}"),
    }
}

//! Who must agree: the steps that a policy asks for, frozen into a request, and whether what was agreed still holds.

use std::collections::HashSet;
use std::sync::Arc;

use super::decide::is_assigned;
use super::policy::{LevelPolicy, Policy, StepWho};
use super::{Approval, Assignee, Consent, RiskLevel, Step, Verdict, Vote};
use crate::domain::capabilities::Capability;
use crate::domain::ids::UserId;
use crate::domain::organisation::Organisation;
use crate::domain::people::{Authority, Caller, Held, Role};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Asked {
    pub consent: Consent,
    pub steps: Vec<Step>,
    /// How long it is held so that somebody can object, in minutes.
    pub hold_minutes: u32,
}

/// What that depends on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// How risky it is.
    pub level: RiskLevel,
    /// What is to run.
    pub capability: &'a Capability,
    /// Who owns it.
    pub owner: Option<&'a UserId>,
    /// Those who never decide about it.
    pub parties: &'a [UserId],
    /// What nobody can do without this authority.
    pub authority: Option<&'a Authority>,
    /// Whether it may run without a decision where the policy says so.
    pub may_run_alone: bool,
}

/// What the policy asks for. What takes an authority of its own never runs without a decision.
pub fn asked(policy: &Policy, organisation: &Organisation, question: &Question<'_>) -> Asked {
    let level = policy.level(question.level);
    let alone = question.may_run_alone && question.authority.is_none();
    let capability = question.capability;
    if alone && level.auto && capability.auto_approvable && capability.can_be_undone() {
        return Asked { consent: Consent::Auto, steps: Vec::new(), hold_minutes: 0 };
    }
    let steps = steps(level, organisation, question);
    match level.veto_minutes {
        Some(hold_minutes) if alone => Asked { consent: Consent::Veto, steps, hold_minutes },
        _ => Asked { consent: Consent::Votes, steps, hold_minutes: 0 },
    }
}

/// The steps of a level, and one more for what takes an authority of its own.
fn steps(level: &LevelPolicy, organisation: &Organisation, question: &Question<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(level.steps.len() + 1);
    for one in &level.steps {
        let who = decidable(&one.who, question, &steps);
        // One person is one decision.
        let quorum = if matches!(who, Assignee::User(_)) { 1 } else { one.quorum };
        steps.push(Step::new(&one.name, who, quorum));
    }
    if steps.is_empty() {
        steps.push(Step::new("owner", Assignee::Role(Role::Owner), 1));
    }
    if let Some(needed) = question.authority {
        let covers = |step: &Step| match &step.who {
            Assignee::Authority(rung) => organisation.strictness(rung) >= organisation.strictness(needed),
            Assignee::User(_) | Assignee::Role(_) => false,
        };
        if !steps.iter().any(covers) {
            steps.push(Step::new("authority", Assignee::Authority(needed.clone()), 1));
        }
    }
    steps
}

/// Whom a step waits for. A person who never decides about it, or decides at another step, would keep it waiting for ever: then anybody of
/// the role `owner` does.
fn decidable(who: &StepWho, question: &Question<'_>, before: &[Step]) -> Assignee {
    let named = match who {
        StepWho::Owner => question.owner.map(|owner| Assignee::User(owner.clone())),
        StepWho::Named(who) => Some(who.clone()),
    };
    let possible = named.filter(|who| match who {
        Assignee::User(person) => !question.parties.contains(person) && before.iter().all(|step| step.who != *who),
        Assignee::Role(_) | Assignee::Authority(_) => true,
    });
    possible.unwrap_or(Assignee::Role(Role::Owner))
}

/// What became of what was agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds; with the highest authority of those who approved.
    Holds(Held),
    /// The decisions of these people are void.
    Void(Vec<UserId>),
    /// It ran by the policy in the name of somebody who is not here any more.
    Orphan,
}

/// Whether what was agreed still holds, with everybody as they are now; who is not among them is not here any more.
pub fn standing(approval: &Approval, people: &[Caller], organisation: &Organisation) -> Standing {
    if approval.consent != Consent::Votes {
        let gone = approval.requester.as_ref().is_some_and(|requester| now(people, requester).is_none());
        return if gone { Standing::Orphan } else { Standing::Holds(Held::Nothing) };
    }
    let (mut seen, mut void, mut held) = (HashSet::new(), Vec::new(), Held::Nothing);
    for step in &approval.steps {
        for vote in &step.decisions {
            match valid(vote, step, approval, people, organisation).filter(|_| seen.insert(&vote.by)) {
                Some(person) => held = higher(held, &person.held, organisation),
                None => void.push(vote.by.clone()),
            }
        }
    }
    let complete = !approval.steps.is_empty() && approval.steps.iter().all(Step::is_reached);
    if void.is_empty() && complete { Standing::Holds(held) } else { Standing::Void(void) }
}

/// The person behind a decision that holds now.
fn valid<'a>(
    vote: &Vote,
    step: &Step,
    approval: &Approval,
    people: &'a [Caller],
    organisation: &Organisation,
) -> Option<&'a Caller> {
    let person = now(people, &vote.by)?;
    let may = vote.verdict == Verdict::Approved
        && !approval.is_of(&vote.by)
        && is_assigned(&step.who, organisation, person)
        && person.covers(approval.venue_id.as_ref());
    may.then_some(person)
}

fn now<'a>(people: &'a [Caller], id: &UserId) -> Option<&'a Caller> {
    people.iter().find(|one| one.cause.who.person() == Some(id))
}

fn higher(one: Held, two: &Held, organisation: &Organisation) -> Held {
    let height = |held: &Held| match held {
        Held::Nothing => (0, None),
        Held::Rung(rung) => (1, organisation.rank(rung)),
        Held::Top => (2, None),
    };
    if height(two) > height(&one) { two.clone() } else { one }
}

/// The people whose standing decides at the claim: those who approved, and who asked.
pub fn people_of(approval: &Approval) -> Vec<UserId> {
    let votes = approval.steps.iter().flat_map(|step| &step.decisions).map(|vote| &vote.by);
    votes.chain(approval.requester.as_ref()).cloned().collect()
}

/// Why an approval begins again.
pub fn void_reason(void: &[UserId]) -> Arc<str> {
    let names: Vec<&str> = void.iter().map(UserId::as_str).collect();
    match names.len() {
        0 => "its decisions are not enough any more".into(),
        1 => format!("the decision of {} is void: that person may not decide this any more", names[0]).into(),
        _ => {
            format!("the decisions of {} are void: these people may not decide this any more", names.join(", ")).into()
        }
    }
}

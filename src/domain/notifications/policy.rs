//! Who hears of what: one pure function from what was decided to what is announced.
//!
//! | what happens | type | who hears |
//! |---|---|---|
//! | a request waits for a step | `approval_assigned` | whom the step asks, but nobody who never decides about it |
//! | a request runs unless somebody objects | `approval_assigned` | whom its steps name |
//! | a request is approved, rejected, cancelled by others or expires | `approval_decided` | who asked |
//! | it ran, failed, or was done before | `execution_result` | who asked, and its owner |
//! | nobody knows whether it ran | `approval_in_doubt` | who asked, its owner, and who approved |
//! | an action, or what a webhook is told, is given up | `dead_letter` | owners and admins |
//! | an alert, an escalation or a notice for people is due | `violation_alert`, `escalation`, `violation_ended` | its target ([`of_action`]) |

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::{
    About, AboutKind, Announcement, Audience, Facts, NotificationType, TEXT_CHARS_MAX, TITLE_CHARS_MAX, person_of,
    shortened,
};
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{Action, ActionType, ExecutionStatus};
use crate::domain::approvals::facts::{Closed, Decided, Failed};
use crate::domain::approvals::{Approval, Assignee, Consent, RiskLevel, Status, Step};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::{OutsideId, UserId, VenueId};
use crate::domain::organisation::Organisation;
use crate::domain::people::Authority;
use crate::domain::state::TenantState;
use crate::domain::templates::target::Target;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::domain::violations::Severity;

/// Adds the announcements of what was decided.
pub fn announce(state: &TenantState, context: &mut Context<'_>, events: &mut Vec<Event>) {
    let mut made = announcements(state, context.now, events);
    for one in &mut made {
        one.id = context.ids.next_id();
    }
    events.extend(made.into_iter().map(|one| Event::AnnouncementMade(Box::new(one))));
}

/// What is announced of these events, which are all that was decided, on top of this state. Without ids, which are given where they count.
pub fn announcements(state: &TenantState, now: Timestamp, events: &[Event]) -> Vec<Announcement> {
    let view = View { state, events, now };
    let mut made: Vec<Announcement> = events.iter().flat_map(|event| view.of(event)).collect();
    made.retain(|one| !one.audience.is_empty());
    made
}

struct View<'a> {
    state: &'a TenantState,
    events: &'a [Event],
    now: Timestamp,
}

impl View<'_> {
    fn of(&self, event: &Event) -> Option<Announcement> {
        match event {
            Event::ApprovalSubmitted(one) if one.consent == Consent::Votes => self.waiting(one),
            Event::ApprovalEdited(one) => {
                let mut approval = self.approval(&one.id)?.clone();
                approval.steps.clone_from(&one.steps);
                approval.editors.extend(one.editor.clone());
                approval.beneficiary.clone_from(&one.beneficiary);
                approval.preview.clone_from(&one.preview);
                approval.risk.clone_from(&one.risk);
                self.waiting(&approval)
            }
            Event::ApprovalReopened(one) => {
                let mut approval = self.approval(&one.id)?.clone();
                for step in &mut approval.steps {
                    step.decisions.retain(|vote| !one.void.contains(&vote.by));
                }
                approval.decide_by = one.decide_by;
                self.waiting(&approval)
            }
            Event::ApprovalCleared(one) => self.held(self.approval(&one.id)?),
            Event::ApprovalDecided(one) => self.decided(one),
            Event::ApprovalClosed(one) => self.closed(one),
            Event::ApprovalExecuted(one) => {
                let said = one.note.as_deref();
                self.ended(self.approval(&one.id)?, "executed", said, &one.by)
            }
            Event::ApprovalSkipped(one) => self.ended(self.approval(&one.id)?, "skipped", None, "schedule"),
            Event::ApprovalFailed(one) => self.failed(one),
            Event::ActionAttempted(one) if one.status == ExecutionStatus::Failed => {
                let action = self.state.actions.get(&one.id)?;
                // What was given up before is not told again by an attempt that comes late.
                let news = action.status != ExecutionStatus::Failed;
                let why = one.reason.as_deref().unwrap_or(&one.attempt.detail);
                news.then(|| self.dead_letter(action, why))
            }
            Event::ActionStopped(one) if one.status == ExecutionStatus::Failed => {
                let action = self.state.actions.get(&one.id)?;
                (action.status != ExecutionStatus::Failed).then(|| self.dead_letter(action, &one.reason))
            }
            Event::ActionCreated(one) if one.status == ExecutionStatus::Failed => {
                Some(self.dead_letter(one, one.reason.as_deref().unwrap_or("it could not be addressed")))
            }
            Event::NoticeAttempted(one) if one.status == ExecutionStatus::Failed => {
                let webhook = self.state.webhooks.get(&one.webhook_id)?;
                // The first, the second, the fourth and so on: an address that is gone for good floods nobody.
                (webhook.failed + 1).is_power_of_two().then(|| {
                    let facts = Facts { detail: Some(text(&one.detail)), ..about(&webhook.url) };
                    let about = About { kind: AboutKind::Webhook, id: webhook.id };
                    Announcement {
                        audience: vec![Audience::Admins],
                        ..self.made(NotificationType::DeadLetter, about, facts)
                    }
                })
            }
            Event::WebhookDisabled { id } => {
                let webhook = self.state.webhooks.get(id)?;
                let since = webhook.health.failing_since.unwrap_or(self.now);
                Some(endpoint_disabled(*id, &webhook.url, since, webhook.last_error.as_deref(), self.now))
            }
            _ => None,
        }
    }

    /// The request as it was before these events, or as it was submitted by one of them.
    fn approval(&self, id: &Uuid) -> Option<&Approval> {
        let submitted = || {
            self.events.iter().find_map(|event| match event {
                Event::ApprovalSubmitted(one) if one.id == *id => Some(&**one),
                _ => None,
            })
        };
        self.state.approvals.get(id).or_else(submitted)
    }

    fn made(&self, kind: NotificationType, about: About, facts: Facts) -> Announcement {
        Announcement {
            id: Uuid::nil(),
            seq: 0, // given when the event is applied
            kind,
            critical: false,
            audience: Vec::new(),
            except: Vec::new(),
            venue_id: None,
            about: Some(about),
            facts,
            made_at: self.now,
        }
    }

    /// About a request, critical where its risk is.
    fn about(&self, approval: &Approval, kind: NotificationType, facts: Facts) -> Announcement {
        let about = About { kind: AboutKind::Approval, id: approval.id };
        Announcement {
            critical: approval.risk.as_ref().is_some_and(|risk| risk.level == RiskLevel::Critical),
            venue_id: approval.venue_id.clone(),
            ..self.made(kind, about, facts)
        }
    }

    /// That a request waits for its current step.
    fn waiting(&self, approval: &Approval) -> Option<Announcement> {
        let (_, step) = approval.current_step()?;
        let facts = Facts { until: approval.deadline(), ..asked(approval) };
        Some(self.to_deciders(approval, [step].into_iter(), facts))
    }

    /// That a request runs unless somebody of its steps objects.
    fn held(&self, approval: &Approval) -> Option<Announcement> {
        if approval.consent != Consent::Veto {
            return None;
        }
        let runs_at = self.events.iter().find_map(|event| match event {
            Event::ApprovalScheduled(one) if one.id == approval.id => Some(one.runs_at),
            _ => None,
        });
        let facts = Facts { outcome: Some("scheduled".into()), until: runs_at, ..asked(approval) };
        Some(self.to_deciders(approval, approval.steps.iter(), facts))
    }

    fn to_deciders<'a>(
        &self,
        approval: &Approval,
        steps: impl Iterator<Item = &'a Step>,
        facts: Facts,
    ) -> Announcement {
        let organisation = self.state.organisation();
        let mut audience: Vec<Audience> = Vec::new();
        let mut except: Vec<UserId> = approval.requester.iter().chain(&approval.beneficiary).cloned().collect();
        except.extend(approval.editors.iter().cloned());
        except.extend(approval.steps.iter().flat_map(|step| &step.decisions).map(|vote| vote.by.clone()));
        for step in steps {
            let one = assignee(&step.who, organisation);
            if !audience.contains(&one) {
                audience.push(one);
            }
        }
        Announcement { audience, except, ..self.about(approval, NotificationType::ApprovalAssigned, facts) }
    }

    fn decided(&self, one: &Decided) -> Option<Announcement> {
        let approval = self.approval(&one.id)?;
        let place = usize::try_from(one.step).ok()?;
        if one.status == Status::Pending {
            let mut after = approval.clone();
            let step = after.steps.get_mut(place)?;
            step.decisions.push(one.vote.clone());
            // Who is asked already hears nothing again while others of the same step decide.
            return if step.is_reached() { self.waiting(&after) } else { None };
        }
        let facts = Facts {
            by: Some(one.vote.by.as_str().into()),
            outcome: Some(one.status.name().into()),
            detail: one.vote.comment.as_deref().map(text),
            ..about(&approval.title)
        };
        Some(self.to_requester(approval, NotificationType::ApprovalDecided, facts))
    }

    fn closed(&self, one: &Closed) -> Option<Announcement> {
        let approval = self.approval(&one.id)?;
        let facts = Facts {
            by: Some(one.by.clone()),
            outcome: Some(one.status.name().into()),
            detail: one.reason.as_deref().map(text),
            ..about(&approval.title)
        };
        let told = self.to_requester(approval, NotificationType::ApprovalDecided, facts);
        Some(Announcement { except: person_of(&one.by).into_iter().collect(), ..told })
    }

    fn to_requester(&self, approval: &Approval, kind: NotificationType, facts: Facts) -> Announcement {
        let audience = users(approval.requester.iter());
        Announcement { audience, ..self.about(approval, kind, facts) }
    }

    /// That a run is over, for who asked and who owns it.
    fn ended(&self, approval: &Approval, outcome: &str, said: Option<&str>, by: &str) -> Option<Announcement> {
        let facts = Facts {
            by: Some(by.into()),
            outcome: Some(outcome.into()),
            detail: said.map(text),
            ..about(&approval.title)
        };
        let audience = users(approval.requester.iter().chain(&approval.owner));
        let except = person_of(by).into_iter().collect();
        Some(Announcement { audience, except, ..self.about(approval, NotificationType::ExecutionResult, facts) })
    }

    fn failed(&self, one: &Failed) -> Option<Announcement> {
        let approval = self.approval(&one.id)?;
        if one.status != Status::InDoubt {
            return self.ended(approval, "failed", Some(&one.error), &one.by);
        }
        let facts = Facts { detail: Some(text(&one.error)), ..about(&approval.title) };
        let voters = approval.steps.iter().flat_map(|step| &step.decisions).map(|vote| &vote.by);
        let audience = users(approval.requester.iter().chain(&approval.owner).chain(voters));
        Some(Announcement { audience, ..self.about(approval, NotificationType::ApprovalInDoubt, facts) })
    }

    fn dead_letter(&self, action: &Action, why: &str) -> Announcement {
        let facts =
            Facts { detail: Some(text(&format!("For {}: {why}", action.action_target))), ..about(&action.title) };
        let about = About { kind: AboutKind::Action, id: action.id };
        Announcement {
            audience: vec![Audience::Admins],
            venue_id: action.venue_id.clone(),
            ..self.made(NotificationType::DeadLetter, about, facts)
        }
    }
}

/// That a webhook is not called any more, `since` it took nothing; made by what switches it off, in the same commit.
pub fn endpoint_disabled(
    webhook: Uuid,
    url: &str,
    since: Timestamp,
    said: Option<&str>,
    now: Timestamp,
) -> Announcement {
    Announcement {
        id: Uuid::nil(),
        seq: 0, // given when the event is applied
        kind: NotificationType::EndpointDisabled,
        critical: false,
        audience: vec![Audience::Admins],
        except: Vec::new(),
        venue_id: None,
        about: Some(About { kind: AboutKind::Webhook, id: webhook }),
        facts: Facts { detail: said.map(text), until: Some(since), ..about(url) },
        made_at: now,
    }
}

/// What an action tells people now, where its target is people: the action itself is what waits, and its message's id is the announcement's.
pub fn of_action(state: &TenantState, action: &Action, step: Option<Uuid>, now: Timestamp) -> Option<Announcement> {
    let escalation = action.escalation.as_ref();
    let rung = escalation.and_then(|all| all.steps.iter().find(|one| step.is_none_or(|step| step == one.id)));
    let target = match rung {
        Some(rung) => Target::Authority(rung.authority.clone()),
        None => Target::parse(action.action_type, &action.action_target, state.organisation()).ok()?,
    };
    let kind = match (action.action_type, action.notice) {
        (ActionType::Escalate, _) => NotificationType::Escalation,
        (ActionType::Notice, Some(NoticeKind::Resolved)) => NotificationType::ViolationEnded,
        _ => NotificationType::ViolationAlert,
    };
    let until = escalation.filter(|all| !all.is_at_the_top());
    let facts = Facts {
        detail: Some(text(&message(action, step))),
        until: until.map(|all| now.plus_ms(i64::from(all.after_minutes) * MINUTE_MS)),
        ..about(&action.title)
    };
    Some(Announcement {
        id: step.unwrap_or(action.id),
        seq: action.seq,
        kind,
        critical: action.severity == Severity::Critical && kind != NotificationType::ViolationEnded
            || kind == NotificationType::Escalation,
        audience: vec![audience(&target)?],
        except: Vec::new(),
        venue_id: action.venue_id.clone(),
        about: Some(About { kind: AboutKind::Violation, id: action.violation_id }),
        facts,
        made_at: now,
    })
}

/// What an action says, on the rungs above the first with those who were asked before.
pub fn message(action: &Action, step: Option<Uuid>) -> String {
    let steps = action.escalation.as_ref().map_or(&[] as &[_], |all| &all.steps);
    let before: Vec<&str> =
        steps.iter().take_while(|one| step.is_some_and(|step| one.id != step)).map(|one| &*one.authority.0).collect();
    if before.is_empty() || before.len() == steps.len() {
        return action.message.to_string();
    }
    format!("{}\n\nNobody has acknowledged this yet. Asked before: {}.", action.message, before.join(", "))
}

/// The people of a target; none where it is none.
pub fn audience(target: &Target) -> Option<Audience> {
    match target {
        Target::User(id) => OutsideId::parse(id).ok().map(Audience::User),
        Target::Role(role) => Some(Audience::Role(*role)),
        Target::Authority(rung) => Some(Audience::Rungs(vec![rung.clone()])),
        Target::Email(_) | Target::Slack(_) | Target::Webhook(_) | Target::System(_) => None,
    }
}

/// The people of a step. For an authority those of its rung, and where nobody holds it there, of the next above: all of them may decide.
fn assignee(who: &Assignee, organisation: &Organisation) -> Audience {
    match who {
        Assignee::User(id) => Audience::User(id.clone()),
        Assignee::Role(role) => Audience::Role(*role),
        Assignee::Authority(rung) => {
            let above = organisation.rank(rung).map_or(usize::MAX, |rank| rank);
            let mut rungs: Vec<Authority> = organisation.authority_ladder.iter().skip(above).cloned().collect();
            // An owner stands above every rung.
            let owner = Authority::named("owner");
            if !rungs.contains(&owner) {
                rungs.push(owner);
            }
            Audience::Rungs(rungs)
        }
    }
}

fn users<'a>(people: impl Iterator<Item = &'a UserId>) -> Vec<Audience> {
    let each: BTreeMap<&UserId, ()> = people.map(|id| (id, ())).collect();
    each.into_keys().map(|id| Audience::User(id.clone())).collect()
}

fn about(what: &str) -> Facts {
    Facts { what: shortened(what, TITLE_CHARS_MAX), ..Facts::default() }
}

/// What a request asks for, in the words of its preview.
fn asked(approval: &Approval) -> Facts {
    let summary = approval.preview.value();
    let summary = summary.get("summary").and_then(|text| text.as_str()).filter(|text| !text.trim().is_empty());
    Facts { by: Some(approval.created_by.clone()), detail: summary.map(text), ..about(&approval.title) }
}

fn text(said: &str) -> Arc<str> {
    shortened(said, TEXT_CHARS_MAX)
}

/// The venue of an announcement as one that a person must reach to hear of it.
pub fn heard_at(venues: Option<&[VenueId]>, announcement: &Announcement) -> bool {
    match (venues, &announcement.venue_id) {
        (None, _) => true,
        (Some(_), None) => !announcement.asks_to_decide(),
        (Some(venues), Some(venue)) => venues.contains(venue),
    }
}

#[cfg(test)]
mod tests;

//! What is due in an organisation, as messages ready to be sent: a look at its state, taken in its actor.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

use super::outbox::{self, Found};
use super::receivers::{Admission, Look};
use crate::delivery::wording::{AlertParts, alert_mail};
use crate::domain::actions::Action;
use crate::domain::ids::VenueId;
use crate::domain::state::TenantState;
use crate::domain::templates::target::Target;
use crate::domain::time::{Timestamp, Zone};
use crate::domain::view::alerts::alert_body;

/// A delivery to make.
#[derive(Clone, Debug)]
pub struct Due {
    /// The action.
    pub action: Uuid,
    /// The step of an escalation.
    pub step: Option<Step>,
    /// For whom, in a word that is the same for every action for them.
    pub receiver: Arc<str>,
    /// Where it happened.
    pub venue_id: Option<VenueId>,
    /// How it goes out; an error says why it does not.
    pub way: Result<Way, String>,
    /// When the action was made, in milliseconds since the epoch: the date of its message.
    pub dated_ms: i64,
}

/// How something goes out.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are explained with the variants")]
pub enum Way {
    /// A mail to whoever is behind the target.
    Mail { to: Target, subject: String, text: String, html: String },
    /// A message to a channel through the organisation's Slack webhook, whose address is sealed.
    Slack { sealed: Vec<u8>, channel: String, subject: String, text: String },
    /// A signed call to a webhook.
    Webhook { id: Uuid, url: String, generations: (u32, Option<u32>), body: String },
}

/// The step of an escalation that a delivery is for.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its id, which is the id of its message.
    pub id: Uuid,
    /// Its number, 0 the first.
    pub rung: usize,
}

impl outbox::Due for Due {
    fn id(&self) -> Uuid {
        self.action
    }

    fn receiver(&self) -> Arc<str> {
        self.receiver.clone()
    }
}

/// Takes what is due and may be sent.
pub fn due_now(state: &TenantState, look: &mut Look) -> Found<Due> {
    let mut due = Vec::new();
    for action in state.actions.by_due() {
        let at = action.due().unwrap_or(action.created_at).0;
        match look.admit(&action.id, receiver(action), at) {
            Admission::Send => due.push(prepared(state, action, look.now_ms)),
            Admission::NotThis => {}
            Admission::Full => break,
        }
    }
    Found { due, next_ms: look.next_ms(), pending: state.actions.pending_count() }
}

/// Whom an action is for now.
fn receiver(action: &Action) -> &str {
    let step = action.escalation.as_ref().and_then(|all| all.current());
    step.map_or(&action.action_target, |step| &step.authority.0)
}

fn prepared(state: &TenantState, action: &Action, now_ms: i64) -> Due {
    let (step, target, message) = wanted(action, state);
    Due {
        action: action.id,
        step,
        receiver: receiver(action).into(),
        venue_id: action.venue_id.clone(),
        way: target.map_err(|why| format!("bad-target: {why}")).and_then(|to| way(state, action, to, &message, now_ms)),
        dated_ms: action.created_at.0,
    }
}

fn way(state: &TenantState, action: &Action, to: Target, message: &str, now_ms: i64) -> Result<Way, String> {
    match to {
        Target::Slack(channel) => {
            let url = state.channels.slack.as_ref();
            let url = url.ok_or_else(|| format!("slack-not-configured: {channel}"))?;
            let (subject, text, _) = worded(state, action, message);
            Ok(Way::Slack { sealed: url.sealed.clone(), channel, subject, text })
        }
        Target::Webhook(text) => {
            let unknown = || format!("unknown-webhook: {text}");
            let id: Uuid = text.parse().map_err(|_| unknown())?;
            let webhook = state.webhooks.get(&id).ok_or_else(unknown)?;
            if webhook.health.disabled_at.is_some() {
                return Err(format!("webhook-disabled: {id} was switched off"));
            }
            let (url, generations) = (webhook.url.to_string(), webhook.generations(Timestamp(now_ms)));
            Ok(Way::Webhook { id, url, generations, body: alert_body(action) })
        }
        Target::System(name) => Err(format!("unknown-system: {name} is not registered")),
        to @ (Target::Email(_) | Target::User(_) | Target::Role(_) | Target::Authority(_)) => {
            let (subject, text, html) = worded(state, action, message);
            Ok(Way::Mail { to, subject, text, html })
        }
    }
}

/// Subject, text and page of an action's message.
fn worded(state: &TenantState, action: &Action, message: &str) -> (String, String, String) {
    let organisation = state.organisation();
    let violation = state.violations.get(&action.violation_id);
    let venue = action.venue_id.as_ref().and_then(|id| state.venue(id));
    let zone = Zone::named_or_utc(venue.map_or(&organisation.time_zone, |venue| &venue.time_zone));
    let detected_at = violation.map_or_else(String::new, |one| zone.local_text(one.detected_at));
    alert_mail(&AlertParts {
        organisation: &organisation.name,
        venue: venue.map(|venue| &*venue.name),
        severity: action.severity.name(),
        title: &action.title,
        message,
        detected_at: &detected_at,
        occurrences: 1, // later ones would change the message between two attempts
        link: None,
    })
}

/// For whom the next message of an action is, and what it says: of an escalation the current rung, told what was tried before.
fn wanted<'a>(action: &'a Action, state: &TenantState) -> (Option<Step>, Result<Target, String>, Cow<'a, str>) {
    let current = action.escalation.as_ref().and_then(|all| Some((all, all.current()?)));
    let Some((escalation, step)) = current else {
        let target = Target::parse(action.action_type, &action.action_target, state.organisation());
        return (None, target, Cow::Borrowed(&action.message));
    };
    let rung = escalation.rung();
    let before: Vec<&str> = escalation.steps.iter().take(rung).map(|step| &*step.authority.0).collect();
    let message = if before.is_empty() {
        Cow::Borrowed(&*action.message)
    } else {
        let text =
            format!("{}\n\nNobody has acknowledged this yet. Asked before: {}.", action.message, before.join(", "));
        Cow::Owned(text)
    };
    (Some(Step { id: step.id, rung }), Ok(Target::Authority(step.authority.clone())), message)
}

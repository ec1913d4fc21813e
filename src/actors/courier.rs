//! The courier: delivers the actions that are due, see [`super::outbox`].

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::agenda::Chore;
use super::due::{self, Due, Step, Way};
use super::engine::Engine;
use super::herald::people;
use super::org::OrgRef;
use super::outbox::{self, Desk, Found, Made, Outbox};
use super::receivers::Look;
use super::refusal::{Accepted, Refusal};
use crate::clock::now_ms;
use crate::delivery::channel::{Channel, Message, Recipient};
use crate::delivery::sealing::{self, Use};
use crate::delivery::signing::signing;
use crate::domain::actions::queue::RecordAttempt;
use crate::domain::actions::{AttemptOutcome, ExecutionStatus};
use crate::domain::command::Command;
use crate::domain::directory::User;
use crate::domain::directory::state::Directory;
use crate::domain::ids::{OrgId, UserId, VenueId};
use crate::domain::notifications::commands::Source;
use crate::domain::notifications::{Audience, policy};
use crate::domain::state::TenantState;
use crate::domain::templates::target::Target;

/// What a round of deliveries came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Attempts that were made and recorded.
    pub attempts: u64,
    /// Actions that are delivered now.
    pub delivered: u64,
    /// Actions that failed for good.
    pub failed: u64,
    /// Actions that are still pending.
    pub pending: u64,
    /// Rungs that had their turn because the one below could not be told.
    pub escalated: u64,
}

/// The ways to receivers.
pub struct Ways {
    /// Mail.
    pub email: Arc<dyn Channel>,
    /// Slack.
    pub slack: Arc<dyn Channel>,
    /// Signed calls.
    pub webhooks: Arc<dyn Channel>,
    /// What secrets are sealed with, and what the keys are derived from that sign calls.
    pub server_key: [u8; 32],
}

/// The courier.
pub struct Courier {
    ways: Ways,
    desk: Desk,
}

impl Courier {
    /// A courier that goes these ways.
    pub fn new(ways: Ways) -> Self {
        Self { ways, desk: Desk::default() }
    }

    /// Starts what is due in an organisation, as far as it has places free.
    pub async fn dispatch(self: &Arc<Self>, engine: &Engine, org: &OrgRef) {
        outbox::dispatch(self, engine, org).await;
    }

    /// Delivers what is due in an organisation, and waits for it.
    ///
    /// # Errors
    /// When the organisation does not answer.
    pub async fn work_off(&self, engine: &Engine, org: &OrgRef) -> Result<Delivered, Refusal> {
        let mut sum = Delivered::default();
        let told = |due: &Due, accepted: &Accepted| sum.count(due.step, &accepted.body);
        let pending = outbox::work_off(self, engine, org, told).await?;
        Ok(Delivered { pending: pending as u64, ..sum })
    }

    async fn deliver(&self, engine: &Engine, org: &OrgRef, due: &Due) -> Made {
        let refused = |why: String| Made { outcome: AttemptOutcome::Refused, detail: why, asked_ms: None };
        let message = |to: Vec<Recipient>, subject: &str, text: &str| Message {
            id: due.step.map_or(due.action, |step| step.id),
            to,
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: None,
            dated_ms: due.dated_ms,
            signing: None,
        };
        let server_key = &self.ways.server_key;
        match &due.way {
            Err(why) => refused(why.clone()),
            Ok(Way::Mail { to, subject, text, html }) => {
                let to = match receivers(engine, &org.org_id, to, due.venue_id.as_ref()).await {
                    Ok(to) => to,
                    Err(Unreachable::Never(why)) => return refused(why),
                    Err(Unreachable::Now(why)) => {
                        return Made { outcome: AttemptOutcome::Retry, detail: why, asked_ms: None };
                    }
                };
                if let Err(why) = tell(engine, org, due, &to).await {
                    let detail = format!("not told in the app yet: {why}");
                    return Made { outcome: AttemptOutcome::Retry, detail, asked_ms: None };
                }
                let to = to.into_iter().map(|one| one.at).collect();
                let mail = Message { html: Some(html.clone()), ..message(to, subject, text) };
                self.ways.email.deliver(&mail).await.into()
            }
            Ok(Way::Slack { sealed, channel, subject, text }) => {
                match sealing::open(server_key, org.org_id.as_str(), Use::SlackWebhook, sealed) {
                    Some(address) => {
                        let to = Recipient { address, name: Some(channel.clone()) };
                        self.ways.slack.deliver(&message(vec![to], subject, text)).await.into()
                    }
                    None => refused("slack-not-readable: its address was saved under another server key".into()),
                }
            }
            Ok(Way::Webhook { id, url, generations, body }) => {
                let signing = signing(server_key, org.org_id.as_str(), id, *generations, now_ms());
                let to = Recipient { address: url.clone(), name: None };
                let call = Message { signing: Some(signing), ..message(vec![to], "", body) };
                self.ways.webhooks.deliver(&call).await.into()
            }
        }
    }
}

impl Outbox for Courier {
    type Due = Due;
    const CHORE: Chore = Chore::Deliver;

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn due_now(state: &TenantState, look: &mut Look) -> Found<Due> {
        due::due_now(state, look)
    }

    fn attempt<'a>(&'a self, engine: &'a Engine, org: &'a OrgRef, due: &'a Due) -> BoxFuture<'a, Made> {
        self.deliver(engine, org, due).boxed()
    }

    fn record(due: &Due, made: &Made) -> Command {
        Command::RecordAttempt(RecordAttempt {
            id: due.action,
            step: due.step.map(|step| step.id),
            outcome: made.outcome,
            detail: made.detail.clone(),
            asked_ms: made.asked_ms,
        })
    }
}

/// Somebody who is told, and where.
struct Receiver {
    /// The person of the organisation; none for an address that a template names.
    person: Option<UserId>,
    at: Recipient,
}

enum Unreachable {
    Never(String),
    Now(String),
}

/// Has those who are people of the organisation told in the app, before a mail goes out.
async fn tell(engine: &Engine, org: &OrgRef, due: &Due, to: &[Receiver]) -> Result<(), Refusal> {
    let people: Vec<UserId> = to.iter().filter_map(|one| one.person.clone()).collect();
    if people.is_empty() {
        return Ok(());
    }
    let source = Source::Action { id: due.action, step: due.step.map(|step| step.id) };
    engine.herald().tell(engine, org, source, people).await
}

/// The addresses behind a target.
async fn receivers(
    engine: &Engine,
    org: &OrgId,
    target: &Target,
    venue: Option<&VenueId>,
) -> Result<Vec<Receiver>, Unreachable> {
    let nobody = match target {
        Target::Email(address) => {
            return Ok(vec![Receiver { person: None, at: Recipient { address: address.clone(), name: None } }]);
        }
        Target::User(id) => format!("unknown-person: {id}"),
        Target::Role(role) => format!("nobody-found: no {} at this venue", role.name()),
        Target::Authority(rung) => format!("nobody-found: nobody with the authority {rung} at this venue"),
        Target::Slack(_) | Target::Webhook(_) | Target::System(_) => "no person".into(),
    };
    let (org, wanted, venue) = (org.clone(), target.clone(), venue.cloned());
    let found = engine.directory_read(move |state| found(state, &org, &wanted, venue.as_ref())).await;
    match found {
        Ok(to) if to.is_empty() => Err(Unreachable::Never(nobody)),
        Ok(to) => Ok(to),
        Err(refusal) => Err(Unreachable::Now(refusal.to_string())),
    }
}

fn found(state: &Directory, org: &OrgId, target: &Target, venue: Option<&VenueId>) -> Vec<Receiver> {
    let Some(audience) = policy::audience(target) else { return Vec::new() };
    let reaches = |user: &User| match (&user.venues, venue) {
        (None, _) | (_, None) => true,
        // A person who is named is told wherever it happened.
        (Some(_), Some(_)) if matches!(audience, Audience::User(_)) => true,
        (Some(venues), Some(venue)) => venues.contains(venue),
    };
    let found = people(state, org, &audience, &reaches);
    let each = found.into_iter().map(|user| Receiver {
        person: Some(user.id.clone()),
        at: Recipient { address: user.email.to_string(), name: Some(user.name.to_string()) },
    });
    each.collect()
}

impl Delivered {
    /// Counts an attempt by what the action is after it.
    fn count(&mut self, step: Option<Step>, body: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Escalation {
            rung: usize,
        }
        #[derive(serde::Deserialize)]
        struct Shown {
            execution_status: ExecutionStatus,
            escalation: Option<Escalation>,
        }
        let Ok(shown) = serde_json::from_slice::<Shown>(body) else { return };
        self.attempts += 1;
        // The attempt may have made the next rung have its turn.
        let higher = shown.escalation.zip(step).is_some_and(|(now, before)| now.rung > before.rung);
        self.escalated += u64::from(higher);
        match shown.execution_status {
            ExecutionStatus::Delivered => self.delivered += 1,
            ExecutionStatus::Failed => self.failed += 1,
            ExecutionStatus::Pending | ExecutionStatus::Dismissed => {}
        }
    }
}

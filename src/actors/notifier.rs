//! The notifier: tells webhooks what waits for them, each in the order in which it happened; see [`super::outbox`].

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::agenda::Chore;
use super::engine::Engine;
use super::org::OrgRef;
use super::outbox::{self, Desk, Found, Made, Outbox};
use super::receivers::{Admission, Look};
use super::refusal::Refusal;
use crate::clock::now_ms;
use crate::delivery::channel::{Channel, Message, Recipient};
use crate::delivery::egress::Egress;
use crate::delivery::signing::{capability_key, signing, webhook_key};
use crate::domain::command::Command;
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::webhooks::Webhook;
use crate::domain::webhooks::commands::RecordNotice;

/// The notifier.
pub struct Notifier {
    channel: Arc<dyn Channel>,
    egress: Egress,
    server_key: [u8; 32],
    desk: Desk,
}

/// Where a webhook is called, and with which secrets.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Endpoint {
    pub id: Uuid,
    pub url: String,
    pub generations: (u32, Option<u32>),
}

impl Endpoint {
    /// That of a webhook as it is at a moment.
    pub fn of(webhook: &Webhook, now: Timestamp) -> Self {
        Self { id: webhook.id, url: webhook.url.to_string(), generations: webhook.generations(now) }
    }
}

/// A notice to send.
#[derive(Clone, Debug)]
pub struct DueNotice {
    id: Uuid,
    endpoint: Endpoint,
    body: String,
    made_at_ms: i64,
}

impl outbox::Due for DueNotice {
    fn id(&self) -> Uuid {
        self.id
    }

    fn receiver(&self) -> Arc<str> {
        self.endpoint.id.to_string().into()
    }
}

impl Notifier {
    /// A notifier that calls through this channel, as far as these rules open, and signs with keys of this server.
    pub fn new(channel: Arc<dyn Channel>, egress: Egress, server_key: [u8; 32]) -> Self {
        Self { channel, egress, server_key, desk: Desk::default() }
    }

    /// What may be called.
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The key that signs for a webhook.
    pub fn key(&self, org: &OrgRef, webhook: &Uuid, generation: u32) -> [u8; 32] {
        webhook_key(&self.server_key, org.org_id.as_str(), webhook, generation)
    }

    /// The key that signs the calls to a capability.
    pub fn capability_key(&self, org: &OrgRef, name: &str, generation: u32) -> [u8; 32] {
        capability_key(&self.server_key, org.org_id.as_str(), name, generation)
    }

    /// Starts what is due in an organisation, as far as it has places free.
    pub async fn dispatch(self: &Arc<Self>, engine: &Engine, org: &OrgRef) {
        outbox::dispatch(self, engine, org).await;
    }

    /// Sends what is due in an organisation, and waits for it.
    ///
    /// # Errors
    /// When the organisation does not answer.
    pub async fn work_off(&self, engine: &Engine, org: &OrgRef) -> Result<(), Refusal> {
        outbox::work_off(self, engine, org, |_, _| ()).await.map(drop)
    }

    /// Calls an endpoint once, whatever waits for it.
    pub async fn call(&self, org: &OrgRef, endpoint: Endpoint, id: Uuid, body: String, dated_ms: i64) -> Made {
        let signing = signing(&self.server_key, org.org_id.as_str(), &endpoint.id, endpoint.generations, now_ms());
        let message = Message {
            id,
            to: vec![Recipient { address: endpoint.url, name: None }],
            subject: String::new(),
            text: body,
            html: None,
            dated_ms,
            signing: Some(signing),
        };
        self.channel.deliver(&message).await.into()
    }
}

impl Outbox for Notifier {
    type Due = DueNotice;
    const CHORE: Chore = Chore::Notify;

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn due_now(state: &TenantState, look: &mut Look) -> Found<DueNotice> {
        let mut heads: Vec<_> = state.webhooks.heads().collect();
        heads.sort_unstable_by_key(|(_, notice)| (notice.due_at, notice.seq));
        let mut due = Vec::new();
        for (webhook, notice) in heads {
            match look.admit(&notice.id, &webhook.id.to_string(), notice.due_at.0) {
                Admission::Send => due.push(DueNotice {
                    id: notice.id,
                    endpoint: Endpoint::of(webhook, Timestamp(look.now_ms)),
                    body: notice.body.to_string(),
                    made_at_ms: notice.made_at.0,
                }),
                Admission::NotThis => {}
                Admission::Full => break,
            }
        }
        Found { due, next_ms: look.next_ms(), pending: state.webhooks.notices().count() }
    }

    fn attempt<'a>(&'a self, _: &'a Engine, org: &'a OrgRef, due: &'a DueNotice) -> BoxFuture<'a, Made> {
        self.call(org, due.endpoint.clone(), due.id, due.body.clone(), due.made_at_ms).boxed()
    }

    fn record(due: &DueNotice, made: &Made) -> Command {
        Command::RecordNotice(RecordNotice {
            id: due.id,
            outcome: made.outcome,
            detail: made.detail.clone(),
            asked_ms: made.asked_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::testing::{Bench, json, place, settings, start};
    use crate::domain::webhooks::commands::{CreateWebhook, DeleteWebhook};
    use crate::store::Store;

    async fn told(bench: &Bench) -> (OrgRef, Uuid) {
        let org = bench.organisation("org").await;
        let hook =
            CreateWebhook { url: "https://till.example/".into(), events: vec!["blocks".into()], description: None };
        let made = bench.run(&org, Command::CreateWebhook(hook)).await.unwrap();
        bench.run(&org, place("ana")).await.unwrap();
        (org, json(&made)["id"].as_str().unwrap().parse().unwrap())
    }

    #[actix_web::test]
    async fn a_place_that_is_free_again_is_made_known_also_when_the_notice_is_gone() {
        let bench = start(Store::in_memory(), settings()).await;
        let (org, webhook) = told(&bench).await;
        let notifier = Notifier::new(bench.kept.clone(), Egress::default(), [7; 32]);
        let mut found = outbox::claim(&notifier, &bench.engine, &org).await.unwrap();
        bench.run(&org, Command::DeleteWebhook(DeleteWebhook { id: webhook })).await.unwrap();
        bench.engine.agenda().set(Chore::Notify, org.stream, None);
        outbox::carry(&notifier, &bench.engine, &org, found.due.remove(0)).await;
        let (entries, _) = bench.engine.agenda().take_due(now_ms(), 10);
        assert!(entries.contains(&(Chore::Notify, org.stream)), "{entries:?}");
        assert!(notifier.desk.is_empty());
    }
}

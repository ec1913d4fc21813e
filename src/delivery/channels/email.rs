//! E-mail over SMTP.
//!
//! Promise: one connection per mail, never used again, never more than `connections_max` open at a time, and none that outlives
//! its attempt by more than a second; a mail counts as delivered only when the server said so after the last byte.
//! Never here: a pool. A connection whose dialogue was cut off by the time limit is in an unknown state, and lettre's transport
//! would put it back or keep waiting on it in a task of its own; so the dialogue runs on lettre's connection directly and
//! cutting it off closes the socket.

mod mail;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::mail::Mail;
use self::server::Server;
use crate::delivery::channel::{Channel, Message, Outcome, detail};
use crate::delivery::effect::{EffectChannel, EffectOutcome};
use crate::domain::json::JsonText;

/// How long a server may take to answer QUIT, after the outcome is known.
const GOODBYE_MS: u64 = 1_000;

/// Settings of the e-mail channel. Without a `url` it refuses every mail.
#[derive(Clone)]
pub struct EmailSettings {
    /// `smtp://host:port`, `smtp://user:password@host:port`, `smtps://user:password@host`, with `?tls=required` or
    /// `?tls=opportunistic` for STARTTLS, and a path as the name to greet with. Plain `smtp://` encrypts nothing, not even the
    /// password.
    pub url: Option<String>,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
    /// For the whole dialogue, from connecting to the answer after the last byte.
    pub timeout_ms: u64,
    /// Mails beyond that wait for a free place, and their time limit starts when they have one.
    pub connections_max: usize,
}

impl Default for EmailSettings {
    fn default() -> Self {
        Self { url: None, from: "action-center@localhost".into(), timeout_ms: 30_000, connections_max: 4 }
    }
}

/// Why settings cannot be used. Names neither the URL nor a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEmailSettings {
    /// What is wrong with the URL, to be read behind "the mail server's URL".
    #[error("the mail server's URL {0}")]
    Url(String),
    /// `from` is neither an address nor `Name <address>`.
    #[error("the sender is not an e-mail address")]
    Sender,
    /// `connections_max` or `timeout_ms` is 0.
    #[error("at least one connection and one millisecond are needed")]
    Nothing,
}

/// The e-mail channel.
pub struct EmailChannel {
    server: Option<Server>,
    from: Mailbox,
    timeout: Duration,
    /// How long a server may take to answer QUIT; a field, so that tests need not race against it.
    goodbye: Duration,
    places: Arc<Semaphore>,
}

impl EmailChannel {
    /// Checks the settings; connects to nothing.
    ///
    /// # Errors
    /// What is wrong with them, see [`BadEmailSettings`].
    pub fn new(settings: &EmailSettings) -> Result<Self, BadEmailSettings> {
        if settings.connections_max == 0 || settings.timeout_ms == 0 {
            return Err(BadEmailSettings::Nothing);
        }
        let url = settings.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        Ok(Self {
            server: url.map(Server::parse).transpose().map_err(BadEmailSettings::Url)?,
            from: mail::sender(&settings.from).ok_or(BadEmailSettings::Sender)?,
            timeout: Duration::from_millis(settings.timeout_ms),
            goodbye: Duration::from_millis(GOODBYE_MS),
            places: Arc::new(Semaphore::new(settings.connections_max.min(Semaphore::MAX_PERMITS))),
        })
    }

    async fn attempt(&self, message: &Message) -> Outcome {
        let Some(server) = &self.server else {
            return Outcome::Refused { detail: "e-mail is not configured".into() };
        };
        let mail = match Mail::write(message, &self.from) {
            Ok(mail) => mail,
            Err(why) => return Outcome::Refused { detail: detail(&why, &[]) },
        };
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Outcome::Retry { detail: "e-mail is closing down".into(), after_ms: None };
        };
        match timeout(self.timeout, server.hand_over(&mail)).await {
            Err(_) => Outcome::Retry { detail: self.late(), after_ms: None },
            Ok(Err(error)) => server.outcome_of(&error),
            Ok(Ok((connection, reply))) => {
                self.part(connection, place);
                Outcome::Delivered { detail: reply }
            }
        }
    }
}

impl EmailChannel {
    /// One attempt at a mail that must not come twice. `begun` says whether the mail itself was being handed over.
    async fn once(&self, message: &Message, begun: &AtomicBool) -> EffectOutcome {
        let not_sent = |error: String| EffectOutcome::NotSent { error };
        let Some(server) = &self.server else { return not_sent("e-mail is not configured".into()) };
        let mail = match Mail::write(message, &self.from) {
            Ok(mail) => mail,
            Err(why) => return not_sent(detail(&why, &[])),
        };
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return not_sent("e-mail is closing down".into());
        };
        let mut connection = match timeout(self.timeout, server.connect()).await {
            Err(_) => return not_sent(self.late()),
            Ok(Err(error)) => return not_sent(server.said(&error)),
            Ok(Ok(connection)) => connection,
        };
        begun.store(true, Ordering::Release);
        match timeout(self.timeout, server.send(&mut connection, &mail)).await {
            Err(_) => EffectOutcome::Unknown { error: self.late(), retry_after_ms: None },
            Ok(Err(error)) => server.effect_of(&error),
            Ok(Ok(reply)) => {
                self.part(connection, place);
                EffectOutcome::Done { result: JsonText::of(&json!({ "reply": reply })), undo_payload: None }
            }
        }
    }

    fn late(&self) -> String {
        format!("the mail server did not finish within {} ms", self.timeout.as_millis())
    }

    /// Says goodbye to a server that took a mail; the place is free when that is done.
    fn part(&self, mut connection: AsyncSmtpConnection, place: OwnedSemaphorePermit) {
        let goodbye = self.goodbye;
        tokio::spawn(async move {
            let _ = timeout(goodbye, connection.quit()).await;
            drop(connection);
            drop(place);
        });
    }
}

impl EffectChannel for EmailChannel {
    fn perform<'a>(&'a self, message: &'a Message, within: Duration) -> BoxFuture<'a, EffectOutcome> {
        async move {
            let begun = AtomicBool::new(false);
            let made = timeout(within, self.once(message, &begun)).await;
            made.unwrap_or_else(|_| {
                let error = format!("the mail was not taken within {} ms", within.as_millis());
                if begun.load(Ordering::Acquire) {
                    EffectOutcome::Unknown { error, retry_after_ms: None }
                } else {
                    EffectOutcome::NotSent { error }
                }
            })
        }
        .boxed()
    }
}

impl Channel for EmailChannel {
    fn name(&self) -> &'static str {
        "email"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Outcome> {
        self.attempt(message).boxed()
    }
}

#[cfg(test)]
mod tests;

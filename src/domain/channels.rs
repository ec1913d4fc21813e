//! The ways to people outside that an organisation has settled: so far its Slack.
//!
//! Promise: an address that is a secret is here as sealed bytes and as a masked text alone; the key is not here, so that no record, snapshot,
//! export or answer can tell it.

use std::sync::Arc;

use super::decision::{Answer, Context, Decided, Decision};
use super::event::Event;
use super::rejection::Rejection;
use super::state::TenantState;

/// How a masked address ends.
pub const MASK: &str = "/***";

/// What an organisation has settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Channels {
    /// Where its Slack takes messages.
    pub slack: Option<SealedUrl>,
}

/// An address that is a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SealedUrl {
    /// Its bytes, sealed with a key of the server.
    pub sealed: Vec<u8>,
    /// What may be shown: the host alone.
    pub shown: Arc<str>,
}

impl std::fmt::Debug for SealedUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedUrl {{ shown: {:?} }}", self.shown)
    }
}

/// What an address is to be.
#[derive(Clone, Debug)]
pub enum UrlDraft {
    /// Another one.
    New(SealedUrl),
    /// The one that is shown as this text: what was read can be sent back.
    Shown(String),
}

/// Replaces what is settled; what is absent is no longer there.
#[derive(Clone, Debug)]
pub struct SaveChannels {
    /// Where Slack takes messages.
    pub slack: Option<UrlDraft>,
}

impl SaveChannels {
    /// Decides; the same again changes nothing.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let slack = match (self.slack, &state.channels.slack) {
            (None, _) => None,
            (Some(UrlDraft::New(url)), _) => Some(url),
            (Some(UrlDraft::Shown(text)), Some(own)) if text == *own.shown => Some(own.clone()),
            (Some(UrlDraft::Shown(_)), _) => {
                return Err(Rejection::invalid(
                    "/slack/webhook_url",
                    "is a masked address, and not the one that is saved",
                ));
            }
        };
        let channels = Channels { slack };
        let events = if channels == state.channels {
            Vec::new()
        } else {
            vec![Event::ChannelsChanged { channels: Box::new(channels), by: context.label() }]
        };
        Ok(Decision { events, answer: Answer::Channels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{pointers, tenant};

    fn url(byte: u8) -> SealedUrl {
        SealedUrl { sealed: vec![byte; 3], shown: "https://hooks.slack.com/***".into() }
    }

    fn slack(draft: UrlDraft) -> SaveChannels {
        SaveChannels { slack: Some(draft) }
    }

    #[test]
    fn what_is_shown_can_be_sent_back_and_the_same_changes_nothing() {
        let mut tenant = tenant();
        let foreign = UrlDraft::Shown("https://hooks.slack.com/***".into());
        assert_eq!(pointers(&tenant.refused(slack(foreign.clone()))), ["/slack/webhook_url"]);
        tenant.run(slack(UrlDraft::New(url(1))));
        assert_eq!(tenant.state.channels.slack, Some(url(1)));
        let seq = tenant.state.last_seq();
        tenant.run(slack(foreign));
        tenant.run(slack(UrlDraft::New(url(1))));
        assert_eq!(tenant.state.last_seq(), seq);
        tenant.run(slack(UrlDraft::New(url(2))));
        assert_eq!(tenant.state.channels.slack, Some(url(2)));
        tenant.run(SaveChannels { slack: None });
        assert_eq!(tenant.state.channels, Channels::default());
    }

    #[test]
    fn a_sealed_address_says_nothing_of_itself() {
        assert!(!format!("{:?}", url(77)).contains("77"));
    }
}

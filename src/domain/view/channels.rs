//! The settled channels as they are shown: secrets masked.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::channels::Channels;

/// The channels; what is shown can be sent back.
#[derive(Serialize, ToSchema)]
pub struct ChannelsView<'a> {
    /// Slack, where it is set up.
    #[schema(inline)]
    pub slack: Option<SlackView<'a>>,
}

/// Slack.
#[derive(Serialize, ToSchema)]
pub struct SlackView<'a> {
    /// The host of the incoming webhook; the rest is a secret and is masked.
    pub webhook_url: &'a str,
}

/// The channels.
pub fn channels(channels: &Channels) -> ChannelsView<'_> {
    ChannelsView { slack: channels.slack.as_ref().map(|url| SlackView { webhook_url: &url.shown }) }
}

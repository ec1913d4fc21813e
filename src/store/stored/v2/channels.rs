//! The settled channels.

use std::sync::Arc;

use crate::domain::channels::{Channels, SealedUrl};
use crate::domain::event::Event;
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen};

frozen! {
    /// An address that is a secret.
    SealedUrlV2 of SealedUrl {
        sealed: Vec<u8>,
        shown: String,
    }

    /// What an organisation has settled.
    ChannelsV2 of Channels {
        slack: Option<SealedUrlV2>,
    }
}

/// That the channels changed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the domain")]
pub struct ChannelsChangedV2 {
    pub channels: ChannelsV2,
    pub by: String,
}

impl ChannelsChangedV2 {
    /// The frozen event.
    pub fn of(channels: &Channels, by: &Arc<str>) -> Self {
        Self { channels: Form::freeze(channels), by: Form::freeze(by) }
    }

    /// The event.
    ///
    /// # Errors
    /// When a field is not what it should be.
    pub fn thaw(self) -> Result<Event, StoredError> {
        Ok(Event::ChannelsChanged { channels: Box::new(self.channels.thaw()?), by: self.by.thaw()? })
    }
}

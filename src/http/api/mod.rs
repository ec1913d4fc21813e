//! The calls of the API, one file per noun: a body, the command that it becomes, and nothing that decides.

pub mod actions;
pub mod approval_policy;
pub mod approvals;
pub mod blocks;
pub mod bulk;
pub mod capabilities;
pub mod channels;
pub mod dead_letters;
pub mod decisions;
pub mod inhibitions;
pub mod keys;
pub mod notifications;
pub mod operator;
pub mod overrides;
pub mod process;
pub mod reports;
pub mod rush;
pub mod session;
pub mod settings;
pub mod silences;
pub mod submissions;
pub mod tasks;
pub mod templates;
pub mod till;
pub mod trends;
pub mod users;
pub mod vapid;
pub mod venues;
pub mod violation_types;
pub mod violations;
pub mod webhook_care;
pub mod webhooks;

use crate::domain::ids::{OutsideId, VenueId};
use crate::domain::rejection::{Faults, Rejection};

/// Reads the venues that a key or a person is limited to.
fn venues(given: Option<Vec<String>>) -> Result<Option<Vec<VenueId>>, Rejection> {
    let Some(given) = given else { return Ok(None) };
    let mut faults = Faults::default();
    let read = |(index, text): (usize, &String)| faults.take(&format!("/venues/{index}"), OutsideId::parse(text));
    let venues = given.iter().enumerate().filter_map(read).collect();
    faults.done()?;
    Ok(Some(venues))
}

//! What a person wants to hear, how, and when not.
//!
//! Promise: what was read can be saved again as it is. What a person has never said is as shipped, also when what ships changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Medium, NotificationType};
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::people::Who;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::{HOUR_MS, Timestamp, Zone};

/// The hour of the day at which daily digests go out, by the person's clock.
const DAILY_MINUTE: u16 = 8 * 60;
const DAY_MINUTES: u16 = 24 * 60;

/// When messages of a type are gathered into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// Each goes out alone.
    #[default]
    None,
    /// At the next full hour.
    Hourly,
    /// At eight in the morning by the person's clock.
    Daily,
    /// When the business day of the venue ends.
    EndOfService,
}

/// Which ways a type takes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "one for each way, as they are shown")]
pub struct Channels {
    /// Without it, a notification is on the list as read and not told live; it is never left out.
    pub in_app: bool,
    /// By mail.
    pub email: bool,
    /// By Slack.
    pub slack: bool,
    /// To the browsers that subscribed.
    pub push: bool,
}

impl Channels {
    /// Whether a medium is wanted.
    pub fn has(self, medium: Medium) -> bool {
        match medium {
            Medium::Email => self.email,
            Medium::Slack => self.slack,
            Medium::Push => self.push,
        }
    }
}

/// When a person is left in peace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuietHours {
    /// In minutes after midnight.
    pub from: u16,
    /// Not included; before `from` it is on the next day.
    pub to: u16,
    /// IANA.
    pub time_zone: Arc<str>,
}

impl QuietHours {
    /// When the quiet ends that there is at this moment; none when there is none.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = Zone::named_or_utc(&self.time_zone);
        let minute = zone.local(now).minute;
        let quiet = if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        };
        quiet.then(|| zone.next_time_of_day(self.to, now))
    }
}

/// What a person has said; what is absent is as shipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Preferences {
    pub channels: BTreeMap<NotificationType, Channels>,
    pub quiet_hours: Option<QuietHours>,
    pub digests: BTreeMap<NotificationType, Digest>,
}

impl Preferences {
    /// The ways of a type.
    pub fn channels(&self, kind: NotificationType) -> Channels {
        self.channels.get(&kind).copied().unwrap_or_else(|| shipped(kind))
    }

    /// The digest of a type.
    pub fn digest(&self, kind: NotificationType) -> Digest {
        self.digests.get(&kind).copied().unwrap_or_default()
    }

    /// When a digest of this type goes out that takes something in now; none where each goes out alone. `service_ends` is the end of the
    /// venue's business day, and `zone` the venue's, for whoever has named none.
    pub fn digest_at(
        &self,
        kind: NotificationType,
        now: Timestamp,
        service_ends: Timestamp,
        zone: &Zone,
    ) -> Option<Timestamp> {
        match self.digest(kind) {
            Digest::None => None,
            Digest::Hourly => Some(Timestamp(now.0.div_euclid(HOUR_MS).saturating_add(1).saturating_mul(HOUR_MS))),
            Digest::Daily => {
                let own = self.quiet_hours.as_ref().map(|quiet| Zone::named_or_utc(&quiet.time_zone));
                Some(own.as_ref().unwrap_or(zone).next_time_of_day(DAILY_MINUTE, now))
            }
            Digest::EndOfService => Some(service_ends),
        }
    }
}

/// Mail for everything that asks for something or tells of an end, push for what asks to be quick, Slack for nothing.
fn shipped(kind: NotificationType) -> Channels {
    let push = matches!(
        kind,
        NotificationType::ViolationAlert
            | NotificationType::Escalation
            | NotificationType::ApprovalAssigned
            | NotificationType::ApprovalDecided
            | NotificationType::ApprovalInDoubt
    );
    Channels { in_app: true, email: true, slack: false, push }
}

/// Preferences as they are read and saved.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreferencesDraft {
    /// By type; what is absent is as shipped.
    pub channels: BTreeMap<String, Channels>,
    /// None when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHoursDraft>,
    /// By type; none when absent.
    pub digest: BTreeMap<String, Digest>,
}

/// When a person wants to be left in peace.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursDraft {
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`, not included; before `from` it is on the next day.
    pub to: String,
    /// IANA, such as `Europe/Berlin`.
    pub time_zone: String,
}

impl PreferencesDraft {
    /// Preferences as they are shown: every type.
    pub fn of(preferences: &Preferences) -> Self {
        let each = |kind: NotificationType| kind.name().to_owned();
        let quiet = preferences.quiet_hours.as_ref();
        Self {
            channels: NotificationType::CHOSEN.map(|kind| (each(kind), preferences.channels(kind))).into(),
            quiet_hours: quiet.map(|quiet| QuietHoursDraft {
                from: clock(quiet.from),
                to: clock(quiet.to),
                time_zone: quiet.time_zone.to_string(),
            }),
            digest: NotificationType::CHOSEN.map(|kind| (each(kind), preferences.digest(kind))).into(),
        }
    }

    /// The preferences that are meant.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] for types and times that there are not.
    pub fn checked(self) -> Result<Preferences, Rejection> {
        let mut faults = Faults::default();
        let channels = by_type(&mut faults, "channels", self.channels);
        let digests = by_type(&mut faults, "digest", self.digest);
        let quiet_hours = self.quiet_hours.and_then(|quiet| quiet.checked(&mut faults));
        faults.done()?;
        Ok(Preferences { channels, quiet_hours, digests })
    }
}

impl QuietHoursDraft {
    fn checked(self, faults: &mut Faults) -> Option<QuietHours> {
        let from = faults.take("/quiet_hours/from", minutes(&self.from));
        let to = faults.take("/quiet_hours/to", minutes(&self.to));
        faults.take("/quiet_hours/time_zone", Zone::named(&self.time_zone));
        let (from, to) = (from?, to?);
        faults.expect(from != to, "/quiet_hours/to", "is the same as `from`");
        Some(QuietHours { from, to, time_zone: self.time_zone.into() })
    }
}

fn by_type<T>(faults: &mut Faults, field: &str, given: BTreeMap<String, T>) -> BTreeMap<NotificationType, T> {
    let mut read = BTreeMap::new();
    for (name, value) in given {
        match NotificationType::named(&name) {
            Some(kind) => drop(read.insert(kind, value)),
            None => {
                let name = name.replace('~', "~0").replace('/', "~1");
                faults.add(format!("/{field}/{name}"), "is not a type of notification");
            }
        }
    }
    read
}

/// Reads `HH:MM`, before 24:00.
fn minutes(text: &str) -> Result<u16, &'static str> {
    let wrong = "is not a time from 00:00 to 23:59 (HH:MM)";
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = text.split_once(':').filter(|(h, m)| digits(h) && digits(m)).ok_or(wrong)?;
    let number = |text: &str| text.parse::<u16>().map_err(|_| wrong);
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let at = hours * 60 + minutes;
    if minutes < 60 && at < DAY_MINUTES { Ok(at) } else { Err(wrong) }
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Saves the caller's own preferences, all of them.
#[derive(Clone, Debug)]
pub struct SavePreferences {
    /// What they are to be.
    pub draft: PreferencesDraft,
}

impl SavePreferences {
    /// Decides; the same again changes nothing.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let user_id = own(context)?;
        let preferences = self.draft.checked()?;
        let same = state
            .notifications
            .person(&user_id)
            .map_or_else(|| preferences == Preferences::default(), |person| person.preferences == preferences);
        let saved = Event::PreferencesSaved { user_id: user_id.clone(), preferences: Box::new(preferences) };
        Ok(Decision { events: if same { Vec::new() } else { vec![saved] }, answer: Answer::Preferences(user_id) })
    }
}

/// The person who calls; keys have no notifications.
///
/// # Errors
/// [`Rejection::NotFound`].
pub fn own(context: &Context<'_>) -> Result<UserId, Rejection> {
    match &context.caller.cause.who {
        Who::Person(person) => Ok(person.clone()),
        Who::Key { .. } | Who::Operator | Who::Schedule => Err(Rejection::NotFound),
    }
}

#[cfg(test)]
mod tests;

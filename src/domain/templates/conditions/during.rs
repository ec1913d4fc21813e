//! Windows of the week by a venue's clock: "Friday and Saturday from 22:00 to 02:00".
//!
//! A window is a matter of the clock on the wall. Where that clock is put forward, the hour that does not exist is in no window; where
//! it is put back, both of its hours are.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::rejection::Faults;
use crate::domain::time::LocalTime;

/// The most windows of one template or freeze.
const WINDOWS_MAX: usize = 50;
const DAY_MINUTES: u16 = 24 * 60;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the product's words")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const WEEK: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The day that is so many after a Monday.
    pub fn after_monday(days: u8) -> Self {
        Self::WEEK[usize::from(days) % 7]
    }
}

/// A time on the clock: minutes after midnight, up to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clock(u16);

impl Clock {
    /// Reads `HH:MM`, from `00:00` to `24:00`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = "is not a time from 00:00 to 24:00 (HH:MM)";
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let (hours, minutes) = text.split_once(':').filter(|(h, m)| digits(h) && digits(m)).ok_or(wrong)?;
        let number = |text: &str| text.parse::<u16>().map_err(|_| wrong);
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let at = hours * 60 + minutes;
        if minutes < 60 && at <= DAY_MINUTES { Ok(Self(at)) } else { Err(wrong) }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for Clock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|why| D::Error::custom(format!("{why}: `{text}`")))
    }
}

/// One window: on these days from one time until just before another. Past midnight it belongs to the day on which it began.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct During {
    /// Every day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<Day>>,
    /// `HH:MM`; the whole day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<Clock>,
    /// `HH:MM`, not included; before `from` it is on the next day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub to: Option<Clock>,
}

impl During {
    fn holds(&self, local: LocalTime) -> bool {
        let (from, to) = (self.from.map_or(0, |at| at.0), self.to.map_or(DAY_MINUTES, |at| at.0));
        let (today, yesterday) = (local.days_after_monday, (local.days_after_monday + 6) % 7);
        if from < to {
            return self.on(today) && (from..to).contains(&local.minute);
        }
        (self.on(today) && local.minute >= from) || (self.on(yesterday) && local.minute < to)
    }

    fn on(&self, days_after_monday: u8) -> bool {
        self.days.as_ref().is_none_or(|days| days.contains(&Day::after_monday(days_after_monday)))
    }

    fn check(&self, faults: &mut Faults, pointer: &str) {
        let days = self.days.as_ref().is_none_or(|days| (1..=7).contains(&days.len()));
        faults.expect(days, &format!("{pointer}/days"), "does not have 1 to 7 days");
        match (self.from, self.to) {
            (Some(_), None) => faults.add(format!("{pointer}/to"), "is missing where there is a `from`"),
            (None, Some(_)) => faults.add(format!("{pointer}/from"), "is missing where there is a `to`"),
            (Some(from), Some(to)) => {
                let differ = from.0 % DAY_MINUTES != to.0 % DAY_MINUTES || (from.0, to.0) == (0, DAY_MINUTES);
                faults.expect(
                    differ,
                    &format!("{pointer}/to"),
                    "is the same as `from`; leave both out for the whole day",
                );
                faults.expect(from.0 < DAY_MINUTES, &format!("{pointer}/from"), "is 24:00; the day begins at 00:00");
            }
            (None, None) => faults.expect(self.days.is_some(), pointer, "names neither days nor times"),
        }
    }
}

/// One window, or a list of which one is enough; shown again as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Windows {
    /// One.
    One(During),
    /// Any of these.
    Any(Vec<During>),
}

impl Windows {
    /// Whether a moment is in one of them.
    pub fn hold(&self, local: LocalTime) -> bool {
        match self {
            Self::One(window) => window.holds(local),
            Self::Any(windows) => windows.iter().any(|window| window.holds(local)),
        }
    }

    /// Notes what cannot be meant, at this pointer.
    pub fn check(&self, faults: &mut Faults, pointer: &str) {
        match self {
            Self::One(window) => window.check(faults, pointer),
            Self::Any(windows) => {
                let fits = (1..=WINDOWS_MAX).contains(&windows.len());
                faults.expect(fits, pointer, "does not have 1 to 50 windows");
                for (index, window) in windows.iter().take(WINDOWS_MAX).enumerate() {
                    window.check(faults, &format!("{pointer}/{index}"));
                }
            }
        }
    }
}

impl Serialize for Windows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(window) => window.serialize(serializer),
            Self::Any(windows) => windows.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Windows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a window { days, from, to } or a list of windows")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Windows, A::Error> {
        During::deserialize(MapAccessDeserializer::new(map)).map(Windows::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Windows, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Windows::Any)
    }
}

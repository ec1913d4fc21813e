//! Times and business dates. Nothing here reads a clock: a time is always an argument.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp as Instant};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A moment in UTC with milliseconds; RFC 3339 outside, milliseconds since the Unix epoch in storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339; finer than milliseconds is cut off.
    ///
    /// # Errors
    /// Text that is no RFC 3339 time between the years -9999 and 9999.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        text.parse::<Instant>().map(|at| Self(at.as_millisecond())).map_err(|_| "is not an RFC 3339 time")
    }

    /// This moment and so many milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    fn instant(self) -> Instant {
        Instant::from_millisecond(self.0).unwrap_or(if self.0 < 0 { Instant::MIN } else { Instant::MAX })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.instant())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A day of trade at a venue, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BusinessDate(pub i32);

impl BusinessDate {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let date: Date = text.parse().map_err(|_| "is not a date (YYYY-MM-DD)")?;
        if text.len() != 10 {
            return Err("is not a date (YYYY-MM-DD)");
        }
        Ok(Self::of(date))
    }

    /// The business date of a moment: the local date, less one day before the business day starts.
    pub fn at(moment: Timestamp, zone: &Zone, business_day_starts: u8) -> Self {
        let local = zone.0.to_datetime(moment.instant());
        let date = local.date();
        let early = local.hour() < i8::try_from(business_day_starts).unwrap_or(0);
        Self::of(if early { date.yesterday().unwrap_or(date) } else { date })
    }

    /// When it ends: the moment at which the next business day starts in the zone. Where the clock jumps over that hour, right after
    /// the jump; where the hour comes twice, the first time.
    pub fn end(self, zone: &Zone, business_day_starts: u8) -> Timestamp {
        let hour = i8::try_from(business_day_starts.min(23)).unwrap_or(0);
        let next = self.date().tomorrow().unwrap_or(Date::MAX).at(hour, 0, 0, 0);
        let moment = zone.0.to_ambiguous_timestamp(next).compatible();
        Timestamp(moment.map_or(i64::MAX, Instant::as_millisecond))
    }

    fn of(date: Date) -> Self {
        let days = date.duration_since(epoch()).as_hours() / 24;
        Self(i32::try_from(days).unwrap_or(0))
    }

    /// The Monday of its week.
    #[must_use]
    pub fn monday(self) -> Self {
        // 1970-01-01 was a Thursday
        Self(self.0.saturating_sub((self.0.rem_euclid(7) + 3) % 7))
    }

    fn date(self) -> Date {
        epoch().checked_add(SignedDuration::from_hours(i64::from(self.0) * 24)).unwrap_or(Date::MAX)
    }
}

fn epoch() -> Date {
    Date::constant(1970, 1, 1)
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date())
    }
}

impl Serialize for BusinessDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// An IANA time zone from the embedded database, so that the same name means the same everywhere.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Finds a zone by its IANA name, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// A name that the database does not have.
    pub fn named(name: &str) -> Result<Self, &'static str> {
        TimeZoneDatabase::bundled().get(name).map(Self).map_err(|_| "is not an IANA time zone")
    }

    /// The zone of this name, or UTC. Names in the state were checked when they were saved.
    pub fn named_or_utc(name: &str) -> Self {
        Self::named(name).unwrap_or(Self(TimeZone::UTC))
    }

    /// The moment at which a clock of this zone shows a date and time, such as `2025-02-14 19:05`. Where a clock is turned back the
    /// first of both, where it is turned forward the time as if it were not.
    pub fn local_moment(&self, text: &str) -> Option<Timestamp> {
        let local: DateTime = text.parse().ok()?;
        text.contains([' ', 'T', 't']).then(|| self.moment_at(local)).flatten()
    }

    /// The moment at which a clock of this zone shows a time, such as `19:05`, within a business date that starts at this hour.
    pub fn moment_of_day(&self, text: &str, date: BusinessDate, business_day_starts: u8) -> Option<Timestamp> {
        let time: Time = text.parse().ok()?;
        let early = time.hour() < i8::try_from(business_day_starts).unwrap_or(0);
        let date = if early { date.date().tomorrow().ok()? } else { date.date() };
        self.moment_at(date.to_datetime(time))
    }

    /// The next moment after `after` at which a clock of this zone shows a time, in minutes after midnight. Where the clock is put
    /// forward over that time, right after; where it comes twice, whichever of both comes next.
    pub fn next_time_of_day(&self, minute: u16, after: Timestamp) -> Timestamp {
        let part = |number: u16| i8::try_from(number).unwrap_or(0);
        let date = self.0.to_datetime(after.instant()).date();
        let dates = [Some(date), date.tomorrow().ok(), date.tomorrow().and_then(Date::tomorrow).ok()];
        let times = dates.into_iter().flatten().flat_map(|date| {
            let local = || self.0.to_ambiguous_timestamp(date.at(part(minute / 60 % 24), part(minute % 60), 0, 0));
            // The same but where the time comes twice.
            let both = [local().compatible(), local().later()];
            both.into_iter().flatten().map(|at| Timestamp(at.as_millisecond()))
        });
        times.filter(|at| *at > after).min().unwrap_or_else(|| after.plus_ms(DAY_MS))
    }

    fn moment_at(&self, local: DateTime) -> Option<Timestamp> {
        let instant = self.0.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Timestamp(instant.as_millisecond()))
    }

    /// The weekday and the time of the clock on the wall at a moment.
    pub fn local(&self, moment: Timestamp) -> LocalTime {
        let local = self.0.to_datetime(moment.instant());
        let small = |number: i8| u8::try_from(number).unwrap_or(0);
        let minute = u16::from(small(local.hour())) * 60 + u16::from(small(local.minute()));
        LocalTime { days_after_monday: small(local.date().weekday().to_monday_zero_offset()), minute }
    }

    /// The local date and time of a moment, to the minute, for messages: `2025-02-14 19:05`.
    pub fn local_text(&self, moment: Timestamp) -> String {
        let local = self.0.to_datetime(moment.instant());
        format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
    }
}

/// A weekday and a time on the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 is Monday, 6 is Sunday.
    pub days_after_monday: u8,
    /// Minutes after midnight.
    pub minute: u16,
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WEEK: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let day = WEEK[usize::from(self.days_after_monday) % 7];
        write!(f, "{day} {:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_of(moment: &str, zone: &str, starts: u8) -> String {
        BusinessDate::at(Timestamp::parse(moment).unwrap(), &Zone::named(zone).unwrap(), starts).to_string()
    }

    #[test]
    fn the_business_day_starts_at_its_hour_in_the_venues_zone() {
        assert_eq!(date_of("2025-01-15T11:59:59.999Z", "America/Los_Angeles", 4), "2025-01-14");
        assert_eq!(date_of("2025-01-15T12:00:00Z", "America/Los_Angeles", 4), "2025-01-15");
        assert_eq!(date_of("2025-01-15T08:00:00Z", "America/Los_Angeles", 0), "2025-01-15");
        assert_eq!(
            date_of("2025-03-30T01:30:00Z", "Europe/Berlin", 3),
            "2025-03-30",
            "02:30 does not exist that night"
        );
    }

    #[test]
    fn a_business_date_ends_where_the_next_one_starts_also_when_the_clock_jumps() {
        for (date, zone, starts, end) in [
            ("2025-01-15", "Europe/Berlin", 4, "2025-01-16T03:00:00.000Z"),
            ("2025-01-15", "America/Los_Angeles", 0, "2025-01-16T08:00:00.000Z"),
            ("2025-03-29", "Europe/Berlin", 2, "2025-03-30T01:00:00.000Z"), // 02:00 does not exist
            ("2025-10-25", "Europe/Berlin", 2, "2025-10-26T00:00:00.000Z"), // 02:00 comes twice
            ("2024-02-28", "UTC", 4, "2024-02-29T04:00:00.000Z"),
            ("2024-02-29", "UTC", 4, "2024-03-01T04:00:00.000Z"),
        ] {
            let (date, zone) = (BusinessDate::parse(date).unwrap(), Zone::named(zone).unwrap());
            let ends = date.end(&zone, starts);
            assert_eq!(ends.to_string(), end);
            assert_eq!(BusinessDate::at(ends.plus_ms(-1), &zone, starts), date, "{end}");
            assert_eq!(BusinessDate::at(ends, &zone, starts), BusinessDate(date.0 + 1), "{end}");
        }
    }

    #[test]
    fn times_are_written_with_milliseconds_and_read_back() {
        let at = Timestamp::parse("2025-02-14T19:05:00.1239+01:00").unwrap();
        assert_eq!(at.to_string(), "2025-02-14T18:05:00.123Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        assert!(Timestamp::parse("yesterday").is_err());
    }

    #[test]
    fn dates_survive_the_round_trip_on_both_sides_of_the_epoch() {
        for text in ["1969-12-31", "1970-01-01", "2024-02-29", "2026-11-22"] {
            assert_eq!(BusinessDate::parse(text).unwrap().to_string(), text);
        }
        assert!(BusinessDate::parse("2025-02-30").is_err());
        assert!(BusinessDate::parse("2025-2-3").is_err());
    }
}

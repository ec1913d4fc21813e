//! The last fourteen business days of the sample group, so that lists and trends have something to show.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::chance::Chance;
use super::reports::{self, Comp};
use super::world::{VENUES, Venue};

/// How many days back it goes.
pub const DAYS: usize = 14;
/// How many violations there are.
pub const COUNT: usize = 60;

/// Something that happened, and what became of it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Past {
    pub venue: usize,
    pub body: Value,
    pub ending: Ending,
}

/// What people did about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Ending {
    Resolved(&'static str),
    Acknowledged(&'static str),
    Open,
}

const RESOLUTIONS: [&str; 5] = [
    "Talked it through before the next shift",
    "Guest complaint was justified, comp stands",
    "Covered by a double shift",
    "Section plan changed",
    "Kitchen delay, not the server's doing",
];

/// The violations, oldest day first. `now_ms` is the end of history; the same arguments give the same past.
pub fn past(seed: u64, now_ms: i64) -> Vec<Past> {
    let mut chance = Chance::new(seed);
    let days_ago = |number: usize| (DAYS * (COUNT - number)).div_ceil(COUNT);
    (0..COUNT).map(|number| one(&mut chance, number, days_ago(number), now_ms)).collect()
}

fn one(chance: &mut Chance, number: usize, days_ago: usize, now_ms: i64) -> Past {
    let place = chance.index(VENUES.len());
    let venue = &VENUES[place];
    let mut body = what(chance, number, venue);
    body["source_table"] = json!("history");
    body["source_id"] = json!(format!("history-{number}"));
    if let Some((date, moment)) = evening(venue, days_ago, now_ms, chance.between(0, 239)) {
        body["business_date"] = json!(date.to_string());
        body["detected_at"] = json!(moment.to_string());
    }
    let ending = match days_ago {
        3.. => Ending::Resolved(chance.pick(&RESOLUTIONS)),
        _ if chance.percent(40) => Ending::Resolved(chance.pick(&RESOLUTIONS)),
        _ if chance.percent(50) => Ending::Acknowledged("Looking into it with the team"),
        _ => Ending::Open,
    };
    Past { venue: place, body, ending }
}

fn what(chance: &mut Chance, number: usize, venue: &Venue) -> Value {
    let id = number.to_string();
    let server = chance.pick(&venue.floor);
    match chance.between(1, 10) {
        1..=5 => {
            let comp =
                Comp { cents: chance.between(18, 320) * 100, reason: "Guest complaint", approved: chance.percent(85) };
            reports::comp(&id, venue, server, comp)
        }
        6..=7 => reports::pace(venue, chance.between(11, 38), chance.between(40, 90) * 100),
        8..=9 => reports::greeting(&id, venue, server, chance.between(1, 30), chance.between(130, 400)),
        _ => reports::gap(venue, "floor", chance.between(2, 9), chance.between(4, 8)),
    }
}

/// The business date so many days ago at a venue, and a moment between 18:00 and 22:00 of it.
fn evening(venue: &Venue, days_ago: usize, now_ms: i64, minute: u32) -> Option<(Date, Timestamp)> {
    let zone = TimeZone::get(venue.time_zone).ok()?;
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let date = zone.to_datetime(now).date().checked_sub(i64::try_from(days_ago).ok()?.days()).ok()?;
    let start = date.at(18, 0, 0, 0).checked_add(i64::from(minute).minutes()).ok()?;
    Some((date, start.to_zoned(zone).ok()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{BusinessDate, Timestamp as Moment, Zone};

    const NOW_MS: i64 = 1_780_000_000_000;

    #[test]
    fn the_past_is_as_long_as_said_and_over() {
        let past = past(1, NOW_MS);
        assert_eq!(past.len(), COUNT);
        let mut dates: Vec<&str> = past.iter().map(|one| one.body["business_date"].as_str().unwrap()).collect();
        dates.sort_unstable();
        dates.dedup();
        assert!(dates.len() >= 12, "{dates:?}");
        for one in &past {
            let at: Timestamp = one.body["detected_at"].as_str().unwrap().parse().unwrap();
            assert!(at.as_millisecond() < NOW_MS, "{at}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_past() {
        let bodies = |seed| past(seed, NOW_MS).into_iter().map(|one| one.body).collect::<Vec<_>>();
        assert_eq!(bodies(3), bodies(3));
        assert_ne!(bodies(3), bodies(4));
    }

    #[test]
    fn some_are_resolved_some_acknowledged_and_some_left_to_the_visitor() {
        let past = past(1, NOW_MS);
        let count = |wanted: fn(&Ending) -> bool| past.iter().filter(|one| wanted(&one.ending)).count();
        assert!(count(|ending| matches!(ending, Ending::Resolved(_))) > 40);
        assert!(count(|ending| matches!(ending, Ending::Acknowledged(_))) >= 1);
        assert!(count(|ending| matches!(ending, Ending::Open)) >= 1);
    }

    #[test]
    fn the_business_date_is_the_one_that_the_venue_would_have_given() {
        for one in past(1, NOW_MS) {
            let at: Timestamp = one.body["detected_at"].as_str().unwrap().parse().unwrap();
            let zone = Zone::named(VENUES[one.venue].time_zone).unwrap();
            let date = BusinessDate::at(Moment(at.as_millisecond()), &zone, 4);
            assert_eq!(one.body["business_date"], date.to_string());
        }
    }
}

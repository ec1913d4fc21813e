//! Quiet hours over the changes of the clock, digests, and what is saved as it was read.

use serde_json::{Value, json};

use super::*;
use crate::domain::testing::{Tenant, at, key, person, pointers, rung, tenant};

fn draft(value: Value) -> PreferencesDraft {
    serde_json::from_value(value).expect("preferences")
}

fn quiet(from: &str, to: &str, zone: &str) -> QuietHours {
    let draft = draft(json!({ "quiet_hours": { "from": from, "to": to, "time_zone": zone } }));
    draft.checked().unwrap().quiet_hours.unwrap()
}

fn shown(tenant: &Tenant, person: &str) -> PreferencesDraft {
    crate::domain::view::notifications::preferences(&tenant.state, &UserId::parse(person).unwrap())
}

#[test]
fn quiet_hours_end_by_the_persons_clock_whatever_becomes_of_it() {
    let berlin = "Europe/Berlin";
    for (from, to, zone, now, ends) in [
        ("22:00", "07:00", berlin, "2025-02-14T20:59:59Z", None),
        ("22:00", "07:00", berlin, "2025-02-14T21:00:00Z", Some("2025-02-15T06:00:00Z")),
        ("22:00", "07:00", berlin, "2025-02-15T05:59:59Z", Some("2025-02-15T06:00:00Z")),
        ("22:00", "07:00", berlin, "2025-02-15T06:00:00Z", None),
        ("22:00", "07:00", "America/Los_Angeles", "2025-02-15T06:30:00Z", Some("2025-02-15T15:00:00Z")),
        ("13:00", "15:00", berlin, "2025-02-14T12:30:00Z", Some("2025-02-14T14:00:00Z")),
        ("13:00", "15:00", berlin, "2025-02-14T11:30:00Z", None),
        // The night with 23 hours: seven o'clock is an hour earlier.
        ("22:00", "07:00", berlin, "2025-03-29T23:00:00Z", Some("2025-03-30T05:00:00Z")),
        // 02:30 does not exist in that night.
        ("22:00", "02:30", berlin, "2025-03-30T00:30:00Z", Some("2025-03-30T01:30:00Z")),
        ("22:00", "02:30", berlin, "2025-03-30T01:10:00Z", None),
        // The night with 25 hours: seven o'clock is an hour later.
        ("22:00", "07:00", berlin, "2025-10-25T21:00:00Z", Some("2025-10-26T06:00:00Z")),
        // 02:30 comes twice in that night; in the second hour the next one counts.
        ("22:00", "02:30", berlin, "2025-10-26T00:10:00Z", Some("2025-10-26T00:30:00Z")),
        ("22:00", "02:30", berlin, "2025-10-26T01:10:00Z", Some("2025-10-26T01:30:00Z")),
        ("22:00", "02:30", berlin, "2025-10-26T01:40:00Z", None),
    ] {
        let found = quiet(from, to, zone).until(at(now));
        assert_eq!(found, ends.map(at), "{from}-{to} in {zone} at {now}");
    }
}

#[test]
fn a_digest_goes_out_at_its_time() {
    let kind = NotificationType::ViolationAlert;
    let (now, ends) = (at("2025-02-14T19:05:30Z"), at("2025-02-15T03:00:00Z"));
    let zone = Zone::named("America/New_York").unwrap();
    let at_of = |value: Value| draft(value).checked().unwrap().digest_at(kind, now, ends, &zone);
    assert_eq!(at_of(json!({})), None);
    assert_eq!(at_of(json!({ "digest": { "violation_alert": "hourly" } })), Some(at("2025-02-14T20:00:00Z")));
    assert_eq!(at_of(json!({ "digest": { "violation_alert": "end_of_service" } })), Some(ends));
    assert_eq!(at_of(json!({ "digest": { "violation_alert": "daily" } })), Some(at("2025-02-15T13:00:00Z")));
    let own = json!({
        "digest": { "violation_alert": "daily" },
        "quiet_hours": { "from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin" },
    });
    assert_eq!(at_of(own), Some(at("2025-02-15T07:00:00Z")), "by the person's clock");
}

#[test]
fn what_was_read_is_saved_as_it_is_and_what_was_never_said_is_as_shipped() {
    let mut tenant = tenant().by(person("gus", rung("gm")));
    let before = serde_json::to_value(shown(&tenant, "gus")).unwrap();
    assert_eq!(before["channels"].as_object().unwrap().len(), NotificationType::CHOSEN.len());
    assert_eq!(before.get("quiet_hours"), None);
    tenant.run(SavePreferences { draft: draft(before.clone()) });
    assert_eq!(serde_json::to_value(shown(&tenant, "gus")).unwrap(), before);
    let quiet = json!({ "from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin" });
    tenant.run(SavePreferences { draft: draft(json!({ "quiet_hours": quiet, "digest": { "dead_letter": "daily" } })) });
    let mut wanted = before.clone();
    wanted["quiet_hours"] = quiet;
    wanted["digest"]["dead_letter"] = json!("daily");
    assert_eq!(serde_json::to_value(shown(&tenant, "gus")).unwrap(), wanted);
    let again = SavePreferences { draft: shown(&tenant, "gus") };
    tenant.run(again.clone());
    tenant.run(again);
    assert!(tenant.last.is_empty(), "the same again changes nothing");
    assert_eq!(serde_json::to_value(shown(&tenant, "mia")).unwrap(), before, "of another person");
}

#[test]
fn what_cannot_be_meant_is_refused_at_its_place() {
    let mut tenant = tenant().by(person("gus", rung("gm")));
    let all = json!({ "in_app": true, "email": true, "slack": true, "push": true });
    for (value, at) in [
        (json!({ "channels": { "weather/today": all } }), vec!["/channels/weather~1today"]),
        (json!({ "digest": { "digest": "hourly" } }), vec!["/digest/digest"]),
        (
            json!({ "quiet_hours": { "from": "24:00", "to": "7:00", "time_zone": "Mars" } }),
            vec!["/quiet_hours/from", "/quiet_hours/to", "/quiet_hours/time_zone"],
        ),
        (json!({ "quiet_hours": { "from": "07:00", "to": "07:00", "time_zone": "UTC" } }), vec!["/quiet_hours/to"]),
    ] {
        assert_eq!(pointers(&tenant.refused(SavePreferences { draft: draft(value) })), at);
    }
    assert!(serde_json::from_value::<PreferencesDraft>(json!({ "no_such_preference": true })).is_err());
    tenant.caller(key(crate::domain::people::Held::Top));
    let of_a_key = tenant.refused(SavePreferences { draft: PreferencesDraft::default() });
    assert_eq!(of_a_key, Rejection::NotFound, "a key is nobody");
}

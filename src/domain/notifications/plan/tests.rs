//! The plan as a table.

use serde_json::{Value, json};

use super::*;
use crate::domain::ids::UserId;
use crate::domain::notifications::preferences::PreferencesDraft;
use crate::domain::testing::at;
use crate::domain::time::MINUTE_MS;

fn someone(preferences: Value) -> Person {
    let draft: PreferencesDraft = serde_json::from_value(preferences).unwrap();
    let preferences = draft.checked().unwrap();
    Person { preferences, ..Person::new(UserId::parse("gus").unwrap()) }
}

fn moment(now: &str, rush: Option<&str>) -> Moment {
    let (now, ends) = (at(now), at("2025-02-15T03:00:00Z"));
    Moment { now, rush_until: rush.map(at), service_ends: ends, zone: Zone::named("Europe/Berlin").unwrap() }
}

/// When it leaves by mail: `now`, never, or held until then.
fn by_mail(critical: bool, person: &Person, moment: &Moment) -> String {
    let planned = plan(NotificationType::ViolationAlert, critical, Some(person), moment);
    match planned.iter().find(|one| one.medium == Medium::Email) {
        None => "never".into(),
        Some(one) if one.state == DeliveryState::Pending => {
            assert_eq!(one.due_at, moment.now);
            "now".into()
        }
        Some(one) => one.due_at.to_string(),
    }
}

#[test]
fn each_way_is_held_as_long_as_the_longest_of_its_reasons_and_critical_passes_all_but_off() {
    let quiet = json!({ "from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin" });
    let off = json!({ "violation_alert": { "in_app": true, "email": false, "slack": false, "push": false } });
    let hourly = json!({ "violation_alert": "hourly" });
    let (evening, night) = ("2025-02-14T19:30:00Z", "2025-02-14T22:30:00Z");
    let rush = Some("2025-02-14T21:15:00Z");
    for (preferences, now, rush, ordinary, critical) in [
        (json!({}), evening, None, "now", "now"),
        (json!({ "channels": off }), evening, None, "never", "never"),
        (json!({ "quiet_hours": quiet }), evening, None, "now", "now"),
        (json!({ "quiet_hours": quiet }), night, None, "2025-02-15T06:00:00.000Z", "now"),
        (json!({}), evening, rush, "2025-02-14T21:15:00.000Z", "now"),
        // The rush ends in the quiet: what waited for it waits on.
        (json!({ "quiet_hours": quiet }), evening, rush, "2025-02-15T06:00:00.000Z", "now"),
        (json!({ "digest": hourly }), evening, None, "2025-02-14T20:00:00.000Z", "now"),
        (json!({ "digest": hourly }), evening, rush, "2025-02-14T21:15:00.000Z", "now"),
        (json!({ "digest": hourly, "quiet_hours": quiet }), night, None, "2025-02-15T06:00:00.000Z", "now"),
        (
            json!({ "digest": { "violation_alert": "end_of_service" } }),
            evening,
            None,
            "2025-02-15T03:00:00.000Z",
            "now",
        ),
        (json!({ "channels": off, "quiet_hours": quiet }), night, rush, "never", "never"),
    ] {
        let (person, moment) = (someone(preferences.clone()), moment(now, rush));
        let found = (by_mail(false, &person, &moment), by_mail(true, &person, &moment));
        assert_eq!(found, (ordinary.into(), critical.into()), "{preferences} at {now}, rush {rush:?}");
    }
}

#[test]
fn too_many_single_messages_become_one_digest_and_what_is_critical_has_places_of_its_own() {
    let moment = moment("2025-02-14T19:30:00Z", None);
    let mut person = someone(json!({}));
    let ago = |minutes: i64| moment.now.plus_ms(-minutes * MINUTE_MS);
    let ordinary = SINGLES_MAX - SINGLES_FOR_CRITICAL;
    person.singles = vec![(Medium::Email, ago(10)); 20]; // over
    person.singles.extend([(Medium::Push, ago(9)); 20]); // by another medium
    person.singles.extend(vec![(Medium::Email, ago(4)); ordinary - 1]);
    assert_eq!(by_mail(false, &person, &moment), "now");
    person.singles.push((Medium::Email, ago(1)));
    assert_eq!(by_mail(false, &person, &moment), "2025-02-14T19:36:00.000Z", "when the window has room again");
    assert_eq!(by_mail(true, &person, &moment), "now");
    person.singles.extend([(Medium::Email, ago(1)); SINGLES_FOR_CRITICAL]);
    assert_eq!(by_mail(true, &person, &moment), "2025-02-14T19:36:00.000Z");
}

#[test]
fn nobody_is_pushed_to_who_has_no_browser_there() {
    let moment = moment("2025-02-14T19:30:00Z", None);
    let media = |person: Option<&Person>| {
        let planned = plan(NotificationType::Escalation, true, person, &moment);
        planned.iter().map(|one| one.medium).collect::<Vec<_>>()
    };
    assert_eq!(media(None), [Medium::Email]);
    let mut person = someone(json!({}));
    person.subscriptions.push(crate::domain::notifications::push::PushSubscription {
        id: uuid::Uuid::nil(),
        endpoint: "https://push.example/1".into(),
        p256dh: "".into(),
        auth: "".into(),
        created_at: moment.now,
    });
    assert_eq!(media(Some(&person)), [Medium::Email, Medium::Push]);
}

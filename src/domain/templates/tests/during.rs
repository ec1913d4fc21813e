//! Windows of the week, on ordinary days and on those on which the clock is changed.

use serde_json::{Value, json};

use crate::domain::organisation::VenueDraft;
use crate::domain::settings::SaveVenue;
use crate::domain::testing::{Tenant, alert, at, comp, pointers, tenant, venue_draft};
use crate::domain::violations::report::Report;

/// A venue in Berlin and one in Los Angeles.
fn with_window(during: Value) -> Tenant {
    let far = VenueDraft { time_zone: "America/Los_Angeles".into(), ..venue_draft("quay") };
    tenant()
        .with_venue("pier")
        .with(SaveVenue { venue_id: "quay".into(), draft: far })
        .with_template(alert().when(json!({ "during": during })))
}

fn holds(during: &Value, moment: &str, venue: Option<&str>) -> bool {
    let mut tenant = with_window(during.clone());
    let report = Report { detected_at: Some(at(moment)), venue_id: venue.map(Into::into), ..comp() };
    let (id, _) = tenant.report(report);
    !tenant.violation(id).actions.is_empty()
}

#[test]
fn a_window_is_one_of_the_venues_clock() {
    let friday_night = json!({ "days": ["fri"], "from": "22:00", "to": "02:00" });
    let working = json!({ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:30" });
    let weekend = json!({ "days": ["sat", "sun"] });
    let lunch = json!({ "from": "11:30", "to": "14:00" });
    let late = json!({ "from": "23:00", "to": "24:00" });
    let sunday_night = json!({ "days": ["sun"], "from": "23:00", "to": "01:00" });
    let either = json!([{ "days": ["mon"] }, { "days": ["fri"], "from": "19:00", "to": "20:00" }]);
    let table = [
        // 14 February 2025 is a Friday; Berlin is one hour ahead
        (&friday_night, "2025-02-14T20:59:59.999Z", false),
        (&friday_night, "2025-02-14T21:00:00Z", true),
        (&friday_night, "2025-02-15T00:59:59.999Z", true),
        (&friday_night, "2025-02-15T01:00:00Z", false),
        (&friday_night, "2025-02-14T00:30:00Z", false), // the night of Thursday
        (&friday_night, "2025-02-15T21:30:00Z", false),
        (&working, "2025-02-14T07:59:00Z", false),
        (&working, "2025-02-14T08:00:00Z", true),
        (&working, "2025-02-14T16:29:59Z", true),
        (&working, "2025-02-14T16:30:00Z", false),
        (&working, "2025-02-15T12:00:00Z", false),
        (&weekend, "2025-02-14T22:59:59Z", false),
        (&weekend, "2025-02-14T23:00:00Z", true),
        (&weekend, "2025-02-16T22:59:59Z", true),
        (&weekend, "2025-02-16T23:00:00Z", false),
        (&lunch, "2025-02-12T10:30:00Z", true),
        (&lunch, "2025-02-12T13:00:00Z", false),
        (&late, "2025-02-12T22:59:59Z", true),
        (&late, "2025-02-12T23:00:00Z", false),
        (&sunday_night, "2025-02-16T23:30:00Z", true), // Monday, half past midnight
        (&sunday_night, "2025-02-17T22:30:00Z", false),
        (&either, "2025-02-14T18:30:00Z", true),
        (&either, "2025-02-14T17:30:00Z", false),
        (&either, "2025-02-17T02:00:00Z", true),
    ];
    for (window, moment, expected) in table {
        assert_eq!(holds(window, moment, Some("pier")), expected, "{window} at {moment}");
        assert_eq!(holds(window, moment, None), expected, "{window} at {moment} by the organisation's zone");
    }
    assert!(holds(&friday_night, "2025-02-15T06:30:00Z", Some("quay")), "Friday 22:30 in Los Angeles");
    assert!(!holds(&friday_night, "2025-02-15T06:30:00Z", Some("pier")));
}

#[test]
fn the_clock_that_is_changed_decides_on_the_day_on_which_it_is_changed() {
    let around = json!({ "days": ["sun"], "from": "01:30", "to": "03:30" });
    let inside = json!({ "days": ["sun"], "from": "02:00", "to": "03:00" });
    let night = json!({ "days": ["sat"], "from": "22:00", "to": "02:30" });
    let table = [
        // 30 March 2025: after 01:59:59 comes 03:00:00
        (&around, "2025-03-30T00:29:59Z", false),
        (&around, "2025-03-30T00:30:00Z", true),
        (&around, "2025-03-30T00:59:59Z", true),
        (&around, "2025-03-30T01:00:00Z", true),
        (&around, "2025-03-30T01:29:59Z", true),
        (&around, "2025-03-30T01:30:00Z", false),
        (&inside, "2025-03-30T00:59:59Z", false),
        (&inside, "2025-03-30T01:00:00Z", false), // the hour that does not exist
        (&night, "2025-03-30T00:59:59Z", true),
        (&night, "2025-03-30T01:00:00Z", false),
        // 26 October 2025: after 02:59:59 comes 02:00:00 again
        (&inside, "2025-10-25T23:59:59Z", false),
        (&inside, "2025-10-26T00:00:00Z", true),
        (&inside, "2025-10-26T00:59:59Z", true),
        (&inside, "2025-10-26T01:00:00Z", true), // the second time
        (&inside, "2025-10-26T01:59:59Z", true),
        (&inside, "2025-10-26T02:00:00Z", false),
        (&night, "2025-10-26T00:29:59Z", true),
        (&night, "2025-10-26T00:30:00Z", false),
        (&night, "2025-10-26T01:00:00Z", true), // 02:00 by the clock once more
        (&night, "2025-10-26T01:30:00Z", false),
        // a leap day, which is a Thursday
        (&json!({ "days": ["thu"] }), "2024-02-29T12:00:00Z", true),
        (&json!({ "days": ["wed"], "from": "22:00", "to": "02:00" }), "2024-02-29T00:30:00Z", true),
        (&json!({ "days": ["thu"], "from": "22:00", "to": "02:00" }), "2024-03-01T00:30:00Z", true),
        (&json!({ "days": ["fri"] }), "2024-02-29T22:59:59Z", false),
        (&json!({ "days": ["fri"] }), "2024-02-29T23:00:00Z", true),
    ];
    for (window, moment, expected) in table {
        assert_eq!(holds(window, moment, Some("pier")), expected, "{window} at {moment}");
    }
}

#[test]
fn a_re_report_is_judged_by_its_own_time() {
    let conditions = json!({ "during": { "from": "21:00", "to": "23:00" }, "repeat_after_minutes": 5 });
    let mut tenant = tenant().with_template(alert().when(conditions)); // it is 20:00 in Berlin
    let report = || Report { source_id: Some("row-1".into()), ..comp() };
    let (id, _) = tenant.report(report());
    assert!(tenant.violation(id).actions.is_empty());
    tenant.later_minutes(90).report(report());
    assert_eq!(tenant.violation(id).actions.len(), 1);
}

#[test]
fn windows_that_cannot_be_meant_are_refused_where_they_are() {
    let refused = |during: Value| {
        let refusal = tenant().refused(alert().when(json!({ "during": during })));
        pointers(&refusal).into_iter().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!({})), ["/conditions/during"]);
    assert_eq!(refused(json!([])), ["/conditions/during"]);
    assert_eq!(refused(json!({ "days": [] })), ["/conditions/during/days"]);
    assert_eq!(refused(json!({ "from": "10:00" })), ["/conditions/during/to"]);
    assert_eq!(refused(json!([{ "days": ["mon"] }, { "to": "10:00" }])), ["/conditions/during/1/from"]);
    assert_eq!(refused(json!({ "from": "10:00", "to": "10:00" })), ["/conditions/during/to"]);
    assert_eq!(refused(json!({ "from": "24:00", "to": "10:00" })), ["/conditions/during/from"]);
    assert_eq!(refused(json!(vec![json!({ "days": ["mon"] }); 51])), ["/conditions/during"]);
    let unread = |during: Value| serde_json::from_value::<TemplateConditions>(json!({ "during": during })).is_err();
    type TemplateConditions = crate::domain::templates::conditions::Conditions;
    for wrong in ["24:01", "7:00", "07:60", "0700", "seven", "+1:00", ""] {
        assert!(unread(json!({ "from": wrong, "to": "08:00" })), "{wrong}");
    }
    assert!(unread(json!({ "days": ["monday"] })) && unread(json!({ "day": ["mon"] })) && unread(json!("mon")));
}

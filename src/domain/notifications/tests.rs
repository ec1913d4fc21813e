//! One notification a person, what is held and gathered, what is read, and that nothing grows without bound.

use std::collections::BTreeMap;

use serde_json::json;

use super::commands::{Notify, ReadAllNotifications, ReadNotification, RecordNotified, Source};
use super::preferences::SavePreferences;
use super::push::{AddPushSubscription, RemovePushSubscription, SUBSCRIPTIONS_MAX};
use super::rush::ChangeRush;
use super::*;
use crate::domain::actions::retry::SCHEDULE_MS;
use crate::domain::blocks::place::Tick;
use crate::domain::decision::Answer;
use crate::domain::rejection::Rejection;
use crate::domain::testing::{Tenant, alert, at, comp, id, mia, olga, person, refund, refunding, rung, tenant};
use crate::domain::violations::Severity;
use crate::domain::violations::report::Report;

/// An alert for people on every comp.
fn house() -> Tenant {
    tenant().with_venue("pier").with_template(alert().to("role:gm").saying("Look"))
}

fn tell(tenant: &mut Tenant, people: &[&str]) -> Uuid {
    let action = tenant.state.actions.before(u64::MAX).next().expect("an action").id;
    let people = people.iter().map(|name| id(name)).collect();
    tenant.run(Notify { source: Source::Action { id: action, step: None }, people, names: BTreeMap::new() });
    action
}

/// Reports something new, and tells a person of it.
fn alarm(tenant: &mut Tenant, number: usize, people: &[&str]) {
    tenant.report(new(number));
    tell(tenant, people);
}

/// A comp that nobody has reported before.
fn new(number: usize) -> Report {
    comp().with_metadata(json!({ "server_id": format!("s{number}"), "comp_amount": 250 }))
}

fn of(tenant: &Tenant, person: &str) -> Vec<Notification> {
    tenant.state.notifications.of(&id(person), u64::MAX).filter(|one| one.is_listed()).cloned().collect()
}

fn states(tenant: &Tenant, person: &str) -> Vec<DeliveryState> {
    let all = of(tenant, person);
    all.iter().rev().filter_map(|one| one.delivery(Medium::Email)).map(|one| one.state).collect()
}

/// What is to be sent to a person now, by type.
fn due(tenant: &Tenant) -> Vec<(NotificationType, String)> {
    let due = tenant.state.notifications.by_due().filter(|(one, _)| one.created_at <= tenant.now);
    due.map(|(one, _)| (one.kind, one.user_id.to_string())).collect()
}

#[test]
fn a_person_hears_of_a_thing_once_however_often_it_is_tried() {
    let mut tenant = house();
    tenant.report(comp());
    tell(&mut tenant, &["gus", "gil", "gus"]);
    assert_eq!((of(&tenant, "gus").len(), of(&tenant, "gil").len()), (1, 1));
    tell(&mut tenant, &["gus", "gil", "gia"]);
    assert_eq!((of(&tenant, "gus").len(), of(&tenant, "gia").len()), (1, 1), "and who was left out is told then");
    let one = &of(&tenant, "gus")[0];
    assert_eq!((one.kind, &*one.text, one.read_at), (NotificationType::ViolationAlert, "Look", None));
    assert_eq!(one.about.map(|about| about.kind), Some(AboutKind::Violation));
}

#[test]
fn an_announcement_waits_until_its_people_are_told_and_leaves_out_who_never_decides() {
    let mut tenant = tenant().with(refund()).by(mia());
    let approval = tenant.submit(refunding(80));
    let waiting = tenant.state.notifications.waiting().next().expect("an announcement").clone();
    assert_eq!(tenant.state.notifications.waiting_since(), Some(tenant.now));
    let names: BTreeMap<UserId, Arc<str>> = [(id("mia"), Arc::from("Mia Lindqvist"))].into();
    let notify = Notify { source: Source::Announcement(waiting.id), people: vec![id("olga"), id("mia")], names };
    tenant.run(notify.clone());
    assert_eq!(tenant.state.notifications.waiting().count(), 0);
    assert_eq!(of(&tenant, "mia").len(), 0, "nobody is asked about the own request");
    let one = of(&tenant, "olga").remove(0);
    assert_eq!(one.about, Some(About { kind: AboutKind::Approval, id: approval }));
    assert!(one.text.starts_with("Mia Lindqvist asks: Refund 80"), "{}", one.text);
    tenant.run(notify);
    assert!(tenant.last.is_empty(), "what waits no more changes nothing");
}

#[test]
fn a_storm_is_some_messages_and_one_digest_and_the_list_is_complete() {
    let mut tenant = house();
    for number in 0..30 {
        alarm(&mut tenant, number, &["gus"]);
    }
    assert_eq!(of(&tenant, "gus").len(), 30);
    let held = states(&tenant, "gus").iter().filter(|state| **state == DeliveryState::Held).count();
    assert_eq!(held, 30 - (SINGLES_MAX - SINGLES_FOR_CRITICAL));
    assert_eq!(tenant.state.next_tick(), Some(tenant.now.plus_ms(SINGLES_WINDOW_MS)));
    tenant.later_ms(SINGLES_WINDOW_MS).run(Tick { at_most: 10 });
    let digests = |tenant: &Tenant| due(tenant).iter().filter(|(kind, _)| *kind == NotificationType::Digest).count();
    assert_eq!(digests(&tenant), 1);
    let digest = tenant.state.notifications.iter().find(|one| !one.is_listed()).unwrap();
    assert!(digest.title.starts_with(&format!("{held} notifications since 2025-02-14 20:00")), "{}", digest.title);
    assert_eq!(digest.text.lines().count(), held.min(wording::DIGEST_LINES_MAX));
    assert_eq!(of(&tenant, "gus").len(), 30, "a digest is not on the list");
    tenant.run(Tick { at_most: 10 });
    assert_eq!(digests(&tenant), 1, "what was gathered is not gathered again");
    alarm(&mut tenant, 99, &["gus"]);
    assert_eq!(states(&tenant, "gus").last(), Some(&DeliveryState::Pending), "the window has room again");
}

#[test]
fn what_is_held_until_the_morning_is_one_message_then_unless_it_was_read() {
    let mut tenant = house().by(person("gus", rung("gm")));
    let quiet = json!({ "quiet_hours": { "from": "19:00", "to": "07:00", "time_zone": "Europe/Berlin" } });
    tenant.run(SavePreferences { draft: serde_json::from_value(quiet).unwrap() });
    for number in 0..3 {
        alarm(&mut tenant, number, &["gus"]);
    }
    assert_eq!(states(&tenant, "gus"), [DeliveryState::Held; 3]);
    let first = of(&tenant, "gus").last().unwrap().id;
    tenant.run(ReadNotification { id: first });
    assert_eq!(states(&tenant, "gus"), [DeliveryState::Dropped, DeliveryState::Held, DeliveryState::Held]);
    let morning = at("2025-02-15T06:00:00Z");
    assert_eq!(tenant.state.notifications.next_digest(), Some(morning));
    tenant.now = morning;
    tenant.run(Tick { at_most: 10 });
    let digest = tenant.state.notifications.iter().find(|one| !one.is_listed()).unwrap();
    assert_eq!((&*digest.title, digest.text.lines().count()), ("2 notifications since 2025-02-14 20:00", 2));
    assert_eq!(states(&tenant, "gus"), [DeliveryState::Dropped, DeliveryState::Digested, DeliveryState::Digested]);
}

#[test]
fn in_the_rush_only_what_is_critical_reaches_people() {
    let mut tenant = house();
    let windows = json!({ "days": ["fri"], "from": "19:00", "to": "22:30" });
    let change = ChangeRush { windows: Some(serde_json::from_value(windows).unwrap()) };
    tenant.run(change.clone());
    tenant.run(change);
    assert!(tenant.last.is_empty());
    alarm(&mut tenant, 1, &["gus"]);
    tenant.report(new(2).of_severity(Severity::Critical));
    tell(&mut tenant, &["gus"]);
    assert_eq!(states(&tenant, "gus"), [DeliveryState::Held, DeliveryState::Pending]);
    assert_eq!(
        tenant.state.next_tick(),
        Some(at("2025-02-14T21:30:00Z")),
        "when the rush ends by the clock on the wall"
    );
}

#[test]
fn reading_is_the_persons_own_and_happens_once() {
    let mut tenant = house();
    for number in 0..3 {
        alarm(&mut tenant, number, &["gus", "gil"]);
    }
    let first = of(&tenant, "gus")[0].id;
    tenant.caller(person("gil", rung("gm")));
    assert_eq!(tenant.refused(ReadNotification { id: first }), Rejection::NotFound);
    tenant.caller(person("gus", rung("gm")));
    tenant.run(ReadNotification { id: first });
    let read = of(&tenant, "gus")[0].read_at;
    assert_eq!(read, Some(tenant.now));
    tenant.later_minutes(1).run(ReadNotification { id: first });
    assert!(tenant.last.is_empty());
    assert_eq!(tenant.run(ReadAllNotifications), Answer::ReadAll(2));
    assert!(of(&tenant, "gus").iter().all(|one| one.read_at.is_some()));
    assert!(of(&tenant, "gil").iter().all(|one| one.read_at.is_none()));
    assert_eq!(tenant.run(ReadAllNotifications), Answer::ReadAll(0));
}

#[test]
fn who_wants_nothing_in_the_app_finds_it_there_as_read() {
    let mut tenant = house().by(person("gus", rung("gm")));
    let off = json!({ "channels": { "violation_alert": { "in_app": false, "email": false, "slack": false, "push": false } } });
    tenant.run(SavePreferences { draft: serde_json::from_value(off).unwrap() });
    alarm(&mut tenant, 1, &["gus"]);
    let one = of(&tenant, "gus").remove(0);
    assert_eq!((one.read_at, one.deliveries.len()), (Some(tenant.now), 0));
}

#[test]
fn attempts_follow_the_schedule_and_end() {
    let mut tenant = house();
    alarm(&mut tenant, 1, &["gus"]);
    let id = of(&tenant, "gus")[0].id;
    let record =
        |outcome| RecordNotified { id, medium: Medium::Email, outcome, detail: "450 busy".into(), asked_ms: None };
    for base in SCHEDULE_MS {
        tenant.run(record(AttemptOutcome::Retry));
        let wait = tenant.state.notifications.next_due().unwrap().0 - tenant.now.0;
        assert!((base - base / 5..=base + base / 5).contains(&wait), "{wait}");
        tenant.later_ms(wait);
    }
    tenant.run(record(AttemptOutcome::Retry));
    let mail = of(&tenant, "gus")[0].delivery(Medium::Email).unwrap().clone();
    assert_eq!((mail.state, mail.failures, mail.last_error.as_deref()), (DeliveryState::Failed, 9, Some("450 busy")));
    assert_eq!(tenant.refused(record(AttemptOutcome::Delivered)), Rejection::NotFound, "it waits no more");
    alarm(&mut tenant, 2, &["gus"]);
    let second = of(&tenant, "gus")[0].id;
    tenant.run(RecordNotified { id: second, ..record(AttemptOutcome::Delivered) });
    assert_eq!(tenant.state.notifications.next_due(), None);
}

#[test]
fn a_browser_is_its_persons_and_moves_with_whoever_is_logged_in_there() {
    let mut tenant = tenant().by(olga());
    let key = format!("BA{}", "A".repeat(85));
    let add = |endpoint: &str| AddPushSubscription {
        endpoint: endpoint.into(),
        p256dh: key.clone(),
        auth: "AAAAAAAAAAAAAAAAAAAAAA".into(),
    };
    let count = |tenant: &Tenant, name: &str| {
        tenant.state.notifications.person(&id(name)).map_or(0, |person| person.subscriptions.len())
    };
    let Answer::PushSubscriptionMade(_, first) = tenant.run(add("https://push.example/1")) else { panic!() };
    let Answer::PushSubscriptionMade(_, again) = tenant.run(add("https://push.example/1")) else { panic!() };
    assert_eq!((first, count(&tenant, "olga")), (again, 1));
    tenant.caller(mia()).run(add("https://push.example/1"));
    assert_eq!((count(&tenant, "olga"), count(&tenant, "mia")), (0, 1));
    for number in 2..=SUBSCRIPTIONS_MAX {
        tenant.run(add(&format!("https://push.example/{number}")));
    }
    let limit = Rejection::LimitReached { what: "push subscriptions of a person", limit: SUBSCRIPTIONS_MAX };
    assert_eq!(tenant.refused(add("https://push.example/more")), limit);
    let own = tenant.state.notifications.person(&id("mia")).unwrap().subscriptions[0].id;
    tenant.caller(olga());
    assert_eq!(tenant.refused(RemovePushSubscription { id: own, user_id: None }), Rejection::NotFound);
    tenant.run(RemovePushSubscription { id: own, user_id: Some(id("mia")) });
    assert_eq!(count(&tenant, "mia"), SUBSCRIPTIONS_MAX - 1);
    let wrong = AddPushSubscription { endpoint: "".into(), p256dh: "AAAA".into(), auth: "?".into() };
    let refused = tenant.refused(wrong);
    assert_eq!(crate::domain::testing::pointers(&refused), ["/endpoint", "/keys/p256dh", "/keys/auth"]);
}

#[test]
fn a_person_keeps_the_newest_and_an_organisation_the_announcements_that_fit() {
    let mut tenant = house();
    let sample = {
        alarm(&mut tenant, 1, &["gus"]);
        of(&tenant, "gus").remove(0)
    };
    let mut ids = crate::domain::ids::IdSource::new(tenant.now.0, 99);
    for _ in 0..KEPT_MAX + 5 {
        let one = Notification { id: ids.next_id(), source: ids.next_id(), ..sample.clone() };
        let seq = tenant.state.last_seq() + 1;
        tenant.state.apply(seq, tenant.now, &crate::domain::event::Event::NotificationMade(Box::new(one)));
    }
    assert_eq!(of(&tenant, "gus").len(), KEPT_MAX);
    assert!(tenant.state.notifications.get(&sample.id).is_none(), "the oldest is let go");
    let announcement = policy::endpoint_disabled(Uuid::nil(), "https://till.example", tenant.now, None, tenant.now);
    for _ in 0..WAITING_MAX + 5 {
        let one = Announcement { id: ids.next_id(), ..announcement.clone() };
        let seq = tenant.state.last_seq() + 1;
        tenant.state.apply(seq, tenant.now, &crate::domain::event::Event::AnnouncementMade(Box::new(one)));
    }
    assert_eq!(tenant.state.notifications.waiting().count(), WAITING_MAX);
}

//! Settings and venues.

use std::collections::BTreeMap;

use super::*;
use crate::domain::organisation::VenueDraft;
use crate::domain::testing::{Tenant, alert, block_on, comp, id, ladder, lift, pointers, resolve, tenant, venue_draft};
use crate::domain::time::MINUTE_MS;

fn save(venue_id: &str, draft: VenueDraft) -> SaveVenue {
    SaveVenue { venue_id: venue_id.into(), draft }
}

fn delete(venue: &str) -> DeleteVenue {
    DeleteVenue { venue_id: venue.into() }
}

fn change(draft: SettingsDraft) -> ChangeSettings {
    ChangeSettings { draft }
}

#[test]
fn an_organisation_is_founded_once() {
    let mut tenant = tenant();
    let before = tenant.state.organisation().clone();
    tenant.run(Found { org_id: id("other"), name: "Other".into(), time_zone: "UTC".into() });
    assert_eq!((tenant.state.organisation(), tenant.last.len()), (&before, 0));
}

#[test]
fn settings_change_what_is_given_and_nothing_else() {
    let mut tenant = tenant();
    tenant.run(change(SettingsDraft { name: Some("Pier Group".into()), ..SettingsDraft::default() }));
    let contacts = BTreeMap::from([("gm_email".to_owned(), "gm@harbour.example".to_owned())]);
    tenant.run(change(SettingsDraft { contacts: Some(contacts), ..SettingsDraft::default() }));
    tenant.run(ladder(&["captain", "king"]));
    let organisation = tenant.state.organisation();
    assert_eq!((&*organisation.name, organisation.contacts.len()), ("Pier Group", 1));
    assert_eq!(organisation.lowest_authority(), Authority::named("captain"));
    tenant.run(ladder(&["captain", "king"]));
    assert!(tenant.last.is_empty(), "the same again is no change");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let mut tenant = tenant();
    for name in ["", " ", "a\nb", &"é".repeat(201)] {
        let draft = SettingsDraft { name: Some(name.into()), ..SettingsDraft::default() };
        assert_eq!(pointers(&tenant.refused(change(draft))), ["/name"], "{name}");
    }
    assert_eq!(pointers(&tenant.refused(ladder(&[]))), ["/authority_ladder"]);
    assert_eq!(
        pointers(&tenant.refused(ladder(&["gm", "Owner", "gm"]))),
        ["/authority_ladder/1", "/authority_ladder/2"]
    );
    let many: Vec<String> = (0..17).map(|number| format!("r{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(pointers(&tenant.refused(ladder(&many))), ["/authority_ladder"]);
    let contacts = BTreeMap::from([("gm email".to_owned(), "x".to_owned()), ("ok".to_owned(), "a\nb".to_owned())]);
    let draft = SettingsDraft { contacts: Some(contacts), ..SettingsDraft::default() };
    assert_eq!(pointers(&tenant.refused(change(draft))), ["/contacts/gm email", "/contacts/ok"]);
}

#[test]
fn a_venue_is_made_and_replaced() {
    let mut tenant = tenant();
    tenant.run(save("pier", venue_draft("pier")));
    assert_eq!(tenant.state.venue(&id("pier")).unwrap().business_day_starts, 4);
    tenant.run(save("pier", venue_draft("pier")));
    assert!(tenant.last.is_empty(), "the same again is no change");
    tenant.run(save("pier", VenueDraft { business_day_starts: Some(23), ..venue_draft("pier") }));
    assert_eq!((tenant.state.venues.len(), tenant.state.venue(&id("pier")).unwrap().business_day_starts), (1, 23));
    let wrong = VenueDraft {
        name: String::new(),
        time_zone: "Mars/Olympus".into(),
        business_day_starts: Some(24),
        contacts: None,
    };
    assert_eq!(pointers(&tenant.refused(save("quay", wrong))), ["/name", "/time_zone", "/business_day_starts"]);
    assert_eq!(pointers(&tenant.refused(save("", venue_draft("quay")))), ["/venue_id"]);
}

fn in_use(tenant: &mut Tenant) {
    assert_eq!(tenant.refused(delete("pier")), Rejection::VenueInUse);
}

#[test]
fn a_venue_that_something_open_names_stays() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_violation(comp().at_venue("pier"));
    in_use(&mut tenant);
    let violation = tenant.only_violation().id;
    tenant.run(resolve(violation));
    let lifted = tenant.place(block_on("ana").at_venue("pier"));
    in_use(&mut tenant);
    tenant.run(lift(lifted));
    let until = tenant.now.plus_ms(MINUTE_MS);
    tenant.run(block_on("ana").at_venue("pier").until(until));
    in_use(&mut tenant);
    tenant.later_minutes(1);
    tenant.run(alert().when(serde_json::json!({ "venue_ids": ["quay", "pier"] })));
    in_use(&mut tenant);
    let template = tenant.newest_template();
    tenant.run(crate::domain::templates::save::DeleteTemplate { id: template });
    tenant.run(delete("pier"));
    assert!(tenant.state.venue(&id("pier")).is_none() && tenant.state.venue(&id("quay")).is_some());
    for venue in ["pier", "moon", ""] {
        assert_eq!(tenant.refused(delete(venue)), Rejection::NotFound);
    }
}

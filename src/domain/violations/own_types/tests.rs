//! What an organisation says about its types, and what follows for templates and blocks.

use serde_json::json;

use super::*;
use crate::domain::blocks::BlockKey;
use crate::domain::testing::{Tenant, blocking, comp, id, pointers, tenant};
use crate::domain::violations::report::Report;

fn save(violation_type: &str, draft: OwnTypeDraft) -> SaveViolationType {
    SaveViolationType { violation_type: violation_type.into(), draft }
}

fn delete(violation_type: &str) -> DeleteViolationType {
    DeleteViolationType { violation_type: violation_type.into() }
}

fn late_delivery() -> OwnTypeDraft {
    OwnTypeDraft {
        measure: Some("metadata.minutes_late".into()),
        entity: Some(vec!["metadata.supplier.id".into(), "venue_id".into()]),
        entity_type: Some("supplier".into()),
        block_type: Some("ordering".into()),
        resolve_after_quiet_minutes: Some(60),
        on_error: Some(OnError::Limit),
    }
}

fn delivery(metadata: serde_json::Value) -> Report {
    Report { violation_type: "late_delivery".into(), ..comp().with_metadata(metadata) }
}

fn with_rule() -> Tenant {
    let mut draft = blocking().when(json!({ "min_threshold": 30 }));
    draft.violation_type = "late_delivery".into();
    tenant().with_venue("pier").with_template(draft)
}

#[test]
fn a_type_of_its_own_tells_templates_what_to_look_at_and_whom_to_block() {
    let mut tenant = with_rule();
    tenant.run(delivery(json!({ "minutes_late": 45, "supplier": { "id": "fish & co" } })));
    assert_eq!(tenant.state.blocks.iter().count(), 0, "without a profile there is no measure");
    tenant.run(save("late_delivery", late_delivery()));
    tenant.run(delivery(json!({ "minutes_late": 29, "supplier": { "id": "fish & co" } })));
    tenant.run(delivery(json!({ "minutes_late": 45, "supplier": { "id": "fish & co" } })));
    let block = tenant.only_block();
    let key = BlockKey { block_type: "ordering".into(), entity_id: id("fish & co") };
    assert_eq!((&block.key, &*block.entity_type, block.on_error), (&key, "supplier", OnError::Limit));
}

#[test]
fn the_first_place_that_is_there_is_the_entity() {
    let mut tenant = with_rule().with(save("late_delivery", late_delivery()));
    tenant.run(delivery(json!({ "minutes_late": 45 })).at_venue("pier"));
    let block = tenant.only_block();
    assert_eq!((block.key.entity_id.as_str(), &*block.entity_type), ("pier", "venue"));
}

#[test]
fn what_is_not_said_about_a_shipped_type_is_as_shipped_and_so_is_all_of_it_again_after_a_delete() {
    let mut tenant = tenant().with_template(blocking());
    let shipped = Profile::shipped(&ViolationType::parse("comp_exception").unwrap());
    tenant.run(save("comp_exception", OwnTypeDraft { on_error: Some(OnError::Open), ..OwnTypeDraft::default() }));
    let own = tenant.state.profile(&ViolationType::parse("comp_exception").unwrap()).clone();
    assert_eq!(own, Profile { on_error: OnError::Open, ..shipped.clone() });
    tenant.run(comp());
    assert_eq!(tenant.only_block().on_error, OnError::Open);
    assert!(matches!(tenant.run(delete("comp_exception")), Answer::ViolationType(_)));
    let again = tenant.state.profile(&ViolationType::parse("comp_exception").unwrap()).clone();
    assert_eq!(&again, shipped);
    tenant.run(delete("comp_exception"));
    assert!(tenant.last.is_empty(), "a second time nothing happens");
}

#[test]
fn an_entity_of_a_shipped_type_keeps_what_it_is_unless_told_otherwise() {
    let own = |entity_type: Option<&str>, entity: Option<&[&str]>| {
        let draft = OwnTypeDraft {
            entity: entity.map(|paths| paths.iter().map(ToString::to_string).collect()),
            entity_type: entity_type.map(Into::into),
            ..OwnTypeDraft::default()
        };
        draft.checked(ViolationType::parse("comp_exception").unwrap()).unwrap().profile().entity
    };
    assert_eq!(
        own(None, Some(&["server_id", "till"])),
        [EntityFrom::metadata("server_id", "employee"), EntityFrom::metadata("till", "entity"),]
    );
    assert_eq!(own(Some("server"), None)[0], EntityFrom::metadata("server_id", "server"));
    assert_eq!(own(Some("server"), Some(&["venue_id"])), [EntityFrom::Venue]);
}

#[test]
fn the_same_profile_twice_is_one_change() {
    let mut tenant = tenant().with(save("late_delivery", late_delivery()));
    tenant.run(save("late_delivery", late_delivery()));
    assert!(tenant.last.is_empty());
    assert_eq!(tenant.run(delete("late_delivery")), Answer::Nothing);
    assert_eq!(tenant.refused(delete("late_delivery")), Rejection::NotFound);
    assert_eq!(tenant.refused(delete("No Type")), Rejection::NotFound);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let refused = |violation_type: &str, draft: OwnTypeDraft| {
        pointers(&tenant().refused(save(violation_type, draft))).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let wrong = OwnTypeDraft {
        measure: Some("a..b".into()),
        entity: Some(vec!["metadata.".into(), "venue_id".into(), "x".repeat(201)]),
        entity_type: Some(String::new()),
        block_type: Some("a\nb".into()),
        resolve_after_quiet_minutes: Some(0),
        on_error: None,
    };
    assert_eq!(
        refused("late_delivery", wrong),
        ["/measure", "/entity/0", "/entity/2", "/entity_type", "/block_type", "/resolve_after_quiet_minutes",]
    );
    assert_eq!(refused("Late", OwnTypeDraft::default()), ["/violation_type"]);
    let none = OwnTypeDraft { entity: Some(Vec::new()), ..OwnTypeDraft::default() };
    assert_eq!(refused("late_delivery", none), ["/entity"]);
}

#[test]
fn an_organisation_has_so_many_types_and_no_more() {
    let mut tenant = tenant();
    for number in 0..OWN_TYPES_MAX {
        tenant.run(save(&format!("type_{number}"), OwnTypeDraft::default()));
    }
    let refused = tenant.refused(save("one_more", OwnTypeDraft::default()));
    assert_eq!(refused, Rejection::LimitReached { what: "violation types", limit: OWN_TYPES_MAX });
    tenant.run(save("type_0", late_delivery())); // what is there can still be changed
}

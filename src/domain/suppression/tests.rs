//! Silences and inhibition: what is held back, by whom, and what is not.

use serde_json::json;

use super::inhibition::{ChangeInhibitions, InhibitionDraft, InhibitionScope};
use super::silences::{AddSilence, EndSilence, SILENCE_MS_MAX};
use crate::domain::actions::ExecutionStatus;
use crate::domain::decision::Answer;
use crate::domain::people::Held;
use crate::domain::rejection::Rejection;
use crate::domain::suppression::Suppressed;
use crate::domain::templates::save::TemplateDraft;
use crate::domain::testing::{
    Tenant, alert, asking, blocking, comp, comp_of, escalate, escalating, key, person, pointers, resolve, retry, rung,
    tenant,
};
use crate::domain::time::MINUTE_MS;
use crate::domain::view::shapes::whole_violation;
use crate::domain::violations::lifecycle::ClearViolations;
use crate::domain::violations::own_types::{OwnTypeDraft, SaveViolationType};
use crate::domain::violations::report::Report;
use crate::domain::violations::store::Violations;
use crate::domain::violations::{Severity, Status};
use uuid::Uuid;

fn silence(tenant: &Tenant) -> AddSilence {
    AddSilence {
        violation_type: Some("comp_exception".into()),
        venue_id: None,
        entity_id: None,
        until: tenant.now.plus_ms(60 * MINUTE_MS),
        reason: "menu tasting".into(),
    }
}

fn silenced(tenant: &mut Tenant, silence: AddSilence) -> Uuid {
    match tenant.run(silence) {
        Answer::SilenceMade(id) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_silence_holds_messages_and_blocks_back_and_records_the_violation() {
    let mut tenant = tenant().with_template(alert()).with_template(blocking()).with_template(escalating("gm"));
    let wanted = silence(&tenant);
    let id = silenced(&mut tenant, wanted);
    tenant.report(comp());
    assert_eq!(tenant.only_violation().status(), Status::Active);
    let reason = format!("silenced: menu tasting (by key:till until {})", tenant.now.plus_ms(60 * MINUTE_MS));
    assert_eq!(tenant.state.actions.len(), 3);
    for action in tenant.state.actions.iter() {
        assert_eq!((action.status, action.reason.as_deref()), (ExecutionStatus::Dismissed, Some(&*reason)));
        assert_eq!(action.suppressed, Some(Suppressed::Silence(id)));
    }
    assert!(!tenant.is_blocked("ana"));
    tenant.later_minutes(61);
    tenant.run(escalate());
    tenant.report(comp_of("another"));
    assert_eq!(tenant.state.actions.pending_count(), 2, "of the new one; nothing of the first is sent late");
    assert!(tenant.is_blocked("ana"));
}

#[test]
fn a_silence_asks_for_all_that_it_names() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with_template(alert());
    let wanted = AddSilence { venue_id: Some("pier".into()), entity_id: Some("ana".into()), ..silence(&tenant) };
    silenced(&mut tenant, wanted);
    let bob = json!({ "server_id": "bob", "comp_amount": 250 });
    let cases = [
        (comp().at_venue("pier"), true),
        (comp().at_venue("quay"), false),
        (comp(), false),
        (comp().at_venue("pier").with_metadata(bob), false),
    ];
    for (report, held) in cases {
        let (id, _) = tenant.report(report);
        let action = tenant.state.actions.get(&tenant.violation(id).actions[0]).unwrap();
        assert_eq!(action.suppressed.is_some(), held);
    }
}

#[test]
fn nobody_silences_a_block_that_they_could_not_lift() {
    let own = || person("ana", Held::Top);
    let cases = [
        (asking("vp_ops"), person("m", rung("manager")), true),
        (asking("vp_ops"), person("v", rung("vp_ops")), false),
        (blocking(), person("m", rung("manager")), false),
        (blocking(), key(Held::Nothing), false),
        (blocking(), own(), true),
    ];
    for (template, who, placed) in cases {
        let mut tenant = tenant().with_template(template).with_template(alert());
        let wanted = silence(&tenant);
        tenant.caller(who.clone()).run(wanted);
        tenant.caller(key(Held::Top)).report(comp());
        assert_eq!(tenant.is_blocked("ana"), placed, "{who:?}");
        let alerts = tenant.state.actions.iter().filter(|one| one.is_pending()).count();
        assert_eq!(alerts, 0, "messages are held back all the same");
    }
}

#[test]
fn a_retry_sends_what_was_silenced_and_places_no_block() {
    let mut tenant = tenant().with_template(alert()).with_template(blocking());
    let wanted = silence(&tenant);
    silenced(&mut tenant, wanted);
    tenant.report(comp());
    let ids = tenant.only_violation().actions.clone();
    tenant.run(retry(ids[0]));
    let action = tenant.state.actions.get(&ids[0]).unwrap();
    assert_eq!((action.is_pending(), action.suppressed), (true, None), "it is held back no more");
    assert!(matches!(tenant.refused(retry(ids[1])), Rejection::ActionNotOpen { .. }));
}

#[test]
fn a_rise_in_severity_is_news_after_a_silence_and_a_repeat_is_not() {
    let mut tenant = tenant().with_template(alert());
    let wanted = silence(&tenant);
    let id = silenced(&mut tenant, wanted);
    tenant.report(comp_of("row"));
    tenant.run(EndSilence { id });
    tenant.report(comp_of("row"));
    assert_eq!(tenant.state.actions.len(), 1);
    tenant.report(comp_of("row").of_severity(Severity::Critical));
    assert_eq!((tenant.state.actions.len(), tenant.state.actions.pending_count()), (2, 1));
}

#[test]
fn a_silence_is_bounded_and_for_venues_that_one_has() {
    let mut tenant = tenant().with_venue("pier").with_venue("quay");
    let base = silence(&tenant);
    let nothing = AddSilence { violation_type: None, ..base.clone() };
    let (now, long) = (tenant.now, tenant.now.plus_ms(SILENCE_MS_MAX + 1));
    assert_eq!(pointers(&tenant.refused(nothing)), [""]);
    for until in [now, long] {
        assert_eq!(pointers(&tenant.refused(AddSilence { until, ..base.clone() })), ["/until"]);
    }
    assert_eq!(pointers(&tenant.refused(AddSilence { reason: " ".into(), ..base.clone() })), ["/reason"]);
    let at = |venue: &str| AddSilence { venue_id: Some(venue.into()), ..base.clone() };
    let quay = silenced(&mut tenant, at("quay"));
    let everywhere = silenced(&mut tenant, base.clone());
    let limited = person("m", rung("manager")).only_at(&["pier"]);
    tenant.caller(limited);
    assert_eq!(tenant.refused(base.clone()), Rejection::VenueNotAllowed);
    assert_eq!(tenant.refused(at("quay")), Rejection::VenueNotAllowed);
    assert!(matches!(tenant.refused(at("moon")), Rejection::UnknownVenue { .. }));
    assert_eq!(tenant.refused(EndSilence { id: quay }), Rejection::NotFound);
    assert_eq!(tenant.refused(EndSilence { id: everywhere }), Rejection::VenueNotAllowed);
    let own = silenced(&mut tenant, at("pier"));
    tenant.run(EndSilence { id: own });
    assert_eq!(tenant.refused(EndSilence { id: own }), Rejection::NotFound);
    tenant.later_minutes(61).caller(key(Held::Top));
    assert_eq!(tenant.refused(EndSilence { id: quay }), Rejection::NotFound, "it is over");
    let wanted = silence(&tenant);
    tenant.run(wanted);
    assert_eq!(tenant.state.silences.iter().count(), 1, "those that are over have left");
}

fn gap(venue: &str) -> Report {
    Report { violation_type: "staffing_gap".into(), ..comp() }.at_venue(venue)
}

fn greeting(venue: &str) -> Report {
    let metadata = json!({ "server_id": "ana", "delay_seconds": 400 });
    Report { violation_type: "greeting_delay".into(), ..comp() }.at_venue(venue).with_metadata(metadata)
}

fn for_type(draft: TemplateDraft, violation_type: &str) -> TemplateDraft {
    TemplateDraft { violation_type: violation_type.into(), ..draft }
}

fn understaffed() -> Tenant {
    let rule = InhibitionDraft {
        source_type: "staffing_gap".into(),
        target_types: vec!["greeting_delay".into(), "sales_pace".into()],
        scope: InhibitionScope::Venue,
    };
    let mut tenant = tenant().with_venue("pier").with_venue("quay");
    tenant.run(ChangeInhibitions { drafts: vec![rule] });
    tenant.with(for_type(alert(), "greeting_delay")).with(for_type(blocking(), "greeting_delay"))
}

#[test]
fn what_is_open_mutes_what_follows_from_it_at_its_venue() {
    let mut tenant = understaffed();
    let (parent, _) = tenant.report(gap("pier"));
    let (child, _) = tenant.report(greeting("pier"));
    let (apart, _) = tenant.report(greeting("quay"));
    assert_eq!((tenant.violation(child).parent_id, tenant.violation(apart).parent_id), (Some(parent), None));
    assert_eq!(tenant.state.violations.children_of(&parent).collect::<Vec<_>>(), [child]);
    let reasons: Vec<_> = tenant.violation(child).actions.clone();
    for id in reasons {
        let action = tenant.state.actions.get(&id).unwrap();
        let expected = format!("inhibited: by the open staffing_gap {parent} (A comp)");
        assert_eq!((action.status, action.reason.as_deref()), (ExecutionStatus::Dismissed, Some(&*expected)));
    }
    assert_eq!((tenant.state.blocks.len(), tenant.state.actions.pending_count()), (1, 1), "those of the other venue");
    tenant.run(resolve(parent));
    let (later, _) = tenant.report(greeting("pier"));
    assert_eq!(tenant.violation(later).parent_id, None, "nothing is open any more");
}

#[test]
fn what_comes_back_is_held_back_by_what_holds_back_now() {
    let clear = || ClearViolations::Source { source_table: None, source_id: "g".into() };
    let report = || Report { source_id: Some("g".into()), ..greeting("pier") };
    for by_silence in [true, false] {
        let mut tenant = understaffed();
        let (id, _) = tenant.report(report());
        let mail = tenant.violation(id).actions[0];
        tenant.run(clear());
        let reason = if by_silence {
            let wanted = AddSilence { violation_type: Some("greeting_delay".into()), ..silence(&tenant) };
            silenced(&mut tenant, wanted);
            "silenced: "
        } else {
            tenant.report(gap("pier"));
            "inhibited: "
        };
        assert_eq!(tenant.report(report()), (id, false));
        let mail = tenant.state.actions.get(&mail).unwrap();
        assert!(mail.status == ExecutionStatus::Dismissed && mail.reason.as_ref().unwrap().starts_with(reason));
        assert!(!tenant.state.blocks.iter().any(|block| block.is_active(tenant.now)), "{reason}");
    }
}

#[test]
fn a_block_comes_back_that_whoever_set_the_silence_could_not_lift() {
    let mut tenant = tenant().with_venue("pier").with(for_type(asking("vp_ops"), "greeting_delay"));
    let report = || Report { source_id: Some("g".into()), ..greeting("pier") };
    tenant.report(report());
    tenant.run(ClearViolations::Source { source_table: None, source_id: "g".into() });
    let wanted = AddSilence { violation_type: Some("greeting_delay".into()), ..silence(&tenant) };
    tenant.caller(person("m", rung("manager"))).run(wanted);
    tenant.caller(key(Held::Top)).report(report());
    assert!(tenant.state.blocks.iter().any(|block| block.is_active(tenant.now)));
}

#[test]
fn two_types_that_mute_each_other_never_silence_both() {
    let rule = |source: &str, target: &str| InhibitionDraft {
        source_type: source.into(),
        target_types: vec![target.into()],
        scope: InhibitionScope::Venue,
    };
    let rules = vec![rule("staffing_gap", "greeting_delay"), rule("greeting_delay", "staffing_gap")];
    let mut tenant = tenant().with_venue("pier");
    tenant.run(ChangeInhibitions { drafts: rules });
    let first = Report { source_id: Some("g".into()), ..greeting("pier") };
    let (one, _) = tenant.report(first.clone());
    let (two, _) = tenant.report(gap("pier"));
    tenant.report(first.of_severity(Severity::Critical));
    assert_eq!((tenant.violation(one).parent_id, tenant.violation(two).parent_id), (None, Some(one)));
}

/// Gaps and greetings at the pier that mute each other, and a greeting under a gap.
fn muting_each_other() -> (Tenant, Uuid, Uuid) {
    let rule = |source: &str, target: &str| InhibitionDraft {
        source_type: source.into(),
        target_types: vec![target.into()],
        scope: InhibitionScope::Venue,
    };
    let rules = vec![rule("greeting_delay", "staffing_gap"), rule("staffing_gap", "greeting_delay")];
    let mut tenant = tenant().with_venue("pier").with(for_type(alert(), "staffing_gap"));
    tenant.run(ChangeInhibitions { drafts: rules });
    let (parent, _) = tenant.report(gap("pier"));
    let (child, _) = tenant.report(Report { source_id: Some("g".into()), ..greeting("pier") });
    assert_eq!(tenant.violation(child).parent_id, Some(parent));
    (tenant, parent, child)
}

/// As it is read from a snapshot.
fn restored(tenant: &Tenant) -> Violations {
    let mut all = Violations::default();
    tenant.state.violations.iter().for_each(|one| all.add(one.clone()));
    all
}

#[test]
fn a_child_mutes_again_when_its_parent_is_over() {
    let (mut tenant, parent, child) = muting_each_other();
    tenant.run(resolve(parent));
    let (next, _) = tenant.report(gap("pier"));
    assert_eq!(tenant.violation(next).parent_id, Some(child));
    tenant.report(Report { source_id: Some("g".into()), ..greeting("pier") });
    assert_eq!(tenant.violation(child).parent_id, Some(parent), "and is not muted by what it mutes");
    let (venue, of_type) = (crate::domain::testing::id("pier"), tenant.violation(child).violation_type.clone());
    let found = |all: &Violations| all.open_at(&of_type, &venue, &Uuid::nil()).map(|one| one.id);
    assert_eq!((found(&tenant.state.violations), found(&restored(&tenant))), (Some(child), Some(child)));
}

#[test]
fn a_child_has_one_parent_also_when_it_gets_another() {
    let (mut tenant, parent, child) = muting_each_other();
    tenant.run(resolve(parent));
    tenant.run(ChangeInhibitions { drafts: Vec::new() });
    let (next, _) = tenant.report(gap("pier"));
    let rule = InhibitionDraft {
        source_type: "staffing_gap".into(),
        target_types: vec!["greeting_delay".into()],
        scope: InhibitionScope::Venue,
    };
    tenant.run(ChangeInhibitions { drafts: vec![rule] });
    let (younger, _) = tenant.report(greeting("pier"));
    tenant.report(Report { source_id: Some("g".into()), ..greeting("pier") });
    for all in [&tenant.state.violations, &restored(&tenant)] {
        assert_eq!(all.children_of(&parent).count(), 0);
        assert_eq!(all.children_of(&next).collect::<Vec<_>>(), [child, younger], "oldest first");
    }
}

#[test]
fn rules_are_checked_and_the_same_ones_change_nothing() {
    let rule = |target: &str| InhibitionDraft {
        source_type: "staffing_gap".into(),
        target_types: vec![target.into()],
        scope: InhibitionScope::Entity,
    };
    let mut tenant = tenant();
    let wrong = ChangeInhibitions { drafts: vec![rule("sales_pace"), rule("staffing_gap"), rule("No")] };
    assert_eq!(pointers(&tenant.refused(wrong)), ["/items/1/target_types/0", "/items/2/target_types/0"]);
    for changes in [1, 0] {
        tenant.run(ChangeInhibitions { drafts: vec![rule("sales_pace")] });
        assert_eq!(tenant.last.len(), changes);
    }
}

#[test]
fn what_is_open_about_an_entity_mutes_at_its_own_venue_and_without_one_at_all() {
    let rule = InhibitionDraft {
        source_type: "staffing_gap".into(),
        target_types: vec!["greeting_delay".into()],
        scope: InhibitionScope::Entity,
    };
    let own = SaveViolationType {
        violation_type: "staffing_gap".into(),
        draft: OwnTypeDraft { entity: Some(vec!["metadata.server_id".into()]), ..OwnTypeDraft::default() },
    };
    let mut tenant = tenant().with_venue("pier").with_venue("quay").with(own);
    tenant.run(ChangeInhibitions { drafts: vec![rule] });
    let (parent, _) = tenant.report(gap("pier"));
    let (here, _) = tenant.report(greeting("pier"));
    let (there, _) = tenant.report(greeting("quay"));
    let (nowhere, _) = tenant.report(Report { venue_id: None, ..greeting("pier") });
    let parents = |tenant: &Tenant, ids: [Uuid; 3]| ids.map(|id| tenant.violation(id).parent_id);
    assert_eq!(parents(&tenant, [here, there, nowhere]), [Some(parent), None, None]);

    tenant.run(resolve(parent));
    let (parent, _) = tenant.report(Report { venue_id: None, ..gap("pier") });
    let of = |venue: &str| Report { source_id: Some(format!("second at {venue}")), ..greeting(venue) };
    let (one, _) = tenant.report(of("pier"));
    let (two, _) = tenant.report(of("quay"));
    assert_eq!(parents(&tenant, [one, two, two]), [Some(parent); 3]);
    for (caller, children) in [
        (key(Held::Top), vec![one, two]),
        (key(Held::Top).only_at(&["pier"]), vec![one]),
        (key(Held::Top).only_at(&["quay"]), vec![two]),
    ] {
        let shown = whole_violation(&tenant.state, tenant.violation(parent), &caller);
        assert_eq!(shown.children, children);
    }
}

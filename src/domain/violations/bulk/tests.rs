//! Many reports at once are the same as one after the other, except that they are one record.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::aggregate::Aggregate;
use crate::domain::event::Event;
use crate::domain::ids::IdSource;
use crate::domain::testing::{
    Tenant, alert, block_on, blocking, comp, comp_of, overriding, person, resolve, rung, tenant,
};
use crate::domain::violations::Severity;
use crate::domain::webhooks::commands::CreateWebhook;

fn many(items: Vec<Item>) -> ReportMany {
    let show_refusal = |rejection: Rejection| json!({ "status": 422, "said": rejection.to_string() });
    ReportMany { items, apply_templates: true, once: false, show_refusal }
}

fn outcomes(tenant: &mut Tenant, items: Vec<Item>) -> Vec<Outcome> {
    match tenant.run(many(items)) {
        Answer::Many(outcomes) => outcomes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_item_costs_only_itself() {
    let mut tenant = tenant().with_template(blocking());
    let unknown = comp_of("2").at_venue("nowhere");
    let items = vec![
        Item::Violation(comp_of("1")),
        Item::Violation(unknown),
        Item::Unreadable(json!({ "status": 400 })),
        Item::Violation(comp_of("3").with_metadata(json!({ "server_id": "ben" }))),
    ];
    let outcomes = outcomes(&mut tenant, items);
    assert!(matches!(&outcomes[..], [
        Outcome::Reported { new: true, .. }, Outcome::Refused(unknown), Outcome::Refused(unreadable), Outcome::Reported { new: true, .. },
    ] if unknown["said"] == "there is no such venue" && unreadable["status"] == 400));
    assert_eq!((tenant.state.violations.len(), tenant.is_blocked("ana"), tenant.is_blocked("ben")), (2, true, true));
}

#[test]
fn an_item_sees_the_ones_before_it() {
    let mut tenant = tenant();
    let items = ["1", "1", "2", "1"].map(|row| Item::Violation(comp_of(row)));
    let news: Vec<bool> = outcomes(&mut tenant, items.into())
        .iter()
        .map(|outcome| matches!(outcome, Outcome::Reported { new: true, .. }))
        .collect();
    assert_eq!(news, [true, false, true, false]);
    let first = tenant.state.violations.open_with("comp_exception||1|").unwrap();
    assert_eq!(first.occurrences, 3);
}

#[test]
fn no_two_things_of_a_large_bulk_have_the_same_id() {
    let mut tenant = (0..40).fold(tenant(), |tenant, _| tenant.with_template(blocking()));
    let items = (0..ITEMS_MAX).map(|row| Item::Violation(comp_of(&row.to_string()))).collect();
    let reported = outcomes(&mut tenant, items).iter().filter(|one| matches!(one, Outcome::Reported { .. })).count();
    let state = &tenant.state;
    let actions: usize = state.violations.iter().map(|violation| violation.actions.len()).sum();
    assert_eq!((state.violations.len(), state.actions.iter().count()), (reported, actions));
    assert_eq!((actions, state.blocks.iter().count()), (reported * 40, reported * 40));
}

#[test]
fn ids_beyond_the_counter_still_differ() {
    let mut source = IdSource::new(1_700_000_000_000, 7);
    let made: std::collections::HashSet<Uuid> = (0..200_000).map(|_| source.next_id()).collect();
    assert_eq!(made.len(), 200_000);
}

#[test]
fn a_bulk_that_fills_its_record_leaves_its_rest_undone() {
    let long = "x".repeat(3_900);
    let mut tenant = (0..4).fold(tenant(), |tenant, _| tenant.with_template(alert().saying(&long)));
    let items = (0..ITEMS_MAX).map(|row| Item::Violation(comp_of(&row.to_string()))).collect();
    let outcomes = outcomes(&mut tenant, items);
    let taken = outcomes.iter().take_while(|outcome| matches!(outcome, Outcome::Reported { .. })).count();
    assert!((100..ITEMS_MAX).contains(&taken), "{taken}");
    assert!(outcomes[taken..].iter().all(|outcome| matches!(outcome, Outcome::Refused(_))));
    assert_eq!(tenant.state.violations.len(), taken);
}

#[test]
fn a_row_that_was_settled_stays_so_when_it_is_to_be_reported_once() {
    let mut tenant = tenant().with_venue("pier").with_template(blocking());
    let (id, _) = tenant.report(comp_of("1"));
    tenant.run(resolve(id));
    let items = || {
        let fresh = [comp_of("1"), comp_of("2"), comp_of("1").at_venue("pier"), comp()];
        let other_type = Report { violation_type: "late".into(), ..comp_of("1") };
        fresh.into_iter().chain([other_type]).map(Item::Violation).collect::<Vec<_>>()
    };
    let news = |answer: Answer| match answer {
        Answer::Many(outcomes) => {
            outcomes.iter().map(|one| matches!(one, Outcome::Reported { new: true, .. })).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let once = ReportMany { once: true, ..many(items()) };
    assert_eq!(news(tenant.run(once)), [false, true, true, true, true], "only the very same row is settled");
    assert!(!tenant.violation(id).is_open() && tenant.violation(id).occurrences == 1);
    assert_eq!(news(tenant.run(many(items()))), [true, false, false, true, false], "without it, it is reported anew");
    let once = ReportMany { once: true, ..many(items()) };
    tenant.run(once);
    let open = tenant.state.violations.open_with("comp_exception||1|").unwrap();
    assert_eq!(open.occurrences, 2, "what is open is reported again");
}

#[test]
fn too_many_items_are_none() {
    let items = (0..=ITEMS_MAX).map(|_| Item::Violation(comp())).collect();
    assert!(matches!(tenant().refused(many(items)), Rejection::Invalid(_)));
}

fn item() -> impl Strategy<Value = Report> {
    let severity = prop::sample::select(&[Severity::Info, Severity::Warning, Severity::Critical]);
    (0_u8..4, severity, prop::option::of(0_u8..3), 0_i32..400).prop_map(|(row, severity, venue, amount)| {
        let mut report = comp_of(&row.to_string()).of_severity(severity);
        report.venue_id = venue.map(|number| format!("venue-{number}")); // there is no venue-2
        report.metadata = Some(json!({ "server_id": format!("s{row}"), "comp_amount": amount }));
        report
    })
}

proptest! {
    #[test]
    fn a_bulk_gives_what_its_items_give_one_after_the_other(reports in prop::collection::vec(item(), 0..20)) {
        let start = tenant()
            .with_venue("venue-0")
            .with_venue("venue-1")
            .with_template(blocking().when(json!({ "min_threshold": 200 })))
            .with_template(alert().of_severity(Severity::Critical));
        let (mut together, mut one_by_one) = (start.clone(), start);
        let outcomes = outcomes(&mut together, reports.iter().cloned().map(Item::Violation).collect());
        for (report, outcome) in reports.into_iter().zip(&outcomes) {
            let alone = one_by_one.try_run(report);
            match (alone, outcome) {
                (Ok(Answer::Reported { new, .. }), Outcome::Reported { new: also, .. }) => prop_assert_eq!(new, *also),
                (Err(rejection), Outcome::Refused(shown)) => prop_assert_eq!(json!(rejection.to_string()), shown["said"].clone()),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(summary(&together), summary(&one_by_one));
    }
}

/// All but ids, which are random.
fn summary(tenant: &Tenant) -> (u64, Vec<String>, Vec<String>) {
    let state = &tenant.state;
    let mut violations: Vec<String> = state
        .violations
        .iter()
        .map(|one| {
            format!(
                "{:06} {} {} {} {} {}",
                one.seq,
                one.fingerprint,
                one.occurrences,
                one.severity.name(),
                one.actions.len(),
                one.blocks.len()
            )
        })
        .collect();
    violations.sort_unstable();
    let mut blocks: Vec<String> = state.blocks.iter().map(|one| format!("{:06} {:?}", one.seq, one.key)).collect();
    blocks.sort_unstable();
    (state.last_seq(), violations, blocks)
}

#[test]
fn deciding_a_bulk_on_a_copy_gives_the_events_of_carrying_it_out() {
    let mut tenant = tenant().with_template(blocking());
    let items = || ["1", "1", "2"].map(|row| Item::Violation(comp_of(row))).to_vec();
    let before = tenant.state.state_hash();
    let mut context = tenant.context();
    let asked = many(items()).decide(&tenant.state, &mut context).unwrap();
    assert_eq!(tenant.state.state_hash(), before);
    let mut copy = tenant.state.clone();
    let mut context = tenant.context();
    let done = Aggregate::carry_out(&mut copy, many(items()).into(), &mut context).unwrap();
    assert_eq!((done.events.clone(), done.answer), (asked.events, asked.answer));
    tenant.state.fold(tenant.now, &done.events);
    assert_eq!(tenant.state.state_hash(), copy.state_hash());
}

#[test]
fn what_follows_from_an_item_follows_from_it_in_a_bulk_as_well() {
    let mut tenant = tenant().with_template(blocking());
    let mut place = block_on("ana").asking("gm");
    place.block_type = "comp_approval".into();
    let block = tenant.place(place);
    let mut tenant = tenant.by(person("mia", rung("manager")));
    let request = tenant.ask(overriding(block));
    tenant.approve(request, person("gus", rung("gm")));
    assert!(!tenant.is_blocked("ana"), "the grant opens it");
    let hook =
        CreateWebhook { url: "https://tills.example/hook".into(), events: vec!["blocks".into()], description: None };
    tenant.run(hook);
    outcomes(&mut tenant, vec![Item::Violation(comp_of("1"))]);
    assert!(tenant.is_blocked("ana"), "the new block cannot be overridden, so the grant is over");
    let kinds: Vec<&str> = tenant
        .last
        .iter()
        .map(|event| match event {
            Event::BlockPlaced(_) => "placed",
            Event::GrantEnded { .. } => "grant ended",
            Event::NoticeMade(_) => "notice",
            _ => "other",
        })
        .filter(|kind| *kind != "other")
        .collect();
    assert_eq!(kinds, ["placed", "grant ended", "notice", "notice"], "of the block and of the grant");
}

//! There and back: arbitrary events, commits and states.

use proptest::prelude::*;

use super::super::bytes::try_bytes_of;
use super::super::fold::{Folded, apply_payload};
use super::super::form::Form;
use super::super::states::StoredState;
use super::super::{
    EncodedEvent, PAYLOAD_BYTES_MAX, StoredError, StoredEvent, decode_commit, encode_commit, try_encode_commit,
};
use super::arbitrary::{commit, directory_event, event, steps};
use super::{Step, again, lived, payload_of, samples};
use crate::domain::decision::Done;
use crate::domain::directory::state::Directory;
use crate::domain::event::Event;
use crate::domain::ids::StreamId;
use crate::domain::people::{Cause, Role, Scope, Scopes, Via};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::violations::Severity;
use crate::store::codec;
use crate::store::journal::RECORD_BYTES_MAX;
use crate::store::record::{GENESIS, open, seal};
use crate::store::recovery::Fold;

fn stored<A: StoredState>(steps: &[Step<A::Event>]) -> A
where
    A::Event: StoredEvent,
{
    let mut state = A::empty();
    for (at, request, events) in steps {
        let payload = encode_commit(&Cause::schedule(), request.as_ref(), None, events);
        let first_seq = state.last_seq() + 1;
        apply_payload(&mut state, first_seq, *at, &payload).unwrap();
    }
    state
}

/// A state, its records and its snapshot are the same, and stay the same when life goes on.
fn holds<A: StoredState>(before: &[Step<A::Event>], after: &[Step<A::Event>]) -> Result<(), TestCaseError>
where
    A::Event: StoredEvent,
{
    let mut live = A::empty();
    lived(&mut live, before);
    prop_assert_eq!(stored::<A>(before).state_hash(), live.state_hash());
    let snapshot = live.to_snapshot();
    let mut restored = A::from_snapshot(&snapshot).unwrap();
    prop_assert_eq!(restored.last_seq(), live.last_seq());
    prop_assert_eq!(restored.state_hash(), live.state_hash());
    prop_assert_eq!(restored.to_snapshot(), snapshot);
    lived(&mut live, after);
    lived(&mut restored, after);
    prop_assert_eq!(restored.state_hash(), live.state_hash());
    prop_assert_eq!(restored.to_snapshot(), live.to_snapshot());
    Ok(())
}

proptest! {
    #[test]
    fn an_event_comes_back_as_it_was(event in event()) {
        let back = again(&event).unwrap();
        prop_assert_eq!(back.encode(), event.encode()); // equal amounts may differ in their zeros: the bytes tell
        prop_assert_eq!(back, event);
    }

    #[test]
    fn an_event_of_the_directory_comes_back_as_it_was(event in directory_event()) {
        let back = again(&event).unwrap();
        prop_assert_eq!(back, event);
    }

    #[test]
    fn a_commit_comes_back_as_it_was(commit in commit(event())) {
        prop_assert_eq!(decode_commit::<Event>(&payload_of(&commit)).unwrap(), commit);
    }

    #[test]
    fn an_organisation_is_the_same_live_replayed_and_restored(before in steps(event()), after in steps(event())) {
        holds::<TenantState>(&before, &after)?;
    }

    #[test]
    fn the_directory_is_the_same_live_replayed_and_restored(
        before in steps(directory_event()),
        after in steps(directory_event()),
    ) {
        holds::<Directory>(&before, &after)?;
    }
}

#[test]
fn a_state_larger_than_the_codec_allows_at_once_is_restored() {
    let mut state = TenantState::empty();
    let description = "x".repeat(64 * 1024);
    for number in 0..300 {
        let mut violation = samples::violation();
        violation.id = uuid::Uuid::from_u128(number);
        violation.description = Some(description.as_str().into());
        let seq = state.last_seq() + 1;
        state.apply(seq, Timestamp(0), &Event::ViolationReported(Box::new(violation)));
    }
    let snapshot = state.to_snapshot();
    assert!(snapshot.len() as u64 > codec::VALUE_BYTES_MAX);
    assert_eq!(TenantState::from_snapshot(&snapshot).unwrap().state_hash(), state.state_hash());
}

#[test]
fn open_violations_of_one_source_keep_the_order_in_which_they_came() {
    let mut state = TenantState::empty();
    for id in [7, 3, 5] {
        let mut violation = samples::violation();
        (violation.id, violation.resolved) = (uuid::Uuid::from_u128(id), None);
        violation.fingerprint = id.to_string().into();
        let seq = state.last_seq() + 1;
        state.apply(seq, Timestamp(0), &Event::ViolationReported(Box::new(violation)));
    }
    let sample = samples::violation();
    let source = (sample.source_table, sample.source_id.unwrap());
    let restored = TenantState::from_snapshot(&state.to_snapshot()).unwrap();
    assert_eq!(restored.violations.open_of_source(&source), [7, 3, 5].map(uuid::Uuid::from_u128));
}

#[test]
fn counts_paces_and_trials_go_on_after_a_snapshot() {
    use crate::domain::templates::Mode;
    use crate::domain::templates::save::TemplateDraft;
    use crate::domain::testing::{alert, comp, tenant};
    let conditions = serde_json::json!({ "occurrences_at_least": 2, "within_days": 7, "cooldown_minutes": 60, "when": "measure > 1" });
    let trial = TemplateDraft { mode: Mode::Shadow, ..alert().when(conditions.clone()) };
    let mut live = tenant().with_template(alert().when(conditions)).with_template(trial);
    for _ in 0..4 {
        live.later_minutes(20).report(comp());
    }
    let mut restored = live.clone();
    restored.state = TenantState::from_snapshot(&live.state.to_snapshot()).unwrap();
    assert_eq!(restored.state.violations.recurrence, live.state.violations.recurrence);
    assert_eq!(restored.state.pace, live.state.pace);
    for one in [&mut live, &mut restored] {
        let (early, _) = one.report(comp());
        let (late, _) = one.later_minutes(60).report(comp());
        assert_eq!((one.violation(early).actions.len(), one.violation(late).actions.len()), (0, 1));
        let id = one.newest_template();
        let totals = one.state.shadows.totals(&id).unwrap();
        assert_eq!(totals.acted(), 2);
    }
    assert_eq!(restored.state.state_hash(), live.state.state_hash());
}

#[test]
fn a_trial_knows_its_pace_also_for_acts_whose_records_were_let_go() {
    use crate::domain::templates::Mode;
    use crate::domain::templates::save::TemplateDraft;
    use crate::domain::templates::shadow::RECORDS_OF_TEMPLATE_MAX;
    use crate::domain::testing::{alert, comp, tenant};
    let conditions = serde_json::json!({ "cooldown_minutes": 1_440 });
    let mut live = tenant().with_template(TemplateDraft { mode: Mode::Shadow, ..alert().when(conditions) });
    let of = |server: usize| {
        comp().with_metadata(serde_json::json!({ "server_id": format!("s{server}"), "comp_amount": 9 }))
    };
    for server in 0..RECORDS_OF_TEMPLATE_MAX + 10 {
        live.report(of(server));
    }
    let mut restored = live.clone();
    restored.state = TenantState::from_snapshot(&live.state.to_snapshot()).unwrap();
    for one in [&mut live, &mut restored] {
        let (id, before) = (one.newest_template(), RECORDS_OF_TEMPLATE_MAX as u64 + 10);
        one.later_minutes(60).report(of(0));
        assert_eq!(one.state.shadows.totals(&id).unwrap().acted(), before, "the cooldown holds");
    }
    assert_eq!(restored.state.state_hash(), live.state.state_hash());
}

#[test]
fn a_record_that_is_not_the_next_one_is_refused_and_changes_nothing() {
    let payload = encode_commit(&Cause::schedule(), None, None, &[Event::Answered]);
    let mut state = TenantState::empty();
    let refused = apply_payload(&mut state, 2, Timestamp(0), &payload);
    assert_eq!(refused, Err(StoredError::Gap { expected: 1, found: 2 }));
    assert_eq!(state.state_hash(), TenantState::empty().state_hash());
}

#[test]
fn recovery_folds_a_sealed_record_and_counts_its_events() {
    let payload = encode_commit(&Cause::schedule(), None, None, &samples::events());
    let count = samples::events().len() as u64;
    let at = Timestamp(1_700_000_000_000);
    let mut live = TenantState::empty();
    lived(&mut live, &[(at, None, samples::events())]);

    let sealed = seal(StreamId(1), 1, count, at.0, &GENESIS, &payload);
    let mut folded = Folded::<TenantState>::empty(StreamId(1));
    folded.apply_record(&open(&sealed.bytes).unwrap()).unwrap();
    assert_eq!(folded.state_hash(), live.state_hash());
    let restored = Folded::<TenantState>::from_snapshot(StreamId(1), &folded.to_snapshot()).unwrap();
    assert_eq!(restored.state_hash(), live.state_hash());

    let sealed = seal(StreamId(1), 1, count + 1, at.0, &GENESIS, &payload);
    let mut folded = Folded::<TenantState>::empty(StreamId(1));
    let refused = folded.apply_record(&open(&sealed.bytes).unwrap()).unwrap_err();
    assert_eq!(refused.why, format!("the events end at {count} where the record ends at {}", count + 1));
}

#[test]
fn the_numbers_of_names_are_those_of_the_first_release() {
    fn number<D>(value: &D) -> u8
    where
        u8: Form<D>,
    {
        u8::freeze(value)
    }
    use crate::domain::actions::{ActionType as T, AttemptOutcome as O, ExecutionStatus as S};
    use crate::domain::approvals::{RiskLevel as L, Source as F, Status as A, Verdict as V};
    use crate::domain::blocks::OnError as E;
    use crate::domain::decision::Done as D;
    assert_eq!([Severity::Info, Severity::Warning, Severity::Critical].map(|it| number(&it)), [1, 2, 3]);
    assert_eq!([T::Alert, T::Block, T::RequireOverride, T::Escalate].map(|it| number(&it)), [1, 2, 3, 4]);
    assert_eq!([S::Pending, S::Delivered, S::Failed, S::Dismissed].map(|it| number(&it)), [1, 2, 3, 4]);
    assert_eq!([O::Delivered, O::Retry, O::Refused].map(|it| number(&it)), [1, 2, 3]);
    assert_eq!([E::Open, E::Closed, E::Limit].map(|it| number(&it)), [1, 2, 3]);
    assert_eq!(A::ALL.map(|it| number(&it)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!([F::Module, F::Board, F::User, F::Override, F::Undo].map(|it| number(&it)), [1, 2, 3, 4, 5]);
    assert_eq!([V::Approved, V::Rejected].map(|it| number(&it)), [1, 2]);
    assert_eq!([L::Low, L::Medium, L::High, L::Critical].map(|it| number(&it)), [1, 2, 3, 4]);
    use crate::domain::templates::Mode as M;
    assert_eq!([M::Live, M::Shadow].map(|it| number(&it)), [1, 2]);
    assert_eq!([D::Created, D::Done].map(|it| number(&it)), [1, 2]);
    assert_eq!([Via::Api, Via::Page, Via::Schedule].map(|it| number(&it)), [1, 2, 3]);
    let roles =
        [Role::Owner, Role::Admin, Role::VpOps, Role::Gm, Role::Manager, Role::Reviewer, Role::Staff, Role::Viewer];
    assert_eq!(roles.map(|it| number(&it)), [1, 2, 3, 4, 5, 6, 7, 8]);
    let bits = Scope::ALL.map(|scope| u16::freeze(&Scopes::of(&[scope])));
    assert_eq!(bits, [1, 2, 4, 8, 16, 32, 64, 128]);
}

/// An event of any size, larger than any real one.
struct Huge(usize);

impl StoredEvent for Huge {
    fn try_encode(&self) -> Result<EncodedEvent, StoredError> {
        Ok(EncodedEvent { event_type: 1, schema: 1, bytes: try_bytes_of(&vec![0u8; self.0])? })
    }

    fn decode(_: u16, _: u16, bytes: &[u8]) -> Result<Self, StoredError> {
        Ok(Self(bytes.len()))
    }
}

#[test]
fn a_commit_that_the_journal_would_not_take_is_refused_and_the_largest_other_is_taken() {
    let encode = |sizes: &[usize]| {
        let events: Vec<Huge> = sizes.iter().map(|size| Huge(*size)).collect();
        try_encode_commit(&Cause::schedule(), None, None, &events)
    };
    let refused = |payload| matches!(payload, Err(StoredError::TooLarge { .. }));
    let half = PAYLOAD_BYTES_MAX / 2;
    let rest = PAYLOAD_BYTES_MAX - encode(&[half, half / 2]).unwrap().len() + half / 2; // both write their length alike
    let payload = encode(&[half, rest]).unwrap();
    assert_eq!(payload.len(), PAYLOAD_BYTES_MAX);
    assert_eq!(seal(StreamId(1), 1, 2, 0, &GENESIS, &payload).bytes.len(), RECORD_BYTES_MAX);
    assert!(refused(encode(&[half, rest + 1])), "the whole");
    assert!(refused(encode(&[usize::try_from(codec::VALUE_BYTES_MAX).unwrap()])), "one event");
    let body = vec![0; PAYLOAD_BYTES_MAX];
    assert!(refused(try_encode_commit(&Cause::schedule(), None, Some((Done::Done, &body)), &[Huge(0)])), "the reply");
    assert_eq!(try_encode_commit::<Event>(&Cause::schedule(), None, None, &[]), Err(StoredError::NoEvents));
}

#[test]
fn what_waits_for_people_and_what_they_got_lately_goes_on_after_a_snapshot() {
    use crate::domain::notifications::commands::{Notify, Source};
    use crate::domain::notifications::{DeliveryState, SINGLES_MAX};
    use crate::domain::testing::{Tenant, alert, comp, tenant};
    let alarm = |tenant: &mut Tenant, number: usize| {
        tenant.report(comp().with_metadata(serde_json::json!({ "server_id": format!("s{number}"), "comp_amount": 9 })));
        let action = tenant.state.actions.before(u64::MAX).next().unwrap().id;
        let source = Source::Action { id: action, step: None };
        tenant.run(Notify { source, people: vec![samples::id("gus")], names: [].into() });
    };
    let mut live = tenant().with_template(alert().to("role:gm"));
    (0..SINGLES_MAX).for_each(|number| alarm(&mut live, number));
    let mut restored = live.clone();
    restored.state = TenantState::from_snapshot(&live.state.to_snapshot()).unwrap();
    assert!(live.state.notifications.next_digest().is_some() && live.state.notifications.next_due().is_some());
    for one in [&mut live, &mut restored] {
        alarm(one, 99);
        let newest = one.state.notifications.of(&samples::id("gus"), u64::MAX).next().unwrap();
        assert!(newest.deliveries.iter().all(|way| way.state == DeliveryState::Held), "the window is full in both");
    }
    assert_eq!(restored.state.notifications.next_digest(), live.state.notifications.next_digest());
    assert_eq!(restored.state.notifications.next_due(), live.state.notifications.next_due());
    assert_eq!(restored.state.state_hash(), live.state.state_hash());
}

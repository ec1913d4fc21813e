//! Bytes of every released version, in `tests/golden`: what is written today is what was written then, and what was written then
//! is read today.
//!
//! `UPDATE_GOLDEN=1` writes the files that are missing; it never overwrites one. A file that no longer fits means a changed format:
//! bring back the old struct and add a version.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::super::states::StoredState;
use super::super::{Commit, StoredEvent, StoredReply, decode_commit, kinds};
use super::{again, lived, payload_of, samples};
use crate::domain::aggregate::Aggregate;
use crate::domain::channels::Channels;
use crate::domain::decision::Done;
use crate::domain::directory::state::Directory;
use crate::domain::event::Event;
use crate::domain::idempotency::Request;
use crate::domain::people::{Cause, Via, Who};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;
use crate::domain::webhooks::health::Health;

fn folder(schema: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{schema}"))
}

/// The bytes of the golden file of an older schema.
fn before(name: &str, schema: u16) -> Vec<u8> {
    fs::read(folder(schema).join(format!("{name}.bin"))).unwrap()
}

/// The bytes of a golden file, which are those of `today`.
fn golden(name: &str, schema: u16, today: &[u8]) -> Vec<u8> {
    let file = folder(schema).join(format!("{name}.bin"));
    if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(folder(schema)).unwrap();
        OpenOptions::new().write(true).create_new(true).open(&file).unwrap().write_all(today).unwrap();
    }
    let then =
        fs::read(&file).unwrap_or_else(|error| panic!("{name}.bin: {error}; UPDATE_GOLDEN=1 writes missing files"));
    assert!(then == today, "{name}.bin: the bytes are not those of the release; a golden file is never overwritten");
    then
}

fn name_of(event_type: u16) -> String {
    let found = kinds::ALL.iter().find(|(number, _)| *number == event_type);
    found.expect("every type is in the registry").1.to_lowercase()
}

/// Checks the golden file of each event: type, schema, bytes.
fn check_events<E: StoredEvent + PartialEq + Debug>(events: &[E]) -> BTreeSet<u16> {
    let mut seen = BTreeSet::new();
    for event in events {
        let encoded = event.encode();
        let head = [encoded.event_type.to_le_bytes(), encoded.schema.to_le_bytes()].concat();
        let then = golden(&name_of(encoded.event_type), encoded.schema, &[&head[..], &encoded.bytes].concat());
        let number = |at: usize| u16::from_le_bytes([then[at], then[at + 1]]);
        assert_eq!(&E::decode(number(0), number(2), &then[4..]).unwrap(), event);
        assert_eq!(&again(event).unwrap(), event);
        seen.insert(encoded.event_type);
    }
    seen
}

#[test]
fn golden_events_are_read_and_written_as_ever_and_no_kind_is_missing() {
    let mut seen = check_events(&samples::events());
    seen.extend(check_events(&samples::directory_events()));
    let all: BTreeSet<u16> = kinds::ALL.iter().map(|(number, _)| *number).collect();
    assert_eq!(seen, all, "every kind has a sample");
    assert_eq!(all.len(), kinds::ALL.len(), "no number stands for two kinds");
}

fn causes() -> [(&'static str, Cause); 5] {
    let id = samples::id;
    let key = |person| Who::Key { id: "k1".into(), person };
    let asked = |who, via| Cause { who, via, request: Some("req-1".into()) };
    [
        ("commit_person", asked(Who::Person(id("gm-1")), Via::Page)),
        ("commit_key", asked(key(None), Via::Api)),
        ("commit_key_of_person", asked(key(Some(id("gm-1"))), Via::Api)),
        ("commit_operator", asked(Who::Operator, Via::Api)),
        ("commit_schedule", Cause::schedule()),
    ]
}

fn request() -> Request {
    Request { key: "Idempotency key 1".into(), print: *b"sixteen bytes ok" }
}

#[test]
fn golden_commits_are_read_and_written_as_ever() {
    let events = vec![Event::TemplateDeleted { id: uuid::Uuid::from_u128(1) }, Event::Answered];
    for (index, (name, cause)) in causes().into_iter().enumerate() {
        let done = if index % 2 == 0 { Done::Created } else { Done::Done };
        let request = (index < 3).then(request);
        let reply = (index < 2).then(|| StoredReply { done, body: br#"{"id":1}"#.to_vec() });
        let commit = Commit { cause, request, reply, events: events.clone() };
        let then = golden(name, 1, &payload_of(&commit));
        assert_eq!(decode_commit::<Event>(&then).unwrap(), commit);
    }
}

fn check_snapshot<A: StoredState>(name: &str, schema: u16, state: &A) {
    let then = golden(name, schema, &state.to_snapshot());
    let restored = A::from_snapshot(&then).unwrap();
    assert_eq!(restored.state_hash(), state.state_hash());
}

#[test]
fn golden_snapshots_are_read_and_written_as_ever() {
    let at = Timestamp(1_739_600_000_000);
    let later = Request { key: "Idempotency key 2".into(), print: [7; 16] };
    let mut state = TenantState::empty();
    check_snapshot("snapshot_unfounded", 3, &state);
    lived(&mut state, &[(at, Some(request()), samples::events()), (at.plus_ms(1), Some(later), vec![Event::Answered])]);
    check_snapshot("snapshot_organisation", 3, &state);

    let mut directory = Directory::empty();
    lived(&mut directory, &[(at, Some(request()), samples::directory_events())]);
    check_snapshot("snapshot_directory", 1, &directory);
}

/// An event of an older schema, as it is read today.
fn grown(event_type: u16, schema: u16) -> Event {
    let then = before(&name_of(event_type), schema);
    assert_eq!(then[..4], [event_type.to_le_bytes(), schema.to_le_bytes()].concat());
    Event::decode(event_type, schema, &then[4..]).unwrap()
}

#[test]
fn what_was_stored_in_a_first_form_is_read_as_what_it_has_become() {
    let submitted = Event::ApprovalSubmitted(Box::new(samples::first_approval()));
    assert_eq!(grown(kinds::APPROVAL_SUBMITTED, 1), submitted);
    let executed = Event::ApprovalExecuted(Box::new(samples::first_executed()));
    assert_eq!(grown(kinds::APPROVAL_EXECUTED, 1), executed);
    let Event::WebhookSaved(webhook) = grown(kinds::WEBHOOK_SAVED, 1) else { panic!() };
    assert_eq!((webhook.generation, webhook.rotated_at, webhook.health), (2, None, Health::default()));
}

#[test]
fn snapshots_of_the_second_form_are_read_as_what_they_have_become() {
    let unfounded = TenantState::from_snapshot(&before("snapshot_unfounded", 2)).unwrap();
    assert_eq!(unfounded.state_hash(), TenantState::empty().state_hash());
    let state = TenantState::from_snapshot(&before("snapshot_organisation", 2)).unwrap();
    let webhook = state.webhooks.iter().next().unwrap();
    assert_eq!((webhook.rotated_at, webhook.health, &state.channels), (None, Health::default(), &Channels::default()));
    assert!(state.tasks.iter().next().is_some() && state.notifications.iter().next().is_none());
    let again = TenantState::from_snapshot(&state.to_snapshot()).unwrap();
    assert_eq!(again.state_hash(), state.state_hash(), "and is stored in the newest form");
}

#[test]
fn snapshots_of_the_first_form_are_read_as_what_they_have_become() {
    let unfounded = TenantState::from_snapshot(&before("snapshot_unfounded", 1)).unwrap();
    assert_eq!(unfounded.state_hash(), TenantState::empty().state_hash());
    let state = TenantState::from_snapshot(&before("snapshot_organisation", 1)).unwrap();
    let approval = state.approvals.iter().next().unwrap();
    assert_eq!((state.approvals.len(), state.tasks.len(), approval.allow_repeat), (1, 0, true));
    assert_eq!(approval.execution.as_ref().map(|run| run.attempt), Some(1));
    let again = TenantState::from_snapshot(&state.to_snapshot()).unwrap();
    assert_eq!(again.state_hash(), state.state_hash(), "and is stored in the newest form");
}

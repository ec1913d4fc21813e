//! What is not ours: cut, flipped, of a later version.

use proptest::prelude::*;

use super::super::form::Form;
use super::super::states::StoredState;
use super::super::{StoredError, StoredEvent, decode_commit, encode_commit, kinds};
use super::arbitrary::{commit, directory_event, event, steps};
use super::{lived, payload_of, samples};
use crate::domain::aggregate::Aggregate;
use crate::domain::directory::DirectoryEvent;
use crate::domain::directory::state::Directory;
use crate::domain::event::Event;
use crate::domain::ids::OutsideId;
use crate::domain::people::{Cause, Scopes, Who};
use crate::domain::state::TenantState;
use crate::domain::violations::Severity;
use crate::store::codec;
use crate::store::stored::v1::WhoV1;

fn flipped(bytes: &[u8], at: prop::sample::Index, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    bytes
}

proptest! {
    #[test]
    fn a_damaged_payload_never_panics_and_a_cut_one_is_refused(
        commit in commit(event()),
        at: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let payload = payload_of(&commit);
        prop_assert!(decode_commit::<Event>(&payload[..at.index(payload.len())]).is_err());
        let longer = [&payload[..], &[0]].concat();
        prop_assert_eq!(decode_commit::<Event>(&longer), Err(StoredError::Rest { bytes: 1 }));
        // A flipped bit is refused or gives another commit, never the same one.
        if let Ok(other) = decode_commit::<Event>(&flipped(&payload, at, bit)) {
            prop_assert_ne!(format!("{other:?}"), format!("{commit:?}"));
        }
    }

    #[test]
    fn a_damaged_event_of_the_directory_never_panics(event in directory_event(), at: prop::sample::Index, bit in 0_u8..8) {
        let payload = encode_commit(&Cause::schedule(), None, None, &[event]);
        prop_assert!(decode_commit::<DirectoryEvent>(&payload[..at.index(payload.len())]).is_err());
        let _ = decode_commit::<DirectoryEvent>(&flipped(&payload, at, bit));
    }

    #[test]
    fn a_damaged_snapshot_never_panics_and_a_cut_one_is_refused(
        steps in steps(event()),
        directory_steps in steps(directory_event()),
        at: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let mut state = TenantState::empty();
        lived(&mut state, &steps);
        let snapshot = state.to_snapshot();
        prop_assert!(TenantState::from_snapshot(&snapshot[..at.index(snapshot.len())]).is_err());
        let _ = TenantState::from_snapshot(&flipped(&snapshot, at, bit));

        let mut directory = Directory::empty();
        lived(&mut directory, &directory_steps);
        let snapshot = directory.to_snapshot();
        prop_assert!(Directory::from_snapshot(&snapshot[..at.index(snapshot.len())]).is_err());
        let _ = Directory::from_snapshot(&flipped(&snapshot, at, bit));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, kind in prop::sample::select(kinds::ALL)) {
        let _ = decode_commit::<Event>(&bytes);
        let _ = decode_commit::<DirectoryEvent>(&bytes);
        let _ = Event::decode(kind.0, 1, &bytes);
        let _ = DirectoryEvent::decode(kind.0, 1, &bytes);
        let _ = TenantState::from_snapshot(&bytes);
        let _ = Directory::from_snapshot(&bytes);
    }
}

#[test]
fn what_is_unknown_is_refused_by_its_number() {
    let unknown = |event_type, schema| Err(StoredError::UnknownEvent { event_type, schema });
    assert_eq!(Event::decode(65_535, 1, &[]), unknown(65_535, 1));
    assert_eq!(
        DirectoryEvent::decode(kinds::BLOCK_PLACED, 1, &[]).map(|_| ()),
        Err(StoredError::UnknownEvent { event_type: kinds::BLOCK_PLACED, schema: 1 })
    );
    for event in samples::events() {
        let encoded = event.encode();
        assert_eq!(Event::decode(encoded.event_type, 0, &encoded.bytes), unknown(encoded.event_type, 0));
        let next = encoded.schema + 1;
        assert_eq!(Event::decode(encoded.event_type, next, &encoded.bytes), unknown(encoded.event_type, next));
    }

    let mut payload = encode_commit(&Cause::schedule(), None, None, &[Event::Answered]);
    let schema_at = payload.len() - 6;
    payload[schema_at] = 9;
    assert_eq!(
        decode_commit::<Event>(&payload),
        Err(StoredError::UnknownEvent { event_type: kinds::ANSWERED, schema: 9 })
    );
    payload[0] = 2;
    assert_eq!(decode_commit::<Event>(&payload), Err(StoredError::UnknownPayload { version: 2 }));

    let mut snapshot = TenantState::empty().to_snapshot();
    snapshot[0] = 4;
    assert_eq!(TenantState::from_snapshot(&snapshot).err(), Some(StoredError::UnknownSnapshot { schema: 4 }));
    snapshot[0] = 2;
    assert_eq!(Directory::from_snapshot(&snapshot).err(), Some(StoredError::UnknownSnapshot { schema: 2 }));
}

#[test]
fn a_number_that_stands_for_nothing_is_refused() {
    let severity: Result<Severity, _> = 0_u8.thaw();
    assert_eq!(severity, Err(StoredError::UnknownNumber { of: "Severity", number: 0 }));
    let scopes: Result<Scopes, _> = 0x0101_u16.thaw();
    assert_eq!(scopes, Err(StoredError::UnknownNumber { of: "Scope", number: 0x0100 }));
    let who: Result<Who, _> = WhoV1 { kind: 5, key: None, person: None }.thaw();
    assert_eq!(who, Err(StoredError::UnknownNumber { of: "Who", number: 5 }));
    let who: Result<Who, _> = WhoV1 { kind: 3, key: Some("k".into()), person: None }.thaw();
    assert!(matches!(who, Err(StoredError::Malformed { .. })));
    let id: Result<OutsideId, _> = String::new().thaw();
    assert_eq!(id, Err(StoredError::malformed("an id", "is empty")));
}

#[test]
fn a_payload_without_events_is_refused() {
    let payload = encode_commit(&Cause::schedule(), None, None, &[Event::Answered]);
    let mut empty = payload[..payload.len() - 12].to_vec();
    empty.extend_from_slice(&0_u32.to_le_bytes());
    assert_eq!(decode_commit::<Event>(&empty), Err(StoredError::NoEvents));
}

#[test]
fn a_count_beyond_the_bytes_is_refused_without_reserving_memory() {
    let mut payload = encode_commit(&Cause::schedule(), None, None, &[Event::Answered]);
    let count_at = payload.len() - 12;
    payload[count_at..count_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode_commit::<Event>(&payload), Err(StoredError::Short));

    let mut snapshot = TenantState::empty().to_snapshot();
    let end = snapshot.len();
    snapshot[end - 8..].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(TenantState::from_snapshot(&snapshot).err(), Some(StoredError::Short));
    assert!(codec::encode(&()).is_empty(), "an event without fields is a piece of no bytes");
}

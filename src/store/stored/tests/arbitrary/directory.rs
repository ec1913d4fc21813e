//! Arbitrary events of the directory.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{ROLES, at, authority, outside, text};
use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::ids::StreamId;
use crate::domain::people::{Scope, Scopes};

fn hash() -> impl Strategy<Value = [u8; 32]> {
    (0_u8..6).prop_map(|byte| [byte; 32])
}

prop_compose! {
    fn registration()(
        org_id in outside(), stream in 0_u64..99, name in text(), time_zone in text(), created_at in at(),
    ) -> Registration {
        Registration { org_id, stream: StreamId(stream), name, time_zone, created_at }
    }
}

prop_compose! {
    fn key()(
        id in text(), seq: u64, org_id in outside(), name in text(), hash: [u8; 32],
        scopes in subsequence(Scope::ALL.to_vec(), 0..=8), venues in of(vec(outside(), 0..3)), authority in of(authority()),
        person in of(outside()), created_at in at(), created_by in text(), expires_at in of(at()),
    ) -> Key {
        Key {
            id, seq, org_id, name, hash, scopes: Scopes::of(&scopes), venues, authority, person, created_at, created_by,
            expires_at,
        }
    }
}

prop_compose! {
    fn user()(
        id in outside(), seq: u64, org_id in outside(), email in text(), name in text(), role in select(&ROLES),
        venues in of(vec(outside(), 0..3)), password_hash in of(text()), created_at in at(),
    ) -> User {
        User { id, seq, org_id, email, name, role, venues, password_hash, created_at }
    }
}

prop_compose! {
    fn session()(
        hash in hash(), org_id in outside(), user_id in outside(), opened_at in at(), expires_at in at(),
    ) -> Session {
        Session { hash, org_id, user_id, opened_at, expires_at }
    }
}

/// Every kind of event of the directory.
pub fn directory_event() -> BoxedStrategy<DirectoryEvent> {
    prop_oneof![
        registration().prop_map(|it| DirectoryEvent::OrganisationRegistered(Box::new(it))),
        key().prop_map(|it| DirectoryEvent::KeyCreated(Box::new(it))),
        (outside(), text()).prop_map(|(org_id, id)| DirectoryEvent::KeyRevoked { org_id, id }),
        user().prop_map(|it| DirectoryEvent::UserSaved(Box::new(it))),
        (outside(), outside()).prop_map(|(org_id, id)| DirectoryEvent::UserRemoved { org_id, id }),
        session().prop_map(|it| DirectoryEvent::SessionOpened(Box::new(it))),
        vec(hash(), 0..3).prop_map(|hashes| DirectoryEvent::SessionsClosed { hashes }),
        Just(DirectoryEvent::Answered),
    ]
    .boxed()
}

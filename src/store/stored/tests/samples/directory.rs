//! One fixed sample of every kind of event of the directory.

use super::{AT, LATER, id};
use crate::domain::directory::{DirectoryEvent, Key, Registration, Session, User};
use crate::domain::ids::StreamId;
use crate::domain::people::{Authority, Role, Scope, Scopes};

/// One event of every kind of the directory.
pub fn directory_events() -> Vec<DirectoryEvent> {
    let org_id = id("Gasthaus Müller");
    let registration = Registration {
        org_id: org_id.clone(),
        stream: StreamId(12),
        name: "Müller & Söhne".into(),
        time_zone: "Europe/Berlin".into(),
        created_at: AT,
    };
    let key = Key {
        id: "k1".into(),
        seq: 0,
        org_id: org_id.clone(),
        name: "till".into(),
        hash: [0xA5; 32],
        scopes: Scopes::of(&[Scope::ViolationsWrite, Scope::BlocksRead, Scope::Admin]),
        venues: Some(vec![id("venue-7"), id("venue-8")]),
        authority: Some(Authority::named("gm")),
        person: Some(id("gm-1")),
        created_at: AT,
        created_by: "operator".into(),
        expires_at: Some(LATER),
    };
    let user = User {
        id: id("gm-1"),
        seq: 0,
        org_id: org_id.clone(),
        email: "GM@example.com".into(),
        name: "Grace".into(),
        role: Role::Gm,
        venues: Some(vec![id("venue-7")]),
        password_hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA".into()),
        created_at: AT,
    };
    let session =
        Session { hash: [0x5A; 32], org_id: org_id.clone(), user_id: id("gm-1"), opened_at: AT, expires_at: LATER };
    let events = vec![
        DirectoryEvent::OrganisationRegistered(Box::new(registration)),
        DirectoryEvent::KeyCreated(Box::new(key)),
        DirectoryEvent::KeyRevoked { org_id: org_id.clone(), id: "k0".into() },
        DirectoryEvent::UserSaved(Box::new(user)),
        DirectoryEvent::UserRemoved { org_id, id: id("gm-0") },
        DirectoryEvent::SessionOpened(Box::new(session)),
        DirectoryEvent::SessionsClosed { hashes: vec![[1; 32], [2; 32]] },
        DirectoryEvent::Answered,
    ];
    events.iter().for_each(is_listed_too);
    events
}

/// As [`is_listed`], for [`directory_events`].
fn is_listed_too(event: &DirectoryEvent) {
    match event {
        DirectoryEvent::OrganisationRegistered(_)
        | DirectoryEvent::KeyCreated(_)
        | DirectoryEvent::KeyRevoked { .. }
        | DirectoryEvent::UserSaved(_)
        | DirectoryEvent::UserRemoved { .. }
        | DirectoryEvent::SessionOpened(_)
        | DirectoryEvent::SessionsClosed { .. }
        | DirectoryEvent::Answered => {}
    }
}

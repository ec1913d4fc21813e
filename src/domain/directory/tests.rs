//! The directory: organisations, people, keys and sessions.

use super::commands::{CreateKey, DirectoryCommand, RegisterOrganisation, RevokeKey};
use super::people::{ChangeUser, CreateUser, RemoveUser};
use super::sessions::{CloseExpired, CloseSession, OpenSession, SESSION_MS, SESSIONS_MAX};
use super::state::Directory;
use super::{DirectoryAnswer, DirectoryEvent, NewKey};
use crate::domain::aggregate::Aggregate;
use crate::domain::decision::Context;
use crate::domain::ids::{IdSource, StreamId};
use crate::domain::people::{Caller, Held, Role, Scope};
use crate::domain::rejection::Rejection;
use crate::domain::testing::{FRIDAY, at, id, key, org, person, pointers};
use crate::domain::time::{MINUTE_MS, Timestamp};

/// A directory, the time, and who calls next.
struct Office {
    state: Directory,
    now: Timestamp,
    caller: Caller,
    last: Vec<DirectoryEvent>,
    decisions: u64,
}

/// A directory with the organisation `harbour`, owned by `olga`.
fn office() -> Office {
    let mut office =
        Office { state: Directory::empty(), now: at(FRIDAY), caller: key(Held::Top), last: Vec::new(), decisions: 0 };
    office.run(register("harbour", Some(user("olga", Role::Owner))));
    office
}

impl Office {
    fn run(&mut self, command: DirectoryCommand) -> DirectoryAnswer {
        self.try_run(command).expect("not refused")
    }

    fn refused(&mut self, command: DirectoryCommand) -> Rejection {
        let before = self.state.state_hash();
        let refusal = self.try_run(command).expect_err("refused");
        assert_eq!(self.state.state_hash(), before);
        refusal
    }

    fn try_run(&mut self, command: DirectoryCommand) -> Result<DirectoryAnswer, Rejection> {
        self.decisions += 1;
        let mut context =
            Context { now: self.now, ids: IdSource::new(self.now.0, self.decisions), caller: &self.caller };
        let decision = command.decide(&self.state, &mut context)?;
        for event in &decision.events {
            self.state.apply(self.state.last_seq() + 1, self.now, event);
        }
        self.last = decision.events;
        Ok(decision.answer)
    }

    fn sessions(&self, user: &str) -> usize {
        self.state.sessions_of(&org("harbour"), &id(user)).len()
    }

    fn open(&mut self, user: &str, number: u8) {
        self.run(open(user, number));
    }
}

fn new_key(name: &str) -> NewKey {
    NewKey { id: name.into(), hash: [1; 32], sealed: vec![1] }
}

fn user(name: &str, role: Role) -> CreateUser {
    CreateUser {
        org_id: org("harbour"),
        id: Some(name.into()),
        email: format!("{name}@harbour.example"),
        name: name.into(),
        role,
        venues: None,
        password_hash: None,
    }
}

fn add(user: CreateUser) -> DirectoryCommand {
    DirectoryCommand::CreateUser(Box::new(user))
}

fn register(name: &str, owner: Option<CreateUser>) -> DirectoryCommand {
    DirectoryCommand::RegisterOrganisation(Box::new(RegisterOrganisation {
        org_id: name.into(),
        name: "Harbour Group".into(),
        time_zone: None,
        admin_key: new_key(&format!("key-{name}")),
        owner,
    }))
}

fn changed(name: &str) -> ChangeUser {
    ChangeUser {
        org_id: org("harbour"),
        id: name.into(),
        email: None,
        name: None,
        role: None,
        venues: None,
        password_hash: None,
    }
}

fn change(user: ChangeUser) -> DirectoryCommand {
    DirectoryCommand::ChangeUser(Box::new(user))
}

fn remove(name: &str) -> DirectoryCommand {
    DirectoryCommand::RemoveUser(RemoveUser { org_id: org("harbour"), id: name.into() })
}

fn open(user: &str, number: u8) -> DirectoryCommand {
    DirectoryCommand::OpenSession(OpenSession { org_id: org("harbour"), user_id: id(user), hash: [number; 32] })
}

fn make_key(name: &str) -> CreateKey {
    CreateKey {
        org_id: org("harbour"),
        key: new_key(name),
        name: "Till".into(),
        scopes: vec![Scope::BlocksRead],
        venues: None,
        authority: None,
        expires_at: None,
    }
}

#[test]
fn an_organisation_comes_with_a_stream_a_key_and_its_owner() {
    let mut office = office();
    assert_eq!(office.state.organisation(&org("harbour")).unwrap().stream, StreamId(1));
    let first = office.state.key(&org("harbour"), "key-harbour").unwrap();
    assert_eq!((first.scopes.list().len(), first.person.clone()), (Scope::ALL.len(), None));
    assert_eq!(office.state.user(&org("harbour"), &id("olga")).unwrap().role, Role::Owner);
    let other = CreateUser { org_id: org("ignored"), ..user("olga", Role::Owner) };
    office.run(register("pier", Some(other)));
    assert_eq!(office.state.organisation(&org("pier")).unwrap().stream, StreamId(2));
    assert!(
        office.state.user(&org("pier"), &id("olga")).is_some(),
        "the same id and address elsewhere is another person"
    );
    assert!(office.state.key(&org("pier"), "key-harbour").is_none());
}

#[test]
fn an_organisation_is_registered_once_and_well_formed() {
    let mut office = office();
    assert!(matches!(office.refused(register("harbour", None)), Rejection::AlreadyExists { .. }));
    let wrong = RegisterOrganisation {
        org_id: String::new(),
        name: " ".into(),
        time_zone: Some("Mars/Olympus".into()),
        admin_key: new_key("k"),
        owner: None,
    };
    let refusal = office.refused(DirectoryCommand::RegisterOrganisation(Box::new(wrong)));
    assert_eq!(pointers(&refusal), ["/org_id", "/name", "/time_zone"]);
    let owner = CreateUser { email: "olga".into(), ..user("olga", Role::Owner) };
    assert_eq!(pointers(&office.refused(register("pier", Some(owner)))), ["/owner/email"]);
}

#[test]
fn ids_and_addresses_of_people_are_theirs_alone() {
    let mut office = office();
    let again = CreateUser { email: "other@harbour.example".into(), ..user("olga", Role::Staff) };
    assert_eq!(office.refused(add(again)), Rejection::AlreadyExists { what: "a person of this id" });
    let same = CreateUser { email: "OLGA@harbour.example".into(), ..user("other", Role::Staff) };
    assert_eq!(office.refused(add(same)), Rejection::AlreadyExists { what: "a person of this address" });
    office.run(add(user("mia", Role::Manager)));
    let taken = ChangeUser { email: Some("Olga@harbour.example".into()), ..changed("mia") };
    assert_eq!(office.refused(change(taken)), Rejection::AlreadyExists { what: "a person of this address" });
    office.run(change(ChangeUser { email: Some("MIA@harbour.example".into()), ..changed("mia") }));
    office.run(change(ChangeUser { email: Some("mia2@harbour.example".into()), ..changed("mia") }));
    office.run(add(CreateUser { id: None, ..user("mia", Role::Staff) }));
    assert_eq!(office.state.user_by_email(&org("harbour"), "mia2@HARBOUR.example").unwrap().id, id("mia"));
    assert_eq!(office.state.users_of(&org("harbour"), 0).count(), 3);
    let wrong =
        CreateUser { id: Some(String::new()), email: "a@b, c@d".into(), name: "\n".into(), ..user("x", Role::Staff) };
    assert_eq!(pointers(&office.refused(add(wrong))), ["/id", "/email", "/name", "/name"]);
}

#[test]
fn somebody_can_always_manage_the_organisation() {
    let mut office = office();
    let demoted = || change(ChangeUser { role: Some(Role::Gm), ..changed("olga") });
    assert_eq!(office.refused(remove("olga")), Rejection::LastAdministrator);
    assert_eq!(office.refused(demoted()), Rejection::LastAdministrator);
    office.run(change(ChangeUser { role: Some(Role::Admin), ..changed("olga") }));
    office.run(add(user("vic", Role::VpOps)));
    assert_eq!(office.refused(remove("olga")), Rejection::LastAdministrator, "vp_ops manages nobody");
    office.run(add(user("ada", Role::Admin)));
    office.run(demoted());
    assert_eq!(office.refused(remove("ada")), Rejection::LastAdministrator);
    office.run(remove("olga"));
    assert_eq!(office.refused(remove("olga")), Rejection::NotFound);
}

#[test]
fn a_change_of_power_ends_the_persons_sessions() {
    let venues = || Some(Some(vec![id("pier")]));
    let changes = [
        (ChangeUser { role: Some(Role::Gm), ..changed("mia") }, 0),
        (ChangeUser { venues: venues(), ..changed("mia") }, 0),
        (ChangeUser { password_hash: Some("$argon2id$x".into()), ..changed("mia") }, 0),
        (ChangeUser { name: Some("Mia M.".into()), email: Some("m@harbour.example".into()), ..changed("mia") }, 2),
        (ChangeUser { role: Some(Role::Manager), ..changed("mia") }, 2),
    ];
    for (changed, left) in changes {
        let mut office = office();
        office.run(add(user("mia", Role::Manager)));
        office.open("mia", 1);
        office.open("mia", 2);
        office.open("olga", 3);
        office.run(change(changed.clone()));
        assert_eq!((office.sessions("mia"), office.sessions("olga")), (left, 1), "{changed:?}");
    }
}

#[test]
fn who_is_removed_takes_sessions_and_keys_along() {
    let mut office = office();
    office.run(add(user("mia", Role::Manager)));
    office.open("mia", 1);
    office.caller = person("mia", Held::Nothing);
    office.run(DirectoryCommand::CreateKey(Box::new(make_key("hers"))));
    office.caller = key(Held::Top);
    office.run(DirectoryCommand::CreateKey(Box::new(make_key("nobodys"))));
    office.run(remove("mia"));
    assert!(office.state.session(&[1; 32]).is_none() && office.state.key(&org("harbour"), "hers").is_none());
    assert!(office.state.key(&org("harbour"), "nobodys").is_some());
    assert!(office.state.user_by_email(&org("harbour"), "mia@harbour.example").is_none());
    assert_eq!(office.refused(open("mia", 2)), Rejection::NotFound);
    office.run(add(user("mia", Role::Staff)));
    assert_eq!(office.sessions("mia"), 0);
}

#[test]
fn a_key_is_made_for_its_organisation_and_ends_when_it_is_revoked() {
    let mut office = office();
    office.run(register("pier", None));
    office.run(DirectoryCommand::CreateKey(Box::new(make_key("till"))));
    let revoke = |owner: &str| DirectoryCommand::RevokeKey(RevokeKey { org_id: org(owner), id: "till".into() });
    assert_eq!(office.refused(revoke("pier")), Rejection::NotFound, "a foreign key does not exist");
    office.run(revoke("harbour"));
    assert_eq!(office.refused(revoke("harbour")), Rejection::NotFound);
    let wrong = CreateKey { name: String::new(), scopes: Vec::new(), expires_at: Some(office.now), ..make_key("till") };
    let refusal = office.refused(DirectoryCommand::CreateKey(Box::new(wrong)));
    assert_eq!(pointers(&refusal), ["/name", "/scopes", "/expires_at"]);
}

#[test]
fn the_oldest_session_ends_when_there_are_too_many() {
    let mut office = office();
    for number in 0..=u8::try_from(SESSIONS_MAX).unwrap() {
        office.open("olga", number);
        office.now = office.now.plus_ms(MINUTE_MS);
    }
    assert_eq!(office.sessions("olga"), SESSIONS_MAX);
    assert!(office.state.session(&[0; 32]).is_none() && office.state.session(&[1; 32]).is_some());
}

#[test]
fn a_session_ends_by_logout_or_time() {
    let mut office = office();
    for number in 1..=3 {
        office.open("olga", number);
        office.now = office.now.plus_ms(1);
    }
    let close = |number: u8| DirectoryCommand::CloseSession(CloseSession { hash: [number; 32] });
    office.run(close(1));
    office.run(close(1));
    assert_eq!((office.last.len(), office.sessions("olga")), (0, 2), "a second logout is no error");
    office.now = office.state.session(&[2; 32]).unwrap().expires_at;
    assert_eq!(office.now, at(FRIDAY).plus_ms(SESSION_MS + 1));
    office.run(DirectoryCommand::CloseExpired(CloseExpired));
    assert!(office.state.session(&[2; 32]).is_none() && office.state.session(&[3; 32]).is_some());
    office.run(DirectoryCommand::CloseExpired(CloseExpired));
    assert!(office.last.is_empty());
}

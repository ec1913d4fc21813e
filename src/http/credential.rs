//! What callers show: a key as bearer token, or the session cookie; and who it belongs to. No allocation on the way.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap};
use subtle::ConstantTimeEq;

use crate::actors::access::{Access, CredentialHash, KeyEntry, SessionEntry};
use crate::actors::org::OrgRef;
use crate::domain::ids::VenueId;
use crate::domain::people::{Held, Role, Scope};
use crate::domain::permission::Credential;

/// The name of the cookie that holds a session.
pub const COOKIE_NAME: &str = "ac_session";

/// What a request shows. A bearer token counts before a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// `Authorization: Bearer …`.
    Bearer(&'a [u8]),
    /// The session cookie.
    Session(&'a [u8]),
    /// An `Authorization` of another kind, which opens nothing.
    Other,
    /// No credential at all.
    Nothing,
}

impl<'a> Shown<'a> {
    /// What these headers show.
    pub fn of(headers: &'a HeaderMap) -> Self {
        if let Some(value) = headers.get(AUTHORIZATION) {
            return match value.as_bytes().split_at_checked(7) {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => Self::Bearer(token.trim_ascii()),
                Some(_) | None => Self::Other,
            };
        }
        let mut cookies = headers.get_all(COOKIE).flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        let session =
            cookies.find_map(|pair| pair.trim_ascii_start().strip_prefix(COOKIE_NAME.as_bytes())?.strip_prefix(b"="));
        session.map_or(Self::Nothing, |id| Self::Session(id.trim_ascii()))
    }

    /// The credential as it is kept; `None` when there is none.
    pub fn hashed(self, server_key: &[u8; 32]) -> Option<Hashed> {
        match self {
            Self::Bearer(token) => Some(Hashed::Key(hash(server_key, token))),
            Self::Session(id) => Some(Hashed::Session(hash(server_key, id))),
            Self::Other | Self::Nothing => None,
        }
    }
}

/// A credential as it is kept: enough to ask again whose it is.
#[derive(Clone, Copy, Debug)]
pub enum Hashed {
    /// Of a key.
    Key(CredentialHash),
    /// Of a session.
    Session(CredentialHash),
}

impl Hashed {
    /// Whose it is; `None` when it opens nothing, or no longer.
    pub fn holder(&self, access: &Access, now_ms: i64) -> Option<Holder> {
        match self {
            Self::Key(hash) => access.key(hash, now_ms).map(Holder::Key),
            Self::Session(hash) => access.session(hash, now_ms).map(Holder::Session),
        }
    }
}

/// Whose credential it is.
#[derive(Clone, Debug)]
pub enum Holder {
    /// An API key.
    Key(Arc<KeyEntry>),
    /// A person who logged in.
    Session(Arc<SessionEntry>),
}

impl Holder {
    /// Finds whose it is; `None` when it opens nothing, or no longer.
    pub fn find(access: &Access, shown: Shown<'_>, server_key: &[u8; 32], now_ms: i64) -> Option<Self> {
        shown.hashed(server_key)?.holder(access, now_ms)
    }

    /// The organisation that it opens.
    pub fn org(&self) -> &OrgRef {
        match self {
            Self::Key(key) => &key.org,
            Self::Session(session) => &session.org,
        }
    }

    /// What the table of permissions looks at.
    pub fn credential(&self) -> Credential {
        match self {
            Self::Key(key) => Credential::Key(key.scopes),
            Self::Session(session) => Credential::Person(session.role),
        }
    }

    /// What the person is who logged in; none for a key.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Key(_) => None,
            Self::Session(session) => Some(session.role),
        }
    }

    /// The venues that it is limited to; none means all.
    pub fn venues(&self) -> Option<&Arc<[VenueId]>> {
        match self {
            Self::Key(key) => key.venues.as_ref(),
            Self::Session(session) => session.venues.as_ref(),
        }
    }

    /// The authority that it holds.
    pub fn held(&self) -> Held {
        match self {
            Self::Key(key) => held_by_key(key),
            Self::Session(session) => held_by(session.role),
        }
    }

    /// Whether it may give a key an authority: a person must be an owner for that, with a session or with a key of theirs.
    pub fn gives_authority(&self) -> bool {
        match self {
            Self::Key(key) => key.person.is_none() || key.person_role == Some(Role::Owner),
            Self::Session(session) => session.role == Role::Owner,
        }
    }
}

/// The authority of a person. An owner stands above every rung, also where the ladder names none `owner`.
pub fn held_by(role: Role) -> Held {
    Held::of(role)
}

/// The authority of a key: never above that of the person it belongs to, as that person is now.
fn held_by_key(key: &KeyEntry) -> Held {
    let named = || key.authority.clone().map_or(Held::Nothing, Held::Rung);
    let is_admin = key.scopes.has(Scope::Admin);
    let Some(role) = key.person_role else {
        // Of nobody it is as strong as it was made; of a person who is gone it is nothing.
        return match (&key.person, is_admin) {
            (Some(_), _) => Held::Nothing,
            (None, true) => Held::Top,
            (None, false) => named(),
        };
    };
    match (held_by(role), &key.authority) {
        (theirs, _) if is_admin => theirs,
        (_, None) => Held::Nothing,
        (Held::Top, Some(_)) => named(),
        // Which of two rungs is the lower one only the ladder knows; the person's own is never too much for them.
        (theirs @ (Held::Rung(_) | Held::Nothing), Some(_)) => theirs,
    }
}

/// The hash under which a credential is kept.
pub fn hash(server_key: &[u8; 32], credential: &[u8]) -> CredentialHash {
    blake3::keyed_hash(server_key, credential).into()
}

/// Whether two secrets are the same, in a time that does not tell where they differ. An empty secret is like none.
pub fn is_secret(shown: &[u8], secret: &[u8]) -> bool {
    !secret.is_empty() && bool::from(shown.ct_eq(secret))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::actors::org::Org;
    use crate::domain::ids::{OrgId, StreamId};
    use crate::domain::people::Authority;
    use crate::domain::people::Scopes;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = actix_web::http::header::HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        assert_eq!(Shown::of(&headers(&[("authorization", "Bearer ack_a_b")])), Shown::Bearer(b"ack_a_b"));
        assert_eq!(Shown::of(&headers(&[("authorization", "bearer ack_a_b")])), Shown::Bearer(b"ack_a_b"));
        assert_eq!(Shown::of(&headers(&[("authorization", "Basic YTpi")])), Shown::Other);
        assert_eq!(Shown::of(&headers(&[("authorization", "Bear")])), Shown::Other);
    }

    #[test]
    fn a_session_is_found_among_other_cookies_and_by_its_whole_name() {
        assert_eq!(Shown::of(&headers(&[("cookie", "a=1; ac_session=xyz; b=2")])), Shown::Session(b"xyz"));
        assert_eq!(Shown::of(&headers(&[("cookie", "a=1"), ("cookie", "ac_session=xyz")])), Shown::Session(b"xyz"));
        assert_eq!(Shown::of(&headers(&[("cookie", "xac_session=1; ac_sessions=2")])), Shown::Nothing);
    }

    #[test]
    fn a_bearer_token_counts_before_a_cookie() {
        let both = headers(&[("cookie", "ac_session=xyz"), ("authorization", "Bearer k")]);
        assert_eq!(Shown::of(&both), Shown::Bearer(b"k"));
    }

    fn key(scopes: &[Scope], authority: Option<&str>, person: Option<Option<Role>>) -> Holder {
        Holder::Key(Arc::new(KeyEntry {
            org: Org::starting(OrgId::parse("org").unwrap(), StreamId(1)),
            id: "k".into(),
            scopes: Scopes::of(scopes),
            venues: None,
            authority: authority.map(Authority::named),
            person: person.map(|_| OrgId::parse("ana").unwrap()),
            person_role: person.flatten(),
            expires_at_ms: i64::MAX,
        }))
    }

    fn rung(name: &str) -> Held {
        Held::Rung(Authority::named(name))
    }

    #[test]
    fn an_owner_stands_above_a_ladder_that_names_no_owner() {
        assert_eq!(held_by(Role::Owner), Held::Top);
        assert_eq!(held_by(Role::Gm), rung("gm"));
        assert_eq!(held_by(Role::Admin), Held::Nothing);
    }

    #[test]
    fn a_key_of_nobody_is_as_strong_as_it_was_made() {
        assert_eq!(key(&[Scope::Admin], None, None).held(), Held::Top);
        assert_eq!(key(&[Scope::BlocksWrite], Some("gm"), None).held(), rung("gm"));
        assert_eq!(key(&[Scope::BlocksWrite], None, None).held(), Held::Nothing);
    }

    #[test]
    fn a_key_of_a_person_is_never_above_that_person() {
        let (admin, lifts) = (&[Scope::Admin, Scope::BlocksWrite], &[Scope::BlocksWrite]);
        assert_eq!(key(admin, Some("manager"), Some(Some(Role::Owner))).held(), Held::Top);
        assert_eq!(key(admin, Some("vp_ops"), Some(Some(Role::Gm))).held(), rung("gm"));
        assert_eq!(key(admin, Some("gm"), Some(Some(Role::Admin))).held(), Held::Nothing);
        assert_eq!(key(lifts, Some("gm"), Some(Some(Role::Owner))).held(), rung("gm"));
        assert_eq!(key(lifts, Some("gm"), Some(Some(Role::Gm))).held(), rung("gm"));
        assert_eq!(key(lifts, Some("vp_ops"), Some(Some(Role::Gm))).held(), rung("gm"));
        assert_eq!(key(lifts, Some("gm"), Some(Some(Role::Admin))).held(), Held::Nothing);
        assert_eq!(key(lifts, None, Some(Some(Role::Owner))).held(), Held::Nothing);
        assert_eq!(key(admin, Some("gm"), Some(None)).held(), Held::Nothing, "the person is gone");
    }

    #[test]
    fn only_an_owner_gives_a_key_an_authority() {
        assert!(key(&[Scope::Admin], None, None).gives_authority(), "the first key, before there are people");
        assert!(key(&[Scope::Admin], None, Some(Some(Role::Owner))).gives_authority());
        assert!(!key(&[Scope::Admin], None, Some(Some(Role::Admin))).gives_authority());
        assert!(!key(&[Scope::Admin], None, Some(None)).gives_authority());
    }

    #[test]
    fn an_empty_secret_opens_nothing() {
        assert!(!is_secret(b"", b""));
        assert!(is_secret(b"abc", b"abc"));
        assert!(!is_secret(b"abd", b"abc"));
    }
}

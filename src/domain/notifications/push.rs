//! Where a person's browsers are reached: the push subscriptions that they gave us.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::preferences::own;
use crate::domain::decision::{Answer, Context, Decided, Decision};
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::rejection::{Faults, Rejection};
use crate::domain::state::TenantState;
use crate::domain::time::Timestamp;

/// The most subscriptions of one person.
pub const SUBSCRIPTIONS_MAX: usize = 10;
/// The longest address, in bytes.
const ENDPOINT_BYTES_MAX: usize = 2_000;
/// The length of the browser's public key: a point of P-256 that is not compressed (RFC 8291).
const P256DH_BYTES: usize = 65;
/// The length of the secret that the browser shares with us.
const AUTH_BYTES: usize = 16;

/// A browser of a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct PushSubscription {
    pub id: Uuid,
    pub endpoint: Arc<str>,
    /// Base64 for URLs, as the browser gave it.
    pub p256dh: Arc<str>,
    /// Base64 for URLs, as the browser gave it.
    pub auth: Arc<str>,
    pub created_at: Timestamp,
}

/// Adds a browser of the caller. The same browser again replaces what is known of it, also when somebody else was logged in there before.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct AddPushSubscription {
    /// Whether it may be called is decided where calls are made.
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

impl AddPushSubscription {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &mut Context<'_>) -> Decided {
        let user_id = own(context)?;
        let mut faults = Faults::default();
        let fits =
            (1..=ENDPOINT_BYTES_MAX).contains(&self.endpoint.len()) && !self.endpoint.chars().any(char::is_control);
        faults.expect(fits, "/endpoint", "is empty, too long or contains a control character");
        let point = decoded(&self.p256dh).is_some_and(|bytes| bytes.len() == P256DH_BYTES && bytes[0] == 4);
        faults.expect(point, "/keys/p256dh", "is not an uncompressed point of P-256 in base64url");
        let auth = decoded(&self.auth).is_some_and(|bytes| bytes.len() == AUTH_BYTES);
        faults.expect(auth, "/keys/auth", "is not 16 bytes in base64url");
        faults.done()?;
        let known = state.notifications.person(&user_id).map_or(&[] as &[_], |person| &person.subscriptions);
        let again = known.iter().find(|one| *one.endpoint == *self.endpoint);
        if again.is_none() && known.len() >= SUBSCRIPTIONS_MAX {
            return Err(Rejection::LimitReached { what: "push subscriptions of a person", limit: SUBSCRIPTIONS_MAX });
        }
        let subscription = PushSubscription {
            id: again.map_or_else(|| context.ids.next_id(), |one| one.id),
            endpoint: self.endpoint.into(),
            p256dh: self.p256dh.into(),
            auth: self.auth.into(),
            created_at: context.now,
        };
        let answer = Answer::PushSubscriptionMade(user_id.clone(), subscription.id);
        let added = Event::PushSubscriptionAdded { user_id, subscription: Box::new(subscription) };
        Ok(Decision { events: vec![added], answer })
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// Removes a browser: by its person, or because whoever runs it says that it is gone.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct RemovePushSubscription {
    pub id: Uuid,
    /// Whose it is, where the server itself removes it; else the caller's.
    pub user_id: Option<UserId>,
}

impl RemovePushSubscription {
    /// Decides.
    pub fn decide(self, state: &TenantState, context: &Context<'_>) -> Decided {
        let user_id = self.user_id.map_or_else(|| own(context), Ok)?;
        let person = state.notifications.person(&user_id).ok_or(Rejection::NotFound)?;
        person.subscriptions.iter().find(|one| one.id == self.id).ok_or(Rejection::NotFound)?;
        let removed = Event::PushSubscriptionRemoved { user_id, id: self.id };
        Ok(Decision { events: vec![removed], answer: Answer::Nothing })
    }
}

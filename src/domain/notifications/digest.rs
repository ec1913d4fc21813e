//! Digests: what was held back for a person becomes one message when its time comes.

use std::collections::BTreeMap;

use super::wording;
use super::{Delivery, DeliveryState, DigestMade, Medium, Notification, NotificationType};
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::ids::UserId;
use crate::domain::state::TenantState;
use crate::domain::time::Zone;

/// The digests whose time has come by now, at most so many: one for each person and medium.
pub fn due(state: &TenantState, context: &mut Context<'_>, at_most: usize) -> Vec<Event> {
    let mut parts: BTreeMap<(&UserId, Medium), Vec<&Notification>> = BTreeMap::new();
    for (one, medium) in state.notifications.held_by(context.now) {
        let key = (&one.user_id, medium);
        if parts.len() < at_most || parts.contains_key(&key) {
            parts.entry(key).or_default().push(one);
        }
    }
    let made = parts.into_iter().filter_map(|((user, medium), mut held)| {
        held.sort_unstable_by_key(|one| one.seq);
        digest(state, user, medium, &held, context)
    });
    made.collect()
}

fn digest(
    state: &TenantState,
    user: &UserId,
    medium: Medium,
    held: &[&Notification],
    context: &mut Context<'_>,
) -> Option<Event> {
    let since = held.first()?.created_at;
    let quiet = state.notifications.person(user).and_then(|person| person.preferences.quiet_hours.as_ref());
    let zone = quiet.map_or_else(|| state.zone(None), |quiet| Zone::named_or_utc(&quiet.time_zone));
    let words = wording::digest(held.iter().copied(), held.len(), since, &zone);
    let id = context.ids.next_id();
    let notification = Notification {
        id,
        seq: 0, // given when the event is applied
        source: id,
        user_id: user.clone(),
        kind: NotificationType::Digest,
        critical: false,
        title: words.title,
        text: words.text,
        venue_id: None,
        about: None,
        created_at: context.now,
        read_at: None,
        deliveries: vec![Delivery {
            medium,
            state: DeliveryState::Pending,
            due_at: context.now,
            failures: 0,
            last_error: None,
        }],
    };
    Some(Event::DigestMade(Box::new(DigestMade { notification, until: context.now })))
}

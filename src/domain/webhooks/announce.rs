//! What is told: added to every decision in one place, from the same view of an event that live readers get.

use std::sync::Arc;

use super::Notice;
use crate::domain::decision::Context;
use crate::domain::event::Event;
use crate::domain::state::TenantState;
use crate::domain::view::feed;

/// Adds the notices about these events, which are all that was decided.
pub fn announce(state: &TenantState, context: &mut Context<'_>, events: &mut Vec<Event>) {
    if state.webhooks.is_empty() {
        return;
    }
    let org_id = state.organisation().org_id.as_str();
    let first = state.last_seq() + 1;
    let mut notices = Vec::new();
    for (event, seq) in events.iter().zip(first..) {
        // What one person is told is no other system's business.
        let Some(item) = feed::item(org_id, seq, context.now, event).filter(|item| item.person.is_none()) else {
            continue;
        };
        let body: Arc<str> = item.data.into();
        for webhook in state.webhooks.enabled().filter(|one| one.events.contains(&item.topic)) {
            notices.push(Event::NoticeMade(Box::new(Notice {
                id: context.ids.next_id(),
                seq: 0, // given when the event is applied
                webhook_id: webhook.id,
                body: body.clone(),
                made_at: context.now,
                failures: 0,
                due_at: context.now,
            })));
        }
    }
    events.append(&mut notices);
}

//! Arbitrary webhooks and notices.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{OUTCOMES, STATUSES, at, text, uuid};
use crate::domain::channels::{Channels, SealedUrl};
use crate::domain::event::Event;
use crate::domain::view::feed::Topic;
use crate::domain::webhooks::care::{Resent, Tested};
use crate::domain::webhooks::health::Health;
use crate::domain::webhooks::{Notice, NoticeAttempted, Webhook};

prop_compose! {
    fn health()(times in (of(at()), of(at()), of(at()), of(at())), consecutive_failures in 0..u32::MAX / 2) -> Health {
        let (last_success_at, last_failure_at, failing_since, disabled_at) = times;
        Health { last_success_at, last_failure_at, consecutive_failures, failing_since, disabled_at }
    }
}

prop_compose! {
    fn webhook()(
        id in uuid(), seq: u64, url in text(), events in vec(select(Topic::ALL.map(|(_, topic)| topic).to_vec()), 0..3),
        description in of(text()), signs in (any::<u32>(), of(at())), made in (text(), at()), counts in (0..9_u64, 0..9_u64, 0..9_u64),
        last_error in of(text()), health in health(),
    ) -> Webhook {
        let ((created_by, created_at), (delivered, failed, missed), (generation, rotated_at)) = (made, counts, signs);
        Webhook {
            id, seq, url, events, description, generation, rotated_at, created_by, created_at, delivered, failed, missed,
            last_error, health,
        }
    }
}

prop_compose! {
    fn notice()(
        id in uuid(), seq: u64, webhook_id in uuid(), body in text(), made_at in at(), failures in 0..u32::MAX / 2, due_at in at(),
    ) -> Notice {
        Notice { id, seq, webhook_id, body, made_at, failures, due_at }
    }
}

/// Every kind of event of webhooks.
pub fn event() -> BoxedStrategy<Event> {
    prop_oneof![
        webhook().prop_map(|it| Event::WebhookSaved(Box::new(it))),
        uuid().prop_map(|id| Event::WebhookDeleted { id }),
        (of((vec(any::<u8>(), 0..4), text())), text()).prop_map(|(slack, by)| {
            let slack = slack.map(|(sealed, shown)| SealedUrl { sealed, shown });
            Event::ChannelsChanged { channels: Box::new(Channels { slack }), by }
        }),
        (uuid(), text()).prop_map(|(id, by)| Event::WebhookRotated { id, by }),
        (uuid(), uuid(), select(&OUTCOMES), text(), text()).prop_map(|(id, webhook_id, outcome, detail, by)| {
            Event::WebhookTested(Box::new(Tested { id, webhook_id, outcome, detail, by }))
        }),
        uuid().prop_map(|id| Event::WebhookDisabled { id }),
        (uuid(), text()).prop_map(|(id, by)| Event::WebhookEnabled { id, by }),
        (uuid(), vec(uuid(), 0..3), text(), at()).prop_map(|(webhook_id, ids, by, due_at)| {
            Event::NoticesResent(Box::new(Resent { webhook_id, ids, by, due_at }))
        }),
        notice().prop_map(|it| Event::NoticeMade(Box::new(it))),
        (uuid(), uuid(), select(&OUTCOMES), text(), select(&STATUSES), of(at())).prop_map(
            |(id, webhook_id, outcome, detail, status, next_at)| {
                Event::NoticeAttempted(Box::new(NoticeAttempted { id, webhook_id, outcome, detail, status, next_at }))
            }
        ),
    ]
    .boxed()
}

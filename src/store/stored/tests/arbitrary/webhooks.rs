//! Arbitrary webhooks and notices.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{OUTCOMES, STATUSES, at, text, uuid};
use crate::domain::channels::{Channels, SealedUrl};
use crate::domain::event::Event;
use crate::domain::view::feed::Topic;
use crate::domain::webhooks::{Notice, NoticeAttempted, Webhook};

prop_compose! {
    fn webhook()(
        id in uuid(), seq: u64, url in text(), events in vec(select(Topic::ALL.map(|(_, topic)| topic).to_vec()), 0..3),
        description in of(text()), generation: u32, made in (text(), at()), counts in (0..9_u64, 0..9_u64, 0..9_u64),
        last_error in of(text()),
    ) -> Webhook {
        let ((created_by, created_at), (delivered, failed, missed)) = (made, counts);
        Webhook {
            id, seq, url, events, description, generation, created_by, created_at, delivered, failed, missed, last_error,
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
        notice().prop_map(|it| Event::NoticeMade(Box::new(it))),
        (uuid(), uuid(), select(&OUTCOMES), text(), select(&STATUSES), of(at())).prop_map(
            |(id, webhook_id, outcome, detail, status, next_at)| {
                Event::NoticeAttempted(Box::new(NoticeAttempted { id, webhook_id, outcome, detail, status, next_at }))
            }
        ),
    ]
    .boxed()
}

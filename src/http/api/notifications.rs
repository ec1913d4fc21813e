//! A person's notifications: what they were told, what of it they have read, and how they want to hear. Nobody else's business, so the
//! person always comes from the session.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::command::Command;
use crate::domain::ids::UserId;
use crate::domain::notifications::commands::{ReadAllNotifications, ReadNotification};
use crate::domain::notifications::preferences::{PreferencesDraft, SavePreferences};
use crate::domain::notifications::push::{AddPushSubscription, RemovePushSubscription};
use crate::domain::people::Who;
use crate::domain::permission::Operation;
use crate::domain::view::list::bytes;
use crate::domain::view::notifications::{self, NotificationView, PushSubscriptionView};
use crate::http::body::Sent;
use crate::http::caller::{Call, not_allowed};
use crate::http::paging::{Order, PageOf, paging};
use crate::http::path;
use crate::http::problem::{Problem, invalid};
use crate::http::query::Query;
use crate::http::respond::Answer;

/// The caller's notifications, newest first; at most the newest thousand are kept.
#[utoipa::path(
    get, path = "/api/notifications", tag = "Notifications",
    params(
        ("unread" = Option<bool>, Query, description = "Only those that were not read"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("min_version" = Option<u64>, Query),
    ),
    responses((status = 200, description = "A page of notifications", body = PageOf<NotificationView>))
)]
pub async fn list(req: HttpRequest) -> Answer {
    let (call, person) = own(&req)?;
    let query = Query::of(&req, &["unread", "limit", "cursor"])?;
    let unread = query.flag("unread")?.unwrap_or(false);
    let paging = paging(&query, Order::Sequence)?;
    call.show(&query, move |state, _| Ok(notifications::list(state, &person, unread, paging))).await
}

/// Notes that the caller has read a notification.
#[utoipa::path(
    post, path = "/api/notifications/{id}/read", tag = "Notifications", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The notification", body = NotificationView))
)]
pub async fn read(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, _) = own(&req)?;
    let id = path::uuid(&req)?;
    let sent = call.sent(&req, payload).await?;
    sent.expect_nothing()?;
    call.command(sent, Command::ReadNotification(ReadNotification { id })).await
}

/// How many were read.
#[derive(serde::Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what the domain's view writes")]
pub struct ReadAllView {
    read: u64,
}

/// Notes that the caller has read all of theirs.
#[utoipa::path(
    post, path = "/api/notifications/read-all", tag = "Notifications",
    responses((status = 200, description = "How many were not read before", body = ReadAllView))
)]
pub async fn read_all(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, _) = own(&req)?;
    let sent = call.sent(&req, payload).await?;
    sent.expect_nothing()?;
    call.command(sent, Command::ReadAllNotifications(ReadAllNotifications)).await
}

/// What the caller wants to hear, how, and when not.
#[utoipa::path(
    get, path = "/api/notifications/preferences", tag = "Notifications", params(("min_version" = Option<u64>, Query)),
    responses((status = 200, description = "All preferences, which can be changed and sent back", body = PreferencesDraft))
)]
pub async fn preferences(req: HttpRequest) -> Answer {
    let (call, person) = own(&req)?;
    let query = Query::of(&req, &[])?;
    call.show(&query, move |state, _| Ok(bytes(&notifications::preferences(state, &person)))).await
}

/// Replaces the caller's preferences; what is absent is as shipped.
#[utoipa::path(
    put, path = "/api/notifications/preferences", tag = "Notifications", request_body = PreferencesDraft,
    responses((status = 200, description = "All preferences", body = PreferencesDraft))
)]
pub async fn save_preferences(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, _) = own(&req)?;
    let sent = call.sent(&req, payload).await?;
    let draft: PreferencesDraft = sent.json()?;
    call.command(sent, Command::SavePreferences(Box::new(SavePreferences { draft }))).await
}

/// A browser's subscription, as `PushSubscription.toJSON()` gives it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushSubscriptionBody {
    /// https; plain http only to addresses in `delivery.egress.allow`.
    endpoint: String,
    keys: PushKeysBody,
    /// Browsers send it; an end is noticed when it has come.
    #[serde(default, rename = "expirationTime")]
    #[schema(value_type = Option<f64>)]
    _expiration_time: Option<f64>,
}

/// The keys of a browser's subscription, in base64url.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeysBody {
    p256dh: String,
    auth: String,
}

/// Adds a browser of the caller; the same one again replaces what is known of it.
#[utoipa::path(
    post, path = "/api/notifications/push-subscriptions", tag = "Notifications", request_body = PushSubscriptionBody,
    responses((status = 201, description = "The subscription, without what could be called", body = PushSubscriptionView))
)]
pub async fn subscribe(req: HttpRequest, payload: web::Payload) -> Answer {
    let (call, _) = own(&req)?;
    let sent = call.sent(&req, payload).await?;
    let PushSubscriptionBody { endpoint, keys: PushKeysBody { p256dh, auth }, .. } = sent.json()?;
    call.site.engine.notifier().egress().check(&endpoint).map_err(|why| invalid("/endpoint", why))?;
    call.command(sent, Command::AddPushSubscription(AddPushSubscription { endpoint, p256dh, auth })).await
}

/// Removes a browser of the caller.
#[utoipa::path(
    delete, path = "/api/notifications/push-subscriptions/{id}", tag = "Notifications", params(("id" = Uuid, Path)),
    responses((status = 200, description = "It is not reached any more"))
)]
pub async fn unsubscribe(req: HttpRequest) -> Answer {
    let (call, _) = own(&req)?;
    let id = path::uuid(&req)?;
    let command = RemovePushSubscription { id, user_id: None };
    call.command(Sent::nothing(), Command::RemovePushSubscription(command)).await
}

/// The person who calls, in a session of theirs.
fn own(req: &HttpRequest) -> Result<(Call, UserId), Problem> {
    let call = Call::allowed(req, Operation::OwnNotifications)?;
    match &call.caller.cause.who {
        Who::Person(person) => {
            let person = person.clone();
            Ok((call, person))
        }
        Who::Key { .. } | Who::Operator | Who::Schedule => Err(not_allowed()),
    }
}

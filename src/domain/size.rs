//! How large a decision is, by a rough count that is never too low: what is larger than a record is refused before it is folded in.

use super::approvals::Approval;
use super::approvals::policy::Policy;
use super::event::Event;
use super::json::JsonText;
use super::rejection::Rejection;

/// The most bytes that one decision may come to: half of the largest record, because an answer may be kept in the same one.
pub const DECISION_BYTES_MAX: usize = 8 << 20;
/// What an event takes beside its texts, and more.
pub const EVENT_BYTES: usize = 700;

/// What the windows of a freeze take at most.
const WINDOWS_BYTES: usize = 8 * 1024;
/// What the steps of a policy take at most.
const STEPS_BYTES: usize = 16 * 1024;
/// What a step that nobody has decided takes at most.
const STEP_BYTES: usize = 512;
/// What a score with its reasons and the names of a request take at most.
const RISK_BYTES: usize = 8 * 1024;
/// What a line of a task takes beside its text.
const LINE_BYTES: usize = 32;
/// What the id of a person, or a rung, takes at most.
const PERSON_BYTES: usize = 160;
/// What the ways of a notification take at most.
const DELIVERIES_BYTES: usize = 7 * 1024;
/// What a browser's address and keys take at most.
const SUBSCRIPTION_BYTES: usize = 3 * 1024;
/// What the other texts of a capability take at most.
const CAPABILITY_BYTES: usize = 12 * 1024;

/// What the settled channels take at most.
const CHANNELS_BYTES: usize = 8 * 1024;

/// Refuses a decision that no record could hold.
///
/// # Errors
/// [`Rejection::TooMuchAtOnce`].
pub fn expect_room(events: &[Event]) -> Result<(), Rejection> {
    let fits = events.iter().map(bytes_of).sum::<usize>() <= DECISION_BYTES_MAX;
    if fits { Ok(()) } else { Err(Rejection::TooMuchAtOnce) }
}

/// About how many bytes an event takes in a record.
pub fn bytes_of(event: &Event) -> usize {
    let texts = match event {
        Event::ViolationReported(one) => {
            one.metadata.as_ref().map_or(0, |text| text.as_str().len())
                + one.description.as_ref().map_or(0, |text| text.len())
        }
        Event::ViolationRepeated(one) => {
            one.metadata.as_ref().map_or(0, |text| text.as_str().len())
                + one.description.as_ref().map_or(0, |text| text.len())
        }
        Event::ActionCreated(one) => one.message.len(),
        Event::BlockPlaced(one) => one.reason.len(),
        Event::NoticeMade(one) => one.body.len(),
        Event::NoticesResent(one) => one.ids.len() * 16,
        Event::ApprovalSubmitted(one) => approval_bytes(one),
        Event::ApprovalEdited(one) => {
            let texts = [Some(&one.payload), Some(&one.preview), one.compensation.as_ref()];
            json_bytes(&texts) + one.steps.len() * STEP_BYTES + RISK_BYTES
        }
        Event::ApprovalExecuted(one) => json_bytes(&[one.result.as_ref(), one.undo_payload.as_ref()]),
        Event::TaskProgressed(one) => one.lines.iter().map(|line| line.message.len() + LINE_BYTES).sum(),
        Event::AnnouncementMade(one) => {
            let facts = [Some(&one.facts.what), one.facts.detail.as_ref()];
            facts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
                + (one.audience.len() + one.except.len()) * PERSON_BYTES
        }
        Event::NotificationMade(one) => one.title.len() + one.text.len() + DELIVERIES_BYTES,
        Event::DigestMade(one) => one.notification.title.len() + one.notification.text.len() + DELIVERIES_BYTES,
        Event::NotificationsRead(one) => one.ids.len() * 16,
        Event::PushSubscriptionAdded { .. } => SUBSCRIPTION_BYTES,
        Event::RushChanged { .. } => WINDOWS_BYTES,
        // What they hold beside the schema, and what a policy holds, is bounded well below a record.
        Event::CapabilitySaved(one) => one.params.as_str().len() + one.preview_template.len() + CAPABILITY_BYTES,
        Event::ChannelsChanged { .. } => CHANNELS_BYTES,
        Event::ApprovalPolicyChanged { policy, .. } => policy_bytes(policy),
        _ => 0,
    };
    texts + EVENT_BYTES
}

/// What was asked for; that it was decided and what came of it is in events of its own.
fn approval_bytes(one: &Approval) -> usize {
    let texts = [Some(&one.payload), Some(&one.preview), one.compensation.as_ref()];
    json_bytes(&texts) + one.steps.len() * STEP_BYTES + RISK_BYTES
}

fn json_bytes(texts: &[Option<&JsonText>]) -> usize {
    texts.iter().flatten().map(|text| text.as_str().len()).sum()
}

/// The names of a policy, four bytes a character.
fn policy_bytes(policy: &Policy) -> usize {
    let venues = policy.freezes.iter().filter_map(|freeze| freeze.venue_ids.as_ref()).flatten();
    let windows = policy.freezes.len() * WINDOWS_BYTES;
    venues.map(|id| id.as_str().len() + 8).sum::<usize>() + windows + policy.weights.len() * 100 + STEPS_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{alert, comp, tenant};
    use crate::domain::webhooks::commands::CreateWebhook;

    #[test]
    fn what_no_record_could_hold_is_refused_and_changes_nothing() {
        let long = "{{metadata.note}}".repeat(4);
        let mut tenant = (0..40).fold(tenant(), |tenant, _| tenant.with_template(alert().saying(&long)));
        for number in 0..15 {
            let url = format!("https://till-{number}.example/hook");
            tenant.run(CreateWebhook { url, events: vec!["actions".into()], description: None });
        }
        let mut report = comp();
        report.metadata = Some(serde_json::json!({ "comp_amount": 250, "note": "x".repeat(4_000) }));
        let before = (tenant.state.state_hash(), tenant.state.last_seq());
        assert_eq!(tenant.try_run(report), Err(Rejection::TooMuchAtOnce));
        assert_eq!((tenant.state.state_hash(), tenant.state.last_seq()), before);
    }
}

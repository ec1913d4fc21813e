//! What a decision gets and what it gives.

use std::sync::Arc;

use uuid::Uuid;

use super::approvals::many::Became;
use super::event::Event;
use super::ids::IdSource;
use super::people::Caller;
use super::rejection::Rejection;
use super::time::Timestamp;
use super::violations::ViolationType;
use super::violations::bulk::Outcome;

/// What a decision may know besides the state.
pub struct Context<'a> {
    /// The time of the decision.
    pub now: Timestamp,
    /// Fresh ids and randomness.
    pub ids: IdSource,
    /// Who asks.
    pub caller: &'a Caller,
}

impl Context<'_> {
    /// How the caller is shown.
    pub fn label(&self) -> Arc<str> {
        self.caller.cause.who.label().into()
    }
}

/// What happened, and what to tell the caller once it is durable.
#[derive(Clone, Debug)]
pub struct Decision<E = Event, A = Answer> {
    /// The events, in order; none when there is nothing to change.
    pub events: Vec<E>,
    /// What the caller is told.
    pub answer: A,
}

/// The result of a decision.
pub type Decided<E = Event, A = Answer> = Result<Decision<E, A>, Rejection>;

/// What a caller of an organisation is told; rendered from the state right after the events were applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A violation that was reported, with what came of it.
    Reported {
        /// Its id.
        id: Uuid,
        /// Whether it is a new one.
        new: bool,
    },
    /// The violations that a source ended, the one that it told of first; none when nothing came of what it said.
    Ended(Vec<Uuid>),
    /// What became of many items, in their order.
    Many(Vec<Outcome>),
    /// A violation type with its profile.
    ViolationType(ViolationType),
    /// A violation.
    Violation(Uuid),
    /// The ids of violations that were resolved.
    Resolved(Vec<Uuid>),
    /// The actions of a violation.
    ActionsOf(Uuid),
    /// A template that was made.
    TemplateMade(Uuid),
    /// A template.
    Template(Uuid),
    /// An action.
    Action(Uuid),
    /// A block that was placed.
    Placed(Uuid),
    /// A block.
    Block(Uuid),
    /// A request that was submitted.
    ApprovalMade(Uuid),
    /// A request for approval.
    Approval(Uuid),
    /// What became of many requests that somebody approved, in their order.
    Approvals(Vec<Became>),
    /// A run of a request.
    Task(Uuid),
    /// A grant.
    Grant(Uuid),
    /// A webhook that was made.
    WebhookMade(Uuid),
    /// A webhook.
    Webhook(Uuid),
    /// Which secret of a webhook signs now.
    WebhookSecret(Uuid),
    /// What a test of a webhook came to.
    WebhookTested {
        /// The webhook.
        webhook: Uuid,
        /// The test.
        test: Uuid,
    },
    /// What a webhook is told again.
    Replayed {
        /// The webhook.
        webhook: Uuid,
        /// How many notices.
        count: usize,
    },
    /// A notification.
    Notification(Uuid),
    /// How many notifications were read.
    ReadAll(usize),
    /// A person's preferences.
    Preferences(super::ids::UserId),
    /// A browser of a person that was added.
    PushSubscriptionMade(super::ids::UserId, Uuid),
    /// The busiest hours.
    Rush,
    /// A venue.
    Venue(super::ids::VenueId),
    /// The organisation's settings.
    Settings,
    /// Nothing to show.
    Nothing,
    /// What a tick did.
    Ticked {
        /// Blocks that expired.
        expired: usize,
        /// Violations that were quiet for long enough.
        resolved: Vec<Uuid>,
    },
    /// What an order to escalate did.
    Escalated {
        /// Rungs that are told now.
        escalated: usize,
        /// Reminders that were made.
        reminded: usize,
    },
    /// A silence that was set.
    SilenceMade(Uuid),
    /// The rules of inhibition.
    Inhibitions,
    /// A capability that was registered.
    CapabilityMade(Arc<str>),
    /// The policy of approvals.
    ApprovalPolicy,
    /// The settled channels.
    Channels,
}

/// Whether something was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Made: 201 over HTTP.
    Created,
    /// Done: 200 over HTTP.
    Done,
}

/// An answer as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whether something was made.
    pub done: Done,
    /// The JSON body.
    pub body: Vec<u8>,
}

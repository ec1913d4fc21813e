//! Why a command was refused. One meaning each; `http/problem.rs` alone knows statuses and codes.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::people::Authority;
use super::time::Timestamp;

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: a JSON Pointer (RFC 6901) into the body.
    pub pointer: String,
    /// What, as a sentence.
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// A refusal. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such thing in this organisation, or none that the caller may see.
    #[error("there is nothing of this id")]
    NotFound,
    /// Values that cannot be taken.
    #[error("{}", .0.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Fault>),
    /// A venue that the organisation does not have.
    #[error("there is no such venue")]
    UnknownVenue {
        /// Where it was named.
        pointer: &'static str,
    },
    /// A venue outside of what the caller is limited to.
    #[error("this credential does not reach that venue")]
    VenueNotAllowed,
    /// A venue that open work still names.
    #[error("the venue still has active violations, blocks or templates that name it")]
    VenueInUse,
    /// The block was lifted before.
    #[error("the block was lifted at {at}")]
    AlreadyLifted {
        /// When.
        at: Timestamp,
    },
    /// The block expired before.
    #[error("the block expired at {at}")]
    BlockExpired {
        /// When.
        at: Timestamp,
    },
    /// The violation was resolved before.
    #[error("the violation was resolved at {at}")]
    AlreadyResolved {
        /// When.
        at: Timestamp,
    },
    /// The caller's authority is below what is asked for.
    #[error("this needs the authority {needed} or one above it")]
    InsufficientAuthority {
        /// What is needed.
        needed: Authority,
    },
    /// A blocked person wanted to lift the own block.
    #[error("a block is never lifted by the person that it blocks")]
    OwnBlock,
    /// The action is in no state for this.
    #[error("the action is {status}")]
    ActionNotOpen {
        /// Its status.
        status: &'static str,
    },
    /// The block cannot be overridden, or a stricter one beside it cannot.
    #[error("a block that holds here cannot be overridden; somebody with authority can lift it")]
    NotOverridable,
    /// A key wanted to decide.
    #[error("people decide, keys never")]
    PeopleOnly,
    /// Somebody wanted to decide about the own request.
    #[error("nobody decides about their own request")]
    OwnRequest,
    /// Somebody wanted to decide about what is for themselves.
    #[error("nobody decides about what is for themselves")]
    OwnBenefit,
    /// A step that waits for somebody else.
    #[error("this step is for {who}")]
    NotYourStep {
        /// Whom it waits for.
        who: String,
    },
    /// Somebody wanted to take back what others asked for.
    #[error("only who asked, or who could decide, takes a request back")]
    NotYourRequest,
    /// The request was decided before, by everybody or by this person.
    #[error("the request is {status}")]
    AlreadyDecided {
        /// How it stands.
        status: &'static str,
    },
    /// Nobody decided in time.
    #[error("the time to decide is over")]
    ApprovalExpired,
    /// The decision was about another payload.
    #[error("the payload is not the one that was seen; read the request again")]
    PayloadChanged,
    /// A capability that neither the server nor a module has.
    #[error("there is no such capability")]
    UnknownCapability,
    /// What runs is not stopped or changed any more.
    #[error("the request is running; what it did can be undone afterwards, where the capability allows that")]
    AlreadyRunning,
    /// The request, or its run, does not stand so that this could be done with it.
    #[error("it is {status}")]
    WrongStatus {
        /// How it stands.
        status: &'static str,
    },
    /// What was done cannot be taken back.
    #[error("it cannot be undone: {why}")]
    NotUndoable {
        /// Why.
        why: &'static str,
    },
    /// A capability of the server itself, which nobody replaces or takes out.
    #[error("the capability belongs to the server itself")]
    BuiltInCapability,
    /// A capability that another key or person registered.
    #[error("a key replaces and deletes only what it registered itself")]
    NotYourCapability,
    /// Nothing is left of a grant.
    #[error("every use of the grant is used up")]
    GrantUsedUp,
    /// The grant's time is over.
    #[error("the grant expired at {at}")]
    GrantExpired {
        /// When.
        at: Timestamp,
    },
    /// The grant ended before its time.
    #[error("the grant ended: {why}")]
    GrantEnded {
        /// Why.
        why: Arc<str>,
    },
    /// More than the grant is for.
    #[error("the grant is for {most} at most")]
    AmountAboveGrant {
        /// What it is for.
        most: Decimal,
    },
    /// An id or address that is taken.
    #[error("{what} exists already")]
    AlreadyExists {
        /// What.
        what: &'static str,
    },
    /// The same idempotency key came with another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
    /// More of something than an organisation may hold.
    #[error("there may be {limit} {what} at most")]
    LimitReached {
        /// Of what.
        what: &'static str,
        /// How many.
        limit: usize,
    },
    /// The items before this one have filled the record.
    #[error("the items before this one have filled the record: send this one again")]
    BulkFull,
    /// What it makes, and what other systems are told of it, is more than one record holds.
    #[error("what the templates make of it, and what webhooks are told of it, is more than one record holds")]
    TooMuchAtOnce,
    /// Somebody wanted to change the own role.
    #[error("nobody changes their own role")]
    OwnRole,
    /// Somebody who is no owner wanted to add, change or remove one.
    #[error("only an owner adds, changes or removes an owner")]
    OwnersOnly,
    /// Would leave the organisation without anybody who can manage it.
    #[error("the last owner or admin cannot be removed or given another role")]
    LastAdministrator,
}

impl Rejection {
    /// One fault.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(pointer, detail)])
    }
}

/// Collects faults, so that a caller hears of all of them at once.
#[derive(Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault::new(pointer, detail));
    }

    /// Notes a fault when the condition does not hold.
    pub fn expect(&mut self, holds: bool, pointer: &str, detail: &str) {
        if !holds {
            self.add(pointer, detail);
        }
    }

    /// Gives the value of a result, or notes its error and gives none.
    pub fn take<T>(&mut self, pointer: &str, result: Result<T, &'static str>) -> Option<T> {
        result.map_err(|detail| self.add(pointer, detail)).ok()
    }

    /// Checks an optional text: at most `chars_max` characters.
    pub fn text(&mut self, pointer: &str, text: Option<&str>, chars_max: usize) {
        if text.is_some_and(|text| text.chars().count() > chars_max) {
            self.add(pointer, format!("is longer than {chars_max} characters"));
        }
    }

    /// Nothing, or the refusal.
    ///
    /// # Errors
    /// [`Rejection::Invalid`] with every fault noted.
    pub fn done(self) -> Result<(), Rejection> {
        if self.0.is_empty() { Ok(()) } else { Err(Rejection::Invalid(self.0)) }
    }
}

//! The numbers that stand for the names of small closed enums.
//!
//! A number is never changed and never used again; a new name gets a new number. The order of the domain's enums means nothing here.

use super::error::StoredError;
use super::form::Form;
use crate::domain::actions::notice::NoticeKind;
use crate::domain::actions::{ActionType, AttemptOutcome, ExecutionStatus};
use crate::domain::approvals::{Consent, RiskLevel, Source, Status, Verdict};
use crate::domain::blocks::OnError;
use crate::domain::capabilities::Sensitivity;
use crate::domain::decision::Done;
use crate::domain::notifications::preferences::Digest;
use crate::domain::notifications::{AboutKind, DeliveryState, Medium, NotificationType};
use crate::domain::people::{Role, Scope, Scopes, Via};
use crate::domain::suppression::inhibition::InhibitionScope;
use crate::domain::tasks::TaskStatus;
use crate::domain::templates::Mode;
use crate::domain::violations::{Ending, Severity};
use crate::domain::webhooks::log::CallKind;

macro_rules! numbered {
    ($($name:ident { $($variant:ident = $number:literal),+ $(,)? })+) => {$(
        impl Form<$name> for u8 {
            fn freeze(value: &$name) -> Self {
                match value { $($name::$variant => $number,)+ }
            }

            fn thaw(self) -> Result<$name, StoredError> {
                match self {
                    $($number => Ok($name::$variant),)+
                    number => Err(StoredError::UnknownNumber { of: stringify!($name), number: number.into() }),
                }
            }
        }
    )+};
}

numbered! {
    Severity { Info = 1, Warning = 2, Critical = 3 }
    ActionType { Alert = 1, Block = 2, RequireOverride = 3, Escalate = 4, Notice = 5 }
    ExecutionStatus { Pending = 1, Delivered = 2, Failed = 3, Dismissed = 4 }
    AttemptOutcome { Delivered = 1, Retry = 2, Refused = 3 }
    CallKind { Notice = 1, Alert = 2, Test = 3 }
    Mode { Live = 1, Shadow = 2 }
    OnError { Open = 1, Closed = 2, Limit = 3 }
    Role { Owner = 1, Admin = 2, VpOps = 3, Gm = 4, Manager = 5, Reviewer = 6, Staff = 7, Viewer = 8 }
    Via { Api = 1, Page = 2, Schedule = 3 }
    Done { Created = 1, Done = 2 }
    NoticeKind { Resolved = 1, Reopened = 2, Reminder = 3 }
    Ending { Resolved = 1, Cleared = 2, Quiet = 3 }
    InhibitionScope { Venue = 1, Entity = 2 }
    Source { Module = 1, Board = 2, User = 3, Override = 4, Undo = 5 }
    Status {
        Pending = 1, Approved = 2, Scheduled = 3, Executing = 4, Executed = 5, Undone = 6, Rejected = 7, Cancelled = 8,
        Expired = 9, Failed = 10, InDoubt = 11, Skipped = 12,
    }
    Verdict { Approved = 1, Rejected = 2 }
    Consent { Votes = 1, Auto = 2, Veto = 3 }
    TaskStatus { Running = 1, Succeeded = 2, Failed = 3, InDoubt = 4 }
    Sensitivity { None = 1, Internal = 2, Personal = 3, Financial = 4 }
    NotificationType {
        ViolationAlert = 1, ViolationEnded = 2, Escalation = 3, ApprovalAssigned = 4, ApprovalDecided = 5, ExecutionResult = 6,
        ApprovalInDoubt = 7, DeadLetter = 8, EndpointDisabled = 9, Digest = 10,
    }
    Medium { Email = 1, Slack = 2, Push = 3 }
    DeliveryState { Held = 1, Pending = 2, Sent = 3, Failed = 4, Digested = 5, Dropped = 6 }
    AboutKind { Violation = 1, Action = 2, Approval = 3, Webhook = 4 }
    Digest { None = 1, Hourly = 2, Daily = 3, EndOfService = 4 }
    RiskLevel { Low = 1, Medium = 2, High = 3, Critical = 4 }
}

/// The bit that stands for a scope.
fn scope_bit(scope: Scope) -> u16 {
    match scope {
        Scope::ViolationsWrite => 0x0001,
        Scope::ViolationsRead => 0x0002,
        Scope::BlocksRead => 0x0004,
        Scope::BlocksWrite => 0x0008,
        Scope::ActionsSubmit => 0x0010,
        Scope::ActionsRead => 0x0020,
        Scope::CapabilitiesServe => 0x0040,
        Scope::Admin => 0x0080,
    }
}

impl Form<Scopes> for u16 {
    fn freeze(value: &Scopes) -> Self {
        value.list().into_iter().fold(0, |bits, scope| bits | scope_bit(scope))
    }

    fn thaw(self) -> Result<Scopes, StoredError> {
        let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| self & scope_bit(*scope) != 0).collect();
        let unknown = scopes.iter().fold(self, |bits, scope| bits & !scope_bit(*scope));
        if unknown == 0 {
            Ok(Scopes::of(&scopes))
        } else {
            Err(StoredError::UnknownNumber { of: "Scope", number: unknown })
        }
    }
}

//! What each role and each scope may do, as one table. Handlers name the operation and never compare roles.

use super::people::{Role, Scope, Scopes};

/// A thing that callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it; the table says who may")]
pub enum Operation {
    ReportViolation,
    ReadViolations,
    HandleViolation,
    ReadTrends,
    Silence,
    ReadTemplates,
    EditTemplates,
    ReadQueue,
    WorkQueue,
    CheckBlock,
    ReadBlocks,
    PlaceBlock,
    LiftBlock,
    RequestOverride,
    ConsumeGrant,
    ReadApprovals,
    DecideApproval,
    SubmitApproval,
    EditApproval,
    CancelApproval,
    RetryApproval,
    SettleApproval,
    UndoApproval,
    ReadApprovalAudit,
    ManageWebhooks,
    ReadCapabilities,
    ManageCapabilities,
    ManageCapabilitiesOfOthers,
    ReadSettings,
    ChangeSettings,
    ManagePeople,
    ManageKeys,
    OwnNotifications,
}

/// What a caller shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A person of this role.
    Person(Role),
    /// A key of these scopes.
    Key(Scopes),
}

use Role::{Admin, Gm, Manager, Owner, Reviewer, Staff, Viewer, VpOps};

const EVERYBODY: &[Role] = &[Owner, Admin, VpOps, Gm, Manager, Reviewer, Staff, Viewer];
const FLOOR: &[Role] = &[Owner, VpOps, Gm, Manager];
const ASKING: &[Role] = &[Owner, VpOps, Gm, Manager, Staff];
const HAVING: &[Role] = &[Owner, VpOps, Gm, Manager, Reviewer, Staff];
const DECIDING: &[Role] = &[Owner, VpOps, Gm, Manager, Reviewer];
const RULES: &[Role] = &[Owner, Admin, VpOps];
const OFFICE: &[Role] = &[Owner, Admin];

/// Operation, the scopes of which a key needs one, the roles of which a person needs one.
const TABLE: &[(Operation, &[Scope], &[Role])] = &[
    (Operation::ReportViolation, &[Scope::ViolationsWrite], FLOOR),
    (Operation::ReadViolations, &[Scope::ViolationsRead], EVERYBODY),
    (Operation::HandleViolation, &[Scope::ViolationsWrite], FLOOR),
    (Operation::ReadTrends, &[Scope::ViolationsRead], EVERYBODY),
    (Operation::Silence, &[Scope::ViolationsWrite], FLOOR),
    (Operation::ReadTemplates, &[Scope::ViolationsRead, Scope::Admin], EVERYBODY),
    (Operation::EditTemplates, &[Scope::Admin], RULES),
    (Operation::ReadQueue, &[Scope::ViolationsRead], EVERYBODY),
    (Operation::WorkQueue, &[Scope::ViolationsWrite], FLOOR),
    (Operation::CheckBlock, &[Scope::BlocksRead], EVERYBODY),
    (Operation::ReadBlocks, &[Scope::BlocksRead], EVERYBODY),
    (Operation::PlaceBlock, &[Scope::BlocksWrite], FLOOR),
    (Operation::LiftBlock, &[Scope::BlocksWrite], FLOOR),
    (Operation::RequestOverride, &[Scope::ActionsSubmit], ASKING),
    (Operation::ConsumeGrant, &[Scope::BlocksWrite], ASKING),
    (Operation::ReadApprovals, &[Scope::ActionsRead], EVERYBODY),
    // No scope: keys never decide.
    (Operation::DecideApproval, &[], DECIDING),
    (Operation::SubmitApproval, &[Scope::ActionsSubmit], FLOOR),
    (Operation::EditApproval, &[Scope::ActionsSubmit], HAVING),
    (Operation::CancelApproval, &[Scope::ActionsSubmit], HAVING),
    (Operation::UndoApproval, &[Scope::ActionsSubmit], FLOOR),
    // What ran is looked after by people.
    (Operation::RetryApproval, &[], DECIDING),
    (Operation::SettleApproval, &[], DECIDING),
    (Operation::ManageWebhooks, &[Scope::Admin], OFFICE),
    (
        Operation::ReadCapabilities,
        &[Scope::ActionsRead, Scope::ActionsSubmit, Scope::CapabilitiesServe, Scope::Admin],
        EVERYBODY,
    ),
    (Operation::ManageCapabilities, &[Scope::CapabilitiesServe, Scope::Admin], OFFICE),
    (Operation::ManageCapabilitiesOfOthers, &[Scope::Admin], OFFICE),
    (Operation::ReadApprovalAudit, &[Scope::Admin], OFFICE),
    (Operation::ReadSettings, &[Scope::ViolationsRead, Scope::Admin], EVERYBODY),
    (Operation::ChangeSettings, &[Scope::Admin], OFFICE),
    (Operation::ManagePeople, &[Scope::Admin], OFFICE),
    (Operation::ManageKeys, &[Scope::Admin], OFFICE),
    // No scope: a key is nobody who could read what a person is told.
    (Operation::OwnNotifications, &[], EVERYBODY),
];

/// Whether a credential is enough for an operation. An operation without a row is for nobody.
pub fn allows(operation: Operation, credential: Credential) -> bool {
    let row = TABLE.iter().find(|(own, _, _)| *own == operation);
    row.is_some_and(|(_, scopes, roles)| match credential {
        Credential::Person(role) => roles.contains(&role),
        Credential::Key(held) => scopes.iter().any(|scope| held.has(*scope)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_reads_and_changes_nothing() {
        let viewer = Credential::Person(Viewer);
        assert!(allows(Operation::ReadViolations, viewer) && allows(Operation::CheckBlock, viewer));
        for operation in
            [Operation::ReportViolation, Operation::LiftBlock, Operation::EditTemplates, Operation::ManageKeys]
        {
            assert!(!allows(operation, viewer), "{operation:?}");
        }
    }

    #[test]
    fn an_admin_manages_and_decides_nothing_operational() {
        let admin = Credential::Person(Admin);
        assert!(allows(Operation::ManagePeople, admin) && allows(Operation::EditTemplates, admin));
        assert!(!allows(Operation::LiftBlock, admin) && !allows(Operation::HandleViolation, admin));
    }

    #[test]
    fn a_scope_opens_its_own_doors_only() {
        let till = Credential::Key(Scopes::of(&[Scope::BlocksRead]));
        assert!(allows(Operation::CheckBlock, till));
        assert!(!allows(Operation::ReadViolations, till) && !allows(Operation::PlaceBlock, till));
        assert!(Scope::ALL.iter().all(|scope| Scopes::of(&[*scope]).list() == vec![*scope]));
    }
}

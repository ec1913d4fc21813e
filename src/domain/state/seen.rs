//! What a caller finds: nothing of another venue than theirs, which is answered like what is not there.

use uuid::Uuid;

use super::TenantState;
use crate::domain::actions::Action;
use crate::domain::approvals::Approval;
use crate::domain::blocks::Block;
use crate::domain::blocks::grants::Grant;
use crate::domain::people::Caller;
use crate::domain::rejection::Rejection;
use crate::domain::tasks::Task;
use crate::domain::violations::Violation;

impl TenantState {
    /// A violation that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn violation_for(&self, id: &Uuid, caller: &Caller) -> Result<&Violation, Rejection> {
        let seen = |one: &&Violation| caller.reaches(one.venue_id.as_ref());
        self.violations.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A block that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn block_for(&self, id: &Uuid, caller: &Caller) -> Result<&Block, Rejection> {
        let seen = |one: &&Block| caller.reaches(one.venue_id.as_ref());
        self.blocks.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// An action that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn action_for(&self, id: &Uuid, caller: &Caller) -> Result<&Action, Rejection> {
        let seen = |one: &&Action| caller.reaches(one.venue_id.as_ref());
        self.actions.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A request for approval that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn approval_for(&self, id: &Uuid, caller: &Caller) -> Result<&Approval, Rejection> {
        let seen = |one: &&Approval| caller.reaches(one.venue_id.as_ref());
        self.approvals.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A run that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn task_for(&self, id: &Uuid, caller: &Caller) -> Result<&Task, Rejection> {
        let seen = |one: &&Task| caller.reaches(one.venue_id.as_ref());
        self.tasks.get(id).filter(seen).ok_or(Rejection::NotFound)
    }

    /// A grant that the caller may see.
    ///
    /// # Errors
    /// [`Rejection::NotFound`].
    pub fn grant_for(&self, id: &Uuid, caller: &Caller) -> Result<&Grant, Rejection> {
        let seen = |one: &&Grant| caller.reaches(one.venue_id.as_ref());
        self.grants.get(id).filter(seen).ok_or(Rejection::NotFound)
    }
}

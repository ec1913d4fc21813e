//! All tasks of an organisation.

use uuid::Uuid;

use super::{LogLine, PROGRESS_WHOLE, Task, TaskFinished, TaskProgressed, TaskStatus};
use crate::domain::table::{Digest, Table};
use crate::domain::time::Timestamp;

/// The tasks of one organisation.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    table: Table<Uuid, Task>,
}

impl Tasks {
    /// The task of this id.
    pub fn get(&self, id: &Uuid) -> Option<&Task> {
        self.table.get(id)
    }

    /// Every task, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.table.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Works out the digests of what was changed.
    pub fn catch_up(&mut self) {
        self.table.catch_up();
    }

    /// The digest of all.
    pub fn digest(&self) -> Digest {
        self.table.digest()
    }

    /// Takes one in: new, or from a snapshot.
    pub fn add(&mut self, task: Task) {
        self.table.insert(task.id, task);
    }

    /// Folds in what one said.
    pub fn progressed(&mut self, event: &TaskProgressed) {
        self.table.update(&event.id, |task| task.say(event.lines.iter().cloned()));
    }

    /// Folds in that another try will be made.
    pub fn tried_again(&mut self, id: &Uuid, attempt: u32, next_at: Timestamp, line: LogLine) {
        self.table.update(id, |task| {
            (task.attempt, task.next_at) = (attempt, Some(next_at));
            task.say([line]);
        });
    }

    /// Folds an end in.
    pub fn finished(&mut self, at: Timestamp, event: &TaskFinished) {
        self.table.update(&event.id, |task| {
            task.say(event.line.clone());
            (task.status, task.next_at, task.finished_at) = (event.status, None, Some(at));
            if event.status == TaskStatus::Succeeded {
                task.progress = PROGRESS_WHOLE;
            }
        });
    }
}

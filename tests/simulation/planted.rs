//! Bugs that are planted on purpose: a harness that does not find them proves nothing.

use action_center::domain::event::Event;

/// What is wrong with the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Nothing.
    Nothing,
    /// A commit that the journal refused is acknowledged all the same.
    AcknowledgesRefused,
    /// A commit is acknowledged and shown before the journal has it.
    AcknowledgesEarly,
    /// A restart loses the last record.
    DropsLastRecord,
    /// A restart keeps the state that was in memory, whether it was durable or not.
    KeepsMemory,
    /// A repeated request is done again.
    ForgetsKeys,
    /// The blocks of one organisation are shown under the other.
    MixesIndexes,
    /// A command is decided against the state of one organisation and written to the other.
    MixesStreams,
    /// A lift happens twice.
    LiftsTwice,
    /// A repeated report counts double.
    CountsTwice,
    /// Resolving leaves pending what is pending.
    LeavesPending,
    /// Resolving leaves the blocks that go with it.
    LeavesBlocks,
    /// A rung is told twice.
    EscalatesTwice,
}

impl Planted {
    /// Every bug.
    pub const BUGS: [Self; 12] = [
        Self::AcknowledgesRefused,
        Self::AcknowledgesEarly,
        Self::DropsLastRecord,
        Self::KeepsMemory,
        Self::ForgetsKeys,
        Self::MixesIndexes,
        Self::MixesStreams,
        Self::LiftsTwice,
        Self::CountsTwice,
        Self::LeavesPending,
        Self::LeavesBlocks,
        Self::EscalatesTwice,
    ];

    /// Words that stand in what the judge says when it finds this bug; several, since some show in more than one place.
    pub fn shows_as(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::AcknowledgesRefused | Self::AcknowledgesEarly => &["is not in the journal"],
            Self::DropsLastRecord => &["is not in the journal", "is damaged", "the answer at"],
            // a block that only memory has is shown, too
            Self::KeepsMemory => {
                &["another state than memory", "the journal refused", "nobody decided", "is blocked by nothing"]
            }
            Self::ForgetsKeys => &["was done twice"],
            Self::MixesIndexes => &["is blocked by nothing", "instead of"],
            Self::MixesStreams => &["speaks of", "is not open", "is in both", "was reported as"],
            Self::LiftsTwice => &["ended twice"],
            Self::CountsTwice => &["was reported"],
            Self::LeavesPending => &["has a pending action"],
            Self::LeavesBlocks => &["holds a block"],
            Self::EscalatesTwice => &["does not climb", "steps"],
        }
    }

    /// The events as this bug would have them.
    pub fn distorts(self, events: Vec<Event>) -> Vec<Event> {
        let resolves = events.iter().any(|event| matches!(event, Event::ViolationResolved { .. }));
        let mut distorted = Vec::with_capacity(events.len());
        for mut event in events {
            let lost = match &event {
                Event::ActionDismissed { .. } | Event::ActionStopped(_) => resolves && self == Self::LeavesPending,
                Event::BlockLifted { .. } => resolves && self == Self::LeavesBlocks,
                _ => false,
            };
            if lost {
                continue;
            }
            if let Event::ViolationRepeated(repeat) = &mut event
                && self == Self::CountsTwice
            {
                repeat.occurrences += 1;
            }
            if matches!(event, Event::BlockLifted { .. }) && self == Self::LiftsTwice {
                distorted.push(event.clone());
            }
            if matches!(event, Event::ActionEscalated(_)) && self == Self::EscalatesTwice {
                distorted.push(event.clone());
            }
            distorted.push(event);
        }
        distorted
    }
}

//! Why something could not be stored, or stored bytes not be read.

/// What is wrong with a commit, a payload, an event or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// A payload of a version that this program does not know.
    #[error("payload version {version} is unknown to this program")]
    UnknownPayload {
        /// The version it names.
        version: u8,
    },
    /// An event of a type or schema that this program does not know.
    #[error("event type {event_type}, schema {schema} is unknown to this program")]
    UnknownEvent {
        /// The type it names; see [`kinds`](super::kinds).
        event_type: u16,
        /// The schema it names.
        schema: u16,
    },
    /// A snapshot of a schema that this program does not know.
    #[error("snapshot schema {schema} is unknown to this program")]
    UnknownSnapshot {
        /// The schema it names.
        schema: u16,
    },
    /// A number that stands for nothing.
    #[error("{number} is no {of}")]
    UnknownNumber {
        /// What it should stand for.
        of: &'static str,
        /// The number.
        number: u16,
    },
    /// Fewer bytes than were announced.
    #[error("the bytes end early")]
    Short,
    /// More bytes than were announced.
    #[error("{bytes} bytes too many")]
    Rest {
        /// How many.
        bytes: usize,
    },
    /// Bytes that are no value of their type.
    #[error("{what}: {why}")]
    Malformed {
        /// What they should be.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// More bytes than can be stored; nothing was.
    #[error("{what} is too large to be stored: {why}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Which limit it exceeds.
        why: String,
    },
    /// A record that says nothing; even a record that changed nothing says that a request was answered.
    #[error("a record without events")]
    NoEvents,
    /// A record that is not the next one.
    #[error("a record starts at {found} where {expected} is next")]
    Gap {
        /// The number of the next event.
        expected: u64,
        /// The number of the record's first event.
        found: u64,
    },
    /// A record that holds more or fewer events than its envelope says.
    #[error("the events end at {found} where the record ends at {expected}")]
    Count {
        /// The number of the record's last event.
        expected: u64,
        /// The number of the last event in it.
        found: u64,
    },
}

impl StoredError {
    /// That bytes are no `what`, because of `why`.
    pub fn malformed(what: &'static str, why: impl ToString) -> Self {
        Self::Malformed { what, why: why.to_string() }
    }
}

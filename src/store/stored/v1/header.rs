//! What a payload says before its events: who caused it, under which idempotency key, with which answer.

use crate::domain::decision::Reply;
use crate::domain::idempotency::Request;
use crate::domain::people::{Cause, Who};
use crate::store::stored::error::StoredError;
use crate::store::stored::form::{Form, frozen};

const PERSON: u8 = 1;
const KEY: u8 = 2;
const OPERATOR: u8 = 3;
const SCHEDULE: u8 = 4;

/// The head of a payload.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeaderV1 {
    /// Why the record exists.
    pub cause: CauseV1,
    /// The idempotency key, where there was one.
    pub request: Option<RequestV1>,
    /// What the caller was told, where the request may be repeated.
    pub reply: Option<ReplyV1>,
}

/// Who did something: a number for the kind, and the ids that this kind has.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WhoV1 {
    /// 1 a person, 2 a key, 3 the operator, 4 the schedule.
    pub kind: u8,
    /// The key's id; of keys only.
    pub key: Option<String>,
    /// The person, or whose key it is.
    pub person: Option<String>,
}

frozen! {
    /// Who, by which way, for which request.
    CauseV1 of Cause {
        who: WhoV1,
        via: u8,
        request: Option<String>,
    }

    /// An idempotency key and what of the request must be the same.
    RequestV1 of Request {
        key: String,
        print: [u8; 16],
    }

    /// An answer.
    ReplyV1 of Reply {
        done: u8,
        body: Vec<u8>,
    }
}

impl Form<Who> for WhoV1 {
    fn freeze(value: &Who) -> Self {
        match value {
            Who::Person(person) => Self { kind: PERSON, key: None, person: Some(Form::freeze(person)) },
            Who::Key { id, person } => Self { kind: KEY, key: Some(Form::freeze(id)), person: Form::freeze(person) },
            Who::Operator => Self { kind: OPERATOR, key: None, person: None },
            Who::Schedule => Self { kind: SCHEDULE, key: None, person: None },
        }
    }

    fn thaw(self) -> Result<Who, StoredError> {
        match (self.kind, self.key, self.person) {
            (PERSON, None, Some(person)) => Ok(Who::Person(person.thaw()?)),
            (KEY, Some(id), person) => Ok(Who::Key { id: id.thaw()?, person: person.thaw()? }),
            (OPERATOR, None, None) => Ok(Who::Operator),
            (SCHEDULE, None, None) => Ok(Who::Schedule),
            (PERSON..=SCHEDULE, ..) => Err(StoredError::malformed("who", "the ids do not fit the kind")),
            (number, ..) => Err(StoredError::UnknownNumber { of: "Who", number: number.into() }),
        }
    }
}

//! The block index: every standing block of every organisation, in memory, for the check.
//!
//! Promise: a check is one look-up and one copy: no lock, no mailbox, no await, and no allocation but the answer's.
//! Written only by the actors at publish; a key's blocks are replaced as one.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use papaya::HashMap;
use rust_decimal::Decimal;

use super::as_it_is::AsItIs;
use crate::domain::blocks::BlockKey;
use crate::domain::blocks::check::Ruling;
use crate::domain::blocks::verdict::{Pass, Verdict, write_allowed};
use crate::domain::ids::{OUTSIDE_ID_BYTES_MAX, StreamId};

/// A question.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the field names are the product's words")]
pub struct Question<'a> {
    pub block_type: &'a str,
    pub entity_id: &'a str,
    pub venue_id: Option<&'a str>,
    pub amount: Option<Decimal>,
}

/// The index.
#[derive(Debug)]
pub struct BlockIndex {
    blocks: HashMap<Name, Standing, AsItIs>,
    /// Two independent hashes, keyed at random for this process.
    hashes: (RandomState, RandomState),
}

/// Stream, operation and entity as 128 bits of two SipHash-1-3, each under a random key that never leaves the process. Comparing these
/// instead of the texts saves a look-up two distant reads. With a million names, the chance that any two are taken for one another
/// is 10⁻²⁷, and nobody outside can look for such a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name(u64, u64);

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// The blocks of a name; nearly always one, which then needs no allocation of its own.
#[derive(Debug)]
enum Standing {
    One(Verdict),
    /// One that a grant opens: behind a pointer, since grants are few and names without them are to stay as small as they are.
    Opened(Box<(Verdict, Pass)>),
    Many(Box<Ruling>),
}

impl Standing {
    fn of(ruling: Ruling) -> Option<Self> {
        let Ruling { mut verdicts, mut passes } = ruling;
        match (verdicts.len(), passes.len()) {
            (0, _) => None,
            (1, 0) => verdicts.pop().map(Self::One),
            (1, 1) => verdicts.pop().zip(passes.pop()).map(|both| Self::Opened(Box::new(both))),
            _ => {
                verdicts.shrink_to_fit();
                passes.shrink_to_fit();
                Some(Self::Many(Box::new(Ruling { verdicts, passes })))
            }
        }
    }

    fn verdicts(&self) -> &[Verdict] {
        match self {
            Self::One(verdict) => std::slice::from_ref(verdict),
            Self::Opened(both) => std::slice::from_ref(&both.0),
            Self::Many(ruling) => &ruling.verdicts,
        }
    }

    fn passes(&self) -> &[Pass] {
        match self {
            Self::One(_) => &[],
            Self::Opened(both) => std::slice::from_ref(&both.1),
            Self::Many(ruling) => &ruling.passes,
        }
    }
}

impl Default for BlockIndex {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl BlockIndex {
    /// An index with room for so many keys.
    pub fn with_capacity(keys: usize) -> Self {
        let blocks = HashMap::builder().capacity(keys).hasher(AsItIs::default()).build();
        Self { blocks, hashes: (RandomState::new(), RandomState::new()) }
    }

    /// Puts the blocks and grants of a key in place of what was there; none takes the key out.
    pub fn put(&self, stream: StreamId, key: &BlockKey, ruling: impl Into<Ruling>) {
        let name = self.name(stream, &key.block_type, key.entity_id.as_str());
        let pinned = self.blocks.pin();
        match Standing::of(ruling.into()) {
            Some(standing) => drop(pinned.insert(name, standing)),
            None => drop(pinned.remove(&name)),
        }
    }

    /// Answers a question at `now_ms` and writes the answer as JSON, with `version` in it. Gives whether it is blocked.
    pub fn check(
        &self,
        stream: StreamId,
        question: &Question<'_>,
        now_ms: i64,
        version: u64,
        out: &mut Vec<u8>,
    ) -> bool {
        let digits = Digits::of(version);
        let name = self.name(stream, question.block_type, question.entity_id);
        let pinned = self.blocks.pin();
        let standing = pinned.get(&name);
        let applies = |one: &&Verdict| one.applies(question.venue_id, question.amount, now_ms);
        let Some((standing, verdict)) =
            standing.and_then(|standing| Some((standing, standing.verdicts().iter().find(applies)?)))
        else {
            write_allowed(digits.as_bytes(), out);
            return false;
        };
        let opens = |one: &&Pass| one.applies(question.venue_id, question.amount, now_ms);
        let pass = standing.passes().iter().find(opens);
        match pass {
            Some(pass) => pass.write(digits.as_bytes(), out),
            None => verdict.write(digits.as_bytes(), out),
        }
        pass.is_none()
    }

    fn name(&self, stream: StreamId, block_type: &str, entity_id: &str) -> Name {
        // In one piece, with both lengths before the texts so that these cannot run into each other: a hasher that is fed piece by
        // piece takes twice as long. What is too long for that has no block and is nobody's usual question.
        let mut room = [0_u8; 2 * 8 + 2 * OUTSIDE_ID_BYTES_MAX];
        let length = 16 + block_type.len() + entity_id.len();
        let whole = room.get_mut(..length.next_multiple_of(8)).map(|whole| {
            let (numbers, texts) = whole.split_at_mut(16);
            let lengths = (block_type.len() as u64) << 32 | entity_id.len() as u64;
            numbers[..8].copy_from_slice(&stream.0.to_le_bytes());
            numbers[8..].copy_from_slice(&lengths.to_le_bytes());
            texts[..block_type.len()].copy_from_slice(block_type.as_bytes());
            texts[block_type.len()..][..entity_id.len()].copy_from_slice(entity_id.as_bytes());
            &*whole
        });
        let hash = |keyed: &RandomState| match whole {
            Some(whole) => {
                let mut hasher = keyed.build_hasher();
                hasher.write(whole);
                hasher.finish()
            }
            None => keyed.hash_one((stream, block_type, entity_id)),
        };
        Name(hash(&self.hashes.0), hash(&self.hashes.1))
    }

    /// How many keys have blocks.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether no key has.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

/// A number in decimal.
struct Digits {
    room: [u8; 20],
    first: usize,
}

impl Digits {
    fn of(number: u64) -> Self {
        let (mut room, mut first, mut rest) = ([0; 20], 20, number);
        loop {
            first -= 1;
            room[first] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                return Self { room, first };
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.room[self.first..]
    }
}

#[cfg(test)]
mod tests;

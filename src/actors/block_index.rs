//! The block index: every standing block of every organisation, in memory, for the check.
//!
//! Promise: a check is one look-up and one copy: no lock, no mailbox, no await, and no allocation but the answer's.
//! Written only by the actors at publish; a key's blocks are replaced as one.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use papaya::HashMap;
use rust_decimal::Decimal;

use crate::domain::blocks::BlockKey;
use crate::domain::blocks::check::{ALLOWED, Pass, Ruling, Verdict};
use crate::domain::ids::StreamId;

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
    blocks: HashMap<Name, Standing, BuildHasherDefault<AsItIs>>,
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

/// Hands a hash on that is one already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(false, "only names are hashed, and they write one number: {bytes:?}");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The blocks of a name; nearly always one, which then needs no allocation of its own.
#[derive(Debug)]
enum Standing {
    One(Verdict),
    Many(Box<[Verdict]>),
    /// With grants, which are few: everything behind one pointer, so that names without them stay as small as before.
    Granted(Box<(Vec<Verdict>, Vec<Pass>)>),
}

impl Standing {
    fn verdicts(&self) -> &[Verdict] {
        match self {
            Self::One(verdict) => std::slice::from_ref(verdict),
            Self::Many(verdicts) => verdicts,
            Self::Granted(both) => &both.0,
        }
    }

    fn passes(&self) -> &[Pass] {
        match self {
            Self::One(_) | Self::Many(_) => &[],
            Self::Granted(both) => &both.1,
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
        let blocks = HashMap::builder().capacity(keys).hasher(BuildHasherDefault::default()).build();
        Self { blocks, hashes: (RandomState::new(), RandomState::new()) }
    }

    /// Puts the blocks and grants of a key in place of what was there; none takes the key out.
    pub fn put(&self, stream: StreamId, key: &BlockKey, ruling: impl Into<Ruling>) {
        let Ruling { mut verdicts, passes } = ruling.into();
        let name = self.name(stream, &key.block_type, key.entity_id.as_str());
        let pinned = self.blocks.pin();
        match verdicts.len() {
            0 => drop(pinned.remove(&name)),
            1.. if !passes.is_empty() => drop(pinned.insert(name, Standing::Granted(Box::new((verdicts, passes))))),
            1 => drop(verdicts.pop().map(|only| pinned.insert(name, Standing::One(only)))),
            _ => drop(pinned.insert(name, Standing::Many(verdicts.into()))),
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
        let name = self.name(stream, question.block_type, question.entity_id);
        let pinned = self.blocks.pin();
        let standing = pinned.get(&name);
        let applies = |one: &&Verdict| one.applies(question.venue_id, question.amount, now_ms);
        let Some((standing, verdict)) =
            standing.and_then(|standing| Some((standing, standing.verdicts().iter().find(applies)?)))
        else {
            write_answer(ALLOWED, version, out);
            return false;
        };
        let opens = |one: &&Pass| one.applies(question.venue_id, question.amount, now_ms);
        let pass = standing.passes().iter().find(opens);
        write_answer(pass.map_or(&verdict.answer, |pass| &pass.answer), version, out);
        pass.is_none()
    }

    fn name(&self, stream: StreamId, block_type: &str, entity_id: &str) -> Name {
        let hash = |keyed: &RandomState| {
            let mut hasher = keyed.build_hasher();
            hasher.write_u64(stream.0);
            hasher.write(block_type.as_bytes());
            hasher.write_u8(0xff); // in no UTF-8 text, so that the texts cannot run into each other
            hasher.write(entity_id.as_bytes());
            hasher.finish()
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

fn write_answer(start: &str, version: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    let mut rest = version;
    loop {
        first -= 1;
        digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.reserve_exact(start.len() + digits.len() - first + 1);
    out.extend_from_slice(start.as_bytes());
    out.extend_from_slice(&digits[first..]);
    out.push(b'}');
}

#[cfg(test)]
mod tests;
